"""Sums, norms and extremes along axes."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from convcore.graph.operators.arguments import Integers, as_axes, as_axis, as_integers
from convcore.graph.operators.registry import operator
from convcore.spec.operands import Array

Axes = tuple[int, ...]


def _sum(x: Array, axes: Axes) -> Array:
    return np.asarray(x.sum(axes, x.dtype, keepdims=True))


def _mean(x: Array, axes: Axes) -> Array:
    if x.dtype.kind == "f":
        return np.asarray(x.mean(axes, keepdims=True))
    sums = x.sum(axes, np.float64, keepdims=True)
    return np.asarray(np.trunc(sums / prod(x.shape[axis] for axis in axes)).astype(x.dtype))


def _least(x: Array) -> object:
    """What every element of the type is at least: the maximum of none."""
    if x.dtype.kind == "b":
        return False
    return -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min


def _most(x: Array) -> object:
    if x.dtype.kind == "b":
        return True
    return np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).max


def _log_sum_exp(x: Array, axes: Axes) -> Array:
    most = x.max(axes, keepdims=True, initial=-np.inf)
    most = np.where(np.isfinite(most), most, most.dtype.type(0))
    y: Array = x - most  # no exponent is above 0, but for infinity
    np.exp(y, out=y)
    y = y.sum(axes, keepdims=True)
    np.log(y, out=y)
    y += most
    return y


def _register(name: str, compute: Callable[[Array, Axes], Array], text: str) -> None:
    # Until opset 12 or 17 `axes` is an attribute, then an input: one parameter can be both.
    def function(
        x: Array,
        axes: Integers | None = None,
        *,
        keepdims: int = 1,
        noop_with_empty_axes: int = 0,
    ) -> Array:
        places: Axes = ()
        if axes is not None:
            places = as_axes(name, as_integers(axes), x.ndim)
        if not places and not noop_with_empty_axes:
            places = tuple(range(x.ndim))
        y = np.asarray(compute(x, places))
        return y if keepdims else y.reshape([n for k, n in enumerate(y.shape) if k not in places])

    function.__doc__ = f"{text} along axes: all of them, if none is given."
    operator(name)(function)


for _name, _compute, _text in (
    ("ReduceSum", _sum, "The sum"),
    ("ReduceMean", _mean, "The mean"),
    (
        "ReduceMax",
        lambda x, axes: x.max(axes, keepdims=True, initial=_least(x)),
        "The largest element",
    ),
    (
        "ReduceMin",
        lambda x, axes: x.min(axes, keepdims=True, initial=_most(x)),
        "The smallest element",
    ),
    ("ReduceProd", lambda x, axes: x.prod(axes, x.dtype, keepdims=True), "The product"),
    ("ReduceL1", lambda x, axes: _sum(np.abs(x), axes), "The sum of the absolute values"),
    (
        "ReduceL2",
        lambda x, axes: np.sqrt(_sum(np.square(x), axes)).astype(x.dtype, copy=False),
        "The square root of the sum of the squares",
    ),
    ("ReduceLogSum", lambda x, axes: np.log(_sum(x, axes)), "The logarithm of the sum"),
    ("ReduceLogSumExp", _log_sum_exp, "The logarithm of the sum of exp(x)"),
    ("ReduceSumSquare", lambda x, axes: _sum(np.square(x), axes), "The sum of the squares"),
):
    _register(_name, _compute, _text)


def _places_of(value: Array, slices: Array, last: bool) -> Array:
    """Return the index of the first slice that has the value, or of the last, at each place.

    NumPy's own search along an axis that is not the last copies the array.
    """
    y = np.zeros(value.shape, np.int64)
    order = range(len(slices))
    for k in order if last else reversed(order):
        np.copyto(y, k, where=slices[k] == value)
    return y


def _arg(name: str, x: Array, axis: int, keepdims: int, last: int) -> Array:
    place = as_axis(name, axis, x.ndim)
    if not x.shape[place]:
        raise ValueError(f"{name}: axis must have elements, got {place} of shape {x.shape}")
    compute = np.argmax if name == "ArgMax" else np.argmin
    if place < x.ndim - 1 and x.size >= 64 * x.shape[place]:
        most = x.max(place) if name == "ArgMax" else x.min(place)
        if x.dtype.kind != "f" or not np.isnan(most).any():
            y = _places_of(most, np.moveaxis(x, place, 0), bool(last))
            return np.expand_dims(y, place) if keepdims else y
    if last:  # the first of the reversed line
        y = x.shape[place] - 1 - compute(np.flip(x, place), place, keepdims=bool(keepdims))
    else:
        y = compute(x, place, keepdims=bool(keepdims))
    return np.asarray(y, np.int64)


@operator("ArgMax")
def arg_max(x: Array, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0) -> Array:
    """The index of the largest element along an axis: of the first such, or of the last."""
    return _arg("ArgMax", x, axis, keepdims, select_last_index)


@operator("ArgMin")
def arg_min(x: Array, *, axis: int = 0, keepdims: int = 1, select_last_index: int = 0) -> Array:
    """The index of the smallest element along an axis: of the first such, or of the last."""
    return _arg("ArgMin", x, axis, keepdims, select_last_index)
