"""The arrays that layers learn: their dtype, and the values that they begin with."""

from __future__ import annotations

from math import prod
from typing import NamedTuple, TypeAlias

import numpy as np

from convcore.spec.errors import short_repr
from convcore.spec.operands import FLOAT32, FLOAT64, FLOATS, Array, DType
from convcore.spec.options import MAX_SIZE, as_bool, as_float, as_generator

Shape = tuple[int, ...]
Rng: TypeAlias = "np.random.Generator | int | None"


class Start(NamedTuple):
    """How a layer's parameters begin, read."""

    bias: bool
    generator: np.random.Generator
    gain: float
    dtype: DType

    @classmethod
    def of(cls, op: str, *, bias: object, rng: object, gain: object, dtype: object) -> Start:
        """Read a layer's arguments."""
        real = floating(op, dtype)
        generator = as_generator(op, rng, fresh=True)
        return cls(as_bool(op, "bias", bias), generator, as_float(op, "gain", gain, 0), real)

    def weight(self, op: str, shape: Shape, fan_in: Array | float) -> Array:
        """Uniform values with the variance gain ** 2 / fan_in, which keeps sums of fan_in as large.

        A fan_in for each entry of the first axis is given as an array.
        """
        bound = np.asarray(self.gain * np.sqrt(3 / np.maximum(fan_in, 1)))
        drawn = FLOAT64 if self.dtype == FLOAT64 else FLOAT32
        values = constant(op, "weight", shape, 0, drawn)
        self.generator.random(dtype=drawn, out=values)  # type: ignore[arg-type]
        values *= 2
        values -= 1
        values *= bound.reshape(-1, *(1,) * (len(shape) - 1)).astype(drawn) if bound.ndim else bound
        return values.astype(self.dtype, copy=False)


def floating(op: str, dtype: object) -> DType:
    """The dtype of parameters: float16, float32 or float64."""
    try:
        if dtype is None:  # NumPy's word for float64
            raise TypeError
        read: DType = np.dtype(dtype)  # type: ignore[call-overload]
    except Exception:  # NumPy encodes text, and asks other objects for an attribute
        read = np.dtype(object)
    if read not in FLOATS:
        raise TypeError(f"{op}: dtype must be float16, float32 or float64, got {short_repr(dtype)}")
    return read


def constant(op: str, name: str, shape: Shape, value: float, dtype: DType) -> Array:
    """A parameter that begins with one value everywhere; refuses what no memory holds."""
    if 8 * prod(size or 1 for size in shape) > MAX_SIZE:
        raise ValueError(f"{op}: a {name} of shape {shape} is too large for any memory")
    try:
        return np.full(shape, value, dtype)
    except MemoryError:
        raise MemoryError(f"{op}: no memory for a {name} of shape {shape}") from None
