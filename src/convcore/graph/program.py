"""A graph as a list of calls: what is known before a run is found out once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

from convcore.graph.node import Graph, Node
from convcore.graph.operators import Call, find
from convcore.spec.errors import short_repr
from convcore.spec.operands import Array

# Computes a node that the table has no operator for, or says that it cannot: None.
Unknown = Callable[[Node, int], "Callable[..., Any] | None"]


class Step(NamedTuple):
    """A call. Values have numbers; ABSENT stands for an input that is not there."""

    node: Node
    function: Callable[..., Any]
    wants_call: bool
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    wanted: tuple[bool, ...]  # which outputs are used
    release: tuple[int, ...]  # values that no later step needs


ABSENT = 0  # the number of the value None


class Program:
    """A graph, ready to run. Any number of threads may run it at once."""

    def __init__(self, graph: Graph, unknown: Unknown | None = None) -> None:
        self.graph = graph
        self._number: dict[str, int] = {"": ABSENT}
        self._inner: dict[int, Program] = {}
        self.captured = sorted(graph.needs())  # values of an outer graph
        names = [value.name for value in graph.inputs]
        for name in (*names, *self.captured, *graph.constants):
            self._take(name)
        self.steps = [self._step(node, unknown) for node in graph.nodes]
        self._outputs = tuple(self._number[value.name] for value in graph.outputs)
        self._release()
        self._start: list[Array | None] = [None] * len(self._number)
        for name, array in graph.constants.items():
            self._start[self._number[name]] = array
        self._given = [self._number[v.name] for v in graph.inputs]
        self._given += [self._number[name] for name in self.captured]

    def _take(self, name: str) -> int:
        return self._number.setdefault(name, len(self._number))

    def _step(self, node: Node, unknown: Unknown | None) -> Step:
        opset = self.graph.opset
        row = find(node.key, opset)
        if row is not None:
            function, wants_call = row.function, row.wants_call
            if node.attributes:
                function = partial(function, **node.attributes)
        else:
            found = unknown(node, opset) if unknown else None
            if found is None:
                raise ValueError(f"operator must be known, got {node.key}")
            function, wants_call = found, False
        for inner in node.graphs():
            self._inner[id(inner)] = Program(inner, unknown)
        inputs = tuple(self._find(name, node) for name in node.inputs)
        outputs = tuple(self._take(name) for name in node.outputs)
        wanted = tuple(bool(name) for name in node.outputs)
        return Step(node, function, wants_call, inputs, outputs, wanted, ())

    def _find(self, name: str, node: Node) -> int:
        if name not in self._number:
            raise ValueError(
                f"nodes must follow those that they need, got {node.key} {short_repr(node.name)} "
                f"before {short_repr(name)}"
            )
        return self._number[name]

    def _release(self) -> None:
        """Let each value go after its last use; constants and inputs are not the program's."""
        last: dict[int, int] = {}
        made = {number for step in self.steps for number in step.outputs}
        for place, step in enumerate(self.steps):
            inner = [
                self._number[n] for g in step.node.graphs() for n in self._inner[id(g)].captured
            ]
            for number in (*step.inputs, *step.outputs, *inner):
                if number in made and number != ABSENT:
                    last[number] = place
        for number in self._outputs:
            last.pop(number, None)
        ends: dict[int, list[int]] = {}
        for number, place in last.items():
            ends.setdefault(place, []).append(number)
        self.steps = [
            step._replace(release=tuple(ends.get(place, ())))
            for place, step in enumerate(self.steps)
        ]

    def run(
        self,
        given: Sequence[Array],
        threads: int | None = None,
        watch: Callable[[Step, tuple[Any, ...]], None] | None = None,
    ) -> list[Array]:
        """Run it: inputs, then captured values, to outputs. `watch` sees each step's results."""
        values: list[Any] = self._start.copy()
        for number, array in zip(self._given, given, strict=True):
            values[number] = array
        inner = partial(self._run_inner, values, threads)
        opset = self.graph.opset
        for step in self.steps:
            arguments = [values[number] for number in step.inputs]
            try:
                if step.wants_call:
                    call = Call(opset, step.wanted, inner, threads)
                    result = step.function(call, *arguments)
                else:
                    result = step.function(*arguments)
            except (ValueError, TypeError, MemoryError, IndexError) as error:
                error.add_note(
                    f"in node {step.node.name or step.node.outputs[0]!r}, {step.node.key}"
                )
                raise
            if not isinstance(result, tuple):
                result = (result,)
            for number, value in zip(step.outputs, result, strict=False):
                values[number] = value
            if watch is not None:
                watch(step, result)
            for number in step.release:
                values[number] = None
            values[ABSENT] = None
        return [values[number] for number in self._outputs]

    def _run_inner(
        self, values: list[Any], threads: int | None, graph: Graph, inputs: Iterable[Array]
    ) -> list[Array]:
        program = self._inner[id(graph)]
        captured = [values[self._number[name]] for name in program.captured]
        return program.run([*inputs, *captured], threads)


def missing(graph: Graph, unknown: Unknown | None = None) -> list[Node]:
    """Nodes that nothing computes, in the graphs inside too."""
    found = []
    for node in graph.nodes:
        if find(node.key, graph.opset) is None and not (unknown and unknown(node, graph.opset)):
            found.append(node)
        for inner in node.graphs():
            found += missing(inner, unknown)
    return found
