"""Arrays of any number of axes as kernels take them: (n, depth, rows, columns, lanes).

Axes that a filter does not run over are merged: those before the first into n, those after the last
into lanes.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import NamedTuple

import numpy as np

from convcore.engine.filters import Borders, Side
from convcore.ndimage.elsewhere import NotServed
from convcore.spec.operands import Array

SPATIAL = 3


class Frame(NamedTuple):
    """How an array is laid out for a filter, and back."""

    order: tuple[int, ...]  # of its axes: those that are filtered stand together
    shape: tuple[int, ...]  # of the array in that order
    core: tuple[int, ...]  # n, depth, rows, columns, lanes
    axes: tuple[int, ...]  # of the window's axes: which of depth, rows, columns each is

    @property
    def is_in_place(self) -> bool:
        """Whether kernels take a contiguous array where it is."""
        return self.order == tuple(range(len(self.order)))

    def to_core(self, x: Array) -> Array:
        """Return the array as kernels take it."""
        return x.transpose(self.order).reshape(self.core)

    def from_core(self, y: Array) -> Array:
        """Return a result of kernels in the array's own shape."""
        back = np.argsort(self.order)
        return y.reshape(self.shape).transpose(tuple(int(axis) for axis in back))

    def borders(self, sides: tuple[Side, ...]) -> Borders:
        """Return a border for each of the three axes from those of the window's."""
        found: list[Side] = [0.0] * SPATIAL
        for axis, side in zip(self.axes, sides, strict=True):
            found[axis] = side
        return tuple((side, side) for side in found)

    def window(
        self, sizes: tuple[int, ...], first: tuple[int, ...], sides: tuple[Side, ...], none: Side
    ) -> tuple[list[int], list[tuple[int, int]], list[Side]]:
        """Return the sizes, paddings and borders of a window along the three axes.

        ``none``: the border of an axis that it does not run over.
        """
        along, pads, borders = [1] * SPATIAL, [(0, 0)] * SPATIAL, [none] * SPATIAL
        for axis, size, start, side in zip(self.axes, sizes, first, sides, strict=True):
            along[axis], pads[axis], borders[axis] = size, (-start, size - 1 + start), side
        return along, pads, borders

    def offsets(self, taps: Array) -> Array:
        """Return the taps of a window, a row each, along the three axes."""
        found = np.zeros((len(taps), SPATIAL), np.int64)
        found[:, self.axes] = taps
        return found


def frame_of(shape: tuple[int, ...], axes: tuple[int, ...], planes: bool = False) -> Frame:
    """Lay an array out for a window over these of its axes; planes: without lanes."""
    if len(axes) > SPATIAL:
        raise NotServed(f"the window has {len(axes)} axes, and kernels have {SPATIAL}")
    ndim, wanted = len(shape), sorted(axes)
    order = tuple(range(ndim))
    if wanted and (planes or wanted[-1] - wanted[0] >= len(wanted)):  # others stand between them
        others = [axis for axis in order if axis not in wanted]
        order = (*others, *wanted)
    first = order.index(wanted[0]) if wanted else ndim
    end = first + len(wanted)
    ordered = tuple(shape[axis] for axis in order)
    spatial = (1,) * (SPATIAL - len(wanted)) + ordered[first:end]
    core = (prod(ordered[:first]), *spatial, prod(ordered[end:]))
    places = tuple(SPATIAL - len(wanted) + wanted.index(axis) for axis in axes)
    return Frame(order, ordered, core, places)


def over(x: Array, axes: tuple[int, ...], call: Callable[[Array, Frame], Array]) -> Array:
    """Run a filter of kernels over some axes of an array."""
    frame = frame_of(x.shape, axes)
    return frame.from_core(call(frame.to_core(x), frame))
