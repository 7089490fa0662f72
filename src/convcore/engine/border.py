"""The adjoint of padding: what gradients give copies of cells goes to the cells themselves.

A gradient is computed for the input and for those cells of its padding that copy input cells. Their
values are then added to the cells that they copy, one axis after the other. Constants get nothing.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from convcore.spec.axis import Axis
from convcore.spec.border import ZEROS, Pair, is_word
from convcore.spec.layout import Layout
from convcore.spec.operands import Array
from convcore.spec.pooling import PoolSpec
from convcore.spec.windows import cells_shown


class BorderSum(NamedTuple):
    """The input cells along one axis with their copies on both sides."""

    before: int  # copies before the input
    shown: Array  # the input cell that each of them all is or copies; -1: a constant
    cells: int  # input cells


def pad(x: Array, first: int, paddings: Sequence[tuple[int, int]], border: Sequence[Pair]) -> Array:
    """Return a copy of x with its padding along the axes from ``first`` on, one after the other."""
    pairs = border or (ZEROS,) * len(paddings)
    for axis, ((before, after), sides) in enumerate(zip(paddings, pairs, strict=True), first):
        n = x.shape[axis]
        shown = cells_shown(np.arange(-before, n + after), n, sides)
        from_x = np.moveaxis(x, axis, 0)
        padded = np.empty((len(shown), *from_x.shape[1:]), x.dtype)
        padded[shown >= 0] = from_x[shown[shown >= 0]]
        for where, side in zip((slice(before), slice(before + n, None)), sides, strict=True):
            if not is_word(side):
                padded[where] = 0 if side == "zeros" else side
        x = np.moveaxis(padded, 0, axis)
    return x


def kept_padding(axis: Axis, sides: Pair) -> tuple[int, int]:
    """Return the cells before and after an axis that are copies and that an output sees."""
    before, after = axis.pair[0], max(axis.needed - axis.pair[0] - axis.cells, 0)
    return before if is_word(sides[0]) else 0, after if is_word(sides[1]) else 0


def border_sums(axes: Sequence[Axis], border: Sequence[Pair]) -> tuple[BorderSum, ...]:
    """Return the copies along each axis; nothing, if there are none."""
    pairs = border or (ZEROS,) * len(axes)
    kept = [kept_padding(*axis) for axis in zip(axes, pairs, strict=True)]
    if not any(map(any, kept)):  # the lists are as long as the axes
        return ()
    return tuple(_border_sum(*each) for each in zip(axes, kept, pairs, strict=True))


def _border_sum(axis: Axis, kept: tuple[int, int], sides: Pair) -> BorderSum:
    cells = np.arange(-kept[0], axis.cells + kept[1])
    return BorderSum(kept[0], cells_shown(cells, axis.cells, sides), axis.cells)


def pool_border_sums(spec: PoolSpec) -> tuple[BorderSum, ...]:
    """Return the cells along each axis of a pooling, with those of its padding that it holds."""
    if not spec.border:
        return ()
    along = zip(spec.axes, spec.held, spec.border, strict=True)
    return tuple(_border_sum(*each) for each in along)


def sum_pool_borders(spec: PoolSpec, padded: Array) -> Array:
    """Add what a pooling's gradient has for copies of cells to the cells."""
    return sum_borders(padded, first_axis(spec.layout), pool_border_sums(spec))


def first_axis(layout: Layout) -> int:
    """Return the first spatial axis of an array."""
    return layout.batched + (not layout.channels_last)


def sum_borders(padded: Array, first: int, sums: Sequence[BorderSum]) -> Array:
    """Add the values of copies to their cells, along the axes from ``first`` on.

    The result is a view of the padded array, which is changed.
    """
    for axis, of in enumerate(sums, first):
        padded = _sum_border(padded, axis, of)
    return padded


def _sum_border(padded: Array, axis: int, of: BorderSum) -> Array:
    """Add the values of copies along an axis to their cells, in float64."""
    before, shown, cells = of
    padded = np.moveaxis(padded, axis, 0)
    result = padded[before : before + cells]
    order = np.argsort(shown, kind="stable")  # cell by cell
    order = order[((order < before) | (order >= before + cells)) & (shown[order] >= 0)]
    if len(order):
        found, starts = np.unique(shown[order], return_index=True)
        result[found] += np.add.reduceat(padded[order], starts, axis=0, dtype=np.float64)
    return np.moveaxis(result, 0, axis)
