"""Derivatives: Sobel, Prewitt, Laplace, and those of Gaussians, with SciPy's names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from convcore.ndimage.arguments import (
    Request,
    as_axes,
    as_axis,
    as_input,
    as_sides,
    as_target,
)
from convcore.ndimage.elsewhere import or_scipy
from convcore.ndimage.frames import SPATIAL
from convcore.ndimage.smoothing import gaussian_lines, smooth_lines
from convcore.ndimage.sums import Kernel, all_terms, line_terms, sum_products
from convcore.spec.operands import Array, DType

__all__ = ["gaussian_gradient_magnitude", "gaussian_laplace", "laplace", "prewitt", "sobel"]

DIFFERENCE = np.array([-1.0, 0.0, 1.0])
SECOND = np.array([1.0, -2.0, 1.0])


@or_scipy
def sobel(
    input: ArrayLike,
    axis: int = -1,
    output: Array | DTypeLike | None = None,
    mode: str | tuple[str, ...] = "reflect",
    cval: float = 0.0,
) -> Array:
    """Differentiate along one axis, smoothed along the others with weights 1, 2, 1.

    Parameters
    ----------
    input, axis, output, mode, cval
        As in :func:`correlate1d`; ``mode`` may be a sequence, one for each axis.

    Returns
    -------
    ndarray
        Of the input's shape; not divided by the weights' sum.

    Notes
    -----
    ``scipy.ndimage.sobel``.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import ndimage
    >>> ndimage.sobel(np.arange(9.0).reshape(3, 3))[1].tolist()
    [4.0, 8.0, 4.0]
    """
    request = Request("sobel", output, mode, cval, axes=axis)
    return _difference(request, input, np.array([1.0, 2.0, 1.0]))


@or_scipy
def prewitt(
    input: ArrayLike,
    axis: int = -1,
    output: Array | DTypeLike | None = None,
    mode: str | tuple[str, ...] = "reflect",
    cval: float = 0.0,
) -> Array:
    """Differentiate along one axis, smoothed along the others with weights 1, 1, 1.

    Parameters
    ----------
    input, axis, output, mode, cval
        As in :func:`sobel`.

    Returns
    -------
    ndarray
        Of the input's shape; not divided by the weights' sum.

    Notes
    -----
    ``scipy.ndimage.prewitt``.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import ndimage
    >>> ndimage.prewitt(np.arange(9.0).reshape(3, 3))[1].tolist()
    [3.0, 6.0, 3.0]
    """
    request = Request("prewitt", output, mode, cval, axes=axis)
    return _difference(request, input, np.ones(3))


def _difference(request: Request, input: Any, smooth: Array) -> Array:
    op = request.op
    x = as_input(op, input)
    first = as_axis(op, request.axes, x.ndim)
    axes = (first, *(other for other in range(x.ndim) if other != first))
    target = as_target(request, x)
    sides = as_sides(request, x.ndim)
    lines = [DIFFERENCE, *[smooth] * (x.ndim - 1)]
    ordered = tuple(sides[other] for other in axes)
    return target.deliver(smooth_lines(op, x, axes, lines, ordered, target.dtype))


@or_scipy
def laplace(
    input: ArrayLike,
    output: Array | DTypeLike | None = None,
    mode: str | tuple[str, ...] = "reflect",
    cval: float = 0.0,
    *,
    axes: tuple[int, ...] | None = None,
) -> Array:
    """Add the second differences along each axis.

    Parameters
    ----------
    input, output, mode, cval, axes
        As in :func:`correlate`.

    Returns
    -------
    ndarray
        Of the input's shape.

    Notes
    -----
    ``scipy.ndimage.laplace``.

    Examples
    --------
    >>> from convcore import ndimage
    >>> ndimage.laplace([[0, 0, 0], [0, 1, 0], [0, 0, 0]]).tolist()
    [[0, 1, 0], [1, -4, 1], [0, 1, 0]]
    """
    op = "laplace"
    request = Request(op, output, mode, cval)
    x = as_input(op, input)
    over = as_axes(op, axes, x.ndim)
    count = len(over)
    target = as_target(request, x)
    sides = as_sides(request, count)
    dtype = target.dtype
    if not over:
        return target.deliver(x.astype(dtype))
    if x.dtype.kind == "f" and dtype.kind == "f" and count <= SPATIAL:
        window = np.zeros((3,) * count)
        for axis in range(count):
            window[tuple(slice(None) if a == axis else 1 for a in range(count))] += SECOND
        cross = Kernel(over, window, (-1,) * count, sides)
        return target.deliver(sum_products(op, x, cross, dtype, all_terms))
    parts = (
        sum_products(op, x, Kernel((axis,), SECOND, (-1,), (side,)), dtype, line_terms)
        for axis, side in zip(over, sides, strict=True)
    )
    return target.deliver(_added(parts))


def _added(parts: Iterator[Array]) -> Array:
    total: Array = next(parts)
    for part in parts:
        total += part
    return total


@or_scipy
def gaussian_laplace(
    input: ArrayLike,
    sigma: float | tuple[float, ...],
    output: Array | DTypeLike | None = None,
    mode: str | tuple[str, ...] = "reflect",
    cval: float = 0.0,
    *,
    axes: tuple[int, ...] | None = None,
    **kwargs: Any,
) -> Array:
    """Add the second derivatives along each axis of what a Gaussian smooths.

    Parameters
    ----------
    input, sigma, output, mode, cval, axes
        As in :func:`gaussian_filter`.
    **kwargs
        ``truncate`` and ``radius`` of :func:`gaussian_filter`.

    Returns
    -------
    ndarray
        Of the input's shape.

    Notes
    -----
    ``scipy.ndimage.gaussian_laplace``.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import ndimage
    >>> x = np.arange(41.0) ** 2                         # the second derivative is 2
    >>> ndimage.gaussian_laplace(x, 3)[20].round(1)
    np.float64(2.0)
    """
    request = Request("gaussian_laplace", output, mode, cval, axes=axes)
    x = as_input(request.op, input)
    target = as_target(request, x)
    parts = _derivatives(request, x, sigma, target.dtype, 2, kwargs)
    return target.deliver(_added(parts))


@or_scipy
def gaussian_gradient_magnitude(
    input: ArrayLike,
    sigma: float | tuple[float, ...],
    output: Array | DTypeLike | None = None,
    mode: str | tuple[str, ...] = "reflect",
    cval: float = 0.0,
    *,
    axes: tuple[int, ...] | None = None,
    **kwargs: Any,
) -> Array:
    """Return the length of the gradient of what a Gaussian smooths.

    Parameters
    ----------
    input, sigma, output, mode, cval, axes
        As in :func:`gaussian_filter`.
    **kwargs
        ``truncate`` and ``radius`` of :func:`gaussian_filter`.

    Returns
    -------
    ndarray
        Of the input's shape.

    Notes
    -----
    ``scipy.ndimage.gaussian_gradient_magnitude``.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import ndimage
    >>> x = 3 * np.arange(31.0) + 4 * np.arange(31.0)[:, None]
    >>> ndimage.gaussian_gradient_magnitude(x, 2)[15, 15].round(2)
    np.float64(5.0)
    """
    request = Request("gaussian_gradient_magnitude", output, mode, cval, axes=axes)
    x = as_input(request.op, input)
    target = as_target(request, x)
    parts = _derivatives(request, x, sigma, target.dtype, 1, kwargs)
    total = _added(np.multiply(part, part, out=part) for part in parts)
    with np.errstate(invalid="ignore"):  # squares of small integers overflow, in SciPy too
        return target.deliver(np.sqrt(total, out=total, casting="unsafe"))


def _derivatives(
    request: Request, x: Array, sigma: Any, dtype: DType, order: int, options: dict[str, Any]
) -> Iterator[Array]:
    """Yield the smoothed derivatives along each axis, with that axis's mode along all of them.

    So SciPy does it.
    """
    op = request.op
    unknown = set(options) - {"truncate", "radius"}
    if unknown:
        raise TypeError(f"{op}: options must be truncate and radius, got {sorted(unknown)}")
    over = as_axes(op, request.axes, x.ndim)
    count = len(over)
    sides = as_sides(request, count)
    if not over:
        yield x.astype(dtype)
    for i in range(count):
        orders = [order if other == i else 0 for other in range(count)]
        lines = gaussian_lines(
            op, count, sigma, orders, options.get("truncate", 4.0), options.get("radius")
        )
        yield smooth_lines(op, x, over, lines, (sides[i],) * count, dtype)
