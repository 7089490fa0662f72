"""Layers: what a network is made of."""

from convcore.nn.layers.activations import (
    Dropout,
    Flatten,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)
from convcore.nn.layers.base import (
    Layer,
)
from convcore.nn.layers.conv import (
    Conv1d,
    Conv2d,
    Conv3d,
)
from convcore.nn.layers.dense import (
    Linear,
    Subsample2d,
)
from convcore.nn.layers.local import (
    LocalConv1d,
    LocalConv2d,
    LocalConv3d,
)
from convcore.nn.layers.pool_avg import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveAvgPool3d,
    AvgPool1d,
    AvgPool2d,
    AvgPool3d,
    WeightedPool1d,
    WeightedPool2d,
    WeightedPool3d,
)
from convcore.nn.layers.pool_max import (
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AdaptiveMaxPool3d,
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
)
from convcore.nn.layers.pool_norm import (
    L2Pool1d,
    L2Pool2d,
    L2Pool3d,
    LpPool1d,
    LpPool2d,
    LpPool3d,
)
from convcore.nn.layers.sequential import (
    Sequential,
)
from convcore.nn.layers.tiled import (
    TiledConv1d,
    TiledConv2d,
    TiledConv3d,
)
from convcore.nn.layers.transpose import (
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "Dropout",
    "Flatten",
    "L2Pool1d",
    "L2Pool2d",
    "L2Pool3d",
    "Layer",
    "Linear",
    "LocalConv1d",
    "LocalConv2d",
    "LocalConv3d",
    "LpPool1d",
    "LpPool2d",
    "LpPool3d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Subsample2d",
    "Tanh",
    "TiledConv1d",
    "TiledConv2d",
    "TiledConv3d",
    "WeightedPool1d",
    "WeightedPool2d",
    "WeightedPool3d",
]
