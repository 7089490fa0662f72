"""The arithmetic of the poolings: what becomes of the cells of a window, there and back.

All of it works on rows, arrays of shape (n, c, cells) with a plane of the input in each row, and
with one row of outputs for each of them.

The operators are in `pool_max`, `pool_avg`, `pool_norm` and `pool_weighted`. Each is written once
and made for 1, 2 and 3 axes by `for_each_rank`; in the equations o, t, s, d and i are then numbers,
pairs or triples. R(o) is the set of the cells that output o sees: the cells o*s + t*d of the padded
input, t = 0 ... kernel_size - 1 on each axis, that belong to the input itself.
"""

from math import inf
from numbers import Real

import numpy as np

from convcore.reference._common import Batch, as_bool, deliver, result_dtype, widened

QUIET = np.errstate(all="ignore")  # infinity and NaN are results


class Input(Batch):
    """`x` of a pooling; the gradient and the indices are arrays of the same layout."""

    def __init__(self, x, nd, layout):
        x = np.asarray(x)
        self.dtype = result_dtype(x)  # of every result but a maximum
        self.nd, self.layout = nd, layout
        super().__init__(x, nd, layout)

    def rows_like_result(self, array, sizes, name):
        """Return an array of the result's shape as rows; refuse other shapes."""
        array = np.asarray(array)
        wanted = self.put_back(np.empty((*self.array.shape[:2], *sizes), bool)).shape
        if array.shape != wanted:
            raise ValueError(f"{name} must have the result's shape {wanted}, got {array.shape}")
        return Batch(array, self.nd, self.layout).rows

    def result(self, rows, sizes, dtype, out):
        """Return rows of `sizes` in the caller's layout, dtype and array."""
        return deliver(self.put_back(rows.reshape(*rows.shape[:2], *sizes)), dtype, out)


def _forward(x, windows, value, out):
    """y[o] = value(x on window o, the window)."""
    rows = _seen(widened(x.rows, x.dtype), windows)
    y = np.empty((*rows.shape[:2], len(windows.each)))
    for o, window in enumerate(windows.each):
        y[..., o] = value(rows[..., window.cells], window)
    return x.result(y, windows.sizes, x.dtype, out)


def _seen(rows, windows):
    """Return rows of all cells that windows see: those of the input, and of its padding."""
    if windows.source is None:
        return rows
    shown, constant = windows.source
    padding = constant.astype(rows.dtype)
    if rows.shape[-1] == 0:
        return np.broadcast_to(padding, (*rows.shape[:2], len(padding)))
    return np.where(shown >= 0, rows[..., shown], padding)


def _given_back(dx, x, windows):
    """Return the gradient of the input from that of all cells that windows see."""
    if windows.source is None:
        return dx
    result = np.zeros(x.rows.shape)
    for cell, share in zip(windows.source.shown, np.moveaxis(dx, -1, 0), strict=True):
        if cell >= 0:
            result[..., cell] += share
    return result


def _backward(grad, x, windows, share, out):
    """dx[i] = sum of share(grad[o], x on window o, o, the window)[i] over the o that see i."""
    g = x.rows_like_result(grad, windows.sizes, "grad")
    dtype = result_dtype(g, x.array)
    g, rows = widened(g, dtype), _seen(widened(x.rows, dtype), windows)
    dx = np.zeros(rows.shape)
    for o, window in enumerate(windows.each):
        dx[..., window.cells] += share(g[..., o, np.newaxis], rows[..., window.cells], o, window)
    return x.result(_given_back(dx, x, windows), x.space, dtype, out)


# Maximum


def maxima(x, windows, return_indices, out):
    """Each window's maximum, in the dtype of `x`: no number is rounded on its way."""
    return_indices = as_bool(return_indices, "return_indices")
    rows = _seen(x.rows, windows)
    best = _first_maxima(rows, windows)
    y = np.take_along_axis(rows, best, axis=-1)
    best = _shown_by(best, windows)
    y = x.result(y, windows.sizes, x.array.dtype.newbyteorder("="), out)
    return (y, x.result(best, windows.sizes, np.int64, None)) if return_indices else y


def _shown_by(best, windows):
    """Return the input's cells that these cells show; -1: none."""
    return best if windows.source is None else windows.source.shown[best]


def _first_maxima(rows, windows):
    """Where each maximum is: argmax takes the first one, and a NaN before all numbers."""
    best = np.empty((*rows.shape[:2], len(windows.each)), np.int64)
    for o, window in enumerate(windows.each):
        best[..., o] = window.cells[np.argmax(rows[..., window.cells], axis=-1)]
    return best


@QUIET
def maxima_backward(grad, x, windows, return_indices, indices, out):
    """Add each output's gradient to the cell of its maximum."""
    as_bool(return_indices, "return_indices")
    if indices is None:
        best = _shown_by(_first_maxima(_seen(x.rows, windows), windows), windows)
    else:
        best = x.rows_like_result(indices, windows.sizes, "indices")
        if best.dtype.kind not in "iu":
            raise TypeError(f"indices must be integers, got {best.dtype}")
        for o, window in enumerate(windows.each):
            if not np.isin(best[..., o], _shown_by(window.cells, windows)).all():
                raise ValueError(
                    f"indices must be cells of their windows, got another at output {o}"
                )

    g = x.rows_like_result(grad, windows.sizes, "grad")
    dtype = result_dtype(g, x.array)
    g, dx = widened(g, dtype), np.zeros(x.rows.shape)
    for o in range(len(windows.each)):
        n, c = np.nonzero(best[..., o] >= 0)
        dx[n, c, best[n, c, o]] += g[n, c, o]
    return x.result(dx, x.space, dtype, out)


# Average


def _count(window, count_include_pad):
    return window.inside if count_include_pad else len(window.cells)


@QUIET
def averages(x, windows, count_include_pad, out):
    """Each window's mean."""
    include = as_bool(count_include_pad, "count_include_pad")
    return _forward(
        x, windows, lambda values, window: values.sum(axis=-1) / _count(window, include), out
    )


@QUIET
def averages_backward(grad, x, windows, count_include_pad, out):
    """Equal shares for all cells of a window."""
    include = as_bool(count_include_pad, "count_include_pad")
    return _backward(
        grad, x, windows, lambda g, values, o, window: g / _count(window, include), out
    )


# Lp norm


def _order(p):
    if isinstance(p, (bool, np.bool_)) or not isinstance(p, Real):
        raise TypeError(f"p must be a number, got {p!r}")
    if not p >= 1:
        raise ValueError(f"p must be at least 1, got {p!r}")
    return float(p)


def _norm(values, p):
    """The cells' sizes |x| and their norm y as (|x| / m, y / m, m).

    m is the largest size, so that no power overflows and not all of them vanish.
    """
    sizes = abs(values)
    m = sizes.max(axis=-1, keepdims=True)
    m = np.where((m == 0) | (m == inf), 1, m)  # nothing to gain by these
    sizes = sizes / m
    if p == inf:
        return sizes, sizes.max(axis=-1, keepdims=True), m
    return sizes, (sizes**p).sum(axis=-1, keepdims=True) ** (1 / p), m


@QUIET
def norms(x, windows, p, out):
    """Each window's Lp norm."""
    p = _order(p)

    def value(values, window):
        _, y, m = _norm(values, p)
        return (m * y)[..., 0]

    return _forward(x, windows, value, out)


@QUIET
def norms_backward(grad, x, windows, p, out):
    """Shares by the size of a cell beside the norm.

    The quotient's rounding error, and the norm's, count p - 1 times in the power.
    """
    p = _order(p)
    if 2**26 < p < inf:
        raise ValueError(f"p must be at most 2**26 or infinity, got {p!r}")

    def share(g, values, o, window):
        sizes, y, _ = _norm(values, p)
        if p == inf:
            largest = np.argmax(abs(values), axis=-1)[..., np.newaxis]
            part = np.where(np.arange(len(window.cells)) == largest, g * np.sign(values), 0)
        else:
            part = g * np.sign(values) * (sizes / y) ** (p - 1)
        return np.where(y == 0, 0, part)

    return _backward(grad, x, windows, share, out)


# Weighted average


def weights(window, nd):
    """Return the window of a weighted pooling as an array."""
    window = np.asarray(window)
    result_dtype(window)  # real numbers
    if window.ndim != nd or 0 in window.shape:
        raise ValueError(
            f"window must have {nd} axes and at least one weight, got shape {window.shape}"
        )
    return window


def _computed(w, dtype):
    """Return the weights in the compute dtype, as one row; float16 is computed in float32."""
    return widened(w, np.result_type(dtype, np.float32)).ravel()


def _normaliser(w, normalize):
    total = w.sum() if normalize else 1.0
    if total == 0:
        raise ValueError("weights of window on input cells must not sum to 0, got 0")
    return total


@QUIET
def weighted(x, windows, w, normalize, out):
    """Return each window's weighted average."""
    normalize, w = as_bool(normalize, "normalize"), _computed(w, x.dtype)

    def value(values, window):
        mine = w[window.taps]
        return (mine * values).sum(axis=-1) / _normaliser(mine, normalize)

    return _forward(x, windows, value, out)


@QUIET
def weighted_backward(grad, x, windows, w, normalize, out):
    """Divide each output's gradient among its cells by weight."""
    normalize = as_bool(normalize, "normalize")
    w = _computed(w, result_dtype(np.asarray(grad), x.array))

    def share(g, values, o, window):
        mine = w[window.taps]
        return g * mine / _normaliser(mine, normalize)

    return _backward(grad, x, windows, share, out)
