"""Missing cells: the options that say which cells of an input count, and the mask itself."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from convcore.spec.axis import Axis
from convcore.spec.border import Border, Pair, Side, on_sides
from convcore.spec.errors import short_repr
from convcore.spec.layout import Layout
from convcore.spec.operands import Array, DType, as_array
from convcore.spec.options import as_bool, check_choice
from convcore.spec.windows import seen_cells

PROPAGATE, IGNORE = NANS = ("propagate", "ignore")
NAN = np.nan  # the default of ``fill``, an object of its own

# mask, nan, normalize, fill and return_weight, as a call gives them
Given = tuple[object, object, object, object, object]


class Missing(NamedTuple):
    """The options of missing cells, read."""

    masks: tuple[Array, ...]  # of the shapes that were given; see :func:`as_mask`
    ignores_nan: bool  # whether a NaN is a missing cell
    normalize: bool
    fill: float
    return_weight: bool

    @property
    def applies(self) -> bool:
        """Whether any cell can be missing."""
        return bool(self.masks) or self.ignores_nan


def is_lost(side: Side, ignores_nan: bool) -> bool:
    """Return whether the padding on a side is missing: a NaN that is ignored."""
    return ignores_nan and side != side


def present_border(border: Border, ignores_nan: bool, number: float = 0.0) -> Border:
    """Return the border with a number instead of what is missing."""
    return on_sides(border, lambda side: number if is_lost(side, ignores_nan) else side)


def mask_border(border: Border, ignores_nan: bool) -> Border:
    """Return the border of the mask: 1 for constants that are present, 0 for missing ones."""
    return on_sides(
        border,
        lambda side: side if isinstance(side, str) else float(not is_lost(side, ignores_nan)),
    )


def padded_cells(op: str, axis: Axis, sides: Pair) -> Array:
    """Return the input cell at each cell of a padded axis; -1: a constant before, -2: after."""
    before, _ = axis.pair
    padded = Axis(axis.cells, 1, 1, 1, (before, 0), axis.needed)
    cells = seen_cells(op, padded, sides).ravel()
    after = cells[before + axis.cells :]
    after[after < 0] = -2
    return cells


def read_missing(op: str, given: Given) -> Missing:
    """Read the options of a call."""
    mask, nan, normalize, fill, return_weight = given
    return Missing(
        () if mask is None else (as_array(op, "mask", mask),),
        check_choice(op, "nan", nan, NANS) == IGNORE,
        as_bool(op, "normalize", normalize),
        as_fill(op, fill),
        as_bool(op, "return_weight", return_weight),
    )


def as_fill(op: str, fill: object) -> float:
    """Return a real number; NaN and infinity are fine."""
    try:
        if isinstance(fill, (bool, np.bool, str, bytes)):
            raise TypeError
        number = float(fill)  # type: ignore[arg-type]
    except Exception:
        raise TypeError(f"{op}: fill must be a number, got {short_repr(fill)}") from None
    return NAN if number != number else number


def fill_of(op: str, fill: float, dtype: DType) -> Array:
    """Return the number of outputs without a present cell, in the result's dtype."""
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return np.array(fill, dtype)
    if fill == fill and abs(fill) < 2**63 and fill == int(fill):
        number = int(fill)
        least, most = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        if least <= number <= most:
            return np.array(number, dtype)
    raise ValueError(
        f"{op}: fill must be a number of the result's dtype {dtype} where a window holds no "
        f"present cell, got {short_repr(fill)}"
    )


def as_mask(op: str, mask: Array, shape: tuple[int, ...], layout: Layout) -> Array:
    """Return the mask with the axes of x: each of size 1 or as long as that of x."""
    if mask.dtype != np.bool_:
        raise TypeError(f"{op}: mask must have dtype bool, got {mask.dtype}; mask != 0 makes one")
    first = layout.channel_axis + 1 if not layout.channels_last else int(layout.batched)
    spatial = shape[first : first + layout.axes]
    if mask.shape == spatial:
        return mask[..., np.newaxis] if layout.channels_last else mask
    if mask.ndim == len(shape) and all(m in (1, n) for m, n in zip(mask.shape, shape, strict=True)):
        return mask
    raise ValueError(
        f"{op}: mask must have the spatial shape {spatial} of x, or {len(shape)} axes of size 1 or "
        f"as in x's shape {shape}, got shape {mask.shape}"
    )
