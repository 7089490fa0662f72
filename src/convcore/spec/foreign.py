"""Operands that are not plain NumPy arrays: lists, and the arrays of other libraries.

They are read without a copy where their library allows it. An operand is refused if converting it
would silently lose a mask or a gradient, or would compute a lazy array, which may not fit into
memory.
"""

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

DEEPEST = 8  # axes that any operand has at most
# The protocols by which NumPy reads an object's elements. DLPack is not among them.
PROTOCOLS = ("__array__", "__array_interface__", "__array_struct__", "__buffer__")


def to_ndarray(op: str, name: str, value: object) -> NDArray[Any]:
    """Return the value as a plain ndarray; errors name the operation and the argument."""
    if value is None:
        raise TypeError(f"{op}: {name} must be an array, got None")
    refuse(op, name, value)
    try:
        return _converted(value)
    except MemoryError as error:
        raise MemoryError(f"{op}: {name} does not fit into memory: {_said(error)}") from error
    except Exception as error:  # of any class: a library may have its own
        # We raise our own class: the constructor of theirs may take anything.
        kind = ValueError if isinstance(error, ValueError) else TypeError
        raise kind(
            f"{op}: {name} must be convertible to an array, got {type(value).__name__}: "
            f"{_said(error).rstrip('.')}{_served(value)}"
        ) from error


# Modules with the functions for a library's own arrays, by the library's name.
SERVED = {"torch": "convcore.torch"}


def _served(value: object) -> str:
    """Return a hint which module has the functions for arrays of this library."""
    module = SERVED.get(type(value).__module__.partition(".")[0])
    return f"; {module} has functions for it" if module else ""


def refuse(op: str, name: str, value: object, depth: int = DEEPEST) -> None:
    """Refuse a masked array, whose mask NumPy would drop, and a lazy one."""
    if isinstance(value, (list, tuple)):
        if not depth:  # NumPy would follow a list that holds itself until memory ends
            raise ValueError(f"{op}: {name} must have at most {DEEPEST} axes, got deeper lists")
        suspects = {kind for kind in set(map(type, value)) if _is_suspect(kind)}
        if suspects:
            for item in value:
                if type(item) in suspects:
                    refuse(op, name, item, depth - 1)
    elif isinstance(value, np.ma.MaskedArray):
        raise TypeError(
            f"{op}: {name} must be a plain array, got a masked array; {name}.filled(0) makes one"
        )
    elif _is_lazy(value):
        kind = type(value)
        raise TypeError(
            f"{op}: {name} must be an array in memory, got {kind.__module__}.{kind.__qualname__}, "
            f"which dask computes; convcore.dask takes dask arrays, {name}.compute() makes one in "
            "memory"
        )
    elif as_tensor(value) is not None and getattr(value, "requires_grad", False):
        raise TypeError(
            f"{op}: {name} must be an array without a gradient, got a tensor that requires grad; "
            f"convcore.torch computes gradients, {name}.detach() leaves them out"
        )
    elif _is_traced(value):
        raise TypeError(
            f"{op}: {name} must be an array with values, got a traced array of JAX; convcore.jax "
            "has functions for jit, grad and vmap"
        )


def as_tensor(value: object) -> Any:
    """Return the module torch if a value is a tensor of it; it is never imported for that."""
    torch = sys.modules.get("torch")
    kind = getattr(torch, "Tensor", None)
    return torch if isinstance(kind, type) and isinstance(value, kind) else None


def _is_traced(value: object) -> bool:
    """Whether a value stands for an array while JAX traces a function."""
    core = getattr(sys.modules.get("jax"), "core", None)
    kind = getattr(core, "Tracer", None)
    return isinstance(kind, type) and isinstance(value, kind)


def _is_suspect(kind: type) -> bool:
    return issubclass(kind, (list, tuple, np.ma.MaskedArray)) or hasattr(kind, "__dask_graph__")


def _is_lazy(value: object) -> bool:
    """Whether dask holds the elements, also of an object of xarray or pandas."""
    graph = getattr(type(value), "__dask_graph__", None)
    if not callable(graph):
        return False
    try:
        return graph(value) is not None
    except Exception:  # it has a graph but cannot return it
        return True


def _converted(value: Any) -> NDArray[Any]:
    kind = type(value)
    if hasattr(kind, "__dlpack__") and not any(hasattr(kind, name) for name in PROTOCOLS):
        return np.asarray(np.from_dlpack(value))
    return np.asarray(value)


def _said(error: Exception) -> str:
    """Return the text of an exception, even if its class fails to give one."""
    try:
        return str(error) or type(error).__name__
    except Exception:
        return type(error).__name__
