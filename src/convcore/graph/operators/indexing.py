"""Elements by their indices: gathered, scattered, and positions found."""

from __future__ import annotations

from math import prod

import numpy as np

from convcore.graph.operators.arguments import as_axis, check_word
from convcore.graph.operators.registry import Call, operator
from convcore.spec.operands import Array

REDUCTIONS = {
    "add": np.add,
    "mul": np.multiply,
    "max": np.maximum,
    "min": np.minimum,
}


def in_range(op: str, indices: Array, size: int) -> Array:
    """Return indices that count from the front; refuse those that are out of range."""
    if indices.size and not (-size <= indices.min() and indices.max() < size):
        raise ValueError(
            f"{op}: indices must be from {-size} to {size - 1}, got {indices.min()} to "
            f"{indices.max()}"
        )
    return np.asarray(np.where(indices < 0, indices + size, indices))


@operator("Gather")
def gather(x: Array, indices: Array, *, axis: int = 0) -> Array:
    """The slices of x along an axis, at each of the indices."""
    place = as_axis("Gather", axis, x.ndim)
    try:
        return np.asarray(np.take(x, indices, place))
    except IndexError:
        in_range("Gather", indices, x.shape[place])
        raise


def _along(op: str, x: Array, indices: Array, axis: int) -> tuple[Array, ...]:
    """Indices of all axes, from those of one: the others are the places of the indices."""
    place = as_axis(op, axis, x.ndim)
    if indices.ndim != x.ndim:
        raise ValueError(f"{op}: indices must have {x.ndim} axes, got {indices.ndim}")
    if any(axis != place and size > x.shape[axis] for axis, size in enumerate(indices.shape)):
        raise ValueError(
            f"{op}: indices must not be larger than the input in axes other than {place}, got "
            f"shape {indices.shape} for {x.shape}"
        )
    found = np.ogrid[tuple(slice(size) for size in indices.shape)]
    return *found[:place], in_range(op, indices, x.shape[place]), *found[place + 1 :]


@operator("GatherElements")
def gather_elements(x: Array, indices: Array, *, axis: int = 0) -> Array:
    """Of each index, the element that it names along an axis, at its own place in the others."""
    return np.asarray(x[_along("GatherElements", x, indices, axis)])


def _check_tuples(op: str, x: Array, indices: Array, batch_dims: int = 0) -> None:
    length = indices.shape[-1] if indices.ndim else 0
    if not indices.ndim or batch_dims + length > x.ndim:
        raise ValueError(
            f"{op}: the last axis of indices must have at most {x.ndim - batch_dims} elements, "
            f"got shape {indices.shape}"
        )


@operator("GatherND")
def gather_nd(x: Array, indices: Array, *, batch_dims: int = 0) -> Array:
    """The slices of x that the tuples along the last axis of the indices name."""
    _check_tuples("GatherND", x, indices, batch_dims)
    batch = x.shape[:batch_dims]
    if indices.shape[:batch_dims] != batch:
        raise ValueError(
            f"GatherND: the first axes of indices must be {batch}, got {indices.shape[:batch_dims]}"
        )
    many = prod(batch)
    inner = x.reshape(many, *x.shape[batch_dims:])
    length = indices.shape[-1]
    tuples = indices.reshape(many, prod(indices.shape[batch_dims:-1]), length)
    places = (
        in_range("GatherND", tuples[..., axis], inner.shape[axis + 1]) for axis in range(length)
    )
    y = (
        inner[(np.arange(many)[:, None], *places)]
        if length
        else inner[:, None].repeat(tuples.shape[1], 1)
    )
    return y.reshape(indices.shape[:-1] + x.shape[batch_dims + length :])


@operator("ScatterElements")
def scatter_elements(
    x: Array, indices: Array, updates: Array, *, axis: int = 0, reduction: str = "none"
) -> Array:
    """The array with each update where its index says, or combined with what is there."""
    check_word("ScatterElements", "reduction", reduction, ("none", *REDUCTIONS))
    if indices.shape != updates.shape:
        raise ValueError(
            f"ScatterElements: updates must have the shape of indices {indices.shape}, got "
            f"{updates.shape}"
        )
    places = _along("ScatterElements", x, indices, axis)
    y = x.copy("C")
    if reduction == "none":
        y[places] = updates
    else:
        flat = np.ravel_multi_index(np.broadcast_arrays(*places), y.shape)
        REDUCTIONS[reduction].at(y.reshape(-1), flat.ravel(), updates.ravel())
    return y


@operator("Scatter")
def scatter(x: Array, indices: Array, updates: Array, *, axis: int = 0) -> Array:
    """The same as ScatterElements, by its first name."""
    return scatter_elements(x, indices, updates, axis=axis)


@operator("ScatterND")
def scatter_nd(x: Array, indices: Array, updates: Array, *, reduction: str = "none") -> Array:
    """The array with each update where its tuple says, or combined with what is there."""
    check_word("ScatterND", "reduction", reduction, ("none", *REDUCTIONS))
    _check_tuples("ScatterND", x, indices)
    length = indices.shape[-1]
    if updates.shape != indices.shape[:-1] + x.shape[length:]:
        raise ValueError(
            f"ScatterND: updates must have shape {indices.shape[:-1] + x.shape[length:]}, got "
            f"{updates.shape}"
        )
    places = tuple(in_range("ScatterND", indices[..., k], x.shape[k]) for k in range(length))
    y = x.copy("C")
    if reduction == "none":
        y[places] = updates
    else:
        REDUCTIONS[reduction].at(y, places, updates)
    return y


@operator("NonZero")
def non_zero(x: Array) -> Array:
    """The indices of elements other than 0: a row an axis, a column an element."""
    if not x.ndim:
        return np.zeros((0, int(bool(x))), np.int64)
    return np.array(np.nonzero(x), np.int64)


@operator("Compress")
def compress(x: Array, condition: Array, *, axis: int | None = None) -> Array:
    """The slices along an axis where the condition is true, or the elements, if none is given."""
    place = None if axis is None else as_axis("Compress", axis, x.ndim)
    if condition.size > (x.size if place is None else x.shape[place]):
        raise ValueError(
            f"Compress: condition must be no longer than the axis, got {condition.size} elements"
        )
    return np.compress(condition, x, place)


def _order(lines: Array, largest: bool) -> Array:
    """Return the indices that sort lines, equal elements in their order."""
    if not largest:
        return np.argsort(lines, -1, kind="stable")
    order = np.argsort(lines[..., ::-1], -1, kind="stable")  # of the reversed line, from its end
    found: Array = lines.shape[-1] - 1 - order[..., ::-1]
    return found


def _candidates(lines: Array, many: int, largest: bool) -> Array | None:
    """Return the indices of the largest or smallest elements, ascending; None if there are NaNs."""
    if lines.dtype.kind == "f" and np.isnan(lines).any():
        return None
    last = lines.shape[-1] - many if largest else many - 1
    bound = np.partition(lines, last, -1)[..., last : last + 1]
    beyond = lines > bound if largest else lines < bound
    equal = lines == bound
    missing = many - np.count_nonzero(beyond, -1)[..., None]
    beyond |= equal & (np.cumsum(equal, -1) <= missing)
    return np.nonzero(beyond)[-1].reshape(*lines.shape[:-1], many)


@operator("TopK", since=10)
def top_k(
    x: Array, k: Array, *, axis: int = -1, largest: int = 1, sorted: int = 1
) -> tuple[Array, Array]:
    """The k largest elements along an axis, or smallest, in order, and their indices.

    Of equal elements the first come first.
    """
    place, many = as_axis("TopK", axis, x.ndim), int(k.item())
    size = x.shape[place]
    if not 0 <= many <= size:
        raise ValueError(f"TopK: k must be from 0 to {size}, got {many}")
    lines = np.moveaxis(x, place, -1)
    # To sort a few candidates is faster than to sort all.
    few = _candidates(lines, many, bool(largest)) if size > 256 and 0 < many < size // 8 else None
    values = lines if few is None else np.take_along_axis(lines, few, -1)
    found = _order(values, bool(largest))[..., :many]
    values = np.take_along_axis(values, found, -1)
    if few is not None:
        found = np.take_along_axis(few, found, -1)
    return np.moveaxis(values, -1, place), np.moveaxis(found, -1, place)


@operator("TopK")
def top_k_of_attribute(x: Array, *, k: int, axis: int = -1) -> tuple[Array, Array]:
    """The k largest elements along an axis, in order, and their indices."""
    return top_k(x, np.array(k), axis=axis)


@operator("Unique", call=True)
def unique(call: Call, x: Array, *, axis: int | None = None, sorted: int = 1) -> tuple[Array, ...]:
    """The different elements, or slices along an axis.

    Then the index of the first of each, which of them each element is, and how often each occurs.
    """
    place = None if axis is None else as_axis("Unique", axis, x.ndim)
    y, first, inverse, counts = np.unique(
        x, return_index=True, return_inverse=True, return_counts=True, axis=place
    )
    inverse = inverse.ravel()
    if not sorted:  # in the order of their first places
        order = np.argsort(first)
        y, first, counts = y.take(order, place), first[order], counts[order]
        inverse = np.argsort(order)[inverse]
    return y, *(found.astype(np.int64, copy=False) for found in (first, inverse, counts))
