"""Layers that change values and no shapes, and the one that changes shapes and no values."""

from math import prod
from typing import Any

import numpy as np

from convcore import _args
from convcore._args import Array
from convcore.nn._base import Elementwise, Layer, Shape
from convcore.nn._weighted import Rng


class Flatten(Layer):
    """Write the values of each example into a row: (N, C, H, W) becomes (N, C H W).

    Forward needs the batch axis; ``output_shape`` takes the shape of one example.

    Examples
    --------
    >>> Flatten().forward(np.ones((8, 16, 5, 5))).shape
    (8, 400)
    >>> Flatten().output_shape((16, 5, 5))
    (400,)
    """

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

    def _map(self, x: Array) -> Array:
        return np.maximum(x, 0)

    def _slope(self, grad: Array, y: Array) -> Array:
        # As np.where(y > 0, grad, 0) but ten times as fast, and unlike grad * (y > 0) it keeps no
        # infinity or NaN of a gradient that does not count: the bits are multiplied by 0 or 1.
        bits = np.ascontiguousarray(grad).view(f"u{grad.itemsize}")
        chosen: Array = np.multiply(bits, y > 0).view(grad.dtype)
        return chosen


class Tanh(Elementwise):
    r"""The hyperbolic tangent, or :math:`a \tanh(b x)` as LeNet-5 has it.

    Parameters
    ----------
    scaled : bool
        a = 1.7159 and b = 2/3, so that :math:`f(1) = 1` and :math:`f(-1) = -1` up to four digits,
        with the largest second derivative there.

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
        self._height = 1.7159 if _args.flag(self.op, "scaled", scaled) else 1.0
        self._steepness = 2 / 3 if scaled else 1.0

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
        return f"{self.op}({'' if self._height == 1 else 'scaled=True'})"


class Sigmoid(Elementwise):
    r"""The logistic function, :math:`1 / (1 + e^{-x})`.

    Examples
    --------
    >>> Sigmoid().forward(np.array([-1000.0, 0.0, 1000.0])).tolist()
    [0.0, 0.5, 1.0]
    """

    def _map(self, x: Array) -> Array:
        half: Array = 0.5 * np.tanh(0.5 * x)  # which cannot overflow
        half += 0.5
        return half

    def _slope(self, grad: Array, y: Array) -> Array:
        dx: Array = grad * (y * (1 - y))
        return dx


class Softmax(Elementwise):
    r"""Probabilities along the second axis: :math:`e^{x_i} / \sum_j e^{x_j}`.

    :func:`cross_entropy` takes what comes before, the scores: train without this layer.

    Examples
    --------
    >>> Softmax().forward(np.log([[1.0, 2.0, 1.0]])).round(6).tolist()
    [[0.25, 0.5, 0.25]]
    """

    def _shape(self, shape: Shape) -> Shape:
        if not shape or not shape[0]:
            raise ValueError(f"{self.op}: x must have values on its second axis, got none")
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
        Where the choice comes from; :func:`fit` lends the layer its own, so that its ``rng``
        decides alone.

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
        self.p = _args.number(self.op, "p", p, 0, 1)
        self.rng = _args.generator(self.op, rng, fresh=True)
        self._mask: Array | None = None

    def _map(self, x: Array) -> Array:
        self._mask = None
        if not self.training or not self.p:
            return x
        kept = self.rng.random(x.shape, dtype=np.float32) >= self.p
        self._mask = kept.astype(x.dtype)
        self._mask /= 1 - self.p
        return x * self._mask

    def _slope(self, grad: Array, y: Array) -> Array:
        return grad if self._mask is None else grad * self._mask

    def __repr__(self) -> str:
        return f"{self.op}({self.p:g})"
