"""U-net, with initial weights."""

from __future__ import annotations

import numpy as np

from convcore.nn.layers.activations import ReLU
from convcore.nn.layers.base import Layer
from convcore.nn.layers.branches import Concat, Identity
from convcore.nn.layers.conv import Conv2d
from convcore.nn.layers.parameters import Rng
from convcore.nn.layers.pool_max import MaxPool2d
from convcore.nn.layers.sequential import Sequential
from convcore.nn.layers.transpose import ConvTranspose2d
from convcore.nn.models.parts import Maker
from convcore.spec.options import as_int


def unet(
    in_channels: int = 1,
    classes: int = 2,
    channels: int = 16,
    depth: int = 3,
    *,
    rng: Rng = None,
    dtype: object = np.float32,
) -> Sequential:
    """Build a U-net, which gives scores for every pixel.

    Each level has two convolutions, the levels below it, and two convolutions more. Levels below
    work on maps of half the size with twice the channels. Their result, made larger by a transposed
    convolution, is joined with the maps that went down.

    Parameters
    ----------
    in_channels : int
        Channels of the images.
    classes : int
        Scores for each pixel.
    channels : int
        Channels of the first level.
    depth : int
        Levels below the first one.
    rng : numpy.random.Generator or int, optional
        Where the weights are drawn from.
    dtype : float16, float32 or float64
        Of the parameters.

    Returns
    -------
    Sequential
        From (N, in_channels, H, W) to scores, (N, classes, H, W). H and W must be multiples of
        ``2 ** depth``.

    Raises
    ------
    ValueError, TypeError
        For arguments of the wrong kind, and for images of other sizes.

    Notes
    -----
    Ronneberger, Fischer and Brox, *U-Net: convolutional networks for biomedical image segmentation*
    (2015), with 64 channels and depth 4. Here convolutions are padded, so that no map is cut, and a
    batch normalisation follows each.

    Examples
    --------
    >>> model = unet(rng=0)
    >>> model.output_shape((1, 64, 96))
    (2, 64, 96)
    >>> model["below"]["deeper"]["pool"]
    MaxPool2d(2)
    """
    op = "unet"
    in_channels = as_int(op, "in_channels", in_channels, 1)
    classes = as_int(op, "classes", classes, 1)
    channels = as_int(op, "channels", channels, 1)
    depth = as_int(op, "depth", depth, 0, 16)
    make = Maker.of(op, rng, dtype)
    layers = _level(make, in_channels, channels, depth)
    layers["scores"] = Conv2d(channels, classes, 1, rng=make.generator, dtype=make.dtype)
    return Sequential(layers, input_shape=(in_channels, 2**depth, 2**depth))


def _level(make: Maker, before: int, channels: int, depth: int) -> dict[str, Layer]:
    layers: dict[str, Layer] = {"down": _twice(make, before, channels)}
    if depth:
        deeper = {"pool": MaxPool2d(2), **_level(make, channels, 2 * channels, depth - 1)}
        deeper["larger"] = ConvTranspose2d(
            2 * channels, channels, 2, 2, rng=make.generator, dtype=make.dtype
        )
        layers["below"] = Concat({"skip": Identity(), "deeper": Sequential(deeper)})
        layers["up"] = _twice(make, 2 * channels, channels)
    return layers


def _twice(make: Maker, before: int, channels: int) -> Sequential:
    return Sequential(
        {
            "conv1": make.conv(before, channels, 3),
            "norm1": make.norm(channels),
            "relu1": ReLU(),
            "conv2": make.conv(channels, channels, 3),
            "norm2": make.norm(channels),
            "relu2": ReLU(),
        }
    )
