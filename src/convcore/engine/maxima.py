"""The gradient of max pooling: every output's gradient goes to the cell of its maximum."""

import numpy as np
from numpy.typing import ArrayLike

from convcore.engine.pooling import Adaptive, PoolGradient, Sliding, pool_gradient
from convcore.spec.border import ZEROS, check_exact
from convcore.spec.operands import Array, as_array, as_contiguous, selected_dtypes
from convcore.spec.options import MAX_SIZE, as_bool
from convcore.spec.pooling import check_index
from convcore.spec.windows import cells_shown


def max_gradient(
    op: str,
    grad: ArrayLike,
    x: ArrayLike,
    windows: Sliding | Adaptive,
    *,
    axes: int,
    indices: ArrayLike | None,
    return_indices: bool,
    layout: str,
    threads: int | None,
    out: Array | None,
) -> Array:
    """Return the gradient of x of a max pooling."""
    as_bool(op, "return_indices", return_indices)
    given = None if indices is None else as_array(op, "indices", indices)
    call = pool_gradient(
        op, grad, x, windows, axes=axes, kind="max", layout=layout, threads=threads, out=out,
        operand=given,
    )  # fmt: skip
    if given is None:
        compute = selected_dtypes(op, call.x.dtype).compute
        check_exact(op, call.plan.spec.border, call.x.dtype)
        index = find_maxima(call, as_contiguous(op, "x", call.x, compute))
    else:
        index = _given_index(call, given)
    scatter(call, index)
    return call.result()


def find_maxima(call: PoolGradient, x: Array) -> Array:
    """Return the index of each output's maximum; x is contiguous, in a dtype of the kernels."""
    check_index(call.op, call.plan.spec)
    with call.memory_errors():
        index = np.empty(call.plan.y_shape, np.int64)
        if call.plan.core is not None:
            values = np.empty(call.plan.y_shape, x.dtype)
            call.plan.core.forward(x, values, index, call.threads)
    return index


def scatter(call: PoolGradient, index: Array) -> None:
    """Fill the result: add every output's gradient to the cell of its maximum."""
    call.out.array[...] = 0
    if call.plan.core is not None:
        with call.memory_errors():
            call.plan.core.max_backward(call.grad, index, call.out.array, call.threads)


def _given_index(call: PoolGradient, index: Array) -> Array:
    """Return the caller's indices; each must be a cell of its window."""
    check_indices(call.op, index, call.plan.y_shape)
    if not index.size:
        return index.astype(np.int64)
    spec = call.plan.spec
    inside = (index >= 0) & (index <= MAX_SIZE)
    constant = np.zeros(index.shape, bool)  # whether the window holds one
    remainder = np.ascontiguousarray(index, np.int64)
    plane = spec.cells
    for axis, sides in reversed(list(enumerate(spec.border or (ZEROS,) * len(plane)))):
        size = max(plane[axis], 1)
        cell = remainder % size if axis else remainder
        remainder = remainder // size
        first, cells, step = (
            call.plan.along(column, axis) for column in call.plan.windows(axis).T[:3]
        )
        if sides == ZEROS:
            offset = cell - first
            inside &= (offset >= 0) & (offset % step == 0) & (offset // step < cells)
            continue
        found = np.zeros(index.shape, bool)
        for tap in range(int(cells.max())):
            at = first - spec.held[axis][0] + tap * step
            seen = np.where(tap < cells, cells_shown(at, plane[axis], sides), -2)
            found |= cell == seen
            constant |= seen == -1
        inside &= found
    inside |= (index == -1) & constant
    if not inside.all():
        at = tuple(int(i) for i in np.argwhere(~inside)[0])
        raise ValueError(
            f"{call.op}: indices{list(at)} must be a cell of its window in a plane of shape "
            f"{plane}, got {index[at]}; pass what the forward function returned"
        )
    checked: Array = np.require(index, np.int64, ["C_CONTIGUOUS", "ALIGNED"])
    return checked


def check_indices(op: str, index: Array, shape: tuple[int, ...]) -> None:
    """Refuse indices that are no integers, or not one for each output."""
    if index.dtype.kind not in "iu":
        raise TypeError(f"{op}: indices must have an integer dtype, got {index.dtype}")
    if index.shape != shape:
        raise ValueError(f"{op}: indices must have shape {shape}, got {index.shape}")
