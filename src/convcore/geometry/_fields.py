"""The receptive fields of a stack of layers: sizes, jumps and offsets."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from convcore.spec.axis import Axis, padding_pair, span
from convcore.spec.errors import short_repr
from convcore.spec.layer import described
from convcore.spec.layout import as_shape
from convcore.spec.options import paddings, per_axis
from convcore.spec.pooling import PoolSpec
from convcore.spec.problem import ConvSpec, conv_axes

Sizes = tuple[int, ...]


class Field(NamedTuple):
    """The input cells of a whole stack that the outputs of one layer see.

    Output o sees the existing cells from ``offset + o * jump`` to
    ``offset + o * jump + size - 1``.

    Parameters
    ----------
    size : int or tuple of ints
        Cells from the first to the last that one output sees, inclusive.
    jump : int or tuple of ints
        Cells from the first one of an output to the first one of the next.
    offset : int or tuple of ints
        First cell of output 0, negative if it is padding.

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
    r"""Return the receptive field of each layer of a stack, in cells of the input.

    With kernels of :math:`k_i` taps that are :math:`d_i` cells apart, strides :math:`s_i` and
    :math:`p_i` cells of padding before,

    .. math::

        r_i = r_{i-1} + d_i (k_i - 1)\, j_{i-1}, \quad j_i = s_i \, j_{i-1}, \quad
        a_i = a_{i-1} - p_i \, j_{i-1}, \qquad r_0 = j_0 = 1, \; a_0 = 0

    are the size, the jump and the offset after layer i.

    Parameters
    ----------
    layers : sequence
        Layers in order, the input's first. Either tuples ``(kernel, stride, padding, dilation)``
        for one axis, as in :func:`output_size`, whose last entries may be missing; or layers as in
        :func:`count`. The two kinds do not mix.
    input_shape : tuple of ints, optional
        Shape of the input; for tuples ``(n,)``. Required if ``"same"`` is combined with a
        stride. If given, the layers are checked to fit one another.

    Returns
    -------
    list of Field
        ``size``, ``jump`` and ``offset`` after each layer: integers if the layers are tuples,
        else tuples with an integer for each axis.

    Raises
    ------
    ValueError, TypeError
        For options out of range, layers that do not fit together, and layers whose outputs see
        different numbers of cells: adaptive poolings whose windows differ, transposed
        convolutions with a stride.

    See Also
    --------
    windows, output_size

    Notes
    -----
    The cells are those that can change the output. A dilation, or a stride larger than the kernel,
    leaves gaps between them. Derivation: :ref:`The receptive field: how much of the input a unit
    sees <note-f07>` and :ref:`A stack that shrinks: fig. 9.13 <note-f26>`; Araujo, Norris and Sim,
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
    if isinstance(layers, str) or not isinstance(layers, Sequence):
        raise TypeError(f"{op}: layers must be a sequence of layers, got {short_repr(layers)}")
    plain = [isinstance(layer, (tuple, list)) for layer in layers]
    if any(plain) and not all(plain):
        raise TypeError(f"{op}: layers must be all tuples or all layers with an operator, got both")
    if input_shape is not None:
        input_shape = as_shape(op, "input_shape", input_shape)
    if all(plain):
        return _of_tuples(op, layers, input_shape)
    found: list[Field] = []
    shape = input_shape
    for number, layer in enumerate(layers):
        rows, shape = _rows(f"{op}: layer {number}", layer, shape)
        if found and len(rows) != len(found[0].size):
            raise ValueError(
                f"{op}: layer {number} must have {len(found[0].size)} axes, as the layers before, "
                f"got {len(rows)}"
            )
        found.append(extend(found[-1] if found else start(len(rows)), rows))
    return found


def start(axes: int) -> Field:
    """Return the field of the input's own cells."""
    return Field((1,) * axes, (1,) * axes, (0,) * axes)


def extend(field: Field, rows: Sequence[Axis]) -> Field:
    """Return the field after one more layer with these windows."""
    steps = [
        (size + (span(row.kernel, row.dilation) - 1) * jump, jump * row.stride,
         offset - row.pair[0] * jump)
        for size, jump, offset, row in zip(*field, rows, strict=False)
    ]  # fmt: skip
    return Field(*zip(*steps, strict=True))


def equal_windows(spec: ConvSpec | PoolSpec) -> tuple[Axis, ...] | None:
    """Return a layer's windows if all are alike, else None."""
    if isinstance(spec, PoolSpec):
        return _equal_cuts(spec) if spec.adaptive else spec.axes
    if not spec.transposed:
        return spec.axes
    if any(axis.stride > 1 for axis in spec.axes):
        return None
    # stride 1: the adjoint is a convolution, with the remainder of the full padding
    flipped = []
    for axis in spec.axes:
        full = span(axis.kernel, axis.dilation) - 1
        pair = full - axis.pair[0], full - axis.pair[1]
        flipped.append(axis._replace(cells=axis.outputs, outputs=axis.cells, pair=pair))
    return tuple(flipped)


def _equal_cuts(spec: PoolSpec) -> tuple[Axis, ...] | None:
    """The windows of an adaptive pooling that cuts each axis evenly, else None."""
    if any(axis.cells % axis.outputs for axis in spec.axes):
        return None
    sizes = [axis.cells // axis.outputs for axis in spec.axes]
    return tuple(
        axis._replace(kernel=size, stride=size) for axis, size in zip(spec.axes, sizes, strict=True)
    )


def _rows(op: str, layer: Any, shape: object) -> tuple[tuple[Axis, ...], tuple[int, ...] | None]:
    """Return a layer's windows, and its output's shape if that of its input is known."""
    read = described(op, layer)
    op = f"{op}: {read.name}"
    if shape is not None:
        spec = read.on(op, shape)
        rows = equal_windows(spec)
        if rows is None:
            raise ValueError(
                f"{op}: all outputs must see equally many cells, got {short_repr(layer)}"
            )
        return rows, spec.y_shape
    if read.adaptive or read.operator.transposed:
        raise ValueError(f"{op}: input_shape must be given, for windows depend on it, got None")
    kernel = read.kernel(op)
    stride = read.options["stride"]
    if stride is None:
        stride = kernel
    return _unsized(op, kernel, stride, read.options["padding"], read.options["dilation"]), None


def _unsized(
    op: str, kernel: tuple[int, ...], stride: Any, padding: Any, dilation: Any
) -> tuple[Axis, ...]:
    """Return the windows along axes of unknown sizes."""
    axes = len(kernel)
    rows = []
    for k, s, p, d in zip(
        kernel,
        per_axis(op, "stride", stride, axes),
        paddings(op, padding, axes),
        per_axis(op, "dilation", dilation, axes),
        strict=True,
    ):
        if p in ("same", "same_lower") and s > 1:
            raise ValueError(
                f"{op}: input_shape must be given for padding {p!r} with stride {s}, got None"
            )
        # with stride 1 a word gives the same padding for every size
        rows.append(Axis(0, k, s, d, padding_pair(1, k, s, p, d), 0))
    return tuple(rows)


def _of_tuples(op: str, layers: Sequence[Any], input_shape: tuple[int, ...] | None) -> list[Field]:
    n = None
    if input_shape is not None:
        (n,) = per_axis(op, "input_shape", list(input_shape), 1, least=0)
    found: list[Field] = []
    for number, layer in enumerate(layers):
        words = f"{op}: layer {number}"
        if not 1 <= len(layer) <= 4:
            raise ValueError(
                f"{words} must be (kernel, stride, padding, dilation), or the first of these, got "
                f"{short_repr(layer)}"
            )
        defaults: list[Any] = [1, "valid", 1]
        kernel, stride, padding, dilation = list(layer) + defaults[len(layer) - 1 :]
        # a pair belongs to the only axis
        pads = (tuple(padding),) if isinstance(padding, (tuple, list)) else padding
        taps = per_axis(words, "kernel", kernel, 1)
        if n is None:
            rows = _unsized(words, taps, stride, pads, dilation)
        else:
            rows = conv_axes(words, (n,), taps, stride=stride, padding=pads, dilation=dilation)
            n = rows[0].outputs
        found.append(extend(found[-1] if found else start(1), rows))
    return [Field(field.size[0], field.jump[0], field.offset[0]) for field in found]
