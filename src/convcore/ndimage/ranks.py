"""Ranks: medians, percentiles, with SciPy's names."""

from __future__ import annotations

import operator

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from convcore.engine import filters
from convcore.ndimage.arguments import Request, as_axes, as_input, as_number, as_target
from convcore.ndimage.elsewhere import FilterError, or_scipy
from convcore.ndimage.extrema import extreme
from convcore.ndimage.frames import frame_of
from convcore.ndimage.neighbours import Neighbours, as_neighbours, in_dtype, in_type
from convcore.spec.errors import memory_errors, short_repr
from convcore.spec.operands import Array

FEW_TAPS = 8  # of windows that are as fast over neighbouring lanes as over planes

__all__ = ["median_filter", "percentile_filter", "rank_filter"]


@or_scipy
def rank_filter(
    input: ArrayLike,
    rank: int,
    size: int | tuple[int, ...] | None = None,
    footprint: ArrayLike | None = None,
    output: Array | DTypeLike | None = None,
    mode: str | tuple[str, ...] = "reflect",
    cval: float = 0.0,
    origin: int | tuple[int, ...] = 0,
    *,
    axes: tuple[int, ...] | None = None,
) -> Array:
    """Take of each window the cell of a given rank.

    Parameters
    ----------
    input, output, mode, cval, origin, axes
        As in :func:`correlate`.
    rank : int
        0: the smallest; negative: counted from the largest, which is -1.
    size : int or sequence of int, optional
        Cells of a window, for each axis.
    footprint : array_like of bool, optional
        Which cells of a window count, instead of ``size``.

    Returns
    -------
    ndarray
        Of the input's shape.

    Notes
    -----
    ``scipy.ndimage.rank_filter``. NaN is larger than any number here; SciPy does not say.

    Examples
    --------
    >>> from convcore import ndimage
    >>> ndimage.rank_filter([5, 1, 4, 2, 3], 0, size=3).tolist()
    [1, 1, 1, 2, 2]
    """
    op = "rank_filter"
    x = as_input(op, input)
    request = Request(op, output, mode, cval, origin, axes)
    near = as_neighbours(request, x.ndim, as_axes(op, axes, x.ndim), size, footprint)
    cells = near.cells
    try:
        nth = operator.index(rank)
    except TypeError:
        raise TypeError(f"{op}: rank must be an integer, got {short_repr(rank)}") from None
    if not -cells <= nth < cells:
        raise FilterError(
            f"{op}: rank must be at least {-cells} and below {cells}, got {nth}: rank not within "
            "filter footprint size"
        )
    return _of_rank(request, x, near, nth % cells)


@or_scipy
def median_filter(
    input: ArrayLike,
    size: int | tuple[int, ...] | None = None,
    footprint: ArrayLike | None = None,
    output: Array | DTypeLike | None = None,
    mode: str | tuple[str, ...] = "reflect",
    cval: float = 0.0,
    origin: int | tuple[int, ...] = 0,
    *,
    axes: tuple[int, ...] | None = None,
) -> Array:
    """Take of each window the median: of an even number of cells, the larger of the middle two.

    Parameters
    ----------
    input, size, footprint, output, mode, cval, origin, axes
        As in :func:`rank_filter`.

    Returns
    -------
    ndarray
        Of the input's shape.

    Notes
    -----
    ``scipy.ndimage.median_filter``; OpenCV: ``cv2.medianBlur`` (mode ``"nearest"``).

    Examples
    --------
    >>> from convcore import ndimage
    >>> ndimage.median_filter([1, 1, 9, 1, 2], size=3).tolist()
    [1, 1, 1, 2, 2]
    """
    op = "median_filter"
    x = as_input(op, input)
    request = Request(op, output, mode, cval, origin, axes)
    near = as_neighbours(request, x.ndim, as_axes(op, axes, x.ndim), size, footprint)
    middle = near.cells // 2
    return _of_rank(request, x, near, middle)


@or_scipy
def percentile_filter(
    input: ArrayLike,
    percentile: float,
    size: int | tuple[int, ...] | None = None,
    footprint: ArrayLike | None = None,
    output: Array | DTypeLike | None = None,
    mode: str | tuple[str, ...] = "reflect",
    cval: float = 0.0,
    origin: int | tuple[int, ...] = 0,
    *,
    axes: tuple[int, ...] | None = None,
) -> Array:
    """Take of each window the cell that so many percent of the others come before.

    Parameters
    ----------
    input, size, footprint, output, mode, cval, origin, axes
        As in :func:`rank_filter`.
    percentile : float
        0 to 100; negative ones count from 100.

    Returns
    -------
    ndarray
        Of the input's shape.

    Notes
    -----
    ``scipy.ndimage.percentile_filter``.

    Examples
    --------
    >>> from convcore import ndimage
    >>> ndimage.percentile_filter([5, 1, 4, 2, 3], 100, size=3).tolist()
    [5, 5, 4, 4, 3]
    """
    op = "percentile_filter"
    x = as_input(op, input)
    request = Request(op, output, mode, cval, origin, axes)
    near = as_neighbours(request, x.ndim, as_axes(op, axes, x.ndim), size, footprint)
    share = as_number(op, "percentile", percentile)
    wanted = share + 100 if share < 0 else share
    if not 0 <= wanted <= 100:
        raise FilterError(
            f"{op}: percentile must be from -100 to 100, got {share}: invalid percentile"
        )
    cells = near.cells
    nth = cells - 1 if wanted == 100 else int(float(cells) * wanted / 100)
    return _of_rank(request, x, near, nth)


def _of_rank(request: Request, x: Array, near: Neighbours, nth: int) -> Array:
    target = as_target(request, x)
    count, box = near.cells, near.footprint is None
    if box and nth in (0, count - 1) and (nth or x.dtype.kind != "f"):
        return target.deliver(extreme(request.op, x, near, target.dtype, least=nth == 0))
    if box and nth == 0 and len(near.axes) > 1:  # the smallest of the smallest: NaN is the largest
        for i in range(len(near.axes)):
            x = _of_rank(request._replace(output=None), x, near.along(i), 0)
        return target.deliver(in_dtype(x, target.dtype))
    with memory_errors(request.op, input=x):
        taps = near.taps
    values, sides = in_type(x, near.sides, target.dtype)
    frame = frame_of(x.shape, near.axes)
    if frame.core[-1] > 1 and len(taps) > FEW_TAPS:  # planes, of which boxes are
        frame = frame_of(x.shape, near.axes, planes=True)
    box = box and frame.core[-1] == 1
    if len(taps) > filters.most_taps(values.dtype, box):  # their counts need more bits
        wide = np.int16 if len(taps) < 2**15 else np.int32
        values = values.astype(np.promote_types(values.dtype, wide))
    room = target.room(values) if frame.is_in_place else None
    y = filters.rank(
        request.op, frame.to_core(values), frame.offsets(taps), frame.borders(sides), nth,
        None if room is None else frame.to_core(room),
    )  # fmt: skip
    if room is not None:
        return room
    y = frame.from_core(y)
    if x.dtype.kind in "bu" and y.dtype.kind == "i":
        y = y.astype(np.uint8 if x.dtype.kind == "b" else x.dtype)
    return target.deliver(in_dtype(y, target.dtype))
