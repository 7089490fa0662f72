"""Calls of convolutions, tiled and local layers, checked: what forward and gradients share."""

from functools import lru_cache
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from convcore import _args, _core, _shapes
from convcore import connections as tables
from convcore._args import Array, Padding

Sizes = int | tuple[int, ...] | list[int]
Paddings = Padding | tuple[Padding, ...] | list[Padding]


class Problem(NamedTuple):
    """A convolution's sizes, checked: what to run, or None where there is nothing to sum."""

    core: _core.Conv | None
    shape: tuple[int, ...]  # of the result, as the caller sees it
    channel_axis: int  # of that shape
    bias: tuple[int, ...]  # shape of a bias: a number for each kernel of each output channel
    n: int
    groups: int
    rows: tuple[_shapes.Row, ...]  # of each axis
    period: tuple[int, ...]  # outputs after which kernels repeat, along each axis
    border: str
    channels_last: bool
    table: bytes | None  # of connections, (out, in)


class Weight(NamedTuple):
    """What the axes of a weight are."""

    channels: int  # output
    period: tuple[int, ...]  # outputs after which kernels repeat, along each axis
    inputs: int  # input channels that a kernel sees
    kernel: tuple[int, ...]


# What a weight's shape is, by the way its kernels are shared among the outputs.
FORMS = {
    "shared": "(out, in / groups, *kernel)",
    "tiled": "(out, *period, in, *kernel)",
    "local": "(out, *output size, in, *kernel)",
}


def read_weight(op: str, axes: int, shape: tuple[int, ...], sharing: str) -> Weight:
    """The axes of a weight of this shape."""
    periods = 0 if sharing == "shared" else axes
    if len(shape) != 2 + periods + axes:
        raise ValueError(
            f"{op}: weight must have {2 + periods + axes} axes {FORMS[sharing]}, got shape {shape}"
        )
    weight = Weight(
        shape[0], shape[1 : 1 + periods] or (1,) * axes, shape[1 + periods], shape[2 + periods :]
    )
    if 0 in weight.kernel:
        raise ValueError(f"{op}: weight of shape {shape} has an empty kernel")
    if 0 in weight.period:
        raise ValueError(
            f"{op}: weight of shape {shape} has period {weight.period}, expected at least 1 "
            "along each axis"
        )
    return weight


@lru_cache(maxsize=4096)
def problem(
    op: str,
    axes: int,
    x: tuple[int, ...],
    weight: tuple[int, ...],
    stride: int | tuple[int, ...],
    padding: Padding | tuple[Padding, ...],
    dilation: int | tuple[int, ...],
    groups: int,
    border: str,
    layout: str,
    sharing: str = "shared",
    table: bytes | None = None,
) -> Problem:
    """Check shapes against options and prepare the convolution; calls alike share the work.

    The options are numbers, words and tuples that per_axis() and paddings() have passed; the table
    of connections is the memory of one that fits the weight.
    """
    _args.choice(op, "border", border, _args.BORDERS)
    n, channels, spatial, channels_last = _shapes.split(op, axes, x, layout)
    out_channels, period, group_channels, kernel = read_weight(op, axes, weight, sharing)
    groups = _args.whole(op, "groups", groups, 1)
    if channels % groups or out_channels % groups:
        raise ValueError(
            f"{op}: groups = {groups} must divide the input channels ({channels}) and the output "
            f"channels ({out_channels})"
        )
    if channels // groups != group_channels:
        raise ValueError(
            f"{op}: weight of shape {weight} has {group_channels} input channels a group, expected "
            f"{channels // groups} (x has {channels} channels in {groups} groups)"
        )
    options = (
        _args.per_axis(op, "stride", stride, axes),
        _args.paddings(op, padding, axes),
        _args.per_axis(op, "dilation", dilation, axes),
    )
    try:
        rows = tuple(
            _shapes.axis_row(op, *axis) for axis in zip(spatial, kernel, *options, strict=True)
        )
    except ValueError as error:
        raise ValueError(f"{error}; x has shape {x}, weight {weight}") from None
    if 0 in spatial and border != "zeros":
        raise ValueError(
            f"{op}: border {border!r} repeats input cells, but x of shape {x} has none on an axis"
        )
    out = tuple(row[-1] for row in rows)
    if sharing == "local" and period != out:
        raise ValueError(
            f"{op}: weight of shape {weight} has kernels for {period} outputs, but x of shape {x} "
            f"gives {out}; expected weight {FORMS[sharing]}"
        )
    shape = _shapes.join(op, n, out_channels, out, channels_last, x=x, weight=weight,
                         padding=padding, stride=stride, dilation=dilation)  # fmt: skip
    core = repeats = None
    if sharing == "local" or max(period) > 1:
        repeats = (1,) * (3 - axes) + period
    if prod(shape) and group_channels:
        core = _core.Conv(
            n, groups, group_channels, out_channels // groups, _shapes.three_axes(rows), border,
            channels_last, repeats,
            None if table is None else input_lists(table, out_channels),
        )  # fmt: skip
    if len(x) == axes + 1:
        shape = shape[1:]
    channel_axis = len(shape) - 1 if channels_last else len(shape) - axes - 1
    bias = weight[: 1 if sharing == "shared" else 1 + axes]
    return Problem(
        core, shape, channel_axis, bias, n, groups, rows, period, border, channels_last, table
    )


def input_lists(table: bytes, out_channels: int) -> tuple[Array, Array]:
    """Where each output channel's list of connected input channels begins, and the lists."""
    connected = np.frombuffer(table, np.bool_).reshape(out_channels, -1)
    starts = np.concatenate(([0], np.cumsum(connected.sum(axis=1)))).astype(np.int64)
    return starts, np.nonzero(connected)[1].astype(np.int64)


def read(
    op: str,
    axes: int,
    x: Array,
    weight: Array,
    stride: Sizes,
    padding: Paddings,
    dilation: Sizes,
    groups: int,
    connections: ArrayLike | None,
    border: str,
    layout: str,
    algorithm: str,
    sharing: str,
) -> Problem:
    """Check the options of a call against its operands; the common kinds of each pass untouched."""
    if type(stride) is not int:
        stride = _args.per_axis(op, "stride", stride, axes)
    if type(padding) is not int and type(padding) is not str:
        padding = _args.paddings(op, padding, axes)
    if type(dilation) is not int:
        dilation = _args.per_axis(op, "dilation", dilation, axes)
    if type(groups) is not int:
        groups = _args.whole(op, "groups", groups, 1)
    if type(border) is not str:
        _args.choice(op, "border", border, _args.BORDERS)
    if type(layout) is not str:
        _args.choice(op, "layout", layout, _args.LAYOUTS[axes])
    if type(algorithm) is not str or algorithm not in _args.ALGORITHMS:
        _args.choice(op, "algorithm", algorithm, _args.ALGORITHMS)
    table = None
    if connections is not None:
        pairs = weight.shape if weight.ndim == axes + 2 else (None, None)
        table = tables.check(op, connections, pairs[0], pairs[1], groups).tobytes()
    return problem(
        op, axes, x.shape, weight.shape, stride, padding, dilation, groups, border, layout,
        sharing, table,
    )  # fmt: skip


def fill_with_bias(y: Array, bias: Array | None, axes: int, channel_axis: int) -> None:
    """The result where there is nothing to sum over: the bias alone."""
    if bias is None:
        y[...] = 0
        return
    y = np.moveaxis(y, channel_axis, -1 - axes)
    period = bias.shape[1:] or (1,) * axes
    turns = [np.arange(n) % p for n, p in zip(y.shape[y.ndim - axes :], period, strict=True)]
    y[...] = bias.reshape(-1, *period)[np.ix_(np.arange(len(bias)), *turns)]
