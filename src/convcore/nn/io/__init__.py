"""Parameters and buffers in files."""

from convcore.nn.io.files import load, save

__all__ = ["load", "save"]
