"""The number of outputs of a convolution or pooling, and the padding for a wanted number."""

from collections.abc import Sequence
from typing import Any

from convcore.spec.axis import axis_size, fitting_size, span
from convcore.spec.options import Padding, as_bool, paddings, per_axis


def output_size(
    n: int | Sequence[int],
    kernel: int | Sequence[int],
    stride: int | Sequence[int] = 1,
    padding: Padding | Sequence[Padding] = "valid",
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
) -> int | tuple[int, ...]:
    r"""Return the size of the output of a convolution or pooling.

    .. math:: o = \lfloor (n + p_0 + p_1 - d (k - 1) - 1) / s \rfloor + 1

    Parameters
    ----------
    n : int or tuple of ints
        Input size, at least 0; a tuple has one entry for each axis.
    kernel, stride, dilation : int or tuple of ints
        Taps of the kernel, cells between windows and cells between taps, each at least 1.
    padding : int, pair, word, or a tuple of these
        Cells added on both sides; or (before, after); or a word. ``"valid"`` adds none.
        ``"same"`` adds the fewest that give ``ceil(n / stride)`` outputs, an odd cell after;
        ``"same_lower"`` puts the odd cell before. ``"full"`` adds the kernel's span less one on
        both sides. If ``n`` is a tuple, a tuple has one entry for each axis.
    ceil_mode : bool
        Round up instead of down: a partial last window counts, unless it would start in the
        padding after the input.

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
    PyTorch and ONNX write the same formula with ``2 p`` for ``p_0 + p_1``. Derivation: :ref:`The
    size of any map <note-f30>`.

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
    ceil_mode = as_bool(op, "ceil_mode", ceil_mode)
    return tuple(
        fitting_size(op, *axis, ceil_mode=ceil_mode)
        for axis in zip(
            per_axis(op, "n", n, axes, least=0),
            per_axis(op, "kernel", kernel, axes),
            per_axis(op, "stride", stride, axes),
            paddings(op, padding, axes),
            per_axis(op, "dilation", dilation, axes),
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
    r"""Return the least padding that gives a wanted output size: :func:`output_size` inverted.

    .. math:: p_0 + p_1 = \max(0, (o - 1) s + d (k - 1) + 1 - n), \quad p_0 \le p_1 \le p_0 + 1

    Parameters
    ----------
    n, kernel, stride, dilation : int or tuple of ints
        As in :func:`output_size`.
    size : int or tuple of ints
        Wanted output size, at least 1.

    Returns
    -------
    pair of ints, or a tuple of pairs
        Cells before and after, for each axis; an odd cell is after.

    Raises
    ------
    ValueError, TypeError
        For sizes out of range, and if the output is larger than ``size`` without padding.

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
        per_axis(op, "n", n, axes, least=0),
        per_axis(op, "kernel", kernel, axes),
        per_axis(op, "stride", stride, axes),
        per_axis(op, "dilation", dilation, axes),
        per_axis(op, "size", size, axes),
        strict=True,
    ):
        total = max((o - 1) * s + span(k, d) - m, 0)
        pair = total // 2, total - total // 2
        without = axis_size(m, k, s, pair, d)
        if without != o:
            raise ValueError(
                f"{op}: size must be at least {without}, that without padding, got {o}; input {m}, "
                f"kernel {k}, stride {s}, dilation {d}"
            )
        pairs.append(pair)
    return tuple(pairs)
