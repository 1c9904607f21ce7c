"""Every architecture from random weights to a tagger, and those that are refused by name."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from hf_assets.classifiers.encoders.reading import NetworkError, freeze_below, read_encoder
from hf_assets.classifiers.export.quantize import quantize
from hf_assets.classifiers.export.to_onnx import export
from hf_assets.classifiers.tagger import Tagger
from hf_assets.classifiers.training.base_models import BaseModel
from hf_assets.classifiers.training.config import Recipe
from hf_assets.classifiers.training.network import (
    features,
    load_network,
    load_tokenizer,
    new_network,
    predict,
    save_network,
)
from hf_assets_tests.classifiers.conftest import MakeCorpus
from hf_assets_tests.support.classifiers.architectures import ENCODERS, OTHERS, write_base
from hf_assets_tests.support.classifiers.training import run

TEXTS = ["bridge river concrete", "violin", "what is the best sensor motor wheel to have", ""]
RECIPE = Recipe(epochs=1, batch_size=16, max_length=24)
# CI goes the complete way with an encoder that becomes exact int8 and with the base model of the
# package that does not; all others go it before a release.
FEW = ("bert", "deberta")
# Why an encoder has no exact form: it gets the dynamic one, served a text at a time.
INEXACT = {
    "deberta": "an attention's scores are made by Where",
    "deberta-v2": "an attention's scores are made by Where",
    "modernbert": "an attention's mask is of more than padding",
    "albert": "Pow (node_pow_1) has no exact form here",
}


@pytest.mark.heavy
@pytest.mark.parametrize(
    "kind",
    [each if each in FEW else pytest.param(each, marks=pytest.mark.release) for each in ENCODERS],
)
def test_random_weights_become_a_tagger(kind: str, tmp_path: Path, make_corpus: MakeCorpus) -> None:
    corpus, source = make_corpus(48, 24), write_base(tmp_path / "base", kind)
    # ALBERT shares the weights of its layers.
    layers = None if kind == "albert" else 1
    base = BaseModel(kind, f"random/{kind}", revision="abc", pooling="cls", layers_to_train=layers)
    record = run(corpus, source, tmp_path / "classifier", RECIPE, base=base)
    assert (record.base_model_id, record.revision) == (f"random/{kind}", "abc")
    assert (record.pooling, record.layers_to_train) == ("cls", layers)
    for step in ("onnx", "quantized"):
        (tmp_path / step).mkdir()
    exported = export(tmp_path / "classifier", tmp_path / "onnx", TEXTS)
    assert exported.max_difference < 1e-4
    quantized = quantize(
        tmp_path / "onnx", tmp_path / "quantized", corpus.split("validation"),
        max_loss=1.0, max_macro_loss=1.0, training_texts=corpus.split("train").texts,
    )  # fmt: skip
    exact = [each for each in quantized.candidates if each.name.startswith("exact")]
    assert {each.rejected for each in exact} == {INEXACT.get(kind, "")}
    assert quantized.chosen.startswith("int8" if kind in INEXACT else "exact")
    config = json.loads((tmp_path / "quantized" / "config.json").read_text())
    assert config["pooling"] == "cls"
    assert config["quantization"]["name"] == quantized.chosen
    network = load_network(tmp_path / "classifier")
    assert network.pooling == "cls"
    torch_scores = predict(network, load_tokenizer(tmp_path / "classifier"), TEXTS)
    served = Tagger.load(tmp_path / "onnx", "onnx/model.onnx").scores(TEXTS)
    assert np.abs(torch_scores - served).max() < 1e-4
    assert Tagger.load(tmp_path / "quantized").scores(TEXTS).shape == torch_scores.shape


@pytest.mark.parametrize("kind", ENCODERS)
def test_features_are_those_of_the_text_whatever_it_is_padded_with(
    kind: str, tmp_path: Path
) -> None:
    source = write_base(tmp_path / kind, kind, pad=False)
    tokenizer = load_tokenizer(source)
    assert tokenizer.pad_token_id is None
    for pooling in ("mean", "cls"):
        network = new_network(source, ["a", "b"], 24, "eager", pooling=pooling)
        together = features(network, tokenizer, TEXTS)
        alone = np.concatenate([features(network, tokenizer, [text]) for text in TEXTS])
        assert np.abs(together - alone).max() < 1e-5


def test_poolings_differ_and_are_stored(tmp_path: Path) -> None:
    source = write_base(tmp_path / "base", "bert")
    tokenizer, answers = load_tokenizer(source), []
    for pooling, normalised in (("mean", False), ("cls", False), ("cls", True)):
        torch.manual_seed(0)
        network = new_network(source, ["a", "b"], 24, "eager", pooling=pooling)
        network.normalised = normalised
        folder = tmp_path / f"{pooling}{normalised}"
        folder.mkdir()
        answers.append(predict(network, tokenizer, TEXTS))
        save_network(network, tokenizer, folder)
        stored = load_network(folder, "eager")
        assert (stored.pooling, stored.normalised) == (pooling, normalised)
        assert np.array_equal(predict(stored, load_tokenizer(folder), TEXTS), answers[-1])
    for first, second in pairwise(answers):
        assert np.abs(first - second).max() > 1e-3


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("gpt2", "'gpt2', which is not used here: it is no masked language model"),
        ("t5", "'t5', which is not used here: it has a decoder, too"),
        ("bart", "'bart', which is not used here: it has a decoder, too"),
        ("fnet", "'fnet', which is not used here: it reads no attention_mask"),
        ("bert-decoder", "'bert', which is not used here: it is set up as a decoder"),
    ],
)
def test_what_is_no_encoder_is_refused_by_name(kind: str, said: str, tmp_path: Path) -> None:
    assert set(OTHERS) == {"gpt2", "t5", "bart", "fnet", "bert-decoder"}
    with pytest.raises(NetworkError) as refused:
        new_network(write_base(tmp_path / kind, kind), ["a"], 24)
    assert said in str(refused.value)
    assert "Take an encoder: BERT" in str(refused.value)


def test_a_program_of_the_model_s_own_is_refused(tmp_path: Path) -> None:
    folder = write_base(tmp_path / "own", "bert")
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "mine", "auto_map": {"AutoConfig": "mine.C", "AutoModel": "mine.M"}}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(NetworkError, match="program of its own to be run"):
        new_network(folder, ["a"], 24)


def test_a_length_beyond_the_positions_says_what_to_set(tmp_path: Path) -> None:
    # RoBERTa and its kin begin to count behind the padding id, which is always 1 for MPNet.
    for kind, limit in (("bert", 66), ("roberta", 65), ("mpnet", 64)):
        source = write_base(tmp_path / kind, kind)
        assert new_network(source, ["a"], limit).max_length == limit
        with pytest.raises(NetworkError, match=rf"takes 3 to {limit} tokens: set max_length"):
            new_network(source, ["a"], limit + 1)


def test_pieces_without_a_tokenizer_json_work_or_say_what_to_do(tmp_path: Path) -> None:
    folder = write_base(tmp_path / "pieces", "deberta-v2")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    (folder / "spm.model").write_bytes(b"no pieces")
    with pytest.raises(NetworkError, match="it needs a tokenizer"):
        load_tokenizer(folder)


def test_a_tokenizer_without_frame_is_refused(tmp_path: Path) -> None:
    folder = write_base(tmp_path / "bare", "bert")
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer | {"post_processor": None}))
    with pytest.raises(NetworkError, match="adds no opening or closing token"):
        load_tokenizer(folder)


@pytest.mark.parametrize("kind", [each for each in ENCODERS if each != "albert"])
def test_lower_layers_are_frozen(kind: str, tmp_path: Path) -> None:
    encoder = read_encoder(write_base(tmp_path / kind, kind), "eager")
    freeze_below(encoder, 1)
    trained = {name for name, each in encoder.named_parameters() if each.requires_grad}
    assert trained
    assert all(".1." in name or "final_norm" in name for name in trained)
    with pytest.raises(NetworkError, match=r"layers_to_train is 3, and this encoder .* has 2"):
        freeze_below(encoder, 3)


def test_shared_layers_cannot_be_frozen(tmp_path: Path) -> None:
    source = write_base(tmp_path / "albert", "albert")
    with pytest.raises(NetworkError, match="shares its weights between layers"):
        new_network(source, ["a"], 24, layers_to_train=1)
