"""Shapes of operands: which axis is the batch, which is the channels, which are spatial."""

from math import prod
from typing import NamedTuple

from convcore.spec.errors import short_repr
from convcore.spec.options import LAYOUTS, MAX_SIZE, as_int, check_choice, to_list


class Layout(NamedTuple):
    """The order of the axes of a layer's input and result, the same for both."""

    axes: int  # spatial ones
    channels_last: bool
    batched: bool

    @property
    def name(self) -> str:
        """The layout's name, such as "NCHW"."""
        return LAYOUTS[self.axes][self.channels_last]

    @property
    def channel_axis(self) -> int:
        """Axis of the channels."""
        return self.batched + (self.axes if self.channels_last else 0)

    def shape(self, batch: int, channels: int, spatial: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of an array with these sizes."""
        shape = (*spatial, channels) if self.channels_last else (channels, *spatial)
        return (batch, *shape) if self.batched else shape


class Split(NamedTuple):
    """An operand's shape, taken apart."""

    layout: Layout
    batch: int
    channels: int
    spatial: tuple[int, ...]


def split(op: str, axes: int, shape: tuple[int, ...], layout: str | None, name: str = "x") -> Split:
    """Take an operand's shape apart; a layout of None is channels first."""
    if layout is None:
        layout = LAYOUTS[axes][0]
    check_choice(op, "layout", layout, LAYOUTS[axes])
    channels_last = layout == LAYOUTS[axes][1]
    if len(shape) not in (axes + 1, axes + 2):
        got, hint = f"shape {shape}", ""
        if name != "x":
            got = str(shape)
        elif len(shape) == axes:
            index = "[..., None]" if channels_last else "[None]"
            hint = f"; x{index} adds the channel axis"
        raise ValueError(
            f"{op}: {name} must have {axes + 2} axes ({layout}), or {axes + 1} without a batch, "
            f"got {got}{hint}"
        )
    batched = len(shape) == axes + 2
    batch, *sizes = shape if batched else (1, *shape)
    channels = sizes.pop(-1 if channels_last else 0)
    return Split(Layout(axes, channels_last, batched), batch, channels, tuple(sizes))


def check_result_shape(op: str, shape: tuple[int, ...], **given: object) -> None:
    """Refuse a result that no memory can hold; the error shows the arguments given."""
    if 8 * prod(size or 1 for size in shape) > MAX_SIZE:
        words = ", ".join(f"{name} {short_repr(value)}" for name, value in given.items())
        raise ValueError(
            f"{op}: result must have fewer than 2**60 elements, got shape {shape}; given {words}"
        )


def as_shape(op: str, name: str, shape: object) -> tuple[int, ...]:
    """Return a shape as a tuple of sizes, 0 or more each."""
    sizes = to_list(shape) if getattr(shape, "ndim", 1) == 1 else None  # not an operand itself
    if not isinstance(sizes, (list, tuple)):
        raise TypeError(f"{op}: {name} must be a tuple of integers, got {short_repr(shape)}")
    return tuple(as_int(op, name, size, 0) for size in sizes)
