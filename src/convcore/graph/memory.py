"""Where the results of a program's steps stand: in one block, which later runs use again.

The first run with inputs of certain shapes notes what each step gives and how long it is needed;
the block is laid out from that. Fresh pages cost more than many a layer.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from threading import Lock
from typing import Any, NamedTuple

import numpy as np

from convcore.graph.segments import Noted, Segment, find_segments, note_of
from convcore.graph.step import Facts, Step, facts_of
from convcore.spec.operands import Array, DType

ALIGNMENT = 64
MOST_BLOCKS = 4  # that a program keeps, for runs at once and for other shapes
NOWHERE = -1


def owner(array: Any) -> Any:
    """Whose memory an array shows."""
    while getattr(array, "base", None) is not None:
        array = array.base
    return array


class Slot(NamedTuple):
    """What a step gives: where in the block, and of which inputs."""

    facts: Facts
    offset: int
    shape: tuple[int, ...]
    dtype: DType


class Layout(NamedTuple):
    """A slot for each step, or None; the bytes of all; and in whose result each value stands.

    A value is known by its number. Those that stand in no step's result are left out. Segments are
    known by their first step.
    """

    slots: tuple[Slot | None, ...]
    nbytes: int
    makers: dict[int, int]
    segments: dict[int, Segment]


class Block:
    """Memory laid out: an array for each step, or None."""

    def __init__(self, layout: Layout) -> None:
        memory = np.empty(layout.nbytes + ALIGNMENT, np.uint8)
        start = -memory.ctypes.data % ALIGNMENT
        self.memory = memory
        self.segments = layout.segments
        self._makers = layout.makers
        self.steps: list[tuple[Facts, Array] | None] = []
        for slot in layout.slots:
            if slot is None:
                self.steps.append(None)
                continue
            nbytes = int(np.prod(slot.shape)) * slot.dtype.itemsize
            part = memory[start + slot.offset : start + slot.offset + nbytes]
            self.steps.append((slot.facts, part.view(slot.dtype).reshape(slot.shape)))

    def part(self, step: int) -> Array:
        """Where the result of a step stands."""
        facts_and_array = self.steps[step]
        assert facts_and_array is not None
        return facts_and_array[1]

    def kept(self, number: int, value: Any) -> Any:
        """A value, or its copy if it shows a part of the block that may be written to again.

        The recorded run tells what shows which part. This depends on elements too: a Loop that
        ends at once hands on what it was given.
        """
        if not isinstance(value, np.ndarray) or owner(value) is not self.memory:
            return value
        place = self.steps[self._makers[number]] if number in self._makers else None
        if place is not None and np.may_share_memory(value, place[1]):
            return value
        return value.copy()


class _Made(NamedTuple):
    facts: Facts
    shape: tuple[int, ...]
    dtype: DType
    nbytes: int


class Recorder:
    """Notes of a run, of which a layout is made."""

    def __init__(self, steps: Sequence[Step], constants: Collection[int]) -> None:
        self._made: dict[int, _Made] = {}  # by steps: results that may stand in a block
        self._last: dict[int, int] = {}  # the last step that uses each
        self._maker: dict[int, int] = {}  # of a value's number: the step in whose result it stands
        self._steps, self._constants = steps, constants
        self._notes: list[Noted | None] = []

    def note(self, place: int, step: Step, arguments: list[Any], values: Sequence[Any]) -> None:
        """Note a step; `values` are all values by number, its results among them."""
        facts = facts_of(arguments)
        self._notes.append(note_of(step, arguments, values[step.outputs[0]], self._constants))
        for number in step.inputs:
            if number in self._maker:
                self._last[self._maker[number]] = place
        for i, number in enumerate(step.outputs):
            array = values[number]
            if not isinstance(array, np.ndarray):
                continue
            of = [n for n in step.inputs if n in self._maker and owner(values[n]) is owner(array)]
            if of:  # an input, or a part of one
                self._maker[number] = self._maker[of[0]]
            elif i == 0 and step.takes_out and array.nbytes:
                self._maker[number] = self._last[place] = place
                self._made[place] = _Made(facts, array.shape, array.dtype, array.nbytes)

    def layout(self, kept: Sequence[int]) -> Layout:
        """Lay out all but the values that are kept; the largest first, each as low as it goes."""
        for number in kept:
            self._made.pop(self._maker.get(number, NOWHERE), None)
        places: dict[int, tuple[int, int]] = {}  # begin and end in the block, by steps
        for step in sorted(self._made, key=lambda each: (-self._made[each].nbytes, each)):
            size = -(-self._made[step].nbytes // ALIGNMENT) * ALIGNMENT
            offset = 0
            for begin, end, other in sorted((*places[other], other) for other in places):
                apart = self._last[other] < step or self._last[step] < other
                if not apart and begin < offset + size and offset < end:
                    offset = end
            places[step] = offset, offset + size
        slots = [
            Slot(made.facts, places[step][0], made.shape, made.dtype)
            if (made := self._made.get(step)) is not None
            else None
            for step in range(len(self._steps))
        ]
        nbytes = max((end for _, end in places.values()), default=0)
        segments = find_segments(self._steps, self._notes, [slot is not None for slot in slots])
        return Layout(tuple(slots), nbytes, self._maker, segments)


class Memory:
    """The layouts and blocks of a program, by the facts of its inputs; for several threads."""

    def __init__(self) -> None:
        self._layouts: dict[Facts, Layout] = {}
        self._blocks: list[tuple[Facts, Block]] = []
        self._lock = Lock()

    def take(self, facts: Facts) -> Block | None:
        """A block that nobody else has; None: the layout is not known yet."""
        with self._lock:
            layout = self._layouts.get(facts)
            for place, (key, block) in enumerate(self._blocks):
                if key == facts:
                    del self._blocks[place]
                    return block
        return None if layout is None else Block(layout)

    def give(self, facts: Facts, block: Block) -> None:
        """Give a block back, for later runs."""
        with self._lock:
            self._blocks.append((facts, block))
            del self._blocks[:-MOST_BLOCKS]

    def learn(self, facts: Facts, layout: Layout) -> None:
        """Keep a layout."""
        with self._lock:
            self._layouts[facts] = layout
            for key in list(self._layouts)[:-MOST_BLOCKS]:
                del self._layouts[key]

    @property
    def nbytes(self) -> int:
        """Bytes of the blocks that are kept."""
        with self._lock:
            return sum(block.memory.nbytes for _, block in self._blocks)
