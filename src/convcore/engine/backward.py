"""The gradients of layers with weights, into the caller's arrays or new ones.

The gradient of the weight is a sum over outputs, computed by its own kernel. The gradient of the
input is the adjoint, one or several convolutions. The gradient of the bias is a sum.
"""

from itertools import combinations
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from convcore.engine.buffers import Out, prepare_out, quiet
from convcore.engine.plan import Plan, conv_plan, transposed_plan
from convcore.engine.threads import threads_for
from convcore.spec.errors import out_of_memory, short_repr
from convcore.spec.operands import (
    Array,
    DTypes,
    as_array,
    as_contiguous,
    check_bias,
    check_grad,
    check_integers,
    result_dtypes,
)
from convcore.spec.options import as_bool, to_list
from convcore.spec.problem import ConvSpec

Needs = tuple[bool, bool, bool]
Outs = tuple[Array | None, Array | None, Array | None]
Gradients = tuple[Array | None, Array | None, Array | None]

NAMES = ("x", "weight", "bias")


class Operands(NamedTuple):
    """The checked operands of a gradient's call."""

    grad: Array
    x: Array
    weight: Array
    dtypes: DTypes


def conv_gradients(
    op: str,
    operands: tuple[ArrayLike, ArrayLike, ArrayLike],
    bias: ArrayLike | None,
    *,
    flip: bool = False,
    threads: int | None = None,
    needs: object = (True, True, True),
    out: object = None,
    **options: object,
) -> Gradients:
    """Return the gradients of a convolution, tiled or local layer for (grad, x, weight).

    ``options`` are those of :func:`convcore.engine.plan.conv_plan`.
    """
    checked = _checked(op, operands)
    count = threads_for(op, threads)
    flip = as_bool(op, "flip", flip)
    plan = conv_plan(op, checked.x, checked.weight, **options)  # type: ignore[arg-type]
    return _Call(op, checked, plan, flip, count).gradients(bias, needs, out)


def transposed_gradients(
    op: str,
    operands: tuple[ArrayLike, ArrayLike, ArrayLike],
    bias: ArrayLike | None,
    *,
    threads: int | None = None,
    needs: object = (True, True, True),
    out: object = None,
    **options: object,
) -> Gradients:
    """Return the gradients of a transposed convolution for (grad, x, weight).

    ``options`` are those of :func:`convcore.engine.plan.transposed_plan`.
    """
    checked = _checked(op, operands)
    count = threads_for(op, threads)
    plan = transposed_plan(op, checked.x, checked.weight, **options)  # type: ignore[arg-type]
    return _Call(op, checked, plan, False, count).gradients(bias, needs, out)


def _checked(op: str, operands: tuple[ArrayLike, ArrayLike, ArrayLike]) -> Operands:
    """Read and check the operands, before anything is written to ``out``."""
    grad, x, weight = map(as_array, (op,) * 3, ("grad", "x", "weight"), operands)
    result = result_dtypes(op, x.dtype, weight.dtype).result
    dtypes = result_dtypes(op, result, grad.dtype, "grad")
    for name, value in (("grad", grad), ("x", x), ("weight", weight)):
        check_integers(op, name, value)
    return Operands(grad, x, weight, dtypes)


class _Call:
    """A call of a gradient, with the plan of its layer."""

    def __init__(self, op: str, operands: Operands, plan: Plan, flip: bool, threads: int) -> None:
        self.op, self.operands, self.plan, self.threads = op, operands, plan, threads
        axes = plan.spec.layout.axes
        self.flipped = tuple(range(2, axes + 2)) if flip else ()

    def gradients(self, bias: ArrayLike | None, needs: object, out: object) -> Gradients:
        """Return the gradients of x, weight and bias, None where one is not needed."""
        op, (grad, x, weight, dtypes) = self.op, self.operands
        check_grad(op, grad, self.plan.y_shape, x=x, weight=weight)
        wanted = as_needs(op, needs)
        wanted[2] = wanted[2] and bias is not None
        if bias is not None:
            check_bias(op, as_array(op, "bias", bias), self.plan.bias_shape)
        outs = as_outs(op, out, wanted)
        shapes = (x.shape, weight.shape, self.plan.bias_shape)
        reads = (grad, x, weight)
        try:
            targets = [
                prepare_out(op, array, shape, dtypes, reads, f"out, for {name},") if need else None
                for name, need, array, shape in zip(NAMES, wanted, outs, shapes, strict=True)
            ]
            with quiet():
                self._fill(targets)
            dx, dweight, dbias = (target.finalize() if target else None for target in targets)
        except MemoryError as error:
            raise out_of_memory(op, error, x=x, weight=weight) from None
        return dx, dweight, dbias

    def _fill(self, targets: list[Out | None]) -> None:
        """Compute the gradients that have a target."""
        dx, dweight, dbias = targets
        if dx or dweight or dbias:
            grad = self._contiguous("grad", self.operands.grad)
        if dx:
            weight = self.operands.weight
            if self.flipped:
                weight = np.flip(weight, self.flipped)
            weight = self._contiguous("weight", weight)
            self.plan.input_gradient(grad, weight, dx.array, threads=self.threads)
        if dweight:
            x = self._contiguous("x", self.operands.x)
            self.plan.weight_gradient(x, grad, dweight.array, threads=self.threads)
            if self.flipped:
                dweight.array[...] = np.flip(dweight.array, self.flipped).copy()
        if dbias:
            dbias.array[...] = bias_gradient(grad, self.plan.spec).reshape(dbias.array.shape)

    def _contiguous(self, name: str, value: Array) -> Array:
        return as_contiguous(self.op, name, value, self.operands.dtypes.compute)


def as_needs(op: str, needs: object) -> list[bool]:
    """Return whether the gradients of x, weight and bias are needed."""
    needs = to_list(needs)
    if not isinstance(needs, (list, tuple)) or len(needs) != 3:
        raise ValueError(
            f"{op}: needs must be three bools, for x, weight and bias, got {short_repr(needs)}"
        )
    return [as_bool(op, "needs", need) for need in needs]


def as_outs(op: str, out: object, needs: list[bool]) -> list[Array | None]:
    """Return the caller's arrays for the gradients, whose shapes are not yet checked."""
    if out is None:
        return [None] * 3
    if not isinstance(out, (list, tuple)) or len(out) != 3:
        raise ValueError(
            f"{op}: out must be three arrays or None, for x, weight and bias, got {short_repr(out)}"
        )
    for name, array, need in zip(NAMES, out, needs, strict=True):
        if array is not None and not need:
            raise ValueError(
                f"{op}: out must be None for {name}, whose gradient is not computed, got an array"
            )
    given = [array for array in out if isinstance(array, np.ndarray)]
    if any(_share_memory(a, b) for a, b in combinations(given, 2)):
        raise ValueError(f"{op}: out must be arrays that do not share memory, got two that do")
    return list(out)


def _share_memory(a: Array, b: Array) -> bool:
    """Return whether two arrays share memory; if that is too costly to decide, whether they may."""
    try:
        return np.shares_memory(a, b, max_work=10**6)  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return True


def sum_period(sums: Array, axis: int, period: int) -> Array:
    """Sum elements that are a multiple of the period apart along an axis."""
    sums = np.moveaxis(sums, axis, 0)
    rounds, remainder = divmod(len(sums), period)
    full = sums[: rounds * period]
    result: Array = full.reshape(rounds, period, *sums.shape[1:]).sum(axis=0)
    result[:remainder] += sums[rounds * period :]
    return np.moveaxis(result, 0, axis)


def bias_gradient(grad: Array, spec: ConvSpec) -> Array:
    """Return the sums of the gradients of all outputs that share a bias.

    NumPy sums each plane pairwise; all other sums are formed in float64. Channels that come last
    are moved to the front first, so that both layouts give the same bits.
    """
    axes, period = spec.layout.axes, spec.period
    grad = np.ascontiguousarray(np.moveaxis(grad, spec.layout.channel_axis, -1 - axes))
    if max(period, default=1) == 1:
        planes = grad.reshape(*grad.shape[:-axes], prod(grad.shape[-axes:])).sum(axis=-1)
        total: Array = planes.sum(axis=tuple(range(planes.ndim - 1)), dtype=np.float64)
        return total
    grad = grad.sum(axis=tuple(range(grad.ndim - 1 - axes)), dtype=np.float64)
    for axis, apart in enumerate(period, 1):
        grad = sum_period(grad, axis, apart)
    return grad
