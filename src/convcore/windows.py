"""Windows of weights for weighted pooling, by the distance from the central cell."""

from collections.abc import Callable
from math import comb, prod

import numpy as np
from numpy.typing import NDArray

from convcore import _args

__all__ = ["distance_window"]

Window = NDArray[np.float64]


def distance_window(size: int | tuple[int, ...], kind: str = "gaussian") -> Window:
    r"""Weights that fall with the distance from the central cell.

    With r the distance of a cell from the centre (between the two middle cells where a size is
    even) and s the largest size:

    .. math::

        \text{gaussian: } e^{-r^2 / 2 \sigma^2},\ \sigma = s / 4 \qquad
        \text{inverse: } \frac{1}{1 + r} \qquad
        \text{linear: } \max\Bigl(0,\ 1 - \frac{r}{(s + 1) / 2}\Bigr)

    and, along each axis, binomial: :math:`\binom{n - 1}{i}` for cell i of n.

    Parameters
    ----------
    size : int or tuple of ints
        Cells along each axis, at least 1; an int is one axis.
    kind : {"gaussian", "inverse", "linear", "binomial"}
        How the weights fall.

    Returns
    -------
    ndarray of float64, shape ``size``
        They sum to 1.

    Raises
    ------
    ValueError, TypeError
        For a size below 1 or an unknown kind.

    See Also
    --------
    convcore.weighted_pool2d

    Notes
    -----
    The binomial window is what repeated averages of two neighbours give, and tends to the Gaussian.
    Item f14 of the study notes.

    Examples
    --------
    >>> distance_window(5, "binomial") * 16
    array([1., 4., 6., 4., 1.])
    >>> distance_window((3, 3), "linear").round(2)
    array([[0.07, 0.12, 0.07],
           [0.12, 0.24, 0.12],
           [0.07, 0.12, 0.07]])
    """
    op = "distance_window"
    sizes = _args.listed(size)
    if not isinstance(sizes, (list, tuple)):
        sizes = (sizes,)
    if not sizes:
        raise ValueError(f"{op}: size must have at least one axis, got {_args.shown(size)}")
    shape = tuple(_args.whole(op, "size", n, 1) for n in sizes)
    _args.choice(op, "kind", kind, tuple(KINDS))
    if 8 * prod(shape) > _args.MOST:
        raise ValueError(f"{op}: a window of shape {shape} is too large for any memory")
    try:
        weights = KINDS[kind](shape)
    except MemoryError:
        raise MemoryError(f"{op}: no memory for a window of shape {shape}") from None
    total: Window = weights / weights.sum()
    return total


def _distance(shape: tuple[int, ...]) -> Window:
    """Of every cell from the centre."""
    axes = [np.arange(n) - (n - 1) / 2 for n in shape]
    square = sum(np.square(axis) for axis in np.meshgrid(*axes, indexing="ij", sparse=True))
    return np.sqrt(np.broadcast_to(np.asarray(square, np.float64), shape))


def _gaussian(shape: tuple[int, ...]) -> Window:
    weights: Window = np.exp(-0.5 * np.square(_distance(shape) / (max(shape) / 4)))
    return weights


def _inverse(shape: tuple[int, ...]) -> Window:
    weights: Window = 1 / (1 + _distance(shape))
    return weights


def _linear(shape: tuple[int, ...]) -> Window:
    weights: Window = np.maximum(0, 1 - _distance(shape) / ((max(shape) + 1) / 2))
    return weights


def _binomial(shape: tuple[int, ...]) -> Window:
    # a row of Pascal's triangle by its largest entry: whole rows overflow from 1031 cells on
    weights = np.ones(())
    for n in shape:
        middle = comb(n - 1, (n - 1) // 2)
        row = np.array([comb(n - 1, i) / middle for i in range(n)])
        weights = np.multiply.outer(weights, row)
    return weights


KINDS: dict[str, Callable[[tuple[int, ...]], Window]] = {
    "gaussian": _gaussian,
    "inverse": _inverse,
    "linear": _linear,
    "binomial": _binomial,
}
