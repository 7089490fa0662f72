"""Convolution layers for NumPy arrays: fast C kernels, every formula derived and proved."""

from convcore import _runtime
from convcore._runtime import build_info, get_num_threads, set_num_threads, threads
from convcore.conv import conv1d, conv2d, conv3d
from convcore.gradients import *  # noqa: F403
from convcore.gradients import __all__ as _gradients
from convcore.local import *  # noqa: F403
from convcore.local import __all__ as _unshared
from convcore.pool import *  # noqa: F403
from convcore.pool import __all__ as _poolings
from convcore.signal import convolve, correlate
from convcore.transpose import conv_transpose1d, conv_transpose2d, conv_transpose3d
from convcore.windows import distance_window

__version__ = _runtime.VERSION
__all__ = [
    "build_info",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "convolve",
    "correlate",
    "distance_window",
    "get_num_threads",
    "set_num_threads",
    "threads",
    *_gradients,
    *_poolings,
    *_unshared,
]
