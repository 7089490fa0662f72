"""dask itself, and its arrays as operands."""

from __future__ import annotations

from math import isnan
from typing import Any

import dask.array as da
import numpy as np

from convcore.spec.errors import short_repr

DaskArray = Any  # dask has no types


def as_dask(op: str, name: str, value: Any) -> DaskArray:
    """Return a dask array of NumPy arrays whose sizes are known."""
    if not isinstance(value, da.Array):
        raise TypeError(f"{op}: {name} must be a dask array, got {_kind(value)}")
    if type(value._meta) is not np.ndarray:
        raise TypeError(
            f"{op}: {name} must be a dask array of NumPy arrays, got one of {_kind(value._meta)}"
        )
    if any(isnan(size) for sizes in value.chunks for size in sizes):
        raise ValueError(
            f"{op}: {name} must have chunks of known sizes, got shape {value.shape}; "
            f"{name}.compute_chunk_sizes() finds them"
        )
    return value


def check_plain(op: str, name: str, value: Any) -> None:
    """Refuse an operand that every block needs whole, if it is a dask array."""
    if isinstance(value, da.Array):
        raise TypeError(
            f"{op}: {name} must be a NumPy array, got a dask array of shape {value.shape}; "
            f"{name}.compute() makes one"
        )


def in_one_chunk(x: DaskArray, axis: int) -> DaskArray:
    """Return x with one chunk along an axis."""
    return x if len(x.chunks[axis]) == 1 else x.rechunk({axis: -1})


def _kind(value: Any) -> str:
    kind = type(value)
    return short_repr(value) if value is None else f"{kind.__module__}.{kind.__qualname__}"
