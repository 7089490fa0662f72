"""Segments of a program: steps one after another that the core runs in one call.

A step between two others costs more in Python than a small layer in C. What a segment is made of
is known when a run has been recorded: shapes, and which results are others in another shape.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

import numpy as np

from convcore import api
from convcore.graph.step import Facts, Step, facts_of
from convcore.spec.operands import Array, DType

MOST_PLACES = 256  # of a segment, each of which a run looks at


class Noted(NamedTuple):
    """What a recorded step had and gave."""

    task: api.Task | None
    is_view: bool  # of its first input
    shape: tuple[int, ...]
    dtype: DType
    inputs: Facts


def note_of(
    step: Step, arguments: Sequence[Any], result: Any, constants: Collection[int]
) -> Noted | None:
    """Note a step that has run; None: it stays a step of its own."""
    if not arguments or any(step.wanted[1:]) or type(result) is not np.ndarray:
        return None
    x = arguments[0]
    is_view = (
        step.is_view
        and all(number in constants for number in step.inputs[1:])
        and x.flags.c_contiguous
        and result.flags.c_contiguous
        and x.ctypes.data == result.ctypes.data
        and (x.size, x.dtype) == (result.size, result.dtype)
    )
    task = step.task(*arguments) if step.task is not None else None
    return Noted(task, is_view, result.shape, result.dtype, facts_of(arguments))


class Place(NamedTuple):
    """Where an array of a segment comes from: a value, a step's part of a block, or new memory."""

    value: int | None
    step: int
    is_kept: bool  # in the block
    shape: tuple[int, ...]
    dtype: DType


class Result(NamedTuple):
    """A value that later steps need."""

    value: int
    place: int
    shape: tuple[int, ...]


class Segment(NamedTuple):
    """Steps as one call of the core."""

    end: int  # the step after it
    run_core: Callable[[list[Array], int], None]
    algorithm: str  # that the program asked for when its layers were planned
    places: tuple[Place, ...]
    results: tuple[Result, ...]
    release: tuple[int, ...]

    def run(self, values: list[Any], part: Callable[[int], Array], threads: object) -> bool:
        """Set the values of its results; False: nothing is done, its steps are to be run.

        ``part`` gives where the result of a step stands in the block.
        """
        if self.algorithm != api.default_algorithm():
            return False
        arrays: list[Array] = []
        for place in self.places:
            if place.value is not None:
                array = values[place.value]
                if not _is_plain(array, place):
                    return False
            elif place.is_kept:
                array = part(place.step)
            else:
                array = np.empty(place.shape, place.dtype)
            arrays.append(array)
        try:
            self.run_core(arrays, api.threads_for("run", threads))
        except (MemoryError, TypeError, ValueError):
            return False  # the step that fails tells its name
        for value, number, shape in self.results:
            array = arrays[number]
            values[value] = array if array.shape == shape else array.reshape(shape)
        for value in self.release:
            values[value] = None
        return True


def _is_plain(array: Any, place: Place) -> bool:
    """Whether the core can read it as it is."""
    return (
        type(array) is np.ndarray
        and array.shape == place.shape
        and array.dtype is place.dtype
        and array.flags.c_contiguous
        and array.flags.aligned
    )


def find_segments(
    steps: Sequence[Step], notes: Sequence[Noted | None], kept: Sequence[bool]
) -> dict[int, Segment]:
    """The segments by their first step; `kept`: whether a step's result is in the block."""
    found: dict[int, Segment] = {}
    first = 0
    for place, note in enumerate([*notes, None]):
        if note is not None and (note.task is not None or note.is_view):
            continue
        segment = _segment(steps, notes, kept, range(first, place))
        if segment is not None:
            found[first] = segment
        first = place + 1
    return found


class _Builder:
    """The places and tasks of a segment as they are found."""

    def __init__(self) -> None:
        self.places: list[Place] = []
        self.of: dict[int, int] = {}  # places by values
        self.tasks: list[tuple[api.Task, list[int | None], int]] = []

    def find(self, value: int, facts: Facts | None) -> int | None:
        """The place of an input; one from outside gets one."""
        if facts is None:
            return None
        if value not in self.of:
            self.of[value] = len(self.places)
            self.places.append(Place(value, -1, False, *facts))
        return self.of[value]

    def add(self, number: int, step: Step, note: Noted, is_kept: bool) -> None:
        """Add a step."""
        given = [self.find(*each) for each in zip(step.inputs, note.inputs, strict=True)]
        if note.is_view:
            assert given[0] is not None
            self.of[step.outputs[0]] = given[0]
            return
        assert note.task is not None
        place = self.of[step.outputs[0]] = len(self.places)
        self.places.append(Place(None, number, is_kept, note.shape, note.dtype))
        self.tasks.append((note.task, given, place))


def _segment(
    steps: Sequence[Step], notes: Sequence[Noted | None], kept: Sequence[bool], span: range
) -> Segment | None:
    """These steps as a segment; None: the core has nothing to do, or arrays are too many."""
    builder = _Builder()
    release: list[int] = []
    for number in span:
        note = notes[number]
        assert note is not None
        builder.add(number, steps[number], note, kept[number])
        release += steps[number].release
    if not builder.tasks or len(builder.places) > MOST_PLACES:
        return None
    core = api.Sequence(len(builder.places))
    for task, (x, *residual), y in builder.tasks:
        assert x is not None
        task.add(core, x, residual[0] if residual else None, y)
    results = []
    for number in span:
        (value, note) = steps[number].outputs[0], notes[number]
        if value not in release and note is not None:
            results.append(Result(value, builder.of[value], note.shape))
    places, algorithm = tuple(builder.places), api.default_algorithm()
    return Segment(span.stop, core.run, algorithm, places, tuple(results), tuple(release))
