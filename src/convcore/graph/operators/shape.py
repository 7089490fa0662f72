"""Shapes and element types: seen, changed, and arrays made from them."""

from __future__ import annotations

from math import ceil, isfinite, prod

import numpy as np

from convcore.graph.operators.arguments import (
    Integers,
    as_axes,
    as_axis,
    as_dtype,
    as_integers,
)
from convcore.graph.operators.registry import operator
from convcore.spec.errors import short_repr
from convcore.spec.operands import Array


@operator("Shape")
def shape(x: Array, *, start: int = 0, end: int | None = None) -> Array:
    """The sizes of the axes from ``start`` to ``end``, as an array."""
    return np.array(x.shape[start:end], np.int64)


@operator("Size")
def size(x: Array) -> Array:
    """How many elements there are."""
    return np.array(x.size, np.int64)


@operator("Reshape", since=5, view=True)
def reshape(x: Array, shape: Array, *, allowzero: int = 0) -> Array:
    """The same elements in another shape: 0 keeps a size, -1 is what remains."""
    sizes = as_integers(shape)
    if not allowzero:
        if 0 in sizes[x.ndim :]:
            raise ValueError(f"Reshape: shape must have no 0 beyond axis {x.ndim}, got {sizes}")
        sizes = [size if size else x.shape[axis] for axis, size in enumerate(sizes)]
    known = prod(size for size in sizes if size != -1)
    unknown = sizes.count(-1)
    if (
        unknown > 1
        or (unknown and (not known or x.size % known) and not (x.size == 0 and known))
        or (not unknown and known != x.size)
        or min(sizes, default=0) < -1
    ):
        raise ValueError(
            f"Reshape: shape must be one of {x.size} elements, got {as_integers(shape)} for an "
            f"array of shape {x.shape}"
        )
    return x.reshape(sizes)


@operator("Reshape", view=True)
def reshape_to_attribute(x: Array, *, shape: Integers, consumed_inputs: object = None) -> Array:
    """The same elements in another shape: 0 keeps a size, -1 is what remains."""
    return reshape(x, np.asarray(shape))


@operator("Flatten", view=True)
def flatten(x: Array, *, axis: int = 1) -> Array:
    """A matrix: the axes before ``axis`` are its rows, the others its columns."""
    first = axis if axis == x.ndim else as_axis("Flatten", axis, x.ndim)
    return x.reshape(prod(x.shape[:first]), prod(x.shape[first:]))


# Until opset 12 `axes` is an attribute, from 13 on an input: one parameter can be both.
@operator("Squeeze", view=True)
def squeeze(x: Array, axes: Integers | None = None) -> Array:
    """Without axes of size 1: those that are named, or all."""
    if axes is None:
        return x.squeeze()
    gone = as_axes("Squeeze", axes, x.ndim)
    if any(x.shape[axis] != 1 for axis in gone):
        raise ValueError(
            f"Squeeze: axes must have size 1, got {as_integers(axes)} for an array of shape "
            f"{x.shape}"
        )
    return x.squeeze(gone)


@operator("Unsqueeze", view=True)
def unsqueeze(x: Array, axes: Integers) -> Array:
    """With axes of size 1 at some places of the result."""
    new = as_axes("Unsqueeze", axes, x.ndim + np.size(axes))
    return np.expand_dims(x, new)


@operator("Transpose")
def transpose(x: Array, *, perm: Integers | None = None) -> Array:
    """The axes in another order: reversed, if none is given."""
    if perm is not None and sorted(perm) != list(range(x.ndim)):
        raise ValueError(
            f"Transpose: perm must be an order of the {x.ndim} axes, got {as_integers(perm)}"
        )
    return x.transpose(perm)


@operator("Expand")
def expand(x: Array, shape: Array) -> Array:
    """The array repeated along axes of size 1, as NumPy broadcasts it with a shape."""
    sizes = tuple(as_integers(shape))
    try:
        return np.broadcast_to(x, np.broadcast_shapes(x.shape, sizes))
    except ValueError:
        raise ValueError(
            f"Expand: shape must be one to which {x.shape} broadcasts, got {sizes}"
        ) from None


@operator("Tile", since=6)
def tile(x: Array, repeats: Array) -> Array:
    """The array repeated along each axis."""
    if repeats.shape != (x.ndim,):
        raise ValueError(
            f"Tile: repeats must have {x.ndim} elements, got {short_repr(repeats.tolist())}"
        )
    return np.tile(x, as_integers(repeats))


@operator("Tile")
def tile_of_axis(x: Array, tiles: Array, axis: Array) -> Array:
    """The array repeated along one axis."""
    return np.concatenate([x] * int(tiles.item()), as_axis("Tile", axis.item(), x.ndim))


@operator("Cast")
def cast(x: Array, *, to: int | str, saturate: int = 1, round_mode: str = "up") -> Array:
    """The elements in another type. ``saturate`` and ``round_mode`` are of types of 8 bits."""
    return x.astype(as_dtype("Cast", to), copy=False)


@operator("CastLike")
def cast_like(x: Array, like: Array, *, saturate: int = 1, round_mode: str = "up") -> Array:
    """The elements in the type of another array."""
    return x.astype(like.dtype, copy=False)


@operator("Identity", view=True)
def identity(x: Array) -> Array:
    """The input itself."""
    return x


@operator("Constant")
def constant(
    *,
    value: Array | None = None,
    value_float: float | None = None,
    value_floats: list[float] | None = None,
    value_int: int | None = None,
    value_ints: list[int] | None = None,
    value_string: object = None,
    value_strings: object = None,
    sparse_value: object = None,
) -> Array:
    """The array that the attribute holds."""
    if value is not None:
        return value
    for found, dtype in (
        (value_float, np.float32),
        (value_floats, np.float32),
        (value_int, np.int64),
        (value_ints, np.int64),
    ):
        if found is not None:
            return np.array(found, dtype)
    raise TypeError("Constant: value must be a tensor or numbers, got a sparse one, text or none")


@operator("ConstantOfShape")
def constant_of_shape(shape: Array, *, value: Array | None = None) -> Array:
    """An array of a shape, filled with one value: 0, if none is given."""
    if value is None:
        return np.zeros(as_integers(shape), np.float32)
    return np.full(as_integers(shape), value.reshape(()), value.dtype)


@operator("Range")
def arange(start: Array, limit: Array, delta: Array) -> Array:
    """``start``, ``start + delta`` and so on, before ``limit``."""
    first, last, step = (value.reshape(()).item() for value in (start, limit, delta))
    if not step:
        raise ValueError(f"Range: delta must not be 0, got {step}")
    for name, value in (("start", first), ("limit", last), ("delta", step)):
        if not isfinite(value):
            raise ValueError(f"Range: {name} must be finite, got {value}")
    number = -((first - last) // step) if start.dtype.kind in "iu" else ceil((last - first) / step)
    y: Array = np.arange(max(int(number), 0)).astype(start.dtype)
    y *= delta.reshape(())
    y += start.reshape(())
    return y


@operator("OneHot")
def one_hot(indices: Array, depth: Array, values: Array, *, axis: int = -1) -> Array:
    """``values[1]`` along a new axis at each index, ``values[0]`` elsewhere.

    A negative index counts from the back. One out of range has no place.
    """
    many, place = int(depth.reshape(())), as_axis("OneHot", axis, indices.ndim + 1)
    found = np.expand_dims(indices, place)
    counted = np.arange(many).reshape(-1, *(1,) * (indices.ndim - place))
    hot: Array = (found == counted) | (found + many == counted)
    y: Array = np.where(hot, values[1], values[0])
    return y


@operator("EyeLike")
def eye_like(x: Array, *, dtype: int | None = None, k: int = 0) -> Array:
    """A matrix of the shape of x with ones on a diagonal, ``k`` above the main one."""
    if x.ndim != 2:
        raise ValueError(f"EyeLike: input must be a matrix, got shape {x.shape}")
    kind = x.dtype if dtype is None else as_dtype("EyeLike", dtype)
    return np.eye(x.shape[0], x.shape[1], k, kind)
