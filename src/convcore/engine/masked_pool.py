"""Poolings of inputs with missing cells, and their gradients.

An average is N / n, where N is the sum of the present cells of a window and n their number; both
are average poolings, of x with zeros at missing cells and of the mask. A maximum and a norm see
what leaves them unchanged at missing cells. The mask is pooled once for all channels that share it.

Constants that a border holds are cells of a window like others. A NaN that is ignored is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convcore.engine.averages import avg_gradient
from convcore.engine.buffers import prepare_out, quiet
from convcore.engine.masked import (
    Cells,
    channels_first,
    find_cells,
    in_layout,
    put,
    read_input,
    share_like,
)
from convcore.engine.maxima import check_indices, max_gradient
from convcore.engine.norms import norm_gradient
from convcore.engine.pooling import PoolPlan, Sliding, max_pool, pool, pool_plan
from convcore.engine.threads import threads_for
from convcore.spec.axis import span
from convcore.spec.border import as_border
from convcore.spec.errors import memory_errors
from convcore.spec.missing import (
    Given,
    Missing,
    fill_of,
    is_lost,
    mask_border,
    present_border,
)
from convcore.spec.operands import (
    FLOAT32,
    FLOAT64,
    Array,
    DType,
    as_array,
    as_contiguous,
    check_grad,
    result_dtypes,
    selected_dtypes,
)
from convcore.spec.options import LAYOUTS
from convcore.spec.pooling import as_exponent
from convcore.spec.registry import COUNT_INCLUDE_PAD, RETURN_INDICES

BAND = 2**20  # bytes of the input of a band
NONE = -1  # the index of a maximum of no cell


class MaskedPool:
    """A pooling whose input may have missing cells, its options checked."""

    def __init__(
        self, op: str, x: Array, windows: Sliding, missing: Missing, *, axes: int, kind: str,
        layout: str, threads: int | None, p: float = 0.0, count_padding: bool = False,
    ) -> None:  # fmt: skip
        self.op, self.axes, self.missing = op, axes, missing
        self.count_padding = count_padding
        self.threads = threads_for(op, threads)
        self.plan: PoolPlan = pool_plan(
            op, x, windows, axes=axes, kind=kind, layout=layout, p=p, count_padding=count_padding
        )
        self.last = self.plan.spec.layout.channels_last
        self.cells: Cells = find_cells(op, x, missing, axes, layout)
        if self.cells.mask is None and self._is_padding_lost():
            ones: Array = np.ones((1, 1, *self.plan.spec.cells), np.bool_)
            self.cells = self.cells._replace(mask=ones)
        # what the windows see of x without its missing cells, and of the mask
        border, ignores = as_border(op, windows.border, axes), missing.ignores_nan
        nothing = lowest(x.dtype) if kind == "max" else 0.0
        self.windows = windows._replace(border=present_border(border, ignores, nothing))
        self.mask_border = mask_border(border, ignores)

    def _is_padding_lost(self) -> bool:
        """Return whether windows hold constants that are missing."""
        ignores = self.missing.ignores_nan
        return any(is_lost(side, ignores) for pair in self.plan.spec.border for side in pair)

    def mask_windows(self) -> Sliding:
        """Return the windows over the mask."""
        return self.windows._replace(border=self.mask_border)

    def pooled_mask(self, dtype: DType, kind: str) -> Array:
        """Return the pooling of the mask, channels first."""
        assert self.cells.mask is not None
        cells = self.cells.mask.astype(dtype)
        return pool(
            self.op, cells, self.mask_windows(), axes=self.axes, kind=kind,
            layout=LAYOUTS[self.axes][0], threads=self.threads, out=None,
        )  # fmt: skip

    def cells_of_windows(self) -> tuple[Array, Array]:
        """Return how many cells of the input each window holds, and how many a mean counts."""
        seen, counted = np.ones((), FLOAT64), np.ones((), FLOAT64)
        for axis in range(self.axes):
            rows = self.plan.windows(axis).astype(FLOAT64)
            shape = (-1, *(1,) * (self.axes - 1 - axis))
            seen = seen * rows[:, 1].reshape(shape)
            counted = counted * rows[:, 3].reshape(shape)
        return seen, counted

    def share(self, dtype: DType) -> Array:
        """Return the share of cells that are present, channels first; the padding's if counted."""
        mean = self.pooled_mask(dtype, "mean")
        if not self.count_padding:
            return mean
        seen, counted = self.cells_of_windows()
        share = (np.rint(mean * seen) + (counted - seen)) / counted  # exact for full windows
        rounded: Array = share.astype(dtype)
        return rounded

    def present(self, dtype: DType) -> Array:
        """Return how many cells are present, channels first; the padding's if counted."""
        found = self.pooled_mask(dtype, "sum")
        if self.count_padding:
            seen, counted = self.cells_of_windows()
            found += (counted - seen).astype(dtype)
        return found

    def parts(self, y: Array) -> Iterator[tuple[MaskedPool, Array]]:
        """Yield the pooling of each band of a large plane, with its part of y.

        What is between the passes over a band stays in the cache. A result that is small, or whose
        bands are not contiguous or have padding, is one part.
        """
        spec = self.plan.spec
        first, before = spec.axes[0], spec.batch * (1 if self.last else spec.channels)
        row = self.cells.x.itemsize * prod(self.cells.x.shape) // max(first.cells, 1) * first.stride
        rows = max(BAND // max(row, 1), 1)
        fits = first.pair == (0, 0) and first.needed <= first.cells and y.flags.c_contiguous
        if before != 1 or not fits or y.dtype.kind != "f" or first.outputs < 2 * rows:
            yield self, y
            return
        pairs = tuple(axis.pair for axis in spec.axes)
        mask, at = self.cells.mask, self.cells.x.ndim - self.axes - self.last
        assert mask is not None
        for start in range(0, first.outputs, rows):
            stop = min(start + rows, first.outputs)
            cells = slice(start * first.stride, (stop - 1) * first.stride + span(*first[1:4:2]))
            part = copy(self)
            part.cells = Cells(
                self.cells.x[(slice(None),) * at + (cells,)],
                np.ascontiguousarray(mask[:, :, cells]),
            )
            part.windows = self.windows._replace(padding=pairs)
            part.plan = pool_plan(
                self.op, part.cells.x, part.windows, axes=self.axes, kind=spec.kind,
                layout=spec.layout.name, p=spec.p, count_padding=self.count_padding,
            )  # fmt: skip
            yield part, y[(slice(None),) * at + (slice(start, stop),)]

    def is_blank(self) -> Array:
        """Return whether each window holds no present cell, channels first."""
        assert self.cells.mask is not None
        blank: Array = self.pooled_mask(np.dtype(np.uint8), "max") == 0
        return blank

    def in_layout(self, array: Array) -> Array:
        """Return an array of results, channels first, in the layout of the call."""
        return in_layout(array, len(self.plan.y_shape), self.last)

    def fill(self, y: Array, blank: Array) -> None:
        """Write ``fill`` where there is no present cell."""
        if blank.any():
            number = fill_of(self.op, self.missing.fill, y.dtype)
            put(y, self.in_layout(blank), number)

    def results(self, y: Array, *more: Array) -> Any:
        """Return the result, with the share of present cells if asked for."""
        if self.missing.return_weight:
            if self.cells.mask is None:
                share = np.ones((1,) * (self.axes + 2))
            else:
                share = self.share(y.dtype if y.dtype in (FLOAT32, FLOAT64) else FLOAT64)
            more = (*more, share_like(share, y, self.last))
        return (y, *more) if more else y


def masked_avg_pool(
    given: Given,
    op: str,
    x: ArrayLike,
    windows: Sliding,
    *,
    kind: str,
    threads: int | None,
    out: Array | None,
    count_include_pad: bool = False,
    **options: Any,
) -> Any:
    """Return the average of the present cells of each window."""
    x, missing = read_input(op, x, given)
    dtypes = result_dtypes(op, x.dtype, x.dtype)
    count_padding = COUNT_INCLUDE_PAD.read(op, count_include_pad, options["axes"])
    call = MaskedPool(
        op, x, windows, missing, kind=kind, threads=threads, count_padding=count_padding, **options
    )
    options |= {"kind": kind, "threads": threads, "count_include_pad": count_padding}
    if call.cells.mask is None:
        return call.results(pool(op, x, windows, out=out, **options))
    sums = x.dtype.kind != "f" and missing.normalize  # exact, and so are quotients of them
    options["kind"] = "sum" if sums else kind
    with memory_errors(op, x=x):
        target = prepare_out(op, out, call.plan.y_shape, dtypes, (x, *missing.masks), rounds=True)
        with quiet():
            for part, y in call.parts(target.array):
                filled = part.cells.filled(op, dtypes.compute, 0, call.last)
                pool(op, filled, part.windows, out=y, **options)
                share = part.present(dtypes.compute) if sums else part.share(dtypes.compute)
                if missing.normalize:
                    y /= call.in_layout(share)
                part.fill(y, share == 0)
        return call.results(target.finalize())


def masked_avg_gradient(
    given: Given,
    op: str,
    grad: ArrayLike,
    x: ArrayLike,
    windows: Sliding,
    *,
    threads: int | None,
    out: Array | None,
    count_include_pad: bool = False,
    **options: Any,
) -> Array:
    """Return the gradient of x: equal shares for the present cells of a window."""
    x, missing = read_input(op, x, given)
    count_padding = COUNT_INCLUDE_PAD.read(op, count_include_pad, options["axes"])
    call = MaskedPool(
        op, x, windows, missing, kind="mean", threads=threads, count_padding=count_padding,
        **options,
    )  # fmt: skip
    options |= {"threads": threads, "count_include_pad": count_padding}
    if call.cells.mask is None:
        return avg_gradient(op, grad, x, windows, out=out, **options)

    def share() -> Array:
        present = call.share(FLOAT64)
        return np.where(present == 0, 0, 1 / present if missing.normalize else 1)

    return scaled_gradient(call, grad, out, share, avg_gradient, options)


def scaled_gradient(
    call: MaskedPool, grad: ArrayLike, out: Array | None, factor: Any, function: Any, options: Any
) -> Array:
    """Return a gradient: the plain one of the gradient times a factor, 0 at missing cells."""
    op, x = call.op, call.cells.x
    grad = as_array(op, "grad", grad)
    dtypes = result_dtypes(op, x.dtype, grad.dtype, "grad")
    check_grad(op, grad, call.plan.y_shape, x=x)
    with memory_errors(op, x=x, grad=grad):
        target = prepare_out(op, out, x.shape, dtypes, (x, grad))
        filled = call.cells.filled(op, dtypes.compute, 0, call.last)
        with quiet():
            factors = call.in_layout(factor()).astype(dtypes.compute)
            grad = as_contiguous(op, "grad", grad, dtypes.compute)
            # not a product: a gradient that is not finite has no effect on a missing output
            scaled = np.where(factors == 0, dtypes.compute.type(0), grad * factors)
            function(op, scaled, filled, call.windows, out=target.array, **options)
            call.cells.clear(target.array, call.last)
        return target.finalize()


def masked_norm_pool(
    given: Given,
    op: str,
    x: ArrayLike,
    windows: Sliding,
    *,
    p: object,
    threads: int | None,
    out: Array | None,
    **options: Any,
) -> Any:
    """Return the p-norm of the present cells of each window."""
    x, missing = read_input(op, x, given)
    dtypes = result_dtypes(op, x.dtype, x.dtype)
    exponent = as_exponent(op, p)
    call = MaskedPool(op, x, windows, missing, kind="norm", threads=threads, p=exponent, **options)
    options |= {"kind": "norm", "threads": threads, "p": exponent}
    if call.cells.mask is None:
        return call.results(pool(op, x, windows, out=out, **options))
    with memory_errors(op, x=x):
        target = prepare_out(op, out, call.plan.y_shape, dtypes, (x, *missing.masks), rounds=True)
        with quiet():
            for part, y in call.parts(target.array):
                filled = part.cells.filled(op, dtypes.compute, 0, call.last)
                pool(op, filled, part.windows, out=y, **options)
                part.fill(y, part.is_blank())
        return call.results(target.finalize())


def masked_norm_gradient(
    given: Given,
    op: str,
    grad: ArrayLike,
    x: ArrayLike,
    windows: Sliding,
    *,
    p: object,
    threads: int | None,
    out: Array | None,
    **options: Any,
) -> Array:
    """Return the gradient of x of a norm of present cells."""
    x, missing = read_input(op, x, given)
    exponent = as_exponent(op, p)
    call = MaskedPool(op, x, windows, missing, kind="norm", threads=threads, p=exponent, **options)
    options |= {"threads": threads, "p": p}
    if call.cells.mask is None:
        return norm_gradient(op, grad, x, windows, out=out, **options)
    return scaled_gradient(call, grad, out, lambda: ~call.is_blank(), norm_gradient, options)


def masked_max_pool(
    given: Given,
    op: str,
    x: ArrayLike,
    windows: Sliding,
    *,
    return_indices: bool,
    threads: int | None,
    out: Array | None,
    **options: Any,
) -> Any:
    """Return the largest present cell of each window, with ``return_indices`` also its index."""
    x, missing = read_input(op, x, given)
    dtypes = selected_dtypes(op, x.dtype)
    indices = RETURN_INDICES.read(op, return_indices, options["axes"])
    call = MaskedPool(op, x, windows, missing, kind="max", threads=threads, **options)
    if call.cells.mask is None:
        found = max_pool(
            op, x, windows, return_indices=indices, threads=threads, out=out, **options
        )
        return call.results(*found) if indices else call.results(found)  # type: ignore[arg-type]
    with memory_errors(op, x=x):
        if dtypes.result.kind != "f" and call.is_blank().any():
            fill_of(op, missing.fill, dtypes.result)  # before the caller's array is written to
        target = prepare_out(op, out, call.plan.y_shape, dtypes, (x, *missing.masks))
        index = None
        with quiet():
            parts = [(call, target.array)] if indices else call.parts(target.array)
            for part, y in parts:
                blank = part.is_blank()
                index = _present_maxima(part, y, blank, indices)
                part.fill(y, blank)
        y = target.finalize()
        return call.results(y) if index is None else call.results(y, index)


def _present_maxima(call: MaskedPool, y: Array, blank: Array, indices: bool) -> Array | None:
    """Fill y with the maxima of present cells; return their indices, -1 at blank outputs."""
    least = lowest(call.cells.x.dtype)
    filled = call.cells.filled(call.op, y.dtype, least, call.last)
    options: dict[str, Any] = {
        "axes": call.axes,
        "layout": call.plan.spec.layout.name,
        "threads": call.threads,
    }
    found = max_pool(call.op, filled, call.windows, return_indices=indices, out=y, **options)
    if not indices:
        return None
    index: Array = found[1]
    # where all present cells are as low as what stands for missing ones, the first of them
    low = y == y.dtype.type(least)
    if low.any():
        np.copyto(index, call.in_layout(_first_present(call)), where=low)
    np.copyto(index, NONE, where=call.in_layout(blank))
    return index


def lowest(dtype: DType) -> float:
    """Return what no present cell is below."""
    if dtype.kind == "f":
        return -np.inf
    return 0 if dtype.kind == "b" else int(np.iinfo(dtype).min)


def _first_present(call: MaskedPool) -> Array:
    """Return the index of the first present cell of each window, or of a cell of the window."""
    assert call.cells.mask is not None
    _, index = max_pool(
        call.op, call.cells.mask.view(np.uint8), call.mask_windows(), axes=call.axes,
        layout=LAYOUTS[call.axes][0], return_indices=True, threads=call.threads, out=None,
    )  # fmt: skip
    return index


def _is_hidden(call: MaskedPool, index: Array) -> Array:
    """Return whether each index is that of a missing cell, in the layout of the call.

    An index of no cell is that of a constant, which is missing if the window holds no present one.
    """
    mask = call.cells.mask
    assert mask is not None
    flat = channels_first(index, call.axes, call.last)
    rows = mask.reshape(*mask.shape[:2], prod(mask.shape[2:]))
    constant = pool(
        call.op, np.zeros((1, 1, *mask.shape[2:]), np.uint8), call.mask_windows(), axes=call.axes,
        kind="max", layout=LAYOUTS[call.axes][0], threads=call.threads, out=None,
    )  # fmt: skip
    rows = np.broadcast_to(rows, (*flat.shape[:2], rows.shape[2]))
    present = np.broadcast_to(constant != 0, flat.shape)
    if rows.shape[2]:
        inside = np.clip(flat, 0, rows.shape[2] - 1).reshape(*flat.shape[:2], -1)
        cells = np.take_along_axis(rows, inside, axis=2).reshape(flat.shape)
        present = np.where(flat == NONE, present, cells)
    return in_layout(~present, index.ndim, call.last)


def masked_max_gradient(
    given: Given,
    op: str,
    grad: ArrayLike,
    x: ArrayLike,
    windows: Sliding,
    *,
    indices: ArrayLike | None,
    return_indices: bool,
    threads: int | None,
    out: Array | None,
    **options: Any,
) -> Array:
    """Return the gradient of x of a maximum of present cells."""
    x, missing = read_input(op, x, given)
    RETURN_INDICES.read(op, return_indices, options["axes"])
    call = MaskedPool(op, x, windows, missing, kind="max", threads=threads, **options)
    more = {"return_indices": return_indices, "threads": threads, **options}
    if call.cells.mask is None:
        return max_gradient(op, grad, x, windows, indices=indices, out=out, **more)
    with memory_errors(op, x=x):
        blank = call.is_blank()
        if indices is None:
            compute = selected_dtypes(op, x.dtype).compute
            y = np.empty(call.plan.y_shape, compute)
            index = np.asarray(_present_maxima(call, y, blank, True))
        else:
            index = _given_indices(call, as_array(op, "indices", indices), call.in_layout(blank))
        # the gradient of a blank output is 0, wherever it goes
        first = call.in_layout(_first_present(call))
        more["indices"] = np.where(call.in_layout(blank), first, index)
    return scaled_gradient(call, grad, out, lambda: ~blank, max_gradient, more)


def _given_indices(call: MaskedPool, index: Array, blank: Array) -> Array:
    """Return the caller's indices; each must be a present cell, or -1 where there is none."""
    shape = call.plan.y_shape
    check_indices(call.op, index, shape)
    wrong = (index != NONE) & blank | _is_hidden(call, index) & ~blank
    if wrong.any():
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(
            f"{call.op}: indices{list(at)} must be a present cell, or -1 where a window has none, "
            f"got {index[at]}; pass what the forward function returned"
        )
    return index
