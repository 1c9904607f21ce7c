"""Exact int8 where attention's scores have a bias by the distance of two tokens, as MPNet's do."""

import itertools

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from hf_assets.classifiers.export.calibration import draw_calibration
from hf_assets.classifiers.export.exact import exact
from hf_assets.classifiers.export.parts import NotExact
from hf_assets.classifiers.tagger import Tagger
from hf_assets_tests.support.classifiers.minilm import TrainedModel, split_of

LEVELS = onnxruntime.GraphOptimizationLevel
HEADS = 4  # of the encoder that is made small
TEXTS = [*split_of(12, seed=3).texts, "", "bridge", "cell " * 60]


def _biased(made: TrainedModel, last: str = "") -> onnx.ModelProto:
    """The graph with a bias before each mask: less with the distance, and not alike both ways.

    Args:
        last: `queries`: it is of the query's place, too; `scaled`: scores are doubled after it.
    """
    model = onnx.load(made.onnx / "onnx/model.onnx")
    nodes, whole = list(model.graph.node), np.int64
    slopes = np.linspace(0.1, 0.9, HEADS, dtype=np.float32).reshape(1, HEADS, 1, 1)
    constants = {
        "zero": np.array(0, whole), "one": np.array(1, whole), "axis": np.array([0], whole),
        "second": np.array([1], whole), "slopes": slopes, "unit": np.ones(1, np.float32),
        "two": np.array(2, np.float32), "few": np.full(1, 0.25, np.float32),
    }  # fmt: skip
    for name, array in constants.items():
        model.graph.initializer.append(numpy_helper.from_array(array, name))
    bias = [
        helper.make_node("Shape", ["attention_mask"], ["many"], start=1, end=2),
        helper.make_node("Squeeze", ["many", "axis"], ["length"]),
        helper.make_node("Range", ["zero", "length", "one"], ["keys"]),
        helper.make_node("Unsqueeze", ["keys", "second"], ["queries"]),
        helper.make_node("Sub", ["keys", "queries"], ["away"]),
        helper.make_node("Cast", ["away"], ["distance"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Abs", ["distance"], ["far"]),
        helper.make_node("Add", ["far", "unit"], ["farther"]),
        helper.make_node("Log", ["farther"], ["log"]),
        helper.make_node("Mul", ["distance", "few"], ["side"]),
        helper.make_node("Sub", ["side", "log"], ["both"]),
        helper.make_node("Cast", ["queries"], ["of_query"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Add", ["both", "of_query"], ["placed"]),
        helper.make_node("Mul", ["placed" if last == "queries" else "both", "slopes"], ["bias"]),
    ]
    for softmax in [node for node in nodes if node.op_type == "Softmax"]:
        (added,) = (node for node in nodes if softmax.input[0] in node.output)
        scores = next(n for n in added.input if "MatMul" in n or "mul" in n.lower())
        biased = f"{scores}_biased"
        made_here = [helper.make_node("Add", ["bias", scores], [biased])]
        if last == "scaled":
            made_here.append(helper.make_node("Mul", [biased, "two"], [f"{biased}_scaled"]))
        at = nodes.index(added)
        added.input[:] = [made_here[-1].output[0] if n == scores else n for n in added.input]
        nodes[at:at] = made_here
    del model.graph.node[:]
    model.graph.node.extend([*bias, *nodes])
    return model


def _logits(
    model: onnx.ModelProto,
    texts: list[str],
    tagger: Tagger,
    threads: int = 1,
    level: onnxruntime.GraphOptimizationLevel = LEVELS.ORT_ENABLE_ALL,
) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = threads, 3
    options.graph_optimization_level = level
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    return np.asarray(session.run(["logits"], tagger.feed(texts))[0])


def _head(model: onnx.ModelProto) -> str:
    return next(node.name for node in model.graph.node if "logits" in node.output)


def test_a_text_has_one_answer_and_it_is_near_the_original(small_made: TrainedModel) -> None:
    tagger = Tagger.load(small_made.onnx)
    plain, biased = onnx.load(small_made.onnx / "onnx/model.onnx"), _biased(small_made)
    made = exact(
        biased, _head(biased), draw_calibration(small_made.onnx, split_of(90, seed=1).texts)
    )
    assert not {"Log", "Softmax"} & {node.op_type for node in made.graph.node}
    wanted, found = (_logits(each, TEXTS, tagger) for each in (biased, made))
    away = np.abs(_logits(plain, TEXTS, tagger) - wanted)
    # What the bias changes is many times what rounding does.
    assert np.abs(found - wanted).mean() < away.mean() / 5
    alone = np.concatenate([_logits(made, [text], tagger) for text in TEXTS])
    levels = onnxruntime.GraphOptimizationLevel
    for threads, level in itertools.product(
        (1, 2), (levels.ORT_DISABLE_ALL, levels.ORT_ENABLE_ALL)
    ):
        again = _logits(made, TEXTS, tagger, threads=threads, level=level)
        np.testing.assert_allclose(again, alone, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("last", "why"),
    [("queries", "of more than the distance"), ("scaled", "scaled after a bias was added")],
)
def test_a_bias_of_another_form_has_no_exact_form(
    small_made: TrainedModel, last: str, why: str
) -> None:
    biased = _biased(small_made, last)
    with pytest.raises(NotExact, match=why):
        exact(biased, _head(biased), draw_calibration(small_made.onnx, ["bridge", "violin"]))
