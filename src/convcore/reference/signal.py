"""Convolution and correlation of two arrays as the equation reads."""

from itertools import product

import numpy as np

from convcore.reference._common import deliver, result_dtype, widened

__all__ = ["convolve", "correlate"]


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


@np.errstate(over="ignore", invalid="ignore")
def _signal(x, w, mode, reverse):
    """`convolve`; and `correlate` if `reverse`."""
    x, w = np.asarray(x), np.asarray(w)
    dtype = result_dtype(x, w)
    if x.ndim != w.ndim or x.ndim not in (1, 2, 3) or x.size == 0 or w.size == 0:
        raise ValueError(
            f"x and w must both have 1, 2 or 3 dimensions and no size 0, got {x.shape}, {w.shape}"
        )
    X = widened(x, dtype)
    W = widened(w, dtype)
    if reverse:
        W = np.flip(W)
    full = np.zeros([a + b - 1 for a, b in zip(X.shape, W.shape, strict=True)])
    for tap in product(*map(range, W.shape)):  # x[l] w[tap] belongs to z[l + tap]
        full[tuple(slice(t, t + a) for t, a in zip(tap, X.shape, strict=True))] += W[tap] * X

    if mode == "full":
        wanted = [(0, a + b - 1) for a, b in zip(X.shape, W.shape, strict=True)]
    elif mode == "same":
        wanted = [((b - 1) // 2, (b - 1) // 2 + a) for a, b in zip(X.shape, W.shape, strict=True)]
    elif mode == "valid":
        inside = [a >= b for a, b in zip(X.shape, W.shape, strict=True)]
        outside = [a <= b for a, b in zip(X.shape, W.shape, strict=True)]
        if not (all(inside) or all(outside)):
            raise ValueError(f"x or w must contain the other, got shapes {x.shape} and {w.shape}")
        wanted = [(min(a, b) - 1, max(a, b)) for a, b in zip(X.shape, W.shape, strict=True)]
    else:
        raise ValueError(f"mode must be 'full', 'same' or 'valid', got {mode!r}")
    return deliver(full[tuple(slice(*pair) for pair in wanted)], dtype, None)
