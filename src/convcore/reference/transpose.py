"""Transposed convolution as what it is, the adjoint: each input is scattered over the outputs."""

from itertools import product

import numpy as np

from convcore.reference._border import linear, summed
from convcore.reference._common import (
    Batch,
    deliver,
    pad_pairs,
    per_axis,
    result_dtype,
    widened,
)

__all__ = ["conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]


def conv_transpose1d(
    x,
    weight,
    bias=None,
    stride=1,
    padding="valid",
    dilation=1,
    groups=1,
    *,
    output_padding=0,
    border="zeros",
    layout="NCW",
    threads=None,
    out=None,
):
    """1-D transposed convolution: the adjoint of `reference.conv1d` with the same weight.

    Y[j,u] = bias[j] + sum x[i,k] w[i,j,n] over all i, k, n with k*s + n*d - before = u

    Shapes: `x` (n, c, w) or (c, w), or with the channels last if `layout` is "NWC"; `weight`
    (c, k/groups, s); `bias` (k,). The other arguments are those of `reference.conv_transpose2d`.

    >>> conv_transpose1d([[1.0, 10.0]], [[[1.0, 2.0, 3.0]]], stride=2)
    array([[ 1.,  2., 13., 20., 30.]])
    """
    return _conv_transpose(
        1, x, weight, bias, stride=stride, padding=padding, dilation=dilation, groups=groups,
        output_padding=output_padding, border=border, layout=layout, out=out,
    )  # fmt: skip


def conv_transpose2d(
    x,
    weight,
    bias=None,
    stride=1,
    padding="valid",
    dilation=1,
    groups=1,
    *,
    output_padding=0,
    border="zeros",
    layout="NCHW",
    threads=None,
    out=None,
):
    """2-D transposed convolution: the adjoint of `reference.conv2d` with the same weight.

    Y[j,u,v] = bias[j] + sum x[i,o,q] w[i,j,m,n] over all i, o, m, q, n
               with o*s + m*d - before = u and q*s + n*d - before = v

    Each input cell adds its multiple of the kernel to the outputs that the convolution saw it
    from. s is the stride, d the dilation and `before` the padding of that convolution, which maps
    N cells to the n of `x` on each axis:

    N = (n - 1)*s + (r - 1)*d + 1 - before - after + output_padding

    `output_padding`, less than the stride, selects one of the N that have the same n. It may be s
    or more if it is less than d: then the convolution of N cells has more than n outputs, of which
    the first n are meant. With "same" and "same_lower" it is less than s, N is
    (n - 1)*s + 1 + output_padding, and the padding is that of N cells. With g groups i runs over
    the c/g channels of j's group. `border` is the convolution's: what its padding gets
    is added to the cells that it shows. Constants get nothing: the adjoint is that of the linear
    part.

    Shapes: `x` (n, c, h, w) or (c, h, w), channels last if `layout` is "NHWC"; `weight`
    (c, k/groups, r, s); `bias` (k,).

    >>> conv_transpose2d([[[1.0, 10.0]]], [[[[1.0, 2.0], [3.0, 4.0]]]])
    array([[[ 1., 12., 20.],
            [ 3., 34., 40.]]])
    """
    return _conv_transpose(
        2, x, weight, bias, stride=stride, padding=padding, dilation=dilation, groups=groups,
        output_padding=output_padding, border=border, layout=layout, out=out,
    )  # fmt: skip


def conv_transpose3d(
    x,
    weight,
    bias=None,
    stride=1,
    padding="valid",
    dilation=1,
    groups=1,
    *,
    output_padding=0,
    border="zeros",
    layout="NCDHW",
    threads=None,
    out=None,
):
    """3-D transposed convolution: the adjoint of `reference.conv3d` with the same weight.

    Y[j] at a cell = bias[j] + sum x[i] at an input cell * w[i,j] at a tap, over all i, inputs and
    taps with input*s + tap*d - before = cell on each axis

    Shapes: `x` (n, c, depth, h, w) or without n, channels last if `layout` is "NDHWC"; `weight`
    (c, k/groups, kernel depth, r, s); `bias` (k,). The other arguments are those of
    `reference.conv_transpose2d`.

    >>> conv_transpose3d(np.ones((1, 2, 1, 1)), np.ones((1, 1, 2, 1, 1)), [0.5]).ravel()
    array([1.5, 2.5, 1.5])
    """
    return _conv_transpose(
        3, x, weight, bias, stride=stride, padding=padding, dilation=dilation, groups=groups,
        output_padding=output_padding, border=border, layout=layout, out=out,
    )  # fmt: skip


@np.errstate(over="ignore", invalid="ignore")  # infinity and NaN are results
def _conv_transpose(
    nd, x, weight, bias, *, stride, padding, dilation, groups, output_padding, border,
    layout, out,
):  # fmt: skip
    """conv_transpose1d, 2d and 3d: `nd` is the number of spatial axes."""
    x, weight = np.asarray(x), np.asarray(weight)
    dtype = result_dtype(x, weight)
    batch = Batch(x, nd, layout)
    if weight.ndim != nd + 2:
        raise ValueError(f"weight must have {nd + 2} axes, got shape {weight.shape}")

    # X is (batch, channels, *space) and W is (c, k/groups, *kernel), in float64, by way of the
    # result's dtype.
    X = widened(batch.array, dtype)
    W = widened(weight, dtype)
    n, c, *space = X.shape
    k_of_group, kernel = W.shape[1], W.shape[2:]
    (g,) = per_axis(groups, 1, at_least=1, name="groups")
    if c != W.shape[0] or c % g:
        raise ValueError(f"weight must suit {c} channels in {g} groups, got shape {weight.shape}")
    if 0 in kernel or 0 in space:
        raise ValueError(f"x and weight must have cells, got shapes {x.shape} and {weight.shape}")
    s = per_axis(stride, nd, at_least=1, name="stride")
    d = per_axis(dilation, nd, at_least=1, name="dilation")
    more = per_axis(output_padding, nd, at_least=0, name="output_padding")
    entries = padding if isinstance(padding, (list, tuple, np.ndarray)) else [padding] * nd
    if len(entries) != nd:
        raise ValueError(f"padding must be one for each of {nd} axes, got {padding!r}")
    for extra, s_, d_, word in zip(more, s, d, entries, strict=True):
        if extra >= (s_ if str(word) in ("same", "same_lower") else max(s_, d_)):
            raise ValueError(
                f"output_padding must be less than stride ({stride!r}) or, without a word as "
                f"padding, dilation ({dilation!r}), got {output_padding!r}"
            )
    sizes, pads = zip(*map(size_and_pads, space, kernel, s, entries, d, more), strict=True)

    # Every input (o, q) meets the tap (m, n) at the cell (o*s + m*d, q*s + n*d) of the output with
    # its padding, which is a strided slice that begins at (m*d, n*d).
    padded = [size + before + after for size, (before, after) in zip(sizes, pads, strict=True)]
    Y = np.zeros((n, g, k_of_group, *padded))
    X = X.reshape(n, g, c // g, *space)
    W = W.reshape(g, c // g, k_of_group, *kernel)
    for tap in product(*map(range, kernel)):
        met = tuple(
            slice(m * d_, m * d_ + (o - 1) * s_ + 1, s_)
            for m, o, s_, d_ in zip(tap, space, s, d, strict=True)
        )
        for i in range(c // g):
            weights = W[(slice(None), i, slice(None), *tap)]
            Y[(..., *met)] += X[:, :, i, np.newaxis] * weights.reshape(g, k_of_group, *[1] * nd)

    Y = Y.reshape(n, g * k_of_group, *padded)
    Y = summed(Y, sizes, pads, linear(border, nd))
    if bias is not None:
        bias = np.asarray(bias)
        if bias.shape != Y.shape[1:2]:
            raise ValueError(f"bias must have shape {Y.shape[1:2]}, got {bias.shape}")
        result_dtype(bias)
        Y = Y + bias.astype(dtype).reshape(-1, *[1] * nd)
    return deliver(batch.put_back(Y), dtype, out)


def size_and_pads(n, r, s, padding, d, more):
    """Return the N of one axis, and the padding of the convolution that maps N cells to n."""
    if isinstance(padding, str) and padding in ("same", "same_lower"):
        size = (n - 1) * s + 1 + more
        (pads,) = pad_pairs((padding,), [size], [r], [s], [d])
    else:
        (pads,) = pad_pairs((padding,), [n], [r], [s], [d])  # no matter how many cells
        size = (n - 1) * s + (r - 1) * d + 1 - sum(pads) + more
    if size < 1:
        raise ValueError(f"output must have at least 1 cell on each axis, got {size}")
    return size, pads
