"""Neighbours that a footprint or a size describes, and what lies beyond an array for ranks."""

from __future__ import annotations

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
    sorted_axes,
)
from convcore.ndimage.elsewhere import FilterError
from convcore.spec.errors import short_repr
from convcore.spec.foreign import to_ndarray
from convcore.spec.operands import Array


class Neighbours(NamedTuple):
    """The neighbours of a cell along some axes of an array."""

    axes: tuple[int, ...]
    footprint: Array  # which cells of the box are among them
    first: tuple[int, ...]  # where the box begins, from its cell
    sides: Sides

    @property
    def taps(self) -> Array:
        """The neighbours in the order of the box's cells, a row of offsets each."""
        return np.argwhere(self.footprint) + np.array(self.first, np.int64)

    def along(self, i: int) -> Neighbours:
        """Return those along one of the axes."""
        shape = self.footprint.shape[i : i + 1]
        return Neighbours(
            self.axes[i : i + 1], np.ones(shape, bool), self.first[i : i + 1], self.sides[i : i + 1]
        )


def as_neighbours(
    request: Request, axes: tuple[int, ...], size: Any, footprint: Any, flipped: bool = False
) -> Neighbours:
    """Read who a cell's neighbours are; flipped: those whose neighbour it is."""
    op, count, origin = request.op, len(axes), request.origin
    sides = as_sides(request, count)
    if footprint is None:
        if size is None:
            raise FilterError(f"{op}: no footprint or filter size provided (size, footprint)")
        cells = np.ones(as_sizes(op, size, count), bool)
    else:
        cells = to_ndarray(op, "footprint", footprint).astype(bool)
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
        axes, sides, origin = sorted_axes(axes, sides, per_axis(op, "origin", origin, count))
    origins = as_origins(op, origin, cells.shape, flipped)
    cells = np.flip(cells) if flipped else cells
    return Neighbours(axes, cells, first_taps(cells.shape, origins), sides)


def in_type(x: Array, sides: Sides) -> tuple[Array, Sides]:
    """Return elements and constants of one type: of integers, constants are truncated.

    Truncating keeps their order, so it may come before a rank is taken.
    """
    if x.dtype.kind == "f":
        return x, sides
    whole = tuple(side if isinstance(side, str) or not np.isfinite(side) else float(int(side))
                  for side in sides)  # fmt: skip
    limits = (0, 1) if x.dtype.kind == "b" else (np.iinfo(x.dtype).min, np.iinfo(x.dtype).max)
    if all(isinstance(side, str) or limits[0] <= side <= limits[1] for side in whole):
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
