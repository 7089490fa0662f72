"""Inputs with missing cells: which cells are present, and the input without the others.

Each operator then runs on an input whose missing cells are 0, and again on what is present of the
window: :mod:`convcore.engine.masked_conv`, :mod:`convcore.engine.masked_pool`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from convcore.engine.buffers import quiet
from convcore.spec.layout import split
from convcore.spec.missing import NAN, PROPAGATE, Given, Missing, as_mask
from convcore.spec.operands import Array, DType, as_array, as_contiguous

Function = Callable[..., Any]


def select(plain: Function, masked: Function, x: object, given: Given) -> Function:
    """Return the function of a call: the plain one, or the other with the options given.

    Nearly every call has no such option, and must not take longer for those that do.
    """
    mask, nan, normalize, fill, return_weight = given
    if (
        mask is None
        and normalize is True
        and fill is NAN
        and return_weight is False
        and type(nan) is str
        and nan == PROPAGATE
        and (type(x) is np.ndarray or not isinstance(x, np.ma.MaskedArray))
    ):
        return plain
    return partial(masked, given)


class Cells(NamedTuple):
    """An input and its mask."""

    x: Array  # as it was given, a plain array
    mask: Array | None  # channels first, (N or 1, C or 1, *spatial); None: no cell is missing

    def filled(self, op: str, dtype: DType, number: float, channels_last: bool) -> Array:
        """Return x in a dtype, contiguous, with a number at its missing cells."""
        assert self.mask is not None
        present = in_layout(self.mask, self.x.ndim, channels_last)
        if number == 0:
            return filled(op, self.x, present, dtype)
        other = np.where(present, self.x, np.asarray(number, self.x.dtype))
        return as_contiguous(op, "x", other, dtype)

    def clear(self, dx: Array, channels_last: bool) -> None:
        """Set a gradient to 0 at missing cells, in place."""
        if self.mask is not None:
            present = in_layout(self.mask, dx.ndim, channels_last)
            np.copyto(dx, 0, where=~present)


def data_of(op: str, x: ArrayLike, missing: Missing) -> tuple[Array, Missing]:
    """Return x as a plain array; the mask of a masked array becomes one of ours."""
    if not isinstance(x, np.ma.MaskedArray):
        return as_array(op, "x", x), missing
    hidden, data = np.ma.getmask(x), as_array(op, "x", np.ma.getdata(x))
    if hidden is np.ma.nomask or hidden.dtype != np.bool_:
        return data, missing
    return data, missing._replace(masks=(~hidden, *missing.masks))


def find_cells(op: str, x: Array, missing: Missing, axes: int, layout: str) -> Cells:
    """Find the missing cells of x: those that the mask leaves out and, if ignored, NaN."""
    found = split(op, axes, x.shape, layout).layout
    present: Array | None = None
    for given in missing.masks:
        mask = as_mask(op, given, x.shape, found)
        present = mask if present is None else present & mask
    if present is not None and present.all():
        present = None
    if missing.ignores_nan and has_nan(x):
        numbers = x == x  # one pass where ~isnan has two
        present = numbers if present is None else present & numbers
    if present is None or not x.size:
        return Cells(x, None)
    first = len(x.shape) - axes - 1
    while present.ndim < x.ndim:
        present = present[np.newaxis]
    if found.channels_last:
        present = np.moveaxis(present, -1, first)
    present = np.broadcast_to(present, (*present.shape[: first + 1], *_spatial(x.shape, found)))
    if not found.batched:
        present = present[np.newaxis]
    if present.shape[1] > 1 and (present == present[:, :1]).all():
        present = present[:, :1]
    return Cells(x, np.ascontiguousarray(present))


def _spatial(shape: tuple[int, ...], layout: Any) -> tuple[int, ...]:
    first = int(layout.batched) + (0 if layout.channels_last else 1)
    return shape[first : first + layout.axes]


def has_nan(x: Array) -> bool:
    """Whether an array holds a NaN. The least element is one then, and is found fast."""
    if x.dtype.kind != "f" or not x.size:
        return False
    with quiet():
        return bool(np.isnan(x.min()))


def in_layout(array: Array, ndim: int, channels_last: bool) -> Array:
    """Return an array (N, C, *spatial) in a layout, with so many axes."""
    if channels_last:
        array = np.moveaxis(array, 1, -1)
    return array if array.ndim == ndim else array[0]


def channels_first(array: Array, axes: int, channels_last: bool) -> Array:
    """Return a view (N, C, *spatial) of an array in a layout."""
    if array.ndim == axes + 1:
        array = array[np.newaxis]
    return np.moveaxis(array, -1, 1) if channels_last else array


def share_like(share: Array, y: Array, channels_last: bool) -> Array:
    """Return a share (N or 1, K or 1, *spatial) as a read-only array of the result's shape."""
    share = in_layout(share.astype(y.dtype if y.dtype.kind == "f" else np.float64, copy=False),
                      y.ndim, channels_last)  # fmt: skip
    return np.broadcast_to(share, y.shape)


def filled(op: str, x: Array, present: Array | None, dtype: DType) -> Array:
    """Return x in a dtype, contiguous, with 0 at missing cells."""
    if present is None:
        return as_contiguous(op, "x", x, dtype)
    if x.dtype != dtype or not x.dtype.isnative:
        return as_contiguous(op, "x", np.where(present, x, x.dtype.type(0)), dtype)
    # Bits of zeros and ones: a choice for each cell is ten times as slow where they alternate.
    word = np.dtype(f"i{dtype.itemsize}")
    bits = present.astype(word)
    np.negative(bits, out=bits)
    result = np.empty(x.shape, dtype)
    np.bitwise_and(x.view(word), bits, out=result.view(word))
    return result


def taken(array: Array, cells: Array, axis: int, outside: object) -> Array:
    """Return these cells of an axis, a view if they are in order; -1 is ``outside``."""
    first, before = int(cells[0]), (slice(None),) * axis
    if first >= 0 and np.array_equal(cells, np.arange(first, first + len(cells))):
        return array[(*before, slice(first, first + len(cells)))]
    result = np.empty((*array.shape[:axis], len(cells), *array.shape[axis + 1 :]), array.dtype)
    inside = cells >= 0
    if array.shape[axis]:
        array.take(cells, axis=axis, mode="clip", out=result)
    result[(*before, ~inside)] = outside
    return result
