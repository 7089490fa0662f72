"""Parts of a layer's outputs, each with the bits that one call for all of them has.

The algorithm of a call is chosen by the sizes of the layer, and some algorithms cut its outputs
into tiles. So a part takes the algorithm of the whole layer, and begins where a tile of it begins.
A sum of direct products is the same chain in any part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from convcore._core import FAST_ALGORITHMS
from convcore.engine import execute, pooling, weighted
from convcore.engine.activation import Activation
from convcore.engine.algorithm import default_algorithm
from convcore.engine.buffers import ROUNDED, bias_as_contiguous
from convcore.engine.epilogue import PostOps
from convcore.engine.plan import ConvPlan, check_algorithm, check_separable, plan_for
from convcore.engine.pooling import PoolPlan
from convcore.engine.separable import NAME as SEPARABLE
from convcore.spec.axis import Axis
from convcore.spec.border import ZEROS, Pair, unless_zeros
from convcore.spec.errors import short_repr
from convcore.spec.operands import Array, DType, DTypes, as_contiguous
from convcore.spec.parts import Reach, cut, reach
from convcore.spec.pooling import PoolSpec
from convcore.spec.problem import LOCAL, SHARED, ConvSpec

WINOGRAD_OUTPUTS = 4  # of a tile along an axis of three taps


@dataclass(frozen=True, slots=True)
class Grid:
    """Where parts may begin along each axis, and how many outputs they have at least."""

    axes: tuple[Axis, ...]
    sides: tuple[Pair, ...]
    units: tuple[int, ...]
    least: tuple[int, ...]

    def reaches(self, axis: int, chunks: Sequence[int]) -> tuple[Reach, ...]:
        """Return the parts along an axis whose input comes in chunks."""
        of, sides = self.axes[axis], self.sides[axis]
        ranges = cut(of, chunks, self.units[axis], self.least[axis])
        return tuple(reach(of, sides, *each) for each in ranges)


def _grid(
    spec: ConvSpec | PoolSpec, units: tuple[int, ...] = (), least: tuple[int, ...] = ()
) -> Grid:
    ones = (1,) * len(spec.axes)
    return Grid(spec.axes, spec.border or (ZEROS,) * len(ones), units or ones, least or ones)


def _settled(spec: ConvSpec, weight: Array, itemsize: int) -> tuple[ConvSpec, tuple[int, ...]]:
    """Return the spec with the algorithm by its name, and the outputs from which parts begin."""
    axes = len(spec.axes)
    ones = (1,) * axes
    plan: ConvPlan = plan_for(spec)
    if plan.core is None:
        return spec, ones
    if plan.separable is not None and plan.separable.factored(weight) is not None:
        return replace(spec, algorithm=SEPARABLE), ones
    chosen = next(name for name, word in plan.core.explain(itemsize) if word == "chosen")
    if chosen not in FAST_ALGORITHMS:
        exact = "direct" if spec.sharing == SHARED else chosen
        return replace(spec, algorithm=exact), ones
    if chosen == "winograd":
        units = tuple(WINOGRAD_OUTPUTS if axis.kernel > 1 else 1 for axis in spec.axes)
        return replace(spec, algorithm=chosen), units
    tile = plan.core.fft_tile(itemsize)
    assert tile is not None
    lengths, outputs = tile
    return (
        replace(spec, algorithm=chosen, transform=tuple(lengths)),
        _pairs_of_tiles(spec, outputs[-axes:]),
    )


def _pairs_of_tiles(spec: ConvSpec, outputs: Sequence[int]) -> tuple[int, ...]:
    """Return the outputs from which pairs of tiles begin along each axis.

    Two tiles are transformed as one, in reading order. A pair may be the last tile of a row and
    the first of the next, so that a part must have whole rows.
    """
    tiles = [-(-axis.outputs // own) for axis, own in zip(spec.axes, outputs, strict=True)]
    units, is_open = [], True
    for a in reversed(range(len(tiles))):
        if not is_open:
            units.append(outputs[a])
        elif tiles[a] % 2 == 0 or prod(tiles[:a]) == 1:
            units.append(2 * outputs[a])
            is_open = False
        else:
            units.append(spec.axes[a].outputs)
    return tuple(reversed(units))


@dataclass(frozen=True, slots=True)
class ConvParts:
    """A convolution, tiled or local layer in parts."""

    op: str
    spec: ConvSpec
    grid: Grid
    weight: Array
    bias: Array | None
    dtypes: DTypes
    activation: str | tuple[Any, ...] | None = None  # what follows the sums

    def shape(self, x: Array, reaches: Sequence[Reach]) -> tuple[int, ...]:
        """Return the shape of a part's result."""
        return _shape(self.spec, x, self.spec.out_channels, reaches)

    def run(
        self, x: Array, reaches: Sequence[Reach], *, threads: int, dtype: DType | None = None
    ) -> tuple[Array, ...]:
        """Compute a part from the cells that it sees."""
        weight, bias = self.weight, self.bias
        spec, layout = self.spec, self.spec.layout
        period = spec.period
        if spec.sharing == LOCAL:
            own = tuple(slice(each.start, each.stop) for each in reaches)
            weight = np.ascontiguousarray(weight[(slice(None), *own)])
            bias = None if bias is None else np.ascontiguousarray(bias[(slice(None), *own)])
            period = tuple(each.stop - each.start for each in reaches)
        elif period:
            # the kernel of the part's first output comes first
            shifts = tuple(-(each.start % n) for each, n in zip(reaches, period, strict=True))
            where = tuple(range(1, len(period) + 1))
            weight = np.roll(weight, shifts, where)
            bias = None if bias is None else np.roll(bias, shifts, where)
        spec = replace(
            spec,
            axes=tuple(each.axis for each in reaches),
            border=_border(reaches),
            batch=len(x) if layout.batched else 1,
            period=period,
        )
        plan = plan_for(spec)
        out = None if dtype is None else np.empty(plan.y_shape, dtype)
        prepared, post = None, None
        if self.activation is not None:
            given = Activation(self.op, self.activation, spec.out_channels)
            post = PostOps(None, given, 0 if layout.channels_last else layout.axes)
            prepared = plan.prepare(np.ascontiguousarray(weight), bias)
        y = execute.run(
            self.op, plan, (x, weight, bias), self.dtypes, threads=threads, out=out,
            prepared=prepared, post=post,
        )  # fmt: skip
        return (y,)


def _shape(
    spec: ConvSpec | PoolSpec, x: Array, channels: int, reaches: Sequence[Reach]
) -> tuple[int, ...]:
    return spec.layout.shape(len(x), channels, tuple(each.stop - each.start for each in reaches))


def _border(reaches: Sequence[Reach]) -> tuple[Pair, ...]:
    return unless_zeros(tuple(each.sides for each in reaches))


def conv_parts(
    op: str,
    spec: ConvSpec,
    weight: Array,
    bias: object,
    dtypes: DTypes,
    *,
    integers: bool,
    activation: str | tuple[Any, ...] | None = None,
) -> ConvParts:
    """Return a layer in parts; its arrays are copied, for parts may run at any later time.

    ``integers``: an operand is of integers, which are computed directly.
    """
    asked = spec.algorithm
    if integers:
        spec = replace(spec, algorithm="direct")
    elif asked == "auto":
        spec = replace(spec, algorithm=default_algorithm())
    weight = np.array(as_contiguous(op, "weight", weight, dtypes.compute), order="C")
    if asked not in ("auto", "direct"):
        plan = plan_for(spec)
        check_algorithm(op, asked, plan)
        check_separable(op, plan, weight)
    shift = bias_as_contiguous(op, bias, spec.bias_shape, dtypes)
    settled, units = _settled(spec, weight, dtypes.compute.itemsize)
    least = tuple(min(2, axis.outputs) for axis in spec.axes) if settled.transform else ()
    own = None if shift is None else shift.copy()
    grid = _grid(spec, units, least)
    return ConvParts(op, settled, grid, weight, own, dtypes, activation)


@dataclass(frozen=True, slots=True)
class PoolParts:
    """A pooling in parts; with a window of weights if it has one."""

    op: str
    spec: PoolSpec
    grid: Grid
    dtypes: DTypes
    indices: bool = False
    weights: weighted.Weights | None = None
    sums: ConvSpec | None = None  # how the whole of a weighted pooling is summed

    def shape(self, x: Array, reaches: Sequence[Reach]) -> tuple[int, ...]:
        """Return the shape of a part's result."""
        return _shape(self.spec, x, x.shape[self.spec.layout.channel_axis], reaches)

    def run(
        self, x: Array, reaches: Sequence[Reach], *, threads: int, dtype: DType | None = None
    ) -> tuple[Array, ...]:
        """Compute a part from the cells that it sees; of maxima also the indices, if wanted."""
        layout = self.spec.layout
        spec = replace(
            self.spec,
            axes=tuple(each.axis for each in reaches),
            border=_border(reaches),
            batch=len(x) if layout.batched else 1,
            channels=x.shape[layout.channel_axis],
        )
        plan = PoolPlan(spec)
        out = None if dtype is None else np.empty(plan.y_shape, dtype)
        if self.weights is not None:
            y = weighted.compute(
                self.op, plan, self.weights, x, self.dtypes, threads=threads, out=out,
                sums=self.sums,
            )  # fmt: skip
            return (y,)
        y, index = pooling.compute(
            self.op, plan, x, self.dtypes, threads=threads, out=out, indices=self.indices
        )
        return (y,) if index is None else (y, indices_in_whole(index, self.spec, reaches))


def indices_in_whole(index: Array, spec: PoolSpec, reaches: Sequence[Reach]) -> Array:
    """Return indices of a part's plane as indices of the whole one; -1, a constant's, stays."""
    if index.size == 0:
        return index
    place, result, step = np.maximum(index, 0), np.zeros_like(index), 1
    for axis, each in zip(reversed(spec.axes), reversed(reaches), strict=True):
        place, own = np.divmod(place, max(each.axis.cells, 1))
        cells = each.cells()
        if len(cells):
            result += cells[own] * step
        step *= axis.cells
    return np.where(index < 0, index, result)


def pool_parts(
    op: str,
    spec: PoolSpec,
    dtypes: DTypes,
    *,
    indices: bool = False,
    window: Any = None,
    normalize: object = True,
) -> PoolParts:
    """Return a pooling in parts."""
    if window is not None:
        return _weighted_parts(op, spec, dtypes, window, normalize)
    if spec.kind == "max":
        return PoolParts(op, spec, _grid(spec), dtypes, indices)
    units = tuple(axis.outputs if pooling.is_wide(axis) else 1 for axis in spec.axes)
    least = tuple(map(pooling.least_outputs, spec.axes))
    return PoolParts(op, spec, _grid(spec, units, least), dtypes)


def _weighted_parts(
    op: str, spec: PoolSpec, dtypes: DTypes, window: Any, normalize: object
) -> PoolParts:
    weights = weighted.read_window(op, len(spec.axes), window, normalize)
    weights = weights._replace(array=weights.array.copy())
    if not spec.channels:
        return PoolParts(op, spec, _grid(spec), dtypes, weights=weights)
    sums = weighted.sums_spec(op, replace(spec, batch=1), weights.array.shape)
    sums = replace(sums, algorithm=default_algorithm())
    kernels = weighted.per_channel(weights.array, spec.channels)
    settled, units = _settled(sums, kernels, weighted.COMPUTE.itemsize)
    least = tuple(min(2, axis.outputs) for axis in spec.axes)
    return PoolParts(op, spec, _grid(spec, units, least), dtypes, weights=weights, sums=settled)


def as_dtype(op: str, parts: ConvParts | PoolParts, dtype: object) -> DType:
    """Return the dtype of a result: its own, or one of small integers, to which it is rounded."""
    own = parts.dtypes.result
    if dtype is None:
        return own
    try:
        wanted: DType | None = np.dtype(dtype)  # type: ignore[call-overload]
    except TypeError:
        wanted = None
    is_max = isinstance(parts, PoolParts) and parts.spec.kind == "max"
    allowed = (own,) if is_max else (own, *ROUNDED)
    if wanted is None or wanted not in allowed:
        names = ", ".join(str(each) for each in allowed)
        raise TypeError(f"{op}: dtype must be one of {names}, got {short_repr(dtype)}")
    return wanted
