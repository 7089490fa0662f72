"""Convolution and correlation of two arrays, with SciPy's names and results."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from convcore.engine.execute import convolve as convolve_channels
from convcore.engine.execute import transpose
from convcore.spec.operands import Array, as_array, as_contiguous, result_dtypes
from convcore.spec.options import LAYOUTS, check_choice

__all__ = ["convolve", "correlate"]

MODES = ("full", "same", "valid")


def convolve(x: ArrayLike, w: ArrayLike, mode: str = "full") -> Array:
    r"""Convolve two arrays of one to three dimensions.

    .. math:: s(t) = \sum_a x(a) \, w(t - a)

    over all a for which both factors exist, along each axis. ``x`` and ``w`` may be exchanged.

    Parameters
    ----------
    x, w : array_like
        Real arrays with the same number of dimensions (1 to 3), not empty.
    mode : {"full", "same", "valid"}
        ``"full"``: every t at which they overlap, n + m - 1 values along an axis; ``"same"``: the
        central part of it, of x's size; ``"valid"``: every t at which the smaller array lies inside
        the larger one, n - m + 1 values.

    Returns
    -------
    ndarray
        In the dtype that :func:`convcore.conv2d` has for these operands.

    Raises
    ------
    ValueError
        For empty arrays, unequal or wrong numbers of dimensions, an unknown mode, and ``"valid"``
        if neither array contains the other along every axis.
    TypeError
        For arrays that are not real numbers.

    See Also
    --------
    correlate, convcore.conv1d

    Notes
    -----
    SciPy: ``scipy.signal.convolve``. For ``"same"``, ``numpy.convolve`` returns the longer size.
    Derivation: :ref:`One dimension: a weighted average that moves <note-f01>`.

    Examples
    --------
    >>> from convcore import convolve
    >>> convolve([1, 2, 3], [1, 10]).tolist()
    [1.0, 12.0, 23.0, 30.0]
    >>> convolve([1, 2, 3], [1, 10], mode="valid").tolist()
    [12.0, 23.0]
    """
    return _slide("convolve", x, w, mode, flip=True)


def correlate(x: ArrayLike, w: ArrayLike, mode: str = "full") -> Array:
    r"""Cross-correlate two arrays of one to three dimensions: :func:`convolve` with w not flipped.

    .. math:: z(t) = \sum_a x(a) \, w(a - t + m - 1)

    with m the size of w, along each axis.

    Parameters
    ----------
    x, w : array_like
        Real arrays with the same number of dimensions (1 to 3), not empty.
    mode : {"full", "same", "valid"}
        As in :func:`convolve`.

    Returns
    -------
    ndarray
        In the dtype that :func:`convcore.conv2d` has for these operands.

    Raises
    ------
    ValueError, TypeError
        As :func:`convolve`.

    See Also
    --------
    convolve, convcore.conv1d

    Notes
    -----
    SciPy: ``scipy.signal.correlate``. Derivation: :ref:`One dimension: a weighted average that
    moves <note-f01>`.

    Examples
    --------
    >>> from convcore import correlate
    >>> correlate([1, 2, 3], [1, 10]).tolist()
    [10.0, 21.0, 32.0, 3.0]
    >>> correlate([1, 2, 3], [1, 10], mode="same").tolist()
    [10.0, 21.0, 32.0]
    """
    return _slide("correlate", x, w, mode, flip=False)


def _slide(op: str, x: ArrayLike, w: ArrayLike, mode: str, flip: bool) -> Array:
    x = as_array(op, "x", x)
    w = as_array(op, "w", w)
    check_choice(op, "mode", mode, MODES)
    if x.ndim != w.ndim:
        raise ValueError(
            f"{op}: x and w must have the same number of dimensions, got shapes {x.shape} and "
            f"{w.shape}"
        )
    if not 1 <= x.ndim <= 3:
        raise ValueError(
            f"{op}: x and w must have 1, 2 or 3 dimensions, got {x.ndim}, shapes {x.shape} and "
            f"{w.shape}"
        )
    if x.size == 0 or w.size == 0:
        raise ValueError(f"{op}: x and w must not be empty, got shapes {x.shape} and {w.shape}")
    shapes = list(zip(x.shape, w.shape, strict=True))
    if mode == "valid" and any(n < m for n, m in shapes) and any(n > m for n, m in shapes):
        raise ValueError(
            f"{op}: x or w must contain the other along every axis with mode 'valid', got shapes "
            f"{x.shape} and {w.shape}"
        )
    dtypes = result_dtypes(op, x.dtype, w.dtype, "w")
    x, w = as_contiguous(op, "x", x, dtypes.compute), as_contiguous(op, "w", w, dtypes.compute)
    if not flip:  # correlation is convolution with w flipped
        w = np.flip(w)
    # The wanted part of "full" along each axis: its first value and its size.
    if mode == "full":
        wanted = [(0, n + m - 1) for n, m in shapes]
    elif mode == "same":
        wanted = [((m - 1) // 2, n) for n, m in shapes]
    else:
        wanted = [(min(n, m) - 1, abs(n - m) + 1) for n, m in shapes]
    kernel, cells = (w, x) if w.size <= x.size else (x, w)  # they commute; this is less work
    y = _convolved(op, cells, kernel, wanted)
    return y if y.dtype == dtypes.result else y.astype(dtypes.result)


def _convolved(op: str, cells: Array, kernel: Array, wanted: list[tuple[int, int]]) -> Array:
    """Return a part of the full convolution: ``wanted`` has (first, size) for each axis."""
    axes = cells.ndim
    sizes = list(zip(cells.shape, kernel.shape, wanted, strict=True))
    inside = all(first >= k - 1 and first + size <= n for n, k, (first, size) in sizes)
    if not inside and not np.isfinite(kernel).all():
        # Padding would be multiplied by infinity, so only existing products are formed.
        layout = LAYOUTS[axes][0]
        full = transpose(op, cells[None], kernel[None, None], axes=axes, layout=layout)[0]
        return np.ascontiguousarray(
            full[tuple(slice(first, first + size) for first, size in wanted)]
        )
    seen, padding = [], []
    for n, k, (first, size) in sizes:
        begin, end = first - (k - 1), first + size  # cells that these values see
        seen.append(slice(max(begin, 0), min(end, n)))
        padding.append((max(-begin, 0), max(end - n, 0)))
    y: Array = convolve_channels(
        op, cells[(None, *seen)], kernel[None, None], axes=axes, padding=tuple(padding), flip=True,
        layout=LAYOUTS[axes][0],
    )[0]  # fmt: skip
    return y
