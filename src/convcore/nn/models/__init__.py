"""Known networks, with initial weights."""

from convcore.nn.models.classic import alexnet, lenet5
from convcore.nn.models.mobilenet import mobilenet_v2
from convcore.nn.models.resnet import resnet18
from convcore.nn.models.segmentation import unet

__all__ = ["alexnet", "lenet5", "mobilenet_v2", "resnet18", "unet"]

# Users import from here; where a network is defined may change.
for _name in __all__:
    globals()[_name].__module__ = "convcore.nn.models"


def __dir__() -> list[str]:
    return sorted(__all__)
