"""An ONNX graph that can be searched and changed: what feeds a value, what reads it."""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

MICROSOFT = "com.microsoft"


class EditableGraph:
    """A copy of a model. Changes show in what `model` returns, without what nothing reads.

    Attributes:
        output: name of the value that the model gives.
        exact: names of nodes that give the same on any processor, whatever others of their kind do.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        self._model = copy.deepcopy(model)
        self._nodes = list(self._model.graph.node)
        self._constants = {each.name: each for each in self._model.graph.initializer}
        self._names = 0
        # A graph that was changed before has names of ours.
        self._taken = {each.name for each in self._nodes} | set(self._constants)
        self.output = model.graph.output[0].name
        self.exact: set[str] = set()

    @property
    def nodes(self) -> list[onnx.NodeProto]:
        """The nodes as they are now, in no order."""
        return list(self._nodes)

    def producer(self, value: str) -> onnx.NodeProto | None:
        """The node that gives a value; None of an input or a constant."""
        return next((node for node in self._nodes if value in node.output), None)

    def readers(self, value: str) -> list[onnx.NodeProto]:
        """The nodes that read a value, each once."""
        return [node for node in self._nodes if value in node.input]

    def array(self, value: str) -> np.ndarray | None:
        """A constant's array; None where the value is computed."""
        tensor = self._constants.get(value)
        return None if tensor is None else numpy_helper.to_array(tensor)

    def constant(self, array: np.ndarray | np.generic) -> str:
        """A new constant's name."""
        name = self._name("constant")
        self._constants[name] = numpy_helper.from_array(np.asarray(array), name)
        return name

    def add(self, op: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Append a node with one output, and return the name of that."""
        output = self._name(op)
        node = helper.make_node(op, inputs, [output], name=output, domain=domain, **attributes)
        self._nodes.append(node)
        return output

    def replace(self, old: str, new: str, among: Sequence[onnx.NodeProto] | None = None) -> None:
        """Have the readers of `old`, all or those of `among`, read `new`."""
        for node in self._nodes if among is None else among:
            for at, name in enumerate(node.input):
                if name == old and new not in node.output:
                    node.input[at] = new

    def model(self) -> onnx.ModelProto:
        """The model with the nodes in the order of computation, and nothing unused."""
        made = {name: node for node in self._nodes for name in node.output}
        ordered: list[onnx.NodeProto] = []
        done: set[str] = set()
        waiting = [(made[each.name], False) for each in self._model.graph.output]
        while waiting:
            node, read = waiting.pop()
            if read:
                ordered.append(node)
            elif node.output[0] not in done:
                done.add(node.output[0])
                waiting.append((node, True))
                waiting += [(made[name], False) for name in node.input if name in made]
        used = {name for node in ordered for name in node.input}
        graph = self._model.graph
        del graph.node[:], graph.initializer[:], graph.value_info[:]
        graph.node.extend(ordered)
        graph.initializer.extend(one for name, one in self._constants.items() if name in used)
        if not any(each.domain == MICROSOFT for each in self._model.opset_import):
            self._model.opset_import.append(helper.make_opsetid(MICROSOFT, 1))
        return self._model

    def _name(self, of: str) -> str:
        while True:
            self._names += 1
            name = f"exact_{of}_{self._names}"
            if name not in self._taken:
                return name
