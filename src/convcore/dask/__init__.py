"""Layers, poolings and filters of dask arrays, block by block, with the bits of one call."""

from typing import Any

try:
    import dask.array as _array  # noqa: F401
except ImportError:
    raise ImportError('convcore.dask: needs dask: pip install "convcore[dask]"') from None

from convcore.dask import ndimage as ndimage
from convcore.dask.functions import FUNCTIONS as _FUNCTIONS
from convcore.dask.network import map_network
from convcore.dask.signal import convolve, correlate
from convcore.dask.storage import store
from convcore.dask.windows import map_windows

__all__ = [*sorted(_FUNCTIONS), "convolve", "correlate", "map_network", "map_windows", "store"]

globals().update(_FUNCTIONS)
for _each in (convolve, correlate, map_network, map_windows, store):
    _each.__module__ = "convcore.dask"


def __getattr__(name: str) -> Any:
    raise AttributeError(f"module 'convcore.dask' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "ndimage"])
