"""How many outputs a convolution or pooling has along an axis, and which padding gives how many."""

from collections.abc import Sequence
from typing import Any

from convcore import _args
from convcore._args import Padding


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


def transposed_axis(
    op: str, n: int, kernel: int, stride: int, padding: Padding, dilation: int,
    output_padding: int = 0,
) -> tuple[int, tuple[int, int]]:  # fmt: skip
    """Outputs of a transposed convolution along one axis of n cells, and its padding.

    The padding is that of the convolution it is the adjoint of, which maps as many cells to n.
    """
    if not 0 <= output_padding < stride:
        raise ValueError(
            f"{op}: output_padding must be from 0 to {stride - 1}, less than the stride {stride}, "
            f"got {_args.shown(output_padding)}: the convolution of so many more cells would have "
            "more outputs"
        )
    if n < 1:
        raise ValueError(f"{op}: x has an axis of {n} cells, which no convolution has as output")
    if padding in ("same", "same_lower"):
        size = (n - 1) * stride + 1 + output_padding
        return size, padding_pair(size, kernel, stride, padding, dilation)
    pair = padding_pair(n, kernel, stride, padding, dilation)
    size = (n - 1) * stride + span(kernel, dilation) - sum(pair) + output_padding
    if size < 1:
        raise ValueError(
            f"{op}: the output would have {size} cells on an axis, expected at least 1: "
            f"(n - 1) * stride + (kernel - 1) * dilation + 1 - before - after + output_padding = "
            f"({n} - 1) * {stride} + ({kernel} - 1) * {dilation} + 1 - {pair[0]} - {pair[1]} + "
            f"{output_padding}"
        )
    return size, pair


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
