"""A step of a program: one call of an operator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from convcore.graph.node import Graph, Node
from convcore.graph.operators import Call
from convcore.spec.operands import Array

Facts = tuple[Any, ...]  # of a step's inputs: shapes and dtypes, which decide its result's


def facts_of(arguments: Sequence[Any]) -> Facts:
    """What a step's result's shape and dtype depend on."""
    return tuple(None if a is None else (a.shape, a.dtype) for a in arguments)


class Step(NamedTuple):
    """A call. Values have numbers; ABSENT stands for an input that is not there."""

    node: Node
    function: Callable[..., Any]
    wants_call: bool
    takes_out: bool
    task: Callable[..., Any] | None  # what the core does of it, as the table of operators has it
    is_view: bool
    opset: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    wanted: tuple[bool, ...]  # which outputs are used
    release: tuple[int, ...]  # values that no later step needs

    def call(
        self,
        arguments: list[Any],
        inner: Callable[[Graph, list[Array]], list[Array]],
        threads: int | None,
        out: Array | None,
    ) -> tuple[Any, ...]:
        """Call the function; its results. `out`: where the first may stand."""
        if self.wants_call:
            arguments = [Call(self.opset, self.wanted, inner, threads, out), *arguments]
            out = None
        to = {} if out is None else {"out": out}
        result = self.function(*arguments, **to)
        return result if isinstance(result, tuple) else (result,)
