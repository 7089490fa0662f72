"""Resize and Upsample: each axis by itself, from a few input elements for each output element."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from convcore.graph.operators.arguments import (
    Integers,
    as_axes,
    as_integers,
    check_word,
)
from convcore.graph.operators.registry import operator
from convcore.spec.operands import Array
from convcore.spec.options import MAX_SIZE

COORDINATES = (
    "half_pixel",
    "half_pixel_symmetric",
    "pytorch_half_pixel",
    "align_corners",
    "asymmetric",
    "tf_half_pixel_for_nn",
    "tf_crop_and_resize",
)
NEAREST = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil", "simple")
POLICIES = ("stretch", "not_larger", "not_smaller")


def places_of(mode: str, size: int, new: int, scale: float, region: tuple[float, float]) -> Array:
    """Return where each element of the result lies on an axis of the input."""
    y = np.arange(new, dtype=np.float64)
    exact = scale * size  # the new size before it was rounded down
    if mode == "asymmetric":
        return y / scale
    if mode == "align_corners":
        return y * ((size - 1) / (exact - 1)) if exact != 1 else y * 0
    if mode == "tf_crop_and_resize":
        start, end = region
        if new == 1:
            return np.array([(start + end) * (size - 1) / 2])
        return start * (size - 1) + y * ((end - start) * (size - 1) / (exact - 1))
    if mode == "tf_half_pixel_for_nn":
        return (y + 0.5) / scale
    if mode == "pytorch_half_pixel" and new == 1:
        return y * 0
    places = (y + 0.5) / scale - 0.5
    if mode == "half_pixel_symmetric":
        places += size / 2 * (1 - new / exact)
    return places


def nearest_index(places: Array, rule: str, scale: float) -> Array:
    """Return the index of the element next to each place."""
    if rule == "simple":  # before opset 11
        rule = "ceil" if scale < 1 else "floor"
    if rule == "round_prefer_floor":
        return np.ceil(places - 0.5)
    if rule == "round_prefer_ceil":
        return np.floor(places + 0.5)
    return np.floor(places) if rule == "floor" else np.ceil(places)


def linear_weights(distance: Array) -> Array:
    """Return ``1 - |d|``, at least 0."""
    return np.asarray(np.maximum(1 - np.abs(distance), 0))


def cubic_weights(distance: Array, a: float) -> Array:
    """Return the weights of Keys' cubic convolution."""
    d = np.abs(distance)
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


def taps_of(mode: str, places: Array, shrink: float, a: float) -> tuple[Array, Array]:
    """Return the indices and the weights of the elements that each place is a sum of.

    ``shrink`` below 1 makes the weights that much wider, against aliases.
    """
    reach = (1 if mode == "linear" else 2) / shrink
    first = np.floor(places - reach).astype(np.int64) + 1
    index = first[:, None] + np.arange(int(np.ceil(2 * reach)))
    distance = (index - places[:, None]) * shrink
    weights = linear_weights(distance) if mode == "linear" else cubic_weights(distance, a)
    if shrink < 1:
        weights /= weights.sum(1, keepdims=True)
    return index, weights


def along_axis(x: Array, axis: int, index: Array, weights: Array) -> Array:
    """Return the sums of elements of an axis with weights; both are (new size, taps)."""
    behind = (1,) * (x.ndim - 1 - axis)
    y: Array | None = None
    for tap in range(index.shape[1]):
        weight = weights[:, tap]
        if not weight.any():
            continue
        part = x.take(index[:, tap], axis)
        part *= weight.astype(x.dtype).reshape(-1, *behind)
        y = part if y is None else np.add(y, part, out=y)
    return x.take(index[:, 0], axis) * x.dtype.type(0) if y is None else y


def _sizes(
    op: str,
    x: Array,
    axes: Sequence[int],
    scales: Array | None,
    sizes: Array | None,
    policy: str,
) -> tuple[list[int], list[float]]:
    """Return the new sizes of the axes and their scales."""
    old = [x.shape[axis] for axis in axes]
    given = scales if sizes is None or not sizes.size else sizes
    if given is None or given.size != len(axes):
        raise ValueError(
            f"{op}: scales or sizes must have {len(axes)} elements, got "
            f"{0 if given is None else given.size}"
        )
    if given is scales:
        factors = [float(scale) for scale in given]
        # In float32, as shape inference has it: 5 * 2.6 is 13 there, and less in float64.
        found = np.multiply(old, given, dtype=np.float32)
        if not min(factors) > 0 or not (found < MAX_SIZE).all():
            raise ValueError(f"{op}: scales must be positive and give sizes, got {factors}")
        return found.astype(np.int64).tolist(), factors
    new = as_integers(given)
    factors = [size / max(before, 1) for size, before in zip(new, old, strict=True)]
    if policy == "stretch":
        return new, factors
    factor = min(factors) if policy == "not_larger" else max(factors)
    return [int(factor * size + 0.5) for size in old], [factor] * len(axes)


@operator("Resize", since=11)
def resize(
    x: Array,
    roi: Array | None = None,
    scales: Array | None = None,
    sizes: Array | None = None,
    *,
    mode: str = "nearest",
    axes: Integers | None = None,
    antialias: int = 0,
    coordinate_transformation_mode: str = "half_pixel",
    cubic_coeff_a: float = -0.75,
    exclude_outside: int = 0,
    extrapolation_value: float = 0.0,
    keep_aspect_ratio_policy: str = "stretch",
    nearest_mode: str = "round_prefer_floor",
) -> Array:
    """The array with other sizes: the nearest elements, or sums of 2 or 4 neighbours an axis."""
    op, coordinates = "Resize", coordinate_transformation_mode
    check_word(op, "mode", mode, ("nearest", "linear", "cubic"))
    check_word(op, "coordinate_transformation_mode", coordinates, COORDINATES)
    check_word(op, "nearest_mode", nearest_mode, NEAREST)
    check_word(op, "keep_aspect_ratio_policy", keep_aspect_ratio_policy, POLICIES)
    places = tuple(range(x.ndim)) if axes is None else as_axes(op, axes, x.ndim)
    new, factors = _sizes(op, x, places, scales, sizes, keep_aspect_ratio_policy)
    crop = coordinates == "tf_crop_and_resize"
    if crop and (roi is None or roi.size != 2 * len(places)):
        raise ValueError(f"{op}: roi must have {2 * len(places)} elements")
    regions = np.reshape(roi, (2, -1)).T.tolist() if crop and roi is not None else []
    wide = mode != "nearest" and x.dtype not in (np.float32, np.float64)
    y = x.astype(np.float32 if x.dtype.itemsize < 4 else np.float64) if wide else x
    outside = []  # along which axes, and where, elements lie beyond the input
    # What shrinks most comes first. What grows begins with the last axis, whose elements are moved
    # one by one, and ends with slices.
    for k in sorted(range(len(places)), key=lambda k: (factors[k], -places[k] * (factors[k] > 1))):
        axis, size, scale = places[k], x.shape[places[k]], factors[k]
        region = tuple(regions[k]) if crop else (0.0, 1.0)
        if new[k] == size and scale == 1 and region == (0.0, 1.0):
            continue
        where = places_of(coordinates, size, new[k], scale, region)
        if crop:
            outside.append((axis, (where < 0) | (where > size - 1)))
        if mode == "nearest":
            index = nearest_index(where, nearest_mode, scale).astype(np.int64)
            y = y.take(index.clip(0, size - 1), axis)
            continue
        index, weights = taps_of(mode, where, min(scale, 1.0) if antialias else 1.0, cubic_coeff_a)
        if exclude_outside:
            weights *= (index >= 0) & (index < size)
            weights /= weights.sum(1, keepdims=True)
        y = along_axis(y, axis, index.clip(0, size - 1), weights)
    if y.dtype != x.dtype:
        if x.dtype.kind in "iu":
            limits = np.iinfo(x.dtype)
            y = np.rint(y).clip(limits.min, limits.max)
        y = y.astype(x.dtype)
    for axis, where in outside:
        if where.any():
            y = y.copy() if y is x else y
            y[(slice(None),) * axis + (where,)] = extrapolation_value
    return y


@operator("Resize")
def resize_10(x: Array, scales: Array, *, mode: str = "nearest") -> Array:
    """The array with other sizes, where element 0 stays at its place."""
    check_word("Resize", "mode", mode, ("nearest", "linear", "bilinear"))
    return resize(
        x,
        None,
        scales,
        mode=mode.removeprefix("bi"),
        coordinate_transformation_mode="asymmetric",
        nearest_mode="simple",
    )


@operator("Upsample", since=9)
def upsample(x: Array, scales: Array, *, mode: str = "nearest") -> Array:
    """The array with larger sizes, where element 0 stays at its place."""
    return resize_10(x, scales, mode=mode)


@operator("Upsample")
def upsample_by_attributes(
    x: Array,
    *,
    scales: Sequence[float] | None = None,
    height_scale: float = 1.0,
    width_scale: float = 1.0,
    mode: str = "nearest",
) -> Array:
    """The array with larger sizes, where element 0 stays at its place."""
    factors = (1.0, 1.0, height_scale, width_scale) if scales is None else scales
    return resize_10(x, np.asarray(factors), mode=mode)
