"""Poolings of inputs with missing cells: each window is the list of its present cells.

Cells of the padding that a border fills are cells of a window like others: copies of present cells
are present, and so are numbers, but a NaN that is ignored.

The functions have the names and the arguments of those of `_pooling`, and the options of missing
cells after the windows.
"""

from math import inf

import numpy as np

from convcore.reference._common import Batch, as_bool, result_dtype, widened
from convcore.reference._missing import check_total, is_zero, present_cells
from convcore.reference._pooling import QUIET, _computed, _given_back, _order, _seen, _shown_by

EPS = np.finfo(np.float64).eps  # weighted sums are formed in float64


class Rows:
    """What windows see of x and of what is present, a plane a row, and what a call gives back."""

    def __init__(self, x, windows, options):
        self.x, self.windows, self.options = x, windows, options
        raw = x.put_back(x.array)
        present = present_cells(raw, x.nd, x.layout, options)
        self.present = self._seen_present(Batch(present, x.nd, x.layout).rows)
        self.shape = (*x.rows.shape[:2], len(windows.each))

    def _seen_present(self, present):
        constant = self.windows.source.constant
        lost = (
            np.isnan(constant) if self.options.nan == "ignore" else np.zeros(constant.shape, bool)
        )
        source = self.windows.source._replace(constant=~lost)
        return _seen(present, self.windows._replace(source=source))

    def each(self):
        """Yield the index of a row, an output, its window and which of its cells are present."""
        for n, c, o in np.ndindex(self.shape):
            window = self.windows.each[o]
            yield (n, c), o, window, self.present[n, c, window.cells]

    def results(self, y, dtype, share, out, *more):
        """Return the result, then `more`, then the share of the window if wanted."""
        y = self.x.result(y, self.windows.sizes, dtype, out)
        if not self.options.return_weight:
            return (y, *more) if more else y
        dtype = y.dtype if y.dtype.kind == "f" else np.dtype(np.float64)
        return (y, *more, self.x.result(share, self.windows.sizes, dtype, None))


def maxima(x, windows, options, return_indices, out):
    """The largest present cell of each window; a NaN that is present is larger."""
    a = Rows(x, windows, options)
    rows, y = _seen(x.rows, windows), np.zeros(a.shape, x.array.dtype)
    best, share = np.full(a.shape, -1), np.zeros(a.shape)
    for row, o, window, present in a.each():
        cells = np.asarray(window.cells)[present]
        share[(*row, o)] = len(cells) / len(present)
        if not len(cells):
            y[(*row, o)] = _as_dtype(options.fill, y.dtype)
            continue
        values = rows[row][cells]
        best[(*row, o)] = _shown_by(cells[np.argmax(values)], windows)
        y[(*row, o)] = values[np.argmax(values)]
    more = [x.result(best, windows.sizes, np.int64, None)] if as_bool(return_indices, "x") else []
    return a.results(y, x.array.dtype.newbyteorder("="), share, out, *more)


def _as_dtype(fill, dtype):
    if dtype.kind != "f" and fill != fill:
        raise ValueError(f"fill must be a number of the dtype {dtype}, got {fill}")
    return fill


def _backward(grad, a, out, share):
    """dx[i] = sum of share(g, present values, o, window, present) over the windows that see i."""
    x = a.x
    g = x.rows_like_result(grad, a.windows.sizes, "grad")
    dtype = result_dtype(g, x.array)
    g, rows = widened(g, dtype), _seen(widened(x.rows, dtype), a.windows)
    dx = np.zeros(rows.shape)
    for row, o, window, present in a.each():
        cells = np.asarray(window.cells)[present]
        if len(cells):
            dx[row][cells] += share(g[(*row, o)], rows[row][cells], cells, window, present)
    return x.result(_given_back(dx, x, a.windows), x.space, dtype, out)


@QUIET
def maxima_backward(grad, x, windows, options, indices, out):
    """Add each output's gradient to the cell of its maximum."""
    a = Rows(x, windows, options)
    if indices is not None:
        want = maxima(x, windows, options._replace(return_weight=False, fill=0), True, None)[1]
        if not np.array_equal(want == -1, np.asarray(indices) == -1):
            raise ValueError("indices must be -1 where no cell is present")

    def share(g, values, cells, window, present):
        return np.where(np.arange(len(cells)) == np.argmax(values), g, 0)

    return _backward(grad, a, out, share)


def _counted(window, present, include):
    """The cells that an average divides by where none is missing, and where some are."""
    padding = window.inside - len(window.cells) if include else 0
    return len(window.cells) + padding, present.sum() + padding


@QUIET
def averages(x, windows, options, count_include_pad, out):
    """The mean of the present cells; without `normalize` missing ones count as zeros."""
    a = Rows(x, windows, options)
    include = as_bool(count_include_pad, "count_include_pad")
    rows = _seen(widened(x.rows, x.dtype), windows)
    y, share = np.zeros(a.shape), np.zeros(a.shape)
    for row, o, window, present in a.each():
        every, some = _counted(window, present, include)
        share[(*row, o)] = some / every
        total = rows[row][np.asarray(window.cells)[present]].sum()
        y[(*row, o)] = total / (some if options.normalize else every) if some else options.fill
    return a.results(y, x.dtype, share, out)


@QUIET
def averages_backward(grad, x, windows, options, count_include_pad, out):
    """Equal shares for the present cells of a window."""
    a = Rows(x, windows, options)
    include = as_bool(count_include_pad, "count_include_pad")

    def share(g, values, cells, window, present):
        every, some = _counted(window, present, include)
        return g / (some if options.normalize else every)

    return _backward(grad, a, out, share)


def _norm(values, p):
    largest = abs(values).max()
    if p == inf or not 0 < largest < inf:
        return largest
    return largest * ((abs(values) / largest) ** p).sum() ** (1 / p)


@QUIET
def norms(x, windows, options, p, out):
    """The norm of the present cells."""
    a, p = Rows(x, windows, options), _order(p)
    rows = _seen(widened(x.rows, x.dtype), windows)
    y, share = np.zeros(a.shape), np.zeros(a.shape)
    for row, o, window, present in a.each():
        values = rows[row][np.asarray(window.cells)[present]]
        share[(*row, o)] = present.mean()
        y[(*row, o)] = _norm(values, p) if len(values) else options.fill
    return a.results(y, x.dtype, share, out)


@QUIET
def norms_backward(grad, x, windows, options, p, out):
    """Shares by the size of a present cell beside the norm of them."""
    a, p = Rows(x, windows, options), _order(p)

    def share(g, values, cells, window, present):
        y = _norm(values, p)
        if y == 0:
            return 0
        if p == inf:
            largest = np.arange(len(values)) == np.argmax(abs(values))
            return np.where(largest, g * np.sign(values), 0)
        return g * np.sign(values) * (abs(values) / y) ** (p - 1)

    return _backward(grad, a, out, share)


@QUIET
def weighted(x, windows, options, w, out):
    """The weighted average of the present cells, or their weighted sum."""
    a, w = Rows(x, windows, options), _computed(w, np.float64)
    rows = _seen(widened(x.rows, x.dtype), windows)
    y, share = np.zeros(a.shape), np.zeros(a.shape)
    for row, o, window, present in a.each():
        mine = w[window.taps]
        P, blank = _present_weight(mine, present, options)
        values = rows[row][np.asarray(window.cells)[present]]
        total = (mine[present] * values).sum()
        y[(*row, o)] = options.fill if blank else total / (P if options.normalize else 1)
        if blank:
            continue
        every, some = mine.sum(), P
        if abs(every) <= mine.size * EPS * abs(mine).sum():
            every, some = abs(mine).sum(), abs(mine[present]).sum()
        share[(*row, o)] = some / every
    return a.results(y, x.dtype, share, out)


def _present_weight(mine, present, options):
    check_total(mine, EPS, options.normalize)
    P = mine[present].sum()
    return P, not present.any() or (options.normalize and is_zero(P, mine, EPS))


@QUIET
def weighted_backward(grad, x, windows, options, w, out):
    """Divide each output's gradient among its present cells by weight."""
    a, w = Rows(x, windows, options), _computed(w, np.float64)

    def share(g, values, cells, window, present):
        mine = w[window.taps]
        P, blank = _present_weight(mine, present, options)
        return 0 if blank else g * mine[present] / (P if options.normalize else 1)

    return _backward(grad, a, out, share)
