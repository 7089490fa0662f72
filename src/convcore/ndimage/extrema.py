"""Maxima and minima, and the morphology of grey values, with SciPy's names."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from convcore import api
from convcore.engine import filters
from convcore.ndimage.arguments import (
    Request,
    as_axes,
    as_input,
    as_target,
)
from convcore.ndimage.elsewhere import FilterError, or_scipy
from convcore.ndimage.frames import Frame, over
from convcore.ndimage.neighbours import Neighbours, as_neighbours, in_dtype, in_type
from convcore.ndimage.sums import Kernel, Terms, weigh
from convcore.spec.operands import Array

__all__ = [
    "grey_closing",
    "grey_dilation",
    "grey_erosion",
    "grey_opening",
    "maximum_filter",
    "maximum_filter1d",
    "minimum_filter",
    "minimum_filter1d",
]


@or_scipy
def maximum_filter1d(
    input: ArrayLike,
    size: int,
    axis: int = -1,
    output: Array | DTypeLike | None = None,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: int = 0,
) -> Array:
    """Take the largest of ``size`` cells along one axis.

    Parameters
    ----------
    input, axis, output, mode, cval, origin
        As in :func:`correlate1d`.
    size : int
        Cells of a window.

    Returns
    -------
    ndarray
        Of the input's shape.

    Notes
    -----
    ``scipy.ndimage.maximum_filter1d``. A NaN in a window is the result.

    Examples
    --------
    >>> from convcore import ndimage
    >>> ndimage.maximum_filter1d([5, 1, 4, 2, 3], 3).tolist()
    [5, 5, 4, 4, 3]
    """
    request = Request("maximum_filter1d", output, mode, cval, origin, (axis,))
    return _flat(request, input, size, None, least=False)


@or_scipy
def minimum_filter1d(
    input: ArrayLike,
    size: int,
    axis: int = -1,
    output: Array | DTypeLike | None = None,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: int = 0,
) -> Array:
    """Take the smallest of ``size`` cells along one axis.

    Parameters
    ----------
    input, size, axis, output, mode, cval, origin
        As in :func:`maximum_filter1d`.

    Returns
    -------
    ndarray
        Of the input's shape.

    Notes
    -----
    ``scipy.ndimage.minimum_filter1d``. A NaN in a window is the result.

    Examples
    --------
    >>> from convcore import ndimage
    >>> ndimage.minimum_filter1d([5, 1, 4, 2, 3], 3).tolist()
    [1, 1, 1, 2, 2]
    """
    request = Request("minimum_filter1d", output, mode, cval, origin, (axis,))
    return _flat(request, input, size, None, least=True)


@or_scipy
def maximum_filter(
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
    """Take the largest cell of each window.

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
    ``scipy.ndimage.maximum_filter``. A NaN in a window is the result.

    Examples
    --------
    >>> from convcore import ndimage
    >>> ndimage.maximum_filter([[1, 0, 0], [0, 0, 2]], size=2, mode="constant").tolist()
    [[1, 1, 0], [1, 1, 2]]
    """
    request = Request("maximum_filter", output, mode, cval, origin, axes)
    return _flat(request, input, size, footprint, least=False)


@or_scipy
def minimum_filter(
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
    """Take the smallest cell of each window.

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
    ``scipy.ndimage.minimum_filter``. A NaN in a window is the result.

    Examples
    --------
    >>> from convcore import ndimage
    >>> ndimage.minimum_filter([[5, 6, 7], [6, 7, 2]], size=2).tolist()
    [[5, 5, 6], [5, 5, 2]]
    """
    request = Request("minimum_filter", output, mode, cval, origin, axes)
    return _flat(request, input, size, footprint, least=True)


@or_scipy
def grey_dilation(
    input: ArrayLike,
    size: int | tuple[int, ...] | None = None,
    footprint: ArrayLike | None = None,
    structure: ArrayLike | None = None,
    output: Array | DTypeLike | None = None,
    mode: str | tuple[str, ...] = "reflect",
    cval: float = 0.0,
    origin: int | tuple[int, ...] = 0,
    *,
    axes: tuple[int, ...] | None = None,
) -> Array:
    r"""Dilate grey values: the largest of neighbours plus a structure, which is flipped.

    .. math:: y(t) = \max_a \; x(t - a) + s(a)

    Parameters
    ----------
    input, size, footprint, output, mode, cval, origin, axes
        As in :func:`rank_filter`.
    structure : array_like, optional
        What is added to each cell of the window. Default: 0.

    Returns
    -------
    ndarray
        Of the input's shape; computed in double if there is a structure.

    Notes
    -----
    ``scipy.ndimage.grey_dilation``; OpenCV: ``cv2.dilate``.

    Examples
    --------
    >>> from convcore import ndimage
    >>> ndimage.grey_dilation([0, 0, 5, 0, 0], structure=[1, 2, 3]).tolist()
    [3, 6, 7, 8, 3]
    """
    request = Request("grey_dilation", output, mode, cval, origin, axes)
    return _grey(request, input, size, footprint, structure, least=False)


@or_scipy
def grey_erosion(
    input: ArrayLike,
    size: int | tuple[int, ...] | None = None,
    footprint: ArrayLike | None = None,
    structure: ArrayLike | None = None,
    output: Array | DTypeLike | None = None,
    mode: str | tuple[str, ...] = "reflect",
    cval: float = 0.0,
    origin: int | tuple[int, ...] = 0,
    *,
    axes: tuple[int, ...] | None = None,
) -> Array:
    r"""Erode grey values: the smallest of neighbours minus a structure.

    .. math:: y(t) = \min_a \; x(t + a) - s(a)

    Parameters
    ----------
    input, size, footprint, structure, output, mode, cval, origin, axes
        As in :func:`grey_dilation`.

    Returns
    -------
    ndarray
        Of the input's shape; computed in double if there is a structure.

    Notes
    -----
    ``scipy.ndimage.grey_erosion``; OpenCV: ``cv2.erode``.

    Examples
    --------
    >>> from convcore import ndimage
    >>> ndimage.grey_erosion([5, 5, 0, 5, 5], size=3).tolist()
    [5, 0, 0, 0, 5]
    """
    request = Request("grey_erosion", output, mode, cval, origin, axes)
    return _grey(request, input, size, footprint, structure, least=True)


@or_scipy
def grey_opening(
    input: ArrayLike,
    size: int | tuple[int, ...] | None = None,
    footprint: ArrayLike | None = None,
    structure: ArrayLike | None = None,
    output: Array | DTypeLike | None = None,
    mode: str | tuple[str, ...] = "reflect",
    cval: float = 0.0,
    origin: int | tuple[int, ...] = 0,
    *,
    axes: tuple[int, ...] | None = None,
) -> Array:
    """Erode grey values, then dilate them: small bright spots vanish.

    Parameters
    ----------
    input, size, footprint, structure, output, mode, cval, origin, axes
        As in :func:`grey_dilation`.

    Returns
    -------
    ndarray
        Of the input's shape.

    Notes
    -----
    ``scipy.ndimage.grey_opening``.

    Examples
    --------
    >>> from convcore import ndimage
    >>> ndimage.grey_opening([1, 1, 9, 1, 1], size=3).tolist()
    [1, 1, 1, 1, 1]
    """
    request = Request("grey_opening", output, mode, cval, origin, axes)
    first = request._replace(output=None)
    eroded = _grey(first, input, size, footprint, structure, least=True)
    return _grey(request, eroded, size, footprint, structure, least=False)


@or_scipy
def grey_closing(
    input: ArrayLike,
    size: int | tuple[int, ...] | None = None,
    footprint: ArrayLike | None = None,
    structure: ArrayLike | None = None,
    output: Array | DTypeLike | None = None,
    mode: str | tuple[str, ...] = "reflect",
    cval: float = 0.0,
    origin: int | tuple[int, ...] = 0,
    *,
    axes: tuple[int, ...] | None = None,
) -> Array:
    """Dilate grey values, then erode them: small dark spots vanish.

    Parameters
    ----------
    input, size, footprint, structure, output, mode, cval, origin, axes
        As in :func:`grey_dilation`.

    Returns
    -------
    ndarray
        Of the input's shape.

    Notes
    -----
    ``scipy.ndimage.grey_closing``.

    Examples
    --------
    >>> from convcore import ndimage
    >>> ndimage.grey_closing([9, 9, 1, 9, 9], size=3).tolist()
    [9, 9, 9, 9, 9]
    """
    request = Request("grey_closing", output, mode, cval, origin, axes)
    first = request._replace(output=None)
    dilated = _grey(first, input, size, footprint, structure, least=False)
    return _grey(request, dilated, size, footprint, structure, least=True)


def _flat(
    request: Request, input: Any, size: Any, footprint: Any, least: bool, flipped: bool = False
) -> Array:
    x = as_input(request.op, input)
    axes = as_axes(request.op, request.axes, x.ndim)
    near = as_neighbours(request, x.ndim, axes, size, footprint, flipped)
    target = as_target(request, x)
    return target.deliver(extreme(request.op, x, near, target.dtype, least))


def _grey(
    request: Request, input: Any, size: Any, footprint: Any, structure: Any, least: bool
) -> Array:
    op = request.op
    if structure is None:
        if size is None and footprint is None:
            raise FilterError(f"{op}: size, footprint, or structure must be specified")
        return _flat(request, input, size, footprint, least, flipped=not least)
    x = as_input(op, input)
    heights = as_input(op, structure, "structure").astype(np.float64)
    cells = np.ones(heights.shape, bool) if footprint is None else footprint
    near = as_neighbours(request, x.ndim, as_axes(op, request.axes, x.ndim), None, cells, not least)
    counted = np.asarray(cells, bool)
    if counted.shape != heights.shape:
        raise FilterError(
            f"{op}: structure array has incorrect shape: must be {counted.shape}, got "
            f"{heights.shape}"
        )
    added = heights[counted] if least else np.flip(heights)[np.flip(counted)]
    terms = Terms(near.taps, added, "greatest", -1.0 if least else 1.0)
    kernel = Kernel(near.axes, heights, near.first, near.sides)
    target = as_target(request, x)
    return target.deliver(weigh(op, x, kernel, terms, target.dtype))


def extreme(op: str, x: Array, near: Neighbours, dtype: Any, least: bool) -> Array:
    """Take the largest or the smallest of each cell's neighbours; NaN is the result."""
    if not np.can_cast(x.dtype, dtype) and len(near.axes) > 1 and near.footprint is None:
        for i in range(len(near.axes)):  # SciPy's passes: each gives the output's dtype
            x = extreme(op, x, near.along(i), dtype, least)
        return x
    values, sides = in_type(x, near.sides, dtype)
    if least:  # the largest of what is in the opposite order
        sides = tuple(
            side if isinstance(side, str) else _opposite(values.dtype, side) for side in sides
        )
        values = _reversed(values)
    if near.footprint is None:
        y = over(values, near.axes, lambda a, frame: _largest(a, frame, near, sides))
    else:
        taps = near.taps
        y = over(values, near.axes, lambda a, frame: filters.rank(
            op, a, frame.offsets(taps), frame.borders(sides), len(taps) - 1))  # fmt: skip
    return in_dtype(_reversed(y) if least else y, dtype)


def _reversed(values: Array) -> Array:
    """Return elements in the opposite order; there and back nothing is lost."""
    turned: Array = -values if values.dtype.kind == "f" else ~values
    return turned


def _opposite(dtype: Any, number: float) -> float:
    if dtype.kind == "f":
        return -number
    return ~int(number) if dtype.kind == "i" else int(np.iinfo(dtype).max) - int(number)


def _largest(x: Array, frame: Frame, near: Neighbours, sides: Any) -> Array:
    n, *spatial, lanes = x.shape
    if not x.size:
        return x.copy()
    # along axes without padding there is no cell beyond
    sizes, pads, borders = frame.window(near.shape, near.first, sides, "edge")
    y = api.max_pool3d(
        x.reshape(n, *spatial, lanes), tuple(sizes), 1, tuple(pads), border=tuple(borders),
        layout="NDHWC",
    )  # fmt: skip
    assert isinstance(y, np.ndarray)  # without indices
    return y
