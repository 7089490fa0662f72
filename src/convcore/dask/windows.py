"""Any function of windows, over the chunks of a dask array."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from convcore.dask.arrays import DaskArray, as_dask
from convcore.dask.graph import windowed
from convcore.spec.border import ZEROS, AnyBorder, Pair, as_border, is_word, of_sums
from convcore.spec.errors import short_repr
from convcore.spec.operands import Array, DType
from convcore.spec.options import Paddings, Sizes, as_int
from convcore.spec.parts import Reach, cut, reach
from convcore.spec.problem import check_border, conv_axes
from convcore.spec.registry import DILATION, KERNEL_SIZE, PADDING, STRIDE

OP = "dask.map_windows"


@dataclass(frozen=True, slots=True)
class WindowJob:
    """Calls a function for a block, with its padding."""

    function: Callable[..., Any]
    options: dict[str, Any]
    axes: tuple[int, ...]
    dtype: DType

    def __call__(self, arrays: tuple[Array, ...], reaches: tuple[Reach, ...]) -> tuple[Array, ...]:
        """Return what the function makes of the block, checked."""
        x = arrays[0]
        shape = list(x.shape)
        for axis, each in zip(self.axes, reaches, strict=True):
            x = padded(x, axis, each)
            shape[axis] = each.stop - each.start
        y = np.asarray(self.function(x, **self.options))
        if y.shape != tuple(shape):
            raise ValueError(
                f"{OP}: f must return shape {tuple(shape)} for a block of shape {x.shape}, got "
                f"{y.shape}"
            )
        if not np.can_cast(y.dtype, self.dtype, "same_kind"):
            raise TypeError(f"{OP}: f must return {self.dtype}, got {y.dtype}")
        return (y.astype(self.dtype, copy=False),)


def padded(x: Array, axis: int, part: Reach) -> Array:
    """Return a block with the constants of its padding along an axis."""
    before, after = part.axis.pair
    after = min(after, max(part.axis.needed - before - part.axis.cells, 0))
    if not before and not after:
        return x
    shape = list(x.shape)
    shape[axis] = before + x.shape[axis] + after
    result = np.empty(shape, x.dtype)
    cut_at = (before, before + x.shape[axis])
    along = (slice(None),) * axis
    result[(*along, slice(*cut_at))] = x
    sides = (slice(0, before), slice(cut_at[1], None))
    for where, side in zip(sides, part.sides, strict=True):
        result[(*along, where)] = 0 if isinstance(side, str) else side
    return result


def map_windows(
    f: Callable[..., Any],
    x: DaskArray,
    kernel_size: Sizes,
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    border: AnyBorder = "zeros",
    axes: int | tuple[int, ...] | None = None,
    dtype: object = None,
    **options: Any,
) -> DaskArray:
    r"""Apply a function of windows to a dask array, with one call for each block.

    .. math:: Y_o = f(X_{o s - b}, \dots, X_{o s - b + (k - 1) d})

    along each axis, with stride s, dilation d, k cells in a window and b cells of padding before
    the input.

    Parameters
    ----------
    f : callable
        ``f(block, **options)`` returns the outputs of all windows that lie inside ``block``, a
        NumPy array: a *valid* filter with this stride and dilation. It is called by any thread or
        process, and must not change the block.
    x : dask.array.Array
        Input, of any chunks of known sizes.
    kernel_size : int or tuple of ints
        Cells of a window along each of ``axes``, at least 1.
    stride, padding, dilation
        As in :func:`convcore.conv2d`, for ``axes``.
    border : word or number, or one of these or a (before, after) pair for each of ``axes``
        What the padding holds, as in :func:`convcore.conv2d`. A number must be one of x's dtype.
    axes : int or tuple of ints, optional
        Axes along which windows slide. Default: all axes of ``x``, or the last ones if
        ``kernel_size`` has an entry for each of fewer.
    dtype : dtype, optional
        Of the result. Default: that of ``x``.
    **options
        Passed on to ``f``.

    Returns
    -------
    dask.array.Array
        With ``floor((n + padding - span) / stride) + 1`` outputs along each of ``axes``.

    Raises
    ------
    ValueError, TypeError
        For sizes out of range, a window larger than the padded input, and, when a block is
        computed, an ``f`` that returns another shape or kind of numbers.

    See Also
    --------
    conv2d, store

    Notes
    -----
    ``dask.array.map_overlap`` has no stride and needs a depth that a chunk holds. Here an output
    belongs to the chunk in which the middle of its window lies; chunks may be of any size, and the
    padding may be larger than a chunk. ``f`` is never called to find out what it returns.

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> from convcore.dask import map_windows
    >>> def largest(block):
    ...     windows = np.lib.stride_tricks.sliding_window_view(block, 3)
    ...     return windows[::2].max(axis=-1)
    >>> x = da.arange(10, chunks=4)
    >>> y = map_windows(largest, x, 3, stride=2, padding=1, border="edge")
    >>> y.chunks, y.compute().tolist()
    (((2, 2, 1),), [1, 3, 5, 7, 9])
    """
    if not callable(f):
        raise TypeError(f"{OP}: f must be callable, got {short_repr(f)}")
    x = as_dask(OP, "x", x)
    where = _as_axes(x, kernel_size, axes)
    count = len(where)
    shape = tuple(x.shape[axis] for axis in where)
    found = conv_axes(
        OP, shape, KERNEL_SIZE.read(OP, kernel_size, count),
        stride=STRIDE.read(OP, stride, count), padding=PADDING.read(OP, padding, count),
        dilation=DILATION.read(OP, dilation, count), given=f"x has shape {x.shape}",
    )  # fmt: skip
    given = as_border(OP, border, count)
    sides = of_sums(given, tuple(axis.pair for axis in found)) or (ZEROS,) * count
    check_border(OP, sides, shape, f"x has shape {x.shape}")
    _check_constants(sides, x.dtype)
    along = {
        axis: _reaches(of, pair, x.chunks[axis])
        for axis, of, pair in zip(where, found, sides, strict=True)
    }
    result = x.dtype if dtype is None else _as_dtype(dtype)
    job = WindowJob(f, options, where, result)
    return windowed(OP, (x,), along, job, [result])[0]


def _reaches(axis: Any, sides: Pair, chunks: tuple[int, ...]) -> tuple[Reach, ...]:
    parts = cut(axis, chunks, 1, 1)
    if len(parts) == 1:  # the function has no padding of its own: copies are cells
        return (reach(axis, sides, *parts[0], copies=True),)
    return tuple(reach(axis, sides, *each) for each in parts)


def _as_axes(x: DaskArray, kernel_size: Any, axes: Any) -> tuple[int, ...]:
    """Return the axes that windows slide along, counted from the first."""
    if axes is None:
        sizes = kernel_size.tolist() if isinstance(kernel_size, np.ndarray) else kernel_size
        count = len(sizes) if isinstance(sizes, (list, tuple)) else x.ndim
        if not 1 <= count <= x.ndim:
            raise ValueError(
                f"{OP}: kernel_size must have 1 to {x.ndim} entries for an x of {x.ndim} axes, got "
                f"{short_repr(kernel_size)}"
            )
        return tuple(range(x.ndim - count, x.ndim))
    given = axes if isinstance(axes, (list, tuple)) else (axes,)
    found = []
    for axis in given:
        i = as_int(OP, "axes", axis, -x.ndim, x.ndim - 1)
        found.append(i % x.ndim)
    if not found or len(set(found)) != len(found):
        raise ValueError(f"{OP}: axes must be one or more axes, each once, got {short_repr(axes)}")
    return tuple(found)


def _check_constants(sides: tuple[Pair, ...], dtype: DType) -> None:
    for pair in sides:
        for side in pair:
            if is_word(side) or isinstance(side, str):
                continue
            with np.errstate(all="ignore"):
                is_exact = dtype.kind not in "biu" or np.array(side).astype(dtype) == side
            if not is_exact:
                raise ValueError(
                    f"{OP}: border must be a number that {dtype} has, got {short_repr(side)}"
                )


def _as_dtype(dtype: object) -> DType:
    try:
        return np.dtype(dtype)  # type: ignore[call-overload,no-any-return]
    except TypeError:
        raise TypeError(f"{OP}: dtype must be a NumPy dtype, got {short_repr(dtype)}") from None
