"""Rectifiers: what is positive passes, what is negative is made small or bent."""

from __future__ import annotations

from typing import Any

import numpy as np

from convcore.graph.tracer import Tracer
from convcore.nn.layers.base import Layer, Shape, call_of, check_channels, quiet
from convcore.nn.layers.elementwise import OfInput
from convcore.nn.layers.parameters import constant, floating
from convcore.spec.operands import Array, result_dtypes
from convcore.spec.options import as_float, as_int


class ReLU6(OfInput):
    """Cut values off at 0 and 6: ``min(max(x, 0), 6)``. The slope at 0 and at 6 is 0.

    Notes
    -----
    Howard et al., *MobileNets* (2017). PyTorch: ``torch.nn.ReLU6``.

    Examples
    --------
    >>> ReLU6().forward(np.array([-1.0, 2.0, 7.0])).tolist()
    [0.0, 2.0, 6.0]
    """

    def _trace(self, to: Tracer, x: str) -> str:
        low, high = (to.constant(np.array(n, to.dtype), "bound") for n in (0, 6))
        return to.node("Clip", x, low, high)

    def _map(self, x: Array) -> Array:
        return np.clip(x, 0, 6)

    def _slope(self, grad: Array, x: Array) -> Array:
        return np.where((x > 0) & (x < 6), grad, 0)


class LeakyReLU(OfInput):
    r"""Multiply negative values by a small number: x if x > 0, else :math:`s x`.

    Parameters
    ----------
    slope : float
        s. The slope at 0 is s, too.

    Raises
    ------
    ValueError, TypeError
        For a slope that is not finite.

    See Also
    --------
    PReLU

    Notes
    -----
    Maas, Hannun and Ng, *Rectifier nonlinearities improve neural network acoustic models* (2013).
    PyTorch: ``torch.nn.LeakyReLU``.

    Examples
    --------
    >>> LeakyReLU(0.25).forward(np.array([-4.0, 0.0, 2.0])).tolist()
    [-1.0, 0.0, 2.0]
    """

    def __init__(self, slope: float = 0.01) -> None:
        super().__init__()
        self.slope = as_float(self.op, "slope", slope, -np.inf)

    def _trace(self, to: Tracer, x: str) -> str:
        return to.node("LeakyRelu", x, alpha=self.slope)

    def _map(self, x: Array) -> Array:
        return np.where(x > 0, x, x * self.slope)

    def _slope(self, grad: Array, x: Array) -> Array:
        return np.where(x > 0, grad, grad * self.slope)

    def __repr__(self) -> str:
        """Return the call that makes it."""
        return call_of(self.op, slope=(self.slope, 0.01))


class PReLU(Layer):
    r"""Multiply negative values by a weight: x if x > 0, else :math:`w_c x`.

    Takes (N, channels, ...) and keeps the shape. With one channel, the default, one weight serves
    all channels, of which there may be any number.

    Parameters
    ----------
    channels : int
        Channels with weights of their own, or 1.
    init : float
        What the weights begin at.
    dtype : float16, float32 or float64
        Of the weight.

    Attributes
    ----------
    weight : ndarray, shape (channels,)

    Raises
    ------
    ValueError, TypeError
        For options out of range, and for another number of channels.

    See Also
    --------
    LeakyReLU

    Notes
    -----
    He, Zhang, Ren and Sun, *Delving deep into rectifiers* (2015). The gradient of :math:`w_c` is
    the sum of x times the result's gradient where x is not positive. PyTorch: ``torch.nn.PReLU``.

    Examples
    --------
    >>> layer = PReLU(2)
    >>> layer.weight[...] = [0.5, 0.25]
    >>> layer.forward([[[-4.0, 4.0], [-4.0, 8.0]]]).tolist()
    [[[-2.0, 4.0], [-1.0, 8.0]]]
    >>> dx = layer.backward(np.ones((1, 2, 2)))
    >>> dx.tolist(), layer.gradients["weight"].tolist()
    ([[[0.5, 1.0], [0.25, 1.0]]], [-4.0, -4.0])
    """

    arrays = ("weight",)
    pointwise = True

    def __init__(
        self, channels: int = 1, init: float = 0.25, *, dtype: object = np.float32
    ) -> None:
        super().__init__()
        self.channels = as_int(self.op, "channels", channels, 1)
        self.init = as_float(self.op, "init", init, -np.inf)
        self.weight: Array = constant(
            self.op, "weight", (self.channels,), self.init, floating(self.op, dtype)
        )

    def _trace(self, to: Tracer, x: str) -> str:
        shape = to.shapes.get(x)
        assert self.weight is not None
        if shape is None and self.channels > 1:
            return to.call(self.op, self.forward, x)
        slope = self.weight.reshape(-1, *(1,) * (len(shape) - 1 if shape else 0))
        return to.node("PRelu", x, to.constant(slope, "slope"))

    def _shape(self, shape: Shape) -> Shape:
        return shape if self.channels == 1 else check_channels(self.op, shape, self.channels)

    @quiet
    def _forward(self, x: Array) -> tuple[Array, Any]:
        dtype, work = result_dtypes(self.op, x.dtype, self.weight.dtype)
        x = x.astype(work, copy=False)
        y = np.where(x > 0, x, x * self._each(x.ndim, work))
        return y.astype(dtype, copy=False), x

    @quiet
    def _backward(self, grad: Array, kept: Any, need_dx: bool) -> Array | None:
        dtype, work = result_dtypes(self.op, grad.dtype, self.weight.dtype, "grad")
        grad = grad.astype(work, copy=False)
        low = np.where(kept > 0, 0, grad * kept)
        axes = tuple(axis for axis in range(low.ndim) if axis != 1 or self.channels == 1)
        total = low.sum(axis=axes, dtype=np.float64).reshape(self.channels)
        self.gradients = {"weight": total.astype(work)}  # float16 may not hold the sum
        if not need_dx:
            return None
        dx = np.where(kept > 0, grad, grad * self._each(grad.ndim, work))
        return dx.astype(dtype, copy=False)

    def _each(self, ndim: int, dtype: np.dtype[Any]) -> Array:
        """The weight, shaped to be multiplied with maps."""
        return self.weight.astype(dtype, copy=False).reshape(-1, *(1,) * (ndim - 2))

    def __repr__(self) -> str:
        """Return the call that makes it."""
        return call_of(self.op, channels=(self.channels, 1), init=(self.init, 0.25))


class ELU(OfInput):
    r"""Bend negative values: x if x > 0, else :math:`\alpha (e^x - 1)`.

    Parameters
    ----------
    alpha : float
        :math:`\alpha`; negative values end at :math:`-\alpha`.

    Raises
    ------
    ValueError, TypeError
        For a number that is not finite.

    Notes
    -----
    Clevert, Unterthiner and Hochreiter, *Fast and accurate deep network learning by exponential
    linear units* (2016). PyTorch: ``torch.nn.ELU``.

    Examples
    --------
    >>> ELU().forward(np.array([-np.inf, -1.0, 2.0])).round(4).tolist()
    [-1.0, -0.6321, 2.0]
    """

    def __init__(self, alpha: float = 1.0) -> None:
        super().__init__()
        self.alpha = as_float(self.op, "alpha", alpha, -np.inf)

    def _trace(self, to: Tracer, x: str) -> str:
        return to.node("Elu", x, alpha=self.alpha)

    def _map(self, x: Array) -> Array:
        return np.where(x > 0, x, self.alpha * np.expm1(np.minimum(x, 0)))

    def _slope(self, grad: Array, x: Array) -> Array:
        return np.where(x > 0, grad, grad * (self.alpha * np.exp(np.minimum(x, 0))))

    def __repr__(self) -> str:
        """Return the call that makes it."""
        return call_of(self.op, alpha=(self.alpha, 1.0))
