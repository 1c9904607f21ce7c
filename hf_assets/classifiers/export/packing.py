"""Embeddings of 4 bits in plain operators: onnxruntime's own takes ten times as long to read one.

A row's first half lies in the low halves of its bytes, the second in the high ones; each block of a
row has a scale and a lowest value, as float16.
"""

from math import gcd

import numpy as np
import onnx

from hf_assets.classifiers.export.graphs import EditableGraph
from hf_assets.classifiers.export.parts import attribute

_LEVELS = 15


def pack_lookups(model: onnx.ModelProto, block: int, least: int) -> onnx.ModelProto:
    """A model whose tables of embeddings have 4 bits a value.

    Args:
        model: with Gather nodes that read float tables.
        block: values that share a scale; fewer where they do not divide a row.
        least: values of a table that it is worth it for; smaller ones stay.
    """
    graph = EditableGraph(model)
    for node in graph.nodes:
        rows = node.op_type == "Gather" and attribute(node, "axis", 0) == 0
        table = graph.array(node.input[0]) if rows else None
        if table is not None and table.ndim == 2 and table.size >= least and not table.shape[1] % 2:
            found = _looked_up(graph, table, node.input[1], gcd(table.shape[1], block))
            graph.replace(node.output[0], found)
    return graph.model()


def packed(table: np.ndarray, block: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bytes [rows, width / 2], and float16 scales and lowest values [rows, width / block].

    Args:
        table: float32 [rows, width]; `block` divides the width, which is even.
        block: values that share a scale.
    """
    blocks = table.reshape(len(table), -1, block)
    low = blocks.min(axis=2).astype(np.float16)
    span = blocks.max(axis=2) - low.astype(np.float32)
    # Of equal values any scale will do.
    scale = np.maximum(span / _LEVELS, 2.0**-24).astype(np.float16)
    steps = (blocks - low[..., None]) / scale[..., None].astype(np.float32)
    whole = np.clip(np.round(steps), 0, _LEVELS).astype(np.uint8).reshape(table.shape)
    half = table.shape[1] // 2
    return whole[:, :half] | whole[:, half:] << 4, scale, low


def _looked_up(graph: EditableGraph, table: np.ndarray, index: str, block: int) -> str:
    values, scale, low = packed(table, block)
    flat = graph.add("Reshape", index, graph.constant(np.array([-1])))
    both = graph.add("Gather", graph.constant(values), flat)
    first = graph.add("BitwiseAnd", both, graph.constant(np.uint8(_LEVELS)))
    second = graph.add("BitShift", both, graph.constant(np.uint8(4)), direction="RIGHT")
    whole = graph.add("Concat", first, second, axis=-1)
    numbers = graph.add("Cast", whole, to=onnx.TensorProto.FLOAT)
    shape = np.array([-1, table.shape[1] // block, block])
    blocks = graph.add("Reshape", numbers, graph.constant(shape))

    def of_block(each: np.ndarray) -> str:
        found = graph.add("Gather", graph.constant(each), flat)
        wide = graph.add("Cast", found, to=onnx.TensorProto.FLOAT)
        return graph.add("Unsqueeze", wide, graph.constant(np.array([-1])))

    scaled = graph.add("Mul", blocks, of_block(scale))
    moved = graph.add("Add", scaled, of_block(low))
    wanted = graph.add(
        "Concat", graph.add("Shape", index), graph.constant(np.array(table.shape[1:])), axis=0
    )
    return graph.add("Reshape", moved, wanted)
