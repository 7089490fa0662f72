"""Weighted pooling and its gradient: a convolution of each channel, divided by the weights used."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from convcore.engine.border import first_axis, pad, sum_pool_borders
from convcore.engine.buffers import prepare_out, quiet
from convcore.engine.cores import core_row
from convcore.engine.execute import convolve, run
from convcore.engine.plan import plan_for
from convcore.engine.pooling import PoolPlan, Sliding, pool_gradient, pool_plan
from convcore.engine.threads import threads_for
from convcore.spec.axis import Axis, span
from convcore.spec.border import AnyBorder
from convcore.spec.errors import memory_errors
from convcore.spec.operands import FLOAT64, Array, DTypes, as_array, as_contiguous, result_dtypes
from convcore.spec.options import Paddings, Sizes
from convcore.spec.pooling import PoolSpec, as_window
from convcore.spec.problem import ConvSpec, conv_spec
from convcore.spec.registry import NORMALIZE
from convcore.spec.windows import scaled

# Sums are formed in float64, so that a float32 average of equal cells is that cell. The error of a
# sum of n products is at most n float64 roundings; rounding the quotient to float32 removes it.
COMPUTE = FLOAT64


class Weights(NamedTuple):
    """A window of weights, checked."""

    array: Array  # contiguous float64; scaled, if sums are divided by it
    normalize: bool


def weighted_pool(
    op: str,
    x: ArrayLike,
    window: ArrayLike,
    *,
    axes: int,
    stride: Sizes | None,
    padding: Paddings,
    dilation: Sizes,
    normalize: bool,
    ceil_mode: bool,
    border: AnyBorder,
    layout: str,
    threads: int | None,
    out: Array | None,
) -> Array:
    """Return the weighted average of each window."""
    weights = read_window(op, axes, window, normalize)
    windows = Sliding(weights.array.shape, stride, padding, dilation, ceil_mode, border)
    count = threads_for(op, threads)
    x = as_array(op, "x", x)
    dtypes = DTypes(result_dtypes(op, x.dtype, x.dtype).result, COMPUTE)
    plan = pool_plan(op, x, windows, axes=axes, kind="mean", layout=layout)
    return compute(op, plan, weights, x, dtypes, threads=count, out=out)


def compute(
    op: str,
    plan: PoolPlan,
    weights: Weights,
    x: Array,
    dtypes: DTypes,
    *,
    threads: int,
    out: Array | None,
    sums: ConvSpec | None = None,
) -> Array:
    """Run the plan of a weighted pooling; ``sums`` says how a layer whose part this is sums."""
    with memory_errors(op, x=x):
        target = prepare_out(op, out, plan.y_shape, dtypes, (x, weights.array), rounds=True)
        divisor = _divisor(op, plan, weights)  # refuses weights whatever x holds
        if plan.core is not None:
            x = as_contiguous(op, "x", x, COMPUTE)
            _sums(op, plan, weights, x, target.array, threads=threads, like=sums)
            if weights.normalize:
                with quiet():
                    np.divide(target.array, divisor, out=target.array)
                    if not np.isfinite(target.array).all():
                        _refill(
                            op, plan, weights, x, target.array, divisor=divisor, threads=threads,
                            like=sums,
                        )  # fmt: skip
        return target.finalize()


def _sums(
    op: str,
    plan: PoolPlan,
    weights: Weights,
    x: Array,
    y: Array,
    *,
    threads: int,
    like: ConvSpec | None = None,
) -> None:
    """Fill y with the sums of weighted cells; x may have the padding that windows hold.

    ``like``: take the algorithm and the transforms of this layer.
    """
    spec, kernels = plan.spec, per_channel(weights.array, plan.spec.channels)
    is_partial = like is not None or not _is_border_of_sums(spec)
    if is_partial and x.shape != spec.held_shape:
        x = _with_held(spec, x)
    options = sums_options(spec, padded=x.shape == spec.held_shape)
    if like is None:
        convolve(op, x, kernels, threads=threads, out=y, **options)
        return
    own = conv_spec(op, x.shape, kernels.shape, **options)
    own = replace(own, algorithm=like.algorithm, transform=like.transform)
    dtypes = DTypes(COMPUTE, COMPUTE)
    run(op, plan_for(own), (x, kernels, None), dtypes, threads=threads, out=y)


def sums_spec(op: str, spec: PoolSpec, kernel: tuple[int, ...]) -> ConvSpec:
    """Return the convolution that forms the sums of a weighted pooling with channels."""
    shape = sums_shape(spec)
    options = sums_options(spec, padded=shape == spec.held_shape)
    return conv_spec(op, shape, (spec.channels, 1, *kernel), **options)


def _with_held(spec: PoolSpec, x: Array) -> Array:
    """Return x with those cells of the padding that windows hold."""
    return pad(x, first_axis(spec.layout), spec.held, spec.border) if spec.border else x


def _is_border_of_sums(spec: PoolSpec) -> bool:
    """Return whether a convolution's padding can hold what a window's does.

    It has the same border up to its end, and all of its constants count where axes meet.
    """
    nothing = constant = False
    for axis, sides in zip(spec.axes, spec.border, strict=False):
        beyond = axis.needed > axis.pair[0] + axis.cells + axis.pair[1]
        if beyond and sides[1] != "zeros":
            return False
        constant |= not all(isinstance(side, str) for side in sides)
        nothing |= beyond or any(
            cells and side == "zeros" for cells, side in zip(axis.pair, sides, strict=True)
        )
    return not (nothing and constant)


def sums_shape(spec: PoolSpec) -> tuple[int, ...]:
    """Return the shape of what the convolution that forms the sums is given."""
    return spec.x_shape if _is_border_of_sums(spec) else spec.held_shape


def sums_options(spec: PoolSpec, padded: bool) -> dict[str, Any]:
    """Return the options of the depthwise convolution that forms the sums.

    ``padded``: its input has all that windows hold.
    """
    axes = spec.window_axes if padded else spec.axes
    return {
        "axes": len(spec.axes),
        "stride": tuple(axis.stride for axis in spec.axes),
        "padding": _padding_pairs(axes),
        "border": "zeros" if padded or not spec.border else spec.border,
        "dilation": tuple(axis.dilation for axis in spec.axes),
        "groups": spec.channels,
        "layout": spec.layout.name,
    }


def _refill(
    op: str,
    plan: PoolPlan,
    weights: Weights,
    x: Array,
    y: Array,
    *,
    divisor: Array,
    threads: int,
    like: ConvSpec | None,
) -> None:
    """Compute again, scaled down, the averages whose sums overflowed; the averages do not."""
    room = weights.array.size.bit_length() + 1
    again = np.empty_like(y)
    x = np.ldexp(_with_held(plan.spec, x), -room)
    _sums(op, plan, weights, x, again, threads=threads, like=like)
    again /= divisor
    np.copyto(y, np.ldexp(again, room), where=~np.isfinite(y))


def weighted_gradient(
    op: str,
    grad: ArrayLike,
    x: ArrayLike,
    window: ArrayLike,
    *,
    axes: int,
    stride: Sizes | None,
    padding: Paddings,
    dilation: Sizes,
    normalize: bool,
    ceil_mode: bool,
    border: AnyBorder,
    layout: str,
    threads: int | None,
    out: Array | None,
) -> Array:
    """Return the gradient of x of a weighted pooling."""
    weights = read_window(op, axes, window, normalize)
    windows = Sliding(weights.array.shape, stride, padding, dilation, ceil_mode, border)
    call = pool_gradient(
        op, grad, x, windows, axes=axes, kind="mean", layout=layout, threads=threads, out=out,
        compute=COMPUTE, operand=weights.array,
    )  # fmt: skip
    plan = call.plan
    with call.memory_errors():
        divisor = _divisor(op, plan, weights)  # refuses weights whatever x holds
        if plan.core is None:
            return call.result()
        with quiet():
            share = call.grad / divisor
        # The adjoint: the flipped window slides over the gradients, which are a stride apart.
        pairs = []
        spec = plan.spec
        for n, kernel, step, apart, before, size in map(core_row, spec.window_axes):
            reach = span(kernel, apart) - 1
            pairs.append((reach - before, n + before - (size - 1) * step - 1))
        dx = np.empty(spec.held_shape, COMPUTE) if spec.border else call.out.array
        convolve(
            op, _dilated(share, plan), per_channel(weights.array, plan.spec.channels), axes=axes,
            padding=tuple(pairs), dilation=tuple(row[3] for row in map(core_row, plan.spec.axes)),
            groups=plan.spec.channels, flip=True, layout=layout, threads=call.threads, out=dx,
        )  # fmt: skip
        if spec.border:
            with quiet():
                call.out.array[...] = sum_pool_borders(spec, dx)
    return call.result()


def read_window(op: str, axes: int, window: ArrayLike, normalize: object) -> Weights:
    """Read the weights, as sums are formed with them, and whether to divide."""
    given = as_window(op, window, axes)
    divides: bool = NORMALIZE.read(op, normalize, axes)
    weights = as_contiguous(op, "window", given, COMPUTE)
    return Weights(scaled(weights) if divides else weights, divides)


def _normaliser(op: str, plan: PoolPlan, weights: Array) -> Array:
    """Return the sum of the weights on input cells, for each output of a plane."""
    sums = weights
    for axis, (_, _, stride, dilation, before, out) in enumerate(
        map(core_row, plan.spec.window_axes)
    ):
        first, cells = plan.windows(axis).T[:2]
        skipped = (first + before - np.arange(out) * stride) // dilation
        # outputs away from the borders use the same weights: only a few pairs differ
        pairs, which = np.unique(np.stack([skipped, cells]), axis=1, return_inverse=True)
        along = np.moveaxis(sums, axis, 0)
        each = np.stack([along[begin : begin + count].sum(axis=0) for begin, count in pairs.T])
        sums = np.moveaxis(each[which.ravel()], 0, axis)
    if not sums.all():
        at = tuple(int(i) for i in np.argwhere(sums == 0)[0])
        raise ValueError(
            f"{op}: weights of window on input cells must not sum to 0, got 0 at output {at}; "
            "normalize=False does not divide by the sum"
        )
    return sums


def _divisor(op: str, plan: PoolPlan, weights: Weights) -> Array:
    """Return the divisor of each sum, in a shape that broadcasts to the result."""
    if not weights.normalize:
        return np.ones((), COMPUTE)
    sums = _normaliser(op, plan, weights.array)
    if (sums == sums.flat[0]).all():
        return sums.ravel()[0]  # type: ignore[no-any-return]
    return sums[..., np.newaxis] if plan.spec.layout.channels_last else sums


def per_channel(weights: Array, channels: int) -> Array:
    """Return the window as the weight of a depthwise convolution."""
    return np.ascontiguousarray(np.broadcast_to(weights, (channels, 1, *weights.shape)))


def _padding_pairs(axes: tuple[Axis, ...]) -> tuple[tuple[int, int], ...]:
    """Return the padding of a convolution with as many outputs, including a partial last one."""
    return tuple(
        (before, max((out - 1) * stride + span(kernel, dilation) - n - before, 0))
        for n, kernel, stride, dilation, before, out in map(core_row, axes)
    )


def _dilated(grad: Array, plan: PoolPlan) -> Array:
    """Return the gradients a stride apart, with zeros between them."""
    first = -len(plan.spec.axes) - plan.spec.layout.channels_last
    shape = list(grad.shape)
    where = [slice(None)] * grad.ndim
    for axis, (_, _, stride, _, _, out) in enumerate(map(core_row, plan.spec.axes)):
        shape[first + axis] = (out - 1) * stride + 1
        where[first + axis] = slice(None, None, stride)
    dilated = np.zeros(shape, grad.dtype)
    dilated[tuple(where)] = grad
    return dilated
