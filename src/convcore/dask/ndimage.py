"""Filters with SciPy's names, block by block.

A block is filtered with the cells beside it that its windows see, and these are cut off.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from convcore import ndimage
from convcore.dask.arrays import DaskArray, as_dask
from convcore.dask.windows import map_windows
from convcore.engine.algorithm import set_algorithm
from convcore.engine.threads import threads
from convcore.ndimage.arguments import (
    Request,
    Sides,
    as_axes,
    as_axis,
    as_origins,
    as_sides,
    as_sizes,
    first_taps,
)
from convcore.ndimage.elsewhere import FilterError
from convcore.ndimage.smoothing import gaussian_lines
from convcore.spec.errors import short_repr
from convcore.spec.made import present
from convcore.spec.operands import Array

Given = dict[str, Any]


class Reach(NamedTuple):
    """The window of a filter along some axes: its sizes, where its first cells lie."""

    axes: tuple[int, ...]
    sizes: tuple[int, ...]
    first: tuple[int, ...]
    passes: bool = False  # whether a pass along an axis takes the results of another


def _of_line(op: str, given: Given, ndim: int, size: int, flipped: bool = False) -> Reach:
    axes = (as_axis(op, given["axis"], ndim),)
    return Reach(
        axes, (size,), first_taps((size,), as_origins(op, given["origin"], (size,), flipped))
    )


def _of_weights(flipped: bool) -> Callable[[str, Given, int], Reach]:
    def reach(op: str, given: Given, ndim: int) -> Reach:
        shape: tuple[int, ...] = np.shape(given["weights"])
        if "axis" in given:
            return _of_line(op, given, ndim, shape[0] if shape else 1, flipped)
        return _of_shape(op, given, ndim, shape, flipped)

    return reach


def _of_shape(op: str, given: Given, ndim: int, shape: tuple[int, ...], flipped: bool) -> Reach:
    axes = as_axes(op, given["axes"], ndim)
    if len(shape) != len(axes):
        raise FilterError(f"{op}: weights and footprint must have {len(axes)} axes, got {shape}")
    if len(axes) == ndim:  # their order says nothing
        axes = tuple(range(ndim))
    ordered = sorted(axes)  # the axes of the weights
    sizes = tuple(shape[ordered.index(axis)] for axis in axes)
    return Reach(axes, sizes, first_taps(sizes, as_origins(op, given["origin"], sizes, flipped)))


def _of_sizes(flipped: bool = False) -> Callable[[str, Given, int], Reach]:
    def reach(op: str, given: Given, ndim: int) -> Reach:
        for name in ("structure", "footprint"):
            if given.get(name) is not None:
                return _of_shape(op, given, ndim, np.shape(given[name]), flipped)
        if "axis" in given:
            return _of_line(op, given, ndim, as_sizes(op, given["size"], 1)[0])
        axes = as_axes(op, given["axes"], ndim)
        if given["size"] is None:
            raise FilterError(f"{op}: no footprint or filter size provided (size, footprint)")
        sizes = tuple(max(size, 1) for size in as_sizes(op, given["size"], len(axes), least=0))
        first = first_taps(sizes, as_origins(op, given["origin"], sizes, flipped))
        return Reach(axes, sizes, first, passes=op.endswith("uniform_filter"))

    return reach


def _of_gaussian(op: str, given: Given, ndim: int) -> Reach:
    axes = as_axes(op, given["axis"] if "axis" in given else given["axes"], ndim)
    options = {"truncate": 4.0, "radius": None, "order": 0, **given.get("kwargs", {})}
    options |= {name: given[name] for name in options if name in given}
    lines = gaussian_lines(
        op, len(axes), given["sigma"], options["order"], options["truncate"], options["radius"]
    )
    sizes = tuple(1 if line is None else len(line) for line in lines)
    return Reach(axes, sizes, tuple(-(size // 2) for size in sizes), passes=len(axes) > 1)


def _of_three(op: str, given: Given, ndim: int) -> Reach:
    axes = as_axes(op, given.get("axes"), ndim)
    return Reach(axes, (3,) * len(axes), (-1,) * len(axes), passes="axis" in given and ndim > 1)


REACHES: dict[str, Callable[[str, Given, int], Reach]] = {
    "correlate": _of_weights(False),
    "correlate1d": _of_weights(False),
    "convolve": _of_weights(True),
    "convolve1d": _of_weights(True),
    "gaussian_filter": _of_gaussian,
    "gaussian_filter1d": _of_gaussian,
    "gaussian_laplace": _of_gaussian,
    "gaussian_gradient_magnitude": _of_gaussian,
    "laplace": _of_three,
    "sobel": _of_three,
    "prewitt": _of_three,
    "uniform_filter": _of_sizes(),
    "uniform_filter1d": _of_sizes(),
    "maximum_filter": _of_sizes(),
    "maximum_filter1d": _of_sizes(),
    "minimum_filter": _of_sizes(),
    "minimum_filter1d": _of_sizes(),
    "median_filter": _of_sizes(),
    "rank_filter": _of_sizes(),
    "percentile_filter": _of_sizes(),
    "grey_dilation": _of_sizes(True),
    "grey_erosion": _of_sizes(),
}


@dataclass(frozen=True)
class Block:
    """Filters a block with what is beside it, and cuts that off."""

    name: str
    given: Given
    reach: Reach

    def __call__(self, x: Array) -> Array:
        """Return the outputs whose windows lie inside the block."""
        with set_algorithm("direct"), threads(1):  # others depend on the block's size
            y = getattr(ndimage, self.name)(x, **self.given)
        inside = [slice(None)] * x.ndim
        for axis, size, first in zip(*self.reach[:3], strict=True):
            inside[axis] = slice(-first, x.shape[axis] - (size - 1 + first))
        return np.ascontiguousarray(y[tuple(inside)])


def _check_passes(op: str, reach: Reach, sides: Sides) -> None:
    """Refuse what passes would make of a constant: each has its results beside it."""
    constant = any(not isinstance(side, str) and side != 0 for side in sides)
    if reach.passes and (constant or (op in MIXED and len(set(sides)) > 1)):
        raise FilterError(
            f"{op}: mode must be one for all axes, and none with a cval other than 0, got "
            f"{short_repr(sides)}: passes along axes would take it again"
        )


MIXED = ("dask.gaussian_laplace", "dask.gaussian_gradient_magnitude")  # have one mode a pass


TEXT = """As :func:`convcore.ndimage.{name}`, for a dask array.

    Parameters
    ----------
    input : dask.array.Array
        Input, of any chunks of known sizes.
    output : dtype, optional
        Of the result. Default: that of ``input``.

    Others are those of :func:`convcore.ndimage.{name}`. Sums of real numbers are direct ones.

    Returns
    -------
    dask.array.Array
        Of the input's shape. Nothing is computed yet.

    Raises
    ------
    ValueError, TypeError
        As :func:`convcore.ndimage.{name}`; for an ``input`` that is no dask array; for passes along
        several axes with a constant other than 0.

    Examples
    --------
    >>> import inspect
    >>> from convcore import dask, ndimage
    >>> own = inspect.signature(dask.ndimage.{name})
    >>> own == inspect.signature(ndimage.{name})
    True
    """


def _filter(name: str) -> Callable[..., DaskArray]:
    plain = getattr(ndimage, name)
    signature = inspect.signature(plain)

    def function(input: Any, *args: Any, **kwargs: Any) -> DaskArray:
        op = f"dask.{name}"
        x = as_dask(op, "input", input)
        bound = signature.bind(x, *args, **kwargs)
        bound.apply_defaults()
        given = dict(bound.arguments)
        given |= given.pop("kwargs", {})
        del given["input"]
        output = given.pop("output")
        if not (output is None or isinstance(output, type | np.dtype | str)):
            raise TypeError(f"{op}: output must be a dtype, got {type(output).__name__}")
        dtype = x.dtype if output is None else np.dtype(output)
        reach = REACHES[name](op, given, x.ndim)
        sides = as_sides(Request(op, output, given["mode"], given["cval"]), len(reach.axes))
        _check_passes(op, reach, sides)
        block = Block(name, given | {"output": dtype, "mode": "nearest"}, reach)
        pads = tuple((-f, size - 1 + f) for size, f in zip(reach.sizes, reach.first, strict=True))
        border = tuple(side if isinstance(side, str) else _element(side, x.dtype) for side in sides)
        return map_windows(
            block, x, reach.sizes, padding=pads, axes=reach.axes, dtype=dtype, border=border
        )

    return present(function, __name__, name, signature, TEXT.format(name=name))


def _element(number: float, dtype: np.dtype[Any]) -> float:
    return number if dtype.kind == "f" else int(number)


FILTERS = {name: _filter(name) for name in REACHES}
__all__ = sorted(FILTERS)
globals().update(FILTERS)


def __dir__() -> list[str]:
    return list(__all__)
