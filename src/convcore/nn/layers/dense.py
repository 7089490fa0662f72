"""The dense layer, and LeNet-5's pooling with a weight and a bias for each channel."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from convcore import api, geometry
from convcore.geometry import Count
from convcore.graph.tracer import Tracer
from convcore.nn.layers.base import Layer, Shape, quiet
from convcore.nn.layers.operator import ALONE, keep_gradients, short
from convcore.nn.layers.parameters import Rng, Start, constant, floating
from convcore.spec.layer import described
from convcore.spec.operands import Array
from convcore.spec.options import Sizes, as_int, per_axis

# From this many weights on, more than caches hold, a dense layer is computed as a local one.
MANY_WEIGHTS = 2**18

# Options of poolings that Subsample2d does not have.
PLAIN: dict[str, Any] = {"padding": 0, "dilation": 1, "ceil_mode": False, "layout": "NCHW"}

CONV, LOCAL, MEAN = (api.CALLS[kind] for kind in ("conv", "local_conv", "avg_pool"))


class Linear(Layer):
    r"""Dense layer: every output is a weighted sum of all inputs, and its bias.

    .. math:: y_i = b_i + \sum_l w_{i,l} \, x_l

    Takes (N, in_features), gives (N, out_features).

    Parameters
    ----------
    in_features, out_features : int
        Numbers of an example's input and result.
    bias, rng, gain, dtype
        As of :class:`Conv2d`.

    Attributes
    ----------
    weight : ndarray, shape (out_features, in_features)
    bias : ndarray, shape (out_features,), or None

    Notes
    -----
    Computed as a convolution with kernels of one cell along the batch, or, with many weights, as
    a local layer with one output. Each sum has a fixed order. NumPy's matrix product would be left
    to a BLAS, whose bits may depend on its number of threads. Derivation: :ref:`note-f36`.

    Examples
    --------
    >>> layer = Linear(120, 84, rng=0)
    >>> layer.forward(np.ones((64, 120), np.float32)).shape, layer.count((120,)).parameters
    ((64, 84), 10164)
    """

    axes = 1
    arrays = ("weight", "bias")
    operator = "conv1d"

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        bias: bool = True,
        rng: Rng = None,
        gain: float = 1.0,
        dtype: object = np.float32,
    ) -> None:
        super().__init__()
        self.in_channels = as_int(self.op, "in_features", in_features, 1)
        self.out_channels = as_int(self.op, "out_features", out_features, 1)
        start = Start.of(self.op, bias=bias, rng=rng, gain=gain, dtype=dtype)
        self.weight = start.weight(self.op, (self.out_channels, self.in_channels), self.in_channels)
        if start.bias:
            self.bias = constant(self.op, "bias", (self.out_channels,), 0, start.dtype)

    def count(self, input_shape: Shape) -> Count:
        """Count as a convolution of one cell does: see :meth:`Layer.count`."""
        batch, (features,) = self._split(input_shape)
        self._shape((features,))
        layer = geometry.Layer("conv1d", self._cells().shape, self.bias)
        return geometry.count(layer, (*batch, features, 1))

    def _trace(self, to: Tracer, x: str) -> str:
        assert self.weight is not None
        arrays = [to.constant(self.weight, "weight"), to.optional(self.bias, "bias")]
        return to.node("Gemm", x, *filter(None, arrays), transB=1)

    def _shape(self, shape: Shape) -> Shape:
        if shape != (self.in_channels,):
            raise ValueError(f"{self.op}: x must have {self.in_channels} features, got {shape[0]}")
        return (self.out_channels,)

    def _forward(self, x: Array) -> tuple[Array, Any]:
        if self._is_local(x):
            y = LOCAL.forward(
                self.op, x[..., np.newaxis], *self._kernels(), axes=1, layout="NCW", **ALONE
            )
            return y[..., 0], x
        y = CONV.forward(
            self.op, x[np.newaxis], self._cells(), self.bias, axes=1, layout="NWC", **ALONE
        )
        return y[0], x

    def _backward(self, grad: Array, kept: Any, need_dx: bool) -> Array | None:
        needs = (need_dx, True, self.bias is not None)
        if self._is_local(grad):
            weight, bias = self._kernels()
            dx, dweight, dbias = LOCAL.backward(
                self.op, (grad[..., np.newaxis], kept[..., np.newaxis], weight), bias, axes=1,
                layout="NCW", needs=needs, **ALONE,
            )  # fmt: skip
            return keep_gradients(
                self,
                None if dx is None else dx[..., 0],
                None if dweight is None else dweight[:, 0, :, 0],
                None if dbias is None else dbias[:, 0],
            )
        dx, dweight, dbias = CONV.backward(
            self.op, (grad[np.newaxis], kept[np.newaxis], self._cells()), self.bias, axes=1,
            layout="NWC", needs=needs, **ALONE,
        )  # fmt: skip
        return keep_gradients(
            self, None if dx is None else dx[0], None if dweight is None else dweight[..., 0], dbias
        )

    def _is_local(self, x: Array) -> bool:
        """Whether to compute as a local layer with one output.

        That reads weights in place. A convolution packs them first, which costs more than it saves
        where there are many. And its width, here the batch, cannot be 0.
        """
        assert self.weight is not None
        return self.weight.size >= MANY_WEIGHTS or not len(x)

    def _kernels(self) -> tuple[Array, Array | None]:
        """Weight and bias of a local layer with one output."""
        assert self.weight is not None
        bias = None if self.bias is None else self.bias[:, np.newaxis]
        return self.weight[:, np.newaxis, :, np.newaxis], bias

    def _cells(self) -> Array:
        """The weight as kernels of one cell."""
        assert self.weight is not None
        return self.weight[..., np.newaxis]

    def __repr__(self) -> str:
        """Return the call that makes it."""
        bias = "" if self.bias is not None else ", bias=False"
        return f"{self.op}({self.in_channels}, {self.out_channels}{bias})"


class Subsample2d(Layer):
    r"""LeNet-5's pooling: the sum of each window, times a weight and plus a bias of its channel.

    .. math:: Y_{i,o} = b_i + w_i \sum_{u \in R(o)} V_{i,u}

    Takes (N, channels, H, W), gives (N, channels, OH, OW). The squashing function after it is
    another layer, :class:`Tanh`.

    Parameters
    ----------
    channels : int
        Channels of the input and of the result.
    kernel_size : int or (int, int)
        Rows and columns of a window.
    stride : int or (int, int), optional
        From one window to the next. Default: the windows' size.
    dtype : float16, float32 or float64
        Of weight and bias.

    Attributes
    ----------
    weight : ndarray, shape (channels,)
        Begins at 1 / cells of a window: an average.
    bias : ndarray, shape (channels,)
        Begins at zero.

    Notes
    -----
    LeCun et al. (1998), section II.B. A window has a connection for each cell and one for the
    bias, and one multiply-add. Derivation: :ref:`note-f32`.

    Examples
    --------
    >>> layer = Subsample2d(6, 2)
    >>> layer.output_shape((6, 28, 28)), layer.count((6, 28, 28))[:4]
    ((6, 14, 14), (12, 6, 6, 5880))
    """

    axes = 3
    arrays = ("weight", "bias")

    def __init__(
        self,
        channels: int,
        kernel_size: Sizes = 2,
        stride: Sizes | None = None,
        *,
        dtype: object = np.float32,
    ) -> None:
        super().__init__()
        op = self.op
        self.channels = as_int(op, "channels", channels, 1)
        kernel = per_axis(op, "kernel_size", kernel_size, 2)
        step = kernel if stride is None else per_axis(op, "stride", stride, 2)
        self._windows = {"kernel_size": kernel, "stride": step}
        self._area = prod(kernel)
        real = floating(op, dtype)
        self.weight = constant(op, "weight", (self.channels,), 1 / self._area, real)
        self.bias = constant(op, "bias", (self.channels,), 0, real)

    def pooling(self) -> geometry.Layer:
        """Describe the windows for ``convcore.geometry``."""
        return geometry.Layer("avg_pool2d", **self._windows)

    def count(self, input_shape: Shape) -> Count:
        """Count the windows' cells and biases: see :meth:`Layer.count`."""
        outputs = prod(self.output_shape(input_shape))
        cells = geometry.count(self.pooling(), input_shape).connections
        return Count(2 * self.channels, self.channels, self.channels, cells + outputs, outputs)

    def _trace(self, to: Tracer, x: str) -> str:
        kernel, stride = self._windows.values()
        scale = self._each(self.weight) * self._area
        if not to.portable:  # the very products and sums of the layer
            mean = to.own("avg_pool2d", x, **self._windows)
            weight = to.constant(scale[:, np.newaxis], "weight")
            bias = to.optional(self.bias, "bias")
            return to.own("conv2d", mean, weight, bias, groups=self.channels)
        mean = to.node("AveragePool", x, kernel_shape=list(kernel), strides=list(stride))
        weight = to.constant(scale, "weight")
        return to.node(
            "Add", to.node("Mul", mean, weight), to.constant(self._each(self.bias), "bias")
        )

    def _shape(self, shape: Shape) -> Shape:
        if shape[0] != self.channels:
            raise ValueError(
                f"{self.op}: x must have {self.channels} channels, got {shape[0]} in shape {shape}"
            )
        return described(self.op, self.pooling()).on(self.op, shape).y_shape

    @quiet
    def _forward(self, x: Array) -> tuple[Array, Any]:
        mean = MEAN.forward(self.op, x, axes=2, **PLAIN, **ALONE, **self._windows)
        weight, bias = self._each(self.weight), self._each(self.bias)
        dtype = np.result_type(mean, weight)
        return (mean * (weight * self._area) + bias).astype(dtype, copy=False), (x, mean)

    @quiet
    def _backward(self, grad: Array, kept: Any, need_dx: bool) -> Array | None:
        x, mean = kept
        self.gradients = {
            "weight": (grad * mean).sum(axis=(0, 2, 3)) * self._area,
            "bias": grad.sum(axis=(0, 2, 3)),
        }
        if not need_dx:
            return None
        each = grad * (self._each(self.weight) * self._area)
        dx: Array = MEAN.backward(self.op, each, x, axes=2, **PLAIN, **ALONE, **self._windows)
        return dx

    def _each(self, values: Array | None) -> Array:
        """One value a channel, shaped to be combined with maps."""
        assert values is not None
        return values[:, np.newaxis, np.newaxis]

    def __repr__(self) -> str:
        """Return the call that makes it."""
        kernel, stride = self._windows.values()
        step = "" if stride == kernel else f", stride={short(stride)}"
        return f"{self.op}({self.channels}, {short(kernel)}{step})"
