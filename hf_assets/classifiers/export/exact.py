"""Int8 with fixed scales, whose answer is the same alone, in a batch and on any processor.

Rounding to int8 amplifies: where a sum differs in its last bit, because a processor or a batch adds
in another order, some activation becomes the next byte, and six layers later scores differ by
hundredths. So nothing here depends on an order:

- products with weights are of integers, with scales from calibration, and saturate nowhere;
- products of attention are of floats that hold whole numbers, whose sums fit 24 bits, and so are
  the sums of softmax, of layer normalisation and of pooling;
- exponentials and GELU, which each processor approximates in its own way, are of few thousand
  possible values, and rounded: none of their results is so near to a half that the last bits count;
- all else takes one value at a time, which IEEE 754 defines to the last bit.

The head stays float: nothing amplifies what differs there, some 1e-7 of a score.
"""

from collections.abc import Callable, Mapping
from math import erf, sqrt, tanh

import numpy as np
import onnx

from hf_assets.classifiers.export.calibration import (
    Calibration,
    Observed,
    biases_by_distance,
    masks_padding,
    observe,
)
from hf_assets.classifiers.export.graphs import MICROSOFT, EditableGraph
from hf_assets.classifiers.export.integers import (
    LEVELS,
    Range,
    activation_range,
    integer_weights,
    smoothing,
    without_halves,
)
from hf_assets.classifiers.export.masked import Masked
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
# Around this number float32 holds whole numbers alone: adding it rounds, and subtracting it again
# leaves the whole number. Times a power of two, multiples of that.
_ROUNDING = 1.5 * 2.0**23
# Arguments of exponentials and GELU are multiples of this; the largest argument of an exponential.
# Below it no exponential is within a millionth of itself of a half: float32's are ten times nearer.
_STEP, _LARGEST = 2.0**-8, 1750 * 2.0**-8
# Attention's weights are at most so much, as whole numbers; values are so large at most.
_WEIGHT, _VALUE = 935, 511
_LOWEST_GELU = -8.0
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
    masks = sorted({each.mask for each in parts.attentions})
    if masks and not masks_padding(model, masks, calibration):
        raise NotExact("an attention's mask is of more than padding")
    biases = sorted({each.bias for each in parts.attentions if each.bias})
    tables = biases_by_distance(model, biases, calibration) if biases else {}
    if tables is None:
        raise NotExact("an attention's bias is of more than the distance of two tokens")
    seen = observe(model, values, widths, calibration)
    _Rewriting(graph, parts, seen, tables, calibration.max_length).all()
    made = graph.model()
    for node in made.graph.node:
        if node.op_type in _INEXACT and node.name not in (head, *graph.exact):
            raise NotExact(f"{node.op_type} ({node.name}) has no exact form here")
    return made


class _Rewriting:
    """The parts of one graph, made otherwise one after the other."""

    def __init__(
        self,
        graph: EditableGraph,
        parts: Parts,
        seen: dict[str, Observed],
        biases: Mapping[str, np.ndarray],
        max_length: int,
    ) -> None:
        self.graph, self.parts, self.seen, self.max_length = graph, parts, seen, max_length
        self.by_output = {each.output: each for each in parts.products}
        self.norms = {node.output[0]: node for node in parts.norms}
        inputs = {each.node for each in parts.products}
        # Those that only products read, as bytes.
        self.activations = {
            node.output[0]: node
            for node in parts.activations
            if {each.name for each in graph.readers(node.output[0])} <= inputs
        }
        self._masked: Masked | None = None
        self.biases = biases

    def all(self) -> None:
        # First what scales the products around it, and last the products.
        readers: dict[str, list[Product]] = {}
        for product in self.parts.products:
            readers.setdefault(product.input, []).append(product)
        bytes_of = {name: self._bytes(name, products) for name, products in readers.items()}
        for attention in self.parts.attentions:
            self._attention(attention)
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
        activation = self.activations.get(name)
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
            chosen = self._activation(activation, chosen)
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

    def _rounded(
        self,
        value: str,
        scale: float = 1.0,
        step: float = 1.0,
        then: Callable[[str, str], str] | None = None,
    ) -> str:
        """Value x scale as multiples of `step`, a power of two.

        Args:
            then: what rounds instead: it takes a product's result [texts, tokens, width] and what
                was added to that.
        """
        graph = self.graph
        offset = graph.constant(np.float32(_ROUNDING * step))
        product = source(graph, value, self.by_output)
        if product is None or (product.scale, product.shift) != (1.0, 0.0):
            if then:
                raise NotExact("keys or values of an attention are no product's")
            scaled = graph.add("Mul", value, graph.constant(np.float32(scale)))
            return graph.add("Sub", graph.add("Add", scaled, offset), offset)
        product.scale, product.shift = scale, _ROUNDING * step
        readers = graph.readers(product.output)
        if then and self.seen[product.input].rank != 3:
            raise NotExact("an attention's texts lie along no axis of their own")
        add = then or (lambda value, offset: graph.add("Sub", value, offset))
        rounded = add(product.output, offset)
        graph.replace(product.output, rounded, readers)
        return rounded if value == product.output else value

    def _activation(self, node: onnx.NodeProto, chosen: Range) -> Range:
        """Have it take multiples of a step; the range by which none of its results is a half."""
        largest = (LEVELS - float(chosen.zero)) * float(chosen.scale)
        inputs = np.arange(_LOWEST_GELU, largest + 1.0, _STEP)
        approximate = attribute(node, "approximate", b"none") == b"tanh"
        gelu: Callable[[float], float] = _gelu_by_tanh if approximate else _gelu
        found = without_halves(chosen, inputs, np.array([gelu(each) for each in inputs]))
        if found is None:
            raise NotExact(f"{node.name} has a result near the half of a byte at any scale")
        node.input[0] = self._rounded(node.input[0], step=_STEP)
        self.graph.exact.add(node.name)
        return found

    def _attention(self, given: Attention) -> None:
        graph = self.graph
        masked = self._padding()
        query, key = self.seen[given.query].norm, self.seen[given.key].column_spread
        query, key = max(query, 1e-6), max(key, 1e-6)
        # A score is a sum of whole numbers, over a power of two.
        power = 2.0 ** np.floor(np.log2(_WHOLE / (query * key * abs(given.factor))))
        for_query = np.sqrt(abs(given.factor) * power * key / query)
        for_key = abs(given.factor) * power / for_query
        scores = graph.add(
            "MatMul",
            self._rounded(given.query, for_query * np.sign(given.factor) / power, 1 / power),
            self._rounded(given.key, for_key, then=masked.keys),
        )
        graph.exact.add(scores)
        if given.bias:
            scores = graph.add("Add", scores, masked.bias(self.biases[given.bias]))
        # Adding what is near the largest score's negative rounds to steps, too.
        last, near = graph.constant(np.array([-1])), _ROUNDING * _STEP
        largest = graph.add("ReduceMax", scores, last, keepdims=1)
        below = graph.add("Sub", largest, self._for_rows(near, given.query))
        moved = graph.add("Sub", scores, below)
        exponent = graph.add("Sub", moved, graph.constant(np.float32(near - _LARGEST)))
        power_of_e = graph.add("Exp", exponent)
        weights = graph.add("Round", power_of_e)
        # Weights of a text are seldom all large: an eighth of that is much.
        levels = min(_VALUE, 8 * 2 * _WHOLE / (_WEIGHT * self.max_length))
        for_value = levels / max(self.seen[given.value].largest, 1e-6)
        values = self._rounded(given.value, for_value, then=masked.values)
        mixed = graph.add("MatMul", weights, values)
        total = graph.add("MatMul", weights, masked.column)
        graph.exact |= {power_of_e, mixed, total}
        share = graph.add("Div", self._for_rows(1 / for_value, given.query), total)
        graph.replace(given.output, graph.add("Mul", mixed, share))

    def _padding(self) -> Masked:
        if self._masked is None:
            self._masked = Masked(self.graph, self.max_length)
        return self._masked

    def _norm(self, node: onnx.NodeProto) -> None:
        graph, value = self.graph, node.input[0]
        weight = graph.array(node.input[1])
        if weight is None or attribute(node, "axis", -1) != -1:
            raise NotExact(f"{node.name} is a layer normalisation of another form")
        # Multiples of a power of two: as whole numbers, their squares add up to a quarter of 2^24.
        power = 2.0 ** np.floor(np.log2(_WHOLE / 2 / self.seen[value].norm ** 2) / 2)
        offset = graph.constant(np.float32(_ROUNDING / power))
        whole = graph.add("Sub", graph.add("Add", value, offset), offset)
        share = self._for_rows(1 / len(weight), value)
        mean = self._mean(whole, share)
        squares = self._mean(graph.add("Mul", whole, whole), share)
        variance = graph.add("Sub", squares, graph.add("Mul", mean, mean))
        # Rounding adds a twelfth to the variance.
        least = float(attribute(node, "epsilon", 1e-5)) + 1 / (12 * power**2)
        deviation = graph.add("Sqrt", graph.add("Add", variance, self._for_rows(least, value)))
        # Half of 1, as onnxruntime makes a division of a reciprocal and a product at some levels.
        half = graph.add("Div", self._for_rows(0.5, value), deviation)
        normal = graph.add("Mul", graph.add("Sub", value, mean), half)
        made = graph.add("Mul", normal, graph.constant(weight * np.float32(2)))
        if len(node.input) > 2:
            made = graph.add("Add", made, node.input[2])
        graph.replace(node.output[0], made)

    def _mean(self, value: str, share: str) -> str:
        graph = self.graph
        total = graph.add("ReduceSum", value, graph.constant(np.array([-1])), keepdims=1)
        return graph.add("Mul", total, share)

    def _for_rows(self, number: float, like: str) -> str:
        """A number for values that have 1 as the last of their axes, and as many as `like`.

        With a constant of no axis onnxruntime takes ten times as long for these.
        """
        shape = (1,) * self.seen[like].rank
        return self.graph.constant(np.full(shape, number, np.float32))

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
