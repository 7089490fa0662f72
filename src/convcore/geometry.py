"""Sizes of convolutions and poolings, and the padding that gives a wanted size. Pure Python.

Letters: ``n`` input size, ``kernel``, ``stride``, ``dilation`` of one axis. A kernel whose taps are
``dilation`` cells apart spans ``dilation * (kernel - 1) + 1`` cells. Every function takes one axis
(integers) or several at once (tuples, one entry an axis).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from convcore import _args
from convcore._args import Padding

__all__ = [
    "adaptive_windows",
    "input_usage",
    "output_size",
    "padding_for",
    "windows",
]


def span(kernel: int, dilation: int) -> int:
    """Cells from the first tap to the last, both counted."""
    return dilation * (kernel - 1) + 1


def padding_pair(
    n: int, kernel: int, stride: int, padding: Padding, dilation: int
) -> tuple[int, int]:
    """Cells of padding before and after one axis that a word, a number or a pair stands for."""
    if isinstance(padding, tuple):
        return padding
    if isinstance(padding, int):
        return padding, padding
    if padding == "valid":
        return 0, 0
    if padding == "full":
        return span(kernel, dilation) - 1, span(kernel, dilation) - 1
    # "same": the fewest cells that give ceil(n / stride) outputs, the odd one after
    # ("same_lower": before).
    total = max((-(-n // stride) - 1) * stride + span(kernel, dilation) - n, 0)
    half = total // 2
    return (half, total - half) if padding == "same" else (total - half, half)


def axis_size(
    n: int, kernel: int, stride: int, pair: tuple[int, int], dilation: int, ceil_mode: bool = False
) -> int:
    """Outputs along one axis; 0 or less where the kernel does not fit the padded input."""
    room = n + pair[0] + pair[1] - span(kernel, dilation)
    if room < 0:
        return 0
    if not ceil_mode:
        return room // stride + 1
    size = -(-room // stride) + 1
    # a window that would start in the padding after the input sees nothing new
    return size - 1 if (size - 1) * stride >= n + pair[0] else size


def fitting_size(
    op: str, n: int, kernel: int, stride: int, padding: Padding, dilation: int, ceil_mode: bool
) -> int:
    """Outputs along one axis; an error where the kernel does not fit the padded input."""
    pair = padding_pair(n, kernel, stride, padding, dilation)
    size = axis_size(n, kernel, stride, pair, dilation, ceil_mode)
    if size < 1:
        raise ValueError(
            f"{op}: a kernel of {kernel} (dilation {dilation}: {span(kernel, dilation)} cells) "
            f"does not fit an input of {n} with padding {pair}"
        )
    return size


def output_size(
    n: int | Sequence[int],
    kernel: int | Sequence[int],
    stride: int | Sequence[int] = 1,
    padding: Padding | Sequence[Padding] = "valid",
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
) -> int | tuple[int, ...]:
    r"""Size of the output of a convolution or pooling.

    .. math:: o = \lfloor (n + p_0 + p_1 - d (k - 1) - 1) / s \rfloor + 1

    Parameters
    ----------
    n : int or tuple of ints
        Input size, at least 0; a tuple gives several axes at once.
    kernel, stride, dilation : int or tuple of ints
        Taps, step and distance between taps, in cells, each at least 1.
    padding : int, pair, word, or a tuple of these
        Cells added on both sides, (before, after), or ``"valid"`` (none), ``"same"`` and
        ``"same_lower"`` (as few as give ``ceil(n / stride)`` outputs, the odd cell after / before),
        ``"full"`` (the kernel's span less one on both sides). With a tuple for ``n``, a tuple of
        ints or pairs gives each axis its own.
    ceil_mode : bool
        Round up instead of down, so that a last partial window counts, unless it would start in
        the padding after the input.

    Returns
    -------
    int or tuple of ints
        The output size, for each axis.

    Raises
    ------
    ValueError, TypeError
        For sizes out of range, and for a kernel that does not fit the padded input.

    Notes
    -----
    PyTorch, ONNX and the study notes (f21-f24, f30) write the same formula with ``2 p`` for
    ``p_0 + p_1``.

    Examples
    --------
    >>> output_size(32, 5)
    28
    >>> output_size(227, 11, stride=4)
    55
    >>> output_size((5, 6), 3, stride=2, padding="same")
    (3, 3)
    >>> output_size(6, 3, stride=2, ceil_mode=True)
    3
    """
    op = "output_size"
    if not isinstance(n, (list, tuple)):
        axis: list[Any] = [(v,) for v in (n, kernel, stride, padding, dilation)]
        return output_size(*axis, ceil_mode=ceil_mode)[0]  # type: ignore[index,misc]
    axes = len(n)
    ceil_mode = _args.flag(op, "ceil_mode", ceil_mode)
    return tuple(
        fitting_size(op, *axis, ceil_mode)
        for axis in zip(
            _args.per_axis(op, "n", n, axes, least=0),
            _args.per_axis(op, "kernel", kernel, axes),
            _args.per_axis(op, "stride", stride, axes),
            _args.paddings(op, padding, axes),
            _args.per_axis(op, "dilation", dilation, axes),
            strict=True,
        )
    )


def padding_for(
    n: int | Sequence[int],
    kernel: int | Sequence[int],
    stride: int | Sequence[int],
    dilation: int | Sequence[int],
    size: int | Sequence[int],
) -> tuple[int, int] | tuple[tuple[int, int], ...]:
    r"""Fewest cells of padding that give a wanted output size: :func:`output_size` inverted.

    .. math:: p_0 + p_1 = \max(0, (o - 1) s + d (k - 1) + 1 - n), \quad p_0 \le p_1 \le p_0 + 1

    Parameters
    ----------
    n, kernel, stride, dilation : int or tuple of ints
        As for :func:`output_size`.
    size : int or tuple of ints
        Wanted output size, at least 1.

    Returns
    -------
    pair of ints, or a tuple of pairs
        Cells before and after, for each axis; the odd cell is after.

    Raises
    ------
    ValueError, TypeError
        For sizes out of range, and where the output is larger than ``size`` with no padding at all.

    Examples
    --------
    >>> padding_for(16, 6, 1, 1, 16)
    (2, 3)
    >>> output_size(16, 6, padding=(2, 3))
    16
    >>> padding_for((5, 5), (3, 1), 2, 1, 3)
    ((1, 1), (0, 0))
    """
    op = "padding_for"
    if not isinstance(n, (list, tuple)):
        axis: list[Any] = [(v,) for v in (n, kernel, stride, dilation, size)]
        return padding_for(*axis)[0]  # type: ignore[return-value]
    axes = len(n)
    pairs = []
    for m, k, s, d, o in zip(
        _args.per_axis(op, "n", n, axes, least=0),
        _args.per_axis(op, "kernel", kernel, axes),
        _args.per_axis(op, "stride", stride, axes),
        _args.per_axis(op, "dilation", dilation, axes),
        _args.per_axis(op, "size", size, axes),
        strict=True,
    ):
        total = max((o - 1) * s + span(k, d) - m, 0)
        pair = total // 2, total - total // 2
        without = axis_size(m, k, s, pair, d)
        if without != o:
            raise ValueError(
                f"{op}: size {o} is out of reach: an input of {m} with kernel {k}, stride {s} and "
                f"dilation {d} already gives {without} without padding"
            )
        pairs.append(pair)
    return tuple(pairs)


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
        _axis_windows(op, *axis, ceil_mode, count_include_pad)
        for axis in zip(
            _args.per_axis(op, "n", n, axes, least=0),
            _args.per_axis(op, "kernel", kernel, axes),
            _args.per_axis(op, "stride", stride, axes),
            _args.paddings(op, padding, axes),
            _args.per_axis(op, "dilation", dilation, axes),
            strict=True,
        )
    )


def _axis_windows(
    op: str, n: int, kernel: int, stride: int, padding: Padding, dilation: int, ceil_mode: bool,
    count_include_pad: bool,
) -> list[Window]:  # fmt: skip
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
