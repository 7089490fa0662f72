"""Correlation and convolution, with SciPy's names."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from convcore.ndimage.arguments import (
    Request,
    as_axes,
    as_axis,
    as_input,
    as_origins,
    as_sides,
    as_target,
    first_taps,
    per_axis,
    sorted_axes,
)
from convcore.ndimage.elsewhere import FilterError, or_scipy
from convcore.ndimage.sums import Kernel, all_terms, line_terms, sum_products
from convcore.spec.operands import Array

__all__ = ["convolve", "convolve1d", "correlate", "correlate1d"]


@or_scipy
def correlate1d(
    input: ArrayLike,
    weights: ArrayLike,
    axis: int = -1,
    output: Array | DTypeLike | None = None,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: int = 0,
) -> Array:
    """Correlate the lines along one axis with weights.

    Parameters
    ----------
    input : array_like
        Array of integers, bool, float32 or float64, of any number of axes.
    weights : array_like, shape (K,)
        Not flipped. Cell i of a line is the sum over j of ``line[i + j - K // 2 - origin]
        weights[j]``.
    axis : int
        Which axis.
    output : ndarray or dtype, optional
        Where the result goes, or its dtype. Default: the input's dtype. Integers are truncated.
    mode : {"reflect", "mirror", "nearest", "wrap", "constant"}
        What lies beyond the array, or SciPy's names that begin with ``grid-``. ``"reflect"``
        repeats the outermost cell, ``"mirror"`` does not.
    cval : float
        What lies there for ``"constant"``.
    origin : int
        Moves the window: positive towards smaller indices.

    Returns
    -------
    ndarray
        Of the input's shape.

    Raises
    ------
    ValueError, TypeError
        For arguments that make no sense. It is a ``RuntimeError`` too, which SciPy raises.

    Notes
    -----
    ``scipy.ndimage.correlate1d``. Integers are equal to SciPy's; float32 is summed in float32.

    Examples
    --------
    >>> from convcore import ndimage
    >>> ndimage.correlate1d([1, 2, 4, 8], [-1, 0, 1]).tolist()
    [1, 3, 6, 4]
    """
    request = Request("correlate1d", output, mode, cval, origin, axis)
    return _correlate_lines(request, input, weights, flipped=False)


@or_scipy
def convolve1d(
    input: ArrayLike,
    weights: ArrayLike,
    axis: int = -1,
    output: Array | DTypeLike | None = None,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: int = 0,
) -> Array:
    """Convolve the lines along one axis with weights, which are flipped.

    Parameters
    ----------
    input, weights, axis, output, mode, cval, origin
        As in :func:`correlate1d`.

    Returns
    -------
    ndarray
        Of the input's shape.

    Notes
    -----
    ``scipy.ndimage.convolve1d``.

    Examples
    --------
    >>> from convcore import ndimage
    >>> ndimage.convolve1d([0, 0, 1, 0, 0], [1, 2, 3]).tolist()
    [0, 1, 2, 3, 0]
    """
    request = Request("convolve1d", output, mode, cval, origin, axis)
    return _correlate_lines(request, input, weights, flipped=True)


@or_scipy
def correlate(
    input: ArrayLike,
    weights: ArrayLike,
    output: Array | DTypeLike | None = None,
    mode: str | tuple[str, ...] = "reflect",
    cval: float = 0.0,
    origin: int | tuple[int, ...] = 0,
    *,
    axes: tuple[int, ...] | None = None,
) -> Array:
    """Correlate an array with weights of as many axes.

    Parameters
    ----------
    input, output, mode, cval
        As in :func:`correlate1d`; ``mode`` may be a sequence, one for each axis.
    weights : array_like
        Not flipped; an axis for each of ``axes``.
    origin : int or sequence of int
        As in :func:`correlate1d`, for each axis.
    axes : tuple of int, optional
        The axes that the weights run over. Default: all.

    Returns
    -------
    ndarray
        Of the input's shape.

    Notes
    -----
    ``scipy.ndimage.correlate``, which takes no sequence of modes. Windows of more than three axes
    that are larger than 1 are SciPy's to answer.

    Examples
    --------
    >>> from convcore import ndimage
    >>> ndimage.correlate([[0.0, 1.0], [2.0, 3.0]], [[0.0, 1.0], [1.0, 0.0]], mode="constant")
    array([[0., 0.],
           [0., 3.]])
    """
    request = Request("correlate", output, mode, cval, origin, axes)
    return _correlate_arrays(request, input, weights, flipped=False)


@or_scipy
def convolve(
    input: ArrayLike,
    weights: ArrayLike,
    output: Array | DTypeLike | None = None,
    mode: str | tuple[str, ...] = "reflect",
    cval: float = 0.0,
    origin: int | tuple[int, ...] = 0,
    *,
    axes: tuple[int, ...] | None = None,
) -> Array:
    """Convolve an array with weights, which are flipped along each axis.

    Parameters
    ----------
    input, weights, output, mode, cval, origin, axes
        As in :func:`correlate`.

    Returns
    -------
    ndarray
        Of the input's shape.

    Notes
    -----
    ``scipy.ndimage.convolve``.

    Examples
    --------
    >>> from convcore import ndimage
    >>> ndimage.convolve([[0, 0, 0], [0, 1, 0], [0, 0, 0]], [[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    array([[1, 2, 3],
           [4, 5, 6],
           [7, 8, 9]])
    """
    request = Request("convolve", output, mode, cval, origin, axes)
    return _correlate_arrays(request, input, weights, flipped=True)


def _correlate_lines(request: Request, input: Any, weights: Any, flipped: bool) -> Array:
    op = request.op
    x = as_input(op, input)
    line = as_input(op, weights, "weights").astype(np.float64)
    if line.ndim != 1 or not line.size:
        raise FilterError(
            f"{op}: weights must have shape (K,) with K at least 1, got {line.shape}: no filter "
            "weights given"
        )
    axes = (as_axis(op, request.axes, x.ndim),)
    target = as_target(request, x)
    first = first_taps(line.shape, as_origins(op, request.origin, line.shape, flipped))
    kernel = Kernel(axes, line[::-1] if flipped else line, first, as_sides(request, 1))
    return target.deliver(sum_products(op, x, kernel, target.dtype, line_terms))


def _correlate_arrays(request: Request, input: Any, weights: Any, flipped: bool) -> Array:
    op = request.op
    x = as_input(op, input)
    window = as_input(op, weights, "weights").astype(np.float64)
    over = as_axes(op, request.axes, x.ndim)
    count = len(over)
    if window.ndim != count:
        raise FilterError(f"{op}: weights.ndim ({window.ndim}) must match len(axes) ({count})")
    target = as_target(request, x)
    if not window.size:
        raise FilterError(f"{op}: weights must not be empty, got shape {window.shape}")
    over, sides, origins = sorted_axes(
        x.ndim, over, as_sides(request, count), per_axis(op, "origin", request.origin, count)
    )
    first = first_taps(window.shape, as_origins(op, origins, window.shape, flipped))
    kernel = Kernel(over, np.flip(window) if flipped else window, first, sides).trimmed
    return target.deliver(sum_products(op, x, kernel, target.dtype, all_terms))
