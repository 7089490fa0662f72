"""Layers with weights: convolutions, local, tiled, transposed and dense layers, subsampling."""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

import convcore
from convcore import _args, connections
from convcore._args import Array
from convcore._linear import Paddings, Sizes
from convcore.geometry import _operators
from convcore.nn._base import Layer, Shape, constant, floating, initial

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
        self.weight = initial(self.op, generator, shape, fan_in, scale, real)
        self.bias = None
        if _args.flag(self.op, "bias", bias):
            self.bias = constant(self.op, "bias", biases, 0, real)

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
        words = [f"{self.in_channels}, {self.out_channels}, {short(self._kernel())}"]
        words += [f"{name}={short(v)}" for name, v in self.options.items() if _told(name, v)]
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


def short(value: object) -> str:
    """A value as a repr shows it: one number for equal ones."""
    if isinstance(value, np.ndarray):
        return f"<{np.count_nonzero(value)} of {value.size} pairs>"
    if isinstance(value, tuple) and value and all(v == value[0] for v in value):
        return repr(value[0])
    return repr(value)


class Convolution(Weighted):
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
        fan_in: Any = float(self.in_channels // groups * prod(kernel))
        if table is not None:  # outputs that see fewer maps get larger weights
            fan_in = table.sum(axis=1) * prod(kernel)
        self._build(
            f"conv{axes}d", (self.out_channels, self.in_channels // groups, *kernel), fan_in,
            (self.out_channels,), bias, rng, gain, dtype,
            **read_steps(op, axes, stride, padding, dilation), groups=groups, connections=table,
        )  # fmt: skip
        if table is not None and self.weight is not None:
            self.weight[~table] = 0

    def _read(self, in_channels: object, out_channels: object) -> int:
        self.in_channels = _args.whole(self.op, "in_channels", in_channels, 1)
        self.out_channels = _args.whole(self.op, "out_channels", out_channels, 1)
        assert self.axes is not None
        return self.axes - 1


def read_steps(
    op: str, axes: int, stride: object, padding: object, dilation: object
) -> dict[str, Any]:
    """The options that every layer with a kernel has, read."""
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


class Conv1d(Convolution):
    """Convolution of signals of several channels: :func:`convcore.conv1d` with its weight.

    Takes (N, in_channels, W), gives (N, out_channels, OW). Parameters, attributes and errors are
    those of :class:`Conv2d`, for one axis.

    Examples
    --------
    >>> Conv1d(2, 8, 5, stride=2, rng=0).output_shape((2, 33))
    (8, 15)
    """

    axes = 2


class Conv2d(Convolution):
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


class Conv3d(Convolution):
    """Convolution of volumes of several channels: :func:`convcore.conv3d` with its weight.

    Takes (N, in_channels, D, H, W), gives (N, out_channels, OD, OH, OW). Parameters, attributes
    and errors are those of :class:`Conv2d`, for three axes.

    Examples
    --------
    >>> Conv3d(1, 4, 3, padding="same", rng=0).output_shape((1, 8, 16, 16))
    (4, 8, 16, 16)
    """

    axes = 4


class ConvTranspose2d(Convolution):
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
        steps = read_steps(op, axes, stride, padding, dilation)
        more = _args.per_axis(op, "output_padding", output_padding, axes, least=0)
        # a stride of s leaves every s-th tap to an output
        fan_in = self.in_channels // groups * prod(kernel) / prod(steps["stride"])
        self._build(
            f"conv_transpose{axes}d", (self.in_channels, self.out_channels // groups, *kernel),
            fan_in, (self.out_channels,), bias, rng, gain, dtype, **steps, groups=groups,
            output_padding=more,
        )  # fmt: skip
