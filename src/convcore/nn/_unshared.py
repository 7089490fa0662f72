"""Layers whose weights are not, or not all, shared by their outputs: local and tiled ones."""

from math import prod
from typing import Any

import numpy as np

from convcore import _args, geometry
from convcore._linear import Paddings, Sizes
from convcore.nn._base import Layer, Shape
from convcore.nn._weighted import Convolution, Rng, read_steps, short


class LocalConv2d(Convolution):
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
        steps = read_steps(op, axes, stride, padding, dilation)
        try:
            found: Any = geometry.output_size(self._size, kernel, **steps)
        except ValueError as error:
            raise ValueError(f"{op}: {str(error).partition(': ')[2]}") from None
        self._build(
            f"local_conv{axes}d", (self.out_channels, *found, self.in_channels, *kernel),
            float(self.in_channels * prod(kernel)), (self.out_channels, *found), bias, rng, gain,
            dtype, **steps,
        )  # fmt: skip

    def _shape(self, shape: Shape) -> Shape:
        if shape[1:] != self._size:
            raise ValueError(
                f"{self.op}: x has images of {shape[1:]} cells, in a shape of {shape}, expected "
                f"{self._size} as input_size says"
            )
        return super()._shape(shape)

    def _more(self) -> list[str]:
        return [f"input_size={short(self._size)}"]


class TiledConv2d(Convolution):
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
            float(self.in_channels * prod(kernel)), (self.out_channels, *turns), bias, rng, gain,
            dtype, **read_steps(op, axes, stride, padding, dilation),
        )  # fmt: skip

    def _more(self) -> list[str]:
        assert self.weight is not None
        return [f"period={short(self.weight.shape[1:3])}"]
