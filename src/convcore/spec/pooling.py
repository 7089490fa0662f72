"""A pooling layer as one value: :class:`PoolSpec`."""

from dataclasses import dataclass
from math import inf, prod
from numbers import Real

import numpy as np

from convcore.spec.axis import Axis
from convcore.spec.border import ZEROS, AnyBorder, Pair, as_border, of_windows
from convcore.spec.errors import short_repr
from convcore.spec.layout import Layout, check_result_shape, split
from convcore.spec.operands import Array, as_array, check_dtype
from convcore.spec.options import Paddings, Sizes, as_bool, as_int, per_axis, to_list
from convcore.spec.problem import check_border, conv_axes
from convcore.spec.windows import (
    first_without_cells,
    held_padding,
    no_input_cell,
    window_axis,
)

# Largest finite exponent whose gradient keeps half of float64's digits, all of float32's.
MAX_SLOPE_EXPONENT = 2**26
MAX_INDEX = 2**31 - 1  # cells of a window that the argmax kernel can count

OutputSize = int | tuple[int | None, ...] | None


@dataclass(frozen=True, slots=True)
class PoolSpec:
    """A pooling, without its arrays."""

    kind: str  # "max", "mean" or "norm"
    axes: tuple[Axis, ...]
    batch: int
    channels: int
    layout: Layout
    adaptive: bool = False  # windows of nearly equal size that cover each axis
    p: float = 0.0  # exponent of a norm
    count_padding: bool = False  # a mean also divides by the cells in the padding
    border: tuple[Pair, ...] = ()  # what the padding holds, if it does; "zeros": nothing

    @property
    def held(self) -> tuple[tuple[int, int], ...]:
        """The cells of padding before and after each axis that windows hold."""
        along = zip(self.axes, self.border or (ZEROS,) * len(self.axes), strict=True)
        return tuple(held_padding(*axis) for axis in along)

    @property
    def window_axes(self) -> tuple[Axis, ...]:
        """The axes as windows see them: cells of the padding that hold something are cells."""
        if not self.border:
            return self.axes
        return tuple(window_axis(*axis) for axis in zip(self.axes, self.held, strict=True))

    @property
    def windows(self) -> dict[str, object]:
        """The options that decide the size of the result, as errors tell them."""
        if self.adaptive:
            return {"output_size": self.outputs}
        return {
            name: tuple(axis[at] for axis in self.axes)
            for name, at in (("kernel_size", 1), ("stride", 2), ("dilation", 3), ("padding", 4))
        }

    @property
    def outputs(self) -> tuple[int, ...]:
        """Outputs along each axis."""
        return tuple(axis.outputs for axis in self.axes)

    @property
    def cells(self) -> tuple[int, ...]:
        """Cells of the input along each axis."""
        return tuple(axis.cells for axis in self.axes)

    @property
    def held_shape(self) -> tuple[int, ...]:
        """Shape of the input with those cells of the padding that windows hold."""
        cells = tuple(axis.cells for axis in self.window_axes)
        return self.layout.shape(self.batch, self.channels, cells)

    @property
    def x_shape(self) -> tuple[int, ...]:
        """Shape of the input."""
        return self.layout.shape(self.batch, self.channels, self.cells)

    @property
    def y_shape(self) -> tuple[int, ...]:
        """Shape of the result."""
        return self.layout.shape(self.batch, self.channels, self.outputs)


def sliding_spec(
    op: str,
    shape: tuple[int, ...],
    kernel: tuple[int, ...],
    *,
    kind: str,
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    ceil_mode: bool = False,
    border: AnyBorder = "zeros",
    layout: str | None = None,
    p: float = 0.0,
    count_padding: bool = False,
    name: str = "x",
) -> PoolSpec:
    """Return the checked spec of a pooling whose windows have one size and one stride."""
    x = split(op, len(kernel), shape, layout, name)
    given = f"{name} has shape {shape}"
    axes = conv_axes(
        op, x.spatial, kernel, stride=kernel if stride is None else stride, padding=padding,
        dilation=dilation, ceil_mode=as_bool(op, "ceil_mode", ceil_mode), given=given,
    )  # fmt: skip
    held = of_windows(as_border(op, border, len(kernel)), tuple(axis.pair for axis in axes))
    check_border(op, held, x.spatial, given)
    spec = PoolSpec(
        kind, axes, x.batch, x.channels, x.layout, p=p, count_padding=count_padding, border=held
    )
    options = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    check_result_shape(op, spec.y_shape, **{name: shape}, **options)
    for axis in spec.window_axes:
        empty = first_without_cells(axis)
        if empty is not None:
            raise ValueError(f"{no_input_cell(op, axis, empty)}; {given}")
    return spec


def adaptive_spec(
    op: str,
    shape: tuple[int, ...],
    output_size: object,
    *,
    axes: int,
    kind: str,
    layout: str | None = None,
    name: str = "x",
) -> PoolSpec:
    """Return the checked spec of a pooling with a given number of nearly equal windows."""
    sizes = as_output_size(op, output_size, axes)
    x = split(op, axes, shape, layout, name)
    if 0 in x.spatial:
        raise ValueError(f"{op}: {name} must have at least 1 cell on each axis, got shape {shape}")
    along = tuple(
        Axis(n, 1, 1, 1, (0, 0), size or n) for n, size in zip(x.spatial, sizes, strict=True)
    )
    spec = PoolSpec(kind, along, x.batch, x.channels, x.layout, adaptive=True)
    check_result_shape(op, spec.y_shape, **{name: shape}, output_size=output_size)
    return spec


def as_output_size(op: str, output_size: object, axes: int) -> tuple[int | None, ...]:
    """Return an adaptive pooling's outputs along each axis; None keeps the input's size."""
    sizes = to_list(output_size)
    if not isinstance(sizes, (list, tuple)):
        sizes = (sizes,) * axes
    if len(sizes) != axes:
        raise ValueError(
            f"{op}: output_size must be an integer, None or {axes} of these, one for each axis, "
            f"got {short_repr(output_size)}"
        )
    return tuple(None if size is None else as_int(op, "output_size", size, 1) for size in sizes)


def as_kernel(op: str, kernel_size: object, axes: int) -> tuple[int, ...]:
    """Return the cells of a window along each axis."""
    return per_axis(op, "kernel_size", kernel_size, axes)


def as_exponent(op: str, p: object) -> float:
    """A real number of at least 1, infinity among them."""
    if isinstance(p, (bool, np.bool)) or not isinstance(p, (Real, np.number)):
        raise TypeError(f"{op}: p must be a real number, got {short_repr(p)}")
    try:
        number = float(p)
    except Exception:
        raise ValueError(f"{op}: p must be a float or infinity, got {short_repr(p)}") from None
    if not number >= 1:
        raise ValueError(f"{op}: p must be at least 1 or infinity, got {short_repr(p)}")
    return number


def as_slope_exponent(op: str, p: object) -> float:
    """The exponent of a gradient, which has a power p - 1 of a rounded ratio."""
    number = as_exponent(op, p)
    if MAX_SLOPE_EXPONENT < number < inf:
        raise ValueError(
            f"{op}: p must be at most 2**26 or infinity, got {short_repr(p)}; a finite p costs a "
            "gradient p * 2**-52 of its value"
        )
    return number


def as_window(op: str, window: object, axes: int) -> Array:
    """Return the weights of a weighted pooling as an array."""
    weights = as_array(op, "window", window)
    check_dtype(op, "window", weights.dtype)
    check_window(op, weights.shape, axes)
    return weights


def check_window(op: str, shape: tuple[int, ...], axes: int) -> None:
    """Refuse the shape of a window of weights that has other axes, or no weight."""
    if len(shape) != axes or 0 in shape:
        raise ValueError(
            f"{op}: window must have {axes} axes and at least one weight, got shape {shape}"
        )


def check_index(op: str, spec: PoolSpec) -> None:
    """Refuse windows with more cells than the argmax kernel can count (32 bits)."""
    cells = prod(
        -(-axis.cells // axis.outputs) + 1 if spec.adaptive else min(axis.cells, axis.kernel)
        for axis in spec.window_axes
    )
    if cells > MAX_INDEX:
        raise ValueError(
            f"{op}: return_indices must be False for windows of more than {MAX_INDEX} cells, got "
            f"windows of up to {cells}"
        )
