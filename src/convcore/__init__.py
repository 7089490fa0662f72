"""Convolution layers for NumPy arrays: fast C kernels, every formula derived and proved."""

from convcore.api import *  # noqa: F403
from convcore.api import __all__ as _operators
from convcore.api.error_bound import error_bound
from convcore.engine import environment as _environment  # noqa: F401  # obeys CONVCORE_* first
from convcore.engine.algorithm import set_algorithm
from convcore.engine.array_api import set_array_api
from convcore.engine.build import VERSION, build_info
from convcore.engine.explain import Explanation, explain
from convcore.engine.prepared import PreparedLayer, prepare
from convcore.engine.threads import get_num_threads, set_num_threads, threads

__version__ = VERSION
__all__ = ["Explanation", "PreparedLayer", "build_info", "error_bound", "explain"]
__all__ += ["get_num_threads", "prepare", "set_algorithm", "set_array_api"]
__all__ += ["set_num_threads", "threads"]
__all__ += _operators

# Users import from here; where a name is defined may change.
for _name in __all__:
    globals()[_name].__module__ = "convcore"

_MODULES = (
    "connections",
    "dask",
    "geometry",
    "jax",
    "matrix",
    "ndimage",
    "nn",
    "onnx",
    "reference",
    "sklearn",
    "torch",
    "xarray",
)  # imported when first used
# Those that need the library of their name.
_BRIDGES = ("dask", "jax", "sklearn", "torch", "xarray")


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'convcore' has no attribute {name!r}")
    from importlib import import_module

    return import_module(f"convcore.{name}")


def __dir__() -> list[str]:
    """The names that can be had: help and other tools look at each."""
    lacking = {name for name in _BRIDGES if not _is_installed(name)}
    return sorted({*__all__, *_MODULES, "__version__"} - lacking)


def _is_installed(library: str) -> bool:
    from importlib.util import find_spec

    try:
        return find_spec(library) is not None
    except ImportError:  # somebody hides it
        return False
