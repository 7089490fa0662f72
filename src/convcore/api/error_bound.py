"""A bound on the rounding error of each output of a convolution."""

from __future__ import annotations

from numpy.typing import ArrayLike

from convcore.engine import error_bound as engine
from convcore.spec.border import AnyBorder
from convcore.spec.operands import Array
from convcore.spec.options import Paddings, Sizes

__all__ = ["error_bound"]


def error_bound(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
    *,
    connections: ArrayLike | None = None,
    flip: bool = False,
    border: AnyBorder = "zeros",
    layout: str | None = None,
    algorithm: str = "auto",
) -> Array:
    """Bound the rounding error of each output of a convolution of these operands.

    Parameters
    ----------
    x : array_like, shape (N, C, ...) or (C, ...)
        As in :func:`conv2d`, of one to three spatial axes.
    weight : array_like, shape (out, C / groups, ...)
        It decides how many spatial axes there are.
    bias, stride, padding, dilation, groups, connections, flip, border, layout, algorithm
        As in :func:`conv2d`; layout is channels first if None.

    Returns
    -------
    ndarray of float64, of the result's shape
        At least ``abs(computed - exact)``, for the algorithm that the convolution takes, before a
        float16 result is rounded, and for a bias as it is added. Infinite where numbers may
        overflow or are not finite, 0 where direct sums of integers are exact.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`conv2d`.

    See Also
    --------
    conv1d, conv2d, conv3d, set_algorithm

    Notes
    -----
    Direct sums keep it whatever the operands are. Fast algorithms exceed it with a probability
    of 3e-14 if roundings are independent. It takes float64 passes over the result for each term of
    a sum. Derivation and source: :doc:`/design/accuracy`.

    Examples
    --------
    >>> from convcore import conv1d, error_bound
    >>> x, weight = [[0.1, 0.2, 0.3]], [[[1.0, 1.0]]]
    >>> bool(conv1d(x, weight)[0, 1] - 0.5 <= error_bound(x, weight)[0, 1] < 1e-15)
    True
    """
    return engine.error_bound(
        "error_bound", x, weight, bias, stride=stride, padding=padding, dilation=dilation,
        groups=groups, connections=connections, flip=flip, border=border, layout=layout,
        algorithm=algorithm,
    )  # fmt: skip
