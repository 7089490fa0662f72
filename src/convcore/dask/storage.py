"""Results in zarr arrays: whole shards are written, so that no two tasks write to one."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import dask.array as da
import numpy as np

from convcore.dask.arrays import DaskArray, as_dask
from convcore.spec.errors import short_repr
from convcore.spec.options import as_bool

OP = "dask.store"


def store(y: DaskArray, target: Any, *, rechunk: bool = True, compute: bool = True) -> Any:
    """Write a dask array to a zarr array, a whole shard or chunk of it at a time.

    Parameters
    ----------
    y : dask.array.Array
        What is to be written.
    target : zarr.Array
        Array of the same shape, that holds every number of the dtype of ``y``. Of others with
        ``chunks``, such as HDF5 datasets, chunks are written whole too.
    rechunk : bool
        Whether chunks of ``y`` that do not end where shards of ``target`` end are rechunked. With
        False they are refused: two tasks would write to one shard, and one would be lost.
    compute : bool
        Whether to write now. With False, write when the result is computed.

    Returns
    -------
    None, or dask.delayed.Delayed without ``compute``

    Raises
    ------
    ValueError
        For another shape, and chunks across shards without ``rechunk``.
    TypeError
        For a ``target`` without chunks, and a dtype that it cannot hold.

    See Also
    --------
    conv2d, map_windows

    Notes
    -----
    ``dask.array.store`` and ``to_zarr`` write regions as they come. zarr reads, changes and writes
    a shard of which only a part is given, and two tasks at the same shard lose one of two changes.

    Examples
    --------
    >>> import dask.array as da
    >>> from convcore.dask import max_pool1d, store
    >>> import numpy as np
    >>> x = da.arange(24, chunks=5).reshape(1, 24)
    >>> class Memory:  # used like a zarr array
    ...     shape, chunks, dtype = (1, 12), (1, 4), x.dtype
    ...     array = np.zeros(shape, dtype)
    ...     def __setitem__(self, where, block):
    ...         self.array[where] = block
    >>> target = Memory()
    >>> store(max_pool1d(x, 2), target)
    >>> target.array.tolist()
    [[1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23]]
    """
    y = as_dask(OP, "y", y)
    rechunks = as_bool(OP, "rechunk", rechunk)
    unit = getattr(target, "shards", None) or getattr(target, "chunks", None)
    if not isinstance(unit, (tuple, list)) or not hasattr(target, "__setitem__"):
        raise TypeError(f"{OP}: target must be a zarr array, got {short_repr(target)}")
    if tuple(target.shape) != y.shape:
        raise ValueError(f"{OP}: target must have shape {y.shape}, got {tuple(target.shape)}")
    _check_dtype(y, target)
    wanted = tuple(map(_aligned, y.chunks, unit, y.shape))
    if wanted != y.chunks:
        if not rechunks:
            raise ValueError(
                f"{OP}: y must have chunks of whole shards of {tuple(unit)} without rechunk, got "
                f"chunks {short_repr(y.chunks)}"
            )
        y = y.rechunk(wanted)
    return da.store(
        y, target, lock=False, compute=as_bool(OP, "compute", compute), return_stored=False
    )


def _aligned(chunks: tuple[int, ...], unit: int, size: int) -> tuple[int, ...]:
    """Return chunks near these that end where a unit ends, or at the end of the axis."""
    ends, edge = [0], 0
    for own in chunks:
        edge += own
        end = size if edge == size else (edge + unit // 2) // unit * unit
        if ends[-1] < end <= size:
            ends.append(end)
    if size and ends[-1] != size:
        ends.append(size)
    return tuple(b - a for a, b in pairwise(ends)) or (0,)


def _check_dtype(y: DaskArray, target: Any) -> None:
    if not np.can_cast(y.dtype, target.dtype, "same_kind"):
        raise TypeError(f"{OP}: target must have a dtype that holds {y.dtype}, got {target.dtype}")
