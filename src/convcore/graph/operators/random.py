"""Random numbers: the same ones in each run where a seed is given."""

from __future__ import annotations

import numpy as np

from convcore.graph.operators.arguments import Integers, as_dtype, as_integers
from convcore.graph.operators.registry import operator
from convcore.spec.operands import Array, DType


def generator(seed: float | None) -> np.random.Generator:
    """Return a generator of random numbers for a seed, or a new one for none."""
    if seed is None:
        return np.random.default_rng()
    # A seed is a float32, of any sign: its bits are an integer.
    return np.random.default_rng(int(np.float32(seed).view(np.uint32)))


def _dtype(op: str, dtype: int | None, like: Array) -> DType:
    return like.dtype if dtype is None else as_dtype(op, dtype)


@operator("RandomNormal")
def random_normal(
    *,
    shape: Integers,
    dtype: int = 1,
    mean: float = 0.0,
    scale: float = 1.0,
    seed: float | None = None,
) -> Array:
    """Numbers of a normal distribution with a mean and the deviation ``scale``."""
    y = generator(seed).normal(mean, scale, as_integers(shape))
    return y.astype(as_dtype("RandomNormal", dtype))


@operator("RandomNormalLike")
def random_normal_like(
    x: Array,
    *,
    dtype: int | None = None,
    mean: float = 0.0,
    scale: float = 1.0,
    seed: float | None = None,
) -> Array:
    """Numbers of a normal distribution, in the shape of x."""
    y = generator(seed).normal(mean, scale, x.shape)
    return np.asarray(y).astype(_dtype("RandomNormalLike", dtype, x))


@operator("RandomUniform")
def random_uniform(
    *,
    shape: Integers,
    dtype: int = 1,
    low: float = 0.0,
    high: float = 1.0,
    seed: float | None = None,
) -> Array:
    """Numbers from ``low`` to less than ``high``, all as likely."""
    y = generator(seed).uniform(low, high, as_integers(shape))
    return y.astype(as_dtype("RandomUniform", dtype))


@operator("RandomUniformLike")
def random_uniform_like(
    x: Array,
    *,
    dtype: int | None = None,
    low: float = 0.0,
    high: float = 1.0,
    seed: float | None = None,
) -> Array:
    """Numbers from ``low`` to less than ``high``, all as likely, in the shape of x."""
    y = generator(seed).uniform(low, high, x.shape)
    return np.asarray(y).astype(_dtype("RandomUniformLike", dtype, x))


@operator("Bernoulli")
def bernoulli(x: Array, *, dtype: int | None = None, seed: float | None = None) -> Array:
    """1 with the probability that x has at the place, else 0."""
    y = np.asarray(generator(seed).random(x.shape) < x)
    return y.astype(_dtype("Bernoulli", dtype, x))


@operator("Multinomial")
def multinomial(
    x: Array, *, dtype: int = 6, sample_size: int = 1, seed: float | None = None
) -> Array:
    """Of each row, indices drawn with probabilities that are as ``exp(x)``."""
    if x.ndim != 2:
        raise ValueError(f"Multinomial: input must be a matrix, got shape {x.shape}")
    # The index of the largest x + Gumbel is distributed as wanted.
    noise = generator(seed).gumbel(size=(len(x), sample_size, x.shape[1]))
    y: Array = (noise + x[:, None]).argmax(2)
    return y.astype(as_dtype("Multinomial", dtype))
