"""Distance-weighted pooling as the equation reads, output after output, and the gradient of it.

What the letters of the equations stand for says `_pooling`.
"""

import numpy as np

from convcore.reference import _pooling, _present
from convcore.reference._common import LAYOUTS, for_each_rank
from convcore.reference._missing import Options
from convcore.reference._pooling import Input
from convcore.reference._windows import sliding

__all__ = [
    "weighted_pool1d",
    "weighted_pool1d_backward",
    "weighted_pool2d",
    "weighted_pool2d_backward",
    "weighted_pool3d",
    "weighted_pool3d_backward",
]


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


weighted_pool1d, weighted_pool2d, weighted_pool3d = for_each_rank(_weighted_pool)
weighted_pool1d_backward, weighted_pool2d_backward, weighted_pool3d_backward = for_each_rank(
    _weighted_pool_backward
)
