"""What a layer's shapes and options say, read and checked: the sums that its outputs are.

Counts and matrices are derived from it, with no array of the operators.
"""

from collections.abc import Sequence
from typing import NamedTuple

from convcore import _args
from convcore._args import Array, Padding
from convcore.connections import check as check_table
from convcore.geometry._sizes import fitting_size, padding_pair, span, transposed_axis

Sizes = int | tuple[int, ...] | list[int]
Paddings = Padding | tuple[Padding, ...] | list[Padding]


class Axis(NamedTuple):
    """One axis of a convolution or pooling: tap t of output o is on cell o stride + t dilation."""

    cells: int
    kernel: int
    stride: int
    dilation: int
    pair: tuple[int, int]  # padding before and after
    outputs: int


class Input(NamedTuple):
    """An input's shape, read."""

    batch: int
    channels: int
    space: tuple[int, ...]
    batched: bool
    channels_last: bool


class Linear(NamedTuple):
    """A layer whose outputs are weighted sums of input cells.

    A transposed convolution is described by the convolution whose adjoint it is: the channels and
    cells of that one's input are those of the layer's output.
    """

    batch: int
    channels: int
    out_channels: int
    groups: int
    axes: tuple[Axis, ...]
    period: tuple[int, ...]  # of the kernels: 1 for a convolution, the output's size if local
    border: str
    channels_last: bool
    table: Array | None = None  # of connections


def read_input(op: str, axes: int, input_shape: object, layout: str | None) -> Input:
    """Take an input's shape apart; a layout of None is channels first."""
    shape = read_shape(op, "input_shape", input_shape)
    if layout is None:
        layout = _args.LAYOUTS[axes][0]
    _args.choice(op, "layout", layout, _args.LAYOUTS[axes])
    if len(shape) not in (axes + 1, axes + 2):
        raise ValueError(
            f"{op}: input_shape must have {axes + 2} axes ({layout}), or {axes + 1} without a "
            f"batch, got {shape}"
        )
    last = layout == _args.LAYOUTS[axes][1]
    batched = len(shape) == axes + 2
    batch, *rest = shape if batched else (1, *shape)
    channels = rest.pop(-1 if last else 0)
    return Input(batch, channels, tuple(rest), batched, last)


def read_shape(op: str, name: str, shape: object) -> tuple[int, ...]:
    """A shape as a tuple of sizes, 0 or more each."""
    sizes = _args.listed(shape)
    if not isinstance(sizes, (list, tuple)):
        raise TypeError(f"{op}: {name} must be a tuple of integers, got {_args.shown(shape)}")
    return tuple(_args.whole(op, name, size, 0) for size in sizes)


def read_windows(
    op: str,
    space: Sequence[int],
    kernel: Sequence[int],
    stride: object,
    padding: object,
    dilation: object,
    ceil_mode: bool = False,
) -> tuple[Axis, ...]:
    """Lay a kernel over every axis."""
    axes = len(space)
    return tuple(
        _axis(op, *axis, ceil_mode)
        for axis in zip(
            space,
            kernel,
            _args.per_axis(op, "stride", stride, axes),
            _args.paddings(op, padding, axes),
            _args.per_axis(op, "dilation", dilation, axes),
            strict=True,
        )
    )


def _axis(
    op: str, n: int, kernel: int, stride: int, padding: Padding, dilation: int, ceil_mode: bool
) -> Axis:
    pair = padding_pair(n, kernel, stride, padding, dilation)
    _check_range(op, n, kernel, stride, pair, dilation)
    outputs = fitting_size(op, n, kernel, stride, pair, dilation, ceil_mode)
    return Axis(n, kernel, stride, dilation, pair, outputs)


def _check_range(
    op: str, n: int, kernel: int, stride: int, pair: tuple[int, int], dilation: int
) -> None:
    if max(n + sum(pair), stride, span(kernel, dilation)) > _args.MOST // 16:
        raise ValueError(
            f"{op}: sizes out of range: an input of {n} with kernel {kernel}, stride {stride}, "
            f"padding {pair} and dilation {dilation}"
        )


def _check_channels(op: str, weight: tuple[int, ...], got: int, expected: int, why: str) -> None:
    if got != expected:
        raise ValueError(
            f"{op}: weight of shape {weight} has {got} {why}, expected {expected} as input_shape "
            "and groups say"
        )


def _check_kernel(op: str, weight: tuple[int, ...], sizes: Sequence[int]) -> None:
    if 0 in sizes:
        raise ValueError(f"{op}: weight of shape {weight} has no cells on an axis")


def _check_groups(op: str, groups: int, **channels: int) -> None:
    for name, count in channels.items():
        if count % groups:
            raise ValueError(
                f"{op}: groups = {groups} must divide the {name} channels, which are {count}"
            )


def convolution(
    op: str,
    axes: int,
    weight: tuple[int, ...],
    input_shape: object,
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
    *,
    connections: object = None,
    border: str = "zeros",
    layout: str | None = None,
) -> Linear:
    """Read a convolution: weight (out, in / groups, *kernel)."""
    x = read_input(op, axes, input_shape, layout)
    if len(weight) != axes + 2:
        raise ValueError(
            f"{op}: weight must have {axes + 2} axes (out, in / groups, *kernel), got shape "
            f"{weight}"
        )
    groups = _args.whole(op, "groups", groups, 1)
    _check_groups(op, groups, input=x.channels, output=weight[0])
    _check_channels(op, weight, weight[1], x.channels // groups, "input channels a group")
    _check_kernel(op, weight, weight[2:])
    _args.choice(op, "border", border, _args.BORDERS)
    if border != "zeros" and 0 in x.space:
        raise ValueError(
            f"{op}: border {border!r} repeats input cells, but input_shape {input_shape} has none "
            "on an axis"
        )
    table = None
    if connections is not None:
        table = check_table(op, connections, weight[0], x.channels, groups)
    rows = read_windows(op, x.space, weight[2:], stride, padding, dilation)
    return Linear(x.batch, x.channels, weight[0], groups, rows, (1,) * axes, border,
                  x.channels_last, table)  # fmt: skip


def unshared(
    op: str,
    axes: int,
    weight: tuple[int, ...],
    input_shape: object,
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    local: bool,
    layout: str | None = None,
) -> Linear:
    """Read a local or tiled layer: weight (out, *period, in, *kernel)."""
    x = read_input(op, axes, input_shape, layout)
    if len(weight) != 2 * axes + 2:
        words = "*out_spatial" if local else "*period"
        raise ValueError(
            f"{op}: weight must have {2 * axes + 2} axes (out, {words}, in, *kernel), got shape "
            f"{weight}"
        )
    period, channels, kernel = weight[1 : axes + 1], weight[axes + 1], weight[axes + 2 :]
    _check_channels(op, weight, channels, x.channels, "input channels")
    _check_kernel(op, weight, (*period, *kernel))
    rows = read_windows(op, x.space, kernel, stride, padding, dilation)
    outputs = tuple(row.outputs for row in rows)
    if local and period != outputs:
        raise ValueError(
            f"{op}: weight of shape {weight} has kernels for {period} outputs, expected {outputs}, "
            f"one for each output of input_shape {input_shape}"
        )
    return Linear(x.batch, x.channels, weight[0], 1, rows, period, "zeros", x.channels_last)


def transposed(
    op: str,
    axes: int,
    weight: tuple[int, ...],
    input_shape: object,
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
    *,
    output_padding: Sizes = 0,
    layout: str | None = None,
) -> Linear:
    """Read a transposed convolution: weight (in, out / groups, *kernel)."""
    x = read_input(op, axes, input_shape, layout)
    if len(weight) != axes + 2:
        raise ValueError(
            f"{op}: weight must have {axes + 2} axes (in, out / groups, *kernel), got shape "
            f"{weight}"
        )
    groups = _args.whole(op, "groups", groups, 1)
    _check_groups(op, groups, input=x.channels)
    _check_channels(op, weight, weight[0], x.channels, "input channels")
    _check_kernel(op, weight, weight[2:])
    rows = []
    for n, kernel, s, p, d, more in zip(
        x.space,
        weight[2:],
        _args.per_axis(op, "stride", stride, axes),
        _args.paddings(op, padding, axes),
        _args.per_axis(op, "dilation", dilation, axes),
        _args.per_axis(op, "output_padding", output_padding, axes, least=0),
        strict=True,
    ):
        size, pair = transposed_axis(op, n, kernel, s, p, d, more)
        _check_range(op, size, kernel, s, pair, d)
        rows.append(Axis(size, kernel, s, d, pair, n))
    return Linear(x.batch, weight[1] * groups, x.channels, groups, tuple(rows), (1,) * axes,
                  "zeros", x.channels_last)  # fmt: skip
