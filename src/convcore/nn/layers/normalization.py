"""Normalisations over the values of an example: of all of it, or of groups of its channels."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from convcore.geometry import Count
from convcore.graph.tracer import Tracer
from convcore.nn.layers.base import Layer, Shape, call_of, check_channels, quiet
from convcore.nn.layers.parameters import constant, floating
from convcore.nn.layers.statistics import Axes, slope, standardize
from convcore.spec.operands import Array, DType, result_dtypes
from convcore.spec.options import Sizes, as_bool, as_float, as_int, per_axis, plain


class Normalization(Layer):
    """A layer that standardizes values, then multiplies by a weight and adds a bias."""

    arrays = ("weight", "bias")

    def _begin(self, shape: Shape, *, eps: object, affine: object, dtype: object) -> DType:
        """Read what all have; weights begin at one and biases at zero."""
        self.eps = as_float(self.op, "eps", eps, 0, above=True)
        self.affine = as_bool(self.op, "affine", affine)
        real = floating(self.op, dtype)
        if self.affine:
            self.weight = constant(self.op, "weight", shape, 1, real)
            self.bias = constant(self.op, "bias", shape, 0, real)
        return real

    def count(self, input_shape: Shape) -> Count:
        """Count a multiply-add and a bias for each value; means and variances are left out."""
        values = prod(self.output_shape(input_shape))
        weights, biases = (0 if own is None else own.size for own in (self.weight, self.bias))
        connections = values * (2 if biases else 1)
        return Count(weights + biases, weights, biases, connections, values)

    def _dtypes(self, x: DType, name: str = "x") -> tuple[DType, DType]:
        """The dtypes of a result and of its computation; buffers decide neither."""
        other = x if self.weight is None else self.weight.dtype
        return result_dtypes(self.op, x, other, name)

    def _scaled(self, hat: Array, shape: Shape) -> Array:
        """Apply weight and bias, in place; ``shape`` is what lets each of them meet its values."""
        if self.weight is not None and self.bias is not None:
            hat *= self.weight.astype(hat.dtype, copy=False).reshape(shape)
            hat += self.bias.astype(hat.dtype, copy=False).reshape(shape)
        return hat

    def _unscaled(self, grad: Array, hat: Array, shape: Shape, axes: Axes) -> Array:
        """The gradient of the standardised values; those of weight and bias are kept.

        These are sums over a batch, which float16 may not hold: they stay in the dtype of grad.
        """
        if self.weight is None:
            self.gradients = {}
            return grad
        sums = {"weight": grad * hat, "bias": grad}
        self.gradients = {
            name: each.sum(axis=axes, dtype=np.float64)
            .reshape(self.weight.shape)
            .astype(grad.dtype)
            for name, each in sums.items()
        }
        inner: Array = grad * self.weight.astype(grad.dtype, copy=False).reshape(shape)
        return inner


class LayerNorm(Normalization):
    r"""Standardise the values of each example, over its last axes.

    .. math:: y = w \, \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + b

    with the mean and the variance of the values of these axes. Takes (N, ..., \*shape) and keeps
    the shape. Training and use are the same.

    Parameters
    ----------
    shape : int or tuple of ints
        Sizes of the last axes, which are standardised together.
    eps : float
        :math:`\varepsilon`, more than 0.
    affine : bool
        Whether there are a weight and a bias.
    dtype : float16, float32 or float64
        Of weight and bias.

    Attributes
    ----------
    weight : ndarray of this shape, or None
        Begins at one.
    bias : ndarray of this shape, or None
        Begins at zero.

    Raises
    ------
    ValueError, TypeError
        For options out of range, and inputs of other last axes.

    See Also
    --------
    GroupNorm, BatchNorm2d

    Notes
    -----
    Ba, Kiros and Hinton, *Layer normalization* (2016). The variance divides by the number of
    values. Means and variances are summed in float64. PyTorch: ``torch.nn.LayerNorm``.

    Examples
    --------
    >>> LayerNorm(3).forward(np.array([[1.0, 2.0, 3.0]])).round(3).tolist()
    [[-1.225, 0.0, 1.225]]
    """

    def __init__(
        self,
        shape: Sizes,
        eps: float = 1e-5,
        affine: bool = True,
        *,
        dtype: object = np.float32,
    ) -> None:
        super().__init__()
        axes = len(shape) if isinstance(shape, (tuple, list)) else 1
        self.shape = per_axis(self.op, "shape", shape, max(axes, 1))
        self._begin(self.shape, eps=eps, affine=affine, dtype=dtype)

    def _trace(self, to: Tracer, x: str) -> str:
        if not to.portable:
            return to.call(self.op, self.forward, x)
        ones = np.ones(self.shape, to.dtype) if self.weight is None else self.weight
        arrays = [to.constant(ones, "weight"), to.optional(self.bias, "bias")]
        axis = -len(self.shape)
        return to.node("LayerNormalization", x, *filter(None, arrays), axis=axis, epsilon=self.eps)

    def _shape(self, shape: Shape) -> Shape:
        if shape[-len(self.shape) :] != self.shape:
            raise ValueError(
                f"{self.op}: x must end with the axes {self.shape}, got shape {shape} without the "
                "batch"
            )
        return shape

    @quiet
    def _forward(self, x: Array) -> tuple[Array, Any]:
        dtype, work = self._dtypes(x.dtype)
        rows = x.astype(work, copy=False).reshape(-1, prod(self.shape))
        hat, own, _ = standardize(rows, (1,), self.eps)
        y = self._scaled(hat, (1, -1))
        return y.reshape(x.shape).astype(dtype, copy=False), (rows, own)

    @quiet
    def _backward(self, grad: Array, kept: Any, need_dx: bool) -> Array | None:
        x, own = kept
        dtype, work = self._dtypes(grad.dtype, "grad")
        hat = own.standardized(x)
        inner = self._unscaled(grad.astype(work, copy=False).reshape(x.shape), hat, (1, -1), (0,))
        if not need_dx:
            return None
        return slope(inner, hat, own.inverse, (1,)).reshape(grad.shape).astype(dtype, copy=False)

    def __repr__(self) -> str:
        """Return the call that makes it."""
        size = plain(self.shape) if len(self.shape) == 1 else self.shape
        return call_of(self.op, size, eps=(self.eps, 1e-5), affine=(self.affine, True))


class GroupNorm(Normalization):
    r"""Standardise the values of each example, group by group of its channels.

    .. math:: y_c = w_c \, \frac{x_c - \mu_g}{\sqrt{\sigma_g^2 + \varepsilon}} + b_c

    with the mean and the variance of all values of the channels of group g. Takes
    (N, channels, ...) and keeps the shape. Training and use are the same.

    Parameters
    ----------
    groups : int
        Groups of neighbouring channels; must divide ``channels``. As many groups as channels is
        instance normalisation.
    channels : int
        Channels of the input.
    eps : float
        :math:`\varepsilon`, more than 0.
    affine : bool
        Whether there are a weight and a bias.
    dtype : float16, float32 or float64
        Of weight and bias.

    Attributes
    ----------
    weight : ndarray, shape (channels,), or None
        Begins at one.
    bias : ndarray, shape (channels,), or None
        Begins at zero.

    Raises
    ------
    ValueError, TypeError
        For options out of range, and inputs of other channels.

    See Also
    --------
    LayerNorm, BatchNorm2d

    Notes
    -----
    Wu and He, *Group normalization* (2018). The variance divides by the number of values. Means
    and variances are summed in float64. PyTorch: ``torch.nn.GroupNorm``.

    Examples
    --------
    >>> x = np.array([[[1.0, 3.0], [5.0, 7.0], [0.0, 0.0], [0.0, 2.0]]])
    >>> GroupNorm(2, 4).forward(x).round(3).tolist()
    [[[-1.342, -0.447], [0.447, 1.342], [-0.577, -0.577], [-0.577, 1.732]]]
    """

    def __init__(
        self,
        groups: int,
        channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        *,
        dtype: object = np.float32,
    ) -> None:
        super().__init__()
        self.groups = as_int(self.op, "groups", groups, 1)
        self.channels = as_int(self.op, "channels", channels, 1)
        if self.channels % self.groups:
            raise ValueError(
                f"{self.op}: groups must divide channels = {self.channels}, got {self.groups}"
            )
        self._begin((self.channels,), eps=eps, affine=affine, dtype=dtype)

    def _trace(self, to: Tracer, x: str) -> str:
        if not to.portable:
            return to.call(self.op, self.forward, x)
        one, zero = np.ones(self.channels, to.dtype), np.zeros(self.channels, to.dtype)
        arrays = [
            to.constant(default if own is None else own, name)
            for own, default, name in ((self.weight, one, "weight"), (self.bias, zero, "bias"))
        ]
        return to.node("GroupNormalization", x, *arrays, num_groups=self.groups, epsilon=self.eps)

    def _shape(self, shape: Shape) -> Shape:
        return check_channels(self.op, shape, self.channels)

    @quiet
    def _forward(self, x: Array) -> tuple[Array, Any]:
        dtype, work = self._dtypes(x.dtype)
        inside = self.channels // self.groups, prod(x.shape[2:])
        values = x.astype(work, copy=False).reshape(len(x), self.groups, *inside)
        hat, own, _ = standardize(values, (2, 3), self.eps)
        y = self._scaled(hat, self._each())
        return y.reshape(x.shape).astype(dtype, copy=False), (values, own)

    @quiet
    def _backward(self, grad: Array, kept: Any, need_dx: bool) -> Array | None:
        x, own = kept
        dtype, work = self._dtypes(grad.dtype, "grad")
        hat = own.standardized(x)
        values = grad.astype(work, copy=False).reshape(x.shape)
        inner = self._unscaled(values, hat, self._each(), (0, 3))
        if not need_dx:
            return None
        return slope(inner, hat, own.inverse, (2, 3)).reshape(grad.shape).astype(dtype, copy=False)

    def _each(self) -> Shape:
        """One value a channel, in its group."""
        return (self.groups, self.channels // self.groups, 1)

    def __repr__(self) -> str:
        """Return the call that makes it."""
        return call_of(
            self.op, self.groups, self.channels, eps=(self.eps, 1e-5), affine=(self.affine, True)
        )
