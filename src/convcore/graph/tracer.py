"""Graphs written down node by node: how a model of layers becomes one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from convcore.graph.node import Graph, Node, Value
from convcore.spec.operands import FLOAT32, Array, DType

OPSET = 21  # of the operators that are written; the first with GroupNormalization as it is now
OWN = "convcore"  # the domain of operators that ONNX has not
Shape = tuple[int, ...]


class Tracer:
    """A graph as it grows.

    Parameters
    ----------
    portable : bool
        Whether every node must be one that other programs know: ONNX's own. Else operators of this
        library, and Python functions, may be nodes too, which give the very bits of the layers.
    dtype : numpy.dtype
        Of the values, and so of numbers that stand beside them.

    Attributes
    ----------
    shapes : dict of str to tuple or None
        Of values, one example's; None or missing: not known.
    """

    def __init__(self, portable: bool = False, dtype: DType = FLOAT32) -> None:
        self.portable, self.dtype = portable, dtype
        self.shapes: dict[str, Shape | None] = {}
        self._nodes: list[Node] = []
        self._constants: dict[str, Array] = {}
        self._scope: list[str] = []
        self._taken: set[str] = set()

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Names of nodes and constants begin with that of the layer that they are of."""
        self._scope.append(name)
        yield
        self._scope.pop()

    def node(self, op: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Add a node with one result; return the result's name."""
        name = self._new(op)
        self._nodes.append(Node(op, inputs, (name,), attributes, name, domain))
        return name

    def own(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Add a node of an operator of this library, by its public name."""
        if self.portable:
            self.refuse(f"{op} with these options")
        return self.node(op, *inputs, domain=OWN, **attributes)

    def call(self, what: str, function: Callable[[Array], Array], x: str) -> str:
        """Add a node that calls a Python function."""
        if self.portable:
            self.refuse(what)
        return self.node("Call", x, domain=OWN, function=function)

    def refuse(self, what: str) -> None:
        """Say that ONNX has no operators for something."""
        where = ".".join(self._scope)
        raise ValueError(
            f"layers must be such as ONNX has operators for, got {what}"
            + (f" in layer {where!r}" if where else "")
        )

    def constant(self, array: Array, name: str) -> str:
        """Add a constant; return its name."""
        new = self._new(name)
        self._constants[new] = array
        return new

    def optional(self, array: Array | None, name: str) -> str:
        """The same of an array that may be missing."""
        return "" if array is None else self.constant(array, name)

    def integers(self, numbers: tuple[int, ...], name: str) -> str:
        """A constant of integers, as shapes and axes are."""
        return self.constant(np.array(numbers, np.int64), name)

    def graph(self, inputs: list[Value], outputs: list[Value], name: str = "") -> Graph:
        """The graph, whose outputs must be values of it."""
        return Graph(self._nodes, self._constants, inputs, outputs, OPSET, name)

    def rename(self, name: str, new: str) -> None:
        """Give a value another name; one that no node makes is handed on by a node."""
        makers = [node for node in self._nodes if name in node.outputs]
        if not makers:
            self._nodes.append(Node("Identity", (name,), (new,), {}, new))
        for node in self._nodes:
            node.inputs = tuple(new if each == name and makers else each for each in node.inputs)
            node.outputs = tuple(new if each == name else each for each in node.outputs)

    def _new(self, word: str) -> str:
        base = ".".join([*self._scope, word])
        name, count = base, 1
        while name in self._taken:
            count += 1
            name = f"{base}.{count}"
        self._taken.add(name)
        return name
