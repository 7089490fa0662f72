"""Layers and poolings of dask arrays: the options of a call become a job for each block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import dask.array as da
import numpy as np

from convcore import api
from convcore.api import ConvParts, PoolParts, as_dtype, conv_parts, indices_in_whole, pool_parts
from convcore.dask.arrays import DaskArray, as_dask, check_plain, in_one_chunk
from convcore.dask.graph import windowed
from convcore.spec.axis import Axis
from convcore.spec.border import check_exact
from convcore.spec.layer import LayerSpec
from convcore.spec.missing import NAN, PROPAGATE, read_missing
from convcore.spec.operands import (
    FLOAT64,
    Array,
    DType,
    as_array,
    check_dtype,
    result_dtypes,
    selected_dtypes,
)
from convcore.spec.options import as_threads
from convcore.spec.parts import Reach
from convcore.spec.pooling import PoolSpec, as_window, check_index
from convcore.spec.problem import ConvSpec
from convcore.spec.registry import ALGORITHM, OPERATORS, layer_name

INT64 = np.dtype(np.int64)
# The options of missing cells after the mask, with their defaults.
MISSING = (("nan", PROPAGATE), ("normalize", True), ("fill", NAN), ("return_weight", False))
Parts = ConvParts | PoolParts


@dataclass(frozen=True, slots=True)
class LayerJob:
    """Computes a block of a layer."""

    parts: Parts
    threads: int
    dtype: DType | None  # None: that of the layer

    def __call__(self, arrays: tuple[Array, ...], reaches: tuple[Reach, ...]) -> tuple[Array, ...]:
        """Return the results for the cells that the block sees."""
        return self.parts.run(arrays[0], reaches, threads=self.threads, dtype=self.dtype)


@dataclass(frozen=True, slots=True)
class MaskedJob:
    """Computes a block of a layer whose input has missing cells, by the public function."""

    name: str
    arrays: tuple[Array | None, ...]  # weight and bias
    options: dict[str, Any]
    threads: int
    parts: Parts
    dtype: DType | None  # None: that of the layer

    def __call__(self, arrays: tuple[Array, ...], reaches: tuple[Reach, ...]) -> tuple[Array, ...]:
        """Return the results for the cells that the block sees."""
        x, *mask = arrays
        options = dict(self.options)
        ceil_mode = options.get("ceil_mode", False)
        options["padding"] = tuple(_pair_of(each.axis, ceil_mode) for each in reaches)
        options["border"] = tuple(each.sides for each in reaches)
        if mask:
            options["mask"] = mask[0]
        if self.dtype is not None:
            options["out"] = np.empty(self.parts.shape(x, reaches), self.dtype)
        found = getattr(api, self.name)(x, *self.arrays, threads=self.threads, **options)
        results = found if isinstance(found, tuple) else (found,)
        if isinstance(self.parts, PoolParts) and self.parts.indices:
            whole = indices_in_whole(results[1], self.parts.spec, reaches)
            results = (results[0], whole, *results[2:])
        return tuple(np.ascontiguousarray(each) for each in results)


def _pair_of(axis: Axis, ceil_mode: bool) -> tuple[int, int]:
    """Return the padding of a part's axis that gives its outputs and no more."""
    before, after = axis.pair
    needed = max(axis.needed - before - axis.cells, 0)
    if ceil_mode and (axis.outputs - 1) * axis.stride >= before + axis.cells:
        needed += 1  # room for one more window, which this mode drops where it drops the last
    return before, min(after, needed)


def call(kind: str, axes: int, given: dict[str, Any]) -> Any:
    """Compute a layer or a pooling of a dask array; ``given`` has all arguments by name."""
    operator, op = OPERATORS[kind], f"dask.{layer_name(kind, axes)}"
    x = as_dask(op, "x", given.pop("x"))
    check_dtype(op, "x", x.dtype)
    threads = as_threads(op, given.pop("threads"))
    dtype, mask = given.pop("dtype"), given.pop("mask", None)
    for name in ("weight", "bias", "window", "connections"):
        check_plain(op, name, given.get(name))
    weight = as_array(op, "weight", given.pop("weight")) if operator.has_weight else None
    bias = given.pop("bias", None)
    algorithm = ALGORITHM.read(op, given.pop("algorithm", "auto"), axes)
    if "window" in given:
        given["window"] = as_window(op, given["window"], axes)
    missing = {
        option.name: given.pop(option.name)
        for option in operator.missing
        if option.name in given and option not in operator.options
    }
    options = operator.read(op, axes, given)
    shape = None if weight is None else weight.shape
    spec = LayerSpec(operator, axes, shape, None, options).on(op, x.shape, "x")
    if weight is not None:
        x = in_one_chunk(x, spec.layout.channel_axis)
    if weight is not None and options.get("flip"):
        weight = np.flip(weight, tuple(range(2, axes + 2)))
    parts = _parts(op, x, spec, (weight, bias), options, algorithm)
    rounds = None if dtype is None else as_dtype(op, parts, dtype)
    own = (missing.get(name, default) for name, default in MISSING)
    read = read_missing(op, (None, *own))
    if mask is None and not read.ignores_nan and not read.return_weight:
        job = LayerJob(parts, threads, rounds)
        dtypes = [rounds or parts.dtypes.result, *([INT64] if _has_indices(parts) else [])]
        results = windowed(op, (x,), _along(parts, x), job, dtypes, sizes=_sizes(parts, x))
    else:
        results = _masked(
            op, x, mask, parts, arrays=(weight, bias), options=options, missing=missing,
            threads=threads, dtype=rounds,
        )  # fmt: skip
    return results if len(results) > 1 else results[0]


def _parts(
    op: str,
    x: DaskArray,
    spec: ConvSpec | PoolSpec,
    arrays: tuple[Array | None, Any],
    options: dict[str, Any],
    algorithm: str,
) -> Parts:
    weight, bias = arrays
    if isinstance(spec, ConvSpec):
        assert weight is not None
        integers = x.dtype.kind != "f" or weight.dtype.kind != "f"
        dtypes = result_dtypes(op, x.dtype, weight.dtype)
        return conv_parts(
            op, replace(spec, algorithm=algorithm), weight, bias, dtypes, integers=integers
        )
    if spec.kind == "max":
        dtypes = selected_dtypes(op, x.dtype)
        check_exact(op, spec.border, x.dtype)
        if options.get("return_indices"):
            check_index(op, spec)
    else:
        dtypes = result_dtypes(op, x.dtype, x.dtype)
    if "window" in options:
        dtypes = dtypes._replace(compute=FLOAT64)
    return pool_parts(
        op, spec, dtypes, indices=options.get("return_indices", False),
        window=options.get("window"), normalize=options.get("normalize", True),
    )  # fmt: skip


def run_parts(op: str, x: DaskArray, parts: ConvParts, threads: int) -> DaskArray:
    """Compute a layer from its parts."""
    job = LayerJob(parts, threads, None)
    dtypes = [parts.dtypes.result]
    return windowed(op, (x,), _along(parts, x), job, dtypes, sizes=_sizes(parts, x))[0]


def _has_indices(parts: Parts) -> bool:
    return isinstance(parts, PoolParts) and parts.indices


def _along(parts: Parts, x: DaskArray) -> dict[int, tuple[Reach, ...]]:
    layout = parts.spec.layout
    first = layout.batched + (not layout.channels_last)
    return {
        first + axis: parts.grid.reaches(axis, x.chunks[first + axis])
        for axis in range(layout.axes)
    }


def _sizes(parts: Parts, x: DaskArray) -> dict[int, tuple[int, ...]]:
    if isinstance(parts, PoolParts):
        return {}
    return {parts.spec.layout.channel_axis: (parts.spec.out_channels,)}


def _masked(
    op: str,
    x: DaskArray,
    mask: Any,
    parts: Parts,
    *,
    arrays: tuple[Array | None, Any],
    options: dict[str, Any],
    missing: dict[str, Any],
    threads: int,
    dtype: DType | None,
) -> tuple[DaskArray, ...]:
    """Compute a layer whose input has missing cells, a block at a time by the public function."""
    spec = parts.spec
    operands: Sequence[DaskArray] = (x,)
    if mask is not None:
        operands = (x, _as_mask(op, mask, x, spec))
    own = {**options, **missing, "stride": tuple(axis.stride for axis in spec.axes)}
    own.pop("flip", None)  # the weight is flipped already
    if "window" in own:
        own["window"] = np.array(own["window"])
    weights: tuple[Any, ...] = ()
    if isinstance(parts, ConvParts):
        own["algorithm"] = "direct"
        weights = tuple(None if each is None else np.array(each) for each in arrays)
    names = [name for name in ("window", "kernel_size") if name in own]
    weights += tuple(own.pop(name) for name in names)
    job = MaskedJob(op.removeprefix("dask."), weights, own, threads, parts, dtype)
    dtypes = [dtype or parts.dtypes.result, *([INT64] if _has_indices(parts) else [])]
    if missing.get("return_weight"):
        dtypes.append(parts.dtypes.result if parts.dtypes.result.kind == "f" else FLOAT64)
    # With the last window, which may reach beyond the padding, a part has one that does not.
    least = tuple(
        max(own, min(2, axis.outputs))
        for own, axis in zip(parts.grid.least, spec.axes, strict=True)
    )
    parts = replace(parts, grid=replace(parts.grid, least=least))
    return windowed(op, operands, _along(parts, x), job, dtypes, sizes=_sizes(parts, x))


def _as_mask(op: str, mask: Any, x: DaskArray, spec: ConvSpec | PoolSpec) -> DaskArray:
    """Return a mask of NumPy or dask, of the shape and with the chunks of x."""
    if not isinstance(mask, da.Array):
        mask = as_array(op, "mask", mask)
        mask = da.from_array(mask, chunks=-1)
    mask = as_dask(op, "mask", mask)
    if mask.dtype != np.bool_:
        raise TypeError(f"{op}: mask must have dtype bool, got {mask.dtype}; mask != 0 makes one")
    layout, cells = spec.layout, tuple(axis.cells for axis in spec.axes)
    if mask.shape == cells and layout.channels_last:
        mask = mask[..., np.newaxis]
    elif mask.shape != cells and (
        mask.ndim != x.ndim
        or any(m not in (1, n) for m, n in zip(mask.shape, x.shape, strict=True))
    ):
        raise ValueError(
            f"{op}: mask must have the spatial shape {cells} of x, or {x.ndim} axes of size 1 or "
            f"as in x's shape {x.shape}, got shape {mask.shape}"
        )
    return da.broadcast_to(mask, x.shape).rechunk(x.chunks)
