"""Lists of the input cells that the outputs of a convolution or pooling see, for each axis."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from convcore.spec.axis import Axis, fitting_size, padding_pair
from convcore.spec.border import ZEROS, AnyBorder, Pair, as_border, is_word, of_windows
from convcore.spec.errors import short_repr
from convcore.spec.options import Padding, as_bool, paddings, per_axis
from convcore.spec.problem import check_border
from convcore.spec.windows import (
    Window,
    cells_shown,
    each_window,
    held_padding,
    real_taps,
    window_axis,
)

MAX_LISTED = 1_000_000


def windows(
    n: int | Sequence[int],
    kernel: int | Sequence[int],
    stride: int | Sequence[int] = 1,
    padding: Padding | Sequence[Padding] = "valid",
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    count_include_pad: bool = False,
    *,
    border: AnyBorder = "zeros",
) -> list[Window] | tuple[list[Window], ...]:
    r"""List the input cells that each output of a convolution or pooling sees.

    Output o sees the cells :math:`o s + t d - p_0` for :math:`0 \le t < k` that are not padding,
    :math:`0 \le o s + t d - p_0 < n`.

    Parameters
    ----------
    n, kernel, stride, padding, dilation, ceil_mode
        As in :func:`output_size`.
    count_include_pad : bool
        Count cells of the padding in ``divisor``, but not cells beyond the padding.
    border : word or number, or one of these or a (before, after) pair for each axis
        What the padding holds, as in :func:`convcore.avg_pool2d`. Where it holds something, its
        cells are cells of a window: the first before the input is cell -1.

    Returns
    -------
    list of Window, or a tuple of lists
        A named tuple for each output, for each axis: ``first`` and ``last`` input cell, ``cells``
        (the number of input cells) and ``divisor`` (the divisor of an average).

    Raises
    ------
    ValueError, TypeError
        As :func:`output_size`, for a window that holds no input cell, and for more than 1,000,000
        windows along an axis.

    See Also
    --------
    adaptive_windows, input_usage

    Examples
    --------
    >>> [(w.first, w.last, w.cells) for w in windows(6, 3, 2, ceil_mode=True)]
    [(0, 2, 3), (2, 4, 3), (4, 5, 2)]
    >>> [w.divisor for w in windows(5, 3, 1, 1, count_include_pad=True)]
    [3, 3, 3, 3, 3]
    """
    op = "windows"
    if not isinstance(n, (list, tuple)):
        axis: list[Any] = [(v,) for v in (n, kernel, stride, padding, dilation)]
        one = windows(  # type: ignore[misc]
            *axis, ceil_mode=ceil_mode, count_include_pad=count_include_pad, border=border
        )
        return one[0]  # type: ignore[return-value]
    axes = len(n)
    ceil_mode = as_bool(op, "ceil_mode", ceil_mode)
    count_include_pad = as_bool(op, "count_include_pad", count_include_pad)
    found = []
    for m, k, s, p, d in zip(
        per_axis(op, "n", n, axes, least=0),
        per_axis(op, "kernel", kernel, axes),
        per_axis(op, "stride", stride, axes),
        paddings(op, padding, axes),
        per_axis(op, "dilation", dilation, axes),
        strict=True,
    ):
        pair = padding_pair(m, k, s, p, d)
        outputs = fitting_size(op, m, k, s, pair, d, ceil_mode=ceil_mode)
        _check_listed(op, "windows", outputs)
        found.append(Axis(m, k, s, d, pair, outputs))
    border = as_border(op, border, axes)
    pairs = of_windows(border, tuple(axis.pair for axis in found)) or (ZEROS,) * axes
    check_border(op, pairs, tuple(axis.cells for axis in found), f"n is {short_repr(n)}")
    result = []
    for each, sides in zip(found, pairs, strict=True):
        held = held_padding(each, sides)
        listed = each_window(op, window_axis(each, held), count_include_pad)
        result.append([w._replace(first=w.first - held[0], last=w.last - held[0]) for w in listed])
    return tuple(result)


def _check_listed(op: str, what: str, count: int) -> None:
    """Refuse a list too long to be read, and perhaps too long for memory."""
    if count > MAX_LISTED:
        raise ValueError(
            f"{op}: {what} to list must be at most {MAX_LISTED} for an axis, got {count}"
        )


def adaptive_windows(
    n: int | Sequence[int], size: int | Sequence[int]
) -> list[Window] | tuple[list[Window], ...]:
    r"""List the input cells that each output of an adaptive pooling sees.

    Output o of m sees the cells from :math:`\lfloor o n / m \rfloor` to
    :math:`\lceil (o + 1) n / m \rceil - 1`.

    Parameters
    ----------
    n : int or tuple of ints
        Input size, at least 1.
    size : int or tuple of ints
        Outputs m, at least 1; more than n outputs repeat cells.

    Returns
    -------
    list of Window, or a tuple of lists
        As in :func:`windows`.

    Raises
    ------
    ValueError, TypeError
        For sizes out of range, and for more than 1,000,000 windows along an axis.

    See Also
    --------
    windows

    Examples
    --------
    >>> [(w.first, w.last) for w in adaptive_windows(5, 3)]
    [(0, 1), (1, 3), (3, 4)]
    """
    op = "adaptive_windows"
    if not isinstance(n, (list, tuple)):
        return adaptive_windows((n,), (size,))[0]  # type: ignore[return-value,arg-type]
    axes = len(n)
    pairs = zip(per_axis(op, "n", n, axes), per_axis(op, "size", size, axes), strict=True)
    result = []
    for cells, m in pairs:
        _check_listed(op, "windows", m)
        bounds = [(o * cells // m, -(-(o + 1) * cells // m)) for o in range(m)]
        result.append([Window(a, b - 1, b - a, b - a) for a, b in bounds])
    return tuple(result)


def input_usage(
    n: int | Sequence[int],
    kernel: int | Sequence[int],
    stride: int | Sequence[int] = 1,
    padding: Padding | Sequence[Padding] = "valid",
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    *,
    border: AnyBorder = "zeros",
) -> list[int] | tuple[list[int], ...]:
    """Count the outputs of a convolution or pooling that see each input cell.

    For an image, the count of a cell is that of its row times that of its column. A copy of the
    cell in the padding counts too, even for an output that sees both.

    Parameters
    ----------
    n, kernel, stride, padding, dilation, ceil_mode
        As in :func:`output_size`.
    border : word or number, or one of these or a (before, after) pair for each axis
        What the padding holds, as in :func:`convcore.conv2d`.

    Returns
    -------
    list of int, or a tuple of lists
        One count for each input cell, for each axis.

    Raises
    ------
    ValueError, TypeError
        As :func:`output_size`, and for more than 1,000,000 cells or windows along an axis.

    See Also
    --------
    windows

    Notes
    -----
    Derivation: :ref:`Same padding: as many outputs as cells <note-f22>` and :ref:`Full padding:
    every cell equally often <note-f23>`. With no padding the border is under-represented, with full
    padding every cell is seen ``kernel`` times.

    Examples
    --------
    >>> input_usage(6, 3)
    [1, 2, 3, 3, 2, 1]
    >>> input_usage(4, 3, padding="full")
    [3, 3, 3, 3]
    >>> input_usage(4, 3, padding="same", border="edge")
    [3, 3, 3, 3]
    >>> input_usage(4, 3, padding="same", border=(("reflect", 0.0),))
    [2, 4, 3, 2]
    """
    op = "input_usage"
    if not isinstance(n, (list, tuple)):
        axis: list[Any] = [(v,) for v in (n, kernel, stride, padding, dilation)]
        return input_usage(*axis, ceil_mode=ceil_mode, border=border)[0]  # type: ignore[return-value,misc]
    axes = len(n)
    ceil_mode = as_bool(op, "ceil_mode", ceil_mode)
    found = []
    for m, k, s, p, d in zip(
        per_axis(op, "n", n, axes, least=0),
        per_axis(op, "kernel", kernel, axes),
        per_axis(op, "stride", stride, axes),
        paddings(op, padding, axes),
        per_axis(op, "dilation", dilation, axes),
        strict=True,
    ):
        pair = padding_pair(m, k, s, p, d)
        outputs = fitting_size(op, m, k, s, pair, d, ceil_mode=ceil_mode)
        _check_listed(op, "cells", m)
        _check_listed(op, "windows", outputs)
        found.append(Axis(m, k, s, d, pair, outputs))
    border = as_border(op, border, axes)
    pairs = of_windows(border, tuple(axis.pair for axis in found)) or (ZEROS,) * axes
    check_border(op, pairs, tuple(axis.cells for axis in found), f"n is {short_repr(n)}")
    return tuple(map(_uses, found, pairs))


def _uses(axis: Axis, sides: Pair) -> list[int]:
    """Return how often each cell of an axis is used, itself and as a copy in the padding."""
    before, after = held_padding(axis, sides) if any(map(is_word, sides)) else (0, 0)
    n, kernel, stride, dilation, pair, outputs = window_axis(axis, (before, after))
    # A window adds one to every d-th cell from its first to its last.
    changes = [0] * n
    for o in range(outputs):
        first, cells = real_taps(o * stride - pair[0], n, kernel, dilation)
        if cells:
            changes[first] += 1
            if first + cells * dilation < n:
                changes[first + cells * dilation] -= 1
    for cell in range(dilation, n):
        changes[cell] += changes[cell - dilation]
    uses = changes[before : before + axis.cells]
    copies = (*range(before), *range(before + axis.cells, n))
    shown = cells_shown(np.array(copies, int) - before, axis.cells, sides)
    for i, cell in zip(copies, shown.tolist(), strict=True):
        if cell >= 0:
            uses[cell] += changes[i]
    return uses
