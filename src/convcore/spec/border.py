"""What the padding holds: a word or a constant for each side of each axis."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from convcore.spec.errors import short_repr
from convcore.spec.operands import DType
from convcore.spec.options import BORDERS, to_list

Side = str | float  # an int where no float is as exact
Pair = tuple[Side, Side]
# As it is read: one side that stands for all, or (before, after) for each axis. Callers may give
# more: a side for each axis, lists and arrays.
Border = Side | tuple[Pair, ...]
AnyBorder = str | float | tuple[Any, ...] | list[Any]

NAN = float("nan")  # one object, so that equal borders are found as equal keys
ZEROS: Pair = ("zeros", "zeros")


def unless_zeros(pairs: tuple[Pair, ...]) -> tuple[Pair, ...]:
    """Return what the padding of each axis holds as specs have it: nothing if all are zeros."""
    return () if pairs == (ZEROS,) * len(pairs) else pairs


def as_border(op: str, value: object, axes: int) -> Border:
    """Return a border in normal form, which is hashable; errors name the entry."""
    if type(value) is str and value in BORDERS:
        return value
    given = to_list(value)
    if not isinstance(given, (list, tuple)):
        return _side(op, "border", given)
    if len(given) != axes:
        raise ValueError(
            f"{op}: border must be a word, a number or {axes} entries, one for each axis, got "
            f"{short_repr(value)}{_pair_hint(given, axes)}"
        )
    pairs = tuple(_pair(op, f"border[{i}]", entry) for i, entry in enumerate(given))
    first = pairs[0][0]
    # the identity of NaN counts
    return first if pairs == ((first, first),) * axes else pairs


def _pair_hint(given: Any, axes: int) -> str:
    """Return a hint how to write the sides of the only axis."""
    if axes != 1 or len(given) != 2:
        return ""
    return f"; (before, after) of the one axis would be ({short_repr(tuple(given))},)"


def _pair(op: str, name: str, entry: object) -> Pair:
    sides = to_list(entry)
    if not isinstance(sides, (list, tuple)):
        side = _side(op, name, sides)
        return side, side
    if len(sides) != 2:
        raise ValueError(
            f"{op}: {name} must be a word, a number or a (before, after) pair, got "
            f"{short_repr(entry)}"
        )
    return _side(op, f"{name}[0]", sides[0]), _side(op, f"{name}[1]", sides[1])


def _side(op: str, name: str, value: Any) -> Side:
    """Return a word as a plain string, a number as a float or, if that is exact alone, an int."""
    if isinstance(value, str):
        if value not in BORDERS:
            raise ValueError(
                f"{op}: {name} must be one of {BORDERS} or a number, got {short_repr(value)}"
            )
        return str(value)
    try:
        if isinstance(value, (bool, np.bool, bytes, np.ndarray)):
            raise TypeError
        number = float(value)
        whole = int(value) if hasattr(value, "__index__") else number
    except OverflowError:
        raise ValueError(
            f"{op}: {name} must be a number in the range of float64, got {short_repr(value)}"
        ) from None
    except Exception:  # of any class: other libraries have their own
        raise TypeError(
            f"{op}: {name} must be one of {BORDERS} or a number, got {short_repr(value)}"
        ) from None
    if number != number:
        return NAN
    is_exact = whole == number or not -(2**63) <= whole < 2**64  # elements have no more bits
    return number + 0.0 if is_exact else whole  # no negative zero


def sides(border: Border, axes: int) -> tuple[Pair, ...]:
    """Return what each side of each axis holds."""
    return border if isinstance(border, tuple) else ((border, border),) * axes


def is_word(side: Side) -> bool:
    """Return whether padding cells on this side are copies of input cells."""
    return isinstance(side, str) and side != "zeros"


def of_sums(
    border: Border, paddings: tuple[tuple[int, int], ...], linear: bool = False
) -> tuple[Pair, ...]:
    """Return the border of a sum over these paddings; of zeros on all sides, nothing.

    Zeros are a constant like others there, and sides without padding hold zeros. With ``linear``
    constants are left out.
    """
    pairs = tuple(
        tuple(
            "zeros" if not cells or side == 0 or (linear and not is_word(side)) else side
            for side, cells in zip(pair, padding, strict=True)
        )
        for pair, padding in zip(sides(border, len(paddings)), paddings, strict=True)
    )
    return unless_zeros(pairs)  # type: ignore[arg-type]


def of_windows(border: Border, paddings: tuple[tuple[int, int], ...]) -> tuple[Pair, ...]:
    """Return the border of windows over these paddings; if none holds anything, nothing."""
    pairs = tuple(
        tuple(side if cells else "zeros" for side, cells in zip(pair, padding, strict=True))
        for pair, padding in zip(sides(border, len(paddings)), paddings, strict=True)
    )
    return unless_zeros(pairs)  # type: ignore[arg-type]


def on_sides(border: Border, function: Callable[[Side], Side]) -> Border:
    """Return the border with a function's value for each of its sides."""
    if isinstance(border, tuple):
        return tuple((function(before), function(after)) for before, after in border)
    return function(border)


def magnitudes(border: Border) -> Border:
    """Return the border of absolute values."""
    return on_sides(border, _magnitude)


def _magnitude(side: Side) -> Side:
    return side if isinstance(side, str) or side != side else abs(side)


def check_exact(op: str, border: Sequence[Pair], dtype: DType) -> None:
    """Refuse a constant that an integer dtype, in which maxima are taken, does not have."""
    if dtype.kind == "f":
        return
    least, most = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    for pair in border:
        for side in pair:
            if not isinstance(side, str) and not (least <= side <= most and side == int(side)):
                raise ValueError(
                    f"{op}: border must be a number that {dtype} has, got {short_repr(side)}"
                )
