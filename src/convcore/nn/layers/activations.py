"""Activations, dropout and flattening."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from convcore.graph.tracer import Tracer
from convcore.nn.layers.base import Layer, Shape
from convcore.nn.layers.elementwise import Elementwise
from convcore.nn.layers.parameters import Rng
from convcore.spec.operands import Array
from convcore.spec.options import as_bool, as_float, as_generator


class Flatten(Layer):
    """Write the values of each example into a row: (N, C, H, W) becomes (N, C H W).

    ``forward`` needs the batch axis. ``output_shape`` takes the shape of one example.

    Examples
    --------
    >>> Flatten().forward(np.ones((8, 16, 5, 5))).shape
    (8, 400)
    >>> Flatten().output_shape((16, 5, 5))
    (400,)
    """

    def _trace(self, to: Tracer, x: str) -> str:
        return to.node("Flatten", x, axis=1)

    def _shape(self, shape: Shape) -> Shape:
        return (prod(shape),)

    def _forward(self, x: Array) -> tuple[Array, Any]:
        return x.reshape(len(x), prod(x.shape[1:])), x.shape

    def _backward(self, grad: Array, kept: Any, need_dx: bool) -> Array | None:
        return grad.reshape(kept) if need_dx else None


class ReLU(Elementwise):
    """Replace negative values by zero: ``max(x, 0)``. The slope at 0 is 0.

    Examples
    --------
    >>> ReLU().forward(np.array([-1.0, 0.0, 2.0])).tolist()
    [0.0, 0.0, 2.0]
    """

    def _trace(self, to: Tracer, x: str) -> str:
        return to.node("Relu", x)

    def _map(self, x: Array) -> Array:
        return np.maximum(x, 0)

    def _slope(self, grad: Array, y: Array) -> Array:
        # np.where(y > 0, grad, 0), ten times as fast: the bits are multiplied by 0 or 1. Unlike
        # grad * (y > 0) it drops infinities and NaNs where y is 0.
        bits = np.ascontiguousarray(grad).view(f"u{grad.itemsize}")
        chosen: Array = np.multiply(bits, y > 0).view(grad.dtype)
        return chosen


class Tanh(Elementwise):
    r"""The hyperbolic tangent, or :math:`a \tanh(b x)` as LeNet-5 has it.

    Parameters
    ----------
    scaled : bool
        Whether a = 1.7159 and b = 2/3. Then :math:`f(1) = 1` and :math:`f(-1) = -1` up to four
        digits, and the second derivative is largest there.

    Notes
    -----
    LeCun et al. (1998), appendix A.

    Examples
    --------
    >>> Tanh(scaled=True).forward(np.array([-1.0, 0.0, 1.0])).round(3).tolist()
    [-1.0, 0.0, 1.0]
    """

    def __init__(self, scaled: bool = False) -> None:
        super().__init__()
        self._height = 1.7159 if as_bool(self.op, "scaled", scaled) else 1.0
        self._steepness = 2 / 3 if scaled else 1.0

    def _trace(self, to: Tracer, x: str) -> str:
        if self._height == 1:
            return to.node("Tanh", x)
        if not to.portable:
            return to.own("ScaledTanh", x, height=self._height, steepness=self._steepness)
        steep, high = (
            to.constant(np.array(factor, to.dtype), name)
            for factor, name in ((self._steepness, "steepness"), (self._height, "height"))
        )
        return to.node("Mul", to.node("Tanh", to.node("Mul", x, steep)), high)

    def _map(self, x: Array) -> Array:
        if self._height == 1:
            return np.tanh(x)
        y = np.tanh(x * self._steepness)
        y *= self._height
        return y

    def _slope(self, grad: Array, y: Array) -> Array:
        # a b (1 - tanh^2) with tanh = y / a
        each = y * y
        each *= -self._steepness / self._height
        each += self._steepness * self._height
        each *= grad
        return each

    def __repr__(self) -> str:
        """Return the call that makes it."""
        return f"{self.op}({'' if self._height == 1 else 'scaled=True'})"


class Sigmoid(Elementwise):
    r"""The logistic function, :math:`1 / (1 + e^{-x})`.

    Examples
    --------
    >>> Sigmoid().forward(np.array([-1000.0, 0.0, 1000.0])).tolist()
    [0.0, 0.5, 1.0]
    """

    def _trace(self, to: Tracer, x: str) -> str:
        return to.node("Sigmoid", x)

    def _map(self, x: Array) -> Array:
        half: Array = 0.5 * np.tanh(0.5 * x)  # exp could overflow
        half += 0.5
        return half

    def _slope(self, grad: Array, y: Array) -> Array:
        dx: Array = grad * (y * (1 - y))
        return dx


class Softmax(Elementwise):
    r"""Probabilities along the second axis: :math:`e^{x_i} / \sum_j e^{x_j}`.

    Train without this layer: :func:`cross_entropy` takes the scores that come before it.

    Examples
    --------
    >>> Softmax().forward(np.log([[1.0, 2.0, 1.0]])).round(6).tolist()
    [[0.25, 0.5, 0.25]]
    """

    def _trace(self, to: Tracer, x: str) -> str:
        return to.node("Softmax", x, axis=1)

    def _shape(self, shape: Shape) -> Shape:
        if not shape or not shape[0]:
            raise ValueError(f"{self.op}: x must have a second axis that is not empty")
        return shape

    def _map(self, x: Array) -> Array:
        y = np.exp(x - x.max(axis=1, keepdims=True))
        y /= y.sum(axis=1, keepdims=True)
        return y  # type: ignore[no-any-return]

    def _slope(self, grad: Array, y: Array) -> Array:
        mean: Array = (grad * y).sum(axis=1, keepdims=True)
        dx: Array = y * (grad - mean)
        return dx


class Dropout(Elementwise):
    """In training, set each value to zero with probability p and divide the others by 1 - p.

    Otherwise the identity.

    Parameters
    ----------
    p : float
        From 0 to less than 1.
    rng : numpy.random.Generator or int, optional
        Where the choice comes from. :func:`fit` lends the layer its own generator.

    Examples
    --------
    >>> layer = Dropout(0.5, rng=0)
    >>> layer.forward(np.ones((1, 6))).tolist()
    [[1.0, 1.0, 1.0, 1.0, 1.0, 1.0]]
    >>> layer.train()
    >>> layer.forward(np.ones((1, 6))).tolist()
    [[2.0, 2.0, 2.0, 0.0, 0.0, 0.0]]
    """

    def __init__(self, p: float = 0.5, rng: Rng = None) -> None:
        super().__init__()
        self.p = as_float(self.op, "p", p, 0, 1)
        self.rng = as_generator(self.op, rng, fresh=True)

    def _trace(self, to: Tracer, x: str) -> str:
        return x

    def _mapped(self, x: Array) -> tuple[Array, Any]:
        if not self.training or not self.p:
            return x, None
        kept = self.rng.random(x.shape, dtype=np.float32) >= self.p
        factors = kept.astype(x.dtype)
        factors /= 1 - self.p
        return x * factors, factors

    def _slope(self, grad: Array, kept: Any) -> Array:
        return grad if kept is None else grad * kept

    def __repr__(self) -> str:
        """Return the call that makes it."""
        return f"{self.op}({self.p})"
