"""Filters of neighbourhoods, run: ranks, sums in a given order, morphology with a structure.

An array is (n, depth, rows, columns, lanes) here: filters run over the three in the middle.
"""

from typing import Any

import numpy as np

from convcore._core import rank_taps, run_filter
from convcore.engine.threads import get_num_threads
from convcore.spec.errors import memory_errors
from convcore.spec.operands import Array, DType

Side = str | float
Borders = tuple[tuple[Side, Side], ...]


def most_taps(dtype: DType, box: bool) -> int:
    """Return how many taps the rank of elements of a dtype may have, or how many in a box."""
    return int(rank_taps(np.empty(0, dtype), box))


def rank(
    op: str, x: Array, offsets: Array, border: Borders, nth: int, out: Array | None = None
) -> Array:
    """Return the nth smallest, from 0, of each cell's taps; NaN is larger than any number.

    ``out``: a contiguous array for it, of x's dtype, that shares no memory with x.
    """
    return _run(op, x, x.dtype, out, how="rank", offsets=offsets, border=border, rank=nth)


def weigh(
    op: str, x: Array, offsets: Array, border: Borders, weights: Array, dtype: DType, **how: Any
) -> Array:
    """Combine taps and weights in double, in their order; see ``kernels/weigh.c`` for ``how``.

    The result is truncated as a cast of C does.
    """
    return _run(op, x, dtype, None, offsets=offsets, border=border, weights=weights, **how)


def _run(
    op: str,
    x: Array,
    dtype: DType,
    out: Array | None,
    *,
    offsets: Array,
    border: Borders,
    **how: Any,
) -> Array:
    with memory_errors(op, input=x):
        x = np.ascontiguousarray(x)
        y = np.empty(x.shape, dtype) if out is None else out
        if x.size:
            run_filter(
                x, y, shape=x.shape[:-1], lanes=x.shape[-1], offsets=offsets, border=border,
                threads=get_num_threads(), **how,
            )  # fmt: skip
    return y
