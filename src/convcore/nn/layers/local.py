"""Local layers: convolutions that share no weights."""

from __future__ import annotations

from math import prod

import numpy as np

from convcore.nn.layers.operator import Weighted, short
from convcore.nn.layers.parameters import Rng, Shape, Start
from convcore.spec.border import AnyBorder
from convcore.spec.options import Paddings, Sizes, per_axis
from convcore.spec.problem import conv_axes


class Local(Weighted):
    """A local layer, for any number of axes."""

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
        self._size = per_axis(self.op, "input_size", input_size, self.spatial)
        steps = {name: self.options[name] for name in ("stride", "padding", "dilation")}
        outputs = tuple(axis.outputs for axis in conv_axes(self.op, self._size, kernel, **steps))
        start = Start.of(self.op, bias=bias, rng=rng, gain=gain, dtype=dtype)
        shape = (self.out_channels, *outputs, self.in_channels, *kernel)
        fan_in = float(self.in_channels * prod(kernel))
        self._begin(start, shape, fan_in, (self.out_channels, *outputs))

    def _shape(self, shape: Shape) -> Shape:
        self.check_cells(shape)
        return super()._shape(shape)

    def check_cells(self, shape: Shape) -> None:
        """Refuse an example of another size: a stride may hide it from the weight."""
        _, cells = self._parts(shape)
        if cells != self._size:
            raise ValueError(
                f"{self.op}: x must have {self._size} cells (input_size), got {cells} in shape "
                f"{shape}"
            )

    def _more(self) -> list[str]:
        return [f"input_size={short(self._size)}", *super()._more()]


class LocalConv1d(Local):
    """Convolution of signals without shared weights: :func:`convcore.local_conv1d`.

    Takes (N, in_channels, W) of one size, gives (N, out_channels, OW). Parameters, attributes and
    errors are those of :class:`LocalConv2d`, for one axis.

    Examples
    --------
    >>> LocalConv1d(1, 4, 5, input_size=12, rng=0).weight.shape
    (4, 8, 1, 5)
    """

    operator = "local_conv1d"


class LocalConv2d(Local):
    """Convolution without shared weights: :func:`convcore.local_conv2d` with its weight.

    Takes (N, in_channels, H, W) of one size, gives (N, out_channels, OH, OW).

    Parameters
    ----------
    in_channels, out_channels, kernel_size, bias, rng, gain, dtype
        As of :class:`Conv2d`.
    stride, padding, dilation, border, layout
        As :func:`convcore.local_conv2d` takes them; ``layout`` None is "NCHW".
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

    operator = "local_conv2d"


class LocalConv3d(Local):
    """Convolution of volumes without shared weights: :func:`convcore.local_conv3d`.

    Takes (N, in_channels, D, H, W) of one size, gives (N, out_channels, OD, OH, OW). Parameters,
    attributes and errors are those of :class:`LocalConv2d`, for three axes.

    Examples
    --------
    >>> LocalConv3d(1, 4, 3, input_size=(4, 5, 6), rng=0).weight.shape
    (4, 2, 3, 4, 1, 3, 3, 3)
    """

    operator = "local_conv3d"
