"""Activations, Softmax and its kin, and Dropout."""

from __future__ import annotations

from collections.abc import Callable
from math import pi, prod, sqrt

import numpy as np

from convcore.graph.operators.arguments import as_axis, check_word
from convcore.graph.operators.elementwise import error_function
from convcore.graph.operators.registry import Call, operator
from convcore.spec.operands import Array


@operator("Relu", out=True)
def relu(x: Array, *, out: Array | None = None) -> Array:
    """``max(x, 0)``."""
    return np.asarray(np.maximum(x, 0, out=out))


@operator("LeakyRelu")
def leaky_relu(x: Array, *, alpha: float = 0.01) -> Array:
    """``x`` where it is positive, ``alpha * x`` elsewhere."""
    if 0 < alpha <= 1:  # the larger of the two, in half the time
        return np.asarray(np.maximum(x, x * x.dtype.type(alpha)))
    return prelu(x, np.asarray(alpha, x.dtype))


@operator("PRelu", since=7)
def prelu(x: Array, slope: Array) -> Array:
    """``x`` where it is not negative, ``slope * x`` elsewhere."""
    y: Array = np.minimum(x, 0, out=np.empty_like(x))
    y *= slope
    y += np.maximum(x, 0)  # a sum takes a quarter of the time of a choice
    return y


@operator("PRelu")
def prelu_of_channels(x: Array, slope: Array) -> Array:
    """``x`` where it is not negative, ``slope * x`` elsewhere, with a slope a channel."""
    return prelu(x, slope.reshape(-1, *(1,) * (x.ndim - 2)) if slope.size > 1 else slope)


@operator("ThresholdedRelu")
def thresholded_relu(x: Array, *, alpha: float = 1.0) -> Array:
    """``x`` where it is more than ``alpha``, 0 elsewhere."""
    return np.where(x > alpha, x, x.dtype.type(0))


def _exponential(x: Array, scale: float, alpha: float) -> Array:
    """``scale * (exp(x / alpha) - 1)`` where x is negative, 0 elsewhere."""
    y: Array = np.minimum(x, 0, out=np.empty_like(x))
    if alpha != 1:
        y /= y.dtype.type(alpha)
    np.expm1(y, out=y)
    y *= y.dtype.type(scale)
    return y


@operator("Elu")
def elu(x: Array, *, alpha: float = 1.0) -> Array:
    """``x`` where it is positive, ``alpha * (exp(x) - 1)`` elsewhere."""
    y = _exponential(x, alpha, 1)
    y += np.maximum(x, 0)
    return y


@operator("Celu")
def celu(x: Array, *, alpha: float = 1.0) -> Array:
    """``x`` where it is positive, ``alpha * (exp(x / alpha) - 1)`` elsewhere."""
    y = _exponential(x, alpha, alpha)
    y += np.maximum(x, 0)
    return y


@operator("Selu", since=6)
def selu(
    x: Array, *, alpha: float = 1.6732631921768188, gamma: float = 1.0507010221481323
) -> Array:
    """``gamma * x`` where it is positive, ``gamma * alpha * (exp(x) - 1)`` elsewhere."""
    y = _exponential(x, alpha, 1)
    y += np.maximum(x, 0)
    y *= y.dtype.type(gamma)
    return y


@operator("Selu")
def selu_before_6(
    x: Array, *, alpha: float = 1.6732, gamma: float = 1.0507, consumed_inputs: object = None
) -> Array:
    """``gamma * x`` where it is positive, ``gamma * alpha * (exp(x) - 1)`` elsewhere."""
    return selu(x, alpha=alpha, gamma=gamma)


@operator("Sigmoid")
def sigmoid(x: Array) -> Array:
    """``1 / (1 + exp(-x))``."""
    y: Array = np.negative(x, out=np.empty_like(x))
    np.exp(y, out=y)  # infinite for x below -88: the result is 0
    y += 1
    return np.reciprocal(y, out=y)


@operator("HardSigmoid")
def hard_sigmoid(x: Array, *, alpha: float = 0.2, beta: float = 0.5) -> Array:
    """``max(0, min(1, alpha * x + beta))``."""
    y: Array = np.multiply(x, x.dtype.type(alpha), out=np.empty_like(x))
    y += y.dtype.type(beta)
    return np.clip(y, 0, 1, out=y)


@operator("HardSwish")
def hard_swish(x: Array) -> Array:
    """``x * max(0, min(1, x / 6 + 1 / 2))``."""
    y = hard_sigmoid(x, alpha=1 / 6)
    y *= x
    return y


@operator("Swish")
def swish(x: Array, *, alpha: float = 1.0) -> Array:
    """``x / (1 + exp(-alpha * x))``."""
    y = sigmoid(x if alpha == 1 else np.asarray(x * x.dtype.type(alpha)))
    y *= x
    return y


@operator("Softplus")
def softplus(x: Array) -> Array:
    """``log(1 + exp(x))``."""
    y: Array = np.abs(x, out=np.empty_like(x))
    np.negative(y, out=y)
    np.exp(y, out=y)  # of -|x|, which cannot overflow
    np.log1p(y, out=y)
    y += np.maximum(x, 0)
    return y


@operator("Mish")
def mish(x: Array) -> Array:
    """``x * tanh(log(1 + exp(x)))``."""
    y = softplus(x)
    np.tanh(y, out=y)
    y *= x
    return y


@operator("Softsign")
def softsign(x: Array) -> Array:
    """``x / (1 + |x|)``."""
    return np.asarray(x / (1 + np.abs(x)))


@operator("Tanh")
def tanh(x: Array) -> Array:
    """The hyperbolic tangent."""
    return np.asarray(np.tanh(x))


@operator("Gelu")
def gelu(x: Array, *, approximate: str = "none") -> Array:
    """``x / 2 * (1 + erf(x / sqrt(2)))``, or with ``approximate="tanh"`` its approximation.

    That is ``x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))``.
    """
    check_word("Gelu", "approximate", approximate, ("none", "tanh"))
    if approximate == "none":
        y = error_function(np.asarray(x * x.dtype.type(sqrt(0.5))))
    else:
        y = np.square(x, out=np.empty_like(x))
        y *= y.dtype.type(sqrt(2 / pi) * 0.044715)
        y += y.dtype.type(sqrt(2 / pi))
        y *= x
        np.tanh(y, out=y)
    y += 1
    y *= x
    y *= y.dtype.type(0.5)
    return y


def softmax_of(x: Array, axis: int) -> Array:
    """``exp(x) / sum(exp(x))`` along an axis."""
    y: Array = x - x.max(axis, keepdims=True, initial=-np.inf)  # no exponent is above 0
    np.exp(y, out=y)
    y /= y.sum(axis, keepdims=True)
    return y


def log_softmax_of(x: Array, axis: int) -> Array:
    """``x - log(sum(exp(x)))`` along an axis."""
    y: Array = x - x.max(axis, keepdims=True, initial=-np.inf)
    y -= np.log(np.exp(y).sum(axis, keepdims=True))
    return y


def hardmax_of(x: Array, axis: int) -> Array:
    """1 at the first of the largest elements along an axis, 0 elsewhere."""
    y = np.zeros_like(x)
    if x.size:
        np.put_along_axis(y, np.expand_dims(x.argmax(axis), axis), 1, axis)
    return y


def register_softmax(name: str, compute: Callable[[Array, int], Array]) -> None:
    """Register a function of lines; before opset 13 a line is all that ``axis`` and later hold."""

    def function(x: Array, *, axis: int = -1) -> Array:
        return compute(x, as_axis(name, axis, x.ndim))

    def before_13(x: Array, *, axis: int = 1) -> Array:
        first = axis if axis == x.ndim else as_axis(name, axis, x.ndim)
        return compute(x.reshape(prod(x.shape[:first]), prod(x.shape[first:])), 1).reshape(x.shape)

    function.__doc__ = compute.__doc__
    before_13.__doc__ = "As from opset 13 on, of all elements from an axis on."
    operator(name, since=13)(function)
    operator(name)(before_13)


register_softmax("Softmax", softmax_of)
register_softmax("LogSoftmax", log_softmax_of)
register_softmax("Hardmax", hardmax_of)


@operator("Dropout", call=True)
def dropout_of_inference(
    call: Call,
    x: Array,
    *,
    ratio: float = 0.5,
    is_test: int = 1,
    consumed_inputs: object = None,
) -> tuple[Array, ...]:
    """Return the input itself, as inference wants it, and a mask of ones."""
    if not any(call.outputs[1:]):
        return (x,)
    return x, np.ones(x.shape, np.bool_ if call.opset >= 10 else x.dtype)


@operator("Dropout", since=12, call=True)
def dropout(
    call: Call,
    x: Array,
    ratio: Array | None = None,
    training_mode: Array | None = None,
    *,
    seed: int | None = None,
) -> tuple[Array, ...]:
    """In training, 0 at random places and ``x / (1 - ratio)`` elsewhere; and where x is kept."""
    share = 0.5 if ratio is None else float(ratio)
    if not 0 <= share < 1:
        raise ValueError(f"Dropout: ratio must be at least 0 and less than 1, got {share}")
    if training_mode is None or not training_mode or share == 0:
        return dropout_of_inference(call, x)
    kept = np.random.default_rng(seed).random(x.shape) >= share
    return np.multiply(x, kept) * x.dtype.type(1 / (1 - share)), kept
