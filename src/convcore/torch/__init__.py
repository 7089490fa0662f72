"""Operators on PyTorch's tensors, with derivatives; modules; and faster trained models."""

try:
    import torch as _torch  # noqa: F401
except ImportError:
    raise ImportError('convcore.torch: needs PyTorch: pip install "convcore[torch]"') from None

from convcore.torch import nn as nn
from convcore.torch.convert import from_torch, to_torch
from convcore.torch.functions import FUNCTIONS as _FUNCTIONS
from convcore.torch.swap import replace

conv1d = _FUNCTIONS["conv1d"]
conv2d = _FUNCTIONS["conv2d"]
conv3d = _FUNCTIONS["conv3d"]
conv_transpose1d = _FUNCTIONS["conv_transpose1d"]
conv_transpose2d = _FUNCTIONS["conv_transpose2d"]
conv_transpose3d = _FUNCTIONS["conv_transpose3d"]
local_conv1d = _FUNCTIONS["local_conv1d"]
local_conv2d = _FUNCTIONS["local_conv2d"]
local_conv3d = _FUNCTIONS["local_conv3d"]
tiled_conv1d = _FUNCTIONS["tiled_conv1d"]
tiled_conv2d = _FUNCTIONS["tiled_conv2d"]
tiled_conv3d = _FUNCTIONS["tiled_conv3d"]
max_pool1d = _FUNCTIONS["max_pool1d"]
max_pool2d = _FUNCTIONS["max_pool2d"]
max_pool3d = _FUNCTIONS["max_pool3d"]
avg_pool1d = _FUNCTIONS["avg_pool1d"]
avg_pool2d = _FUNCTIONS["avg_pool2d"]
avg_pool3d = _FUNCTIONS["avg_pool3d"]
lp_pool1d = _FUNCTIONS["lp_pool1d"]
lp_pool2d = _FUNCTIONS["lp_pool2d"]
lp_pool3d = _FUNCTIONS["lp_pool3d"]
l2_pool1d = _FUNCTIONS["l2_pool1d"]
l2_pool2d = _FUNCTIONS["l2_pool2d"]
l2_pool3d = _FUNCTIONS["l2_pool3d"]
weighted_pool1d = _FUNCTIONS["weighted_pool1d"]
weighted_pool2d = _FUNCTIONS["weighted_pool2d"]
weighted_pool3d = _FUNCTIONS["weighted_pool3d"]
adaptive_avg_pool1d = _FUNCTIONS["adaptive_avg_pool1d"]
adaptive_avg_pool2d = _FUNCTIONS["adaptive_avg_pool2d"]
adaptive_avg_pool3d = _FUNCTIONS["adaptive_avg_pool3d"]
adaptive_max_pool1d = _FUNCTIONS["adaptive_max_pool1d"]
adaptive_max_pool2d = _FUNCTIONS["adaptive_max_pool2d"]
adaptive_max_pool3d = _FUNCTIONS["adaptive_max_pool3d"]

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "from_torch",
    "l2_pool1d",
    "l2_pool2d",
    "l2_pool3d",
    "local_conv1d",
    "local_conv2d",
    "local_conv3d",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "replace",
    "tiled_conv1d",
    "tiled_conv2d",
    "tiled_conv3d",
    "to_torch",
    "weighted_pool1d",
    "weighted_pool2d",
    "weighted_pool3d",
]

for _name in ("from_torch", "replace", "to_torch"):
    globals()[_name].__module__ = "convcore.torch"


def __dir__() -> list[str]:
    return sorted([*__all__, "nn"])
