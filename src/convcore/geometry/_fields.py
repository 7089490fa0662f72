"""Which input cells a unit deep in a stack of layers sees: sizes, jumps and offsets."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from convcore import _args
from convcore.geometry import _layers, _operators
from convcore.geometry._layers import Axis
from convcore.geometry._sizes import padding_pair, span

Sizes = tuple[int, ...]


class Field(NamedTuple):
    """What the outputs of a layer see of the input of the whole stack.

    Output o sees the cells from ``offset + o * jump`` to ``offset + o * jump + size - 1``, as far
    as they exist.

    Parameters
    ----------
    size : int or tuple of ints
        Cells from the first to the last that one output sees, both counted.
    jump : int or tuple of ints
        Cells from one output's first to the next one's.
    offset : int or tuple of ints
        First cell of output 0, negative where it is padding.

    Examples
    --------
    >>> receptive_field([(3, 2, 1)])
    [Field(size=3, jump=2, offset=-1)]
    """

    size: Any
    jump: Any
    offset: Any


def receptive_field(
    layers: Sequence[Any], input_shape: tuple[int, ...] | None = None
) -> list[Field]:
    r"""How much of the input each layer of a stack sees.

    With kernels of :math:`k_i` taps that are :math:`d_i` cells apart, strides :math:`s_i` and
    :math:`p_i` cells of padding before,

    .. math::

        r_i = r_{i-1} + d_i (k_i - 1)\, j_{i-1}, \quad j_i = s_i \, j_{i-1}, \quad
        a_i = a_{i-1} - p_i \, j_{i-1}, \qquad r_0 = j_0 = 1, \; a_0 = 0

    are the size, the jump and the offset after layer i.

    Parameters
    ----------
    layers : sequence
        From the input on: tuples ``(kernel, stride, padding, dilation)`` for one axis, of which
        the last ones may be missing, as :func:`output_size` takes them; or layers as
        :func:`count` takes them, for each of their axes. The two kinds do not mix.
    input_shape : tuple of ints, optional
        Shape of the input, for tuples ``(n,)``. Needed where ``"same"`` is combined with a
        stride, and checks that the layers fit one another.

    Returns
    -------
    list of Field
        ``size``, ``jump`` and ``offset`` after each layer: integers where the layers are tuples,
        else tuples with one for each axis.

    Raises
    ------
    ValueError, TypeError
        For options out of range, layers that do not go together, and those whose outputs do not
        all see equally many cells: adaptive poolings whose windows differ, transposed
        convolutions with a stride.

    See Also
    --------
    windows, output_size

    Notes
    -----
    The cells are those that can move the output; a dilation or a stride larger than the kernel
    leaves gaps between them. Items f07 and f26 of the study notes; Araujo, Norris and Sim,
    *Computing receptive fields of convolutional neural networks*, Distill (2019).

    Examples
    --------
    Three layers with kernels of three taps, the second one with stride 2:

    >>> for field in receptive_field([(3,), (3, 2), (3,)]):
    ...     print(field)
    Field(size=3, jump=1, offset=0)
    Field(size=5, jump=2, offset=0)
    Field(size=9, jump=2, offset=0)
    """
    op = "receptive_field"
    if not isinstance(layers, Sequence) or isinstance(layers, str):
        raise TypeError(f"{op}: layers must be a sequence of layers, got {_args.shown(layers)}")
    plain = [isinstance(layer, (tuple, list)) for layer in layers]
    if any(plain) and not all(plain):
        raise TypeError(f"{op}: layers must be all tuples or all layers with an operator, got both")
    if all(plain):
        return _of_tuples(op, layers, input_shape)
    found: list[Field] = []
    shape = input_shape
    for place, layer in enumerate(layers):
        rows, shape = _rows(f"{op}: layer {place}", layer, shape)
        if found and len(rows) != len(found[0].size):
            raise ValueError(
                f"{op}: layer {place} has {len(rows)} axes, expected {len(found[0].size)} as the "
                "layers before"
            )
        found.append(extend(found[-1] if found else start(len(rows)), rows))
    return found


def start(axes: int) -> Field:
    """The field of the input's own cells."""
    return Field((1,) * axes, (1,) * axes, (0,) * axes)


def extend(field: Field, rows: Sequence[Axis]) -> Field:
    """The field after one more layer, whose windows these are."""
    steps = [
        (size + (span(row.kernel, row.dilation) - 1) * jump, jump * row.stride,
         offset - row.pair[0] * jump)
        for size, jump, offset, row in zip(*field, rows, strict=False)
    ]  # fmt: skip
    return Field(*zip(*steps, strict=True))


def equal_windows(sizes: _operators.Sizes) -> tuple[Axis, ...] | None:
    """A layer's windows where all are alike, else None."""
    if sizes.rows is None or not sizes.transposed:
        return sizes.rows
    if any(row.stride > 1 for row in sizes.rows):
        return None
    # stride 1: the adjoint is a convolution, with the rest of the full padding
    flipped = []
    for row in sizes.rows:
        rest = span(row.kernel, row.dilation) - 1
        pair = rest - row.pair[0], rest - row.pair[1]
        flipped.append(row._replace(cells=row.outputs, outputs=row.cells, pair=pair))
    return tuple(flipped)


def _rows(op: str, layer: Any, shape: object) -> tuple[tuple[Axis, ...], tuple[int, ...] | None]:
    """A layer's windows, and its output's shape where that of its input is known."""
    read = _operators.read(op, layer)
    op = f"{op}: {read.name}"
    if shape is not None:
        sizes = _operators.sizes(op, read, shape)
        rows = equal_windows(sizes)
        if rows is None:
            raise ValueError(
                f"{op}: the outputs of {_args.shown(layer)} do not all see equally many cells"
            )
        return rows, sizes.shape
    if read.kind.startswith("adaptive") or read.kind == "conv_transpose":
        raise ValueError(f"{op}: its windows depend on the size of the input: give input_shape")
    kernel = _operators.kernel(op, read)
    stride = read.options.get("stride")
    if stride is None:
        stride = kernel if read.weight is None else 1
    options = (read.options.get("padding", "valid"), read.options.get("dilation", 1))
    return _unplaced(op, kernel, stride, *options), None


def _unplaced(
    op: str, kernel: tuple[int, ...], stride: Any, padding: Any, dilation: Any
) -> tuple[Axis, ...]:
    """Windows along axes of unknown sizes."""
    axes = len(kernel)
    rows = []
    for k, s, p, d in zip(
        kernel,
        _args.per_axis(op, "stride", stride, axes),
        _args.paddings(op, padding, axes),
        _args.per_axis(op, "dilation", dilation, axes),
        strict=True,
    ):
        if p in ("same", "same_lower") and s > 1:
            raise ValueError(
                f"{op}: padding {p!r} with stride {s} depends on the size of the input: give "
                "input_shape"
            )
        # with stride 1 the words stand for the same padding whatever the size
        rows.append(Axis(0, k, s, d, padding_pair(1, k, s, p, d), 0))
    return tuple(rows)


def _of_tuples(
    op: str, layers: Sequence[Any], input_shape: tuple[int, ...] | None
) -> list[Field]:
    n = None
    if input_shape is not None:
        (n,) = _args.per_axis(op, "input_shape", list(input_shape), 1, least=0)
    found: list[Field] = []
    for place, layer in enumerate(layers):
        words = f"{op}: layer {place}"
        if not 1 <= len(layer) <= 4:
            raise ValueError(
                f"{words} must be (kernel, stride, padding, dilation), or the first of these, got "
                f"{_args.shown(layer)}"
            )
        rest: list[Any] = [1, "valid", 1]
        kernel, stride, padding, dilation = list(layer) + rest[len(layer) - 1 :]
        # a pair is that of the only axis
        pads = (tuple(padding),) if isinstance(padding, (tuple, list)) else padding
        taps = _args.per_axis(words, "kernel", kernel, 1)
        if n is None:
            rows = _unplaced(words, taps, stride, pads, dilation)
        else:
            rows = _layers.read_windows(words, (n,), taps, stride, pads, dilation)
            n = rows[0].outputs
        found.append(extend(found[-1] if found else start(1), rows))
    return [Field(field.size[0], field.jump[0], field.offset[0]) for field in found]
