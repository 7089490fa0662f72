"""Poolings."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from convcore import api
from convcore.graph.operators.registry import Call, operator
from convcore.graph.operators.windows import Ints, axes_of, padding, pairs, public, sizes
from convcore.spec.operands import Array


def pool_options(op: str, kernel: Ints, axes: int, **given: Any) -> dict[str, Any]:
    """The options that all poolings with windows have; `given`: the attributes that are."""
    if kernel is None or len(kernel) != axes:
        raise ValueError(f"{op}: kernel_shape must be {axes} numbers, got {kernel}")
    return {
        "kernel_size": tuple(kernel),
        "stride": sizes(given.get("strides"), axes, f"{op}: strides"),
        "padding": padding(given.get("auto_pad", "NOTSET"), given.get("pads"), axes),
        "dilation": sizes(given.get("dilations"), axes, f"{op}: dilations"),
        "ceil_mode": bool(given.get("ceil_mode", 0)),
        **({} if given.get("layout") is None else {"layout": given["layout"]}),
    }


def _task_of(op: str, kind: str) -> Callable[..., api.Task | None]:
    """What makes poolings of a kind tasks of the core."""

    def task(
        x: Array,
        *,
        kernel_shape: Ints = None,
        count_include_pad: int | None = None,
        p: float | None = None,
        storage_order: int = 0,
        **given: Any,
    ) -> api.Task | None:
        axes = axes_of(op, x)
        options = pool_options(op, kernel_shape, axes, **given)
        if count_include_pad is not None:
            options["count_include_pad"] = bool(count_include_pad)
        if p is not None:
            options["p"] = p
        return api.pool_task(f"{kind}{axes}d", x, options)

    return task


@operator("MaxPool", call=True, out=True, task=_task_of("MaxPool", "max_pool"))
def max_pool(
    call: Call,
    x: Array,
    *,
    kernel_shape: Ints = None,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: Ints = None,
    pads: Ints = None,
    storage_order: int = 0,
    strides: Ints = None,
    layout: str | None = None,
) -> Array | tuple[Array, Array]:
    """The largest value of each window, as :func:`convcore.max_pool2d`; and where it stands."""
    axes = axes_of("MaxPool", x)
    options = pool_options(
        "MaxPool", kernel_shape, axes, strides=strides, auto_pad=auto_pad, pads=pads,
        dilations=dilations, ceil_mode=ceil_mode, layout=layout,
    )  # fmt: skip
    pool, threads = public("max_pool", axes), call.threads
    if not any(call.outputs[1:]):
        result: Array = pool(x, **options, threads=threads, out=call.out)
        return result
    y, where = pool(x, **options, return_indices=True, threads=threads)
    if storage_order:  # columns first within an image
        places = np.unravel_index(where, x.shape[2:])
        where = np.ravel_multi_index(places, x.shape[2:], order="F")
    # ONNX counts through the whole array
    planes = np.arange(x.shape[0] * x.shape[1]).reshape(*x.shape[:2], *(1,) * axes)
    return y, np.asarray(where, np.int64) + planes * prod(x.shape[2:])


@operator("AveragePool", call=True, out=True, task=_task_of("AveragePool", "avg_pool"))
def average_pool(
    call: Call,
    x: Array,
    *,
    kernel_shape: Ints = None,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    count_include_pad: int = 0,
    dilations: Ints = None,
    pads: Ints = None,
    strides: Ints = None,
    layout: str | None = None,
) -> Array:
    """The mean of each window, as :func:`convcore.avg_pool2d`."""
    axes = axes_of("AveragePool", x)
    options = pool_options(
        "AveragePool", kernel_shape, axes, strides=strides, auto_pad=auto_pad, pads=pads,
        dilations=dilations, ceil_mode=ceil_mode, layout=layout,
    )  # fmt: skip
    result: Array = public("avg_pool", axes)(
        x,
        **options,
        count_include_pad=bool(count_include_pad),
        threads=call.threads,
        out=call.out,
    )
    return result


@operator("LpPool", call=True, out=True, task=_task_of("LpPool", "lp_pool"))
def lp_pool(
    call: Call,
    x: Array,
    *,
    kernel_shape: Ints = None,
    auto_pad: str = "NOTSET",
    ceil_mode: int = 0,
    dilations: Ints = None,
    p: float = 2,
    pads: Ints = None,
    strides: Ints = None,
) -> Array:
    """The p-norm of each window, as :func:`convcore.lp_pool2d`."""
    axes = axes_of("LpPool", x)
    options = pool_options(
        "LpPool", kernel_shape, axes, strides=strides, auto_pad=auto_pad, pads=pads,
        dilations=dilations, ceil_mode=ceil_mode,
    )  # fmt: skip
    result: Array = public("lp_pool", axes)(x, **options, p=p, threads=call.threads, out=call.out)
    return result


def _as_planes(x: Array) -> Array:
    """Images as one row each: what is global knows no axes."""
    return x.reshape(*x.shape[:2], prod(x.shape[2:]))


def _global_task(kind: str) -> Callable[..., api.Task | None]:
    """What makes global poolings tasks of the core."""

    def task(x: Array, *, layout: str | None = None) -> api.Task | None:
        if x.ndim < 3 or not x.size:
            return None
        if layout is None:
            return api.pool_task(f"{kind}1d", _as_planes(x), {"output_size": 1})
        rows = x.reshape(len(x), prod(x.shape[1:-1]), x.shape[-1])
        return api.pool_task(f"{kind}1d", rows, {"output_size": 1, "layout": "NWC"})

    return task


def _global(kind: str, call: Call, x: Array, layout: str | None) -> Array:
    """One number for each channel of each image."""
    pool, axes = public(kind, 1), x.ndim - 2
    if layout is not None:  # channels last
        rows = x.reshape(len(x), prod(x.shape[1:-1]), x.shape[-1])
        out = None if call.out is None else call.out.reshape(len(x), 1, x.shape[-1])
        y: Array = pool(rows, 1, layout="NWC", threads=call.threads, out=out)
        return y.reshape(len(x), *(1,) * axes, x.shape[-1])
    out = None if call.out is None else call.out.reshape(*x.shape[:2], 1)
    y = pool(_as_planes(x), 1, threads=call.threads, out=out)
    return y.reshape(*x.shape[:2], *(1,) * axes)


@operator("GlobalAveragePool", call=True, out=True, task=_global_task("adaptive_avg_pool"))
def global_average_pool(call: Call, x: Array, *, layout: str | None = None) -> Array:
    """The mean of each channel of each image."""
    return _global("adaptive_avg_pool", call, x, layout)


@operator("GlobalMaxPool", call=True, out=True, task=_global_task("adaptive_max_pool"))
def global_max_pool(call: Call, x: Array, *, layout: str | None = None) -> Array:
    """The largest value of each channel of each image."""
    return _global("adaptive_max_pool", call, x, layout)


@operator("GlobalLpPool", call=True)
def global_lp_pool(call: Call, x: Array, *, p: float = 2) -> Array:
    """The p-norm of each channel of each image."""
    planes = _as_planes(x)
    y: Array = public("lp_pool", 1)(planes, planes.shape[2], p=p, threads=call.threads)
    return y.reshape(*x.shape[:2], *(1,) * (x.ndim - 2))


@operator("MaxUnpool")
def max_unpool(
    x: Array,
    where: Array,
    output_shape: Array | None = None,
    *,
    kernel_shape: Ints = None,
    pads: Ints = None,
    strides: Ints = None,
) -> Array:
    """Put values back where :func:`max_pool` found them; zeros elsewhere."""
    axes = axes_of("MaxUnpool", x)
    if kernel_shape is None or len(kernel_shape) != axes:
        raise ValueError(f"MaxUnpool: kernel_shape must be {axes} numbers, got {kernel_shape}")
    steps = sizes(strides, axes, "MaxUnpool: strides")
    inferred = [
        (n - 1) * s + k - sum(pad)
        for n, s, k, pad in zip(x.shape[2:], steps, kernel_shape, pairs(pads, axes), strict=True)
    ]
    shape = (*x.shape[:2], *inferred)
    size = prod(shape)
    places = where
    if output_shape is not None:
        wanted = tuple(int(n) for n in output_shape)
        # the places count through the inferred shape
        index = np.unravel_index(where, shape)
        shape, size = wanted, prod(wanted)
        places = np.ravel_multi_index(index, shape)
    if where.shape != x.shape or (places.size and not 0 <= places.min() <= places.max() < size):
        raise ValueError(f"MaxUnpool: I must be places, one a value, in an array of shape {shape}")
    y = np.zeros(size, x.dtype)
    y[places.ravel()] = x.ravel()
    return y.reshape(shape)
