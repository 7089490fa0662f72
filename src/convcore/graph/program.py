"""A graph as a list of calls: what is known before a run is found out once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from convcore.graph.memory import Block, Memory, Recorder
from convcore.graph.node import Graph, Node
from convcore.graph.operators import find
from convcore.graph.step import Step, facts_of
from convcore.spec.errors import short_repr
from convcore.spec.operands import Array

# Computes a node that the table has no operator for, or says that it cannot: None.
Unknown = Callable[[Node, int], "Callable[..., Any] | None"]


# Sees a step, its arguments and its results.
Watch = Callable[["Step", list[Any], tuple[Any, ...]], None]


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
        self._constants = {self._number[name] for name in graph.constants}
        inner = [name for program in self._inner.values() for name in program.captured]
        self._kept = [*self._outputs, *(self._number[name] for name in inner)]
        self.memory = Memory()
        self._given = [self._number[v.name] for v in graph.inputs]
        self._given += [self._number[name] for name in self.captured]

    def _take(self, name: str) -> int:
        return self._number.setdefault(name, len(self._number))

    def _step(self, node: Node, unknown: Unknown | None) -> Step:
        opset = self.graph.opset
        row = find(node.key, opset)
        if row is not None:
            function, wants_call, takes_out = row.function, row.wants_call, row.takes_out
            task, is_view = row.task, row.view
            if node.attributes:
                function = partial(function, **node.attributes)
                task = None if task is None else partial(task, **node.attributes)
        else:
            found = unknown(node, opset) if unknown else None
            if found is None:
                raise ValueError(f"operator must be known, got {node.key}")
            function, wants_call, takes_out, task, is_view = found, False, False, None, False
        for inner in node.graphs():
            self._inner[id(inner)] = Program(inner, unknown)
        inputs = tuple(self._find(name, node) for name in node.inputs)
        outputs = tuple(self._take(name) for name in node.outputs)
        wanted = tuple(bool(name) for name in node.outputs)
        return Step(
            node, function, wants_call, takes_out, task, is_view, opset, inputs, outputs, wanted,
            release=(),
        )  # fmt: skip

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
        watch: Watch | None = None,
    ) -> list[Array]:
        """Run it: inputs, then captured values, to outputs.

        Outputs are no part of a block, and may be inputs, constants or parts of them.
        """
        if self.captured or not self.steps:
            return self._run(given, threads, watch, None, None)
        facts = facts_of(given)
        block = self.memory.take(facts)
        if block is not None:
            try:
                return self._run(given, threads, watch, block, None)
            finally:
                self.memory.give(facts, block)
        recorder = Recorder(self.steps, self._constants)
        found = self._run(given, threads, watch, None, recorder)
        self.memory.learn(facts, recorder.layout(self._kept))
        return found

    def _run(
        self,
        given: Sequence[Array],
        threads: int | None,
        watch: Watch | None,
        block: Block | None,
        recorder: Recorder | None,
    ) -> list[Array]:
        values: list[Any] = self._start.copy()
        for number, array in zip(self._given, given, strict=True):
            values[number] = array
        inner = partial(self._run_inner, values, threads)
        segments = {} if block is None or watch is not None else block.segments
        done = 0  # steps before this one
        for place, step in enumerate(self.steps):
            if place < done:
                continue
            segment = segments.get(place)
            if segment is not None and block and segment.run(values, block.part, threads):
                done = segment.end
                continue
            arguments = [values[number] for number in step.inputs]
            part = block.steps[place] if block else None
            out = part[1] if part is not None and part[0] == facts_of(arguments) else None
            try:
                result = step.call(arguments, inner, threads, out)
            except (ValueError, TypeError, MemoryError, IndexError) as error:
                name = step.node.name or step.node.outputs[0]
                error.add_note(f"in node {name!r}, {step.node.key}")
                raise
            for number, value in zip(step.outputs, result, strict=False):
                if block is not None and value is not out:
                    value = block.kept(number, value)
                values[number] = value
            values[ABSENT] = None
            if recorder is not None:
                recorder.note(place, step, arguments, values)
            if watch is not None:
                watch(step, arguments, result)
            for number in step.release:
                values[number] = None
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
