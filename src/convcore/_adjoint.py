"""The adjoint of a convolution, computed without inserting zeros or scattering sums.

Its outputs, the cells of the convolution's input, whose places leave the same rest modulo the
stride, a phase, see the same taps of the kernel, and neighbours among them see neighbouring cells:
each phase is an ordinary convolution (of a tiled layer: a tiled one) of stride 1, with a part of
the kernel. Transposed convolutions and the gradients of inputs are made of them.

Where the convolution has few outputs, most of what its adjoint's outputs would see is padding; then
the products are formed output by output instead, by a kernel of its own.
"""

from collections.abc import Sequence
from itertools import product
from math import gcd, prod
from typing import Any, NamedTuple

import numpy as np

from convcore import _core, _linear, _shapes
from convcore._args import Array


class AxisPhase(NamedTuple):
    """The outputs of one rest along one axis, and the taps that they see, last first."""

    row: _shapes.Row
    taps: range
    outputs: slice


class Turns(NamedTuple):
    """Along one axis, the kernel and the tap that each output of a turn meets cell by cell."""

    kernels: Array  # (outputs of a turn, taps)
    taps: Array
    real: Array | None  # which of them exist, unless all do


class Phase(NamedTuple):
    """A convolution that gives the outputs of one phase."""

    core: _core.Conv
    shape: tuple[int, ...]  # of these outputs, with batch and channels
    outputs: tuple[slice, ...]
    turns: list[Turns] | None  # of a tiled layer, whose weights must be brought in order first
    to_front: bool  # channels, which come last, before the convolution


def axis_phases(n: int, k: int, s: int, d: int, before: int, size: int) -> list[AxisPhase]:
    """The phases of one axis that see any cell: n cells become ``size`` outputs.

    Tap m of output u meets cell o = (u + before - m d) / s where that is a whole number. In a phase
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


def places(
    weight: tuple[int, ...], groups: int, taps: list[range]
) -> tuple[int, int, int, int, Array]:
    """Where the weights of a phase stand: how many there are, steps, and the place of each tap.

    The weight's input channels are its first axis, those of a group together.
    """
    kernel = prod(weight[2:])
    strides = np.cumprod((1, *weight[:2:-1]))[::-1]
    place = sum(np.ix_(*(np.array(seen) * step for seen, step in zip(taps, strides, strict=True))))
    inputs = weight[1] * kernel
    of_group = weight[0] // groups * inputs
    return prod(weight), of_group, kernel, inputs, np.asarray(place, np.int64).ravel()


def axis_turns(phase: AxisPhase, period: int) -> Turns:
    """What the outputs of a phase meet, whose cells take kernels in turn.

    Where no kernel is used twice, cells that do not exist have none, and the phase no period.
    """
    n, taps, _, dilation, before, count = phase.row
    turn = np.arange(min(period, count) if period < n else count)
    cells = turn[:, None] - before + np.arange(taps) * dilation
    real = None if period < n else (cells >= 0) & (cells < n)
    return Turns(cells % period, np.broadcast_to(np.array(phase.taps), cells.shape), real)


def turned(weight: Array, turns: list[Turns]) -> Array:
    """The weights (out, *period, in, *kernel) of a tiled layer as a phase takes them.

    They become (in, *turns, out, *taps).
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


# Output channels that do not fill the vectors of a kernel that has them as lanes.
FEW_CHANNELS = 16
# Products of the phases for each that the convolution has, from which on they are formed directly.
WASTE = 4


def is_wasteful(
    along: list[list[AxisPhase]], outputs: Sequence[int], kernel: Sequence[int]
) -> bool:
    """Whether too many of the products that the phases form would be with padding."""
    formed = [sum(phase.row[1] * phase.row[5] for phase in axis) for axis in along]
    return prod(formed) > WASTE * prod(outputs) * prod(kernel)


def phases(
    n: int,
    groups: int,
    weight: tuple[int, ...],
    along: list[list[AxisPhase]],
    channels_last: bool,
    period: tuple[int, ...] | None = None,
    table: tuple[Array, Array] | None = None,
) -> list[Phase]:
    """The convolutions that together are the adjoint of one with weights of this shape.

    ``along`` holds the phases of each axis; ``period``, of a tiled layer, after how many of its
    outputs kernels repeat; ``table`` the lists of the channels that each of the adjoint's output
    channels is connected with.
    """
    axes = len(along)
    c, k = weight[0] // groups, weight[-1 - axes]
    # Few output channels are computed with columns as lanes, for which the kernels would bring the
    # channels of the input to the front in each phase.
    several = prod(len(axis) for axis in along) > 1
    to_front = channels_last and groups == 1 and k < FEW_CHANNELS and several
    channels_last = channels_last and not to_front
    result = []
    for parts in product(*along):
        rows = [part.row for part in parts]
        counts = [row[-1] for row in rows]
        turns = order = repeats = None
        if period:
            turns = [axis_turns(part, p) for part, p in zip(parts, period, strict=True)]
            repeats = (1,) * (3 - axes) + tuple(len(t.kernels) for t in turns)
        else:
            order = places(weight, groups, [part.taps for part in parts])
        core = _core.Conv(n, groups, c, k, _shapes.three_axes(rows), "zeros", channels_last,
                          period=repeats, table=table, weights=order)  # fmt: skip
        outputs: tuple[slice, ...] = tuple(part.outputs for part in parts)
        shape: tuple[int, ...] = (n, groups * k, *counts)
        if channels_last:
            shape = n, *counts, groups * k
        else:
            outputs = (slice(None), *outputs)
        result.append(Phase(core, shape, (slice(None), *outputs), turns, to_front))
    return result


def run(
    phases: list[Phase], x: Array, weight: Array, bias: Array | None, y: Array, channel_axis: int,
    threads: int,
) -> None:  # fmt: skip
    """Fill y, with a batch, phase by phase; outputs of no phase are their bias alone."""
    if phases and phases[0].to_front:
        x = x.reshape(len(y), *x.shape[x.ndim - y.ndim + 1 :])
        x, y = np.ascontiguousarray(np.moveaxis(x, -1, 1)), np.moveaxis(y, -1, 1)
        channel_axis = 1
    if sum(prod(phase.shape) for phase in phases) < y.size:
        _linear.fill_with_bias(y, bias, y.ndim - 2, channel_axis)
    for phase in phases:
        alone = prod(phase.shape) == y.size
        part = y if alone else np.empty(phase.shape, y.dtype)
        kernels = turned(weight, phase.turns) if phase.turns else weight
        phase.core.forward(x, kernels, bias, part, threads)
        if not alone:
            y[phase.outputs] = part
