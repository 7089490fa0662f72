"""How ``vmap`` makes one layer of many: examples become images, weights become groups.

A fold takes a layer, its two operands, the axis of each along which it is mapped, and how many
there are. It returns the larger layer, its operands and what splits its result, or None.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax.numpy as jnp

from convcore.spec.problem import SHARED, ConvSpec

Fold = Callable[..., tuple[ConvSpec, tuple[Any, Any], Callable[[Any], Any]] | None]


def merge(array: Any, dim: int | None, axis: int, size: int) -> Any:
    """Merge the mapped axis into another one, counted without it; repeat what has none."""
    if dim is None:
        array = jnp.broadcast_to(array, (size, *array.shape))
        dim = 0
    array = jnp.moveaxis(array, dim, axis)
    shape = array.shape
    return array.reshape(*shape[:axis], size * shape[axis + 1], *shape[axis + 2 :])


def splitter(axis: int, size: int) -> Callable[[Any], Any]:
    """Return what splits the mapped axis off again, to the front."""

    def split(array: Any) -> Any:
        shape = array.shape
        each = (*shape[:axis], size, shape[axis] // size, *shape[axis + 1 :])
        return jnp.moveaxis(array.reshape(each), axis, 0)

    return split


def _channel_axis(spec: ConvSpec) -> int:
    return len(spec.axes) + 1 if spec.layout.channels_last else 1


def _grouped(spec: ConvSpec, size: int) -> ConvSpec | None:
    """Return as many layers side by side: groups of one; None, if it has none."""
    if spec.sharing != SHARED or spec.connections is not None:
        return None
    return replace(
        spec, groups=size * spec.groups, channels=size * spec.channels,
        out_channels=size * spec.out_channels,
    )  # fmt: skip


def _wider(spec: ConvSpec, size: int) -> ConvSpec | None:
    """Return as many layers of one input, their outputs side by side; None, if it has none."""
    if spec.groups != 1 or spec.connections is not None or spec.transposed:
        return None
    return replace(spec, out_channels=size * spec.out_channels)


def _images(spec: ConvSpec, size: int) -> ConvSpec:
    return replace(spec, batch=size * spec.batch)


def fold_product(spec: ConvSpec, args: Any, dims: Any, size: int) -> Any:
    """Fold a layer for (x, weight), or the gradient of x for (grad, weight)."""
    (a, weight), (along, of_weight), channel = args, dims, _channel_axis(spec)
    if of_weight is None:
        return _images(spec, size), (merge(a, along, 0, size), weight), splitter(0, size)
    grouped = _grouped(spec, size)
    if grouped is None:
        return None
    operands = merge(a, along, channel, size), merge(weight, of_weight, 0, size)
    return grouped, operands, splitter(channel, size)


def fold_forward(spec: ConvSpec, args: Any, dims: Any, size: int) -> Any:
    """Fold a layer for (x, weight)."""
    (x, weight), (along, of_weight) = args, dims
    wider = _wider(spec, size) if along is None else None
    if wider is None:
        return fold_product(spec, args, dims, size)
    return wider, (x, merge(weight, of_weight, 0, size)), splitter(_channel_axis(spec), size)


def fold_weight_gradient(spec: ConvSpec, args: Any, dims: Any, size: int) -> Any:
    """Fold the gradient of the weight for (grad, x)."""
    (grad, x), (of_grad, of_x), channel = args, dims, _channel_axis(spec)
    wider = _wider(spec, size) if of_x is None else None
    if wider is not None:
        return wider, (merge(grad, of_grad, channel, size), x), splitter(0, size)
    grouped = _grouped(spec, size)
    if grouped is None:
        return None
    operands = merge(grad, of_grad, channel, size), merge(x, of_x, channel, size)
    return grouped, operands, splitter(0, size)


FOLDS: dict[str, Fold] = {
    "forward": fold_forward,
    "input_gradient": fold_product,
    "weight_gradient": fold_weight_gradient,
}
