"""Maximum pooling as the equation reads, one output after the other, and the gradient of it.

What the letters of the equations stand for says `_pooling`.
"""

import numpy as np

from convcore.reference import _pooling, _present
from convcore.reference._common import LAYOUTS, for_each_rank
from convcore.reference._missing import Options
from convcore.reference._pooling import Input
from convcore.reference._windows import adaptive, sliding

__all__ = [
    "adaptive_max_pool1d",
    "adaptive_max_pool1d_backward",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_backward",
    "adaptive_max_pool3d",
    "adaptive_max_pool3d_backward",
    "max_pool1d",
    "max_pool1d_backward",
    "max_pool2d",
    "max_pool2d_backward",
    "max_pool3d",
    "max_pool3d_backward",
]


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


max_pool1d, max_pool2d, max_pool3d = for_each_rank(_max_pool)
max_pool1d_backward, max_pool2d_backward, max_pool3d_backward = for_each_rank(_max_pool_backward)
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = for_each_rank(_adaptive_max_pool)
adaptive_max_pool1d_backward, adaptive_max_pool2d_backward, adaptive_max_pool3d_backward = (
    for_each_rank(_adaptive_max_pool_backward)
)
