"""What the nodes of a network are: shapes, parameters, multiply-adds, receptive fields."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from convcore.graph.node import Graph, Node
from convcore.graph.operators import find
from convcore.graph.program import Program
from convcore.graph.receptive import (
    Call,
    Seen,
    field_of,
    follow,
    image_axes,
    start,
    words_of,
)
from convcore.graph.statistics import macs
from convcore.graph.step import Step
from convcore.graph.table import by, name_text, table
from convcore.spec.operands import Array

Constants = dict[str, Array]
# Their float constants are sizes, no parameters.
SIZED = ("Resize", "Upsample")


class SummaryRow(NamedTuple):
    """A node of a network.

    Attributes
    ----------
    name : str
        As the file has it; its result's, if it has none.
    operator : str
    shape : tuple of int
        Of the first of its results that has a name.
    parameters : int
        Elements of its constants that are floats and have axes: weights, biases, statistics.
    multiply_adds : int or None
        None: not counted for this operator.
    receptive_field : tuple of int or None
        Cells that an element of the result sees, along each spatial axis of the input, padding
        included. None: it sees nothing of the input, or elements see differently many cells.
    jump, offset : tuple of int or None
        Cells from what one element sees to what the next does, and the first cell of the first
        one, as :class:`convcore.geometry.Field` has them. A jump of 0: all see the same.
    sees : str
        The field in words: "3x3"; "all" if each element sees the whole input; "varies" if they
        see differently many cells; "" if they see nothing of it.
    """

    name: str
    operator: str
    shape: tuple[int, ...]
    parameters: int
    multiply_adds: int | None
    receptive_field: tuple[int, ...] | None
    jump: tuple[int, ...] | None
    offset: tuple[int, ...] | None
    sees: str


class Summary(tuple[SummaryRow, ...]):
    """Rows, one a node; it prints as a table.

    Attributes
    ----------
    parameters : int
        Of all nodes; a constant that several of them have counts once.
    """

    parameters: int

    def __new__(cls, rows: Iterable[SummaryRow], parameters: int = 0) -> Self:
        """Rows, and the parameters of all."""
        self = super().__new__(cls, rows)
        self.parameters = parameters
        return self

    @property
    def multiply_adds(self) -> int:
        """Of the nodes that they are counted of."""
        return sum(row.multiply_adds or 0 for row in self)

    def to_dict(self) -> dict[str, Any]:
        """Return all numbers as dicts, lists and integers."""
        return {
            "parameters": self.parameters,
            "multiply_adds": self.multiply_adds,
            "rows": [row._asdict() for row in self],
        }

    def __str__(self) -> str:
        """A table, with the sums in its last line."""
        lines = [("node", "operator", "result", "parameters", "multiply-adds", "sees")]
        for row in self:
            counted = "" if row.multiply_adds is None else f"{row.multiply_adds:,}"
            lines.append((name_text(row.name), row.operator, by(row.shape), f"{row.parameters:,}",
                          counted, row.sees))  # fmt: skip
        lines.append(("total", "", "", f"{self.parameters:,}", f"{self.multiply_adds:,}", ""))
        return table(lines, left=3)


def summarize(program: Program, arrays: Sequence[Array]) -> Summary:
    """The rows of a program's graph, from one run."""
    graph = program.graph
    constants = _constants(graph, {})
    seen: dict[str, Seen] = {}
    cells: tuple[int, ...] = ()
    place, axes = image_axes(graph.inputs, arrays)
    if axes:
        shape = arrays[place].shape
        seen[graph.inputs[place].name] = start(shape, axes)
        cells = tuple(shape[axis] for axis in axes)
    rows: list[SummaryRow] = []
    counted: dict[int, Array] = {}

    def watch(step: Step, arguments: list[Any], result: tuple[Any, ...]) -> None:
        node = step.node
        before = [seen.get(name) for name in node.inputs]
        call = Call(node, step.opset, arguments, result, before)
        outer = [seen.get(name) for inner in node.graphs() for name in inner.needs()]
        fields = follow(call, outer)
        seen.update((n, each) for n, each in zip(node.outputs, fields, strict=False) if n)
        if node.key == "Constant":
            return
        own = _parameters(node, constants)
        counted.update(own)
        place = next((place for place, name in enumerate(node.outputs) if name), 0)
        what = fields[place]
        size, jump, offset = field_of(what) or (None,) * 3
        shapes = [() if each is None else tuple(np.shape(each)) for each in arguments]
        made = tuple(np.shape(result[place]))
        counts = _elements(own), macs(node.key, node.attributes, shapes, made)
        name, words = node.name or node.outputs[place], words_of(what, cells)
        rows.append(SummaryRow(name, node.key, made, *counts, size, jump, offset, words))

    with np.errstate(all="ignore"):
        program.run(arrays, None, watch)
    return Summary(rows, _elements(counted))


def _constants(graph: Graph, outer: Constants) -> Constants:
    """The arrays of a graph that no input changes, by name, under all names they have."""
    found = outer | graph.constants
    for node in graph.nodes:
        if node.key == "Constant":
            row = find(node.key, graph.opset)
            if row is not None:
                found[node.outputs[0]] = row.function(**node.attributes)
        elif node.key == "Identity" and node.inputs[0] in found:
            found[node.outputs[0]] = found[node.inputs[0]]
    return found


def _elements(arrays: dict[int, Array]) -> int:
    return sum(array.size for array in arrays.values())


def _parameters(node: Node, constants: Constants) -> dict[int, Array]:
    """A node's parameters, by their ids, for a constant may have several names."""
    if node.key in (*SIZED, "Identity", "Constant"):
        return {}
    arrays = [constants[name] for name in node.inputs if name in constants]
    found = {id(array): array for array in arrays if array.ndim and array.dtype.kind == "f"}
    for inner in node.graphs():
        own = _constants(inner, constants)
        for each in inner.nodes:
            found |= _parameters(each, own)
    return found
