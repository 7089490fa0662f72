"""Parts of arrays, and arrays put together."""

from __future__ import annotations

from itertools import pairwise
from math import ceil

import numpy as np

from convcore.graph.operators.arguments import (
    Integers,
    as_axes,
    as_axis,
    as_integers,
    check_word,
)
from convcore.graph.operators.registry import Call, operator
from convcore.spec.operands import Array


def _part(size: int, start: int, end: int, step: int) -> slice:
    """Return Python's slice of an axis: ONNX cuts ends that lie outside."""
    if step > 0:
        return slice(start, end, step)  # so does Python
    start = start + size if start < 0 else start
    end = end + size if end < 0 else end
    start, end = min(max(start, 0), size - 1), min(max(end, -1), size - 1)
    return slice(start, None if end < 0 else end, step) if size else slice(0, 0)


@operator("Slice", since=10)
def slice_(
    x: Array,
    starts: Array,
    ends: Array,
    axes: Array | None = None,
    steps: Array | None = None,
) -> Array:
    """The elements from ``starts`` up to ``ends`` along some axes, each ``steps``-th."""
    return x[slices(x.shape, starts, ends, axes, steps)]


def slices(
    shape: tuple[int, ...],
    starts: Integers,
    ends: Integers,
    axes: Integers | None = None,
    steps: Integers | None = None,
) -> tuple[slice, ...]:
    """The part of each axis that Slice takes of an array of a shape."""
    rank = len(shape)
    first, last = as_integers(starts), as_integers(ends)
    places = range(len(first)) if axes is None else as_axes("Slice", axes, rank)
    each = [1] * len(first) if steps is None else as_integers(steps)
    if not len(first) == len(last) == len(places) == len(each) or len(places) > rank:
        raise ValueError(
            f"Slice: starts, ends, axes and steps must be of one length, at most {rank}, got "
            f"{len(first)}, {len(last)}, {len(places)} and {len(each)}"
        )
    if 0 in each:
        raise ValueError(f"Slice: steps must not be 0, got {each}")
    parts = [slice(None)] * rank
    for place, start, end, step in zip(places, first, last, each, strict=True):
        parts[place] = _part(shape[place], start, end, step)
    return tuple(parts)


@operator("Slice")
def slice_by_attributes(
    x: Array, *, starts: Integers, ends: Integers, axes: Integers | None = None
) -> Array:
    """The elements from ``starts`` up to ``ends`` along some axes."""
    return x[slices(x.shape, starts, ends, axes)]


# Until opset 12 `split` is an attribute, from 13 on an input: one parameter can be both.
@operator("Split", call=True)
def split(
    call: Call,
    x: Array,
    split: Integers | None = None,
    *,
    axis: int = 0,
    num_outputs: int | None = None,
) -> tuple[Array, ...]:
    """Parts along an axis, of sizes that are given, or equal but for a smaller last one."""
    place = as_axis("Split", axis, x.ndim)
    size, many = x.shape[place], num_outputs or len(call.outputs)
    if split is None:
        each = ceil(size / many)
        bounds = [min(each * part, size) for part in range(many + 1)]
    else:
        sizes = as_integers(split)
        if sum(sizes) != size or min(sizes, default=0) < 0:
            raise ValueError(f"Split: split must be sizes with the sum {size}, got {sizes}")
        bounds = [sum(sizes[:part]) for part in range(len(sizes) + 1)]
    before = (slice(None),) * place
    return tuple(x[(*before, slice(start, end))] for start, end in pairwise(bounds))


@operator("Concat", out=True)
def concat(*arrays: Array, axis: int = 1, out: Array | None = None) -> Array:
    """The arrays one behind the other along an axis."""
    if not arrays:
        raise ValueError("Concat: there must be at least one input, got none")
    place = as_axis("Concat", axis, arrays[0].ndim)
    try:
        return np.concatenate(arrays, place, out=out)
    except ValueError:
        shapes = ", ".join(str(array.shape) for array in arrays)
        raise ValueError(
            f"Concat: inputs must agree in all axes but {place}, got shapes {shapes}"
        ) from None


@operator("Pad", since=11)
def pad(
    x: Array,
    pads: Array,
    constant_value: Array | None = None,
    axes: Array | None = None,
    *,
    mode: str = "constant",
) -> Array:
    """More elements at the ends of axes: a constant, or elements of x; fewer, if negative."""
    check_word("Pad", "mode", mode, ("constant", "reflect", "edge", "wrap"))
    ends = pad_ends(x.ndim, pads, axes)
    if any(x.shape[place] + before + after < 0 for place, before, after in ends):
        raise ValueError(f"Pad: pads must leave at least 0 elements, got {as_integers(pads)}")
    if mode != "constant":
        return _pad_by_indices(x, ends, mode)
    shape = list(x.shape)
    inner, source = [slice(None)] * x.ndim, [slice(None)] * x.ndim
    for place, before, after in ends:
        size = x.shape[place]
        shape[place] += before + after
        inner[place] = slice(max(before, 0), max(shape[place] - max(after, 0), max(before, 0)))
        source[place] = slice(max(-before, 0), max(size - max(-after, 0), max(-before, 0)))
    value = 0 if constant_value is None else constant_value.reshape(())
    y = np.full(shape, value, x.dtype)
    y[tuple(inner)] = x[tuple(source)]
    return y


def pad_ends(rank: int, pads: Integers, axes: Integers | None) -> list[tuple[int, int, int]]:
    """An axis, and how many elements come before and after, for each that Pad names."""
    places = range(rank) if axes is None else as_axes("Pad", axes, rank)
    amounts = as_integers(pads)
    if len(amounts) != 2 * len(places):
        raise ValueError(f"Pad: pads must have {2 * len(places)} elements, got {len(amounts)}")
    return list(zip(places, amounts[: len(places)], amounts[len(places) :], strict=True))


def _pad_by_indices(x: Array, ends: list[tuple[int, int, int]], mode: str) -> Array:
    """Elements beyond the ends are those of x that a mode names by their indices."""
    # Axes that lose elements are cut first: what is cut away is not repeated.
    cut = [slice(None)] * x.ndim
    for place, before, after in ends:
        cut[place] = slice(max(-before, 0), x.shape[place] - max(-after, 0))
    x = x[tuple(cut)]
    for place, before, after in ends:
        size = x.shape[place]
        first, last = max(before, 0), max(after, 0)
        if not first and not last:
            continue
        if not size:
            raise ValueError(f"Pad: mode {mode} must have elements to repeat, got shape {x.shape}")
        index = np.arange(-first, size + last)
        if mode == "edge":
            index = index.clip(0, size - 1)
        elif mode == "wrap":
            index %= size
        else:
            index = size - 1 - np.abs(size - 1 - index % max(2 * (size - 1), 1))
        x = x.take(index, place)
    return x


@operator("Pad")
def pad_by_attributes(
    x: Array,
    *,
    pads: Integers | None = None,
    paddings: Integers | None = None,
    mode: str = "constant",
    value: float = 0.0,
) -> Array:
    """More elements at the ends of axes: a constant, or elements of x; fewer, if negative."""
    amounts = paddings if pads is None else pads
    return pad(x, np.asarray(amounts), np.asarray(value, x.dtype), mode=mode)


@operator("Trilu")
def trilu(x: Array, k: Array | None = None, *, upper: int = 1) -> Array:
    """Matrices with 0 below their k-th diagonal, or with ``upper=0`` above it."""
    diagonal = 0 if k is None else int(k.item())
    return np.triu(x, diagonal) if upper else np.tril(x, diagonal)
