"""Sizes of convolutions and poolings, and the padding that gives a wanted size. Pure Python.

Letters: ``n`` input size, ``kernel``, ``stride``, ``dilation`` of one axis. A kernel whose taps are
``dilation`` cells apart spans ``dilation * (kernel - 1) + 1`` cells. Every function takes one axis
(integers) or several at once (tuples, one entry an axis).
"""

from collections.abc import Sequence
from operator import index

__all__ = ["output_size", "padding_for"]

Padding = str | int | tuple[int, int]

PADDING_WORDS = ("valid", "same", "same_lower", "full")


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
    if isinstance(n, int) or not isinstance(n, Sequence):
        (size,) = _sizes(op, (n,), (kernel,), (stride,), (padding,), (dilation,), ceil_mode)
        return size
    axes = len(n)
    return tuple(
        _sizes(
            op,
            n,
            _spread(op, "kernel", kernel, axes),
            _spread(op, "stride", stride, axes),
            _spread(op, "padding", padding, axes),
            _spread(op, "dilation", dilation, axes),
            ceil_mode,
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
    if isinstance(n, int) or not isinstance(n, Sequence):
        return _axis_padding(op, n, kernel, stride, dilation, size)
    axes = len(n)
    options = (
        _spread(op, name, value, axes)
        for name, value in (
            ("kernel", kernel), ("stride", stride), ("dilation", dilation), ("size", size)
        )
    )  # fmt: skip
    return tuple(_axis_padding(op, *axis) for axis in zip(n, *options, strict=True))


def _whole(op: str, name: str, value: object, least: int) -> int:
    """A Python int of at least ``least``, or an error that names operation and argument."""
    try:
        if isinstance(value, bool):
            raise TypeError
        number = index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{op}: {name} must be an integer, got {value!r}") from None
    if number < least:
        raise ValueError(f"{op}: {name} must be at least {least}, got {number}")
    return number


def _spread(op: str, name: str, value: object, axes: int) -> tuple:
    """One entry an axis; a tuple of that many entries as it is, anything else repeated."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) != axes:
            raise ValueError(f"{op}: {name} must have {axes} entries, one an axis, got {value!r}")
        return tuple(value)
    return (value,) * axes


def _pair(op: str, padding: object) -> Padding:
    if isinstance(padding, str):
        if padding not in PADDING_WORDS:
            raise ValueError(f"{op}: padding must be one of {PADDING_WORDS}, got {padding!r}")
        return padding
    if isinstance(padding, Sequence):
        if len(padding) != 2:
            raise ValueError(f"{op}: padding must be an integer or a pair, got {padding!r}")
        return _whole(op, "padding", padding[0], 0), _whole(op, "padding", padding[1], 0)
    return _whole(op, "padding", padding, 0)


def _sizes(
    op: str,
    n: Sequence,
    kernel: Sequence,
    stride: Sequence,
    padding: Sequence,
    dilation: Sequence,
    ceil_mode: bool,
) -> list[int]:
    sizes = []
    for axis in zip(n, kernel, stride, padding, dilation, strict=True):
        n_, k, s, d = (
            _whole(op, name, value, least)
            for name, value, least in zip(
                ("n", "kernel", "stride", "dilation"),
                (axis[0], axis[1], axis[2], axis[4]),
                (0, 1, 1, 1),
                strict=True,
            )
        )
        pair = padding_pair(n_, k, s, _pair(op, axis[3]), d)
        size = axis_size(n_, k, s, pair, d, ceil_mode)
        if size < 1:
            raise ValueError(
                f"{op}: a kernel of {k} (dilation {d}: {span(k, d)} cells) does not fit an input "
                f"of {n_} with padding {pair}"
            )
        sizes.append(size)
    return sizes


def _axis_padding(
    op: str, n: object, kernel: object, stride: object, dilation: object, size: object
) -> tuple[int, int]:
    n_, k = _whole(op, "n", n, 0), _whole(op, "kernel", kernel, 1)
    s, d = _whole(op, "stride", stride, 1), _whole(op, "dilation", dilation, 1)
    o = _whole(op, "size", size, 1)
    total = max((o - 1) * s + span(k, d) - n_, 0)
    pair = total // 2, total - total // 2
    without = axis_size(n_, k, s, pair, d)
    if without != o:
        raise ValueError(
            f"{op}: size {o} is out of reach: an input of {n_} with kernel {k}, stride {s} and "
            f"dilation {d} already gives {without} without padding"
        )
    return pair
