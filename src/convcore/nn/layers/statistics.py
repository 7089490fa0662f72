"""Means and variances of values, and the gradient through what they standardise."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

import numpy as np

from convcore.spec.operands import Array

Axes = tuple[int, ...]


class Statistics(NamedTuple):
    """Mean and spread of values over some axes, which stay with one cell."""

    mean: Array  # in float64
    inverse: Array  # 1 / sqrt(var + eps), in the dtype of the values

    def standardized(self, x: Array) -> Array:
        """Return (x - mean) / sqrt(var + eps)."""
        y = centred(x, self.mean)
        y *= self.inverse
        return y


def standardize(x: Array, axes: Axes, eps: float) -> tuple[Array, Statistics, Array]:
    """Values standardised by their own statistics, these, and the variance.

    Sums are taken in float64, and the variance from x - mean, for x may lie far from zero.
    """
    n = max(prod(x.shape[axis] for axis in axes), 1)
    mean = x.sum(axis=axes, dtype=np.float64, keepdims=True) / n
    y = centred(x, mean)
    var = (y * y).sum(axis=axes, dtype=np.float64, keepdims=True) / n
    own = Statistics(mean, (1 / np.sqrt(var + eps)).astype(x.dtype))
    y *= own.inverse
    return y, own, var


def centred(x: Array, mean: Array) -> Array:
    """Return x - mean, for a mean of float64.

    The mean is subtracted as two numbers of the dtype of x. One alone would be rounded, by more
    than the differences where x lies far from zero.
    """
    coarse = mean.astype(x.dtype)
    y: Array = x - coarse
    y -= (mean - coarse).astype(x.dtype)
    return y


def slope(grad: Array, hat: Array, inverse: Array, axes: Axes) -> Array:
    """The gradient of x, from that of the first result of :func:`standardize`, ``hat``."""
    n = max(prod(grad.shape[axis] for axis in axes), 1)
    mean = grad.sum(axis=axes, dtype=np.float64, keepdims=True) / n
    along = (grad * hat).sum(axis=axes, dtype=np.float64, keepdims=True) / n
    dx: Array = hat * (-along).astype(grad.dtype)
    dx += grad
    dx -= mean.astype(grad.dtype)
    dx *= inverse
    return dx
