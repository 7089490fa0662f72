"""Tiled convolutions: a few kernels in turn."""

from __future__ import annotations

from math import prod

import numpy as np

from convcore.nn.layers.operator import Weighted, short
from convcore.nn.layers.parameters import Rng, Start
from convcore.spec.border import AnyBorder
from convcore.spec.options import Paddings, Sizes, per_axis


class Tiled(Weighted):
    """A tiled convolution, for any number of axes."""

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
        border: AnyBorder = "zeros",
        layout: str | None = None,
        bias: bool = True,
        rng: Rng = None,
        gain: float = 1.0,
        dtype: object = np.float32,
    ) -> None:
        super().__init__()
        self._read_channels(in_channels, out_channels)
        kernel = per_axis(self.op, "kernel_size", kernel_size, self.spatial)
        self._read(stride=stride, padding=padding, dilation=dilation, border=border, layout=layout)
        self._period = per_axis(self.op, "period", period, self.spatial)
        start = Start.of(self.op, bias=bias, rng=rng, gain=gain, dtype=dtype)
        shape = (self.out_channels, *self._period, self.in_channels, *kernel)
        fan_in = float(self.in_channels * prod(kernel))
        self._begin(start, shape, fan_in, (self.out_channels, *self._period))

    def _more(self) -> list[str]:
        return [f"period={short(self._period)}", *super()._more()]


class TiledConv1d(Tiled):
    """Convolution of signals with a few kernels in turn: :func:`convcore.tiled_conv1d`.

    Takes (N, in_channels, W), gives (N, out_channels, OW). Parameters, attributes and errors are
    those of :class:`TiledConv2d`, for one axis.

    Examples
    --------
    >>> TiledConv1d(1, 4, 5, period=2, rng=0).weight.shape
    (4, 2, 1, 5)
    """

    operator = "tiled_conv1d"


class TiledConv2d(Tiled):
    r"""Convolution with a few kernels in turn: :func:`convcore.tiled_conv2d` with its weight.

    Takes (N, in_channels, H, W), gives (N, out_channels, OH, OW). Outputs a period apart share
    their weights.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, bias, rng, gain, dtype
        As of :class:`Conv2d`.
    stride, padding, dilation, border, layout
        As :func:`convcore.tiled_conv2d` takes them; ``layout`` None is "NCHW".
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

    operator = "tiled_conv2d"


class TiledConv3d(Tiled):
    """Convolution of volumes with a few kernels in turn: :func:`convcore.tiled_conv3d`.

    Takes (N, in_channels, D, H, W), gives (N, out_channels, OD, OH, OW). Parameters, attributes
    and errors are those of :class:`TiledConv2d`, for three axes.

    Examples
    --------
    >>> TiledConv3d(1, 4, 3, period=(1, 2, 2), rng=0).weight.shape
    (4, 1, 2, 2, 1, 3, 3, 3)
    """

    operator = "tiled_conv3d"
