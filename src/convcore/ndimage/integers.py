"""Sums of small integers that float32 has exactly: any order of them gives SciPy's answer.

SciPy sums integers in double and truncates. Where weights are integers the sums are too. A box's
average is q + r / size, truncated to q: less by (size - 1) / (2 size) it lies so far from the
halves between integers, 1 / (2 size), that float32's roundings don't reach them, and it is rounded
to q.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from convcore.ndimage.arguments import Sides
from convcore.spec.operands import Array, DType

MOST = np.iinfo(np.int16).max
HALF_ULP = float(np.finfo(np.float32).eps) / 2  # of 1: what a rounding changes


class Exact(NamedTuple):
    """How a convolution of integers is computed and rounded."""

    bias: float  # what is added to each sum
    dtype: DType  # that sums are rounded to


def _is_in(limits: Any, number: float) -> bool:
    return bool(limits.min <= number <= limits.max and number == np.rint(number))


def exact_sums(
    x: DType, weights: Array, sides: Sides, divisor: float, dtype: DType
) -> Exact | None:
    """Return how the sums of a line or a window are computed by float32, if they are exact."""
    if x.kind not in "iu" or x.itemsize > 2 or dtype.kind not in "iu" or weights.size < 2:
        return None
    limits: Any = np.iinfo(x)
    largest = max(-limits.min, limits.max)
    if any(not isinstance(side, str) and not _is_in(limits, side) for side in sides):
        return None
    size = weights.size
    if divisor == 1:
        is_whole = bool((weights == np.rint(weights)).all())
        is_small = np.abs(weights).sum() * largest <= MOST
        return Exact(0, np.dtype(np.int16)) if is_whole and is_small else None
    roundings = (size + 4) * largest * HALF_ULP
    is_box = divisor == size and (weights == 1 / size).all()
    if x.kind == "u" and is_box and roundings < 0.5 / size:
        return Exact(-(size - 1) / (2 * size), x)
    return None
