"""Every operator again, as the equation reads, in plain NumPy: the oracle of the tests.

The functions here have the names, signatures and answers of those in `convcore` and nothing else
in common with them. They are written to be read and to be right, not to be fast:

- the padding is really there (`numpy.pad`), and the equation is summed over the padded array;
- strides, paddings, layouts and the dtype rule are read by small functions of this file and not
  by those the compiled operators use, so that a mistake there cannot hide here;
- sums are formed in float64 and rounded to the result's dtype once, at the end.

`algorithm` and `threads` are accepted and ignored. Bad arguments raise ValueError or TypeError,
with less helpful words than the compiled operators have.

>>> import numpy as np
>>> from convcore import reference
>>> x = np.arange(12.0).reshape(1, 3, 4)
>>> reference.conv2d(x, np.array([[[[1.0, 0.0], [0.0, -1.0]]]]))
array([[[-5., -5., -5.],
        [-5., -5., -5.]]])
"""

import operator
from itertools import product
from math import prod

import numpy as np

__all__ = ["conv1d", "conv2d", "conv3d", "convolve", "correlate"]


def conv1d(x, weight, bias=None, stride=1, padding="valid", dilation=1, groups=1, *,
           connections=None, flip=False, border="zeros", layout="NCW", algorithm="auto",
           threads=None, out=None):
    """1-D convolution of a batch of signals, as the equation reads.

    Z[i,k] = bias[i] + sum_{l,n} V[l, k*s + n*d] K[i,l,n]

    V is `x` with its padding, K the weight, s the stride, d the dilation. Shapes: `x` (n, c, w)
    or (c, w), or with the channels last if `layout` is "NWC"; `weight` (k, c/groups, s); `bias`
    (k,). The other arguments are those of `reference.conv2d`.

    >>> conv1d([[1.0, 2.0, 4.0, 8.0]], [[[-1.0, 1.0]]], padding=((1, 0),), stride=2)
    array([[1., 2.]])
    """
    return _conv(1, x, weight, bias, stride, padding, dilation, groups, connections, flip,
                 border, layout, out)


def conv2d(x, weight, bias=None, stride=1, padding="valid", dilation=1, groups=1, *,
           connections=None, flip=False, border="zeros", layout="NCHW", algorithm="auto",
           threads=None, out=None):
    """2-D convolution of a batch of images, as equation 9.8 reads (counting from 0).

    Z[i,j,k] = bias[i] + sum_{l,m,n} V[l, j*s + m*d, k*s + n*d] K[i,l,m,n]

    V is `x` with its padding, K the weight (its rows and columns reversed if `flip`), s the
    stride and d the dilation, one per direction if wanted. With g groups the sum over l runs over
    the c/g channels of i's group.

    Shapes: `x` (n, c, h, w) or (c, h, w), channels last if `layout` is "NHWC"; `weight`
    (k, c/groups, r, s); `bias` (k,). `padding` is "valid", "same", "same_lower", "full", an int,
    an int per axis or a (before, after) pair per axis; `border` says what it holds: "zeros",
    "edge", "reflect", "symmetric" or "wrap". `connections` has to be None.

    The symbols of figure 9.1, with a number for each letter:

    >>> a_to_l = np.arange(12.0).reshape(1, 3, 4)
    >>> w_to_z = np.array([[[[1.0, 10.0], [100.0, 1000.0]]]])
    >>> conv2d(a_to_l, w_to_z)
    array([[[ 5410.,  6521.,  7632.],
            [ 9854., 10965., 12076.]]])
    """
    return _conv(2, x, weight, bias, stride, padding, dilation, groups, connections, flip,
                 border, layout, out)


def conv3d(x, weight, bias=None, stride=1, padding="valid", dilation=1, groups=1, *,
           connections=None, flip=False, border="zeros", layout="NCDHW", algorithm="auto",
           threads=None, out=None):
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
    return _conv(3, x, weight, bias, stride, padding, dilation, groups, connections, flip,
                 border, layout, out)


def convolve(x, w, mode="full"):
    """Convolution of two arrays of 1 to 3 dimensions, with the answers of `scipy.signal.convolve`.

    z[k] = sum_l x[l] w[k - l]

    "full" has every k with a term in the sum, "valid" those where the smaller array lies wholly
    inside the larger one, "same" as many as `x` has, from the middle of "full" (the odd one is
    left out after).

    >>> convolve([1.0, 2.0, 3.0], [0.0, 1.0, 0.5])
    array([0. , 1. , 2.5, 4. , 1.5])
    >>> convolve([1.0, 2.0, 3.0], [0.0, 1.0, 0.5], mode="valid")
    array([2.5])
    """
    return _signal(x, w, mode, reverse=False)


def correlate(x, w, mode="full"):
    """Cross-correlation of two arrays, with the answers of `scipy.signal.correlate`.

    z[k] = sum_l x[l] w[l - k + M - 1], where M is the size of `w`

    It convolves `x` with `w` reversed; `mode` as in `convolve`.

    >>> correlate([1.0, 2.0, 3.0], [0.0, 1.0, 0.5])
    array([0.5, 2. , 3.5, 3. , 0. ])
    """
    return _signal(x, w, mode, reverse=True)


@np.errstate(over="ignore", invalid="ignore")              # infinity and NaN are results
def _conv(nd, x, weight, bias, stride, padding, dilation, groups, connections, flip, border,
          layout, out):
    """conv1d, conv2d and conv3d: `nd` is the number of spatial axes."""
    if connections is not None:
        raise ValueError("connections must be None")
    x, weight = np.asarray(x), np.asarray(weight)
    dtype = _result_dtype(x, weight)
    channels_last = _channels_last(layout, nd)
    if x.ndim not in (nd + 1, nd + 2) or weight.ndim != nd + 2:
        raise ValueError(f"shapes {x.shape} and {weight.shape} do not suit conv{nd}d")

    # From here on V is (batch, channels, *space) and K is (k, c/groups, *kernel), in float64,
    # by way of the result's dtype.
    V = x.astype(dtype).astype(np.float64)
    K = weight.astype(dtype).astype(np.float64)
    batched = x.ndim == nd + 2
    if not batched:
        V = V[np.newaxis]
    if channels_last:
        V = np.moveaxis(V, -1, 1)
    if not isinstance(flip, (bool, np.bool_)):
        raise TypeError(f"flip must be True or False, not {flip!r}")
    if flip:
        K = np.flip(K, axis=tuple(range(2, nd + 2)))

    n, c = V.shape[:2]
    k, c_of_group = K.shape[:2]
    kernel = K.shape[2:]
    (g,) = _per_axis(groups, 1, at_least=1, name="groups")
    if c != g * c_of_group or k % g:
        raise ValueError(f"{c} channels and a weight {weight.shape} do not make {g} groups")
    if 0 in kernel:
        raise ValueError(f"empty kernel: weight has shape {weight.shape}")
    s = _per_axis(stride, nd, at_least=1, name="stride")
    d = _per_axis(dilation, nd, at_least=1, name="dilation")
    pads = _pads(padding, V.shape[2:], kernel, s, d)
    sizes = [(size + before + after - (r - 1) * d_ - 1) // s_ + 1
             for size, (before, after), r, s_, d_
             in zip(V.shape[2:], pads, kernel, s, d, strict=True)]
    if min(sizes) < 1:
        raise ValueError(f"the kernel {kernel} does not fit into the padded input")
    V = _pad(V, pads, border)

    # The equation. One term of the sum at a time: every output (j, k) meets the tap (m, n) at
    # V[:, j*s + m*d, k*s + n*d], which is a strided slice that begins at (m*d, n*d).
    Z = np.zeros((n, g, k // g, *sizes))
    if bias is not None:
        bias = np.asarray(bias)
        if bias.shape != (k,):
            raise ValueError(f"bias must have shape ({k},), not {bias.shape}")
        _result_dtype(bias, bias)
        Z += bias.astype(dtype).reshape(g, k // g, *[1] * nd)
    V = V.reshape(n, g, c_of_group, *V.shape[2:])
    K = K.reshape(g, k // g, c_of_group, *kernel)
    for tap in product(*map(range, kernel)):
        seen = tuple(slice(m * d_, m * d_ + (o - 1) * s_ + 1, s_)
                     for m, o, s_, d_ in zip(tap, sizes, s, d, strict=True))
        inputs = V[(..., *seen)].reshape(n, g, c_of_group, prod(sizes))
        weights = np.ascontiguousarray(K[(..., *tap)])
        Z += (weights @ inputs).reshape(Z.shape)           # the sum over l, for every i and group

    Z = Z.reshape(n, k, *sizes)
    if channels_last:
        Z = np.moveaxis(Z, 1, -1)
    if not batched:
        Z = Z[0]
    return _deliver(Z, dtype, out)


@np.errstate(over="ignore", invalid="ignore")
def _signal(x, w, mode, reverse):
    """`convolve`; and `correlate` if `reverse`."""
    x, w = np.asarray(x), np.asarray(w)
    dtype = _result_dtype(x, w)
    if x.ndim != w.ndim or x.ndim not in (1, 2, 3) or x.size == 0 or w.size == 0:
        raise ValueError(f"shapes {x.shape} and {w.shape} are not both of 1, 2 or 3 dimensions, "
                         f"or one is empty")
    X = x.astype(dtype).astype(np.float64)
    W = w.astype(dtype).astype(np.float64)
    if reverse:
        W = np.flip(W)
    full = np.zeros([a + b - 1 for a, b in zip(X.shape, W.shape, strict=True)])
    for tap in product(*map(range, W.shape)):              # x[l] w[tap] belongs to z[l + tap]
        full[tuple(slice(t, t + a) for t, a in zip(tap, X.shape, strict=True))] += W[tap] * X

    if mode == "full":
        wanted = [(0, a + b - 1) for a, b in zip(X.shape, W.shape, strict=True)]
    elif mode == "same":
        wanted = [((b - 1) // 2, (b - 1) // 2 + a) for a, b in zip(X.shape, W.shape, strict=True)]
    elif mode == "valid":
        inside = [a >= b for a, b in zip(X.shape, W.shape, strict=True)]
        outside = [a <= b for a, b in zip(X.shape, W.shape, strict=True)]
        if not (all(inside) or all(outside)):
            raise ValueError(f"shapes {x.shape} and {w.shape}: neither fits into the other")
        wanted = [(min(a, b) - 1, max(a, b)) for a, b in zip(X.shape, W.shape, strict=True)]
    else:
        raise ValueError(f"mode must be 'full', 'same' or 'valid', not {mode!r}")
    return _deliver(full[tuple(slice(*pair) for pair in wanted)], dtype, None)


def _result_dtype(x, weight):
    """float16, float32 and float64 stay what they are; with an integer, at least float32."""
    for array in (x, weight):
        if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
            raise TypeError(f"the dtype {array.dtype} is not one of the real numbers supported")
    floats = x.dtype.kind == weight.dtype.kind == "f"
    dtype = np.result_type(x.dtype, weight.dtype, *[] if floats else [np.float32])
    return dtype.newbyteorder("=")


def _channels_last(layout, nd):
    """Whether `layout` puts the channels last; it has to be one of the two of this rank."""
    space = "DHW"[3 - nd:]
    if layout not in ("NC" + space, "N" + space + "C"):
        raise ValueError(f"layout must be NC{space} or N{space}C, not {layout!r}")
    return layout.endswith("C")


def _per_axis(value, nd, at_least, name):
    """One int for all axes, or a sequence with an int for each, as a tuple of `nd` ints."""
    one = np.ndim(value) == 0
    values = (operator.index(value),) * nd if one else tuple(map(operator.index, value))
    if isinstance(value, (bool, np.bool_)) or len(values) != nd or min(values) < at_least:
        raise ValueError(f"{name} must be {nd} int(s), at least {at_least}, not {value!r}")
    return values


def _pads(padding, space, kernel, stride, dilation):
    """Turn a padding into the (before, after) pair of every spatial axis."""
    several = isinstance(padding, (list, tuple, np.ndarray))
    entries = list(padding) if several else [padding] * len(space)
    if len(entries) != len(space):
        raise ValueError(f"padding {padding!r} is not one for each of {len(space)} axes")
    pads = []
    for entry, size, r, s, d in zip(entries, space, kernel, stride, dilation, strict=True):
        reach = (r - 1) * d
        if not isinstance(entry, str):
            pads.append(_per_axis(entry, 2, at_least=0, name="padding"))
        elif entry == "valid":
            pads.append((0, 0))
        elif entry == "full":
            pads.append((reach, reach))
        elif entry in ("same", "same_lower"):
            wanted = -(-size // s)                         # rounded up
            total = max((wanted - 1) * s + reach + 1 - size, 0)
            before = total // 2 if entry == "same" else total - total // 2
            pads.append((before, total - before))
        else:
            raise ValueError(f"padding {padding!r} is not valid, same, same_lower or full")
    return pads


def _pad(V, pads, border):
    """V with its padding around it."""
    if border not in ("zeros", "edge", "reflect", "symmetric", "wrap"):
        raise ValueError(f"border {border!r} is not zeros, edge, reflect, symmetric or wrap")
    return np.pad(V, [(0, 0), (0, 0), *pads], "constant" if border == "zeros" else border)


def _deliver(Z, dtype, out):
    """Round the result to its dtype: a new array, or `out`."""
    if out is None:
        out = np.empty(Z.shape, dtype)
    elif not isinstance(out, np.ndarray):
        raise TypeError(f"out must be an array, not {type(out).__name__}")
    elif out.shape != Z.shape or out.dtype != dtype or not out.flags.writeable:
        raise ValueError(f"out must be a writeable {dtype} array of shape {Z.shape}, not a "
                         f"{out.dtype} array of shape {out.shape}")
    out[...] = Z
    return out
