"""Arrays that are not of the dtype that is computed in, some rows or images at a time.

Bytes are computed in float32, which takes four times their memory, of the input and of a result
that is rounded. In bands both stay in the cache. The bits are those of one call: a direct sum is
the same chain of terms in any part of a layer, and so are the sums of a pooling in a part that has
as many rows as they share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import prod
from typing import Any, NamedTuple

import numpy as np

from convcore.engine.buffers import ROUNDED, Out, check_out, shares, wanted_dtype
from convcore.spec.axis import span
from convcore.spec.border import ZEROS, unless_zeros
from convcore.spec.operands import Array, DType, DTypes, as_contiguous
from convcore.spec.parts import Reach, reach
from convcore.spec.pooling import PoolSpec
from convcore.spec.problem import ConvSpec

BAND = 1 << 19  # bytes of a band as it is computed, input and result: half of an L2 cache or less
FEWEST = 4  # less than these gain nothing
STEEP = 4  # a band has so many times the rows that it reads twice

Spec = ConvSpec | PoolSpec


class Bands(NamedTuple):
    """How a call is cut: so many images at a time, each in so many ranges of rows."""

    some: int
    ranges: int


def bands_of(
    spec: Spec,
    reads: tuple[Array | None, ...],
    out: Array | None,
    compute: DType,
    channels: int,
    least: int = 1,
) -> Bands | None:
    """Return the bands of a call, each of ``least`` rows; None where one call for all is better.

    x is the first of the arrays that are read; ``channels`` are those of the result.
    """
    x = reads[0]
    assert x is not None
    rounds = getattr(out, "dtype", None) in ROUNDED
    if not (rounds or x.dtype.itemsize < compute.itemsize) or x.dtype.itemsize > 4:
        return None
    layout, axis = spec.layout, spec.axes[0]
    images = len(x) if layout.batched else 1
    outputs = channels * prod(each.outputs for each in spec.axes)
    image = (x.size // max(images, 1) + outputs) * compute.itemsize
    if images * image < FEWEST * BAND or not (x.size and outputs):
        return None
    if isinstance(out, np.ndarray) and shares(out, reads):
        return None
    if image <= BAND:
        return Bands(BAND // image, 1)
    reread = -(-span(axis.kernel, axis.dilation) // axis.stride)
    rows = max(BAND * axis.outputs // image, STEEP * reread, 2 * least, 1)
    return Bands(1, max(axis.outputs // rows, 1))


def _each(spec: Spec, bands: Bands) -> Iterator[tuple[slice, Reach]]:
    """Yield the images and rows of each band."""
    axis, count = spec.axes[0], bands.ranges
    sides = spec.border[0] if spec.border else ZEROS
    for first in range(0, spec.batch, bands.some):
        images = slice(first, min(first + bands.some, spec.batch))
        for i in range(count):
            start, stop = (axis.outputs * edge // count for edge in (i, i + 1))
            yield images, reach(axis, sides, start, stop)


class Work(NamedTuple):
    """How a band is computed."""

    make_plan: Callable[[Any], Any]  # of its spec
    run: Callable[[Any, Array, Array], None]  # the plan, the cells that the band sees, its result


def run_in_bands(
    spec: Spec,
    bands: Bands,
    work: Work,
    x: Array,
    *,
    op: str,
    out: Array | None,
    dtypes: DTypes,
) -> Array:
    """Compute a layer band by band."""
    shape, layout = spec.y_shape, spec.layout
    dtype = wanted_dtype(out, dtypes)
    y = np.empty(shape, dtype) if out is None else check_out(op, out, shape, dtype)
    row = layout.batched + (not layout.channels_last)  # the axis
    all_sides = spec.border or (ZEROS,) * len(spec.axes)
    known: dict[Any, Any] = {}
    for images, each in _each(spec, bands):
        batch = images.stop - images.start
        key = (batch, each.axis, each.sides)
        if key not in known:
            known[key] = work.make_plan(
                replace(
                    spec,
                    axes=(each.axis, *spec.axes[1:]),
                    border=unless_zeros((each.sides, *all_sides[1:])),
                    batch=batch,
                )
            )
        head = (images,) if layout.batched else ()
        to = y[(*head, *(slice(None),) * (row - len(head)), slice(each.start, each.stop))]
        seen = as_contiguous(op, "x", _seen(x[head], each, row), dtypes.compute)
        if to.dtype == dtypes.compute and to.flags.carray:
            work.run(known[key], seen, to)
        else:
            part = np.empty(to.shape, dtypes.compute)
            work.run(known[key], seen, part)
            Out(part, to, to, dtypes.result).finalize()
    return y if out is None else out


def _seen(x: Array, each: Reach, row: int) -> Array:
    """Return the cells that a band sees."""
    if each.order is None and len(each.runs) == 1:
        return x[(*(slice(None),) * row, slice(*each.runs[0]))]
    return x.take(each.cells(), axis=row)
