"""Local and tiled layers as the equations read: one output after the other, each by its kernel."""

from itertools import product
from math import prod

import numpy as np

from convcore.reference._border import padded
from convcore.reference._common import (
    Batch,
    deliver,
    pad_pairs,
    per_axis,
    result_dtype,
    widened,
)

__all__ = [
    "local_conv1d",
    "local_conv2d",
    "local_conv3d",
    "tiled_conv1d",
    "tiled_conv2d",
    "tiled_conv3d",
]


def local_conv1d(
    x,
    weight,
    bias=None,
    stride=1,
    padding="valid",
    dilation=1,
    *,
    border="zeros",
    layout="NCW",
    threads=None,
    out=None,
):
    """1-D local layer: a convolution whose weights are not shared.

    Z[i,k] = bias[i,k] + sum_{l,n} V[l, k*s + n*d] w[i,k,l,n]

    Shapes: `x` (n, c, w) or (c, w), or with the channels last if `layout` is "NWC"; `weight`
    (k, ow, c, s); `bias` (k, ow). The other arguments are those of `reference.local_conv2d`.

    >>> local_conv1d([[1.0, 2.0, 4.0]], [[[[1.0, 0.0]], [[10.0, 100.0]]]])
    array([[  1., 420.]])
    """
    return _unshared(
        1, x, weight, bias, local=True, stride=stride, padding=padding, dilation=dilation,
        border=border, layout=layout, out=out,
    )  # fmt: skip


def local_conv2d(
    x,
    weight,
    bias=None,
    stride=1,
    padding="valid",
    dilation=1,
    *,
    border="zeros",
    layout="NCHW",
    threads=None,
    out=None,
):
    """2-D local (unshared) layer, as equation 9.9 reads (counting from 0).

    Z[i,j,k] = bias[i,j,k] + sum_{l,m,n} V[l, j*s + m*d, k*s + n*d] w[i,j,k,l,m,n]

    V is `x` with its padding, w the weight: every output has a kernel of its own. s is
    the stride and d the dilation, one per direction if wanted.

    Shapes: `x` (n, c, h, w) or (c, h, w), channels last if `layout` is "NHWC"; `weight`
    (k, oh, ow, c, r, s) with the size of the output in it; `bias` (k, oh, ow). `padding` and
    `border` are those of `reference.conv2d`.

    Two outputs with kernels of one cell, and their own biases:

    >>> weight = np.array([2.0, 3.0]).reshape(1, 1, 2, 1, 1, 1)
    >>> local_conv2d([[[1.0, 10.0]]], weight, [[[0.5, 0.25]]])
    array([[[ 2.5 , 30.25]]])
    """
    return _unshared(
        2, x, weight, bias, local=True, stride=stride, padding=padding, dilation=dilation,
        border=border, layout=layout, out=out,
    )  # fmt: skip


def local_conv3d(
    x,
    weight,
    bias=None,
    stride=1,
    padding="valid",
    dilation=1,
    *,
    border="zeros",
    layout="NCDHW",
    threads=None,
    out=None,
):
    """3-D local layer: a convolution whose weights are not shared.

    Z[i,t,j,k] = bias[i,t,j,k]
                 + sum_{l,u,m,n} V[l, t*s + u*d, j*s + m*d, k*s + n*d] w[i,t,j,k,l,u,m,n]

    Shapes: `x` (n, c, depth, h, w) or without n, channels last if `layout` is "NDHWC"; `weight`
    (k, output depth, oh, ow, c, kernel depth, r, s); `bias` (k, output depth, oh, ow). The other
    arguments are those of `reference.local_conv2d`.

    >>> weight = np.array([2.0, 3.0]).reshape(1, 2, 1, 1, 1, 1, 1, 1)
    >>> local_conv3d([[[[1.0]], [[10.0]]]], weight).ravel()
    array([ 2., 30.])
    """
    return _unshared(
        3, x, weight, bias, local=True, stride=stride, padding=padding, dilation=dilation,
        border=border, layout=layout, out=out,
    )  # fmt: skip


def tiled_conv1d(
    x,
    weight,
    bias=None,
    stride=1,
    padding="valid",
    dilation=1,
    *,
    border="zeros",
    layout="NCW",
    threads=None,
    out=None,
):
    """1-D tiled convolution: t kernels, used in turn.

    Z[i,k] = bias[i, k%t] + sum_{l,n} V[l, k*s + n*d] K[i, k%t, l, n]

    Shapes: `x` (n, c, w) or (c, w), or with the channels last if `layout` is "NWC"; `weight`
    (k, t, c, s); `bias` (k, t). The other arguments are those of `reference.tiled_conv2d`.

    >>> tiled_conv1d([[1.0, 2.0, 3.0, 4.0, 5.0]], [[[[1.0]], [[100.0]]]])
    array([[  1., 200.,   3., 400.,   5.]])
    """
    return _unshared(
        1, x, weight, bias, local=False, stride=stride, padding=padding, dilation=dilation,
        border=border, layout=layout, out=out,
    )  # fmt: skip


def tiled_conv2d(
    x,
    weight,
    bias=None,
    stride=1,
    padding="valid",
    dilation=1,
    *,
    border="zeros",
    layout="NCHW",
    threads=None,
    out=None,
):
    """2-D tiled convolution, as equation 9.10 reads (counting from 0).

    Z[i,j,k] = bias[i, j%t, k%t] + sum_{l,m,n} V[l, j*s + m*d, k*s + n*d] K[i, j%t, k%t, l, m, n]

    V is `x` with its padding, K the weight, s the stride, d the dilation and t the
    period, each one per direction if wanted. Outputs t steps apart have the same kernel and bias;
    a period larger than the output leaves the other kernels unused.

    Shapes: `x` (n, c, h, w) or (c, h, w), channels last if `layout` is "NHWC"; `weight`
    (k, t, t, c, r, s); `bias` (k, t, t). `padding` is that of `reference.conv2d`.

    Kernels of one cell in the pattern of a chessboard:

    >>> weight = np.array([1.0, -1.0, -1.0, 1.0]).reshape(1, 2, 2, 1, 1, 1)
    >>> tiled_conv2d(np.ones((1, 3, 4)), weight)
    array([[[ 1., -1.,  1., -1.],
            [-1.,  1., -1.,  1.],
            [ 1., -1.,  1., -1.]]])
    """
    return _unshared(
        2, x, weight, bias, local=False, stride=stride, padding=padding, dilation=dilation,
        border=border, layout=layout, out=out,
    )  # fmt: skip


def tiled_conv3d(
    x,
    weight,
    bias=None,
    stride=1,
    padding="valid",
    dilation=1,
    *,
    border="zeros",
    layout="NCDHW",
    threads=None,
    out=None,
):
    """3-D tiled convolution: t kernels along each direction, used in turn.

    Z[i,p,j,k] = bias[i, p%t, j%t, k%t] + sum_{l,u,m,n} V[l, p*s + u*d, j*s + m*d, k*s + n*d]
                                                        K[i, p%t, j%t, k%t, l, u, m, n]

    Shapes: `x` (n, c, depth, h, w) or without n, channels last if `layout` is "NDHWC"; `weight`
    (k, t, t, t, c, kernel depth, r, s); `bias` (k, t, t, t). The other arguments are those of
    `reference.tiled_conv2d`.

    >>> weight = np.array([1.0, 100.0]).reshape(1, 2, 1, 1, 1, 1, 1, 1)
    >>> tiled_conv3d(np.ones((1, 5, 1, 1)), weight).ravel()
    array([  1., 100.,   1., 100.,   1.])
    """
    return _unshared(
        3, x, weight, bias, local=False, stride=stride, padding=padding, dilation=dilation,
        border=border, layout=layout, out=out,
    )  # fmt: skip


@np.errstate(over="ignore", invalid="ignore")  # infinity and NaN are results
def _unshared(nd, x, weight, bias, *, local, stride, padding, dilation, border, layout, out):
    """Both layers; with `local`, the period must be the output's size."""
    x, weight = np.asarray(x), np.asarray(weight)
    dtype = result_dtype(x, weight)
    batch = Batch(x, nd, layout)
    if weight.ndim != 2 * nd + 2:
        raise ValueError(f"weight must have {2 * nd + 2} axes, got shape {weight.shape}")

    # V is (batch, channels, *space) and K is (k, *period, c, *kernel), in float64, by way of the
    # result's dtype.
    V = widened(batch.array, dtype)
    K = widened(weight, dtype)
    n, c = V.shape[:2]
    k, period, c_of_weight, kernel = K.shape[0], K.shape[1 : nd + 1], K.shape[nd + 1], K.shape[-nd:]
    if c != c_of_weight:
        raise ValueError(f"weight must have {c} input channels, got {c_of_weight}")
    if 0 in kernel or 0 in period:
        raise ValueError(f"weight must have cells, got shape {weight.shape}")
    s = per_axis(stride, nd, at_least=1, name="stride")
    d = per_axis(dilation, nd, at_least=1, name="dilation")
    pads = pad_pairs(padding, V.shape[2:], kernel, s, d)
    V = padded(V, pads, border)
    sizes = [
        (size - (r - 1) * d_ - 1) // s_ + 1
        for size, r, s_, d_ in zip(V.shape[2:], kernel, s, d, strict=True)
    ]
    if min(sizes) < 1:
        raise ValueError(f"kernel must fit the padded input, got {kernel}")
    if local and period != tuple(sizes):
        raise ValueError(
            f"weight must have kernels for {tuple(sizes)} outputs, got {period} in shape "
            f"{weight.shape}"
        )
    b = np.zeros((k, *period))
    if bias is not None:
        bias = np.asarray(bias)
        if bias.shape != b.shape:
            raise ValueError(f"bias must have shape {b.shape}, got {bias.shape}")
        result_dtype(bias)
        b += bias.astype(dtype)

    # The equation, for one output (j, k) after the other: its inputs, and the kernel of its period.
    Z = np.empty((n, k, *sizes))
    terms = c * prod(kernel)
    for position in product(*map(range, sizes)):
        seen = tuple(
            slice(o * s_, o * s_ + (r - 1) * d_ + 1, d_)
            for o, r, s_, d_ in zip(position, kernel, s, d, strict=True)
        )
        turn = tuple(o % t for o, t in zip(position, period, strict=True))
        inputs = V[(..., *seen)].reshape(n, terms)
        weights = K[(slice(None), *turn)].reshape(k, terms)
        Z[(..., *position)] = b[(slice(None), *turn)] + inputs @ weights.T

    return deliver(batch.put_back(Z), dtype, out)
