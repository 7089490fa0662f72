"""Convolutions."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convcore.nn.layers.operator import Weighted
from convcore.nn.layers.parameters import Rng, Start
from convcore.spec.border import AnyBorder
from convcore.spec.connections import as_connections
from convcore.spec.missing import NAN, PROPAGATE
from convcore.spec.options import Paddings, Sizes, per_axis


class Convolution(Weighted):
    """A convolution, for any number of axes."""

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
        flip: bool = False,
        border: AnyBorder = "zeros",
        layout: str | None = None,
        nan: str = PROPAGATE,
        normalize: bool = True,
        fill: float = NAN,
        algorithm: str = "auto",
        bias: bool = True,
        rng: Rng = None,
        gain: float = 1.0,
        dtype: object = np.float32,
    ) -> None:
        super().__init__()
        op = self.op
        self._read_channels(in_channels, out_channels)
        kernel = per_axis(op, "kernel_size", kernel_size, self.spatial)
        self._read(
            stride=stride, padding=padding, dilation=dilation, groups=groups,
            connections=connections, flip=flip, border=border, layout=layout,
            nan=nan, normalize=normalize, fill=fill, algorithm=algorithm,
        )  # fmt: skip
        group_channels = self._group(self.in_channels)
        self._group(self.out_channels)
        fan_in: Any = float(group_channels * prod(kernel))
        if connections is not None:
            pairs = self.out_channels, self.in_channels
            table = as_connections(op, self.options["connections"], pairs, self.options["groups"])
            self._call = {**self.options, "connections": table}
            self.options["connections"] = table.array
            # outputs that see fewer maps get larger weights
            fan_in = table.array.sum(axis=1) * prod(kernel)
        start = Start.of(op, bias=bias, rng=rng, gain=gain, dtype=dtype)
        shape = (self.out_channels, group_channels, *kernel)
        self._begin(start, shape, fan_in, (self.out_channels,))
        if connections is not None and self.weight is not None:
            self.weight[~table.array] = 0


class Conv1d(Convolution):
    """Convolution of signals of several channels: :func:`convcore.conv1d` with its weight.

    Takes (N, in_channels, W), gives (N, out_channels, OW). Parameters, attributes and errors are
    those of :class:`Conv2d`, for one axis.

    Examples
    --------
    >>> Conv1d(2, 8, 5, stride=2, rng=0).output_shape((2, 33))
    (8, 15)
    """

    operator = "conv1d"


class Conv2d(Convolution):
    r"""Convolution of images of several channels: :func:`convcore.conv2d` with its weight.

    Takes (N, in_channels, H, W), gives (N, out_channels, OH, OW).

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the input and of the result.
    kernel_size : int or (int, int)
        Rows and columns of a kernel.
    stride, padding, dilation, groups, connections, flip, border, layout, algorithm
        As :func:`convcore.conv2d` takes them; ``layout`` None is "NCHW".
    nan, normalize, fill
        As :func:`convcore.conv2d` takes them. A layer has no mask: mark missing cells by NaN.
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

    operator = "conv2d"


class Conv3d(Convolution):
    """Convolution of volumes of several channels: :func:`convcore.conv3d` with its weight.

    Takes (N, in_channels, D, H, W), gives (N, out_channels, OD, OH, OW). Parameters, attributes
    and errors are those of :class:`Conv2d`, for three axes.

    Examples
    --------
    >>> Conv3d(1, 4, 3, padding="same", rng=0).output_shape((1, 8, 16, 16))
    (4, 8, 16, 16)
    """

    operator = "conv3d"
