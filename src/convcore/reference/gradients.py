"""Gradients of the linear operators as the equations read, term by term.

L is any number that depends on the result of an operator, and grad = dL/dZ its gradient there, an
array of the result's shape. What each operator multiplies, an input cell and a weight, to add it
to an output, gives two terms here: grad at that output times the input cell is added to the
gradient of that weight, and grad at that output times the weight to that of the input cell.

The functions return (dL/dx, dL/dweight, dL/dbias), each in the shape of what it is the gradient of,
and None where `needs` says so or there is no bias. Each is written once and made for 1, 2 and 3
axes by `for_each_rank`; in the equations o, t, s, d and m are then numbers, pairs or triples.
"""

from itertools import product
from math import prod

import numpy as np

from convcore import reference
from convcore.reference import _missing
from convcore.reference._border import linear, padded, summed
from convcore.reference._common import (
    LAYOUTS,
    Batch,
    as_bool,
    deliver,
    for_each_rank,
    pad_pairs,
    per_axis,
    result_dtype,
    widened,
)
from convcore.reference._missing import Options, padded_mask, present_cells
from convcore.reference.transpose import size_and_pads

__all__ = [
    "conv1d_backward",
    "conv2d_backward",
    "conv3d_backward",
    "conv_transpose1d_backward",
    "conv_transpose2d_backward",
    "conv_transpose3d_backward",
    "local_conv1d_backward",
    "local_conv2d_backward",
    "local_conv3d_backward",
    "tiled_conv1d_backward",
    "tiled_conv2d_backward",
    "tiled_conv3d_backward",
]

QUIET = np.errstate(over="ignore", invalid="ignore")  # infinity and NaN are results


class Operands:
    """What goes into a gradient, checked and in float64, and the way back out.

    `operands` are grad, x, weight and bias. G, V and K are the gradient of the result as
    (n, k, *sizes), x as (n, c, *space) and the weight. The forward function, called with an empty
    batch, checks the arguments and gives `sizes`.
    """

    def __init__(self, nd, name, operands, *, layout, needs, out, **options):
        *arrays, bias = operands
        grad, x, weight = map(np.asarray, arrays)
        self.x, self.batch = x, Batch(x, nd, layout)
        none = x[:0] if self.batch.batched else x[np.newaxis][:0]
        _, *of_result = getattr(reference, f"{name}{nd}d")(
            none, weight, bias, layout=layout, **options
        ).shape
        wanted = (*x.shape[: x.ndim - nd - 1], *of_result)
        if grad.shape != wanted:
            raise ValueError(f"grad must have the result's shape {wanted}, got {grad.shape}")

        self.dtype = result_dtype(grad, x, weight)
        self.bias = None if bias is None else np.asarray(bias)
        self.G = widened(Batch(grad, nd, layout).array, self.dtype)
        self.V = widened(self.batch.array, self.dtype)
        self.K = widened(weight, self.dtype)
        self.sizes = self.G.shape[2:]
        self.needs = [as_bool(value, "needs") for value in _three(needs, "needs")]
        self.needs[2] = self.needs[2] and bias is not None
        self.out = [None] * 3 if out is None else _three(out, "out")

    def results(self, dV, dK, db):
        """Return the three gradients, None for those not needed."""
        results = []
        for needed, value, out in zip(
            self.needs, (self.batch.put_back(dV), dK, db), self.out, strict=True
        ):
            if not needed and out is not None:
                raise ValueError("out must be None where needs is False, got an array")
            results.append(deliver(value, self.dtype, out) if needed else None)
        return tuple(results)


def _three(values, name):
    """Return three values, one for each of x, weight and bias."""
    values = list(values)
    if len(values) != 3:
        raise ValueError(f"{name} must be three, for x, weight and bias, got {len(values)}")
    return values


# Convolution


def _conv_backward(nd):
    def conv_backward(
        grad,
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
        layout=LAYOUTS[nd],
        mask=None,
        nan="propagate",
        normalize=True,
        fill=np.nan,
        return_weight=False,
        algorithm="auto",
        threads=None,
        needs=(True, True, True),
        out=None,
    ):
        """Gradients of `reference.$forward`: of x, of the weight and of the bias.

        dK[i,l,m] = sum_o grad[i,o] V[l, o*s + m*d], and the sum of that over the batch
        dV[l,v] = sum grad[i,o] K[i,l,m] over all i, o, m with o*s + m*d = v
        dbias[i] = sum_o grad[i,o], and the sum of that over the batch

        V is `x` with its padding. What its cells get is added to the cell of `x` that each of them
        is or, where `border` is not "zeros", shows; where it is, the padding's share is dropped.
        What `connections` does not connect gets 0 and gives nothing. `grad` has the shape of the
        result; `out` is a sequence of three arrays or Nones.

        >>> x = np.array([1.0, 2.0, 4.0, 8.0]).reshape(1, ${ones}4)
        >>> weight = np.array([3.0, 5.0]).reshape(1, 1, ${ones}2)
        >>> grad = np.array([1.0, 10.0, 100.0]).reshape(1, ${ones}3)
        >>> dx, dweight, dbias = $name(grad, x, weight, [7.0])
        >>> dx.ravel(), dweight.ravel(), dbias
        (array([  3.,  35., 350., 500.]), array([421., 842.]), array([111.]))
        """
        return _of_conv(
            nd,
            (grad, x, weight, bias),
            layout=layout,
            needs=needs,
            out=out,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            connections=connections,
            flip=flip,
            border=border,
            missing=Options(mask, nan, normalize, fill, return_weight),
        )

    return conv_backward


@QUIET
def _of_conv(
    nd,
    operands,
    *,
    layout,
    needs,
    out,
    stride,
    padding,
    dilation,
    groups,
    connections,
    flip,
    border,
    missing,
):
    """Gradients of conv1d, conv2d and conv3d."""
    a = Operands(
        nd,
        "conv",
        operands,
        layout=layout,
        needs=needs,
        out=out,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        connections=connections,
        flip=flip,
        border=border,
    )
    flipped = tuple(range(2, nd + 2)) if flip else ()
    n, c, *space = a.V.shape
    k, c_of_group, *kernel = a.K.shape
    g, outputs = groups, prod(a.sizes)
    s, d = per_axis(stride, nd, 1, "stride"), per_axis(dilation, nd, 1, "dilation")
    pads = pad_pairs(padding, space, kernel, s, d)
    V = padded(a.V, pads, border)
    if missing.used:
        M = padded_mask(present_cells(a.x, nd, layout, missing), a.batch, pads, border, missing)
        table = None if connections is None else np.asarray(connections)
        eps = np.finfo(np.result_type(a.dtype, np.float32)).eps
        geometry = _missing.Geometry(a.sizes, s, d, table, eps)
        dV, dK, db = _missing.conv_gradients(a.G, V, M, np.flip(a.K, flipped), geometry, missing)
        return a.results(summed(dV, space, pads, border), np.flip(dK, flipped), db)

    # The channels of a group, and every output o in one row. Each tap m meets output o at the cell
    # o*s + m*d, which makes a strided slice that begins at m*d.
    V = V.reshape(n, g, c_of_group, *V.shape[2:])
    K = np.flip(a.K, flipped).reshape(g, k // g, c_of_group, *kernel)
    G = a.G.reshape(n, g, k // g, outputs)
    dV, dK = np.zeros(V.shape), np.zeros(K.shape)
    for tap in product(*map(range, kernel)):
        seen = _strided(tap, a.sizes, s, d)
        inputs = V[(..., *seen)].reshape(n, g, c_of_group, outputs)
        weights = np.ascontiguousarray(K[(..., *tap)])
        dK[(..., *tap)] = (G @ inputs.swapaxes(2, 3)).sum(axis=0)
        if connections is None:
            shares = weights.swapaxes(1, 2) @ G
        else:  # from those i that see it
            shares = np.stack(
                [
                    weights[0, those, channel] @ G[:, 0, those]
                    for channel, those in enumerate(np.transpose(connections))
                ],
                axis=1,
            )
        dV[(..., *seen)] += shares.reshape(n, g, c_of_group, *a.sizes)

    dK = np.flip(dK.reshape(a.K.shape), flipped)
    if connections is not None:
        dK[~np.asarray(connections)] = 0
    dV = summed(dV.reshape(n, c, *V.shape[3:]), space, pads, border)
    return a.results(dV, dK, _over_outputs(a.G))


# Local and tiled layers


def _local_conv_backward(nd):
    def local_conv_backward(
        grad,
        x,
        weight,
        bias=None,
        stride=1,
        padding="valid",
        dilation=1,
        *,
        border="zeros",
        layout=LAYOUTS[nd],
        threads=None,
        needs=(True, True, True),
        out=None,
    ):
        """Gradients of `reference.$forward`: of x, of the weight and of the bias.

        dw[i,o,l,m] = grad[i,o] V[l, o*s + m*d], summed over the batch alone
        dV[l,v] = sum grad[i,o] w[i,o,l,m] over all i, o, m with o*s + m*d = v
        dbias[i,o] = grad[i,o], summed over the batch alone

        V is `x` with its padding. `grad` has the shape of the result; `out` is a sequence
        of three arrays or Nones.

        >>> x = np.array([1.0, 2.0, 4.0]).reshape(1, ${ones}3)
        >>> weight = np.array([3.0, 5.0, 7.0, 9.0]).reshape(1, ${ones}2, 1, ${ones}2)
        >>> grad = np.array([1.0, 10.0]).reshape(1, ${ones}2)
        >>> dx, dweight, dbias = $name(grad, x, weight)
        >>> dx.ravel(), dweight.ravel(), dbias
        (array([ 3., 75., 90.]), array([ 1.,  2., 20., 40.]), None)
        """
        return _of_unshared(
            nd,
            "local_conv",
            (grad, x, weight, bias),
            layout=layout,
            needs=needs,
            out=out,
            stride=stride,
            padding=padding,
            dilation=dilation,
            border=border,
        )

    return local_conv_backward


def _tiled_conv_backward(nd):
    def tiled_conv_backward(
        grad,
        x,
        weight,
        bias=None,
        stride=1,
        padding="valid",
        dilation=1,
        *,
        border="zeros",
        layout=LAYOUTS[nd],
        threads=None,
        needs=(True, True, True),
        out=None,
    ):
        """Gradients of `reference.$forward`: of x, of the weight and of the bias.

        dK[i,q,l,m] = sum grad[i,o] V[l, o*s + m*d] over all o with o%t = q, and over the batch
        dV[l,v] = sum grad[i,o] K[i,o%t,l,m] over all i, o, m with o*s + m*d = v
        dbias[i,q] = sum grad[i,o] over all o with o%t = q, and over the batch

        V is `x` with its padding; unused kernels get 0. `grad` has the
        shape of the result; `out` is a sequence of three arrays or Nones.

        >>> x = np.array([1.0, 2.0, 4.0]).reshape(1, ${ones}3)
        >>> weight = np.array([3.0, 5.0]).reshape(1, ${ones}2, 1, ${ones}1)
        >>> grad = np.array([1.0, 10.0, 100.0]).reshape(1, ${ones}3)
        >>> dx, dweight, dbias = $name(grad, x, weight)
        >>> dx.ravel(), dweight.ravel(), dbias
        (array([  3.,  50., 300.]), array([401.,  20.]), None)
        """
        return _of_unshared(
            nd,
            "tiled_conv",
            (grad, x, weight, bias),
            layout=layout,
            needs=needs,
            out=out,
            stride=stride,
            padding=padding,
            dilation=dilation,
            border=border,
        )

    return tiled_conv_backward


@QUIET
def _of_unshared(nd, name, operands, *, layout, needs, out, stride, padding, dilation, border):
    """Gradients of both layers, one output after the other."""
    a = Operands(
        nd,
        name,
        operands,
        layout=layout,
        needs=needs,
        out=out,
        stride=stride,
        padding=padding,
        dilation=dilation,
        border=border,
    )
    space = a.V.shape[2:]
    period, kernel = a.K.shape[1 : nd + 1], a.K.shape[-nd:]
    s, d = per_axis(stride, nd, 1, "stride"), per_axis(dilation, nd, 1, "dilation")
    pads = pad_pairs(padding, space, kernel, s, d)
    V = padded(a.V, pads, border)

    dV, dK = np.zeros(V.shape), np.zeros(a.K.shape)
    db = np.zeros(a.K.shape[: nd + 1])
    for position in product(*map(range, a.sizes)):
        seen = tuple(
            slice(o * s_, o * s_ + (r - 1) * d_ + 1, d_)
            for o, r, s_, d_ in zip(position, kernel, s, d, strict=True)
        )
        turn = (slice(None), *(o % t for o, t in zip(position, period, strict=True)))
        G = a.G[(..., *position)]  # (n, k)
        # (einsum, for tensordot may leave out what is multiplied by 0, be it NaN or infinite)
        dK[turn] += np.einsum("nk,n...->k...", G, V[(..., *seen)])
        dV[(..., *seen)] += np.einsum("nk,k...->n...", G, a.K[turn])
        db[turn] += G.sum(axis=0)

    return a.results(summed(dV, space, pads, border), dK, db)


# Transposed convolution


def _conv_transpose_backward(nd):
    def conv_transpose_backward(
        grad,
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
        layout=LAYOUTS[nd],
        threads=None,
        needs=(True, True, True),
        out=None,
    ):
        """Gradients of `reference.$forward`: of x, of the weight and of the bias.

        dx[i,o] = sum grad[j,u] w[i,j,m] over all j, m, u with u = o*s + m*d - before
        dw[i,j,m] = sum x[i,o] grad[j,u] over the batch and all o, u with u = o*s + m*d - before
        dbias[j] = sum_u grad[j,u], and the sum of that over the batch

        The first is the convolution of `grad` with the same weight. `grad` has the shape of the
        result; `out` is a sequence of three arrays or Nones.

        >>> x = np.array([1.0, 2.0]).reshape(1, ${ones}2)
        >>> weight = np.array([3.0, 5.0]).reshape(1, 1, ${ones}2)
        >>> grad = np.array([1.0, 10.0, 100.0]).reshape(1, ${ones}3)
        >>> dx, dweight, dbias = $name(grad, x, weight, [7.0])
        >>> dx.ravel(), dweight.ravel(), dbias
        (array([ 53., 530.]), array([ 21., 210.]), array([111.]))
        """
        return _of_conv_transpose(
            nd,
            (grad, x, weight, bias),
            layout=layout,
            needs=needs,
            out=out,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            output_padding=output_padding,
            border=border,
        )

    return conv_transpose_backward


@QUIET
def _of_conv_transpose(
    nd,
    operands,
    *,
    layout,
    needs,
    out,
    stride,
    padding,
    dilation,
    groups,
    output_padding,
    border,
):
    """Gradients of conv_transpose1d, 2d and 3d."""
    a = Operands(
        nd,
        "conv_transpose",
        operands,
        layout=layout,
        needs=needs,
        out=out,
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
        output_padding=output_padding,
        border=border,
    )
    n, c, *space = a.V.shape
    k_of_group, kernel = a.K.shape[1], a.K.shape[2:]
    g, inputs = groups, prod(space)
    s, d = per_axis(stride, nd, 1, "stride"), per_axis(dilation, nd, 1, "dilation")
    more = per_axis(output_padding, nd, 0, "output_padding")
    entries = padding if isinstance(padding, (list, tuple, np.ndarray)) else [padding] * nd
    _, pads = zip(*map(size_and_pads, space, kernel, s, entries, d, more), strict=True)

    # Every input o met the tap m at the cell o*s + m*d of the output with its padding. What was
    # cut off there had no part in L, so its gradient is 0.
    G = padded(a.G, pads, linear(border, nd))
    G = G.reshape(n, g, k_of_group, *G.shape[2:])
    X = a.V.reshape(n, g, c // g, inputs)
    W = a.K.reshape(g, c // g, k_of_group, *kernel)
    dX, dW = np.zeros(X.shape), np.zeros(W.shape)
    for tap in product(*map(range, kernel)):
        met = G[(..., *_strided(tap, space, s, d))].reshape(n, g, k_of_group, inputs)
        dX += np.ascontiguousarray(W[(..., *tap)]) @ met
        dW[(..., *tap)] = (X @ met.swapaxes(2, 3)).sum(axis=0)

    return a.results(dX.reshape(a.V.shape), dW.reshape(a.K.shape), _over_outputs(a.G))


# What they share


def _strided(tap, sizes, s, d):
    """Return the cells o*s + tap*d for all o, as slices."""
    return tuple(
        slice(m * d_, m * d_ + (o - 1) * s_ + 1, s_)
        for m, o, s_, d_ in zip(tap, sizes, s, d, strict=True)
    )


def _over_outputs(G):
    """Return the gradient of a bias: one sum for each channel."""
    return G.sum(axis=(0, *range(2, G.ndim)))


# The public names

conv1d_backward, conv2d_backward, conv3d_backward = for_each_rank(_conv_backward)
conv_transpose1d_backward, conv_transpose2d_backward, conv_transpose3d_backward = for_each_rank(
    _conv_transpose_backward
)
local_conv1d_backward, local_conv2d_backward, local_conv3d_backward = for_each_rank(
    _local_conv_backward
)
tiled_conv1d_backward, tiled_conv2d_backward, tiled_conv3d_backward = for_each_rank(
    _tiled_conv_backward
)
