"""Arguments as SciPy reads them: arrays, axes, sizes, modes, origins, and where results go."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from convcore.engine.filters import Side
from convcore.ndimage.elsewhere import FilterError, NotServed
from convcore.spec.errors import short_repr
from convcore.spec.foreign import to_ndarray
from convcore.spec.operands import Array, DType
from convcore.spec.options import MAX_SIZE

# SciPy's modes, as borders.
MODES = {
    "reflect": "symmetric",
    "grid-mirror": "symmetric",
    "mirror": "reflect",
    "nearest": "edge",
    "wrap": "wrap",
    "grid-wrap": "wrap",
    "constant": "constant",
    "grid-constant": "constant",
}

T = TypeVar("T")
Sides = tuple[Side, ...]  # what lies beyond each axis, on both sides of it


def as_input(op: str, value: object, name: str = "input") -> Array:
    """Return an array of real numbers, of a type that kernels have."""
    array = to_ndarray(op, name, value)
    if array.dtype.kind in "c" or array.dtype == np.longdouble != np.dtype(np.float64):
        raise NotServed(f"{name} has dtype {array.dtype}")
    if array.dtype.kind not in "biuf" or array.dtype == np.float16:
        raise FilterError(
            f"{op}: {name} must have a dtype of integers, float32 or float64, got {array.dtype}"
        )
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def as_axis(op: str, axis: object, ndim: int) -> int:
    """Return one axis, counted from the first."""
    try:
        number = operator.index(axis)  # type: ignore[arg-type]
    except TypeError as error:
        raise TypeError(f"{op}: axis must be an integer, got {short_repr(axis)}: {error}") from None
    if not -ndim <= number < ndim:
        raise FilterError(
            f"{op}: axis must be at least {-ndim} and below {ndim}, got {number}: out of range"
        )
    return number % ndim


def as_axes(op: str, axes: Any, ndim: int) -> tuple[int, ...]:
    """Return the axes that a filter runs over: all, unless some are given."""
    if axes is None:
        return tuple(range(ndim))
    given = axes if isinstance(axes, Iterable) else (axes,)
    found = tuple(as_axis(op, axis, ndim) for axis in given)
    if len(set(found)) != len(found):
        raise FilterError(f"{op}: axes must be unique, got {short_repr(axes)}")
    return found


def per_axis(op: str, name: str, value: Any, count: int) -> list[Any]:
    """Return one value for each axis: the same, or those of a sequence."""
    if isinstance(value, str) or not isinstance(value, Iterable) or getattr(value, "ndim", 1) == 0:
        return [value] * count
    values = list(value)
    if len(values) != count:
        raise FilterError(
            f"{op}: {name} must be one value or {count}, one for each axis, got "
            f"{short_repr(value)}: sequence argument must have length equal to input rank"
        )
    return values


def as_sides(request: Request, count: int) -> Sides:
    """Return what lies beyond each axis: a word of convcore's borders, or a number."""
    op, cval = request.op, request.cval
    found: list[Side] = []
    for mode in per_axis(op, "mode", request.mode, count):
        if not isinstance(mode, str) or mode not in MODES:
            raise FilterError(
                f"{op}: mode must be among {tuple(MODES)}, got {short_repr(mode)}: boundary mode "
                "not supported"
            )
        found.append(as_number(op, "cval", cval) if MODES[mode] == "constant" else MODES[mode])
    return tuple(found)


def wide_axes(shape: tuple[int, ...]) -> list[int]:
    """Return the axes along which a window has more than one cell."""
    return [i for i, size in enumerate(shape) if size > 1]


def pick(wanted: list[int], of: Sequence[T]) -> tuple[T, ...]:
    """Return those entries of a sequence."""
    return tuple(of[i] for i in wanted)


def sorted_axes(ndim: int, axes: tuple[int, ...], *of_each: Sequence[T]) -> tuple[Any, ...]:
    """Return axes in their order, and what there is of each with them.

    So SciPy reads a footprint and weights: their axes are in the array's order, however ``axes``
    lists them, and only origins and modes are in the order of ``axes``. Where these are all axes of
    the array, their order says nothing.
    """
    if sorted(axes) == list(range(ndim)):
        return tuple(range(ndim)), *(tuple(of) for of in of_each)
    order = sorted(range(len(axes)), key=axes.__getitem__)
    return pick(order, axes), *(pick(order, of) for of in of_each)


def as_number(op: str, name: str, value: Any) -> float:
    """Return a real number."""
    if isinstance(value, complex):
        raise NotServed(f"{name} is complex")
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"{op}: {name} must be a number, got {short_repr(value)}") from None


def as_origins(
    op: str, origin: Any, sizes: tuple[int, ...], flipped: bool = False
) -> tuple[int, ...]:
    """Return how far each window is moved; flipped: that of the window read backwards."""
    found = []
    for value, size in zip(per_axis(op, "origin", origin, len(sizes)), sizes, strict=True):
        try:
            number = operator.index(value)
        except TypeError:
            raise TypeError(f"{op}: origin must be integers, got {short_repr(origin)}") from None
        if flipped:
            number = -number - (size % 2 == 0)
        if not -(size // 2) <= number <= (size - 1) // 2:
            raise FilterError(
                f"{op}: origin must keep its cell in the window of size {size} (invalid origin), "
                f"got {short_repr(value)}"
            )
        found.append(number)
    return tuple(found)


def first_taps(sizes: tuple[int, ...], origins: tuple[int, ...]) -> tuple[int, ...]:
    """Return where each axis's first tap lies, from its output's cell."""
    return tuple(-(size // 2) - origin for size, origin in zip(sizes, origins, strict=True))


def as_sizes(op: str, size: Any, count: int, least: int = 1) -> tuple[int, ...]:
    """Return the sizes of a window."""
    found = []
    for value in per_axis(op, "size", size, count):
        try:
            is_whole = isinstance(value, float | np.floating) and value.is_integer()
            number = int(value) if is_whole else operator.index(value)
        except TypeError:
            raise TypeError(f"{op}: size must be integers, got {short_repr(size)}") from None
        if not least <= number <= MAX_SIZE:
            raise FilterError(
                f"{op}: size must be at least {least} and below 2**63, got {short_repr(size)}: "
                "incorrect filter size"
            )
        found.append(number)
    return tuple(found)


class Request(NamedTuple):
    """What every filter is asked beside its input and its window, as the caller gave it."""

    op: str
    output: Any
    mode: Any
    cval: Any
    origin: Any = 0
    axes: Any = None


class Target(NamedTuple):
    """Where a result goes, and the dtype that it is computed in: bytes for bool."""

    given: Array | None
    wanted: DType
    dtype: DType

    def room(self, x: Array) -> Array | None:
        """Return the caller's array if kernels may write to it what they make of x."""
        given = self.given
        if type(given) is not np.ndarray or given.dtype != x.dtype or not given.flags.carray:
            return None
        return None if np.may_share_memory(given, x) else given

    def deliver(self, y: Array) -> Array:
        """Return a result, in ``dtype``, as the caller wants it."""
        if self.wanted.kind == "b":
            y = y != 0
        if self.given is None:
            return y if y.dtype == self.wanted else y.astype(self.wanted)
        self.given.view(np.ndarray)[...] = y  # a masked array keeps its mask
        return self.given


def as_target(request: Request, x: Array) -> Target:
    """Read where a result is wanted, or in which dtype; refuse an array of another shape."""
    op, output, given = request.op, request.output, None
    if output is None:
        dtype = x.dtype
    elif isinstance(output, type | np.dtype | str):
        try:
            dtype = np.dtype(output)
        except TypeError:
            raise TypeError(f"{op}: output must be a dtype, got {short_repr(output)}") from None
        if isinstance(output, str) and dtype.kind not in "iufc":
            raise FilterError(f"{op}: output must have numeric dtype, got {output!r}")
    else:
        if not isinstance(output, np.ndarray):
            raise TypeError(
                f"{op}: output must be a NumPy array or a dtype, got {type(output).__name__}"
            )
        given, dtype = output, output.dtype
        if output.shape != x.shape:
            raise FilterError(
                f"{op}: output shape not correct: must be {x.shape}, got {output.shape}"
            )
        if not output.flags.writeable:
            raise FilterError(f"{op}: output must be writeable, got a read-only array")
    if dtype.kind not in "biuf" or dtype == np.longdouble != np.dtype(np.float64):
        raise NotServed(f"output has dtype {dtype}")
    if dtype == np.float16:
        raise FilterError(f"{op}: output must have another dtype than float16")
    computed = np.dtype(np.uint8) if dtype.kind == "b" else dtype.newbyteorder("=")
    return Target(given, dtype, computed)
