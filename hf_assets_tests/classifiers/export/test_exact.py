"""Int8 that answers alike everywhere: proven by arithmetic on the graph, and tried."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from onnx import numpy_helper

from hf_assets.classifiers.export.calibration import draw_calibration
from hf_assets.classifiers.export.exact import _LARGEST, _STEP, _gelu, exact
from hf_assets.classifiers.export.integers import (
    PAIR,
    Range,
    activation_range,
    integer_weights,
    largest_pairs,
    without_halves,
)
from hf_assets.classifiers.export.packing import pack_lookups, packed
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


def test_no_exponential_is_so_near_a_half_that_last_bits_count() -> None:
    # A step more, as the largest score is rounded itself.
    exponents = np.arange(-2.0, _LARGEST + 2 * _STEP, _STEP)
    assert exponents[-1] == _LARGEST + _STEP
    found = np.exp(exponents)
    distance = np.abs(found - np.floor(found) - 0.5)
    # Float32 has 24 bits: a millionth is sixteen of the last.
    assert (distance / found).min() > 9e-7


def test_a_range_is_widened_until_no_result_is_near_a_half() -> None:
    inputs = np.arange(-8.0, 6.0, _STEP)
    results = np.array([_gelu(each) for each in inputs])
    # By this scale the third result from the end is a half.
    chosen = Range(np.float32(results[-3] / 200.5), np.uint8(9))
    found = without_halves(chosen, inputs, results)
    assert found is not None
    assert chosen.scale < found.scale < chosen.scale * 1.02
    assert found.zero == chosen.zero
    below, above = (found.bytes_of(results * (1 + error)) for error in (-3e-7, 3e-7))
    np.testing.assert_array_equal(below, above)
    # Where each of many is near one, there is none.
    assert without_halves(chosen, np.full(1000, 1e4), np.linspace(0, 3, 1000)) is None


def test_packed_embeddings_are_near_and_the_graph_reads_them(small_made: TrainedModel) -> None:
    table = np.random.default_rng(0).normal(size=(50, 12)).astype(np.float32)
    table[3] = 0.7
    values, scale, low = packed(table, 4)
    assert (values.shape, scale.shape, low.dtype) == ((50, 6), (50, 3), np.float16)
    steps = np.concatenate([values & 15, values >> 4], axis=1).reshape(50, 3, 4)
    again = (steps * scale[..., None].astype(np.float32) + low[..., None]).reshape(50, 12)
    assert np.abs(again - table).max() <= scale.max() * 0.51
    np.testing.assert_allclose(again[3], 0.7, atol=1e-3)
    model = onnx.load(small_made.onnx / "onnx/model.onnx")
    made = pack_lookups(model, 16, 1)
    assert made.ByteSize() < model.ByteSize()
    # The same graph with the values that the bytes stand for.
    read = {node.input[0] for node in model.graph.node if node.op_type == "Gather"}
    for one in model.graph.initializer:
        if one.name in read and len(one.dims) == 2:
            own = numpy_helper.to_array(one)
            values, scale, low = (each.astype(np.float32) for each in packed(own, 16))
            whole = values.astype(np.uint8)
            steps = np.concatenate([whole & 15, whole >> 4], axis=1).reshape(len(own), -1, 16)
            again = (steps * scale[..., None] + low[..., None]).reshape(own.shape)
            one.CopyFrom(numpy_helper.from_array(again.astype(np.float32), one.name))
    tagger = Tagger.load(small_made.onnx)
    logits = []
    for each in (model, made):
        session = onnxruntime.InferenceSession(each.SerializeToString())
        logits.append(np.asarray(session.run(["logits"], tagger.feed(TEXTS))[0]))
    np.testing.assert_allclose(logits[1], logits[0], rtol=0, atol=1e-4)


def test_a_mask_of_more_than_padding_has_no_exact_form(small_made: TrainedModel) -> None:
    model = onnx.load(small_made.onnx / "onnx/model.onnx")
    calibration = draw_calibration(small_made.onnx, split_of(9, seed=1).texts)
    head = model.graph.node[-1].name
    exact(model, head, calibration)
    (softmax, *_) = (node for node in model.graph.node if node.op_type == "Softmax")
    (added,) = (node for node in model.graph.node if softmax.input[0] in node.output)
    distances = np.zeros((1, 1, 1, 1), np.float32) - 1
    model.graph.initializer.append(numpy_helper.from_array(distances, "distances"))
    mask = next(name for name in added.input if "MatMul" not in name and "mul" not in name.lower())
    at = list(model.graph.node).index(added)
    model.graph.node.insert(at, onnx.helper.make_node("Add", [mask, "distances"], ["bent"]))
    added.input[:] = ["bent" if name == mask else name for name in added.input]
    with pytest.raises(NotExact, match="of more than padding"):
        exact(model, head, calibration)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("shape", [(7,), (2, 3), (2, 3, 4)])
def test_packed_embeddings_are_read_by_ids_of_any_shape(shape: tuple[int, ...], axis: int) -> None:
    table = np.random.default_rng(0).normal(size=(50, 12)).astype(np.float32)
    nodes = [
        onnx.helper.make_node("Gather", ["table", "ids"], ["found"], axis=axis),
        onnx.helper.make_node("Identity", ["found"], ["logits"]),
    ]
    ids = np.random.default_rng(1).integers(0, 12, shape)
    whole, real = onnx.TensorProto.INT64, onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        nodes,
        "lookup",
        [onnx.helper.make_tensor_value_info("ids", whole, [None] * len(shape))],
        [onnx.helper.make_tensor_value_info("logits", real, None)],
        [numpy_helper.from_array(table, "table")],
    )
    opset = onnx.helper.make_opsetid("", 20)
    made = pack_lookups(onnx.helper.make_model(graph, opset_imports=[opset], ir_version=9), 4, 1)
    session = onnxruntime.InferenceSession(made.SerializeToString())
    found = np.asarray(session.run(["logits"], {"ids": ids})[0])
    wanted = table.take(ids, axis)
    assert found.shape == wanted.shape
    # Columns are left as they are.
    assert np.any(found != wanted) == (axis == 0)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=0.2)


def test_an_attention_without_a_mask_has_no_exact_form(small_made: TrainedModel) -> None:
    model = onnx.load(small_made.onnx / "onnx/model.onnx")
    calibration = draw_calibration(small_made.onnx, split_of(9, seed=1).texts)
    (softmax, *_) = (node for node in model.graph.node if node.op_type == "Softmax")
    (added,) = (node for node in model.graph.node if softmax.input[0] in node.output)
    scores = next(name for name in added.input if "MatMul" in name or "mul" in name.lower())
    softmax.input[0] = scores
    with pytest.raises(NotExact, match="an attention has no mask"):
        exact(model, model.graph.node[-1].name, calibration)


def test_a_mask_is_tried_on_as_many_tokens_as_are_read(small_made: TrainedModel) -> None:
    model = onnx.load(small_made.onnx / "onnx/model.onnx")
    few = draw_calibration(small_made.onnx, ["bridge"])
    head, positions = model.graph.node[-1].name, 64
    # A text may have a token for each position, and there are no others.
    exact(model, head, replace(few, ids=[[2] * positions], max_length=positions))
    # From the 20th token on this hides a text's own tokens.
    (softmax, *_) = (node for node in model.graph.node if node.op_type == "Softmax")
    (added,) = (node for node in model.graph.node if softmax.input[0] in node.output)
    mask = next(name for name in added.input if "MatMul" not in name and "mul" not in name.lower())
    numbers = {"axis": 1, "axes": [1, 2], "window": 20, "none": 0.0, "hidden": -1e9}
    for name, value in numbers.items():
        array = np.array(value, np.float32 if isinstance(value, float) else np.int64)
        model.graph.initializer.append(numpy_helper.from_array(array, name))
    made = (
        ("CumSum", ["attention_mask", "axis"], "count"),
        ("Greater", ["count", "window"], "beyond"),
        ("Where", ["beyond", "hidden", "none"], "flat"),
        ("Unsqueeze", ["flat", "axes"], "away"),
        ("Add", [mask, "away"], "bent"),
    )
    at = list(model.graph.node).index(added)
    for number, (op, given_, output) in enumerate(made):
        model.graph.node.insert(at + number, onnx.helper.make_node(op, given_, [output]))
    added.input[:] = ["bent" if name == mask else name for name in added.input]
    assert max(map(len, few.ids)) < 20 < few.max_length
    with pytest.raises(NotExact, match="of more than padding"):
        exact(model, head, few)


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
