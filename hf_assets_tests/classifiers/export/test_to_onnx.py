"""The exported graph against torch: real MiniLM, and a tiny network of each architecture."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import helper, numpy_helper
from transformers import AutoConfig, AutoTokenizer

from hf_assets.classifiers.export import to_onnx as module
from hf_assets.classifiers.export.quantize import quantize
from hf_assets.classifiers.export.quantizers import CANDIDATES, DYNAMIC, LAST_RESORT
from hf_assets.classifiers.export.to_onnx import PARITY, ParityError, export
from hf_assets.classifiers.records import ExportRecord
from hf_assets.classifiers.tagger import Tagger
from hf_assets.classifiers.training.network import TagNetwork, load_network, load_tokenizer, predict
from hf_assets_tests.support.classifiers.minilm import LABELS, TINY, TrainedModel, split_of, tiny


class Exported(NamedTuple):
    """The folder of a classifier and its graph, and what its export said."""

    folder: Path
    network: TagNetwork
    facts: ExportRecord
    told: list[str]


TEXTS = ["word1 does word2", "", "how " * 50]


def test_the_graph_answers_as_torch_does(trained: TrainedModel) -> None:
    texts = [*trained.texts[:12], "", "long " * 400, "细胞 👩‍🔬 \x00"]
    network, tokenizer = (
        load_network(trained.classifier),
        load_tokenizer(trained.classifier),
    )
    served = Tagger.load(trained.onnx).scores(texts)
    assert np.abs(served - predict(network, tokenizer, texts)).max() < PARITY


def test_facts_are_those_of_the_file(trained: TrainedModel) -> None:
    facts = json.loads((trained.onnx / "export.json").read_bytes())
    path = trained.onnx / "onnx/model.onnx"
    assert facts["bytes"] == path.stat().st_size
    assert 0 < facts["max_difference"] <= facts["allowed"] == PARITY
    assert facts["texts"] == 4
    assert {(1, 1), (1, 7), (1, 32), (8, 1), (8, 7), (8, 32)} <= set(map(tuple, facts["shapes"]))
    assert facts["inputs"] == ["input_ids", "attention_mask", "token_type_ids"]
    assert facts["outputs"] == ["logits"]
    assert [one.name for one in (trained.onnx / "onnx").iterdir()] == ["model.onnx"]


def test_nothing_of_this_machine_is_in_the_graph(trained: TrainedModel) -> None:
    written = (trained.onnx / "onnx/model.onnx").read_bytes()
    assert b"site-packages" not in written
    assert str(Path(module.__file__).parents[2]).encode() not in written
    assert not onnx.load_from_string(written).graph.value_info


def test_hub_files(trained: TrainedModel) -> None:
    config = json.loads((trained.onnx / "config.json").read_bytes())
    assert config["architectures"] == ["BertForSequenceClassification"]
    assert config["problem_type"] == "multi_label_classification"
    assert [config["id2label"][str(i)] for i in range(len(LABELS))] == list(LABELS)
    assert config["label2id"] == {label: i for i, label in enumerate(LABELS)}
    wanted = {"threshold": 0.25, "max_length": 32, "pooling": "mean", "corpus": "topics"}
    assert {name: config[name] for name in wanted} == wanted
    assert not any(name.startswith("_") for name in config)
    read = AutoConfig.from_pretrained(trained.onnx, trust_remote_code=False)
    assert read.id2label == dict(enumerate(LABELS))
    tokenizer: Any = AutoTokenizer.from_pretrained(trained.onnx, trust_remote_code=False)
    assert tokenizer.model_max_length == 32


@pytest.fixture(
    scope="module",
    params=[
        "bert",
        *(pytest.param(name, marks=pytest.mark.heavy) for name in TINY if name != "bert"),
    ],
)
def kind(request: pytest.FixtureRequest) -> str:
    """An architecture; `test_network.py` exports each of them quickly, without ONNX."""
    return request.param


@pytest.fixture(scope="module")
def exported(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """A tiny network of that architecture, exported."""
    folder = tmp_path_factory.mktemp(kind)
    network = tiny(kind, folder / "classifier").eval()
    (folder / "onnx").mkdir()
    told: list[str] = []
    facts = export(folder / "classifier", folder / "onnx", TEXTS, told.append)
    return Exported(folder, network, facts, told)


def test_each_architecture(kind: str, exported: Exported) -> None:
    tmp_path, network, facts, told = exported
    assert facts.inputs == list(network.input_names)
    assert ("token_type_ids" in facts.inputs) == (kind == "bert")
    assert any("difference" in line for line in told)
    session = onnxruntime.InferenceSession(tmp_path / "onnx/onnx/model.onnx")
    assert [one.shape for one in session.get_inputs()] == [["batch", "length"]] * len(facts.inputs)
    for rows, length in ((1, 1), (1, 5), (4, 24), (2, 2)):
        ids = torch.randint(5, 40, (rows, length), generator=torch.Generator().manual_seed(1))
        given = {
            "input_ids": ids,
            "attention_mask": torch.ones_like(ids),
            "token_type_ids": ids * 0,
        }
        given = {name: given[name] for name in facts.inputs}
        with torch.inference_mode():
            wanted = network(**given).numpy()
        got = np.asarray(session.run(["logits"], {n: t.numpy() for n, t in given.items()})[0])
        assert got.shape == (rows, len(LABELS))
        np.testing.assert_allclose(got, wanted, atol=PARITY)


def test_each_architecture_bears_each_candidate(exported: Exported) -> None:
    folder, told = exported.folder, list[str]()
    (folder / "quantized").mkdir()
    facts = quantize(
        folder / "onnx",
        folder / "quantized",
        split_of(10, seed=1),
        told.append,
        max_loss=1.0,
        training_texts=split_of(20, seed=2).texts,
        candidates=(*CANDIDATES, *DYNAMIC, LAST_RESORT),
    )
    assert len(facts.candidates) == 6
    rejected = {one.name: one.rejected for one in facts.candidates if one.rejected}
    if exported.network.encoder.config.model_type == "deberta":
        # Its attention adds up three products.
        assert set(rejected) == {one.name for one in CANDIDATES}
        assert sum("is not possible: " in line for line in told) == 2
    else:
        assert not rejected
        # Tables outweigh what int8 saves of so small a network: not one of these need be chosen.
        same = {one.name: one.sameness for one in facts.candidates}
        assert {each.largest for one in CANDIDATES if (each := same[one.name])} == {0.0}
    whole, small = (Tagger.load(folder / name).scores(TEXTS) for name in ("onnx", "quantized"))
    assert np.abs(small - whole).max() < 0.1


def _scaled(network: TagNetwork, path: Path, graph: bytes) -> None:
    path.write_bytes(graph)
    with torch.no_grad():
        network.head.weight.div_(1.01)


def _without_mask(_: TagNetwork, path: Path, graph: bytes) -> None:
    # As exported graphs have been: padding counts.
    model = onnx.load_from_string(graph)
    ones = [
        helper.make_node("Shape", ["attention_mask"], ["mask_shape"]),
        helper.make_node(
            "ConstantOfShape", ["mask_shape"], ["no_mask"],
            value=numpy_helper.from_array(np.ones(1, np.int64)),
        ),
    ]  # fmt: skip
    users = [node for node in model.graph.node if "attention_mask" in node.input]
    assert users
    for node in users:
        node.input[:] = ["no_mask" if name == "attention_mask" else name for name in node.input]
    for at, node in enumerate(ones):
        model.graph.node.insert(at, node)
    onnx.save(model, path)


def _not_a_number(network: TagNetwork, path: Path, graph: bytes) -> None:
    path.write_bytes(graph)
    with torch.no_grad():
        network.head.bias[0] = torch.nan


@pytest.mark.parametrize("wrong", [_scaled, _without_mask, _not_a_number])
def test_another_graph_is_refused(
    wrong: Any, small_made: TrainedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = (small_made.onnx / "onnx/model.onnx").read_bytes()
    (tmp_path / "onnx").mkdir()
    monkeypatch.setattr(module, "write_graph", lambda *given: wrong(*given, graph))
    with pytest.raises(ParityError, match=r"differs from torch's by (\d|nan)"):
        export(small_made.classifier, tmp_path / "onnx", TEXTS)
    assert not (tmp_path / "onnx/export.json").exists()


def test_parity_needs_texts(tmp_path: Path) -> None:
    tiny("bert", tmp_path / "classifier")
    (tmp_path / "onnx").mkdir()
    with pytest.raises(ValueError, match="text or more"):
        export(tmp_path / "classifier", tmp_path / "onnx", [])
