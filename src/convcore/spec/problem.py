"""A layer whose outputs are weighted sums of input cells, as one value: :class:`ConvSpec`.

Convolutions, tiled, local and transposed layers are values of it. Everything that follows from
shapes and options is derived here, once; engine, geometry and matrix read it.
"""

from dataclasses import dataclass
from math import prod

from convcore.spec.axis import Axis, conv_axis, transposed_axis
from convcore.spec.border import AnyBorder, Pair, as_border, is_word, of_sums
from convcore.spec.connections import Connections, as_connections
from convcore.spec.layout import Layout, check_result_shape, split
from convcore.spec.options import (
    Padding,
    Paddings,
    Sizes,
    as_int,
    paddings,
    per_axis,
)

# The axes of a weight, by the way in which outputs share its kernels.
SHARED, TILED, LOCAL = "shared", "tiled", "local"
WEIGHTS = {
    SHARED: "(out, in / groups, *kernel)",
    TILED: "(out, *period, in, *kernel)",
    LOCAL: "(out, *output size, in, *kernel)",
}
TRANSPOSED_WEIGHT = "(in, out / groups, *kernel)"


@dataclass(frozen=True, slots=True)
class ConvSpec:
    """A layer, without its arrays.

    A transposed convolution is described by its adjoint, a convolution: ``axes``, ``channels`` and
    ``out_channels`` belong to that convolution, whose input is the layer's result.
    """

    axes: tuple[Axis, ...]
    batch: int
    channels: int  # of the convolution's input, in all groups
    out_channels: int
    layout: Layout
    groups: int = 1
    sharing: str = SHARED
    period: tuple[int, ...] = ()  # outputs after which kernels repeat along each axis; not shared
    border: tuple[Pair, ...] = ()  # what the padding holds on each side of each axis, unless zeros
    connections: Connections | None = None
    transposed: bool = False
    algorithm: str = "auto"
    transform: tuple[int, ...] = ()  # of a part: lengths of the whole layer's Fourier transforms

    @property
    def core_algorithm(self) -> str:
        """The algorithm as the core knows it: separable kernels are several layers of its own."""
        return "auto" if self.algorithm == "separable" else self.algorithm

    @property
    def steps(self) -> dict[str, object]:
        """The options that decide the size of the result, as errors tell them."""
        return {
            "stride": tuple(axis.stride for axis in self.axes),
            "padding": tuple(axis.pair for axis in self.axes),
            "dilation": tuple(axis.dilation for axis in self.axes),
        }

    @property
    def kernel(self) -> tuple[int, ...]:
        """Taps along each axis."""
        return tuple(axis.kernel for axis in self.axes)

    @property
    def cells(self) -> tuple[int, ...]:
        """Cells of the convolution's input along each axis."""
        return tuple(axis.cells for axis in self.axes)

    @property
    def outputs(self) -> tuple[int, ...]:
        """Outputs of the convolution along each axis."""
        return tuple(axis.outputs for axis in self.axes)

    @property
    def group_channels(self) -> int:
        """Input channels of the convolution that a kernel sees."""
        return self.channels // self.groups

    @property
    def in_shape(self) -> tuple[int, ...]:
        """Shape of the convolution's input."""
        return self.layout.shape(self.batch, self.channels, self.cells)

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Shape of the convolution's result."""
        return self.layout.shape(self.batch, self.out_channels, self.outputs)

    @property
    def x_shape(self) -> tuple[int, ...]:
        """Shape of the layer's input."""
        return self.out_shape if self.transposed else self.in_shape

    @property
    def y_shape(self) -> tuple[int, ...]:
        """Shape of the layer's result."""
        return self.in_shape if self.transposed else self.out_shape

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """Shape of the weight; a transposed layer has the weight of its convolution."""
        return (self.out_channels, *self.period, self.group_channels, *self.kernel)

    @property
    def bias_shape(self) -> tuple[int, ...]:
        """Shape of the bias: a number for each kernel of each output channel."""
        return (self.channels if self.transposed else self.out_channels, *self.period)

    @property
    def multiply_adds(self) -> int:
        """Products in the sums of all outputs, those with the padding among them."""
        pairs = self.out_channels * self.group_channels
        if self.connections is not None:
            pairs = self.connections.pairs
        return self.batch * pairs * prod(self.outputs) * prod(self.kernel)

    @property
    def has_products(self) -> bool:
        """Whether there is anything to sum; otherwise the result is the bias alone."""
        return 0 not in (*self.y_shape, self.channels, self.out_channels)


def conv_spec(
    op: str,
    shape: tuple[int, ...],
    weight: tuple[int, ...],
    *,
    axes: int,
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
    connections: object = None,
    border: AnyBorder = "zeros",
    layout: str | None = None,
    sharing: str = SHARED,
    name: str = "x",
) -> ConvSpec:
    """Return the checked spec of a convolution, tiled or local layer.

    ``name`` is what errors call the operand of this shape.
    """
    given_border = as_border(op, border, axes)
    x = split(op, axes, shape, layout, name)
    out_channels, period, group_channels, kernel = _split_weight(op, axes, weight, sharing)
    groups = as_int(op, "groups", groups, 1)
    if x.channels % groups or out_channels % groups:
        raise ValueError(
            f"{op}: groups must divide the input channels ({x.channels}) and the output channels "
            f"({out_channels}), got {groups}"
        )
    if x.channels // groups != group_channels:
        raise ValueError(
            f"{op}: weight must have {x.channels // groups} input channels per group, got "
            f"{group_channels} in shape {weight}; {name} has {x.channels} channels in {groups} "
            "groups"
        )
    table = None
    if connections is not None:
        table = as_connections(op, connections, (out_channels, x.channels), groups)
    rows = conv_axes(
        op, x.spatial, kernel, stride=stride, padding=padding, dilation=dilation,
        given=f"{name} has shape {shape}, weight {weight}",
    )  # fmt: skip
    held = of_sums(given_border, tuple(axis.pair for axis in rows))
    check_border(op, held, x.spatial, f"{name} has shape {shape}")
    outputs = tuple(axis.outputs for axis in rows)
    if sharing == LOCAL and period != outputs:
        raise ValueError(
            f"{op}: weight must have kernels for {outputs} outputs, got {period} in shape "
            f"{weight}; {name} has shape {shape}"
        )
    spec = ConvSpec(
        rows, x.batch, x.channels, out_channels, x.layout, groups, sharing, period, held, table
    )
    given = {name: shape, "weight": weight, "padding": padding, "stride": stride}
    check_result_shape(op, spec.out_shape, **given, dilation=dilation)
    return spec


def transposed_spec(
    op: str,
    shape: tuple[int, ...],
    weight: tuple[int, ...],
    *,
    axes: int,
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
    output_padding: Sizes = 0,
    border: AnyBorder = "zeros",
    layout: str | None = None,
    name: str = "x",
) -> ConvSpec:
    """Return the checked spec of a transposed convolution.

    It is linear, so its border has no constants: it is the adjoint of the convolution's linear
    part.
    """
    given_border = as_border(op, border, axes)
    groups = as_int(op, "groups", groups, 1)
    x = split(op, axes, shape, layout, name)
    if len(weight) != axes + 2:
        raise ValueError(
            f"{op}: weight must have {axes + 2} axes {TRANSPOSED_WEIGHT}, got shape "
            f"{weight}{weight_hint(weight, axes)}"
        )
    if weight[0] != x.channels:
        raise ValueError(
            f"{op}: weight must have {x.channels} input channels, its first axis, got {weight[0]} "
            f"in shape {weight}; {name} has shape {shape}"
        )
    if x.channels % groups:
        raise ValueError(
            f"{op}: groups must divide the input channels ({x.channels}), got {groups}"
        )
    _check_kernel(op, weight, weight[2:])
    along = zip(
        x.spatial,
        weight[2:],
        per_axis(op, "stride", stride, axes),
        paddings(op, padding, axes),
        per_axis(op, "dilation", dilation, axes),
        per_axis(op, "output_padding", output_padding, axes, 0),
        strict=True,
    )
    try:
        rows = tuple(transposed_axis(op, *axis, output_padding=more) for *axis, more in along)
    except ValueError as error:
        raise ValueError(f"{error}; {name} has shape {shape}, weight {weight}") from None
    spec = ConvSpec(
        rows, x.batch, weight[1] * groups, x.channels, x.layout, groups,
        border=of_sums(given_border, tuple(axis.pair for axis in rows), linear=True),
        transposed=True,
    )  # fmt: skip
    given = {name: shape, "weight": weight, "padding": padding, "stride": stride}
    check_result_shape(op, spec.in_shape, **given, dilation=dilation, output_padding=output_padding)
    return spec


def check_border(op: str, border: tuple[Pair, ...], cells: tuple[int, ...], given: str) -> None:
    """Refuse copies of the cells of an axis that has none."""
    for axis, (pair, n) in enumerate(zip(border, cells, strict=False)):
        for side in pair:
            if n == 0 and is_word(side):
                raise ValueError(
                    f"{op}: input must have at least 1 cell on an axis with border {side!r}, got "
                    f"none on axis {axis}; {given}"
                )


def conv_axes(
    op: str,
    spatial: tuple[int, ...],
    kernel: tuple[int, ...],
    *,
    stride: Sizes | tuple[int, ...],
    padding: Paddings | tuple[Padding, ...],
    dilation: Sizes | tuple[int, ...],
    ceil_mode: bool = False,
    given: str | None = None,
) -> tuple[Axis, ...]:
    """Return every axis of a convolution or pooling; errors end with ``given``."""
    axes = len(spatial)
    along = zip(
        spatial,
        kernel,
        per_axis(op, "stride", stride, axes),
        paddings(op, padding, axes),
        per_axis(op, "dilation", dilation, axes),
        strict=True,
    )
    try:
        return tuple(conv_axis(op, *axis, ceil_mode=ceil_mode) for axis in along)
    except ValueError as error:
        if given is None:
            raise
        raise ValueError(f"{error}; {given}") from None


def _split_weight(
    op: str, axes: int, shape: tuple[int, ...], sharing: str
) -> tuple[int, tuple[int, ...], int, tuple[int, ...]]:
    """Return a weight's output channels, period, input channels per group and kernel."""
    periods = 0 if sharing == SHARED else axes
    if len(shape) != 2 + periods + axes:
        hint = "" if periods else weight_hint(shape, axes)
        raise ValueError(
            f"{op}: weight must have {2 + periods + axes} axes {WEIGHTS[sharing]}, got shape "
            f"{shape}{hint}"
        )
    period, kernel = shape[1 : 1 + periods], shape[2 + periods :]
    _check_kernel(op, shape, kernel)
    if 0 in period:
        raise ValueError(
            f"{op}: weight must have a period of at least 1 along each axis, got {period} in shape "
            f"{shape}"
        )
    return shape[0], period, shape[1 + periods], kernel


def _check_kernel(op: str, weight: tuple[int, ...], kernel: tuple[int, ...]) -> None:
    if 0 in kernel:
        raise ValueError(f"{op}: weight must have a kernel of at least 1 cell, got shape {weight}")


def weight_hint(shape: tuple[int, ...], axes: int) -> str:
    """Return a hint how to add the channel axes, if a weight lacks them."""
    if len(shape) == axes:
        return "; weight[None, None] adds the axes of one output and one input channel"
    if len(shape) == axes + 1:
        return "; weight[:, None] adds one input channel, weight[None] one output channel"
    if len(shape) == axes + 3:
        return (
            "; for a kernel for each of N images take the images as groups: "
            "x.reshape(1, N * C, ...), weight.reshape(N * out, C, ...), groups=N"
        )
    return ""
