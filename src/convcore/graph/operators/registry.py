"""The table of operators: a name, and the function of arrays that computes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from convcore.api import Task
from convcore.graph.node import Graph
from convcore.spec.operands import Array

Function = TypeVar("Function", bound=Callable[..., Any])


class Call(NamedTuple):
    """What some operators need to know beside their inputs and attributes."""

    opset: int
    outputs: tuple[bool, ...]  # which results are wanted
    # Runs a graph that is an attribute: with its inputs, it gives its outputs.
    run: Callable[[Graph, list[Array]], list[Array]]
    threads: int | None = None  # at most so many, as the public functions take them
    out: Array | None = None  # where the first result may be written, of its shape and dtype


class Operator(NamedTuple):
    """A row: a function of the inputs (None for one that is absent) and the attributes, by name.

    It returns an array, or a tuple of them where the operator has several results. It never writes
    to an input, and may return one, or a view of it. If ``wants_call``, a Call comes first. If it
    ``takes_out``, its first result may stand in the Call's ``out``, or in the keyword of this name.
    """

    name: str
    function: Callable[..., Any]
    wants_call: bool
    since: int  # the first opset with this meaning
    takes_out: bool
    # What the core does of it with other tasks in one call, for inputs like these; None: nothing.
    task: Callable[..., Task | None] | None
    view: bool  # the result is the first input in another shape, which the others decide


_rows: dict[str, list[Operator]] = {}


def operator(
    name: str,
    *,
    call: bool = False,
    since: int = 1,
    out: bool = False,
    task: Callable[..., Task | None] | None = None,
    view: bool = False,
) -> Callable[[Function], Function]:
    """Register a function as the operator of a name, from an opset on.

    With ``out``, its first result depends in shape and dtype on those of its inputs alone, and is
    written to ``out`` if there is one: the Call's, or the function's own keyword. ``task`` takes
    the inputs and attributes too.

    ``view`` is for those that change the shape alone.
    """

    def add(function: Function) -> Function:
        rows = _rows.setdefault(name, [])
        rows.append(Operator(name, function, call, since, out, task, view))
        rows.sort(key=lambda row: row.since)
        return function

    return add


def find(name: str, opset: int) -> Operator | None:
    """The operator of a name as an opset has it; None: there is none."""
    rows = [row for row in _rows.get(name, ()) if row.since <= opset]
    return rows[-1] if rows else None


def names() -> Mapping[str, list[Operator]]:
    """All operators, by name."""
    return _rows
