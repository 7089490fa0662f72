"""What a part of a layer's outputs sees of the input, along one axis."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convcore.spec.axis import Axis, span
from convcore.spec.border import Pair, is_word
from convcore.spec.windows import cells_shown


class Reach(NamedTuple):
    """A range of outputs along an axis, and the input cells that they see.

    The part's own input has these cells in order, and among them copies of cells that the border
    shows. Constants and padding that holds nothing are the padding of the part's own axis.
    """

    start: int
    stop: int
    runs: tuple[tuple[int, int], ...]  # the input cells that are read: rising, apart
    order: NDArray[np.int64] | None  # place of each cell among those read; None: as they come
    axis: Axis
    sides: Pair  # what the padding of the axis holds, no word

    def cells(self) -> NDArray[np.int64]:
        """Return the input cell that each cell of the part's own input is or copies."""
        read = np.concatenate([np.arange(*run) for run in self.runs] or [np.arange(0)])
        return read if self.order is None else read[self.order]


def reach(axis: Axis, sides: Pair, start: int, stop: int, *, copies: bool = False) -> Reach:
    """Return what outputs ``start <= o < stop`` see.

    All outputs of an axis see all of it, with its border; or, with ``copies``, as others do.
    """
    n, kernel, stride, dilation, (before, after), outputs = axis
    if (start, stop) == (0, outputs) and not copies:
        return Reach(start, stop, ((0, n),) if n else (), None, axis, sides)
    first = start * stride - before
    end = (stop - 1) * stride - before + span(kernel, dilation)
    held = min(after, max(axis.needed - before - n, 0))
    low = -before if is_word(sides[0]) else 0  # cells from here on are input cells or copies
    high = n + (held if is_word(sides[1]) else 0)
    from_, to = max(first, low), min(end, high)
    pair = (
        min(max(low - first, 0), end - first),
        max(n + after - max(high, first), 0) if end > high else 0,
    )
    count = max(to - from_, 0)
    left = tuple(
        "zeros" if is_word(side) or not cells else side
        for side, cells in zip(sides, pair, strict=True)
    )
    own = Axis(count, kernel, stride, dilation, pair, stop - start)
    runs, order = _read(from_, from_ + count, n, sides)
    return Reach(start, stop, runs, order, own, left)  # type: ignore[arg-type]


def _read(
    first: int, end: int, n: int, sides: Pair
) -> tuple[tuple[tuple[int, int], ...], NDArray[np.int64] | None]:
    """Return the runs of cells under these positions, and the place of each among them."""
    if first >= end:
        return (), None
    if first >= 0 and end <= n:
        return ((first, end),), None
    shown = cells_shown(np.arange(first, end), n, sides)
    cells, order = np.unique(shown, return_inverse=True)
    ends = np.flatnonzero(np.diff(cells) > 1)
    starts = cells[np.concatenate(([0], ends + 1))]
    stops = cells[np.concatenate((ends, [len(cells) - 1]))] + 1
    runs = tuple((int(a), int(b)) for a, b in zip(starts, stops, strict=True))
    is_in_order = len(order) == len(cells) and bool((np.diff(order) == 1).all())
    return runs, None if is_in_order else order


def cut(axis: Axis, chunks: Sequence[int], unit: int, least: int) -> tuple[tuple[int, int], ...]:
    """Return ranges of outputs along an axis whose input comes in chunks.

    An output is of the chunk in which the middle of its window lies. Ranges begin at multiples of
    ``unit`` and have at least ``least`` outputs, so that some chunks may have none.
    """
    middle = (span(axis.kernel, axis.dilation) - 1) // 2 - axis.pair[0]  # of output 0
    ends, edge = [0], 0
    for cells in chunks:
        edge += cells
        end = min(max(-((middle - edge) // axis.stride), 0), axis.outputs)
        end = (end + unit // 2) // unit * unit
        if end - ends[-1] >= least and axis.outputs - end >= least:
            ends.append(end)
    ends.append(axis.outputs)
    return tuple((a, b) for a, b in pairwise(ends) if a < b)
