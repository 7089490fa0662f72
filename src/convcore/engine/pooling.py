"""Poolings of arrays: find the plan of a call, read the operands, return the result."""

from dataclasses import replace
from math import prod
from typing import NamedTuple

import numpy as np
from numpy import ndarray
from numpy.typing import ArrayLike

from convcore import _core
from convcore.engine.bands import Work, bands_of, run_in_bands
from convcore.engine.buffers import ROUNDED, Out, finalized, prepare_out
from convcore.engine.cache import plans
from convcore.engine.cores import CORE_AXES, pool_core
from convcore.engine.threads import get_num_threads, threads_for
from convcore.spec.axis import Axis, span
from convcore.spec.border import AnyBorder, check_exact
from convcore.spec.errors import memory_errors, out_of_memory
from convcore.spec.operands import (
    FLOAT64,
    Array,
    DType,
    DTypes,
    as_array,
    as_contiguous,
    check_grad,
    result_dtypes,
    selected_dtypes,
)
from convcore.spec.options import (
    LAYOUTS,
    Paddings,
    Sizes,
    check_choice,
)
from convcore.spec.pooling import (
    OutputSize,
    PoolSpec,
    adaptive_spec,
    as_kernel,
    check_index,
    sliding_spec,
)
from convcore.spec.registry import (
    BORDER,
    CEIL_MODE,
    COUNT_INCLUDE_PAD,
    DILATION,
    KERNEL_SIZE,
    OUTPUT_SIZE,
    PADDING,
    RETURN_INDICES,
    WINDOW_STRIDE,
)

# Means of bytes differ from k + 1/2 by 1 / (2 cells) or not at all, and float32 tells that apart.
MOST_FLOAT32_CELLS = 2**14

BYTES = np.dtype(np.uint8)

LONG_STEPS = 8  # windows of more steps may share sums, if there are enough (csrc/pool/plan.c)
WIDE_CELLS = 1024  # windows of a larger span may be mostly padding there


class PoolPlan:
    """The way in which a pooling is computed."""

    __slots__ = ("core", "spec", "y_shape")

    def __init__(self, spec: PoolSpec) -> None:
        self.spec = spec
        self.y_shape = spec.y_shape
        self.core = pool_core(spec) if spec.batch * spec.channels else None

    def explain(self) -> list[tuple[str, str]]:
        """List the ways in order, for float32, each with "chosen" or why it was not."""
        return [("empty", "chosen")] if self.core is None else self.core.explain()

    def adjoint_core(self) -> _core.Pool:
        """Return the core of the adjoint of a sum, from which an average's gradient is made."""
        key = ("adjoint", self)
        core: _core.Pool | None = plans.get(key)
        if core is None:
            core = pool_core(self.spec, adjoint=True)
            plans.put(key, core, 0)
        return core

    def windows(self, axis: int) -> Array:
        """Return the windows along a spatial axis, one a row; see convcore._core.Pool.windows."""
        core = self.core
        if core is None:  # of an empty array: the windows are those of one plane
            core = pool_core(replace(self.spec, batch=1, channels=1))
        rows = np.empty((self.spec.axes[axis].outputs, 4), np.int64)
        core.windows(CORE_AXES - len(self.spec.axes) + axis, rows)
        return rows

    def along(self, values: Array, axis: int) -> Array:
        """Return values, one for each output of an axis, in a shape that broadcasts to a result."""
        after = len(self.spec.axes) - 1 - axis + self.spec.layout.channels_last
        return values.reshape(-1, *(1,) * after)


class Sliding(NamedTuple):
    """Windows of one size and one stride, as the options of a call."""

    kernel_size: Sizes
    stride: Sizes | None
    padding: Paddings
    dilation: Sizes
    ceil_mode: bool | np.bool
    border: AnyBorder = "zeros"

    def plain(self, op: str, axes: int) -> "Sliding":
        """Return the options in hashable form: integers, words and tuples of them."""
        kernel, stride, padding, dilation, ceil_mode, border = self
        options = (kernel, stride, padding, dilation, border)
        if type(ceil_mode) is bool and _core.is_plain(options):
            return self
        return Sliding(
            KERNEL_SIZE.read(op, kernel, axes),
            WINDOW_STRIDE.read(op, stride, axes),
            PADDING.read(op, padding, axes),
            DILATION.read(op, dilation, axes),
            CEIL_MODE.read(op, ceil_mode, axes),
            BORDER.read(op, border, axes),
        )

    def spec(
        self, op: str, axes: int, shape: tuple[int, ...], layout: str, **kind: object
    ) -> PoolSpec:
        """Return the spec of the pooling for an input of this shape."""
        kernel, stride, padding, dilation, ceil_mode, border = self
        return sliding_spec(
            op, shape, as_kernel(op, kernel, axes), stride=stride, padding=padding,
            dilation=dilation, ceil_mode=ceil_mode, border=border,  # type: ignore[arg-type]
            layout=layout, **kind,  # type: ignore[arg-type]
        )  # fmt: skip


class Adaptive(NamedTuple):
    """A given number of windows, nearly equal in size, that cover the input."""

    output_size: OutputSize

    def plain(self, op: str, axes: int) -> "Adaptive":
        """Return the options in hashable form."""
        if _core.is_plain(self.output_size):
            return self
        return Adaptive(OUTPUT_SIZE.read(op, self.output_size, axes))

    def spec(
        self, op: str, axes: int, shape: tuple[int, ...], layout: str, **kind: object
    ) -> PoolSpec:
        """Return the spec of the pooling for an input of this shape."""
        del kind["p"], kind["count_padding"]
        return adaptive_spec(
            op,
            shape,
            self.output_size,
            axes=axes,
            layout=layout,
            **kind,  # type: ignore[arg-type]
        )


def pool_plan(
    op: str,
    x: Array,
    windows: Sliding | Adaptive,
    *,
    axes: int,
    kind: str,
    layout: str,
    p: float = 0.0,
    count_padding: bool = False,
) -> PoolPlan:
    """Check the options of a call for its operand; return the plan of the pooling."""
    if type(layout) is not str:
        layout = check_choice(op, "layout", layout, LAYOUTS[axes])
    windows = windows.plain(op, axes)
    key = (kind, axes, x.shape, windows, layout, p, count_padding)
    plan: PoolPlan | None = plans.get(key)
    if plan is None:
        plan = PoolPlan(
            windows.spec(op, axes, x.shape, layout, kind=kind, p=p, count_padding=count_padding)
        )
        plans.put(key, plan, 0)
    return plan


def pool(
    op: str,
    x: ArrayLike,
    windows: Sliding | Adaptive,
    *,
    axes: int,
    kind: str,
    layout: str,
    threads: int | None,
    out: Array | None,
    p: float = 0.0,
    count_include_pad: bool | np.bool = False,
) -> Array:
    """Pool x."""
    return _forward(
        op, x, windows, axes=axes, kind=kind, layout=layout, threads=threads, out=out, p=p,
        count_padding=count_include_pad, indices=False,
    )[0]  # fmt: skip


def max_pool(
    op: str,
    x: ArrayLike,
    windows: Sliding | Adaptive,
    *,
    axes: int,
    layout: str,
    return_indices: bool,
    threads: int | None,
    out: Array | None,
) -> Array | tuple[Array, Array]:
    """Return the largest element of each window, with ``return_indices`` also its index."""
    indices = RETURN_INDICES.read(op, return_indices, axes)
    y, index = _forward(
        op, x, windows, axes=axes, kind="max", layout=layout, threads=threads, out=out,
        indices=indices,
    )  # fmt: skip
    return y if index is None else (y, index)


def is_wide(axis: Axis) -> bool:
    """Whether windows may be mostly padding, so that parts of the axis may be other sums."""
    return span(axis.kernel, axis.dilation) > WIDE_CELLS


def least_outputs(axis: Axis) -> int:
    """Return how many outputs a part of an axis has so that sums are shared as in the whole."""
    least = min(2, axis.outputs)
    if axis.kernel > LONG_STEPS * axis.stride:
        shared = -(-(-(-axis.kernel // 2) - 1) // axis.stride) + 1
        if shared <= axis.outputs:
            least = max(least, shared)
    return least


def _exact(spec: PoolSpec, dtypes: DTypes, integers: DType) -> DTypes:
    """Return dtypes in which means of such integers are far enough from the halves between two."""
    cells = prod(axis.cells if spec.adaptive else axis.kernel for axis in spec.axes)
    is_enough = integers.itemsize == 1 and cells <= MOST_FLOAT32_CELLS
    return dtypes if is_enough else DTypes(dtypes.result, FLOAT64)


def _forward(
    op: str,
    x: ArrayLike,
    windows: Sliding | Adaptive,
    *,
    axes: int,
    kind: str,
    layout: str,
    threads: int | None,
    out: Array | None,
    indices: bool,
    p: float = 0.0,
    count_padding: bool | np.bool = False,
) -> tuple[Array, Array | None]:
    """Pool x; return the result, and with ``indices`` the indices of the maxima."""
    if type(x) is not ndarray:
        x = as_array(op, "x", x)
    dtypes = selected_dtypes(op, x.dtype) if kind == "max" else result_dtypes(op, x.dtype, x.dtype)
    counted: bool = (
        count_padding
        if type(count_padding) is bool
        else COUNT_INCLUDE_PAD.read(op, count_padding, axes)
    )
    count = get_num_threads() if threads is None else threads_for(op, threads)
    plan = pool_plan(
        op, x, windows, axes=axes, kind=kind, layout=layout, p=p, count_padding=counted
    )
    return compute(op, plan, x, dtypes, threads=count, out=out, indices=indices)


def compute(
    op: str,
    plan: PoolPlan,
    x: Array,
    dtypes: DTypes,
    *,
    threads: int,
    out: Array | None = None,
    indices: bool = False,
) -> tuple[Array, Array | None]:
    """Run a plan on x; return the result, and with ``indices`` the indices of the maxima."""
    kind = plan.spec.kind
    if kind == "max" and plan.spec.border:
        check_exact(op, plan.spec.border, x.dtype)
    if indices:
        check_index(op, plan.spec)
    target, is_box = None, False
    is_exact = kind == "mean" and x.dtype.kind != "f"
    if is_exact and isinstance(out, np.ndarray) and out.dtype in ROUNDED:
        is_box = x.dtype == out.dtype == BYTES and plan.core is not None and plan.core.is_box
        dtypes = DTypes(BYTES, BYTES) if is_box else _exact(plan.spec, dtypes, out.dtype)
    try:
        if kind != "max" and not is_box and (x.dtype is not dtypes.compute or out is not None):
            y = _in_bands(op, plan, x, dtypes, threads, out)
            if y is not None:
                return y, None
        if out is not None:
            rounds = kind != "max"
            target = prepare_out(op, out, plan.y_shape, dtypes, (x,), rounds=rounds)
        y = np.empty(plan.y_shape, dtypes.compute) if target is None else target.array
        index = np.empty(plan.y_shape, np.int64) if indices else None
        if plan.core is not None:
            plan.core.forward(as_contiguous(op, "x", x, dtypes.compute), y, index, threads)
        return finalized(y, target, dtypes), index
    except MemoryError as error:
        raise out_of_memory(op, error, x=x, **plan.spec.windows) from None


def _in_bands(
    op: str, plan: PoolPlan, x: Array, dtypes: DTypes, threads: int, out: Array | None
) -> Array | None:
    spec, axis = plan.spec, plan.spec.axes[0]
    if spec.adaptive or is_wide(axis):
        return None
    bands = bands_of(spec, x, out, dtypes.compute, spec.channels, least_outputs(axis))
    if bands is None:
        return None

    def run(part: PoolPlan, cells: Array, y: Array) -> None:
        if part.core is not None:
            part.core.forward(cells, y, None, 1)

    work = Work(PoolPlan, run)
    return run_in_bands(spec, bands, work, x, op=op, out=out, dtypes=dtypes, threads=threads)


class PoolGradient(NamedTuple):
    """A checked call of a gradient: its operands, its plan and the target for the gradient of x."""

    op: str
    plan: PoolPlan
    grad: Array  # contiguous, in the compute dtype
    x: Array
    out: Out  # its array is not yet set
    threads: int

    def result(self) -> Array:
        """Return the gradient in the caller's dtype and array."""
        return self.out.finalize()

    def contiguous_x(self) -> Array:
        """Return x, contiguous and in the compute dtype."""
        return as_contiguous(self.op, "x", self.x, self.out.array.dtype)

    def memory_errors(self) -> memory_errors:
        """Return a context manager that names the operation in every MemoryError."""
        return memory_errors(self.op, x=self.x)


def pool_gradient(
    op: str,
    grad: ArrayLike,
    x: ArrayLike,
    windows: Sliding | Adaptive,
    *,
    axes: int,
    kind: str,
    layout: str,
    threads: int | None,
    out: Array | None,
    p: float = 0.0,
    count_padding: bool = False,
    compute: DType | None = None,
    operand: Array | None = None,
) -> PoolGradient:
    """Read and check the call of a gradient; the caller computes it into ``out.array``.

    That array has the dtype ``compute``, if given. It shares no memory with ``x``, ``grad`` and
    ``operand``, a third array that the computation reads.
    """
    x = as_array(op, "x", x)
    grad = as_array(op, "grad", grad)
    dtypes = result_dtypes(op, x.dtype, grad.dtype, "grad")
    if compute is not None:
        dtypes = DTypes(dtypes.result, compute)
    count_padding = COUNT_INCLUDE_PAD.read(op, count_padding, axes)
    count = threads_for(op, threads)
    plan = pool_plan(
        op, x, windows, axes=axes, kind=kind, layout=layout, p=p, count_padding=count_padding
    )
    check_grad(op, grad, plan.y_shape, x=x)
    with memory_errors(op, x=x, grad=grad):
        target = prepare_out(op, out, x.shape, dtypes, (x, grad, operand))
        grad = as_contiguous(op, "grad", grad, dtypes.compute)
    return PoolGradient(op, plan, grad, x, target, count)
