"""Int8 that answers alike everywhere: proven by arithmetic on the graph, and tried."""

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from onnx import numpy_helper

from hf_assets.classifiers.export.calibration import draw_calibration
from hf_assets.classifiers.export.exact import exact
from hf_assets.classifiers.export.integers import (
    PAIR,
    activation_range,
    integer_weights,
    largest_pairs,
)
from hf_assets.classifiers.export.parts import NotExact
from hf_assets.classifiers.export.quantize import quantize
from hf_assets.classifiers.export.quantizers import CANDIDATES, DYNAMIC
from hf_assets.classifiers.export.sameness import measure_sameness
from hf_assets.classifiers.tagger import Tagger
from hf_assets_tests.benchmarks.serving_elsewhere import logits_at, why_not
from hf_assets_tests.support.classifiers.minilm import TrainedModel, split_of

TEXTS = [*split_of(20, seed=3).texts, "", "bridge", "cell " * 60]


def test_a_text_has_one_answer_alone_in_batches_and_on_threads(trained: TrainedModel) -> None:
    tagger = Tagger.load(trained.quantized)
    assert tagger.batches
    alone = np.concatenate([tagger.scores([text]) for text in TEXTS])
    others = [tagger.scores(TEXTS), Tagger.load(trained.quantized, threads=2).scores(TEXTS)]
    others += [np.stack(list(tagger.each(iter(TEXTS), None, ahead=True)))]
    for scores in others:
        # The head alone is float.
        np.testing.assert_allclose(scores, alone, rtol=0, atol=1e-6)
    same = measure_sameness(tagger, TEXTS)
    assert same.texts == len(TEXTS)
    assert same.labels == 0
    assert same.largest <= 1e-6


def test_no_sum_of_two_neighbours_saturates(trained: TrainedModel) -> None:
    """What `vpmaddubsw` adds in 16 bits fits there, whatever the text."""
    graph = onnx.load(trained.quantized / "onnx/model_quantized.onnx").graph
    constants = {one.name: one for one in graph.initializer}
    products = [node for node in graph.node if node.op_type == "MatMulIntegerToFloat"]
    assert len(products) % 6 == 0
    assert products
    for node in products:
        weights = numpy_helper.to_array(constants[node.input[1]])
        assert weights.dtype == np.int8
        assert 255 * largest_pairs(weights).max() <= 2**15 - 1
    # No other product has weights, but for the head.
    floats = [n for n in graph.node if n.op_type in ("MatMul", "Gemm") and n.input[1] in constants]
    assert [node.output[0] for node in floats] == ["logits"]


@settings(max_examples=30, deadline=None)
@given(
    arrays(
        np.float32,
        st.tuples(st.integers(1, 7), st.integers(1, 4)),
        elements=st.floats(-9, 9, width=32),
    )
)
def test_weights_keep_to_the_pair_and_near_the_original(weights: np.ndarray) -> None:
    whole, scale = integer_weights(weights)
    assert largest_pairs(whole).max() <= PAIR
    assert np.abs(whole * scale - weights).max() <= scale.max() * 0.51


def test_a_range_holds_zero_and_cuts_what_is_rare_and_of_no_weight() -> None:
    rows = np.random.default_rng(0).normal(size=(500, 8)).astype(np.float32)
    rows[0, 0] = 100.0
    chosen = activation_range(rows, np.ones(8))
    assert chosen.rounded(np.zeros(1))[0] == 0.0
    assert chosen.rounded(rows).max() > 95
    assert activation_range(rows, np.array([1e-6, *[1] * 7])).rounded(rows).max() < 50
    positive = activation_range(np.abs(rows), np.ones(8))
    assert positive.zero == 0
    assert activation_range(np.zeros((3, 8), np.float32), np.ones(8)).scale == 1


def test_the_facts_say_how_it_was_calibrated_and_how_it_is_served(trained: TrainedModel) -> None:
    facts = json.loads((trained.quantized / "quantization.json").read_bytes())
    assert facts["optimization"] == "all"
    assert facts["calibration"]["texts"] == 64
    assert len(facts["calibration"]["sha256"]) == 64
    served = json.loads((trained.quantized / "config.json").read_bytes())["quantization"]
    assert served.pop("largest_difference") <= 1e-6
    assert served.pop("texts") == 24
    assert served == {"name": facts["chosen"], "batches": True, "optimization": "all"}
    assert facts["chosen"] in {one.name for one in CANDIDATES}


def test_the_same_texts_calibrate_each_time_and_few_are_enough(small_made: TrainedModel) -> None:
    texts = split_of(90, seed=1).texts
    one, again = (draw_calibration(small_made.onnx, texts) for _ in range(2))
    assert one == again
    assert one.record.sha256 != draw_calibration(small_made.onnx, texts[1:]).record.sha256
    model = onnx.load(small_made.onnx / "onnx/model.onnx")
    head = model.graph.node[-1].name
    for few in (["bridge"], ["", "a"]):
        made = exact(model, head, draw_calibration(small_made.onnx, few))
        assert any(node.op_type == "MatMulIntegerToFloat" for node in made.graph.node)
    with pytest.raises(NotExact, match="no training texts"):
        exact(model, head, draw_calibration(small_made.onnx, []))


def test_a_part_without_an_exact_form_leaves_scales_to_each_text(
    small_made: TrainedModel, tmp_path: Path
) -> None:
    source = shutil.copytree(small_made.onnx, tmp_path / "onnx")
    model = onnx.load(source / "onnx/model.onnx")
    (pooled,) = (node for node in model.graph.node if node.op_type == "Div")
    node = onnx.helper.make_node("Tanh", [pooled.output[0]], ["bent"], name="bent")
    for each in model.graph.node:
        each.input[:] = ["bent" if name == pooled.output[0] else name for name in each.input]
    model.graph.node.insert(list(model.graph.node).index(pooled) + 1, node)
    onnx.save(model, source / "onnx/model.onnx")
    (tmp_path / "int8").mkdir()
    told: list[str] = []
    facts = quantize(
        source, tmp_path / "int8", small_made.validation, told.append, max_loss=1.0,
        training_texts=small_made.texts, candidates=CANDIDATES[:1], fallback=DYNAMIC[2:],
    )  # fmt: skip
    assert facts.chosen == DYNAMIC[2].name
    why = f"{CANDIDATES[0].name} is not possible: Tanh (bent) has no exact form here"
    assert why in told
    assert facts.passed_over == [why]
    served = json.loads((tmp_path / "int8/config.json").read_bytes())["quantization"]
    assert served["name"] == DYNAMIC[2].name


def test_a_folder_of_an_earlier_version_is_served_one_text_at_a_time(
    small_made: TrainedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(small_made.quantized, tmp_path / "int8")
    shapes: list[int] = []

    def served(name: str) -> list[int]:
        tagger = Tagger.load(folder)
        feed = tagger._feed
        monkeypatch.setattr(tagger, "_feed", lambda them: (shapes.append(len(them)), feed(them))[1])
        shapes.clear()
        tagger.scores(TEXTS)
        return list(shapes)

    assert max(served("today's")) > 1
    config = json.loads((folder / "config.json").read_bytes())
    config["quantization"]["batches"] = False
    (folder / "config.json").write_text(json.dumps(config))
    assert served("dynamic") == [1] * len(TEXTS)
    del config["quantization"]
    (folder / "config.json").write_text(json.dumps(config))
    assert served("earlier") == [1] * len(TEXTS)
    assert not Tagger.load(small_made.onnx).batches


@pytest.mark.release
@pytest.mark.heavy
@pytest.mark.parametrize("place", ["qemu", "node"])
def test_another_processor_gives_the_same_answer(trained: TrainedModel, place: str) -> None:
    if reason := why_not(place):
        pytest.skip(reason)
    tagger, texts = Tagger.load(trained.quantized), TEXTS[-6:]
    here, there = (logits_at(where, tagger, texts) for where in ("here", place))
    np.testing.assert_allclose(there, here, rtol=0, atol=1e-5)
