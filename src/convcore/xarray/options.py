"""Options by the names of dimensions, and the windows that they give along each."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from convcore.spec.axis import Axis, conv_axis
from convcore.spec.border import AnyBorder, Pair, as_border, sides
from convcore.spec.errors import short_repr
from convcore.spec.options import Padding, paddings, per_axis
from convcore.spec.registry import AXES

Sizes: TypeAlias = int | Mapping[Hashable, int]
Paddings: TypeAlias = str | int | Mapping[Hashable, Padding]
Borders: TypeAlias = AnyBorder | Mapping[Hashable, AnyBorder]


class Along(NamedTuple):
    """The windows along one dimension."""

    axis: Axis
    border: Pair


Windows = dict[Hashable, Along]


def find_dims(
    op: str, name: str, wanted: Iterable[Hashable], known: Iterable[Hashable]
) -> list[Hashable]:
    """Return the dimensions that windows span; refuse those that x has not."""
    dims, known = list(wanted), tuple(known)
    for dim in dims:
        if dim not in known:
            raise ValueError(
                f"{op}: {name} must name dimensions of x, which has {known}, got {short_repr(dim)}"
            )
    if not 1 <= len(dims) <= AXES[-1] or len(set(dims)) < len(dims):
        raise ValueError(
            f"{op}: {name} must name 1 to {AXES[-1]} different dimensions, got {short_repr(dims)}"
        )
    return dims


def window_sizes(
    op: str, name: str, given: object, by_word: Mapping[str, object], x: Any
) -> dict[Hashable, int]:
    """Return the size of a window along each dimension, from a mapping or from keywords."""
    if given is not None and by_word:
        raise TypeError(
            f"{op}: {name} and sizes by keyword are mutually exclusive, got {short_repr(given)} "
            f"and {short_repr(dict(by_word))}"
        )
    sizes = by_word if given is None else given
    if not isinstance(sizes, Mapping):
        raise TypeError(
            f"{op}: {name} must be a mapping of dimensions to sizes, got {short_repr(sizes)}"
        )
    dims = find_dims(op, name, sizes, x.sizes)
    return dict(zip(dims, per_axis(op, name, [sizes[dim] for dim in dims], len(dims)), strict=True))


def each(op: str, name: str, value: object, dims: list[Hashable], default: object) -> list[Any]:
    """Return an option's value for each dimension, from a mapping or one value for all."""
    if isinstance(value, Mapping):
        for dim in value:
            if dim not in dims:
                raise ValueError(
                    f"{op}: {name} must name dimensions of the windows, {tuple(dims)}, got "
                    f"{short_repr(dim)}"
                )
        return [value.get(dim, default) for dim in dims]
    if isinstance(value, (list, tuple, np.ndarray)):  # whose order no name tells
        raise TypeError(
            f"{op}: {name} must be one value for all dimensions, or a mapping of dimensions to "
            f"values, got {short_repr(value)}"
        )
    return [value] * len(dims)


def read_windows(
    op: str,
    x: Any,
    kernel: Mapping[Hashable, int],
    *,
    stride: object = 1,
    padding: object = "valid",
    dilation: object = 1,
    border: object = "zeros",
    ceil_mode: bool = False,
) -> Windows:
    """Return the windows along each dimension of a kernel."""
    dims, number = list(kernel), len(kernel)
    steps = per_axis(op, "stride", each(op, "stride", stride, dims, 1), number)
    pads = paddings(op, each(op, "padding", padding, dims, "valid"), number)
    spread = per_axis(op, "dilation", each(op, "dilation", dilation, dims, 1), number)
    shown = sides(as_border(op, each(op, "border", border, dims, "zeros"), number), number)
    found = {}
    for i, dim in enumerate(dims):
        axis = conv_axis(
            f"{op}, dimension {dim!r}", x.sizes[dim], kernel[dim], steps[i], pads[i], spread[i],
            ceil_mode=ceil_mode,
        )  # fmt: skip
        found[dim] = Along(axis, shown[i])
    return found


def core_options(windows: Windows, dims: Iterable[Hashable]) -> dict[str, Any]:
    """Return the options of ``convcore.api``, in the order of these dimensions."""
    along = [windows[dim] for dim in dims]
    return {
        "stride": tuple(each.axis.stride for each in along),
        "padding": tuple(each.axis.pair for each in along),
        "dilation": tuple(each.axis.dilation for each in along),
        "border": tuple(each.border for each in along),
    }
