"""Arrays that are not of the dtype that is computed in, some rows or images at a time.

Bytes are computed in float32, which takes four times their memory, of the input and of a result
that is rounded. In bands both stay in the cache. The bits are those of one call: a direct sum is
the same chain of terms in any part of a layer, and so are the sums of a pooling in a part that has
as many rows as they share.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, replace
from itertools import pairwise
from math import prod
from threading import Event, Thread
from typing import Any, NamedTuple

import numpy as np

from convcore.engine.buffers import ROUNDED, Out, apart, check_out, copy_cells, wanted_dtype
from convcore.spec.axis import span
from convcore.spec.border import ZEROS, unless_zeros
from convcore.spec.operands import Array, DType, DTypes
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
    x: Array,
    out: Array | None,
    compute: DType,
    channels: int,
    least: int = 1,
) -> Bands | None:
    """Return the bands of a call, each of ``least`` rows; None where one call for all is better.

    ``channels`` are those of the result.
    """
    rounds = isinstance(out, np.ndarray) and out.dtype in ROUNDED
    if not (rounds or x.dtype.itemsize < compute.itemsize) or x.dtype.itemsize > 4:
        return None
    layout, axis = spec.layout, spec.axes[0]
    images = len(x) if layout.batched else 1
    outputs = channels * prod(each.outputs for each in spec.axes)
    image = (x.size // max(images, 1) + outputs) * compute.itemsize
    if images * image < FEWEST * BAND or not (x.size and outputs):
        return None
    if image <= BAND:
        return Bands(BAND // image, 1)
    reread = -(-span(axis.kernel, axis.dilation) // axis.stride)
    rows = max(BAND * axis.outputs // image, STEEP * reread, 2 * least, 1)
    return Bands(1, max(axis.outputs // rows, 1))


class Work(NamedTuple):
    """How a band is computed, on one thread."""

    make_plan: Callable[[Any], Any]  # of its spec
    run: Callable[[Any, Array, Array], None]  # the plan, the cells that the band sees, its result


class _Room:
    """Memory that a thread's bands use one after the other: new pages cost as much as their use."""

    def __init__(self, dtype: DType) -> None:
        self._array = np.empty(0, dtype)

    def of(self, shape: tuple[int, ...]) -> Array:
        """Return an array of this shape."""
        size = prod(shape)
        if self._array.size < size:
            self._array = np.empty(size, self._array.dtype)
        return self._array[:size].reshape(shape)


@dataclass(frozen=True, slots=True)
class _Call:
    """A call in bands."""

    op: str
    spec: Spec
    bands: Bands
    work: Work
    x: Array
    y: Array
    dtypes: DTypes
    known: dict[Any, Any]  # plans

    def compute(self, first: int, end: int, stopped: Event) -> None:
        """Compute bands ``first <= n < end``, unless it is stopped between two of them."""
        cells, results = _Room(self.dtypes.compute), _Room(self.dtypes.compute)
        for n in range(first, end):
            if stopped.is_set():
                return
            self._band(n, cells, results)

    def _band(self, n: int, cells: _Room, results: _Room) -> None:
        spec, layout, compute = self.spec, self.spec.layout, self.dtypes.compute
        group, i = divmod(n, self.bands.ranges)
        begin = group * self.bands.some
        images = slice(begin, min(begin + self.bands.some, spec.batch))
        axis, count = spec.axes[0], self.bands.ranges
        sides = spec.border or (ZEROS,) * len(spec.axes)
        edges = (axis.outputs * edge // count for edge in (i, i + 1))
        rows = reach(axis, sides[0], *edges)
        batch = images.stop - images.start
        key = (batch, rows.axis, rows.sides)
        plan = self.known.get(key)
        if plan is None:
            border = unless_zeros((rows.sides, *sides[1:]))
            axes = (rows.axis, *spec.axes[1:])
            plan = self.work.make_plan(replace(spec, axes=axes, border=border, batch=batch))
            self.known[key] = plan
        head = (images,) if layout.batched else ()
        place = layout.batched + (not layout.channels_last)  # of the rows' axis
        between = (slice(None),) * (place - len(head))
        to = self.y[(*head, *between, slice(rows.start, rows.stop))]
        seen = _seen(self.x[head], rows, place)
        if seen.dtype != compute or not seen.flags.carray:
            own = cells.of(seen.shape)
            copy_cells(seen, own)
            seen = own
        if to.dtype == compute and to.flags.carray:
            self.work.run(plan, seen, to)
            return
        part = results.of(to.shape)
        self.work.run(plan, seen, part)
        Out(part, to, to, self.dtypes.result).finalize()


def _seen(x: Array, rows: Reach, place: int) -> Array:
    """Return the cells that a band sees."""
    if rows.order is None and len(rows.runs) == 1:
        return x[(*(slice(None),) * place, slice(*rows.runs[0]))]
    return x.take(rows.cells(), axis=place)


def run_in_bands(
    spec: Spec,
    bands: Bands,
    work: Work,
    x: Array,
    *,
    op: str,
    out: Array | None,
    dtypes: DTypes,
    threads: int,
) -> Array:
    """Compute a layer band by band, each thread those of a part of the result.

    Threads meet at the end alone: at each band they would wait for what keeps a processor busy.
    """
    dtype = wanted_dtype(out, dtypes)
    y = (
        np.empty(spec.y_shape, dtype)
        if out is None
        else check_out(op, out, spec.y_shape, dtype, rounds=True)
    )
    call = _Call(op, spec, bands, work, apart(x, y), y, dtypes, {})
    count = -(-spec.batch // bands.some) * bands.ranges
    workers = max(min(threads, count // 2), 1)
    edges = [count * worker // workers for worker in range(workers + 1)]
    stopped, faults = Event(), []

    def help_out(first: int, end: int) -> None:
        try:
            call.compute(first, end, stopped)
        except BaseException as fault:  # for the caller, in whose thread it is raised
            faults.append(fault)
            stopped.set()

    helpers = [
        Thread(target=copy_context().run, args=(help_out, *part)) for part in pairwise(edges[1:])
    ]
    try:
        for helper in helpers:
            helper.start()
        call.compute(0, edges[1], stopped)
    except BaseException:
        stopped.set()
        raise
    finally:
        for helper in helpers:
            if helper.ident is not None:  # it was started
                helper.join()
    if faults:
        raise faults[0]
    return y if out is None else out
