"""Padding kept out of attention, and a bias of its scores, to the last bit."""

from functools import cached_property

import numpy as np
import onnx

from hf_assets.classifiers.export.graphs import EditableGraph

_MASK = "attention_mask"
# Far below any score, and a whole number of steps of one beside it.
_LOW = 2.0**14


class Masked:
    """Attention to the tokens of a text alone, without a mask on its scores, which are many.

    All keys are counted from that of the text's first token, which no share of attention depends
    on; padding has the same key, so that it never has the largest score alone. Its values are 0,
    and the sum of weights leaves it out. Where scores have a bias, that has a mask.

    Args:
        graph: changed by each method.
        max_length: tokens of a text.

    Attributes:
        column: 1 of tokens, 0 of padding, [texts, 1, tokens, 1].
    """

    def __init__(self, graph: EditableGraph, max_length: int) -> None:
        self.graph, self._max_length = graph, max_length
        self._biases: dict[bytes, str] = {}
        self._shown = graph.add("Cast", _MASK, to=onnx.TensorProto.FLOAT)
        self._first = graph.add("ArgMax", self._shown, axis=1, keepdims=1)
        self._numbers = graph.add("Unsqueeze", self._shown, graph.constant(np.array([2])))
        self.column = graph.add("Unsqueeze", self._numbers, graph.constant(np.array([1])))

    def keys(self, value: str, _: str) -> str:
        """Keys [texts, tokens, width] less that of the first token, 0 of padding."""
        graph = self.graph
        first = graph.add("GatherND", value, self._first, batch_dims=1)
        first = graph.add("Unsqueeze", first, graph.constant(np.array([1])))
        return graph.add("Mul", graph.add("Sub", value, first), self._numbers)

    def values(self, value: str, offset: str) -> str:
        """Values less the offset that rounded them, 0 of padding."""
        return self.graph.add("Mul", self.graph.add("Sub", value, offset), self._numbers)

    def bias(self, by_distance: np.ndarray) -> str:
        """What is added to scores, [texts, heads, tokens, tokens]: bias of tokens, low of padding.

        Args:
            by_distance: [heads, distances], as of `biases_by_distance`.
        """
        graph, table = self.graph, by_distance.astype(np.float32)
        if (known := table.tobytes()) not in self._biases:
            of_tokens = graph.add("Gather", graph.constant(table), self._distances, axis=1)
            self._biases[known] = graph.add("Add", of_tokens, self._below)
        return self._biases[known]

    @cached_property
    def _distances(self) -> str:
        """Columns of `bias`'s table, [tokens, tokens]."""
        graph, zero, one = self.graph, np.array(0), np.array(1)
        length = graph.add("Shape", _MASK, start=1, end=2)
        length = graph.add("Squeeze", length, graph.constant(np.array([0])))
        keys = graph.add("Range", graph.constant(zero), length, graph.constant(one))
        queries = graph.add("Unsqueeze", keys, graph.constant(np.array([1])))
        distances = graph.add("Sub", keys, queries)
        return graph.add("Add", distances, graph.constant(np.array(self._max_length - 1)))

    @cached_property
    def _below(self) -> str:
        """0 of tokens, low of padding, [texts, 1, 1, tokens]."""
        graph = self.graph
        below = graph.add("Sub", self._shown, graph.constant(np.ones(1, np.float32)))
        below = graph.add("Mul", below, graph.constant(np.full(1, _LOW, np.float32)))
        return graph.add("Unsqueeze", below, graph.constant(np.array([1, 2])))
