"""Pooling as the equation reads, one output after the other, and the gradients of it.

Each operator is written once and made for 1, 2 and 3 axes by `for_each_rank`; in the equations o,
t, s, d and i are then numbers, pairs or triples. R(o) is the set of the cells that output o sees:
the cells o*s + t*d of the padded input, t = 0 ... kernel_size - 1 on each axis, that belong to the
input itself.
"""

import numpy as np

from convcore.reference import _pooling, _present
from convcore.reference._common import LAYOUTS, for_each_rank
from convcore.reference._missing import Options
from convcore.reference._pooling import Input
from convcore.reference._windows import adaptive, sliding

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool1d_backward",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool2d_backward",
    "adaptive_avg_pool3d",
    "adaptive_avg_pool3d_backward",
    "adaptive_max_pool1d",
    "adaptive_max_pool1d_backward",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_backward",
    "adaptive_max_pool3d",
    "adaptive_max_pool3d_backward",
    "avg_pool1d",
    "avg_pool1d_backward",
    "avg_pool2d",
    "avg_pool2d_backward",
    "avg_pool3d",
    "avg_pool3d_backward",
    "l2_pool1d",
    "l2_pool1d_backward",
    "l2_pool2d",
    "l2_pool2d_backward",
    "l2_pool3d",
    "l2_pool3d_backward",
    "lp_pool1d",
    "lp_pool1d_backward",
    "lp_pool2d",
    "lp_pool2d_backward",
    "lp_pool3d",
    "lp_pool3d_backward",
    "max_pool1d",
    "max_pool1d_backward",
    "max_pool2d",
    "max_pool2d_backward",
    "max_pool3d",
    "max_pool3d_backward",
    "weighted_pool1d",
    "weighted_pool1d_backward",
    "weighted_pool2d",
    "weighted_pool2d_backward",
    "weighted_pool3d",
    "weighted_pool3d_backward",
]


# Maximum


def _max_pool(nd):
    def max_pool(
        x,
        kernel_size,
        stride=None,
        padding="valid",
        dilation=1,
        *,
        ceil_mode=False,
        return_indices=False,
        border="zeros",
        layout=LAYOUTS[nd],
        mask=None,
        nan="propagate",
        fill=np.nan,
        return_weight=False,
        threads=None,
        out=None,
    ):
        """$nd-D max pooling: the largest cell of each window.

        y[o] = max_{i in R(o)} x[i], and NaN if one of them is NaN

        Shapes: `x` (n, c, $axes) or (c, $axes), channels last if `layout` says so; the result
        has as many axes. Any real dtype, and it stays. `kernel_size`, `stride` (None: the
        kernel's) and `dilation` are an int or one per axis; `padding` as in
        `reference.conv${nd}d`. A window that sees nothing but padding is an error. With
        `ceil_mode` a last window that is not complete counts, unless it starts in the padding
        after the input. `border` is that of `reference.conv${nd}d`, but for "zeros", by which the
        padding holds nothing: other words and numbers make it cells like any other. With
        `return_indices` the result is (y, indices): where in the plane of
        the input each maximum is, as a flat position; the first one of several, and the first
        NaN if there is one.

        Figure 9.10, whose last window has two cells only:

        >>> x = np.array([0.1, 1.0, 0.2, 0.1, 0.0, 0.1]).reshape(1, ${ones}6)
        >>> y, indices = $name(x, [${ones}3], [${ones}2], ceil_mode=True, return_indices=True)
        >>> y.ravel(), indices.ravel()
        (array([1. , 0.2, 0.1]), array([1, 2, 5]))
        """
        x = Input(x, nd, layout)
        windows = sliding(
            x.space, kernel_size, stride, padding, dilation, ceil_mode=ceil_mode, border=border
        )
        missing = Options(mask, nan, True, fill, return_weight)
        if missing.used:
            return _present.maxima(x, windows, missing, return_indices, out)
        return _pooling.maxima(x, windows, return_indices, out)

    return max_pool


def _max_pool_backward(nd):
    def max_pool_backward(
        grad,
        x,
        kernel_size,
        stride=None,
        padding="valid",
        dilation=1,
        *,
        ceil_mode=False,
        return_indices=False,
        indices=None,
        border="zeros",
        layout=LAYOUTS[nd],
        mask=None,
        nan="propagate",
        fill=np.nan,
        return_weight=False,
        threads=None,
        out=None,
    ):
        """Gradient of `x` of `reference.$forward`: what comes back goes to the maximum.

        dx[i] = sum of grad[o] over the o whose (first) maximum is cell i

        `grad` has the shape of the result, the gradient that of `x`. `indices` are those that
        the forward function returned; by default they are computed again. `return_indices` is
        ignored.

        >>> x = np.array([1.0, 3.0, 2.0, 3.0, 3.0]).reshape(1, ${ones}5)
        >>> grad = np.array([1.0, 10.0, 100.0]).reshape(1, ${ones}3)
        >>> $name(grad, x, [${ones}3], stride=1).ravel()
        array([  0.,  11.,   0., 100.,   0.])
        """
        x = Input(x, nd, layout)
        windows = sliding(
            x.space, kernel_size, stride, padding, dilation, ceil_mode=ceil_mode, border=border
        )
        missing = Options(mask, nan, True, fill, return_weight)
        if missing.used:
            return _present.maxima_backward(grad, x, windows, missing, indices, out)
        return _pooling.maxima_backward(grad, x, windows, return_indices, indices, out)

    return max_pool_backward


def _adaptive_max_pool(nd):
    def adaptive_max_pool(
        x, output_size, *, return_indices=False, layout=LAYOUTS[nd], threads=None, out=None
    ):
        """$nd-D max pooling to a given size: the largest cell of each share of the input.

        y[o] = max x[i], i = floor(o*n / m) ... ceil((o+1)*n / m) - 1 on each axis, n -> m cells

        `output_size` is an int or one per axis; None keeps the size of that axis. The other
        arguments are those of `reference.max_pool${nd}d`.

        >>> x = np.arange(5.0).reshape(1, ${ones}5)
        >>> y, indices = $name(x, [${ones}3], return_indices=True)
        >>> y.ravel(), indices.ravel()
        (array([1., 3., 4.]), array([1, 3, 4]))
        """
        x = Input(x, nd, layout)
        return _pooling.maxima(x, adaptive(x.space, output_size), return_indices, out)

    return adaptive_max_pool


def _adaptive_max_pool_backward(nd):
    def adaptive_max_pool_backward(
        grad,
        x,
        output_size,
        *,
        return_indices=False,
        indices=None,
        layout=LAYOUTS[nd],
        threads=None,
        out=None,
    ):
        """Gradient of `x` of `reference.$forward`: what comes back goes to the maximum.

        dx[i] = sum of grad[o] over the o whose (first) maximum is cell i

        The arguments are those of `reference.max_pool${nd}d_backward`.

        >>> x = np.array([1.0, 3.0, 2.0, 4.0, 3.0]).reshape(1, ${ones}5)
        >>> grad = np.array([1.0, 10.0, 100.0]).reshape(1, ${ones}3)
        >>> $name(grad, x, [${ones}3]).ravel()
        array([  0.,   1.,   0., 110.,   0.])
        """
        x = Input(x, nd, layout)
        windows = adaptive(x.space, output_size)
        return _pooling.maxima_backward(grad, x, windows, return_indices, indices, out)

    return adaptive_max_pool_backward


# Average


def _avg_pool(nd):
    def avg_pool(
        x,
        kernel_size,
        stride=None,
        padding="valid",
        dilation=1,
        *,
        ceil_mode=False,
        count_include_pad=False,
        border="zeros",
        layout=LAYOUTS[nd],
        mask=None,
        nan="propagate",
        normalize=True,
        fill=np.nan,
        return_weight=False,
        threads=None,
        out=None,
    ):
        """$nd-D average pooling: the mean of the cells of each window.

        y[o] = sum_{i in R(o)} x[i] / N(o)

        N(o) is the number of cells in R(o), or with `count_include_pad` of the window's cells
        that belong to the input or its padding; what `ceil_mode` adds beyond does not count. The
        other arguments and the shapes are those of `reference.max_pool${nd}d`; integers are
        promoted to a float.

        >>> x = np.arange(6.0).reshape(1, ${ones}6)
        >>> $name(x, [${ones}4], ceil_mode=True).ravel()
        array([1.5, 4.5])
        """
        x = Input(x, nd, layout)
        windows = sliding(
            x.space, kernel_size, stride, padding, dilation, ceil_mode=ceil_mode, border=border
        )
        missing = Options(mask, nan, normalize, fill, return_weight)
        if missing.used:
            return _present.averages(x, windows, missing, count_include_pad, out)
        return _pooling.averages(x, windows, count_include_pad, out)

    return avg_pool


def _avg_pool_backward(nd):
    def avg_pool_backward(
        grad,
        x,
        kernel_size,
        stride=None,
        padding="valid",
        dilation=1,
        *,
        ceil_mode=False,
        count_include_pad=False,
        border="zeros",
        layout=LAYOUTS[nd],
        mask=None,
        nan="propagate",
        normalize=True,
        fill=np.nan,
        return_weight=False,
        threads=None,
        out=None,
    ):
        """Gradient of `x` of `reference.$forward`: equal shares for all cells of a window.

        dx[i] = sum of grad[o] / N(o) over the o with i in R(o)

        >>> grad, x = np.array([4.0, 6.0]).reshape(1, ${ones}2), np.ones((1, ${ones}6))
        >>> $name(grad, x, [${ones}4], ceil_mode=True).ravel()
        array([1., 1., 1., 1., 3., 3.])
        """
        x = Input(x, nd, layout)
        windows = sliding(
            x.space, kernel_size, stride, padding, dilation, ceil_mode=ceil_mode, border=border
        )
        missing = Options(mask, nan, normalize, fill, return_weight)
        if missing.used:
            return _present.averages_backward(grad, x, windows, missing, count_include_pad, out)
        return _pooling.averages_backward(grad, x, windows, count_include_pad, out)

    return avg_pool_backward


def _adaptive_avg_pool(nd):
    def adaptive_avg_pool(x, output_size, *, layout=LAYOUTS[nd], threads=None, out=None):
        """$nd-D average pooling to a given size: the mean of each share of the input.

        y[o] = mean of x[i], i = floor(o*n / m) ... ceil((o+1)*n / m) - 1 on each axis, n -> m

        The arguments are those of `reference.adaptive_max_pool${nd}d`.

        >>> $name(np.arange(5.0).reshape(1, ${ones}5), [${ones}3]).ravel()
        array([0.5, 2. , 3.5])
        """
        x = Input(x, nd, layout)
        return _pooling.averages(x, adaptive(x.space, output_size), False, out)

    return adaptive_avg_pool


def _adaptive_avg_pool_backward(nd):
    def adaptive_avg_pool_backward(
        grad, x, output_size, *, layout=LAYOUTS[nd], threads=None, out=None
    ):
        """Gradient of `x` of `reference.$forward`: equal shares for all cells of a window.

        dx[i] = sum of grad[o] / (number of cells that o sees) over the o that see i

        >>> grad = np.array([2.0, 3.0, 20.0]).reshape(1, ${ones}3)
        >>> $name(grad, np.ones((1, ${ones}5)), [${ones}3]).ravel()
        array([ 1.,  2.,  1., 11., 10.])
        """
        x = Input(x, nd, layout)
        windows = adaptive(x.space, output_size)
        return _pooling.averages_backward(grad, x, windows, False, out)

    return adaptive_avg_pool_backward


# Lp norm


def _lp_pool(nd):
    def lp_pool(
        x,
        kernel_size,
        stride=None,
        padding="valid",
        dilation=1,
        *,
        p=2.0,
        ceil_mode=False,
        border="zeros",
        layout=LAYOUTS[nd],
        mask=None,
        nan="propagate",
        fill=np.nan,
        return_weight=False,
        threads=None,
        out=None,
    ):
        """$nd-D pooling by the Lp norm of each window.

        y[o] = (sum_{i in R(o)} abs(x[i])^p)^(1/p), for p = inf the largest abs(x[i])

        `p` is a number from 1 to infinity. The other arguments and the shapes are those of
        `reference.max_pool${nd}d`; integers are promoted to a float.

        >>> x = np.array([3.0, -4.0, 0.0, -2.0]).reshape(1, ${ones}4)
        >>> $name(x, [${ones}2]).ravel()
        array([5., 2.])
        >>> $name(x, [${ones}2], p=1).ravel(), $name(x, [${ones}2], p=np.inf).ravel()
        (array([7., 2.]), array([4., 2.]))
        """
        x = Input(x, nd, layout)
        windows = sliding(
            x.space, kernel_size, stride, padding, dilation, ceil_mode=ceil_mode, border=border
        )
        missing = Options(mask, nan, True, fill, return_weight)
        if missing.used:
            return _present.norms(x, windows, missing, p, out)
        return _pooling.norms(x, windows, p, out)

    return lp_pool


def _lp_pool_backward(nd):
    def lp_pool_backward(
        grad,
        x,
        kernel_size,
        stride=None,
        padding="valid",
        dilation=1,
        *,
        p=2.0,
        ceil_mode=False,
        border="zeros",
        layout=LAYOUTS[nd],
        mask=None,
        nan="propagate",
        fill=np.nan,
        return_weight=False,
        threads=None,
        out=None,
    ):
        """Gradient of `x` of `reference.$forward`, y being the result of that.

        dx[i] = sum of grad[o] sign(x[i]) (abs(x[i]) / y[o])^(p-1) over the o with i in R(o)

        where y[o] is not 0; for p = inf all of it goes to the first largest abs(x[i]) of R(o). A
        finite p is at most 2**26: the power has p - 1 times the rounding error of the quotient.

        >>> x = np.array([3.0, -4.0, 0.0, 0.0]).reshape(1, ${ones}4)
        >>> $name(np.full((1, ${ones}2), 10.0), x, [${ones}2]).ravel()
        array([ 6., -8.,  0.,  0.])
        """
        x = Input(x, nd, layout)
        windows = sliding(
            x.space, kernel_size, stride, padding, dilation, ceil_mode=ceil_mode, border=border
        )
        missing = Options(mask, nan, True, fill, return_weight)
        if missing.used:
            return _present.norms_backward(grad, x, windows, missing, p, out)
        return _pooling.norms_backward(grad, x, windows, p, out)

    return lp_pool_backward


def _l2_pool(nd):
    def l2_pool(
        x,
        kernel_size,
        stride=None,
        padding="valid",
        dilation=1,
        *,
        ceil_mode=False,
        border="zeros",
        layout=LAYOUTS[nd],
        mask=None,
        nan="propagate",
        fill=np.nan,
        return_weight=False,
        threads=None,
        out=None,
    ):
        """$nd-D pooling by the L2 norm of each window.

        y[o] = sqrt(sum_{i in R(o)} x[i]^2)

        The arguments and the shapes are those of `reference.max_pool${nd}d`; integers are promoted
        to a float.

        >>> $name(np.array([3.0, -4.0, 0.0, -2.0]).reshape(1, ${ones}4), [${ones}2]).ravel()
        array([5., 2.])
        """
        x = Input(x, nd, layout)
        windows = sliding(
            x.space, kernel_size, stride, padding, dilation, ceil_mode=ceil_mode, border=border
        )
        missing = Options(mask, nan, True, fill, return_weight)
        if missing.used:
            return _present.norms(x, windows, missing, 2, out)
        return _pooling.norms(x, windows, 2, out)

    return l2_pool


def _l2_pool_backward(nd):
    def l2_pool_backward(
        grad,
        x,
        kernel_size,
        stride=None,
        padding="valid",
        dilation=1,
        *,
        ceil_mode=False,
        border="zeros",
        layout=LAYOUTS[nd],
        mask=None,
        nan="propagate",
        fill=np.nan,
        return_weight=False,
        threads=None,
        out=None,
    ):
        """Gradient of `x` of `reference.$forward`, y being the result of that.

        dx[i] = sum of grad[o] x[i] / y[o] over the o with i in R(o), where y[o] is not 0

        >>> x = np.array([3.0, -4.0, 0.0, 0.0]).reshape(1, ${ones}4)
        >>> $name(np.full((1, ${ones}2), 10.0), x, [${ones}2]).ravel()
        array([ 6., -8.,  0.,  0.])
        """
        x = Input(x, nd, layout)
        windows = sliding(
            x.space, kernel_size, stride, padding, dilation, ceil_mode=ceil_mode, border=border
        )
        missing = Options(mask, nan, True, fill, return_weight)
        if missing.used:
            return _present.norms_backward(grad, x, windows, missing, 2, out)
        return _pooling.norms_backward(grad, x, windows, 2, out)

    return l2_pool_backward


# Weighted average


def _weighted_pool(nd):
    def weighted_pool(
        x,
        window,
        stride=None,
        padding="valid",
        dilation=1,
        *,
        normalize=True,
        ceil_mode=False,
        border="zeros",
        layout=LAYOUTS[nd],
        mask=None,
        nan="propagate",
        fill=np.nan,
        return_weight=False,
        threads=None,
        out=None,
    ):
        """$nd-D pooling by an average with the weights of a window.

        y[o] = sum_t w[t] x[o*s + t*d] / W(o)

        with the cells o*s + t*d that are in R(o). W(o) is the sum of their weights, which must
        not be 0; or 1 if not `normalize`. `window` has the shape ($axes) of the kernel and is
        not flipped; `stride` None is that shape. The other arguments and the shapes are those of
        `reference.max_pool${nd}d`; integers are promoted to a float.

        >>> x = np.array([8.0, 4.0, 0.0, 4.0]).reshape(1, ${ones}4)
        >>> window = np.array([1.0, 2.0, 1.0]).reshape([${ones}3])
        >>> $name(x, window, stride=1, padding="same").ravel().round(3)
        array([6.667, 4.   , 2.   , 2.667])
        """
        x = Input(x, nd, layout)
        window = _pooling.weights(window, nd)
        windows = sliding(
            x.space, window.shape, stride, padding, dilation, ceil_mode=ceil_mode, border=border
        )
        missing = Options(mask, nan, normalize, fill, return_weight)
        if missing.used:
            return _present.weighted(x, windows, missing, window, out)
        return _pooling.weighted(x, windows, window, normalize, out)

    return weighted_pool


def _weighted_pool_backward(nd):
    def weighted_pool_backward(
        grad,
        x,
        window,
        stride=None,
        padding="valid",
        dilation=1,
        *,
        normalize=True,
        ceil_mode=False,
        border="zeros",
        layout=LAYOUTS[nd],
        mask=None,
        nan="propagate",
        fill=np.nan,
        return_weight=False,
        threads=None,
        out=None,
    ):
        """Gradient of `x` of `reference.$forward`: shares by weight.

        dx[i] = sum of grad[o] w[t] / W(o) over the o and t with i = o*s + t*d in R(o)

        >>> grad, x = np.array([8.0, 3.0]).reshape(1, ${ones}2), np.ones((1, ${ones}5))
        >>> window = np.array([1.0, 2.0, 1.0]).reshape([${ones}3])
        >>> $name(grad, x, window, ceil_mode=True).ravel()
        array([2., 4., 2., 1., 2.])
        """
        x = Input(x, nd, layout)
        window = _pooling.weights(window, nd)
        windows = sliding(
            x.space, window.shape, stride, padding, dilation, ceil_mode=ceil_mode, border=border
        )
        missing = Options(mask, nan, normalize, fill, return_weight)
        if missing.used:
            return _present.weighted_backward(grad, x, windows, missing, window, out)
        return _pooling.weighted_backward(grad, x, windows, window, normalize, out)

    return weighted_pool_backward


# The public names

max_pool1d, max_pool2d, max_pool3d = for_each_rank(_max_pool)
max_pool1d_backward, max_pool2d_backward, max_pool3d_backward = for_each_rank(_max_pool_backward)
avg_pool1d, avg_pool2d, avg_pool3d = for_each_rank(_avg_pool)
avg_pool1d_backward, avg_pool2d_backward, avg_pool3d_backward = for_each_rank(_avg_pool_backward)
lp_pool1d, lp_pool2d, lp_pool3d = for_each_rank(_lp_pool)
lp_pool1d_backward, lp_pool2d_backward, lp_pool3d_backward = for_each_rank(_lp_pool_backward)
l2_pool1d, l2_pool2d, l2_pool3d = for_each_rank(_l2_pool)
l2_pool1d_backward, l2_pool2d_backward, l2_pool3d_backward = for_each_rank(_l2_pool_backward)
weighted_pool1d, weighted_pool2d, weighted_pool3d = for_each_rank(_weighted_pool)
weighted_pool1d_backward, weighted_pool2d_backward, weighted_pool3d_backward = for_each_rank(
    _weighted_pool_backward
)
adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = for_each_rank(_adaptive_avg_pool)
adaptive_avg_pool1d_backward, adaptive_avg_pool2d_backward, adaptive_avg_pool3d_backward = (
    for_each_rank(_adaptive_avg_pool_backward)
)
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = for_each_rank(_adaptive_max_pool)
adaptive_max_pool1d_backward, adaptive_max_pool2d_backward, adaptive_max_pool3d_backward = (
    for_each_rank(_adaptive_max_pool_backward)
)
