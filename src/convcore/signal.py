"""Convolution and correlation of two arrays, with SciPy's names and SciPy's answers."""

import numpy as np
from numpy.typing import ArrayLike

from convcore import _args
from convcore._args import Array
from convcore._linear import Paddings
from convcore.conv import convolution

__all__ = ["convolve", "correlate"]

MODES = ("full", "same", "valid")


def convolve(x: ArrayLike, w: ArrayLike, mode: str = "full") -> Array:
    r"""Convolve two arrays of one to three dimensions.

    .. math:: s(t) = \sum_a x(a) \, w(t - a)

    over all a for which both exist, along each axis; the same for ``x`` and ``w`` exchanged.

    Parameters
    ----------
    x, w : array_like
        Real, of equal number of dimensions (1 to 3), none empty.
    mode : {"full", "same", "valid"}
        ``"full"``: every t at which they meet, n + m - 1 values along an axis; ``"same"``: the
        central part of it, of x's size; ``"valid"``: where the smaller lies wholly inside the
        larger, n - m + 1 values.

    Returns
    -------
    ndarray
        dtypes as in :func:`convcore.conv2d`.

    Raises
    ------
    ValueError
        For empty arrays, unequal or wrong numbers of dimensions, an unknown mode, and ``"valid"``
        where neither array contains the other along every axis.
    TypeError
        For arrays that are not real numbers.

    See Also
    --------
    correlate, convcore.conv1d

    Notes
    -----
    SciPy: ``scipy.signal.convolve``; ``numpy.convolve`` takes the longer one's size for ``"same"``.
    Item f01 of the study notes.

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
        Real, of equal number of dimensions (1 to 3), none empty.
    mode : {"full", "same", "valid"}
        As in :func:`convolve`.

    Returns
    -------
    ndarray
        dtypes as in :func:`convcore.conv2d`.

    Raises
    ------
    ValueError, TypeError
        As :func:`convolve`.

    See Also
    --------
    convolve, convcore.conv1d

    Notes
    -----
    SciPy: ``scipy.signal.correlate``. Item f01 of the study notes.

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
    x = _args.array(op, "x", x)
    w = _args.array(op, "w", w)
    _args.choice(op, "mode", mode, MODES)
    if x.ndim != w.ndim or not 1 <= x.ndim <= 3:
        raise ValueError(
            f"{op}: x and w must have the same number of dimensions, 1 to 3, got shapes {x.shape} "
            f"and {w.shape}"
        )
    if x.size == 0 or w.size == 0:
        raise ValueError(
            f"{op}: x and w must not be empty, got shapes {x.shape} and {w.shape}"
        )
    axes = x.ndim
    backwards = (slice(None, None, -1),) * axes
    swapped = mode == "valid" and any(n < m for n, m in zip(x.shape, w.shape, strict=True))
    if swapped:
        if any(n > m for n, m in zip(x.shape, w.shape, strict=True)):
            raise ValueError(
                f"{op}: mode 'valid' needs one array to contain the other along every axis, got "
                f"shapes {x.shape} and {w.shape}"
            )
        x, w = w, x
    # The centre of "full" begins (m - 1) // 2 values in.
    padding: Paddings = "full" if mode == "full" else 0
    if mode == "same":
        padding = tuple((m - 1 - (m - 1) // 2, (m - 1) // 2) for m in w.shape)
    y = convolution(
        op, axes, x[None], w[None, None], padding=padding, flip=flip, layout=_args.LAYOUTS[axes][0]
    )[0]
    # correlation does not commute: with the arrays exchanged it runs backwards
    return np.ascontiguousarray(y[backwards]) if swapped and not flip else y
