"""What operators over windows have in common: ONNX's attributes as this library's options."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from convcore import api
from convcore.spec.operands import Array

Pair = tuple[int, int]
Ints = Sequence[int] | None
SAME = {"SAME_UPPER": "same", "SAME_LOWER": "same_lower", "VALID": "valid"}


def pairs(pads: Ints, axes: int) -> tuple[Pair, ...]:
    """Numbers before and after for each axis, from all before and then all after."""
    if pads is None:
        return ((0, 0),) * axes
    if len(pads) != 2 * axes:
        raise ValueError(f"pads must be {2 * axes} numbers, got {list(pads)}")
    return tuple(zip(pads[:axes], pads[axes:], strict=True))


def padding(auto_pad: str, pads: Ints, axes: int) -> str | tuple[Pair, ...]:
    """The option ``padding``."""
    if auto_pad in ("NOTSET", ""):
        return pairs(pads, axes)
    if auto_pad not in SAME:
        raise ValueError(f"auto_pad must be NOTSET or among {tuple(SAME)}, got {auto_pad!r}")
    return SAME[auto_pad]


def sizes(value: Ints, axes: int, name: str) -> tuple[int, ...]:
    """A size for each axis, 1 by default."""
    if value is None:
        return (1,) * axes
    if len(value) != axes:
        raise ValueError(f"{name} must be {axes} numbers, got {list(value)}")
    return tuple(value)


def axes_of(op: str, x: Array) -> int:
    """Axes of an image; 1 to 3."""
    axes = x.ndim - 2
    if not 1 <= axes <= 3:
        raise ValueError(f"{op}: X must have 3 to 5 axes, got shape {x.shape}")
    return axes


def public(kind: str, axes: int) -> Any:
    """The public function of a kind of operator for a number of axes."""
    return getattr(api, f"{kind}{axes}d")
