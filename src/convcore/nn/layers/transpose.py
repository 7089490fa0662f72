"""Transposed convolutions."""

from __future__ import annotations

from math import prod

import numpy as np

from convcore.nn.layers.operator import Weighted
from convcore.nn.layers.parameters import Rng, Start
from convcore.spec.border import AnyBorder
from convcore.spec.options import Paddings, Sizes, per_axis


class Transposed(Weighted):
    """A transposed convolution, for any number of axes."""

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
        self._read(
            stride=stride, padding=padding, dilation=dilation, groups=groups,
            output_padding=output_padding, border=border, layout=layout,
        )  # fmt: skip
        group_channels = self._group(self.out_channels)
        # a stride of s leaves every s-th tap to an output
        steps = per_axis(self.op, "stride", self.options["stride"], self.spatial)
        fan_in = self._group(self.in_channels) * prod(kernel) / prod(steps)
        start = Start.of(self.op, bias=bias, rng=rng, gain=gain, dtype=dtype)
        shape = (self.in_channels, group_channels, *kernel)
        self._begin(start, shape, fan_in, (self.out_channels,))


class ConvTranspose1d(Transposed):
    """Transposed convolution of signals: :func:`convcore.conv_transpose1d` with its weight.

    Takes (N, in_channels, W), gives (N, out_channels, OW), larger by the stride. Parameters,
    attributes and errors are those of :class:`ConvTranspose2d`, for one axis.

    Examples
    --------
    >>> ConvTranspose1d(8, 3, 4, stride=2, padding=1, rng=0).output_shape((8, 16))
    (3, 32)
    """

    operator = "conv_transpose1d"


class ConvTranspose2d(Transposed):
    """Transposed convolution of images: :func:`convcore.conv_transpose2d` with its weight.

    Takes (N, in_channels, H, W), gives (N, out_channels, OH, OW), larger by the stride.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, bias, rng, gain, dtype
        As of :class:`Conv2d`.
    stride, padding, dilation, groups, output_padding, border, layout
        As :func:`convcore.conv_transpose2d` takes them; ``layout`` None is "NCHW".

    Attributes
    ----------
    weight : ndarray, shape (in_channels, out_channels / groups, R, S)
    bias : ndarray, shape (out_channels,), or None

    Examples
    --------
    >>> ConvTranspose2d(8, 3, 4, stride=2, padding=1, rng=0).output_shape((8, 16, 16))
    (3, 32, 32)
    """

    operator = "conv_transpose2d"


class ConvTranspose3d(Transposed):
    """Transposed convolution of volumes: :func:`convcore.conv_transpose3d` with its weight.

    Takes (N, in_channels, D, H, W), gives (N, out_channels, OD, OH, OW), larger by the stride.
    Parameters, attributes and errors are those of :class:`ConvTranspose2d`, for three axes.

    Examples
    --------
    >>> ConvTranspose3d(8, 3, 4, stride=2, padding=1, rng=0).output_shape((8, 4, 8, 8))
    (3, 8, 16, 16)
    """

    operator = "conv_transpose3d"
