"""Layers with weights, run on arrays: operands read, the plan found, the result delivered."""

import numpy as np
from numpy import ndarray
from numpy.typing import ArrayLike

from convcore.engine.bands import Work, bands_of, run_in_bands
from convcore.engine.buffers import apart, bias_as_contiguous, finalized, prepare_out
from convcore.engine.epilogue import PostOps
from convcore.engine.plan import (
    Plan,
    Prepared,
    check_separable,
    conv_plan,
    plan_for,
    transposed_plan,
)
from convcore.engine.threads import get_num_threads, threads_for
from convcore.spec.border import AnyBorder
from convcore.spec.errors import out_of_memory
from convcore.spec.operands import Array, DTypes, as_array, as_contiguous, result_dtypes
from convcore.spec.options import Paddings, Sizes
from convcore.spec.problem import SHARED
from convcore.spec.registry import FLIP


def convolve(
    op: str,
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    axes: int,
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
    connections: ArrayLike | None = None,
    flip: bool | np.bool = False,
    border: AnyBorder = "zeros",
    layout: str = "NCHW",
    algorithm: str = "auto",
    sharing: str = "shared",
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    """Compute a convolution, tiled or local layer; ``op`` is the name that errors carry."""
    if type(x) is not ndarray:
        x = as_array(op, "x", x)
    if type(weight) is not ndarray:
        weight = as_array(op, "weight", weight)
    dtypes = result_dtypes(op, x.dtype, weight.dtype)
    if type(flip) is not bool:
        flip = FLIP.read(op, flip, axes)
    count = get_num_threads() if threads is None else threads_for(op, threads)
    plan = conv_plan(
        op, x, weight, axes=axes, stride=stride, padding=padding, dilation=dilation, groups=groups,
        connections=connections, border=border, layout=layout, algorithm=algorithm, sharing=sharing,
    )  # fmt: skip
    if algorithm == "separable":
        check_separable(op, plan, as_contiguous(op, "weight", weight, dtypes.compute))
    if flip:
        weight = np.flip(weight, tuple(range(2, axes + 2)))
    return run(op, plan, (x, weight, bias), dtypes, threads=count, out=out)


def transpose(
    op: str,
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    axes: int,
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
    output_padding: Sizes = 0,
    border: AnyBorder = "zeros",
    layout: str = "NCHW",
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    """Compute a transposed convolution; ``op`` is the name that errors carry."""
    x = as_array(op, "x", x)
    weight = as_array(op, "weight", weight)
    dtypes = result_dtypes(op, x.dtype, weight.dtype)
    count = threads_for(op, threads)
    plan = transposed_plan(
        op, x, weight, axes=axes, stride=stride, padding=padding, dilation=dilation, groups=groups,
        output_padding=output_padding, border=border, layout=layout,
    )  # fmt: skip
    return run(op, plan, (x, weight, bias), dtypes, threads=count, out=out)


def run(
    op: str,
    plan: Plan,
    operands: tuple[Array, Array, ArrayLike | None],
    dtypes: DTypes,
    *,
    threads: int,
    out: Array | None,
    prepared: Prepared | None = None,
    post: PostOps | None = None,
) -> Array:
    """Run a plan on (x, weight, bias), or on what it has prepared of the last two.

    ``post`` changes the result, in the dtype that is computed in, before it is delivered.
    """
    x, weight, given = operands
    bias = None
    if given is not None and prepared is None:
        bias = bias_as_contiguous(op, given, plan.bias_shape, dtypes)
    # Nearly every call gives no array for the result, and operands that kernels can read: a small
    # layer takes little longer than the checks here.
    target, compute = None, dtypes.compute
    try:
        if prepared is None and (x.dtype is not compute or out is not None):
            in_bands = _in_bands(op, plan, (x, weight, bias), dtypes, threads, out)
            if in_bands is not None:
                return in_bands
        if out is not None:
            target = prepare_out(op, out, plan.y_shape, dtypes, (x, weight, bias), rounds=True)
        y = np.empty(plan.y_shape, compute) if target is None else target.array
        x = as_contiguous(op, "x", x, compute)
        if prepared is None:
            weight = as_contiguous(op, "weight", weight, compute)
            plan.run(x, weight, bias, y, threads=threads)
        else:
            plan.run(x, prepared.weight, prepared.bias, y, threads=threads, post=post)
        return finalized(y, target, dtypes)
    except MemoryError as error:
        raise out_of_memory(op, error, x=x, weight=weight, **plan.spec.steps) from None


def _in_bands(
    op: str,
    plan: Plan,
    operands: tuple[Array, Array, Array | None],
    dtypes: DTypes,
    threads: int,
    out: Array | None,
) -> Array | None:
    """Return the result of direct sums, band by band; None where one call for all is better."""
    x, weight, bias = operands
    spec = plan.spec
    if spec.transposed or spec.sharing != SHARED or spec.algorithm != "direct":
        return None
    bands = bands_of(spec, x, out, dtypes.compute, spec.out_channels)
    if bands is None:
        return None
    weight = apart(as_contiguous(op, "weight", weight, dtypes.compute), out)
    bias = None if bias is None else apart(bias, out)

    def run_part(part: Plan, cells: Array, y: Array) -> None:
        part.run(cells, weight, bias, y, threads=1)

    work = Work(plan_for, run_part)
    return run_in_bands(spec, bands, work, x, op=op, out=out, dtypes=dtypes, threads=threads)
