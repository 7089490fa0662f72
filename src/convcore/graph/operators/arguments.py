"""Readers of attributes and of inputs that act like them: axes, sizes, words and dtypes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from convcore.graph.types import dtype_of
from convcore.spec.errors import short_repr
from convcore.spec.operands import Array, DType

Integers = Array | Sequence[int]


def as_axis(op: str, axis: int | Array, rank: int) -> int:
    """Return an axis that counts from the front; a negative one counts from the back."""
    number = int(axis)
    if not -rank <= number < rank:
        raise ValueError(f"{op}: axis must be from {-rank} to {rank - 1}, got {number}")
    return number % rank


def as_axes(op: str, axes: Integers, rank: int) -> tuple[int, ...]:
    """Return axes that count from the front and differ."""
    numbers = tuple(as_axis(op, axis, rank) for axis in as_integers(axes))
    if len(set(numbers)) != len(numbers):
        raise ValueError(f"{op}: axes must differ, got {as_integers(axes)}")
    return numbers


def as_integers(values: Integers) -> list[int]:
    """Return the integers of an attribute or of an input."""
    return np.asarray(values, np.int64).ravel().tolist()


def check_word(op: str, name: str, word: str, words: Iterable[str]) -> None:
    """Refuse a word that is none of those an attribute may be."""
    if word not in words:
        raise ValueError(f"{op}: {name} must be one of {', '.join(words)}, got {short_repr(word)}")


def as_dtype(op: str, number: int | str) -> DType:
    """Return NumPy's dtype of an element type of ONNX; refuse those that NumPy lacks."""
    try:
        return dtype_of(number)
    except ValueError as error:
        raise TypeError(f"{op}: {error}") from None
