"""The gradient of average pooling: each window shares its gradient equally among its cells."""

from math import prod

import numpy as np
from numpy.typing import ArrayLike

from convcore.engine.buffers import quiet
from convcore.engine.pooling import Adaptive, Sliding, pool_gradient
from convcore.spec.operands import Array


def avg_gradient(
    op: str,
    grad: ArrayLike,
    x: ArrayLike,
    windows: Sliding | Adaptive,
    *,
    axes: int,
    layout: str,
    threads: int | None,
    out: Array | None,
    count_include_pad: bool = False,
) -> Array:
    """Return the gradient of x of an average pooling, the adjoint of a mean."""
    call = pool_gradient(
        op, grad, x, windows, axes=axes, kind="mean", layout=layout, threads=threads, out=out,
        count_padding=count_include_pad,
    )  # fmt: skip
    if call.plan.core is None:
        return call.result()
    counted = [call.plan.windows(axis)[:, 3] for axis in range(axes)]
    if all((each == each[0]).all() for each in counted):
        divisor = np.array(prod(int(each[0]) for each in counted), call.grad.dtype)
    else:
        divisor = np.ones((), call.grad.dtype)
        for axis, each in enumerate(counted):
            divisor = divisor * call.plan.along(each.astype(call.grad.dtype), axis)
    with call.memory_errors():
        with quiet():
            share = call.grad / divisor
        call.plan.adjoint_core().forward(share, call.out.array, None, call.threads)
    return call.result()
