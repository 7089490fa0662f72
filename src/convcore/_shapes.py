"""Shapes against options: where the axes of an operand are, and what a kernel must know of each.

The options are the numbers, words and tuples that ``_args`` has passed.
"""

from collections.abc import Sequence
from math import prod

from convcore import _args
from convcore._args import Padding
from convcore.geometry import fitting_size, padding_pair, span

Row = tuple[int, int, int, int, int, int]  # in, kernel, stride, dilation, before, out


def split(
    op: str, axes: int, x: tuple[int, ...], layout: str
) -> tuple[int, int, tuple[int, ...], bool]:
    """Batch, channels and spatial sizes of x, and whether its channels come last."""
    _args.choice(op, "layout", layout, _args.LAYOUTS[axes])
    channels_last = layout == _args.LAYOUTS[axes][1]
    if len(x) not in (axes + 1, axes + 2):
        raise ValueError(
            f"{op}: x must have {axes + 2} axes ({layout}), or {axes + 1} without a batch, "
            f"got shape {x}"
        )
    n, *rest = x if len(x) == axes + 2 else (1, *x)
    channels = rest.pop(-1 if channels_last else 0)
    return n, channels, tuple(rest), channels_last


def join(
    op: str,
    n: int,
    channels: int,
    spatial: Sequence[int],
    channels_last: bool,
    **given: object,
) -> tuple[int, ...]:
    """Shape of a batch of results; refuses what no memory holds, naming the arguments."""
    shape = (n, *spatial, channels) if channels_last else (n, channels, *spatial)
    if 8 * prod(size or 1 for size in shape) > _args.MOST:
        words = ", ".join(f"{name} {_args.shown(value)}" for name, value in given.items())
        raise ValueError(
            f"{op}: the result of shape {shape} is too large for any memory, given {words}"
        )
    return shape


def axis_row(
    op: str, n: int, kernel: int, stride: int, padding: Padding, dilation: int,
    ceil_mode: bool = False,
) -> Row:  # fmt: skip
    """Check one axis of n cells, and return what the kernels need to know of it."""
    pair = padding_pair(n, kernel, stride, padding, dilation)
    if max(n + sum(pair), stride, span(kernel, dilation)) > _args.MOST // 16:
        raise ValueError(
            f"{op}: sizes out of range: an input of {n} with kernel {kernel}, stride {stride}, "
            f"padding {pair} and dilation {dilation}"
        )
    size = fitting_size(op, n, kernel, stride, pair, dilation, ceil_mode)
    # one output takes no step: strides and dilations that are never used are 1 to the kernels
    return n, kernel, stride if size > 1 else 1, dilation if kernel > 1 else 1, pair[0], size


def padding_pairs(
    spatial: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[Padding],
    dilation: Sequence[int],
) -> list[tuple[int, int]]:
    """Cells of padding before and after each axis."""
    axes = zip(spatial, kernel, stride, padding, dilation, strict=True)
    return [padding_pair(*axis) for axis in axes]


def three_axes(rows: Sequence[Row]) -> list[Row]:
    """The rows of depth, row and column, of which an operator may lack the first."""
    return [(1, 1, 1, 1, 0, 1)] * (3 - len(rows)) + list(rows)
