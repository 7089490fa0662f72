"""Average pooling as the equation reads, one output after the other, and the gradient of it.

What the letters of the equations stand for says `_pooling`.
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
    "avg_pool1d",
    "avg_pool1d_backward",
    "avg_pool2d",
    "avg_pool2d_backward",
    "avg_pool3d",
    "avg_pool3d_backward",
]


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


avg_pool1d, avg_pool2d, avg_pool3d = for_each_rank(_avg_pool)
avg_pool1d_backward, avg_pool2d_backward, avg_pool3d_backward = for_each_rank(_avg_pool_backward)
adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = for_each_rank(_adaptive_avg_pool)
adaptive_avg_pool1d_backward, adaptive_avg_pool2d_backward, adaptive_avg_pool3d_backward = (
    for_each_rank(_adaptive_avg_pool_backward)
)
