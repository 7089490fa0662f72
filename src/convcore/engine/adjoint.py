"""The adjoint of a convolution, computed without inserting zeros or scattering sums.

The adjoint's outputs are the cells of the convolution's input. Outputs whose positions have the
same remainder modulo the stride form a phase. They see the same taps of the kernel, and neighbours
see neighbouring cells. So each phase is a convolution of stride 1 with a part of the kernel; for a
tiled layer it is a tiled convolution. Transposed convolutions and input gradients run as phases.

If the phases would do at least four times the layer's multiplications, the direct path is used: a
separate kernel forms the products output by output.
"""

from __future__ import annotations

from itertools import product
from math import gcd, prod
from typing import Any, NamedTuple

import numpy as np

from convcore import _core
from convcore.engine.border import BorderSum, border_sums, kept_padding, sum_borders
from convcore.engine.buffers import quiet
from convcore.engine.cores import CORE_AXES, Row, core_border, core_row, core_rows
from convcore.engine.epilogue import add_bias, fill_with_bias
from convcore.spec.border import ZEROS
from convcore.spec.layout import Layout
from convcore.spec.operands import Array
from convcore.spec.problem import SHARED, ConvSpec

# Fewer output channels than this do not fill the vectors of a kernel whose lanes are channels.
FEW_CHANNELS = 16
# If the phases would do at least this many times the layer's multiplications, the products are
# formed one by one instead.
WASTE = 4
# Smaller maps to which a border's cells are added are direct sums: the errors of Winograd's
# algorithm would add up to more than is stated. Measured.
FEW_FOLDED = 12


class AxisPhase(NamedTuple):
    """The outputs of one remainder along one axis, and their taps, last first."""

    row: Row
    taps: range
    outputs: slice


class Turns(NamedTuple):
    """The kernels and taps of the outputs of one period, along one axis."""

    kernels: Array  # (outputs of a period, taps): which kernel of the tiled layer
    taps: Array  # of the same shape: which tap
    real: Array | None  # which of them are on input cells; None: all


class Phase(NamedTuple):
    """A convolution that gives the outputs of one phase."""

    core: _core.Conv
    shape: tuple[int, ...]  # of these outputs, with batch and channels
    outputs: tuple[slice, ...]
    taps: tuple[int, ...]  # along each axis
    turns: list[Turns] | None  # of a tiled layer, whose weights are reordered first
    to_front: bool  # whether channels that come last are moved to the front first


def axis_phases(n: int, k: int, s: int, d: int, before: int, size: int) -> list[AxisPhase]:
    """Return the phases of one axis that see any cell: n cells become ``size`` outputs.

    Tap m of output u meets cell o = (u + before - m d) / s if that is an integer. In a phase
    u = first + q s the taps are m = least + j s / g with g = gcd(s, d), and o = q + cell - j d / g.
    """
    apart, dilation = s // gcd(s, d), d // gcd(s, d)
    phases = []
    for least in range(min(k, apart)):
        first = (least * d - before) % s
        taps = (k - 1 - least) // apart + 1
        count = (size - 1 - first) // s + 1
        start = (first + before - least * d) // s - (taps - 1) * dilation
        if count < 1 or start >= n:
            continue
        row = (n, taps, 1, dilation if taps > 1 else 1, -start, count)
        seen = range(least + (taps - 1) * apart, -1, -apart)
        phases.append(AxisPhase(row, seen, slice(first, None, s)))
    return phases


def tap_offsets(
    weight: tuple[int, ...], groups: int, taps: list[range]
) -> tuple[int, int, int, int, Array]:
    """Return the size of the weight, its strides, and the offset of each tap of a phase.

    The strides are those of a group, an output channel and an input channel. The weight's input
    channels are its first axis, grouped.
    """
    kernel = prod(weight[2:])
    strides = np.cumprod((1, *weight[:2:-1]))[::-1]
    offset = sum(np.ix_(*(np.array(seen) * step for seen, step in zip(taps, strides, strict=True))))
    inputs = weight[1] * kernel
    of_group = weight[0] // groups * inputs
    return prod(weight), of_group, kernel, inputs, np.asarray(offset, np.int64).ravel()


def axis_turns(phase: AxisPhase, period: int) -> Turns:
    """Return the kernels and taps of the outputs of a phase, for one axis of a tiled layer.

    If no kernel is used twice, the phase has no period, and taps beside the input have no kernel.
    """
    n, taps, _, dilation, before, count = phase.row
    turn = np.arange(min(period, count) if period < n else count)
    cells = turn[:, None] - before + np.arange(taps) * dilation
    real = None if period < n else (cells >= 0) & (cells < n)
    return Turns(cells % period, np.broadcast_to(np.array(phase.taps), cells.shape), real)


def unrolled_weight(weight: Array, turns: list[Turns]) -> Array:
    """Return the weight (out, *period, in, *kernel) of a tiled layer, reordered for a phase.

    Its axes become (in, *outputs of a period, out, *taps).
    """
    axes = len(turns)

    def along(axis: int, index: Array) -> Array:
        shape = [1] * (2 * axes)
        shape[axis], shape[axes + axis] = index.shape
        return index.reshape(shape)

    kernels = tuple(along(a, t.kernels) for a, t in enumerate(turns))
    taps = tuple(along(a, t.taps) for a, t in enumerate(turns))
    index: tuple[Any, ...] = (slice(None), *kernels, slice(None), *taps)
    picked = weight[index]  # (*turns, *taps, out, in)
    for a, t in enumerate(turns):
        if t.real is not None:
            picked[~np.broadcast_to(along(a, t.real), picked.shape[: 2 * axes])] = 0
    order = (2 * axes + 1, *range(axes), 2 * axes, *range(axes, 2 * axes))
    return np.ascontiguousarray(picked.transpose(order))


class AdjointPlan(NamedTuple):
    """The adjoint of a convolution, whose outputs may be padded cells still to be summed."""

    phases: list[Phase] | None  # None: products are formed one by one
    layout: Layout  # with a batch
    batch: int
    spatial: tuple[int, ...] = ()  # sizes of its result with those
    border_sums: tuple[BorderSum, ...] = ()  # unless padding holds constants
    leaves_outputs: bool = False  # those that no phase computes
    refused: str | None = None  # why there are no phases
    nbytes: int = 0


def make_plan(spec: ConvSpec, outline: bool = False) -> AdjointPlan:
    """Plan the adjoint of a convolution, tiled or local layer; an outline has no phases yet."""
    layout = spec.layout._replace(batched=True)
    if spec.sharing != SHARED and _is_hardly_shared(spec):
        reason = "fewer than two outputs share a kernel"
        return AdjointPlan(None, layout, spec.batch, refused=reason)
    along, spatial = [], []
    sides = iter(spec.border)
    for axis in spec.axes:
        cells, taps, stride, dilation, (before, _), outputs = axis
        pair = next(sides, ZEROS)
        kept = kept_padding(axis, pair)  # copies of cells, summed later
        padded = kept[0] + cells + kept[1]
        spatial.append(padded)
        along.append(axis_phases(outputs, taps, stride, dilation, before - kept[0], padded))
    if spec.connections is None and _is_wasteful(along, spec):
        # before the border_sums, whose lists are as long as the padded axes
        reason = f"phases would do more than {WASTE} times the layer's multiplications"
        return AdjointPlan(None, layout, spec.batch, refused=reason)
    if outline:
        return AdjointPlan([], layout, spec.batch)
    sums = border_sums(spec.axes, spec.border)
    phases = _phases(spec, along, folded=bool(sums))
    outputs = spec.batch * spec.channels * prod(spatial)
    leaves_outputs = sum(prod(phase.shape) for phase in phases) < outputs
    nbytes = sum(map(_phase_bytes, phases)) + sum(each.shown.nbytes for each in sums)
    if spec.connections is not None:
        nbytes += spec.connections.nbytes
    return AdjointPlan(
        phases, layout, spec.batch, tuple(spatial), sums, leaves_outputs, None, nbytes
    )


def explain(plan: AdjointPlan) -> list[tuple[str, str]]:
    """List the two ways, in order, each with "chosen" or the reason why it was not."""
    if plan.phases is None:
        return [("phases", f"rejected: {plan.refused}"), ("local_gradient", "chosen")]
    return [("phases", "chosen"), ("local_gradient", "rejected: phases come first")]


def _is_hardly_shared(spec: ConvSpec) -> bool:
    """Return whether too few outputs share a kernel for phases to be faster."""
    kernels = [
        min(outputs, period) for outputs, period in zip(spec.outputs, spec.period, strict=True)
    ]
    return prod(spec.outputs) <= 2 * prod(kernels)


def _is_wasteful(along: list[list[AxisPhase]], spec: ConvSpec) -> bool:
    """Return whether phases would form too many products with padding."""
    formed = [sum(phase.row[1] * phase.row[5] for phase in axis) for axis in along]
    return prod(formed) > WASTE * prod(spec.outputs) * prod(spec.kernel)


def _phase_bytes(phase: Phase) -> int:
    """Return the bytes of a phase: its convolution, tap offsets, and lists of kernels and taps."""
    total = 2048 + 8 * prod(phase.taps)
    for turn in phase.turns or ():
        total += turn.kernels.nbytes + (0 if turn.real is None else turn.real.nbytes)
    return total


def _phases(spec: ConvSpec, along: list[list[AxisPhase]], *, folded: bool) -> list[Phase]:
    """Return the convolutions that form the adjoint; ``along`` has the phases of each axis.

    ``folded``: cells of the border are added to those that they show.
    """
    groups, inputs, outputs = spec.groups, spec.out_channels // spec.groups, spec.group_channels
    channels_last = spec.layout.channels_last
    # Few output channels are computed with columns as lanes, for which the kernels would bring the
    # channels of the input to the front in each phase.
    several = prod(len(axis) for axis in along) > 1
    to_front = channels_last and groups == 1 and outputs < FEW_CHANNELS and several
    channels_last = channels_last and not to_front
    lists = None if spec.connections is None else spec.connections.transposed.lists
    result = []
    for parts in product(*along):
        rows = [part.row for part in parts]
        counts = [row[-1] for row in rows]
        turns = order = repeats = None
        is_small = folded and min(counts) < FEW_FOLDED
        algorithm = spec.core_algorithm
        if spec.sharing != SHARED:
            turns = [axis_turns(part, p) for part, p in zip(parts, spec.period, strict=True)]
            repeats = (1,) * (CORE_AXES - len(rows)) + tuple(len(t.kernels) for t in turns)
        else:
            order = tap_offsets(spec.weight_shape, groups, [part.taps for part in parts])
        core = _core.Conv(
            core_rows(rows), n=spec.batch, groups=groups, c=inputs, k=outputs,
            channels_last=channels_last, period=repeats, table=lists, weights=order,
            algorithm="direct" if is_small and algorithm == "auto" else algorithm,
        )  # fmt: skip
        where: tuple[slice, ...] = tuple(part.outputs for part in parts)
        shape: tuple[int, ...] = (spec.batch, groups * outputs, *counts)
        if channels_last:
            shape = spec.batch, *counts, groups * outputs
        else:
            where = (slice(None), *where)
        taps = tuple(row[1] for row in rows)
        result.append(Phase(core, shape, (slice(None), *where), taps, turns, to_front))
    return result


def run(
    plan: AdjointPlan,
    grad: Array,
    weight: Array,
    bias: Array | None,
    dx: Array,
    *,
    threads: int,
) -> None:
    """Fill dx, phase by phase; what a border's padded cells have goes to the cells they show."""
    layout = plan.layout
    whole = dx.reshape(plan.batch, *dx.shape[dx.ndim - layout.axes - 1 :])
    if not plan.border_sums:
        _run_phases(plan, grad, weight, bias, whole, threads=threads)
        return
    first = 1 if layout.channels_last else 2  # spatial axis
    shape = list(whole.shape)
    shape[first : first + layout.axes] = plan.spatial
    result = np.empty(shape, dx.dtype)
    _run_phases(plan, grad, weight, None, result, threads=threads)
    with quiet():
        whole[...] = sum_borders(result, first, plan.border_sums)
        add_bias(whole, bias, layout)


def _run_phases(
    plan: AdjointPlan, x: Array, weight: Array, bias: Array | None, y: Array, *, threads: int
) -> None:
    """Fill y, with a batch, phase by phase; outputs of no phase are their bias alone."""
    phases, layout = plan.phases, plan.layout
    assert phases is not None
    if phases and phases[0].to_front:
        x = x.reshape(len(y), *x.shape[x.ndim - y.ndim + 1 :])
        x, y = np.ascontiguousarray(np.moveaxis(x, -1, 1)), np.moveaxis(y, -1, 1)
        layout = layout._replace(channels_last=False)
    if plan.leaves_outputs:
        fill_with_bias(y, bias, layout)
    alone = len(phases) == 1 and not plan.leaves_outputs
    for phase in phases:
        part = y if alone else np.empty(phase.shape, y.dtype)
        kernels = unrolled_weight(weight, phase.turns) if phase.turns else weight
        phase.core.forward(x, kernels, bias, part, threads)
        if not alone:
            y[phase.outputs] = part


def run_each_channel(
    spec: ConvSpec, grad: Array, weight: Array, dx: Array, *, threads: int
) -> None:
    """Fill dx product by product, for one input channel after the other.

    The core's direct path has no tables of connections; it is needed only for weights that are not
    finite.
    """
    assert spec.connections is not None
    channel = -1 if spec.layout.channels_last else -1 - len(spec.axes)
    gradients, results = np.moveaxis(grad, channel, 0), np.moveaxis(dx, channel, 0)
    results[...] = 0
    rows = core_rows([core_row(axis) for axis in spec.axes])
    for c, outputs in enumerate(spec.connections.array.T):
        if not outputs.any():
            continue
        core = _core.Conv(
            rows, n=spec.batch, groups=1, c=1, k=int(outputs.sum()),
            border=core_border(spec.border), channels_last=False,
        )  # fmt: skip
        ours = np.ascontiguousarray(np.moveaxis(gradients[outputs], 0, -1 - len(spec.axes)))
        one = np.empty(results.shape[1:], dx.dtype)
        core.input_gradient(ours, np.ascontiguousarray(weight[outputs, c]), one, threads)
        results[c] = one
