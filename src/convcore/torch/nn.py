"""Modules of PyTorch for every operator, with the parameters of ``convcore.nn``'s layers."""

from convcore.torch.modules import MODULES
from convcore.torch.modules import OperatorModule as OperatorModule

Conv1d = MODULES["Conv1d"]
Conv2d = MODULES["Conv2d"]
Conv3d = MODULES["Conv3d"]
ConvTranspose1d = MODULES["ConvTranspose1d"]
ConvTranspose2d = MODULES["ConvTranspose2d"]
ConvTranspose3d = MODULES["ConvTranspose3d"]
LocalConv1d = MODULES["LocalConv1d"]
LocalConv2d = MODULES["LocalConv2d"]
LocalConv3d = MODULES["LocalConv3d"]
TiledConv1d = MODULES["TiledConv1d"]
TiledConv2d = MODULES["TiledConv2d"]
TiledConv3d = MODULES["TiledConv3d"]
MaxPool1d = MODULES["MaxPool1d"]
MaxPool2d = MODULES["MaxPool2d"]
MaxPool3d = MODULES["MaxPool3d"]
AvgPool1d = MODULES["AvgPool1d"]
AvgPool2d = MODULES["AvgPool2d"]
AvgPool3d = MODULES["AvgPool3d"]
LpPool1d = MODULES["LpPool1d"]
LpPool2d = MODULES["LpPool2d"]
LpPool3d = MODULES["LpPool3d"]
L2Pool1d = MODULES["L2Pool1d"]
L2Pool2d = MODULES["L2Pool2d"]
L2Pool3d = MODULES["L2Pool3d"]
WeightedPool1d = MODULES["WeightedPool1d"]
WeightedPool2d = MODULES["WeightedPool2d"]
WeightedPool3d = MODULES["WeightedPool3d"]
AdaptiveAvgPool1d = MODULES["AdaptiveAvgPool1d"]
AdaptiveAvgPool2d = MODULES["AdaptiveAvgPool2d"]
AdaptiveAvgPool3d = MODULES["AdaptiveAvgPool3d"]
AdaptiveMaxPool1d = MODULES["AdaptiveMaxPool1d"]
AdaptiveMaxPool2d = MODULES["AdaptiveMaxPool2d"]
AdaptiveMaxPool3d = MODULES["AdaptiveMaxPool3d"]

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
    "L2Pool1d",
    "L2Pool2d",
    "L2Pool3d",
    "LocalConv1d",
    "LocalConv2d",
    "LocalConv3d",
    "LpPool1d",
    "LpPool2d",
    "LpPool3d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "TiledConv1d",
    "TiledConv2d",
    "TiledConv3d",
    "WeightedPool1d",
    "WeightedPool2d",
    "WeightedPool3d",
]


def __dir__() -> list[str]:
    return sorted(__all__)
