"""Inputs with missing cells: which cells are present, and the input without the others.

Each operator then runs on an input whose missing cells are 0, and again on what is present of the
window: :mod:`convcore.engine.masked_conv`, :mod:`convcore.engine.masked_pool`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from numpy import ndarray
from numpy.typing import ArrayLike

from convcore.engine.buffers import quiet
from convcore.spec.layout import split
from convcore.spec.missing import NAN, PROPAGATE, Given, Missing, as_mask, read_missing
from convcore.spec.operands import Array, DType, as_array, as_contiguous

Function = Callable[..., Any]
F = TypeVar("F", bound=Function)


def select(plain: F, masked: Function, x: object, given: Given) -> F:
    """Return the function of a call: the plain one, or the other with the options given.

    Nearly every call has no such option, and must not take longer for those that do.
    """
    mask, nan, normalize, fill, return_weight = given
    if (
        mask is None
        and nan is PROPAGATE
        and fill is NAN
        and normalize is True
        and return_weight is False
        and (type(x) is ndarray or not isinstance(x, np.ma.MaskedArray))
    ):
        return plain
    return cast("F", partial(masked, given))


def by_name(plain: Function, masked: Function, *, own_normalize: bool = False) -> Function:
    """Return the function with the options of missing cells that layers have, by name.

    ``own_normalize``: the option belongs to the plain function too.
    """

    def call(
        op: str,
        *arrays: object,
        nan: object = PROPAGATE,
        normalize: object = True,
        fill: object = NAN,
        **options: object,
    ) -> Any:
        if own_normalize:
            options["normalize"], normalize = normalize, True
        function = select(plain, masked, None, (None, nan, normalize, fill, False))
        return function(op, *arrays, **options)

    return call


class Cells(NamedTuple):
    """An input and its mask."""

    x: Array  # as it was given, a plain array
    mask: Array | None  # channels first, (N or 1, C or 1, *spatial); None: no cell is missing

    def filled(self, op: str, dtype: DType, number: float, channels_last: bool) -> Array:
        """Return x in a dtype, contiguous, with a number at its missing cells."""
        assert self.mask is not None
        present = in_layout(self.mask, self.x.ndim, channels_last)
        return filled(op, self.x, present, dtype, number)

    def clear(self, dx: Array, channels_last: bool) -> None:
        """Set a gradient to 0 at missing cells, in place."""
        if self.mask is not None:
            put(dx, ~in_layout(self.mask, dx.ndim, channels_last), 0)


def read_input(op: str, x: ArrayLike, given: Given) -> tuple[Array, Missing]:
    """Return x as a plain array and the options; the mask of a masked array is one of them."""
    missing = read_missing(op, given)
    if not isinstance(x, np.ma.MaskedArray):
        return as_array(op, "x", x), missing
    hidden, data = np.ma.getmask(x), as_array(op, "x", np.ma.getdata(x))
    if hidden is np.ma.nomask or hidden.dtype != np.bool_:
        return data, missing
    own: Array = np.logical_not(hidden)
    return data, missing._replace(masks=(own, *missing.masks))


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
        numbers: Array = np.equal(x, x)  # one pass where ~isnan has two
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
    if present.shape[1] > 1 and bool(np.equal(present, present[:, :1]).all()):
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


def filled(op: str, x: Array, present: Array | None, dtype: DType, number: float = 0) -> Array:
    """Return x in a dtype, contiguous, with a number at missing cells."""
    if present is None:
        return as_contiguous(op, "x", x, dtype)
    if x.dtype != dtype or x.dtype.kind != "f" or not x.dtype.isnative:
        given = np.where(present, x, np.asarray(number, x.dtype))
        return as_contiguous(op, "x", given, dtype)
    bits = _bits(present, dtype)
    words, word = x.view(bits.dtype), np.array(number, dtype).view(bits.dtype)
    same = bits.shape == x.shape
    chosen = words if number == 0 else words ^ word
    result: Array = np.bitwise_and(chosen, bits, out=bits if same else None)
    if number != 0:
        result ^= word
    return as_contiguous(op, "x", result.view(dtype), dtype)


def put(array: Array, where: Array, value: Any) -> None:
    """Write a value where a condition holds that broadcasts to the array."""
    if array.dtype.kind != "f" or array.dtype.itemsize < 4 or not array.dtype.isnative:
        np.copyto(array, value, where=where, casting="same_kind")
        return
    bits = _bits(where, array.dtype)
    words, word = array.view(bits.dtype), np.array(value, array.dtype).view(bits.dtype)
    changed = words ^ word
    changed &= bits
    words ^= changed


def _bits(condition: Array, dtype: DType) -> Array:
    """Return a condition as words of zeros or ones, as wide as elements of a dtype.

    Bits choose at the same speed whatever they are. A choice for each element, as in
    :func:`numpy.where`, is ten times as slow where conditions alternate.
    """
    bits: Array = condition.astype(f"i{dtype.itemsize}", order="C")
    np.negative(bits, out=bits)
    return bits


def taken(array: Array, cells: Array, axis: int, constants: tuple[Any, Any], dtype: DType) -> Array:
    """Return these cells of an axis, a view if they are in order.

    Cells of -1, which come first, are the constant before the axis, those of -2 at the end the one
    after it. The result has the dtype if it has a constant, else that of the array.
    """
    before, after = (int(np.count_nonzero(cells == side)) for side in (-1, -2))
    cells = cells[before : len(cells) - after]
    along, first = (slice(None),) * axis, int(cells[0]) if len(cells) else 0
    if np.array_equal(cells, np.arange(first, first + len(cells))):
        found = array[(*along, slice(first, first + len(cells)))]
    else:
        found = array.take(cells, axis=axis, mode="clip")
    if not before and not after:
        return found
    size = before + len(cells) + after
    result = np.empty((*array.shape[:axis], size, *array.shape[axis + 1 :]), dtype)
    result[(*along, slice(0, before))] = constants[0]
    result[(*along, slice(before, size - after))] = found
    result[(*along, slice(size - after, size))] = constants[1]
    return result
