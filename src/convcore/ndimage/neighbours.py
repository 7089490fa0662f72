"""Neighbours that a footprint or a size describes, and what lies beyond an array for ranks."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy as np

from convcore.ndimage.arguments import (
    Request,
    Sides,
    as_origins,
    as_sides,
    as_sizes,
    first_taps,
    per_axis,
    pick,
    sorted_axes,
    wide_axes,
)
from convcore.ndimage.elsewhere import FilterError
from convcore.spec.errors import short_repr
from convcore.spec.foreign import to_ndarray
from convcore.spec.operands import Array, DType


class Neighbours(NamedTuple):
    """The neighbours of a cell along some axes of an array: those where a box has several cells."""

    axes: tuple[int, ...]
    shape: tuple[int, ...]  # of the box
    first: tuple[int, ...]  # where it begins, from its cell
    sides: Sides
    footprint: Array | None = None  # which of its cells are among them; None: all

    @property
    def cells(self) -> int:
        """How many there are."""
        return prod(self.shape) if self.footprint is None else int(self.footprint.sum())

    @property
    def taps(self) -> Array:
        """The neighbours in the order of the box's cells, a row of offsets each."""
        cells = np.ones(self.shape, bool) if self.footprint is None else self.footprint
        return np.argwhere(cells) + np.array(self.first, np.int64)

    def along(self, i: int) -> Neighbours:
        """Return those of a box along one of its axes."""
        one = slice(i, i + 1)
        return Neighbours(self.axes[one], self.shape[one], self.first[one], self.sides[one])


def as_neighbours(
    request: Request,
    ndim: int,
    axes: tuple[int, ...],
    size: Any,
    footprint: Any,
    flipped: bool = False,
) -> Neighbours:
    """Read who a cell's neighbours are; flipped: those whose neighbour it is."""
    op, count, origin = request.op, len(axes), request.origin
    sides = as_sides(request, count)
    cells = None
    if footprint is None:
        if size is None:
            raise FilterError(f"{op}: no footprint or filter size provided (size, footprint)")
        shape = as_sizes(op, size, count)
    else:
        cells = to_ndarray(op, "footprint", footprint).astype(bool)
        shape = cells.shape
        if cells.ndim != count:
            raise FilterError(
                f"{op}: footprint.ndim ({cells.ndim}) must match len(axes) ({count}): sequence "
                "argument must have length equal to input rank"
            )
        if not cells.any():
            raise FilterError(
                f"{op}: footprint must have a cell that counts, got "
                f"{short_repr(footprint)}: All-zero footprint is not supported."
            )
        axes, sides, origin = sorted_axes(ndim, axes, sides, per_axis(op, "origin", origin, count))
    first = first_taps(shape, as_origins(op, origin, shape, flipped))
    wide = wide_axes(shape)
    shape = pick(wide, shape)
    if cells is not None:
        cells = None if cells.all() else np.flip(cells) if flipped else cells
        cells = None if cells is None else cells.reshape(shape)
    return Neighbours(pick(wide, axes), shape, pick(wide, first), pick(wide, sides), cells)


def in_type(x: Array, sides: Sides, dtype: DType) -> tuple[Array, Sides]:
    """Return elements and constants of one type, for a result of a dtype.

    Where the result is of integers, constants are truncated: that keeps their order, so it may come
    before a rank is taken.
    """
    if x.dtype.kind == "f":
        return x, sides
    whole = tuple(
        side
        if isinstance(side, str) or not np.isfinite(side) or (dtype.kind == "f" and side % 1)
        else int(side)
        for side in sides
    )
    limits = (0, 1) if x.dtype.kind == "b" else (np.iinfo(x.dtype).min, np.iinfo(x.dtype).max)
    fits = all(
        isinstance(side, str) or (isinstance(side, int) and limits[0] <= side <= limits[1])
        for side in whole
    )
    if fits:
        return (x.view(np.uint8) if x.dtype.kind == "b" else x), whole
    return x.astype(np.float64), sides


def in_dtype(y: Array, dtype: Any) -> Array:
    """Return a rank in the dtype that is wanted: as a cast of C does."""
    if y.dtype == dtype:
        return y
    if y.dtype.kind == "f" and dtype.kind in "iu":
        with np.errstate(invalid="ignore"):
            return y.astype(np.int64).astype(dtype)
    return y.astype(dtype)
