"""MobileNetV2, with initial weights."""

from __future__ import annotations

import numpy as np

from convcore.nn.layers.activations import Dropout, Flatten
from convcore.nn.layers.base import Layer
from convcore.nn.layers.branches import Residual
from convcore.nn.layers.parameters import Rng
from convcore.nn.layers.pool_avg import AdaptiveAvgPool2d
from convcore.nn.layers.rectifiers import ReLU6
from convcore.nn.layers.sequential import Sequential
from convcore.nn.models.parts import Maker
from convcore.spec.options import as_int

# Table 2 of the paper: expansion, channels, blocks, stride of the first one.
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
FIRST, LAST = 32, 1280  # channels before the stages and after them


def mobilenet_v2(classes: int = 1000, *, rng: Rng = None, dtype: object = np.float32) -> Sequential:
    """Build MobileNetV2, for colour images.

    A convolution, 17 blocks, a convolution of one cell, the mean of each map and a dense layer. A
    block widens its channels, convolves each with a kernel of its own, and narrows them without an
    activation. Where it keeps the shape, its input is added.

    Parameters
    ----------
    classes : int
        Outputs.
    rng : numpy.random.Generator or int, optional
        Where the weights are drawn from, and what the dropout before the dense layer drops.
    dtype : float16, float32 or float64
        Of the parameters.

    Returns
    -------
    Sequential
        From (N, 3, 224, 224) to scores, (N, classes). Images of other sizes are taken too.

    Raises
    ------
    ValueError, TypeError
        For arguments of the wrong kind.

    Notes
    -----
    Sandler, Howard, Zhu, Zhmoginov and Chen, *MobileNetV2: inverted residuals and linear
    bottlenecks* (2018), table 2. torchvision's ``mobilenet_v2`` has the same arrays under other
    names.

    Examples
    --------
    >>> model = mobilenet_v2(rng=0)
    >>> model.count((3, 224, 224)).parameters
    3504872
    """
    op = "mobilenet_v2"
    classes = as_int(op, "classes", classes, 1)
    make = Maker.of(op, rng, dtype)
    layers: dict[str, Layer] = {"first": _conv(make, 3, FIRST, 3, 2)}
    before = FIRST
    for number, (wider, channels, blocks, stride) in enumerate(STAGES, 1):
        for block in range(blocks):
            name = f"stage{number}_block{block + 1}"
            layers[name] = _block(make, (before, wider, channels), 1 if block else stride)
            before = channels
    layers["last"] = _conv(make, before, LAST, 1)
    layers |= {"avgpool": AdaptiveAvgPool2d(1), "flat": Flatten()}
    layers["dropout"] = Dropout(0.2, make.generator)
    layers["fc"] = make.dense(LAST, classes)
    return Sequential(layers, input_shape=(3, 224, 224))


def _conv(
    make: Maker, before: int, channels: int, size: int, stride: int = 1, groups: int = 1
) -> Sequential:
    return Sequential(
        {
            "conv": make.conv(before, channels, size, stride, groups=groups),
            "norm": make.norm(channels),
            "relu": ReLU6(),
        }
    )


def _block(make: Maker, sizes: tuple[int, int, int], stride: int) -> Layer:
    """An inverted residual block: wider, each channel for itself, narrower."""
    before, factor, channels = sizes
    wide = before * factor
    layers: dict[str, Layer] = {}
    if factor > 1:
        layers["widen"] = _conv(make, before, wide, 1)
    layers["each"] = _conv(make, wide, wide, 3, stride, groups=wide)
    layers["narrow"] = make.conv(wide, channels, 1, gain=1.0)  # no activation comes after it
    layers["norm"] = make.norm(channels)
    keeps = stride == 1 and before == channels
    return Residual(layers) if keeps else Sequential(layers)
