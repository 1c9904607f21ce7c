"""The parts of an encoder's graph that an exact one makes otherwise, and where they are."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import helper

from hf_assets.classifiers.export.graphs import EditableGraph
from hf_assets.errors import InputError

# Opset from which reductions have their axes among the inputs.
LEAST_OPSET = 18


class NotExact(InputError):
    """The graph has a part that has no exact form; the message names it."""


@dataclass
class Product:
    """A product with constant weights: `output` = `input` x weights + bias.

    Attributes:
        node: name of the node that multiplies.
        scale, shift: of what the product shall give instead: its result x scale + shift.
    """

    node: str
    input: str
    output: str
    weights: np.ndarray
    bias: np.ndarray
    scale: float = 1.0
    shift: float = 0.0


@dataclass(frozen=True)
class Attention:
    """output = softmax(factor x query x key + bias + mask) x value; the key comes transposed.

    `bias` is None where there is none.
    """

    query: str
    key: str
    value: str
    output: str
    factor: float
    mask: str
    bias: str | None = None


@dataclass(frozen=True)
class Parts:
    """All of them."""

    products: list[Product]
    attentions: list[Attention]
    norms: list[onnx.NodeProto]
    activations: list[onnx.NodeProto]
    sums: list[onnx.NodeProto]


def parts_of(graph: EditableGraph, head: str) -> Parts:
    """The parts, found by their form.

    Args:
        graph: float32, as the export leaves it.
        head: name of the node that gives the logits.

    Raises:
        NotExact: an attention has another form.
    """
    of = {op: [node for node in graph.nodes if node.op_type == op] for op in _SOUGHT}
    return Parts(
        products=[
            _product(graph, node)
            for node in of["MatMul"]
            if node.name != head and _is_product(graph, node)
        ],
        attentions=[_attention(graph, node) for node in of["Softmax"]],
        norms=of["LayerNormalization"],
        activations=of["Gelu"],
        # Of what is masked; the other sums count tokens.
        sums=[node for node in of["ReduceSum"] if _op(graph, node.input[0]) == "Mul"],
    )


_SOUGHT = ("MatMul", "Softmax", "LayerNormalization", "Gelu", "ReduceSum")


def attribute(node: onnx.NodeProto, name: str, default: float | bytes) -> float | bytes:
    """An attribute's value."""
    found = next((each for each in node.attribute if each.name == name), None)
    return default if found is None else helper.get_attribute_value(found)


def source(graph: EditableGraph, value: str, products: dict[str, Product]) -> Product | None:
    """The product whose result, only moved about, is this value; None where others read it too."""
    while len(graph.readers(value)) == 1:
        if value in products:
            return products[value]
        node = graph.producer(value)
        if node is None or node.op_type not in ("Reshape", "Transpose"):
            return None
        value = node.input[0]
    return None


def _is_product(graph: EditableGraph, node: onnx.NodeProto) -> bool:
    weights = graph.array(node.input[1])
    return weights is not None and weights.ndim == 2 and graph.array(node.input[0]) is None


def _product(graph: EditableGraph, node: onnx.NodeProto) -> Product:
    weights = graph.array(node.input[1])
    assert weights is not None, "as `_is_product` says"
    output, bias = node.output[0], np.zeros(weights.shape[1], np.float32)
    readers = graph.readers(output)
    if len(readers) == 1 and readers[0].op_type == "Add":
        added = [graph.array(name) for name in readers[0].input if name != output]
        if added and added[0] is not None and added[0].shape == bias.shape:
            output, bias = readers[0].output[0], added[0]
    return Product(node.name, node.input[0], output, weights, bias)


def _attention(graph: EditableGraph, softmax: onnx.NodeProto) -> Attention:
    # What is added last is the mask, and what is added before it a bias.
    scores, added, factor = softmax.input[0], list[str](), 1.0
    for value, node in _upwards(graph, scores):
        scores = value
        if node.op_type == "Add" and len(added) < 2:
            sides = [_are_scores(graph, name) for name in node.input]
            if sides.count(True) != 1:
                break
            if added and factor != 1.0:
                raise NotExact("an attention's scores are scaled after a bias was added")
            added.append(node.input[sides.index(False)])
        elif node.op_type in ("Mul", "Div"):
            number = next(filter(None, (_number(graph, name) for name in node.input)), None)
            if number is None:
                break
            factor *= number if node.op_type == "Mul" else 1 / number
        elif node.op_type == "MatMul":
            if not added:
                raise NotExact("an attention has no mask: a text's answer depends on padding")
            readers = graph.readers(softmax.output[0])
            if len(readers) == 1 and readers[0].op_type == "MatMul":
                query, key = node.input
                values, output = readers[0].input[1], readers[0].output[0]
                return Attention(query, key, values, output, factor, *added)
            break
        else:
            break
    node = graph.producer(scores)
    raise NotExact(f"an attention's scores are made by {node.op_type if node else 'an input'}")


def _upwards(graph: EditableGraph, value: str) -> Iterator[tuple[str, onnx.NodeProto]]:
    """The values that scores are made from, and the nodes that give them."""
    while (node := graph.producer(value)) is not None:
        yield value, node
        kept = [name for name in node.input if _are_scores(graph, name)]
        if not kept:
            return
        value = kept[0]


def _are_scores(graph: EditableGraph, value: str) -> bool:
    """Whether it is a product of two computed values, or one scaled or with something added."""
    node = graph.producer(value)
    if node is None:
        return False
    if node.op_type == "MatMul":
        return all(graph.array(name) is None for name in node.input)
    if node.op_type in ("Mul", "Div") and all(_number(graph, name) is None for name in node.input):
        return False
    kinds = ("Add", "Div", "Mul")
    return node.op_type in kinds and any(_are_scores(graph, name) for name in node.input)


def _number(graph: EditableGraph, name: str) -> float | None:
    array = graph.array(name)
    return float(array.reshape(())) if array is not None and array.size == 1 else None


def _op(graph: EditableGraph, value: str) -> str:
    node = graph.producer(value)
    return node.op_type if node is not None else ""
