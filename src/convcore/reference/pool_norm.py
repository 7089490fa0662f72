"""Pooling by norms as the equation reads, one output after the other, and the gradient of it.

What the letters of the equations stand for says `_pooling`.
"""

import numpy as np

from convcore.reference import _pooling, _present
from convcore.reference._common import LAYOUTS, for_each_rank
from convcore.reference._missing import Options
from convcore.reference._pooling import Input
from convcore.reference._windows import sliding

__all__ = [
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
]


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


lp_pool1d, lp_pool2d, lp_pool3d = for_each_rank(_lp_pool)
lp_pool1d_backward, lp_pool2d_backward, lp_pool3d_backward = for_each_rank(_lp_pool_backward)
l2_pool1d, l2_pool2d, l2_pool3d = for_each_rank(_l2_pool)
l2_pool1d_backward, l2_pool2d_backward, l2_pool3d_backward = for_each_rank(_l2_pool_backward)
