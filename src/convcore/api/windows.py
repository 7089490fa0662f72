"""Windows of weights for weighted pooling, which depend on the distance from the centre."""

from __future__ import annotations

from collections.abc import Callable
from math import comb, prod

import numpy as np
from numpy.typing import NDArray

from convcore.spec.errors import short_repr
from convcore.spec.options import MAX_SIZE, as_int, check_choice, to_list

__all__ = ["distance_window"]

Window = NDArray[np.float64]


def distance_window(size: int | tuple[int, ...], kind: str = "gaussian") -> Window:
    r"""Return a window of weights that decrease with the distance from the centre.

    With r the distance of a cell from the centre (between the two middle cells if a size is even)
    and s the largest size:

    .. math::

        \text{gaussian: } e^{-r^2 / 2 \sigma^2},\ \sigma = s / 4 \qquad
        \text{inverse: } \frac{1}{1 + r} \qquad
        \text{linear: } \max\Bigl(0,\ 1 - \frac{r}{(s + 1) / 2}\Bigr)

    and binomial: :math:`\binom{n - 1}{i}` for cell i of n, along each axis.

    Parameters
    ----------
    size : int or tuple of ints
        Cells along each axis, at least 1; an int means one axis.
    kind : {"gaussian", "inverse", "linear", "binomial"}
        Formula of the weights.

    Returns
    -------
    ndarray of float64, shape ``size``
        Weights that sum to 1.

    Raises
    ------
    ValueError, TypeError
        For a size below 1 or an unknown kind.

    See Also
    --------
    convcore.weighted_pool2d

    Notes
    -----
    The binomial window results from repeated averages of two neighbours; it tends to the Gaussian.
    Derivation: :ref:`Weighted pooling: by distance from the centre <note-f14>`.

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
    sizes = to_list(size)
    if not isinstance(sizes, (list, tuple)):
        sizes = (sizes,)
    if not sizes:
        raise ValueError(f"{op}: size must have at least one axis, got {short_repr(size)}")
    shape = tuple(as_int(op, "size", n, 1) for n in sizes)
    check_choice(op, "kind", kind, tuple(KINDS))
    if 8 * prod(shape) > MAX_SIZE:
        raise ValueError(f"{op}: window must have fewer than 2**60 cells, got shape {shape}")
    try:
        weights = KINDS[kind](shape)
    except MemoryError:
        raise MemoryError(f"{op}: no memory for a window of shape {shape}") from None
    total: Window = weights / weights.sum()
    return total


def _distance(shape: tuple[int, ...]) -> Window:
    """Return the distance of every cell from the centre."""
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
    # a row of Pascal's triangle divided by its largest entry: from 1031 cells on, entries overflow
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
