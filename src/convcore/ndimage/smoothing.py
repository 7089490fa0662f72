"""Averages: Gaussians, their derivatives, and boxes, with SciPy's names."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from convcore.ndimage.arguments import (
    Request,
    Sides,
    as_axes,
    as_axis,
    as_input,
    as_number,
    as_sides,
    as_sizes,
    as_target,
    per_axis,
)
from convcore.ndimage.elsewhere import FilterError, or_scipy
from convcore.ndimage.neighbours import Neighbours, as_neighbours
from convcore.ndimage.sums import Kernel, Terms, line_terms, sum_passes
from convcore.spec.errors import memory_errors, short_repr
from convcore.spec.operands import Array, DType
from convcore.spec.options import MAX_SIZE

__all__ = ["gaussian_filter", "gaussian_filter1d", "uniform_filter", "uniform_filter1d"]

MOST_DERIVATIVES = 100  # of a Gaussian: more have no digits left
SMALLEST = 1e-15  # a standard deviation that is no larger smooths nothing


@or_scipy
def gaussian_filter1d(
    input: ArrayLike,
    sigma: float,
    axis: int = -1,
    order: int = 0,
    output: Array | DTypeLike | None = None,
    mode: str = "reflect",
    cval: float = 0.0,
    truncate: float = 4.0,
    *,
    radius: int | None = None,
) -> Array:
    r"""Correlate the lines along one axis with a Gaussian or one of its derivatives.

    .. math:: w_j \propto e^{-j^2 / 2 \sigma^2}, \qquad \sum_j w_j = 1

    Parameters
    ----------
    input, axis, output, mode, cval
        As in :func:`correlate1d`.
    sigma : float
        Standard deviation, in cells.
    order : int
        How often the Gaussian is differentiated.
    truncate : float
        The weights end after so many standard deviations.
    radius : int, optional
        They end after so many cells instead.

    Returns
    -------
    ndarray
        Of the input's shape.

    Notes
    -----
    ``scipy.ndimage.gaussian_filter1d``.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import ndimage
    >>> ndimage.gaussian_filter1d(np.array([0.0, 0, 1, 0, 0]), 1).round(3).tolist()
    [0.058, 0.242, 0.399, 0.242, 0.058]
    """
    op = "gaussian_filter1d"
    request = Request(op, output, mode, cval)
    x = as_input(op, input)
    axes = (as_axis(op, axis, x.ndim),)
    target = as_target(request, x)
    sides = as_sides(request, 1)
    line = gaussian_line(op, sigma, order, truncate, radius)
    return target.deliver(smooth_lines(op, x, axes, [line], sides, target.dtype))


@or_scipy
def gaussian_filter(
    input: ArrayLike,
    sigma: float | tuple[float, ...],
    order: int | tuple[int, ...] = 0,
    output: Array | DTypeLike | None = None,
    mode: str | tuple[str, ...] = "reflect",
    cval: float = 0.0,
    truncate: float = 4.0,
    *,
    radius: int | tuple[int, ...] | None = None,
    axes: tuple[int, ...] | None = None,
) -> Array:
    """Smooth an array with a Gaussian, or differentiate what it smooths.

    Parameters
    ----------
    input, output, mode, cval, axes
        As in :func:`correlate`.
    sigma, order, radius : number or sequence
        As in :func:`gaussian_filter1d`, for each axis.
    truncate : float
        As in :func:`gaussian_filter1d`.

    Returns
    -------
    ndarray
        Of the input's shape.

    Notes
    -----
    ``scipy.ndimage.gaussian_filter``. Real numbers are smoothed along all axes at once; integers in
    passes whose results are truncated, as SciPy's are.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import ndimage
    >>> ndimage.gaussian_filter(np.eye(3), 1).round(2).tolist()
    [[0.5, 0.33, 0.17], [0.33, 0.34, 0.33], [0.17, 0.33, 0.5]]
    """
    op = "gaussian_filter"
    request = Request(op, output, mode, cval)
    x = as_input(op, input)
    over = as_axes(op, axes, x.ndim)
    target = as_target(request, x)
    sides = as_sides(request, len(over))
    lines = gaussian_lines(op, len(over), sigma, order, truncate, radius)
    return target.deliver(smooth_lines(op, x, over, lines, sides, target.dtype))


def gaussian_lines(
    op: str, count: int, sigma: Any, order: Any, truncate: Any, radius: Any
) -> list[Array | None]:
    """Return the weights along each axis; None where nothing is smoothed."""
    wanted = zip(
        per_axis(op, "sigma", sigma, count), per_axis(op, "order", order, count),
        per_axis(op, "radius", radius, count), strict=True,
    )  # fmt: skip
    return [
        gaussian_line(op, deviation, times, truncate, cells)
        if as_number(op, "sigma", deviation) > SMALLEST
        else None
        for deviation, times, cells in wanted
    ]


def gaussian_line(op: str, sigma: Any, order: Any, truncate: Any, radius: Any) -> Array:
    """Return the weights of a Gaussian, or of its derivative, not flipped."""
    deviation = as_number(op, "sigma", sigma)
    wide = as_number(op, "truncate", truncate) * deviation + 0.5
    if radius is None and not abs(wide) <= MAX_SIZE:
        raise FilterError(
            f"{op}: truncate times sigma must be at most {MAX_SIZE}, got {truncate} and {sigma}"
        )
    reach = int(wide) if radius is None else radius
    try:
        cells, times = operator.index(reach), operator.index(order)
    except TypeError:
        raise FilterError(
            f"{op}: radius and order must be integers, got {short_repr(radius)} and "
            f"{short_repr(order)}"
        ) from None
    if cells < 0:
        raise FilterError(f"{op}: radius must be at least 0, got {cells}")
    if not 0 <= times <= MOST_DERIVATIVES:
        raise FilterError(
            f"{op}: order must be at least 0 and at most {MOST_DERIVATIVES}, got {times}"
        )
    variance = deviation * deviation
    with memory_errors(op, sigma=sigma, radius=radius):
        x = np.arange(-cells, cells + 1)
    weights = np.exp(-0.5 / variance * x**2) if variance else (x == 0).astype(np.float64)
    bell: Array = weights / weights.sum()
    if times == 0:
        return bell
    factor = np.polynomial.Polynomial([1.0])  # of the bell, in its derivative
    for _ in range(times):
        factor = factor.deriv() - factor * np.polynomial.Polynomial([0.0, 1.0 / variance])
    line: Array = factor(x) * bell
    flipped: Array = line[::-1]
    return flipped


def smooth_lines(
    op: str, x: Array, axes: tuple[int, ...], lines: Sequence[Array | None], sides: Sides,
    dtype: DType,
) -> Array:  # fmt: skip
    """Correlate with a line along each axis, about its middle; None: not along that axis."""
    passes = [
        Kernel((axis,), line, (-(len(line) // 2),), (side,))
        for axis, line, side in zip(axes, lines, sides, strict=True)
        if line is not None
    ]
    return sum_passes(op, x, passes, dtype, line_terms)


@or_scipy
def uniform_filter1d(
    input: ArrayLike,
    size: int,
    axis: int = -1,
    output: Array | DTypeLike | None = None,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: int = 0,
) -> Array:
    """Average windows of ``size`` cells along one axis.

    Parameters
    ----------
    input, axis, output, mode, cval, origin
        As in :func:`correlate1d`.
    size : int
        Cells of a window.

    Returns
    -------
    ndarray
        Of the input's shape. Averages of integers are exact, then truncated.

    Notes
    -----
    ``scipy.ndimage.uniform_filter1d``.

    Examples
    --------
    >>> from convcore import ndimage
    >>> ndimage.uniform_filter1d([2, 8, 0, 4, 1, 9, 9, 0], size=3).tolist()
    [4, 3, 4, 1, 4, 6, 6, 3]
    """
    request = Request("uniform_filter1d", output, mode, cval, origin)
    x = as_input(request.op, input)
    axes = (as_axis(request.op, axis, x.ndim),)
    return _boxes(request, x, as_neighbours(request, x.ndim, axes, size, None))


@or_scipy
def uniform_filter(
    input: ArrayLike,
    size: int | tuple[int, ...] = 3,
    output: Array | DTypeLike | None = None,
    mode: str | tuple[str, ...] = "reflect",
    cval: float = 0.0,
    origin: int | tuple[int, ...] = 0,
    *,
    axes: tuple[int, ...] | None = None,
) -> Array:
    """Average boxes of ``size`` cells along each axis.

    Parameters
    ----------
    input, output, mode, cval, origin, axes
        As in :func:`correlate`.
    size : int or sequence of int
        Cells of a box, for each axis.

    Returns
    -------
    ndarray
        Of the input's shape. Integers are truncated after each axis, as SciPy's are.

    Notes
    -----
    ``scipy.ndimage.uniform_filter``.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import ndimage
    >>> ndimage.uniform_filter(np.arange(9.0).reshape(3, 3), 3)[1].round(2).tolist()
    [3.33, 4.0, 4.67]
    """
    request = Request("uniform_filter", output, mode, cval, origin)
    op = request.op
    x = as_input(op, input)
    over = as_axes(op, axes, x.ndim)
    sizes = as_sizes(op, size, len(over), least=0)
    some = tuple(max(cells, 1) for cells in sizes)  # 0, as 1, averages nothing
    return _boxes(request, x, as_neighbours(request, x.ndim, over, some, None))


def _boxes(request: Request, x: Array, near: Neighbours) -> Array:
    """Average the boxes of neighbours."""
    target = as_target(request, x)
    each = [near.along(i) for i in range(len(near.axes))]
    lines = [
        Kernel(one.axes, np.full(one.cells, 1 / one.cells), one.first, one.sides) for one in each
    ]
    return target.deliver(sum_passes(request.op, x, lines, target.dtype, _box_terms))


def _box_terms(kernel: Kernel) -> Terms:
    """Return the terms of an average: it is divided once, by an integer."""
    size = kernel.weights.size
    taps = (np.arange(size) + kernel.first[0])[:, None]
    return Terms(taps, np.ones(size), divisor=float(size))
