"""Gates: a value times a number from 0 to 1 that depends on it, and the piecewise linear gate."""

from __future__ import annotations

import numpy as np

from convcore.graph.tracer import Tracer
from convcore.nn.layers.elementwise import OfInput
from convcore.spec.operands import Array
from convcore.spec.special import erfc


class Hardsigmoid(OfInput):
    """A straight line from 0 to 1: ``min(max(x + 3, 0), 6) / 6``. The slope at both ends is 0.

    Notes
    -----
    Howard et al., *Searching for MobileNetV3* (2019). PyTorch: ``torch.nn.Hardsigmoid``. Keras had
    a steeper line under this name.

    Examples
    --------
    >>> Hardsigmoid().forward(np.array([-4.0, 0.0, 1.5, 9.0])).tolist()
    [0.0, 0.5, 0.75, 1.0]
    """

    def _trace(self, to: Tracer, x: str) -> str:
        return to.node("HardSigmoid", x, alpha=1 / 6, beta=0.5)

    def _map(self, x: Array) -> Array:
        y: Array = np.clip(x + 3, 0, 6) / 6
        return y

    def _slope(self, grad: Array, x: Array) -> Array:
        return np.where((x > -3) & (x < 3), grad / 6, 0)


class Hardswish(OfInput):
    r"""Multiply by a straight line from 0 to 1: ``x * min(max(x + 3, 0), 6) / 6``.

    The slope is 0 up to -3, 1 from 3 on, and :math:`x / 3 + 1 / 2` between.

    Notes
    -----
    Howard et al., *Searching for MobileNetV3* (2019). PyTorch: ``torch.nn.Hardswish``.

    Examples
    --------
    >>> Hardswish().forward(np.array([-4.0, -1.5, 0.0, 1.5, 9.0])).tolist()
    [0.0, -0.375, 0.0, 1.125, 9.0]
    """

    def _trace(self, to: Tracer, x: str) -> str:
        return to.node("HardSwish", x)

    def _map(self, x: Array) -> Array:
        # where, for x * 0 would be -0, or NaN of infinity
        return np.where(x <= -3, 0, x * (np.minimum(x + 3, 6) / 6))

    def _slope(self, grad: Array, x: Array) -> Array:
        between = np.where(x >= 3, grad, grad * (x / 3 + 0.5))
        return np.where(x <= -3, 0, between)


class SiLU(OfInput):
    r"""Multiply by the logistic function: :math:`x / (1 + e^{-x})`, also called swish.

    Notes
    -----
    Elfwing, Uchibe and Doya, *Sigmoid-weighted linear units for neural network function
    approximation in reinforcement learning* (2018). PyTorch: ``torch.nn.SiLU``.

    Examples
    --------
    >>> SiLU().forward(np.array([-1000.0, 0.0, 1.0, 1000.0])).round(4).tolist()
    [-0.0, 0.0, 0.7311, 1000.0]
    """

    def _trace(self, to: Tracer, x: str) -> str:
        return to.node("Mul", x, to.node("Sigmoid", x))

    def _map(self, x: Array) -> Array:
        y: Array = x / (1 + np.exp(-x))  # where exp overflows, x / inf is right
        return y

    def _slope(self, grad: Array, x: Array) -> Array:
        # s (1 + x (1 - s)) with s = 1 / (1 + e^-x)
        power = np.exp(-np.abs(x))
        share = 1 / (1 + power)
        low = power * share  # the smaller one of s and 1 - s, with all its digits
        s, other = np.where(x < 0, low, share), np.where(x < 0, share, low)
        dx: Array = grad * (s * (1 + x * other))
        return dx


class GELU(OfInput):
    r"""Multiply by the normal distribution function, :math:`x \Phi(x)`.

    .. math:: \Phi(x) = \tfrac{1}{2} \bigl(1 + \mathrm{erf}(x / \sqrt{2})\bigr)

    Notes
    -----
    Hendrycks and Gimpel, *Gaussian error linear units* (2016), the exact form. Its slope is
    :math:`\Phi(x) + x e^{-x^2/2} / \sqrt{2 \pi}`. PyTorch: ``torch.nn.GELU``.

    Examples
    --------
    >>> GELU().forward(np.array([-10.0, -1.0, 0.0, 1.0, 10.0])).round(4).tolist()
    [-0.0, -0.1587, 0.0, 0.8413, 10.0]
    """

    def _trace(self, to: Tracer, x: str) -> str:
        return to.node("Gelu", x)

    def _map(self, x: Array) -> Array:
        y: Array = x * _normal(x)
        return y

    def _slope(self, grad: Array, x: Array) -> Array:
        density = np.exp(-0.5 * x * x) * (2 * np.pi) ** -0.5
        dx: Array = grad * (_normal(x) + x * density)
        return dx


def _normal(x: Array) -> Array:
    """The normal distribution function; by erfc, for 1 + erf loses the digits of a small sum."""
    half: Array = 0.5 * erfc(x * -(0.5**0.5))
    return half
