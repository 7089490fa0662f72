"""What a graph is made of: nodes, the values between them, and constants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from convcore.spec.operands import Array, DType


@dataclass(frozen=True, slots=True)
class Value:
    """An input or output of a graph.

    Attributes
    ----------
    name : str
    dtype : numpy.dtype or None
        None: not known.
    shape : tuple or None
        An int for a size, a str for one that has a name, None for one that has neither. None as a
        whole: not known.
    """

    name: str
    dtype: DType | None = None
    shape: tuple[int | str | None, ...] | None = None


@dataclass(slots=True)
class Node:
    """A call of an operator: names of values in, names of values out. "": none."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any] = field(default_factory=dict)
    name: str = ""
    domain: str = ""  # "": ONNX's own

    @property
    def key(self) -> str:
        """The operator with its domain, as tables of operators have it."""
        return f"{self.domain}.{self.op}" if self.domain else self.op

    def graphs(self) -> Iterator[Graph]:
        """The graphs among the attributes, which If and Loop have."""
        for value in self.attributes.values():
            if isinstance(value, Graph):
                yield value


@dataclass(slots=True)
class Graph:
    """Nodes in an order in which each has its inputs; names of an outer graph may be used."""

    nodes: list[Node]
    constants: dict[str, Array]
    inputs: list[Value]
    outputs: list[Value]
    opset: int
    name: str = ""

    def needs(self) -> set[str]:
        """Names of values that come from outside and are no inputs: those of an outer graph."""
        known = {value.name for value in self.inputs} | set(self.constants) | {""}
        wanted: set[str] = set()
        for node in self.nodes:
            wanted.update(name for name in node.inputs if name not in known)
            for inner in node.graphs():
                wanted.update(name for name in inner.needs() if name not in known)
            known.update(node.outputs)
        wanted.update(value.name for value in self.outputs if value.name not in known)
        return wanted
