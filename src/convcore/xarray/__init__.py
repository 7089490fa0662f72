"""Windows over labelled arrays: dimensions by name, coordinates kept, lazy over dask."""

try:
    import xarray as _xarray  # noqa: F401
except ImportError:
    raise ImportError('convcore.xarray: needs xarray: pip install "convcore[xarray]"') from None

from convcore.xarray.conv import conv
from convcore.xarray.pool import coarsen, pool
from convcore.xarray.rolling import rolling_mean

__all__ = ["coarsen", "conv", "pool", "rolling_mean"]

# Users import from here; where a name is defined may change.
for _name in __all__:
    globals()[_name].__module__ = "convcore.xarray"


def __dir__() -> list[str]:
    return sorted(__all__)
