#!/usr/bin/env bash
# onnxruntime's optimisations of level "basic", which keep the meaning of a graph, make of a product with a
# reciprocal, x * (1 / n), a division, x / n. That rounds once where the graph rounds twice: a graph whose next
# step is a Floor, a Cast to integers or a QuantizeLinear gives another whole number at another level.
#
# onnxruntime 1.31.1, onnx 1.23.2, numpy 2.4.6, Python 3.11. Seen, of the whole numbers n up to 100 for which
# Floor(n * (1 / n)) is asked in float32:
#   no optimisation, and onnx's reference   0 of 41, 47, 55, 61, 82, 83, 94 and 97; 1 of the 92 others
#   basic, extended, all (the default)      1 of all
# A reciprocal by the node Reciprocal is left as it is, and so is a half of one, 0.5 / n: with either a graph
# rounds the same way at each level.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
  onnxruntime==1.31.1 onnx==1.23.2 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

LEVELS = ("DISABLE_ALL", "ENABLE_BASIC", "ENABLE_EXTENDED", "ENABLE_ALL")
NUMBERS = np.arange(1, 101, dtype=np.float32)
PARTS = {
    "1 / n": [("Div", ["one", "n"], "part"), ("Mul", ["n", "part"], "about")],
    "Reciprocal": [("Reciprocal", ["n"], "part"), ("Mul", ["n", "part"], "about")],
    "0.5 / n": [
        ("Div", ["half", "n"], "part"),
        ("Add", ["n", "n"], "twice"),
        ("Mul", ["twice", "part"], "about"),
    ],
}


def model_of(parts):
    nodes = [helper.make_node(op, given, [name]) for op, given, name in parts]
    graph = helper.make_graph(
        [*nodes, helper.make_node("Floor", ["about"], ["whole"])],
        "whole numbers",
        [helper.make_tensor_value_info("n", TensorProto.FLOAT, ["numbers"])],
        [helper.make_tensor_value_info("whole", TensorProto.FLOAT, ["numbers"])],
        [helper.make_tensor("one", TensorProto.FLOAT, [], [1.0]), helper.make_tensor("half", TensorProto.FLOAT, [], [0.5])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    return model


def answer(model, level):
    if level == "reference":
        return ReferenceEvaluator(model).run(None, {"n": NUMBERS})[0]
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, f"ORT_{level}")
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    return session.run(None, {"n": NUMBERS})[0]


seen = {}
for name, parts in PARTS.items():
    model = model_of(parts)
    for level in ("reference", *LEVELS):
        below = NUMBERS[answer(model, level) == 0].astype(int).tolist()
        seen[name, level] = below
        print(f"{name:<12}{level:<18}0 of {below or 'none'}")
twice = [41, 47, 55, 61, 82, 83, 94, 97]
expected = {(name, level): twice for name in PARTS for level in ("reference", *LEVELS)}
expected |= {("1 / n", level): [] for level in LEVELS[1:]}
assert seen == expected, f"changed: {expected}"
PYTHON
