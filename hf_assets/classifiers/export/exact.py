"""Int8 with fixed scales, whose answer is the same alone, in a batch and on any processor.

Rounding to int8 amplifies: where a sum differs in its last bit, because a processor or a batch adds
in another order, some activation becomes the next byte, and six layers later scores differ by
hundredths. So nothing here depends on an order:

- products with weights are of integers, with scales from calibration, and saturate nowhere;
- products of attention are of floats that hold whole numbers, whose sums fit 24 bits, and so are
  the sums of softmax, of layer normalisation and of pooling;
- exponentials and GELU, which each processor approximates in its own way, are looked up in tables;
- all else takes one value at a time, which IEEE 754 defines to the last bit.

The head stays float: nothing amplifies what differs there, some 1e-7 of a score.
"""

from collections.abc import Callable
from math import erf, sqrt, tanh

import numpy as np
import onnx

from hf_assets.classifiers.export.calibration import Calibration, Observed, observe
from hf_assets.classifiers.export.graphs import MICROSOFT, EditableGraph
from hf_assets.classifiers.export.integers import (
    LEVELS,
    Range,
    activation_range,
    integer_weights,
    smoothing,
)
from hf_assets.classifiers.export.parts import (
    LEAST_OPSET,
    Attention,
    NotExact,
    Parts,
    Product,
    attribute,
    parts_of,
    source,
)

# Float32 holds each whole number up to 2^24; half of that is for what calibration did not meet.
_WHOLE = 2.0**23
# Entries of the table of exponentials for each factor e, and powers of e that it goes down.
_STEPS, _POWERS = 256, 8
# Attention's weights are shares of so much; values are so large at most.
_WEIGHT, _VALUE = 1023, 511
_MASKED = -(2.0**15)
_ACTIVATIONS = 4096
# What gives other last bits on another processor, or in another order.
_INEXACT = {
    "Cos", "Einsum", "Erf", "Exp", "Gelu", "LayerNormalization", "Log", "MatMul", "Pow",
    "ReduceMean", "Sigmoid", "Sin", "Softmax", "Softplus", "Tanh",
}  # fmt: skip


def exact(model: onnx.ModelProto, head: str, calibration: Calibration) -> onnx.ModelProto:
    """The graph in that form; embeddings stay float.

    Args:
        model: float32, as the export leaves it.
        head: name of the node that gives the logits.
        calibration: training texts.

    Raises:
        NotExact: there are no calibration texts, or a part of the graph has no exact form.
    """
    if not calibration.ids:
        raise NotExact("there are no training texts to calibrate with")
    opset = next(each.version for each in model.opset_import if not each.domain)
    if opset < LEAST_OPSET:
        raise NotExact(f"the graph's opset is {opset}, {LEAST_OPSET} is needed")
    graph = EditableGraph(model)
    parts = parts_of(graph, head)
    if not parts.products:
        raise NotExact("the graph has no product with weights")
    values = [name for each in parts.attentions for name in (each.query, each.key, each.value)]
    values += [node.input[0] for node in (*parts.norms, *parts.activations, *parts.sums)]
    widths = {each.input: len(each.weights) for each in parts.products}
    seen = observe(model, values, widths, calibration)
    _Rewriting(graph, parts, seen, calibration.max_length).all()
    made = graph.model()
    for node in made.graph.node:
        if node.op_type in _INEXACT and node.name not in (head, *graph.whole):
            raise NotExact(f"{node.op_type} ({node.name}) has no exact form here")
    return made


class _Rewriting:
    """The parts of one graph, made otherwise one after the other."""

    def __init__(
        self, graph: EditableGraph, parts: Parts, seen: dict[str, Observed], max_length: int
    ) -> None:
        self.graph, self.parts, self.seen, self.max_length = graph, parts, seen, max_length
        self.by_output = {each.output: each for each in parts.products}
        self.norms = {node.output[0]: node for node in parts.norms}
        inputs = {each.node for each in parts.products}
        # Bytes come out of a table where only products read them.
        self.as_bytes = {
            node.output[0]: node
            for node in parts.activations
            if {each.name for each in graph.readers(node.output[0])} <= inputs
        }
        self._masks: dict[str, str] = {}

    def all(self) -> None:
        # First what scales the products around it, and last the products.
        readers: dict[str, list[Product]] = {}
        for product in self.parts.products:
            readers.setdefault(product.input, []).append(product)
        bytes_of = {name: self._bytes(name, products) for name, products in readers.items()}
        for attention in self.parts.attentions:
            self._attention(attention)
        for node in self.parts.activations:
            if node.output[0] not in self.as_bytes:
                self._activation_as_float(node)
        for node in self.parts.norms:
            self._norm(node)
        for node in self.parts.sums:
            self._sum(node)
        for name, products in readers.items():
            for product in products:
                self._product(product, *bytes_of[name])

    def _bytes(self, name: str, products: list[Product]) -> tuple[str, Range, np.ndarray]:
        """The input of these products as bytes, their range, and its rows as they then are."""
        graph, rows = self.graph, np.concatenate(self.seen[name].rows)
        self.seen[name].rows.clear()
        activation = self.as_bytes.get(name)
        if name in self.norms:
            columns = np.concatenate([each.weights for each in products], axis=1)
            divisor = smoothing(rows, columns)
            for each in products:
                each.weights = each.weights * divisor[:, None]
            rows = rows / divisor
            name = graph.add("Mul", name, graph.constant((1 / divisor).astype(np.float32)))
        importance = np.sum([np.square(each.weights).sum(axis=1) for each in products], axis=0)
        chosen = activation_range(rows, importance)
        if activation is not None:
            return self._activation_as_bytes(activation, chosen), chosen, rows
        made = graph.add(
            "QuantizeLinear", name, graph.constant(chosen.scale), graph.constant(chosen.zero)
        )
        return made, chosen, rows

    def _product(self, product: Product, given: str, chosen: Range, rows: np.ndarray) -> None:
        graph = self.graph
        weights, scale = integer_weights(product.weights)
        # What rounding adds on average is taken off again.
        lost = rows.mean(axis=0) @ product.weights.astype(np.float64)
        lost -= chosen.rounded(rows).mean(axis=0) @ (weights * scale.astype(np.float64))
        bias = (product.bias + lost) * product.scale + product.shift
        made = graph.add(
            "MatMulIntegerToFloat",
            given,
            graph.constant(weights),
            graph.constant(chosen.scale),
            graph.constant((scale * product.scale).astype(np.float32)),
            graph.constant(chosen.zero),
            "",
            graph.constant(bias.astype(np.float32)),
            domain=MICROSOFT,
        )
        graph.replace(product.output, made)

    def _scaled(self, value: str, scale: float, shift: float = 0.0) -> str:
        """Value x scale + shift, for nothing where it is a product's."""
        graph = self.graph
        product = self.by_output.get(value)
        if product is not None and product.scale == 1.0 and len(graph.readers(value)) == 1:
            product.scale, product.shift = scale, shift
            return value
        scaled = graph.add("Mul", value, graph.constant(np.float32(scale)))
        return graph.add("Add", scaled, graph.constant(np.float32(shift))) if shift else scaled

    def _whole(self, value: str, scale: float) -> str:
        """Value x scale as whole numbers."""
        graph = self.graph
        product = source(graph, value, self.by_output)
        if product is None or product.scale != 1.0:
            scaled = graph.add("Mul", value, graph.constant(np.float32(scale)))
            return graph.add("Round", scaled)
        product.scale = scale
        readers = graph.readers(product.output)
        rounded = graph.add("Round", product.output)
        graph.replace(product.output, rounded, readers)
        return rounded if value == product.output else value

    def _looked_up(self, index: str, table: np.ndarray) -> str:
        """The table's entries at these indices, floats that are cut to where the table has any."""
        graph = self.graph
        last = graph.constant(np.float32(len(table) - 1))
        cut = graph.add("Clip", index, graph.constant(np.float32(0)), last)
        shape = graph.add("Shape", cut)
        flat = graph.add("Reshape", cut, graph.constant(np.array([-1])))
        at = graph.add("Cast", flat, to=onnx.TensorProto.INT32)
        # GatherElements, as Gather is ten times slower on single numbers.
        return graph.add(
            "Reshape", graph.add("GatherElements", graph.constant(table), at, axis=0), shape
        )

    def _activation(self, node: onnx.NodeProto, highest: float) -> tuple[str, np.ndarray]:
        """Indices into a table of this activation, and the table's values."""
        value = node.input[0]
        high = min(1.5 * self.seen[value].high + 1.0, highest)
        inputs = np.linspace(-6.0, max(high, 1.0), _ACTIVATIONS)
        step = inputs[1] - inputs[0]
        # Half a step more, as indices are cut to whole numbers.
        index = self._scaled(value, 1 / step, -inputs[0] / step + 0.5)
        approximate = attribute(node, "approximate", b"none") == b"tanh"
        gelu: Callable[[float], float] = _gelu_by_tanh if approximate else _gelu
        return index, np.array([gelu(each) for each in inputs])

    def _activation_as_bytes(self, node: onnx.NodeProto, chosen: Range) -> str:
        largest = (LEVELS - float(chosen.zero)) * float(chosen.scale)
        index, values = self._activation(node, largest + 1.0)
        return self._looked_up(index, chosen.bytes_of(values).astype(np.uint8))

    def _activation_as_float(self, node: onnx.NodeProto) -> None:
        index, values = self._activation(node, np.inf)
        made = self._looked_up(index, values.astype(np.float32))
        self.graph.replace(node.output[0], made)

    def _attention(self, given: Attention) -> None:
        graph = self.graph
        query, key = self.seen[given.query].norm, self.seen[given.key].column_norm
        # A score in steps of the table is a sum of whole numbers, over a power of two.
        room = _WHOLE / (query * key * _STEPS * abs(given.factor))
        power = 2.0 ** np.floor(np.log2(room))
        both = _STEPS * abs(given.factor) * power
        for_query = np.sqrt(both * key / query)
        whole = self._whole(given.query, for_query * np.sign(given.factor))
        scaled = graph.add("Mul", whole, graph.constant(np.float32(1 / power)))
        scores = graph.add("MatMul", scaled, self._whole(given.key, both / for_query))
        graph.whole.add(scores)
        if given.mask:
            scores = graph.add("Add", scores, self._mask(given.mask))
        last = graph.constant(np.array([-1]))
        largest = graph.add("ReduceMax", scores, last, keepdims=1)
        below = graph.add("Sub", graph.add("Add", largest, graph.constant(np.float32(0.5))), scores)
        table = np.round(_WEIGHT * np.exp(-np.arange(_POWERS * _STEPS) / _STEPS))
        table[-1] = 0.0
        weights = self._looked_up(below, table.astype(np.float32))
        # Weights of a text are seldom all large: an eighth of that is much.
        levels = min(_VALUE, 8 * 2 * _WHOLE / (_WEIGHT * self.max_length))
        for_value = levels / max(self.seen[given.value].largest, 1e-6)
        mixed = graph.add("MatMul", weights, self._whole(given.value, for_value))
        graph.whole.add(mixed)
        total = graph.add("ReduceSum", weights, last, keepdims=1)
        divisor = graph.add("Mul", total, graph.constant(np.float32(for_value)))
        graph.replace(given.output, graph.add("Div", mixed, divisor))

    def _mask(self, mask: str) -> str:
        if mask not in self._masks:
            least, most = (self.graph.constant(np.float32(each)) for each in (_MASKED, 0))
            self._masks[mask] = self.graph.add("Clip", mask, least, most)
        return self._masks[mask]

    def _norm(self, node: onnx.NodeProto) -> None:
        graph, value = self.graph, node.input[0]
        weight = graph.array(node.input[1])
        if weight is None or attribute(node, "axis", -1) != -1:
            raise NotExact(f"{node.name} is a layer normalisation of another form")
        # The squares of whole numbers add up to a quarter of 2^24, at most.
        power = 2.0 ** np.floor(np.log2(_WHOLE / 2 / self.seen[value].norm ** 2) / 2)
        scaled = graph.add("Mul", value, graph.constant(np.float32(power)))
        whole = graph.add("Round", scaled)
        mean = self._mean(whole, len(weight))
        squares = self._mean(graph.add("Mul", whole, whole), len(weight))
        variance = graph.add("Sub", squares, graph.add("Mul", mean, mean))
        # Rounding adds a twelfth to the variance.
        least = float(attribute(node, "epsilon", 1e-5)) * power**2 + 1 / 12
        deviation = graph.add("Sqrt", graph.add("Add", variance, graph.constant(np.float32(least))))
        # Divided, as onnxruntime makes one of a reciprocal and a product at some levels.
        normal = graph.add("Div", graph.add("Sub", scaled, mean), deviation)
        made = graph.add("Mul", normal, node.input[1])
        if len(node.input) > 2:
            made = graph.add("Add", made, node.input[2])
        graph.replace(node.output[0], made)

    def _mean(self, value: str, width: int) -> str:
        graph = self.graph
        total = graph.add("ReduceSum", value, graph.constant(np.array([-1])), keepdims=1)
        return graph.add("Mul", total, graph.constant(np.float32(1 / width)))

    def _sum(self, node: onnx.NodeProto) -> None:
        graph, value, output = self.graph, node.input[0], node.output[0]
        room = _WHOLE / (max(self.seen[value].largest, 1e-6) * self.max_length)
        power = np.float32(2.0 ** np.floor(np.log2(room)))
        readers = graph.readers(output)
        node.input[0] = graph.add("Round", graph.add("Mul", value, graph.constant(power)))
        graph.replace(output, graph.add("Mul", output, graph.constant(1 / power)), readers)


def _gelu(value: float) -> float:
    return value * 0.5 * (1 + erf(value / sqrt(2)))


def _gelu_by_tanh(value: float) -> float:
    return value * 0.5 * (1 + tanh(sqrt(2 / np.pi) * (value + 0.044715 * value**3)))
