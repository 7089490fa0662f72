"""Weighted pooling of inputs with missing cells, and its gradient.

y = N / P with N = sum w m x and P = sum w m over the cells of a window: weighted sums of x with
zeros at missing cells, and of the mask m.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convcore.engine.buffers import prepare_out, quiet
from convcore.engine.masked import read_input, share_like
from convcore.engine.masked_pool import MaskedPool, scaled_gradient
from convcore.engine.pooling import Sliding
from convcore.engine.weighted import COMPUTE, weighted_gradient, weighted_pool
from convcore.spec.border import AnyBorder, Border
from convcore.spec.errors import memory_errors
from convcore.spec.missing import Given, mask_border
from convcore.spec.operands import Array, DTypes, as_contiguous, result_dtypes
from convcore.spec.options import LAYOUTS, Paddings, Sizes
from convcore.spec.pooling import as_window
from convcore.spec.windows import scaled


class _Weighted:
    """A call whose options are checked."""

    def __init__(
        self, given: Given, op: str, x: ArrayLike, window: ArrayLike, *, axes: int,
        stride: Sizes | None, padding: Paddings, dilation: Sizes, normalize: bool, ceil_mode: bool,
        border: AnyBorder, layout: str, threads: int | None,
    ) -> None:  # fmt: skip
        self.x, missing = read_input(op, x, (*given[:2], normalize, *given[3:]))
        self.normalize = missing.normalize
        window = as_contiguous(op, "window", as_window(op, window, axes), COMPUTE)
        windows = Sliding(window.shape, stride, padding, dilation, ceil_mode, border)
        self.call = MaskedPool(
            op, self.x, windows, missing, axes=axes, kind="mean", layout=layout, threads=threads
        )
        self.given = window
        self.window = scaled(window) if self.normalize else window  # the scale cancels
        self.options: dict[str, Any] = {
            "axes": axes, "stride": stride, "padding": padding, "dilation": dilation,
            "ceil_mode": ceil_mode, "threads": threads,
        }  # fmt: skip

    def sums(self, x: Array, layout: str) -> Array:
        """Return the weighted sums of x without its missing cells, in float64."""
        return weighted_pool(
            self.call.op, x, self.window, normalize=False, border=self.call.windows.border,
            layout=layout, out=None, **self.options,
        )  # fmt: skip

    def of_cells(self, cells: Array, border: Border, window: Array, normalize: bool) -> Array:
        """Return the sums or averages of a mask: channels first."""
        return weighted_pool(
            self.call.op, cells, window, normalize=normalize, border=border,
            layout=LAYOUTS[self.call.axes][0], out=None, **self.options,
        )  # fmt: skip

    def of_mask(self) -> tuple[Array, Array, Array]:
        """Return P, all weights of a window, and whether P is none: channels first."""
        mask = self.call.cells.mask
        assert mask is not None
        ones, cells = np.ones((1, 1, *mask.shape[2:])), mask.astype(COMPUTE)
        border = self.call.mask_border
        every = mask_border(border, ignores_nan=False)
        if self.normalize:
            self.of_cells(ones, every, self.given, True)  # refuses weights that sum to 0
        total = self.of_cells(ones, every, self.window, False)
        weight = self.of_cells(cells, border, self.window, False)
        none = self.call.is_blank()
        if (self.window < 0).any() and (self.window > 0).any():
            size = float(np.abs(self.window).sum())
            rounding = self.window.size * float(np.finfo(np.float64).eps) * size
        else:
            rounding = 0.0
        if self.normalize:
            none = none | (np.abs(weight) <= rounding)
        else:
            zero = np.abs(total) <= rounding
            if zero.any():  # the share is one of absolute values
                sizes = np.abs(self.window)
                total = np.where(zero, self.of_cells(ones, every, sizes, False), total)
                weight = np.where(zero, self.of_cells(cells, border, sizes, False), weight)
        return np.where(none, 1, weight), total, none


def masked_weighted_pool(
    given: Given,
    op: str,
    x: ArrayLike,
    window: ArrayLike,
    *,
    normalize: bool,
    layout: str,
    threads: int | None,
    out: Array | None,
    **options: Any,
) -> Any:
    """Return the weighted average of the present cells of each window."""
    weighted = _Weighted(
        given, op, x, window, normalize=normalize, layout=layout, threads=threads, **options
    )
    call, x = weighted.call, weighted.x
    if call.cells.mask is None:
        y = weighted_pool(
            op, x, window, normalize=normalize, layout=layout, threads=threads, out=out, **options
        )
        return call.results(y)
    dtypes = DTypes(result_dtypes(op, x.dtype, x.dtype).result, COMPUTE)
    with memory_errors(op, x=x):
        weight, total, none = weighted.of_mask()
        target = prepare_out(
            op, out, call.plan.y_shape, dtypes, (x, *call.missing.masks), rounds=True
        )
        y, filled = target.array, call.cells.filled(op, COMPUTE, 0, call.last)
        y[...] = weighted.sums(filled, layout)
        with quiet():
            if weighted.normalize:
                y /= call.in_layout(weight)
            call.fill(y, none)
            y = target.finalize()
            if call.missing.return_weight:
                share = np.where(none, 0, weight / np.where(total == 0, 1, total))
                return y, share_like(share, y, call.last)
        return y


def masked_weighted_gradient(
    given: Given,
    op: str,
    grad: ArrayLike,
    x: ArrayLike,
    window: ArrayLike,
    *,
    normalize: bool,
    layout: str,
    threads: int | None,
    out: Array | None,
    **options: Any,
) -> Array:
    """Return the gradient of x of a weighted average of present cells."""
    weighted = _Weighted(
        given, op, x, window, normalize=normalize, layout=layout, threads=threads, **options
    )
    call = weighted.call
    if call.cells.mask is None:
        return weighted_gradient(
            op, grad, weighted.x, window, normalize=normalize, layout=layout, threads=threads,
            out=out, **options,
        )  # fmt: skip

    def factor() -> Array:
        weight, _, none = weighted.of_mask()
        each = 1 / weight if weighted.normalize else np.ones_like(weight)
        return np.where(none, 0, each)

    def gradient(op: str, grad: Array, x: Array, windows: Sliding, *, out: Array) -> None:
        weighted_gradient(
            op, grad, x, weighted.window, normalize=False, border=windows.border, layout=layout,
            out=out, **weighted.options,
        )  # fmt: skip

    return scaled_gradient(call, grad, out, factor, gradient, {})
