"""The gradient of average pooling: each window shares its gradient equally among its cells."""

from math import prod

import numpy as np
from numpy.typing import ArrayLike

from convcore.engine.border import sum_pool_borders
from convcore.engine.buffers import quiet
from convcore.engine.pooling import Adaptive, Sliding, pool_gradient
from convcore.spec.operands import Array
from convcore.spec.pooling import PoolSpec


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
        spec = call.plan.spec
        if _is_tiling(spec):
            _spread(share, call.out.array, spec)
            return call.result()
        dx = np.empty(spec.held_shape, share.dtype) if spec.border else call.out.array
        call.plan.adjoint_core().forward(share, dx, None, call.threads)
        if spec.border:
            with quiet():
                call.out.array[...] = sum_pool_borders(spec, dx)
    return call.result()


def _is_tiling(spec: PoolSpec) -> bool:
    """Whether windows stand side by side, each cell in one of them or beyond the last."""
    return not spec.adaptive and all(
        axis.kernel == axis.stride
        and axis.pair == (0, 0)
        and axis.kernel * axis.outputs <= axis.cells
        and (axis.dilation == 1 or axis.kernel == 1)
        for axis in spec.axes
    )


def _spread(share: Array, dx: Array, spec: PoolSpec) -> None:
    """Give each cell of a window its share, and zero to the cells beyond the last window.

    In planes, cells of a row come first, into an array of their own: NumPy copies long rows fast.
    """
    share += 0  # a sum starts at 0: none is -0
    if any(axis.kernel * axis.outputs < axis.cells for axis in spec.axes):
        dx[...] = 0
    *outer, inner = spec.axes
    if spec.layout.channels_last:
        outer.append(inner)
    else:
        row = np.empty((*share.shape, inner.kernel), share.dtype)
        for cell in range(inner.kernel):
            row[..., cell] = share
        share = row.reshape(*share.shape[:-1], inner.kernel * inner.outputs)
    first = dx.ndim - len(spec.axes) - spec.layout.channels_last
    covered = (slice(0, axis.kernel * axis.outputs) for axis in spec.axes)
    cells = dx[(slice(None),) * first + tuple(covered)]
    windows = [size for axis in outer for size in (axis.outputs, axis.kernel)]
    after = first + len(outer)
    cells = cells.reshape(*cells.shape[:first], *windows, *cells.shape[after:])  # a view
    cells[...] = np.expand_dims(share, tuple(first + 1 + 2 * i for i in range(len(outer))))
