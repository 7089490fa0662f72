"""Elements in another order, and running sums."""

from __future__ import annotations

from math import prod

import numpy as np

from convcore.graph.operators.arguments import as_axis, check_word
from convcore.graph.operators.registry import operator
from convcore.spec.operands import Array


@operator("ReverseSequence")
def reverse_sequence(x: Array, lengths: Array, *, batch_axis: int = 1, time_axis: int = 0) -> Array:
    """Of each batch, the first elements of the sequence in reverse order."""
    batch = as_axis("ReverseSequence", batch_axis, x.ndim)
    time = as_axis("ReverseSequence", time_axis, x.ndim)
    if batch == time or lengths.shape != (x.shape[batch],):
        raise ValueError(
            f"ReverseSequence: sequence_lens must have shape {(x.shape[batch],)}, got "
            f"{lengths.shape}"
        )
    places = np.arange(x.shape[time])
    ends = lengths[:, None]
    index = np.where(places < ends, ends - 1 - places, places)  # (batch, time)
    rows = np.moveaxis(x, (batch, time), (0, 1))
    y = rows[np.arange(x.shape[batch])[:, None], index]
    return np.moveaxis(y, (0, 1), (batch, time))


def _blocks(op: str, mode: str, blocksize: int) -> None:
    check_word(op, "mode", mode, ("DCR", "CRD"))
    if blocksize < 1:
        raise ValueError(f"{op}: blocksize must be at least 1, got {blocksize}")


@operator("DepthToSpace")
def depth_to_space(x: Array, *, blocksize: int, mode: str = "DCR") -> Array:
    """The channels of each block of pixels moved into the block."""
    _blocks("DepthToSpace", mode, blocksize)
    n, channels, *sizes = x.shape
    block, rank = (blocksize,) * len(sizes), len(sizes)
    fewer = channels // prod(block)
    if fewer * prod(block) != channels:
        raise ValueError(
            f"DepthToSpace: channels must be a multiple of {prod(block)}, got {channels}"
        )
    # (block..., channels) in DCR, (channels, block...) in CRD
    parts = (*block, fewer) if mode == "DCR" else (fewer, *block)
    y = x.reshape(n, *parts, *sizes)
    deep, first = (rank + 1, 1) if mode == "DCR" else (1, 2)
    pairs = [place for axis in range(rank) for place in (rank + 2 + axis, first + axis)]
    grown = (size * blocksize for size in sizes)
    return y.transpose(0, deep, *pairs).reshape(n, fewer, *grown)


@operator("SpaceToDepth")
def space_to_depth(x: Array, *, blocksize: int, mode: str = "DCR") -> Array:
    """The pixels of each block moved into channels."""
    _blocks("SpaceToDepth", mode, blocksize)
    n, channels, *sizes = x.shape
    if any(size % blocksize for size in sizes):
        raise ValueError(f"SpaceToDepth: sizes must be multiples of {blocksize}, got {sizes}")
    less = [size // blocksize for size in sizes]
    y = x.reshape(n, channels, *(part for size in less for part in (size, blocksize)))
    rank = len(sizes)
    outer, inner = (range(first, 2 * rank + 2, 2) for first in (2, 3))
    order = (*inner, 1, *outer) if mode == "DCR" else (1, *inner, *outer)
    return y.transpose(0, *order).reshape(n, channels * blocksize**rank, *less)


def _running(op: str, x: Array, axis: Array, exclusive: int, reverse: int) -> Array:
    """Sums or products of the elements up to each one."""
    place = as_axis(op, axis.item(), x.ndim)
    y = np.moveaxis(x, place, 0)[:: -1 if reverse else 1]
    accumulate = np.add if op == "CumSum" else np.multiply
    if exclusive:
        first = np.full_like(y[:1], accumulate.identity)
        y = np.concatenate([first, y[:-1]]) if len(y) else y
    y = accumulate.accumulate(y, 0, dtype=x.dtype)
    return np.moveaxis(y[:: -1 if reverse else 1], 0, place)


@operator("CumSum")
def cum_sum(x: Array, axis: Array, *, exclusive: int = 0, reverse: int = 0) -> Array:
    """The sums of the elements up to each one along an axis, without it if ``exclusive``."""
    return _running("CumSum", x, axis, exclusive, reverse)


@operator("CumProd")
def cum_prod(x: Array, axis: Array, *, exclusive: int = 0, reverse: int = 0) -> Array:
    """The products of the elements up to each one along an axis, without it if ``exclusive``."""
    return _running("CumProd", x, axis, exclusive, reverse)
