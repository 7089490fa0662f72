"""Convolution layers for NumPy arrays: fast C kernels, every formula derived and proved."""

from convcore import _runtime
from convcore._runtime import build_info, get_num_threads, set_num_threads, threads
from convcore.conv import conv1d, conv2d, conv3d
from convcore.signal import convolve, correlate

__version__ = _runtime.VERSION
__all__ = [
    "build_info",
    "conv1d",
    "conv2d",
    "conv3d",
    "convolve",
    "correlate",
    "get_num_threads",
    "set_num_threads",
    "threads",
]
