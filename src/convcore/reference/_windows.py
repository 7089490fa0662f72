"""Lists of the input cells that each output of a pooling sees."""

from itertools import product
from math import prod
from typing import NamedTuple

import numpy as np

from convcore.reference._border import padded, shown_cells, sides
from convcore.reference._common import as_bool, pad_pairs, per_axis


class Window(NamedTuple):
    """The cells that one output sees, along one axis or, flattened, in the plane."""

    cells: list  # its cells of the input, ascending
    taps: list  # the kernel's tap on each of them
    inside: int  # taps on the input or its padding


class Source(NamedTuple):
    """What stands in each cell of the plane that the windows see."""

    shown: np.ndarray  # the input's cell; -1: a constant
    constant: np.ndarray


class Windows(NamedTuple):
    """The sizes of the output, and the window of each output in row-major order."""

    sizes: tuple
    each: list
    source: Source = None


def sliding(space, kernel_size, stride, padding, dilation, *, ceil_mode, border="zeros"):
    """Return windows with the taps o*s + t*d, t = 0 ... k-1, on the padded input.

    Padding that a border makes cells of is part of the plane.
    """
    nd = len(space)
    kernel = per_axis(kernel_size, nd, at_least=1, name="kernel_size")
    s = kernel if stride is None else per_axis(stride, nd, at_least=1, name="stride")
    d = per_axis(dilation, nd, at_least=1, name="dilation")
    ceil_mode = as_bool(ceil_mode, "ceil_mode")
    pads = pad_pairs(padding, space, kernel, s, d)
    held = [
        tuple(0 if side == "zeros" else cells for cells, side in zip(*axis, strict=True))
        for axis in zip(pads, sides(border, nd), strict=True)
    ]
    axes = [
        _sliding_axis(*axis, ceil_mode=ceil_mode)
        for axis in zip(space, kernel, s, pads, d, held, strict=True)
    ]
    value = padded(np.zeros((1, 1, *space)), held, border)
    source = Source(shown_cells(space, held, border).ravel(), value.ravel())
    return _combine(value.shape[2:], kernel, axes)._replace(source=source)


def adaptive(space, output_size):
    """Return a wanted number of windows of nearly equal size along each axis."""
    one = np.ndim(output_size) == 0
    wanted = [output_size] * len(space) if one else list(output_size)
    if len(wanted) != len(space):
        raise ValueError(
            f"output_size must be one for each of {len(space)} axes, got {output_size!r}"
        )
    wanted = [n if m is None else m for n, m in zip(space, wanted, strict=True)]
    sizes = per_axis(wanted, len(space), at_least=1, name="output_size")
    return _combine(space, space, [_adaptive_axis(n, m) for n, m in zip(space, sizes, strict=True)])


def _sliding_axis(n, k, s, pads, d, held, *, ceil_mode):
    """The windows of one axis of n cells, and of those of the padding that are held."""
    before, after = pads
    end = before + n + after
    span = (k - 1) * d + 1
    starts = list(range(0, end - span + 1, s))  # of those that are complete
    if ceil_mode and starts:
        if starts[-1] + span < end:  # some cells are left: one more
            starts.append(starts[-1] + s)
        if starts[-1] >= before + n:  # but none that starts after the input
            starts.pop()
    if not starts:
        raise ValueError(f"kernel must fit {n} cells with padding {pads}, got {k} taps {d} apart")
    axis = []
    for start in starts:
        nothing, cells = before - held[0], held[0] + n + held[1]
        seen = [(start + t * d - nothing, t) for t in range(k)]
        seen = [(cell, t) for cell, t in seen if 0 <= cell < cells]
        if not seen:
            raise ValueError(f"each window must hold an input cell, got none with padding {pads}")
        cells, taps = zip(*seen, strict=True)
        axis.append(Window(cells, taps, inside=sum(start + t * d < end for t in range(k))))
    return axis


def _adaptive_axis(n, m):
    """The windows of one axis of n cells: the o-th begins at o*n/m and ends at (o+1)*n/m."""
    if n == 0:
        raise ValueError("x must have at least 1 cell on each axis, got 0")
    axis = []
    for o in range(m):
        cells = range(o * n // m, -(-(o + 1) * n // m))  # rounded down, rounded up
        axis.append(Window(cells, cells, inside=len(cells)))
    return axis


def _combine(space, kernel, axes):
    """Combine the windows of the axes into those of the plane."""
    plane = np.arange(prod(space)).reshape(space)
    kernel = np.arange(prod(kernel)).reshape(kernel)
    return Windows(
        tuple(map(len, axes)),
        [
            Window(
                cells=plane[np.ix_(*(window.cells for window in windows))].ravel(),
                taps=kernel[np.ix_(*(window.taps for window in windows))].ravel(),
                inside=prod(window.inside for window in windows),
            )
            for windows in product(*axes)
        ],
    )
