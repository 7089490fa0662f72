"""The input cells that each output of a convolution or pooling sees, along one axis."""

from collections.abc import Iterator
from math import frexp
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from convcore.spec.axis import Axis
from convcore.spec.border import Pair, Side, is_word
from convcore.spec.errors import OutOfMemory
from convcore.spec.options import MAX_SIZE


class Window(NamedTuple):
    """The cells that one output sees along one axis.

    Parameters
    ----------
    first, last : int
        First and last input cell of the window; a dilation skips cells between them.
    cells : int
        Number of input cells in the window.
    divisor : int
        Divisor of an average: ``cells``, or more if the padding is counted.

    Examples
    --------
    >>> from convcore.geometry import windows
    >>> windows(5, 3, 2, 1)[0]
    Window(first=0, last=1, cells=2, divisor=2)
    """

    first: int
    last: int
    cells: int
    divisor: int


def each_window(op: str, axis: Axis, count_include_pad: bool) -> Iterator[Window]:
    """Yield the window of each output along one axis."""
    n, kernel, stride, dilation, (before, after), outputs = axis
    for o in range(outputs):
        start = o * stride - before
        first, cells = real_taps(start, n, kernel, dilation)
        if not cells:
            raise no_input_cell(op, axis, o)
        counted = cells
        if count_include_pad:  # cells beyond the padding are not counted
            counted = min(kernel, (n + after - 1 - start) // dilation + 1)
        yield Window(first, first + (cells - 1) * dilation, cells, counted)


def real_taps(start: int, n: int, kernel: int, dilation: int) -> tuple[int, int]:
    """Return the first input cell of a window that begins at ``start``, and the number of them."""
    skipped = max(-(start // dilation), 0)  # taps before the input
    first = start + skipped * dilation
    cells = (n - 1 - first) // dilation + 1
    return first, max(min(kernel - skipped, cells), 0)


def first_without_cells(axis: Axis) -> int | None:
    """Return the first output along an axis whose window holds no input cell, or None."""
    n, kernel, stride, dilation, (before, _), outputs = axis
    early = min(-(-before // stride), outputs)  # these begin before the input
    if early:
        # Such a window misses the input if all its taps stay before it (window 0 is the first to),
        # or if one step of the dilation passes over the whole input.
        if not real_taps(-before, n, kernel, dilation)[1]:
            return 0
        offset = -before % dilation  # first cell, from 0 on, that the steps of window 0 reach
        if n < dilation:
            over = _first_between(stride, dilation, n - offset, dilation - 1 - offset)
            if over is not None and over < early:
                return over
    late = max(-(-(n + before) // stride), 0)  # begins after the input
    return late if late < outputs else None


def _first_between(step: int, modulus: int, least: int, most: int) -> int | None:
    """Return the first x >= 0 with ``least <= x step mod modulus <= most`` (Euclid's algorithm)."""
    step %= modulus
    if least == 0:
        return 0
    if step == 0:
        return None
    x = -(-least // step)
    if x * step <= most:
        return x
    # no multiple of the step lies between: count the rounds through the modulus
    rounds = _first_between(modulus, step, -most % step, -least % step)
    return None if rounds is None else -(-(least + rounds * modulus) // step)


def no_input_cell(op: str, axis: Axis, o: int) -> ValueError:
    """Return the error of a window that holds no input cell, that of output ``o``."""
    return ValueError(
        f"{op}: each window must hold an input cell, got none in that of output {o}: input "
        f"{axis.cells}, padding {axis.pair}, kernel {axis.kernel}, stride {axis.stride}, dilation "
        f"{axis.dilation}"
    )


def cells_seen(axis: Axis) -> int:
    """Return the number of pairs of an output and an input cell in its window, along an axis.

    It is counted without a list: the pairs up to the last cell, minus those before the first.
    """
    n, kernel, stride, dilation, (before, _), outputs = axis

    def up_to(cell: int) -> int:
        """Pairs of o < outputs and t < kernel with o stride + t dilation <= cell."""
        if cell < 0:
            return 0
        taps = min(cell // dilation + 1, kernel)
        full = min(max((cell - (outputs - 1) * stride) // dilation + 1, 0), taps)
        last = cell - (taps - 1) * dilation
        part = taps - full  # taps that only some outputs have
        return full * outputs + part + floor_sum(part, stride, dilation, last)

    return up_to(n - 1 + before) - up_to(before - 1)


def floor_sum(count: int, divisor: int, step: int, first: int) -> int:
    """Return the sum of ``(first + i step) // divisor`` for i < count, by Euclid's algorithm."""
    total = 0
    while count:
        total += count * (count - 1) // 2 * (step // divisor) + count * (first // divisor)
        step, first = step % divisor, first % divisor
        most = count * step + first
        count, first = divmod(most, divisor)
        divisor, step = step, divisor
    return total


def seen_cells(op: str, axis: Axis, sides: Pair) -> NDArray[np.int64]:
    """Return the input cell under each tap of each output of an axis; -1: a constant's."""
    return cells_shown(_positions(op, axis), axis.cells, sides)


def held_padding(axis: Axis, sides: Pair) -> tuple[int, int]:
    """Return the cells of padding before and after an axis that a pooling's windows hold."""
    before, after = axis.pair
    after = min(after, max(axis.needed - before - axis.cells, 0))
    return before if sides[0] != "zeros" else 0, after if sides[1] != "zeros" else 0


def window_axis(axis: Axis, held: tuple[int, int]) -> Axis:
    """Return the axis with those cells of its padding that windows hold as cells."""
    (before, after), (empty_before, empty_after) = held, axis.pair
    pair = empty_before - before, empty_after - after
    return axis._replace(cells=before + axis.cells + after, pair=pair)


def held_cells(op: str, axis: Axis, held: tuple[int, int], sides: Pair) -> NDArray[np.int64]:
    """Return the same for a pooling that holds so many cells before and after an axis."""
    at, n = _positions(op, axis), axis.cells
    return np.where((at < -held[0]) | (at >= n + held[1]), -1, cells_shown(at, n, sides))


def _positions(op: str, axis: Axis) -> NDArray[np.int64]:
    """Return where each tap of each output is, counted from the first input cell."""
    _, kernel, stride, dilation, (before, _), outputs = axis
    if 8 * outputs * kernel > MAX_SIZE:
        raise ValueError(
            f"{op}: taps must fit into memory, got {kernel} for each of {outputs} outputs"
        )
    try:
        start = np.arange(outputs, dtype=np.int64) * stride - before
        return start[:, np.newaxis] + np.arange(kernel, dtype=np.int64) * dilation
    except MemoryError:
        raise OutOfMemory(f"{op}: no memory for {outputs} outputs of {kernel} taps") from None


def cells_shown(at: NDArray[np.int64], n: int, sides: Pair) -> NDArray[np.int64]:
    """Return the cell of n that each position shows, before, among or after them; -1: none."""
    before, after = (_shown(at, n, side) for side in sides)
    return np.where(at < 0, before, np.where(at < n, at, after))


def _shown(at: NDArray[np.int64], n: int, side: Side) -> NDArray[np.int64] | int:
    """Return the cells that positions beside the input show if this side is theirs."""
    if not is_word(side) or n == 0:
        return -1
    if side == "edge":
        return np.clip(at, 0, n - 1)
    if side == "wrap":
        return at % n
    # mirrored, with the cell at the border twice (symmetric) or once (reflect)
    twice = side == "symmetric"
    period = 2 * n if twice else max(2 * n - 2, 1)
    return np.minimum(at % period, period - twice - at % period)


def scaled(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights times the power of two that brings the largest to between 1 and 2.

    The scaling is exact and cancels in the quotient.
    """
    largest = float(np.abs(weights).max())
    if not 0 < largest < np.inf:
        return weights
    result: NDArray[np.float64] = np.ldexp(weights, 1 - frexp(largest)[1])
    return result
