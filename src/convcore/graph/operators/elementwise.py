"""Functions of each element, with NumPy's broadcasting, which is ONNX's."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import numpy as np

from convcore.graph.operators.arguments import check_word
from convcore.graph.operators.registry import operator
from convcore.spec.erf32 import erf32
from convcore.spec.operands import Array
from convcore.spec.special import erf

Binary = Callable[[Array, Array], Array]


def aligned(a: Array, b: Array, axis: int | None) -> Array:
    """Return b with axes behind its own, so that its first one meets that axis of a."""
    if axis is None:
        return b
    return b.reshape(b.shape + (1,) * (a.ndim - axis % max(a.ndim, 1) - b.ndim))


def register_binary(name: str, compute: Binary, text: str, legacy: bool = True) -> None:
    """Register a function of two arrays; before opset 7 ``axis`` says where b is broadcast."""

    def function(a: Array, b: Array, *, out: Array | None = None) -> Array:
        return np.asarray(compute(a, b) if out is None else compute(a, b, out=out))  # type: ignore[call-arg]

    def before_7(
        a: Array,
        b: Array,
        *,
        axis: int | None = None,
        broadcast: int = 0,
        consumed_inputs: object = None,
    ) -> Array:
        return np.asarray(compute(a, aligned(a, b, axis if broadcast else None)))

    function.__doc__ = text
    before_7.__doc__ = f"{text} The axes of b lie at those of a from ``axis`` on."
    operator(name, since=7 if legacy else 1, out=isinstance(compute, np.ufunc))(function)
    if legacy:
        operator(name)(before_7)


def register_unary(name: str, compute: Callable[[Array], Array], text: str) -> None:
    """Register a function of one array."""

    def function(x: Array, *, out: Array | None = None) -> Array:
        return np.asarray(compute(x) if out is None else compute(x, out=out))  # type: ignore[call-arg]

    function.__doc__ = text
    operator(name, out=isinstance(compute, np.ufunc))(function)


def quotient(a: Array, b: Array) -> Array:
    """The quotient; of integers the one without its fraction, as in C."""
    if a.dtype.kind not in "iu":
        return np.divide(a, b)
    y = np.floor_divide(a, b)
    if a.dtype.kind == "i":  # floored: one too small where the exact quotient is below 0
        y = y + (((a < 0) != (b < 0)) & (y * b != a) & (b != 0)).astype(y.dtype)
    return y


def power(a: Array, b: Array) -> Array:
    """The power ``a ** b``, in the dtype of a."""
    if b.size == 1 and a.ndim >= b.ndim and a.dtype.kind == "f":  # powers that need no logarithm
        exponent = b.item()
        if exponent == 2:
            return np.square(a)
        if exponent == 3:
            return np.square(a) * a
        if exponent == 0.5:
            return np.sqrt(a)
    if a.dtype.kind != "f" and b.dtype.kind == "i" and b.size and b.min() < 0:
        b = b.astype(np.float64)  # NumPy refuses negative powers of integers
    return np.asarray(np.power(a, b)).astype(a.dtype, copy=False)


def error_function(x: Array) -> Array:
    """The error function, in an array of its own; of float16 by way of float32."""
    if x.dtype == np.float64:
        return np.array(erf(x))
    return erf32(x.astype(np.float32, copy=False)).astype(x.dtype, copy=False)


for _name, _compute, _text in (
    ("Add", np.add, "a + b."),
    ("Sub", np.subtract, "a - b."),
    ("Mul", np.multiply, "a * b."),
    ("Div", quotient, "a / b; of integers the quotient without its fraction, as in C."),
    ("Pow", power, "a to the power of b, in the dtype of a."),
):
    register_binary(_name, _compute, _text)

for _name, _bits, _text in (
    ("BitwiseAnd", np.bitwise_and, "a & b."),
    ("BitwiseOr", np.bitwise_or, "a | b."),
    ("BitwiseXor", np.bitwise_xor, "a ^ b."),
):
    register_binary(_name, _bits, _text, legacy=False)

for _one, _map, _text in (
    ("Neg", np.negative, "-x."),
    ("Abs", np.abs, "The absolute value."),
    ("Sqrt", np.sqrt, "The square root."),
    ("Exp", np.exp, "e to the power of x."),
    ("Log", np.log, "The natural logarithm."),
    (
        "Erf",
        error_function,
        "The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x.",
    ),
    ("Reciprocal", np.reciprocal, "1 / x."),
    ("Floor", np.floor, "The largest integer that is at most x."),
    ("Ceil", np.ceil, "The smallest integer that is at least x."),
    ("Round", np.rint, "The nearest integer; of two, the even one."),
    ("Sign", np.sign, "-1, 0 or 1."),
    ("Sin", np.sin, "The sine."),
    ("Cos", np.cos, "The cosine."),
    ("Tan", np.tan, "The tangent."),
    ("Asin", np.arcsin, "The inverse of the sine."),
    ("Acos", np.arccos, "The inverse of the cosine."),
    ("Atan", np.arctan, "The inverse of the tangent."),
    ("Sinh", np.sinh, "The hyperbolic sine."),
    ("Cosh", np.cosh, "The hyperbolic cosine."),
    ("Asinh", np.arcsinh, "The inverse of the hyperbolic sine."),
    ("Acosh", np.arccosh, "The inverse of the hyperbolic cosine."),
    ("Atanh", np.arctanh, "The inverse of the hyperbolic tangent."),
    ("BitwiseNot", np.bitwise_not, "All bits flipped."),
):
    register_unary(_one, _map, _text)


@operator("Mod")
def mod(a: Array, b: Array, *, fmod: int = 0) -> Array:
    """The remainder of a / b, with the sign of b, or of a if ``fmod``."""
    return np.asarray(np.fmod(a, b) if fmod else np.mod(a, b))


def _needs_inputs(op: str, arrays: tuple[Array, ...]) -> None:
    if not arrays:
        raise ValueError(f"{op}: there must be at least one input, got none")


@operator("Min")
def minimum(*arrays: Array) -> Array:
    """The smallest of the inputs; NaN where one is NaN."""
    _needs_inputs("Min", arrays)
    return np.asarray(reduce(np.minimum, arrays))


@operator("Max")
def maximum(*arrays: Array) -> Array:
    """The largest of the inputs; NaN where one is NaN."""
    _needs_inputs("Max", arrays)
    return np.asarray(reduce(np.maximum, arrays))


@operator("Sum")
def total(*arrays: Array) -> Array:
    """The sum of the inputs."""
    _needs_inputs("Sum", arrays)
    return np.asarray(reduce(np.add, arrays))


@operator("Mean")
def mean(*arrays: Array) -> Array:
    """The sum of the inputs, divided by their number."""
    _needs_inputs("Mean", arrays)
    return np.asarray(reduce(np.add, arrays) / len(arrays))


@operator("Clip")
def clip_to_attributes(
    x: Array,
    *,
    min: float | None = None,
    max: float | None = None,
    consumed_inputs: object = None,
) -> Array:
    """``min(max(x, low), high)``."""
    return clip(x, *(None if end is None else np.asarray(end, x.dtype) for end in (min, max)))


@operator("Clip", since=11)
def clip(x: Array, low: Array | None = None, high: Array | None = None) -> Array:
    """``min(max(x, low), high)``; a bound that is absent is none."""
    if low is not None:
        x = np.maximum(x, low.reshape(()))
    if high is not None:
        x = np.minimum(x, high.reshape(()))
    return np.asarray(x)


@operator("BitShift")
def bit_shift(x: Array, bits: Array, *, direction: str) -> Array:
    """The bits of x shifted; by its width or more, all of them leave."""
    check_word("BitShift", "direction", direction, ("LEFT", "RIGHT"))
    # C leaves shifts by the width or more undefined; NumPy defines them as ONNX does.
    return np.asarray(np.left_shift(x, bits) if direction == "LEFT" else np.right_shift(x, bits))
