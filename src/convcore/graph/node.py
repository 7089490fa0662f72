"""What a graph is made of: nodes, the values between them, and constants."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from convcore.spec.errors import short_repr
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


def shape_text(shape: Sequence[int | str | None] | None) -> str:
    """A shape as a message shows it."""
    if shape is None:
        return "(?)"
    return f"({', '.join('?' if size is None else str(size) for size in shape)})"


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

    def check(self) -> None:
        """Refuse names that come twice, and nodes that do not follow those that they need."""
        self._check_names()
        known = {value.name for value in self.inputs} | set(self.constants) | {""}
        for node in self.nodes:
            for name in (
                *node.inputs,
                *(name for g in node.graphs() for name in sorted(g.needs())),
            ):
                if name not in known:
                    raise ValueError(
                        f"nodes must follow those that they need, got {node.key} "
                        f"{short_repr(node.name)} without {short_repr(name)} before it"
                    )
            known.update(node.outputs)
        for value in self.outputs:
            if value.name not in known or not value.name:
                raise ValueError(f"outputs must be results of nodes, got {short_repr(value.name)}")

    def _check_names(self) -> None:
        seen = set(self.constants)
        for name in (
            *(value.name for value in self.inputs),
            *(name for node in self.nodes for name in node.outputs if name),
        ):
            if name in seen:
                raise ValueError(f"names of values must differ, got {short_repr(name)} twice")
            seen.add(name)
        for node in self.nodes:
            if not any(node.outputs):
                raise ValueError(
                    f"nodes must have results, got {node.key} {short_repr(node.name)} with none"
                )
            for inner in node.graphs():
                inner._check_names()
