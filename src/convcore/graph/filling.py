"""Arrays for inputs of which only the shape matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convcore.graph.node import Value, shape_text
from convcore.spec.errors import short_repr
from convcore.spec.operands import FLOAT32, Array

Given = Mapping[str, tuple[int, ...] | ArrayLike]
BATCHES = ("n", "b")  # names of the batch's size, beside those with "batch" in them


def filled(op: str, values: Sequence[Value], given: Given | None) -> dict[str, Array]:
    """An array for each input: what is given, and else zeros of the shape that the file has.

    A tuple is a shape, anything else an array. A size that is open is that of another input where
    it has the same name, and 1 if it is the batch's.
    """
    given = {} if given is None else given
    names = [value.name for value in values]
    if not isinstance(given, Mapping):
        raise TypeError(f"{op}: inputs must be a mapping of names to shapes or arrays, got "
                        f"{short_repr(given)}")  # fmt: skip
    for name in given:
        if name not in names:
            raise ValueError(f"{op}: inputs must be among {names}, got {short_repr(name)}")
    found = {
        value.name: _given(op, value, given[value.name]) for value in values if value.name in given
    }
    sizes: dict[str, int] = {}
    for value in values:
        if value.name in found and value.shape is not None:
            pairs = zip(value.shape, found[value.name].shape, strict=False)
            sizes |= {word: size for word, size in pairs if isinstance(word, str)}
    lacking = []
    for value in values:
        if value.name in found:
            continue
        shape = _shape(value, sizes)
        if shape is None:
            lacking.append(f"{value.name!r} {shape_text(value.shape)}")
        else:
            found[value.name] = np.zeros(shape, value.dtype or FLOAT32)
    if lacking:
        raise ValueError(f"{op}: inputs must give the shape of {' and '.join(lacking)}, got none")
    return found


def _given(op: str, value: Value, given: Any) -> Array:
    if not isinstance(given, tuple):
        return np.asarray(given, None if isinstance(given, np.ndarray) else value.dtype)
    if not all(isinstance(size, (int, np.integer)) and size >= 0 for size in given):
        raise ValueError(
            f"{op}: shape of input {value.name!r} must be sizes of 0 or more, got "
            f"{short_repr(given)}"
        )
    return np.zeros(given, value.dtype or FLOAT32)


def _shape(value: Value, sizes: Mapping[str, int]) -> tuple[int, ...] | None:
    """The shape of an input that is not given; None: it is not known."""
    if value.shape is None or value.dtype is None:
        return None
    shape = []
    for place, size in enumerate(value.shape):
        if isinstance(size, str):
            is_batch = place == 0 or size.lower() in BATCHES or "batch" in size.lower()
            size = sizes.get(size, 1 if is_batch else None)
        elif size is None and place == 0:
            size = 1
        if size is None:
            return None
        shape.append(size)
    return tuple(shape)
