"""Layers with weights: convolutions, local, tiled, transposed and dense layers, subsampling."""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

import convcore
from convcore import _args, connections, geometry
from convcore._args import Array
from convcore._linear import Paddings, Sizes
from convcore.geometry import Count, _operators
from convcore.nn._base import Layer, Shape, floating, initial

Rng = np.random.Generator | int | None


class Weighted(Layer):
    """A layer that is an operator of the package with a weight and a bias."""

    arrays = ("weight", "bias")
    in_channels: int
    out_channels: int
    _run: Callable[..., Array]
    _run_back: Callable[..., tuple[Array | None, Array | None, Array | None]]

    def _build(
        self,
        operator: str,
        shape: Shape,
        fan_in: Array | float,
        biases: Shape,
        bias: object,
        rng: object,
        gain: object,
        dtype: object,
        **options: Any,
    ) -> None:
        """Draw the weight; biases begin at zero."""
        self.operator, self.options = operator, options
        self._run = getattr(convcore, operator)
        self._run_back = getattr(convcore, f"{operator}_backward")
        real = floating(self.op, dtype)
        generator = _args.generator(self.op, rng, fresh=True)
        scale = _args.number(self.op, "gain", gain, 0)
        self.weight = initial(generator, shape, fan_in, scale, real)
        self.bias = np.zeros(biases, real) if _args.flag(self.op, "bias", bias) else None

    def _shape(self, shape: Shape) -> Shape:
        if shape[0] != self.in_channels:
            raise ValueError(
                f"{self.op}: x has {shape[0]} channels, in a shape of {shape}, expected "
                f"{self.in_channels}"
            )
        return _operators.sizes(self.op, _operators.read(self.op, self), shape).shape

    def _forward(self, x: Array) -> tuple[Array, Any]:
        return self._run(x, self.weight, self.bias, **self.options), x

    def _backward(self, grad: Array, kept: Any, need_dx: bool) -> Array | None:
        needs = (need_dx, True, self.bias is not None)
        dx, dweight, dbias = self._run_back(
            grad, kept, self.weight, self.bias, **self.options, needs=needs
        )
        return self._keep(dx, dweight, dbias)

    def _keep(self, dx: Array | None, dweight: Array | None, dbias: Array | None) -> Array | None:
        gradients = {"weight": dweight, "bias": dbias}
        self.gradients = {name: g for name, g in gradients.items() if g is not None}
        return dx

    def __repr__(self) -> str:
        words = [f"{self.in_channels}, {self.out_channels}, {_short(self._kernel())}"]
        words += [f"{name}={_short(v)}" for name, v in self.options.items() if _told(name, v)]
        words += self._more()
        return f"{self.op}({', '.join(words)}{'' if self.bias is not None else ', bias=False'})"

    def _kernel(self) -> tuple[int, ...]:
        assert self.weight is not None
        assert self.axes is not None
        return self.weight.shape[1 - self.axes :]

    def _more(self) -> list[str]:
        return []


def _told(name: str, value: object) -> bool:
    """Whether an option is not the default."""
    if name == "connections":
        return value is not None
    usual = {"padding": ("valid", 0), "output_padding": (0,)}.get(name, (1,))
    each = value if isinstance(value, tuple) else (value,)
    return not all(v in usual for v in each)


def _short(value: object) -> str:
    """A value as a repr shows it: one number for equal ones."""
    if isinstance(value, np.ndarray):
        return f"<{np.count_nonzero(value)} of {value.size} pairs>"
    if isinstance(value, tuple) and value and all(v == value[0] for v in value):
        return repr(value[0])
    return repr(value)


class _Convolution(Weighted):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Paddings = "valid",
        dilation: Sizes = 1,
        groups: int = 1,
        *,
        connections: ArrayLike | None = None,
        bias: bool = True,
        rng: Rng = None,
        gain: float = 1.0,
        dtype: object = np.float32,
    ) -> None:
        super().__init__()
        op, axes = self.op, self._read(in_channels, out_channels)
        kernel = _args.per_axis(op, "kernel_size", kernel_size, axes)
        groups = _groups(op, groups, self.in_channels, self.out_channels)
        table = _table(op, connections, self.out_channels, self.in_channels, groups)
        fan_in: Any = self.in_channels // groups * prod(kernel)
        if table is not None:  # outputs that see fewer maps get larger weights
            fan_in = table.sum(axis=1) * prod(kernel)
        self._build(
            f"conv{axes}d", (self.out_channels, self.in_channels // groups, *kernel), fan_in,
            (self.out_channels,), bias, rng, gain, dtype,
            **_steps(op, axes, stride, padding, dilation), groups=groups, connections=table,
        )  # fmt: skip
        if table is not None and self.weight is not None:
            self.weight[~table] = 0

    def _read(self, in_channels: object, out_channels: object) -> int:
        self.in_channels = _args.whole(self.op, "in_channels", in_channels, 1)
        self.out_channels = _args.whole(self.op, "out_channels", out_channels, 1)
        assert self.axes is not None
        return self.axes - 1


def _steps(op: str, axes: int, stride: object, padding: object, dilation: object) -> dict[str, Any]:
    return {
        "stride": _args.per_axis(op, "stride", stride, axes),
        "padding": padding if isinstance(padding, str) and _args.paddings(op, padding, axes)
        else _args.paddings(op, padding, axes),
        "dilation": _args.per_axis(op, "dilation", dilation, axes),
    }  # fmt: skip


def _groups(op: str, groups: object, in_channels: int, out_channels: int) -> int:
    number = _args.whole(op, "groups", groups, 1)
    if in_channels % number or out_channels % number:
        raise ValueError(
            f"{op}: groups = {number} must divide in_channels = {in_channels} and out_channels = "
            f"{out_channels}"
        )
    return number


def _table(op: str, table: object, out: int, in_: int, groups: int) -> Array | None:
    return None if table is None else connections.check(op, table, out, in_, groups).copy()


class Conv1d(_Convolution):
    """Convolution of signals of several channels: :func:`convcore.conv1d` with its weight.

    Takes (N, in_channels, W), gives (N, out_channels, OW). Parameters, attributes and errors are
    those of :class:`Conv2d`, for one axis.

    Examples
    --------
    >>> Conv1d(2, 8, 5, stride=2, rng=0).output_shape((2, 33))
    (8, 15)
    """

    axes = 2


class Conv2d(_Convolution):
    r"""Convolution of images of several channels: :func:`convcore.conv2d` with its weight.

    Takes (N, in_channels, H, W), gives (N, out_channels, OH, OW).

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the input and of the result.
    kernel_size : int or (int, int)
        Rows and columns of a kernel.
    stride, padding, dilation, groups, connections
        As :func:`convcore.conv2d` takes them.
    bias : bool
        Whether there is one; it begins at zero.
    rng : numpy.random.Generator or int, optional
        Where the weight is drawn from: the same seed gives the same bits. None: a new seed each
        time.
    gain : float
        Weights are uniform with mean zero and variance ``gain ** 2 / fan_in``, where an output
        sees ``fan_in`` input values; ``2 ** 0.5`` is right before a :class:`ReLU`.
    dtype : float16, float32 or float64
        Of weight and bias.

    Attributes
    ----------
    weight : ndarray, shape (out_channels, in_channels / groups, R, S)
    bias : ndarray, shape (out_channels,), or None
    gradients : dict of str to ndarray
        Of the last ``backward``.

    Raises
    ------
    ValueError, TypeError
        For options out of range, and for inputs of other shapes.

    See Also
    --------
    LocalConv2d, TiledConv2d, convcore.conv2d

    Examples
    --------
    >>> layer = Conv2d(1, 6, 5, rng=0)
    >>> layer.forward(np.ones((10, 1, 32, 32), np.float32)).shape
    (10, 6, 28, 28)
    >>> dx = layer.backward(np.ones((10, 6, 28, 28), np.float32))
    >>> dx.shape, layer.gradients["weight"].shape, layer.gradients["bias"][0]
    ((10, 1, 32, 32), (6, 1, 5, 5), np.float32(7840.0))
    """

    axes = 3


class Conv3d(_Convolution):
    """Convolution of volumes of several channels: :func:`convcore.conv3d` with its weight.

    Takes (N, in_channels, D, H, W), gives (N, out_channels, OD, OH, OW). Parameters, attributes
    and errors are those of :class:`Conv2d`, for three axes.

    Examples
    --------
    >>> Conv3d(1, 4, 3, padding="same", rng=0).output_shape((1, 8, 16, 16))
    (4, 8, 16, 16)
    """

    axes = 4


class LocalConv2d(_Convolution):
    """Convolution without shared weights: :func:`convcore.local_conv2d` with its weight.

    Takes (N, in_channels, H, W) of one size, gives (N, out_channels, OH, OW).

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride, padding, dilation, bias, rng, gain, dtype
        As of :class:`Conv2d`.
    input_size : int or (int, int)
        Rows and columns of the input: every output place has a kernel of its own.

    Attributes
    ----------
    weight : ndarray, shape (out_channels, OH, OW, in_channels, R, S)
    bias : ndarray, shape (out_channels, OH, OW), or None

    Examples
    --------
    >>> layer = LocalConv2d(1, 4, 5, input_size=12, rng=0)
    >>> layer.weight.shape, layer.count((1, 12, 12)).parameters
    ((4, 8, 8, 1, 5, 5), 6656)
    """

    axes = 3

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Paddings = "valid",
        dilation: Sizes = 1,
        *,
        input_size: Sizes,
        bias: bool = True,
        rng: Rng = None,
        gain: float = 1.0,
        dtype: object = np.float32,
    ) -> None:
        Layer.__init__(self)
        op, axes = self.op, self._read(in_channels, out_channels)
        self._size = _args.per_axis(op, "input_size", input_size, axes)
        kernel = _args.per_axis(op, "kernel_size", kernel_size, axes)
        steps = _steps(op, axes, stride, padding, dilation)
        try:
            found: Any = geometry.output_size(self._size, kernel, **steps)
        except ValueError as error:
            raise ValueError(f"{op}: {str(error).partition(': ')[2]}") from None
        self._build(
            f"local_conv{axes}d", (self.out_channels, *found, self.in_channels, *kernel),
            self.in_channels * prod(kernel), (self.out_channels, *found), bias, rng, gain, dtype,
            **steps,
        )  # fmt: skip

    def _shape(self, shape: Shape) -> Shape:
        if shape[1:] != self._size:
            raise ValueError(
                f"{self.op}: x has images of {shape[1:]} cells, in a shape of {shape}, expected "
                f"{self._size} as input_size says"
            )
        return super()._shape(shape)

    def _more(self) -> list[str]:
        return [f"input_size={_short(self._size)}"]


class TiledConv2d(_Convolution):
    r"""Convolution with a few kernels in turn: :func:`convcore.tiled_conv2d` with its weight.

    Takes (N, in_channels, H, W), gives (N, out_channels, OH, OW). Outputs a period apart share
    their weights.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride, padding, dilation, bias, rng, gain, dtype
        As of :class:`Conv2d`.
    period : int or (int, int)
        Outputs after which the kernels repeat, down and to the right; 1 is a convolution.

    Attributes
    ----------
    weight : ndarray, shape (out_channels, \*period, in_channels, R, S)
    bias : ndarray, shape (out_channels, \*period), or None

    Examples
    --------
    >>> layer = TiledConv2d(1, 4, 5, period=2, rng=0)
    >>> layer.weight.shape, layer.count((1, 12, 12)).parameters
    ((4, 2, 2, 1, 5, 5), 416)
    """

    axes = 3

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Paddings = "valid",
        dilation: Sizes = 1,
        *,
        period: Sizes,
        bias: bool = True,
        rng: Rng = None,
        gain: float = 1.0,
        dtype: object = np.float32,
    ) -> None:
        Layer.__init__(self)
        op, axes = self.op, self._read(in_channels, out_channels)
        turns = _args.per_axis(op, "period", period, axes)
        kernel = _args.per_axis(op, "kernel_size", kernel_size, axes)
        self._build(
            f"tiled_conv{axes}d", (self.out_channels, *turns, self.in_channels, *kernel),
            self.in_channels * prod(kernel), (self.out_channels, *turns), bias, rng, gain, dtype,
            **_steps(op, axes, stride, padding, dilation),
        )  # fmt: skip

    def _more(self) -> list[str]:
        assert self.weight is not None
        return [f"period={_short(self.weight.shape[1:3])}"]


class ConvTranspose2d(_Convolution):
    """Transposed convolution of images: :func:`convcore.conv_transpose2d` with its weight.

    Takes (N, in_channels, H, W), gives (N, out_channels, OH, OW), larger by the stride.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, bias, rng, gain, dtype
        As of :class:`Conv2d`.
    stride, padding, dilation, groups, output_padding
        As :func:`convcore.conv_transpose2d` takes them.

    Attributes
    ----------
    weight : ndarray, shape (in_channels, out_channels / groups, R, S)
    bias : ndarray, shape (out_channels,), or None

    Examples
    --------
    >>> ConvTranspose2d(8, 3, 4, stride=2, padding=1, rng=0).output_shape((8, 16, 16))
    (3, 32, 32)
    """

    axes = 3

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Sizes,
        stride: Sizes = 1,
        padding: Paddings = "valid",
        dilation: Sizes = 1,
        groups: int = 1,
        *,
        output_padding: Sizes = 0,
        bias: bool = True,
        rng: Rng = None,
        gain: float = 1.0,
        dtype: object = np.float32,
    ) -> None:
        Layer.__init__(self)
        op, axes = self.op, self._read(in_channels, out_channels)
        kernel = _args.per_axis(op, "kernel_size", kernel_size, axes)
        groups = _groups(op, groups, self.in_channels, self.out_channels)
        steps = _steps(op, axes, stride, padding, dilation)
        more = _args.per_axis(op, "output_padding", output_padding, axes, least=0)
        # a stride of s leaves every s-th tap to an output
        fan_in = self.in_channels // groups * prod(kernel) / prod(steps["stride"])
        self._build(
            f"conv_transpose{axes}d", (self.in_channels, self.out_channels // groups, *kernel),
            fan_in, (self.out_channels,), bias, rng, gain, dtype, **steps, groups=groups,
            output_padding=more,
        )  # fmt: skip


class Linear(Weighted):
    r"""Dense layer: every output is a weighted sum of all inputs, and its bias.

    .. math:: y_i = b_i + \sum_l w_{i,l} \, x_l

    Takes (N, in_features), gives (N, out_features).

    Parameters
    ----------
    in_features, out_features : int
        Numbers that come in and go out.
    bias, rng, gain, dtype
        As of :class:`Conv2d`.

    Attributes
    ----------
    weight : ndarray, shape (out_features, in_features)
    bias : ndarray, shape (out_features,), or None

    Notes
    -----
    Computed as a convolution with kernels of one cell along the batch, each sum one fixed chain of
    multiply-adds. A matrix product of NumPy's would be left to a BLAS, whose bits may depend on
    its number of threads. Item f36 of the study notes.

    Examples
    --------
    >>> layer = Linear(120, 84, rng=0)
    >>> layer.forward(np.ones((64, 120), np.float32)).shape, layer.count((120,)).parameters
    ((64, 84), 10164)
    """

    axes = 1

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
        self.in_channels = _args.whole(self.op, "in_features", in_features, 1)
        self.out_channels = _args.whole(self.op, "out_features", out_features, 1)
        shape = self.out_channels, self.in_channels
        self._build("conv1d", shape, self.in_channels, shape[:1], bias, rng, gain, dtype)

    def count(self, input_shape: Shape) -> Count:
        """Count as a convolution of one cell does: see :meth:`Layer.count`."""
        batch, (features,) = self._split(input_shape)
        self._shape((features,))
        layer = geometry.Layer("conv1d", self._cells().shape, self.bias)
        return geometry.count(layer, (*batch, features, 1))

    def _shape(self, shape: Shape) -> Shape:
        if shape != (self.in_channels,):
            raise ValueError(
                f"{self.op}: x has {shape[0]} features, expected {self.in_channels}"
            )
        return (self.out_channels,)

    def _forward(self, x: Array) -> tuple[Array, Any]:
        if not len(x):  # a convolution has no empty axes
            return self._run(x[..., np.newaxis], self._cells(), self.bias)[..., 0], x
        return self._run(x[np.newaxis], self._cells(), self.bias, layout="NWC")[0], x

    def _backward(self, grad: Array, kept: Any, need_dx: bool) -> Array | None:
        needs = (need_dx, True, self.bias is not None)
        if len(grad):
            dx, dweight, dbias = self._run_back(
                grad[np.newaxis], kept[np.newaxis], self._cells(), self.bias, layout="NWC",
                needs=needs,
            )  # fmt: skip
            dx = None if dx is None else dx[0]
        else:
            dx, dweight, dbias = self._run_back(
                grad[..., np.newaxis], kept[..., np.newaxis], self._cells(), self.bias, needs=needs
            )
            dx = None if dx is None else dx[..., 0]
        return self._keep(dx, None if dweight is None else dweight[..., 0], dbias)

    def _cells(self) -> Array:
        """The weight as kernels of one cell."""
        assert self.weight is not None
        return self.weight[..., np.newaxis]

    def __repr__(self) -> str:
        bias = "" if self.bias is not None else ", bias=False"
        return f"{self.op}({self.in_channels}, {self.out_channels}{bias})"


class Subsample2d(Layer):
    r"""LeNet-5's pooling: the sum of each window, times a weight and plus a bias of its channel.

    .. math:: Y_{i,o} = b_i + w_i \sum_{u \in R(o)} V_{i,u}

    Takes (N, channels, H, W), gives (N, channels, OH, OW). The squashing function that the paper
    has after it is a layer of its own, :class:`Tanh`.

    Parameters
    ----------
    channels : int
        Channels of the input and of the result.
    kernel_size : int or (int, int)
        Rows and columns of a window.
    stride : int or (int, int), optional
        Default: the windows' size, so that they touch.
    dtype : float16, float32 or float64
        Of weight and bias.

    Attributes
    ----------
    weight : ndarray, shape (channels,)
        Begins at one over the cells of a window: an average.
    bias : ndarray, shape (channels,)
        Begins at zero.

    Notes
    -----
    LeCun et al. (1998), section II.B. A window has a connection for each cell and one for the
    bias, and one multiply-add. Item f32 of the study notes.

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
        self.channels = _args.whole(op, "channels", channels, 1)
        kernel = _args.per_axis(op, "kernel_size", kernel_size, 2)
        step = kernel if stride is None else _args.per_axis(op, "stride", stride, 2)
        self._windows = {"kernel_size": kernel, "stride": step}
        self._area = prod(kernel)
        real = floating(op, dtype)
        self.weight = np.full(self.channels, 1 / self._area, real)
        self.bias = np.zeros(self.channels, real)

    def pooling(self) -> geometry.Layer:
        """Describe the windows for ``convcore.geometry``."""
        return geometry.Layer("avg_pool2d", **self._windows)

    def count(self, input_shape: Shape) -> Count:
        """Count the windows' cells and biases: see :meth:`Layer.count`."""
        outputs = prod(self.output_shape(input_shape))
        cells = geometry.count(self.pooling(), input_shape).connections
        return Count(2 * self.channels, self.channels, self.channels, cells + outputs, outputs)

    def _shape(self, shape: Shape) -> Shape:
        if shape[0] != self.channels:
            raise ValueError(
                f"{self.op}: x has {shape[0]} channels, in a shape of {shape}, expected "
                f"{self.channels}"
            )
        return _operators.sizes(self.op, _operators.read(self.op, self.pooling()), shape).shape

    def _forward(self, x: Array) -> tuple[Array, Any]:
        mean = convcore.avg_pool2d(x, **self._windows)
        weight, bias = self._each(self.weight), self._each(self.bias)
        dtype = np.result_type(mean, weight)
        return (mean * (weight * self._area) + bias).astype(dtype, copy=False), (x, mean)

    def _backward(self, grad: Array, kept: Any, need_dx: bool) -> Array | None:
        x, mean = kept
        self.gradients = {
            "weight": (grad * mean).sum(axis=(0, 2, 3)) * self._area,
            "bias": grad.sum(axis=(0, 2, 3)),
        }
        if not need_dx:
            return None
        each = grad * (self._each(self.weight) * self._area)
        return convcore.avg_pool2d_backward(each, x, **self._windows)  # type: ignore[no-any-return]

    def _each(self, values: Array | None) -> Array:
        """One value a channel, shaped to be combined with maps."""
        assert values is not None
        return values[:, np.newaxis, np.newaxis]

    def __repr__(self) -> str:
        kernel, stride = self._windows.values()
        step = "" if stride == kernel else f", stride={_short(stride)}"
        return f"{self.op}({self.channels}, {_short(kernel)}{step})"
