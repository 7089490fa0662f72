"""GridSample: elements of images at places that a grid names."""

from __future__ import annotations

from itertools import product
from math import prod

import numpy as np

from convcore.graph.operators.arguments import check_word
from convcore.graph.operators.registry import operator
from convcore.graph.operators.resize import cubic_weights
from convcore.spec.operands import Array

MODES = {"bilinear": "linear", "bicubic": "cubic", "linear": "linear", "cubic": "cubic"}
CUBIC = -0.75


def reflected(places: Array, low: float, high: float) -> Array:
    """Return places within the two ends, off which those beyond are reflected."""
    span = high - low
    if span <= 0:
        return np.full_like(places, low)
    inside = (places - low) % (2 * span)
    return low + np.minimum(inside, 2 * span - inside)


@operator("GridSample")
def grid_sample(
    x: Array,
    grid: Array,
    *,
    mode: str = "linear",
    padding_mode: str = "zeros",
    align_corners: int = 0,
) -> Array:
    """Elements between those of x, at places from -1 to 1 that the last axis of the grid holds.

    The first number of a place belongs to the last axis of x. ``padding_mode`` says what lies
    beyond -1 and 1.
    """
    op, rank = "GridSample", x.ndim - 2
    check_word(op, "mode", mode, ("nearest", *MODES))
    check_word(op, "padding_mode", padding_mode, ("zeros", "border", "reflection"))
    if grid.ndim != x.ndim or grid.shape[-1] != rank or len(grid) != len(x):
        raise ValueError(
            f"{op}: grid must have shape ({len(x)}, ..., {rank}) with {x.ndim} axes, got "
            f"{grid.shape}"
        )
    n, channels, *sizes = x.shape
    compute = np.result_type(x.dtype, np.float32)
    taps, ends = [], []
    for axis, size in enumerate(sizes):
        where = grid[..., rank - 1 - axis].reshape(n, -1).astype(compute)
        where = (where + 1) * compute.type((size - 1) / 2 if align_corners else size / 2)
        ends.append((0.0, size - 1.0) if align_corners else (-0.5, size - 0.5))
        if not align_corners:
            where -= compute.type(0.5)
        taps.append(_taps(where, size, mode, padding_mode, ends[-1]))
    # Images as rows of elements with their channels: one element is one slice.
    flat = np.ascontiguousarray(x.reshape(n, channels, prod(sizes)).swapaxes(1, 2))
    batch = np.arange(n)[:, None]
    y: Array | None = None
    for chosen in product(*taps):
        index, weight, inside = chosen[0]
        for (more, factor, also), size in zip(chosen[1:], sizes[1:], strict=True):
            index = index * size + more
            weight = weight * factor
            inside = inside & also
        part = flat[batch, index]
        if mode != "nearest":
            part = part * weight[..., None]
        if padding_mode == "zeros":  # not a product: what lies there may be infinite
            part[~inside] = 0
        y = part if y is None else np.add(y, part, out=y)
    assert y is not None
    shape = (n, channels, *grid.shape[1:-1])
    return np.ascontiguousarray(y.swapaxes(1, 2)).reshape(shape).astype(x.dtype, copy=False)


def _taps(
    where: Array, size: int, mode: str, padding: str, ends: tuple[float, float]
) -> list[tuple[Array, Array, Array]]:
    """Of an axis: (index, weight, whether it lies in the image) of each tap of the places."""
    if mode == "nearest":
        where = np.rint(where)
    if padding == "border" and MODES.get(mode) != "cubic":  # whose taps are cut one by one
        where = where.clip(0, size - 1)
    elif padding == "reflection":
        where = reflected(where, *ends)
    if mode == "nearest":
        pairs = [(where, where)]
    else:
        first = np.floor(where)
        if MODES[mode] == "linear":
            pairs = [(first, 1 - (where - first)), (first + 1, where - first)]
        else:
            pairs = [
                (first + step, cubic_weights(where - first - step, CUBIC).astype(where.dtype))
                for step in (-1, 0, 1, 2)
            ]
    taps = []
    for index, weight in pairs:
        inside = (index >= 0) & (index <= size - 1)
        if padding == "reflection":  # a tap of a place inside may lie beyond the end
            index = reflected(index, *ends)
        taps.append((np.nan_to_num(index).clip(0, size - 1).astype(np.int64), weight, inside))
    return taps
