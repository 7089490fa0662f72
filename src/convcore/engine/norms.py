"""Lp pooling and its gradient, for exponents from 1 to infinity."""

from math import inf

import numpy as np
from numpy.typing import ArrayLike

from convcore.engine.buffers import quiet
from convcore.engine.maxima import find_maxima, scatter
from convcore.engine.pooling import PoolGradient, Sliding, pool, pool_gradient
from convcore.spec.border import as_border, magnitudes
from convcore.spec.operands import FLOAT64, Array, as_contiguous
from convcore.spec.pooling import as_exponent, as_slope_exponent


def norm_pool(
    op: str,
    x: ArrayLike,
    windows: Sliding,
    *,
    axes: int,
    p: object,
    layout: str,
    threads: int | None,
    out: Array | None,
) -> Array:
    """Return the p-norm of each window."""
    return pool(
        op, x, windows, axes=axes, kind="norm", layout=layout, threads=threads, out=out,
        p=as_exponent(op, p),
    )  # fmt: skip


def norm_gradient(
    op: str,
    grad: ArrayLike,
    x: ArrayLike,
    windows: Sliding,
    *,
    axes: int,
    p: object,
    layout: str,
    threads: int | None,
    out: Array | None,
) -> Array:
    """Return the gradient of x of an Lp pooling."""
    exponent = as_slope_exponent(op, p)
    kind = "norm"
    if exponent == inf:  # the maximum of absolute values, of constants too
        border = magnitudes(as_border(op, windows.border, axes))
        kind, windows = "max", windows._replace(border=border)
    call = pool_gradient(
        op, grad, x, windows, axes=axes, kind=kind, layout=layout, threads=threads, out=out,
        p=exponent,
    )  # fmt: skip
    if call.plan.core is not None:
        with call.memory_errors():
            if exponent == inf:
                _fill_of_largest(call)
            else:
                _fill(call, exponent)
    return call.result()


def _fill_of_largest(call: PoolGradient) -> None:
    """Fill the result for infinite p: all goes to the largest absolute value, with its sign."""
    x, dx = call.contiguous_x(), call.out.array
    scatter(call, find_maxima(call, np.abs(x)))
    # cells that get nothing, and those of a window of zeros, have gradient 0 even if grad is NaN
    nothing = (dx == 0) | (x == 0)
    with quiet():
        np.multiply(dx, np.sign(x), out=dx)
    dx[nothing] = 0


def _fill(call: PoolGradient, p: float) -> None:
    """Fill the result for finite p.

    A power p - 1 of a ratio has p - 1 times its relative error. For p above 2 it is therefore
    computed in float64, in which the kernels form powers anyway, and p has a limit.
    """
    target = call.out.array
    compute = target.dtype if p <= 2 else FLOAT64
    x = as_contiguous(call.op, "x", call.contiguous_x(), compute)
    grad = as_contiguous(call.op, "grad", call.grad, compute)
    y = np.empty(call.plan.y_shape, compute)
    dx = target if target.dtype == compute else np.empty(target.shape, compute)
    assert call.plan.core is not None
    call.plan.core.forward(x, y, None, call.threads)
    dx[...] = 0
    call.plan.core.norm_backward(grad, x, y, dx, call.threads)
    if dx is not target:
        with quiet():
            target[...] = dx
