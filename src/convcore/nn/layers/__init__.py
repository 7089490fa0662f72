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
from convcore.nn.layers.batch_norm import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
)
from convcore.nn.layers.branches import (
    Add,
    Concat,
    Identity,
    Residual,
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
from convcore.nn.layers.gates import (
    GELU,
    Hardsigmoid,
    Hardswish,
    SiLU,
)
from convcore.nn.layers.local import (
    LocalConv1d,
    LocalConv2d,
    LocalConv3d,
)
from convcore.nn.layers.normalization import (
    GroupNorm,
    LayerNorm,
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
from convcore.nn.layers.rectifiers import (
    ELU,
    LeakyReLU,
    PReLU,
    ReLU6,
)
from convcore.nn.layers.resize import (
    Upsample,
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
    "ELU",
    "GELU",
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "Add",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchNorm3d",
    "Concat",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "Dropout",
    "Flatten",
    "GroupNorm",
    "Hardsigmoid",
    "Hardswish",
    "Identity",
    "L2Pool1d",
    "L2Pool2d",
    "L2Pool3d",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
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
    "PReLU",
    "ReLU",
    "ReLU6",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Subsample2d",
    "Tanh",
    "TiledConv1d",
    "TiledConv2d",
    "TiledConv3d",
    "Upsample",
    "WeightedPool1d",
    "WeightedPool2d",
    "WeightedPool3d",
]
