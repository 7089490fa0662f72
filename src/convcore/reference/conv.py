"""Convolution as the equation reads: the padding is really there, and the sum runs over it."""

from itertools import product
from math import prod

import numpy as np

from convcore.reference._border import padded
from convcore.reference._common import (
    Batch,
    as_bool,
    deliver,
    pad_pairs,
    per_axis,
    result_dtype,
    widened,
)
from convcore.reference._missing import Geometry, Options, padded_mask, present_cells
from convcore.reference._missing import conv as of_present

__all__ = ["conv1d", "conv2d", "conv3d"]


def conv1d(
    x,
    weight,
    bias=None,
    stride=1,
    padding="valid",
    dilation=1,
    groups=1,
    *,
    connections=None,
    flip=False,
    border="zeros",
    layout="NCW",
    mask=None,
    nan="propagate",
    normalize=True,
    fill=np.nan,
    return_weight=False,
    algorithm="auto",
    threads=None,
    out=None,
):
    """1-D convolution of a batch of signals, as the equation reads.

    Z[i,k] = bias[i] + sum_{l,n} V[l, k*s + n*d] K[i,l,n]

    V is `x` with its padding, K the weight, s the stride, d the dilation. Shapes: `x` (n, c, w)
    or (c, w), or with the channels last if `layout` is "NWC"; `weight` (k, c/groups, s); `bias`
    (k,). The other arguments are those of `reference.conv2d`.

    >>> conv1d([[1.0, 2.0, 4.0, 8.0]], [[[-1.0, 1.0]]], padding=((1, 0),), stride=2)
    array([[1., 2.]])
    """
    return _conv(
        1, x, weight, bias, stride=stride, padding=padding, dilation=dilation, groups=groups,
        connections=connections, flip=flip, border=border, layout=layout, out=out,
        missing=Options(mask, nan, normalize, fill, return_weight),
    )  # fmt: skip


def conv2d(
    x,
    weight,
    bias=None,
    stride=1,
    padding="valid",
    dilation=1,
    groups=1,
    *,
    connections=None,
    flip=False,
    border="zeros",
    layout="NCHW",
    mask=None,
    nan="propagate",
    normalize=True,
    fill=np.nan,
    return_weight=False,
    algorithm="auto",
    threads=None,
    out=None,
):
    """2-D convolution of a batch of images, as equation 9.8 reads (counting from 0).

    Z[i,j,k] = bias[i] + sum_{l,m,n} V[l, j*s + m*d, k*s + n*d] K[i,l,m,n]

    V is `x` with its padding, K the weight (its rows and columns reversed if `flip`), s the
    stride and d the dilation, one per direction if wanted. With g groups the sum over l runs over
    the c/g channels of i's group.

    Shapes: `x` (n, c, h, w) or (c, h, w), channels last if `layout` is "NHWC"; `weight`
    (k, c/groups, r, s); `bias` (k,). `padding` is "valid", "same", "same_lower", "full", an int,
    an int per axis or a (before, after) pair per axis; `border` says what it holds: "zeros",
    "edge", "reflect", "symmetric" or "wrap". `connections` is a table of bools (k, c): where it is
    False, the sum over l leaves that channel out, whatever is in it; only without groups.

    The symbols of figure 9.1, with a number for each letter:

    >>> a_to_l = np.arange(12.0).reshape(1, 3, 4)
    >>> w_to_z = np.array([[[[1.0, 10.0], [100.0, 1000.0]]]])
    >>> conv2d(a_to_l, w_to_z)
    array([[[ 5410.,  6521.,  7632.],
            [ 9854., 10965., 12076.]]])
    """
    return _conv(
        2, x, weight, bias, stride=stride, padding=padding, dilation=dilation, groups=groups,
        connections=connections, flip=flip, border=border, layout=layout, out=out,
        missing=Options(mask, nan, normalize, fill, return_weight),
    )  # fmt: skip


def conv3d(
    x,
    weight,
    bias=None,
    stride=1,
    padding="valid",
    dilation=1,
    groups=1,
    *,
    connections=None,
    flip=False,
    border="zeros",
    layout="NCDHW",
    mask=None,
    nan="propagate",
    normalize=True,
    fill=np.nan,
    return_weight=False,
    algorithm="auto",
    threads=None,
    out=None,
):
    """3-D convolution of a batch of volumes, as the equation reads.

    Z[i,t,j,k] = bias[i]
                 + sum_{l,u,m,n} V[l, t*s + u*d, j*s + m*d, k*s + n*d] K[i,l,u,m,n]

    Shapes: `x` (n, c, depth, h, w) or without n, channels last if `layout` is "NDHWC"; `weight`
    (k, c/groups, kernel depth, r, s); `bias` (k,). The other arguments are those of
    `reference.conv2d`.

    >>> conv3d(np.ones((2, 3, 3, 3)), np.ones((1, 2, 2, 2, 2)), [0.5], stride=(1, 2, 2))
    array([[[[16.5]],
    <BLANKLINE>
            [[16.5]]]])
    """
    return _conv(
        3, x, weight, bias, stride=stride, padding=padding, dilation=dilation, groups=groups,
        connections=connections, flip=flip, border=border, layout=layout, out=out,
        missing=Options(mask, nan, normalize, fill, return_weight),
    )  # fmt: skip


@np.errstate(over="ignore", invalid="ignore")  # infinity and NaN are results
def _conv(
    nd, x, weight, bias, *, stride, padding, dilation, groups, connections, flip, border, layout,
    out, missing,
):  # fmt: skip
    """conv1d, conv2d and conv3d: `nd` is the number of spatial axes."""
    x, weight = np.asarray(x), np.asarray(weight)
    dtype = result_dtype(x, weight)
    batch = Batch(x, nd, layout)
    if weight.ndim != nd + 2:
        raise ValueError(f"weight must have {nd + 2} axes, got shape {weight.shape}")

    # From here on V is (batch, channels, *space) and K is (k, c/groups, *kernel), in float64,
    # by way of the result's dtype.
    V = widened(batch.array, dtype)
    K = widened(weight, dtype)
    if as_bool(flip, "flip"):
        K = np.flip(K, axis=tuple(range(2, nd + 2)))

    n, c = V.shape[:2]
    k, c_of_group = K.shape[:2]
    kernel = K.shape[2:]
    (g,) = per_axis(groups, 1, at_least=1, name="groups")
    if c != g * c_of_group or k % g:
        raise ValueError(f"weight must suit {c} channels in {g} groups, got shape {weight.shape}")
    if 0 in kernel:
        raise ValueError(f"weight must have a kernel of at least 1 cell, got shape {weight.shape}")
    if connections is not None:
        connections = table(connections, k, c, g)
    s = per_axis(stride, nd, at_least=1, name="stride")
    d = per_axis(dilation, nd, at_least=1, name="dilation")
    pads = pad_pairs(padding, V.shape[2:], kernel, s, d)
    sizes = [
        (size + before + after - (r - 1) * d_ - 1) // s_ + 1
        for size, (before, after), r, s_, d_ in zip(V.shape[2:], pads, kernel, s, d, strict=True)
    ]
    if min(sizes) < 1:
        raise ValueError(f"kernel must fit the padded input, got {kernel}")
    M = padded_mask(present_cells(x, nd, layout, missing), batch, pads, border, missing)
    V = padded(V, pads, border)
    if missing.used:
        biases = None if bias is None else np.asarray(bias).astype(dtype).astype(np.float64)
        eps = np.finfo(np.result_type(dtype, np.float32)).eps
        geometry = Geometry(sizes, s, d, connections, eps)
        Z, share = of_present(V, M, K, biases, geometry, missing)
        Z = deliver(batch.put_back(Z), dtype, out)
        share = deliver(batch.put_back(share), dtype, None)
        return (Z, share) if missing.return_weight else Z

    # The equation. One term of the sum at a time: every output (j, k) meets the tap (m, n) at
    # V[:, j*s + m*d, k*s + n*d], which is a strided slice that begins at (m*d, n*d).
    Z = np.zeros((n, g, k // g, *sizes))
    if bias is not None:
        bias = np.asarray(bias)
        if bias.shape != (k,):
            raise ValueError(f"bias must have shape ({k},), got {bias.shape}")
        result_dtype(bias)
        Z += bias.astype(dtype).reshape(g, k // g, *[1] * nd)
    V = V.reshape(n, g, c_of_group, *V.shape[2:])
    K = K.reshape(g, k // g, c_of_group, *kernel)
    for tap in product(*map(range, kernel)):
        seen = tuple(
            slice(m * d_, m * d_ + (o - 1) * s_ + 1, s_)
            for m, o, s_, d_ in zip(tap, sizes, s, d, strict=True)
        )
        inputs = V[(..., *seen)].reshape(n, g, c_of_group, prod(sizes))
        weights = np.ascontiguousarray(K[(..., *tap)])
        if connections is None:
            Z += (weights @ inputs).reshape(Z.shape)  # the sum over l, for every i and group
        else:
            for i, those in enumerate(connections):  # over those l that i is connected to
                Z[:, 0, i] += (weights[0, i, those] @ inputs[:, 0, those]).reshape(n, *sizes)

    return deliver(batch.put_back(Z.reshape(n, k, *sizes)), dtype, out)


def table(connections, k, c, g):
    """Return the table of the connected pairs (i, l)."""
    connections = np.asarray(connections)
    if connections.dtype != bool:
        raise TypeError(f"connections must be bools, got {connections.dtype}")
    if g != 1:
        raise ValueError(f"connections and groups are mutually exclusive, got {g} groups")
    if connections.shape != (k, c) or connections.size == 0:
        raise ValueError(f"connections must have shape ({k}, {c}), got {connections.shape}")
    return connections
