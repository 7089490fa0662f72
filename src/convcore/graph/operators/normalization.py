"""Normalizations: of channels, of instances, layers and groups, of neighbours and of norms."""

from __future__ import annotations

from math import prod

import numpy as np

from convcore.graph.operators.arguments import Integers, as_axes, as_axis
from convcore.graph.operators.registry import Call, operator
from convcore.spec.operands import Array


def by_channel(value: Array, rank: int) -> Array:
    """Return numbers of channels as they broadcast with an array of a rank."""
    return value.reshape(-1, *(1,) * (rank - 2))


def scaled(x: Array, scale: Array, bias: Array, mean: Array, inverse: Array) -> Array:
    """Return ``(x - mean) * inverse * scale + bias`` with numbers of channels, in two passes."""
    # In float64 the factor and the shift are as exact as the formula.
    wide = [value.astype(np.float64) for value in (scale, bias, mean, inverse)]
    factor = wide[0] * wide[3]
    shift = wide[1] - wide[2] * factor
    compute = np.result_type(x.dtype, np.float32)
    y: Array = np.multiply(x, by_channel(factor, x.ndim).astype(compute))
    y += by_channel(shift, x.ndim).astype(compute)
    return y.astype(x.dtype, copy=False)


@operator("BatchNormalization")
def batch_normalization(
    x: Array,
    scale: Array,
    bias: Array,
    mean: Array,
    var: Array,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    spatial: int = 1,
    is_test: int = 1,
    consumed_inputs: object = None,
) -> Array:
    """``(x - mean) / sqrt(var + epsilon) * scale + bias``, with numbers of channels."""
    if not spatial:
        raise ValueError(f"BatchNormalization: spatial must be 1, got {spatial}")
    inverse = 1 / np.sqrt(var.astype(np.float64) + epsilon)
    return scaled(x, scale, bias, mean, inverse)


@operator("BatchNormalization", since=14, call=True)
def batch_normalization_14(
    call: Call,
    x: Array,
    scale: Array,
    bias: Array,
    mean: Array,
    var: Array,
    *,
    epsilon: float = 1e-5,
    momentum: float = 0.9,
    training_mode: int = 0,
) -> tuple[Array, ...]:
    """``(x - mean) / sqrt(var + epsilon) * scale + bias``; in training of the batch's own mean.

    Then the means and variances for inference: ``mean * momentum + own * (1 - momentum)``.
    """
    if not training_mode:
        return (batch_normalization(x, scale, bias, mean, var, epsilon=epsilon),)
    axes = (0, *range(2, x.ndim))
    wide = x.astype(np.result_type(x.dtype, np.float32), copy=False)
    own_mean, own_var = wide.mean(axes), wide.var(axes)
    y = batch_normalization(x, scale, bias, own_mean, own_var, epsilon=epsilon)
    running = (
        (old * momentum + new * (1 - momentum)).astype(old.dtype)
        for old, new in ((mean, own_mean), (var, own_var))
    )
    return y, *running


def _standardized(x: Array, epsilon: float, centre: bool = True) -> tuple[Array, Array, Array]:
    """Return the rows of a matrix with mean 0, their means, and 1 / deviation, a factor of them.

    The result is an array of its own, of at least float32.
    """
    compute = np.result_type(x.dtype, np.float32)
    mean = x.mean(1, compute, keepdims=True) if centre else np.zeros((1, 1), compute)
    y = np.subtract(x, mean, dtype=compute)
    inverse = 1 / np.sqrt(np.square(y).mean(1, keepdims=True) + compute.type(epsilon))
    return y, mean, inverse


@operator("InstanceNormalization")
def instance_normalization(
    x: Array, scale: Array, bias: Array, *, epsilon: float = 1e-5, consumed_inputs: object = None
) -> Array:
    """Each channel of each example with mean 0 and variance 1, times ``scale``, plus ``bias``."""
    return _grouped(x, scale, bias, x.shape[1], epsilon)


def _grouped(x: Array, scale: Array, bias: Array, groups: int, epsilon: float) -> Array:
    n, channels, *sizes = x.shape
    rows = x.reshape(n * groups, channels // groups * prod(sizes))
    y, _, inverse = _standardized(rows, epsilon)
    factor = inverse.reshape(n, groups).repeat(channels // groups, 1) * scale
    y = y.reshape(x.shape)
    y *= factor.reshape(n, channels, *(1,) * len(sizes))
    y += by_channel(bias, x.ndim)
    return y.astype(x.dtype, copy=False)


@operator("GroupNormalization", since=21)
def group_normalization(
    x: Array,
    scale: Array,
    bias: Array,
    *,
    num_groups: int,
    epsilon: float = 1e-5,
    stash_type: int = 1,
) -> Array:
    """Each group of channels with mean 0 and variance 1, times ``scale``, plus ``bias``."""
    if num_groups < 1 or x.shape[1] % num_groups:
        raise ValueError(
            f"GroupNormalization: num_groups must divide the {x.shape[1]} channels, got "
            f"{num_groups}"
        )
    return _grouped(x, scale, bias, num_groups, epsilon)


@operator("GroupNormalization")
def group_normalization_18(
    x: Array, scale: Array, bias: Array, *, num_groups: int, epsilon: float = 1e-5
) -> Array:
    """The same with a scale and a bias of each group."""
    many = x.shape[1] // max(num_groups, 1)
    return group_normalization(
        x, scale.repeat(many), bias.repeat(many), num_groups=num_groups, epsilon=epsilon
    )


def _layer(
    op: str, x: Array, scale: Array, axis: int, epsilon: float
) -> tuple[Array, Array, Array]:
    place = as_axis(op, axis, x.ndim)
    rows = x.reshape(prod(x.shape[:place]), prod(x.shape[place:]))
    y, mean, inverse = _standardized(rows, epsilon, centre=op == "LayerNormalization")
    y *= inverse
    y = y.reshape(x.shape)
    y *= scale
    less = (*x.shape[:place], *(1,) * (x.ndim - place))
    return y, np.broadcast_to(mean, (len(rows), 1)).reshape(less), inverse.reshape(less)


@operator("LayerNormalization")
def layer_normalization(
    x: Array,
    scale: Array,
    bias: Array | None = None,
    *,
    axis: int = -1,
    epsilon: float = 1e-5,
    stash_type: int = 1,
) -> tuple[Array, Array, Array]:
    """The axes from ``axis`` on with mean 0 and variance 1, times ``scale``, plus ``bias``.

    Then the means, and 1 / sqrt(variance + epsilon).
    """
    y, mean, inverse = _layer("LayerNormalization", x, scale, axis, epsilon)
    if bias is not None:
        y += bias
    return y.astype(x.dtype, copy=False), mean, inverse


@operator("RMSNormalization")
def rms_normalization(
    x: Array, scale: Array, *, axis: int = -1, epsilon: float = 1e-5, stash_type: int = 1
) -> Array:
    """The axes from ``axis`` on, divided by the root of their mean square, times ``scale``."""
    return _layer("RMSNormalization", x, scale, axis, epsilon)[0].astype(x.dtype, copy=False)


@operator("LRN")
def local_response_normalization(
    x: Array, *, size: int, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0
) -> Array:
    """``x / (bias + alpha / size * s) ** beta``, where s sums the squares of ``size`` channels."""
    if size < 1:
        raise ValueError(f"LRN: size must be at least 1, got {size}")
    channels, before, after = x.shape[1], (size - 1) // 2, size // 2
    squares = np.square(x)
    sums = squares.copy()
    for step in range(-min(before, channels - 1), min(after, channels - 1) + 1):
        if step < 0:
            sums[:, -step:] += squares[:, :step]
        elif step > 0:
            sums[:, :-step] += squares[:, step:]
    sums *= x.dtype.type(alpha / size)
    sums += x.dtype.type(bias)
    if beta == 0.75:  # two square roots are faster than a power
        np.sqrt(sums, out=sums)
        sums *= np.sqrt(sums)
    else:
        np.power(sums, x.dtype.type(beta), out=sums)
    return np.divide(x, sums, out=sums)


@operator("LpNormalization")
def lp_normalization(x: Array, *, axis: int = -1, p: int = 2) -> Array:
    """The lines of an axis divided by their norm: the sum of |x|, or with ``p=2`` Euclid's."""
    if p not in (1, 2):
        raise ValueError(f"LpNormalization: p must be 1 or 2, got {p}")
    place = as_axis("LpNormalization", axis, x.ndim)
    if p == 1:
        norms = np.abs(x).sum(place, keepdims=True)
    else:
        norms = np.sqrt(np.square(x).sum(place, keepdims=True))
    y: Array = np.divide(x, norms, out=np.zeros_like(x), where=norms != 0)
    return y


@operator("MeanVarianceNormalization")
def mean_variance_normalization(x: Array, *, axes: Integers = (0, 2, 3)) -> Array:
    """``(x - mean) / (deviation + 1e-9)`` along axes."""
    places = as_axes("MeanVarianceNormalization", axes, x.ndim)
    y: Array = x - x.mean(places, keepdims=True)
    y /= np.sqrt(np.square(y).mean(places, keepdims=True)) + y.dtype.type(1e-9)
    return y
