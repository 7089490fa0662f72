"""ResNet-18, with initial weights."""

from __future__ import annotations

import numpy as np

from convcore.nn.layers.activations import Flatten, ReLU
from convcore.nn.layers.base import Layer
from convcore.nn.layers.branches import Residual
from convcore.nn.layers.parameters import Rng
from convcore.nn.layers.pool_avg import AdaptiveAvgPool2d
from convcore.nn.layers.pool_max import MaxPool2d
from convcore.nn.layers.sequential import Sequential
from convcore.nn.models.parts import Maker
from convcore.spec.options import as_bool, as_int

CHANNELS = 64, 128, 256, 512  # of the four stages


def resnet18(
    classes: int = 1000, small: bool = False, *, rng: Rng = None, dtype: object = np.float32
) -> Sequential:
    """Build ResNet-18, for colour images.

    A convolution, four stages of two residual blocks, the mean of each map and a dense layer. Each
    stage but the first has twice the channels and half the rows and columns of the one before.

    Parameters
    ----------
    classes : int
        Outputs.
    small : bool
        Whether to begin with 3 x 3 taps, stride 1 and no pooling, for images of 32 x 32. Otherwise
        the network begins with 7 x 7 taps, stride 2 and a pooling, for images of 224 x 224.
    rng : numpy.random.Generator or int, optional
        Where the weights are drawn from.
    dtype : float16, float32 or float64
        Of the parameters.

    Returns
    -------
    Sequential
        From (N, 3, H, W) to scores, (N, classes). Images of other sizes are taken too.

    Raises
    ------
    ValueError, TypeError
        For arguments of the wrong kind.

    Notes
    -----
    He, Zhang, Ren and Sun, *Deep residual learning for image recognition* (2016), table 1. A
    shortcut that changes the shape is a convolution of one cell (option B). The small form has the
    stages of the large one; only its beginning differs. torchvision's ``resnet18`` has the same
    arrays under other names.

    Examples
    --------
    >>> model = resnet18(rng=0)
    >>> model.count((3, 224, 224)).parameters
    11689512
    >>> resnet18(10, small=True, rng=0).output_shape((8, 3, 32, 32))
    (8, 10)
    """
    op = "resnet18"
    classes = as_int(op, "classes", classes, 1)
    small = as_bool(op, "small", small)
    make = Maker.of(op, rng, dtype)
    layers: dict[str, Layer] = {"conv1": make.conv(3, 64, *((3, 1) if small else (7, 2)))}
    layers |= {"bn1": make.norm(64), "relu": ReLU()}
    if not small:
        layers["maxpool"] = MaxPool2d(3, 2, 1)
    before = CHANNELS[0]
    for number, channels in enumerate(CHANNELS, 1):
        layers[f"layer{number}"] = Sequential(
            {
                "block1": _block(make, before, channels),
                "relu1": ReLU(),
                "block2": _block(make, channels, channels),
                "relu2": ReLU(),
            }
        )
        before = channels
    layers |= {"avgpool": AdaptiveAvgPool2d(1), "flat": Flatten()}
    layers["fc"] = make.dense(before, classes)
    side = 32 if small else 224
    return Sequential(layers, input_shape=(3, side, side))


def _block(make: Maker, before: int, channels: int) -> Residual:
    """Two convolutions, whose input is added to their result; the first may halve the maps."""
    stride = 1 if before == channels else 2
    body = {
        "conv1": make.conv(before, channels, 3, stride),
        "bn1": make.norm(channels),
        "relu": ReLU(),
        "conv2": make.conv(channels, channels, 3),
        "bn2": make.norm(channels),
    }
    shortcut = None
    if before != channels:
        shortcut = Sequential(make.conv(before, channels, 1, stride), make.norm(channels))
    return Residual(body, shortcut=shortcut)
