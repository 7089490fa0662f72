"""One spatial axis: its cells, the kernel that slides along it, and the number of outputs."""

from typing import NamedTuple

from convcore.spec.errors import short_repr
from convcore.spec.options import MAX_SIZE, Padding


class Axis(NamedTuple):
    """One axis of a convolution or pooling: tap t of output o is on cell o stride + t dilation."""

    cells: int
    kernel: int
    stride: int
    dilation: int
    pair: tuple[int, int]  # padding before and after
    outputs: int

    @property
    def needed(self) -> int:
        """Padded cells that the outputs span."""
        return (self.outputs - 1) * self.stride + span(self.kernel, self.dilation)


def span(kernel: int, dilation: int) -> int:
    """Cells from the first tap to the last, both counted."""
    return dilation * (kernel - 1) + 1


def padding_pair(
    n: int, kernel: int, stride: int, padding: Padding, dilation: int
) -> tuple[int, int]:
    """Return the cells of padding before and after one axis, from a word, a number or a pair."""
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
    """Return the outputs along one axis; 0 or less if the kernel does not fit the padded input."""
    room = n + pair[0] + pair[1] - span(kernel, dilation)
    if room < 0:
        return 0
    if not ceil_mode:
        return room // stride + 1
    size = -(-room // stride) + 1
    # a window that starts in the padding after the input sees no cell
    return size - 1 if (size - 1) * stride >= n + pair[0] else size


def fitting_size(
    op: str,
    n: int,
    kernel: int,
    stride: int,
    padding: Padding,
    dilation: int,
    *,
    ceil_mode: bool = False,
) -> int:
    """Return the outputs along one axis; refuse a kernel that does not fit the padded input."""
    pair = padding_pair(n, kernel, stride, padding, dilation)
    size = axis_size(n, kernel, stride, pair, dilation, ceil_mode)
    if size < 1:
        raise ValueError(
            f"{op}: kernel must span at most {n + sum(pair)} cells (input {n}, padding {pair}), "
            f"got {span(kernel, dilation)} (kernel {kernel}, dilation {dilation})"
        )
    return size


def conv_axis(
    op: str,
    n: int,
    kernel: int,
    stride: int,
    padding: Padding,
    dilation: int,
    *,
    ceil_mode: bool = False,
) -> Axis:
    """Return the axis of a convolution or pooling over n cells."""
    pair = padding_pair(n, kernel, stride, padding, dilation)
    _check_range(op, n, pair, kernel=kernel, stride=stride, dilation=dilation)
    outputs = fitting_size(op, n, kernel, stride, pair, dilation, ceil_mode=ceil_mode)
    return Axis(n, kernel, stride, dilation, pair, outputs)


def transposed_axis(
    op: str,
    n: int,
    kernel: int,
    stride: int,
    padding: Padding,
    dilation: int,
    *,
    output_padding: int = 0,
) -> Axis:
    """Return the axis of a transposed convolution over n cells.

    It is the axis of the adjoint convolution, which maps the result's cells to n outputs. With an
    output padding of the stride or more it has more than n outputs; only the first n are used.
    """
    size, pair = transposed_size(
        op, n, kernel, stride, padding, dilation, output_padding=output_padding
    )
    _check_range(op, size, pair, kernel=kernel, stride=stride, dilation=dilation)
    return Axis(size, kernel, stride, dilation, pair, n)


def _check_range(
    op: str, n: int, pair: tuple[int, int], *, kernel: int, stride: int, dilation: int
) -> None:
    """Refuse sizes whose products overflow 64-bit integers."""
    if max(n + sum(pair), stride, span(kernel, dilation)) > MAX_SIZE // 16:
        raise ValueError(
            f"{op}: padded input, kernel and stride must be at most {MAX_SIZE // 16} cells, got "
            f"input {n}, padding {pair}, kernel {kernel}, dilation {dilation}, stride {stride}"
        )


def transposed_size(
    op: str,
    n: int,
    kernel: int,
    stride: int,
    padding: Padding,
    dilation: int,
    *,
    output_padding: int = 0,
) -> tuple[int, tuple[int, int]]:
    """Return a transposed convolution's outputs along n cells, and the padding before and after."""
    most = max(stride, dilation) - 1
    if not 0 <= output_padding <= most:
        raise ValueError(
            f"{op}: output_padding must be from 0 to {most}, less than stride ({stride}) or "
            f"dilation ({dilation}), got {short_repr(output_padding)}"
        )
    if output_padding >= stride and padding in ("same", "same_lower"):
        raise ValueError(
            f"{op}: output_padding must be less than stride ({stride}) with padding {padding!r}, "
            f"got {output_padding}"
        )
    if n < 1:
        raise ValueError(f"{op}: input must have at least 1 cell on each axis, got {n}")
    if padding in ("same", "same_lower"):
        size = (n - 1) * stride + 1 + output_padding
        return size, padding_pair(size, kernel, stride, padding, dilation)
    pair = padding_pair(n, kernel, stride, padding, dilation)
    size = (n - 1) * stride + span(kernel, dilation) - sum(pair) + output_padding
    if size < 1:
        raise ValueError(
            f"{op}: output must have at least 1 cell on each axis, got {size}; size = "
            f"(n - 1) * stride + (kernel - 1) * dilation + 1 - before - after + output_padding = "
            f"({n} - 1) * {stride} + ({kernel} - 1) * {dilation} + 1 - {pair[0]} - {pair[1]} + "
            f"{output_padding}"
        )
    return size, pair
