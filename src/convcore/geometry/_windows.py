"""Which input cells the outputs of a convolution or pooling see, along an axis."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convcore import _args
from convcore._args import Padding
from convcore.geometry._sizes import fitting_size, padding_pair, span


class Window(NamedTuple):
    """The cells that one output sees along one axis.

    Parameters
    ----------
    first, last : int
        First and last input cell, both in it; cells between them may be skipped by a dilation.
    cells : int
        How many input cells the window holds.
    divisor : int
        What an average divides by: ``cells``, or with the padding counted, more.

    Examples
    --------
    >>> windows(5, 3, 2, 1)[0]
    Window(first=0, last=1, cells=2, divisor=2)
    """

    first: int
    last: int
    cells: int
    divisor: int


def windows(
    n: int | Sequence[int],
    kernel: int | Sequence[int],
    stride: int | Sequence[int] = 1,
    padding: Padding | Sequence[Padding] = "valid",
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    count_include_pad: bool = False,
) -> list[Window] | tuple[list[Window], ...]:
    r"""Which input cells each output of a convolution or pooling sees.

    Output o sees the cells :math:`o s + t d - p_0` for :math:`0 \le t < k` that are not padding,
    :math:`0 \le o s + t d - p_0 < n`.

    Parameters
    ----------
    n, kernel, stride, padding, dilation, ceil_mode
        As for :func:`output_size`.
    count_include_pad : bool
        Count the cells in the padding in ``divisor`` too, though not those beyond it.

    Returns
    -------
    list of Window, or a tuple of lists
        One named tuple an output, for each axis: ``first`` and ``last`` input cell, ``cells`` (how
        many input cells it holds) and ``divisor`` (what an average divides by).

    Raises
    ------
    ValueError, TypeError
        As :func:`output_size`, and for a window that holds no input cell.

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
        found = windows(  # type: ignore[misc]
            *axis, ceil_mode=ceil_mode, count_include_pad=count_include_pad
        )
        return found[0]  # type: ignore[return-value]
    axes = len(n)
    ceil_mode = _args.flag(op, "ceil_mode", ceil_mode)
    count_include_pad = _args.flag(op, "count_include_pad", count_include_pad)
    return tuple(
        axis_windows(op, *axis, ceil_mode, count_include_pad)
        for axis in zip(
            _args.per_axis(op, "n", n, axes, least=0),
            _args.per_axis(op, "kernel", kernel, axes),
            _args.per_axis(op, "stride", stride, axes),
            _args.paddings(op, padding, axes),
            _args.per_axis(op, "dilation", dilation, axes),
            strict=True,
        )
    )


def axis_windows(
    op: str, n: int, kernel: int, stride: int, padding: Padding, dilation: int, ceil_mode: bool,
    count_include_pad: bool,
) -> list[Window]:  # fmt: skip
    """:func:`windows` for one axis, of options that have been read."""
    before, after = padding_pair(n, kernel, stride, padding, dilation)
    found = []
    for o in range(fitting_size(op, n, kernel, stride, (before, after), dilation, ceil_mode)):
        start = o * stride - before
        taps = range(start, start + span(kernel, dilation), dilation)
        real = [cell for cell in taps if 0 <= cell < n]
        if not real:
            raise ValueError(
                f"{op}: with padding {(before, after)} the window of output {o} holds no input "
                f"cell: an input of {n} with kernel {kernel}, stride {stride} and dilation "
                f"{dilation}; expected at least one"
            )
        counted = sum(cell < n + after for cell in taps) if count_include_pad else len(real)
        found.append(Window(real[0], real[-1], len(real), counted))
    return found


def adaptive_windows(
    n: int | Sequence[int], size: int | Sequence[int]
) -> list[Window] | tuple[list[Window], ...]:
    r"""Which input cells each output of an adaptive pooling sees.

    Output o of m sees the cells from :math:`\lfloor o n / m \rfloor` to
    :math:`\lceil (o + 1) n / m \rceil - 1`.

    Parameters
    ----------
    n : int or tuple of ints
        Input size, at least 1.
    size : int or tuple of ints
        Outputs m, at least 1; more than n repeat cells.

    Returns
    -------
    list of Window, or a tuple of lists
        As :func:`windows`.

    Raises
    ------
    ValueError, TypeError
        For sizes out of range.

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
    pairs = zip(
        _args.per_axis(op, "n", n, axes), _args.per_axis(op, "size", size, axes), strict=True
    )
    result = []
    for cells, m in pairs:
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
) -> list[int] | tuple[list[int], ...]:
    """How many outputs of a convolution or pooling see each input cell.

    A cell of an image is seen by as many outputs as the product of its row's and its column's
    number says.

    Parameters
    ----------
    n, kernel, stride, padding, dilation, ceil_mode
        As for :func:`output_size`.

    Returns
    -------
    list of int, or a tuple of lists
        One number an input cell, for each axis.

    Raises
    ------
    ValueError, TypeError
        As :func:`output_size`.

    See Also
    --------
    windows

    Notes
    -----
    Items f22 and f23 of the study notes: with no padding the border is under-represented, with
    full padding every cell is seen ``kernel`` times.

    Examples
    --------
    >>> input_usage(6, 3)
    [1, 2, 3, 3, 2, 1]
    >>> input_usage(4, 3, padding="full")
    [3, 3, 3, 3]
    """
    op = "input_usage"
    if not isinstance(n, (list, tuple)):
        axis: list[Any] = [(v,) for v in (n, kernel, stride, padding, dilation)]
        return input_usage(*axis, ceil_mode=ceil_mode)[0]  # type: ignore[return-value,misc]
    axes = len(n)
    ceil_mode = _args.flag(op, "ceil_mode", ceil_mode)
    result = []
    for m, k, s, p, d in zip(
        _args.per_axis(op, "n", n, axes, least=0),
        _args.per_axis(op, "kernel", kernel, axes),
        _args.per_axis(op, "stride", stride, axes),
        _args.paddings(op, padding, axes),
        _args.per_axis(op, "dilation", dilation, axes),
        strict=True,
    ):
        pair = padding_pair(m, k, s, p, d)
        outputs = fitting_size(op, m, k, s, pair, d, ceil_mode)
        usage = [0] * m
        for o in range(outputs):
            start = o * s - pair[0]
            for cell in range(start, start + span(k, d), d):
                if 0 <= cell < m:
                    usage[cell] += 1
        result.append(usage)
    return tuple(result)


def seen_cells(
    op: str, n: int, kernel: int, stride: int, dilation: int, before: int, outputs: int, border: str
) -> NDArray[np.int64]:
    """The input cell under each tap of each output of an axis; -1: a zero of the padding.

    Other borders than zeros repeat cells of an input that has at least one.
    """
    if 8 * outputs * kernel > _args.MOST:
        raise ValueError(f"{op}: {outputs} outputs of {kernel} taps are too many for any memory")
    try:
        start = np.arange(outputs, dtype=np.int64) * stride - before
        place = start[:, np.newaxis] + np.arange(kernel, dtype=np.int64) * dilation
    except MemoryError:
        raise MemoryError(f"{op}: no memory for {outputs} outputs of {kernel} taps") from None
    cells: NDArray[np.int64]
    if border == "zeros":
        cells = np.where((place >= 0) & (place < n), place, -1)
    elif border == "edge":
        cells = np.clip(place, 0, n - 1)
    elif border == "wrap":
        cells = place % n
    else:  # there and back, the last cell twice (symmetric) or once (reflect)
        twice = border == "symmetric"
        period = 2 * n if twice else max(2 * n - 2, 1)
        place %= period
        cells = np.minimum(place, period - twice - place)
    return cells
