"""Parameters and buffers in files."""

from convcore.nn.io.files import load, save
from convcore.nn.io.pytorch import load_torch

__all__ = ["load", "load_torch", "save"]
