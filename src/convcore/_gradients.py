"""How the gradients of convolutions, tiled, local and transposed layers are computed.

That of the weight is a sum over outputs, which a kernel of its own computes; that of the input is
the adjoint, a convolution or several; that of the bias a sum.
"""

from collections.abc import Callable
from functools import lru_cache
from itertools import combinations
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from convcore import _adjoint, _args, _linear, _runtime, transpose
from convcore._args import Array, DType
from convcore._linear import Paddings, Sizes

Needs = tuple[bool, bool, bool]
Out = tuple[Array | None, Array | None, Array | None]
Gradients = tuple[Array | None, Array | None, Array | None]

NAMES = ("x", "weight", "bias")


class Call(NamedTuple):
    """The operands of a gradient's call, checked."""

    op: str
    axes: int
    grad: Array
    x: Array
    weight: Array
    dtype: DType  # of the gradients
    work: DType  # they are computed in
    threads: int

    def ready(self, name: str, value: Array) -> Array:
        """An operand as kernels read it."""
        return _args.ready(self.op, name, value, self.work)


def read(
    op: str, axes: int, grad: ArrayLike, x: ArrayLike, weight: ArrayLike, threads: int | None
) -> Call:
    """Read the operands of a call."""
    grad, x = _args.array(op, "grad", grad), _args.array(op, "x", x)
    weight = _args.array(op, "weight", weight)
    result, _ = _args.result_type(op, x.dtype, weight.dtype)
    dtype, work = _args.result_type(op, result, grad.dtype, "grad")
    return Call(op, axes, grad, x, weight, dtype, work, _runtime.threads_for(op, threads))


def read_needs(op: str, needs: object) -> list[bool]:
    """Whether the gradients of x, weight and bias are wanted."""
    needs = _args.listed(needs)
    if not isinstance(needs, (list, tuple)) or len(needs) != 3:
        raise ValueError(
            f"{op}: needs must be three of True and False, for x, weight and bias, "
            f"got {_args.shown(needs)}"
        )
    return [_args.flag(op, "needs", need) for need in needs]


def read_out(op: str, out: object, needs: list[bool]) -> list[Array | None]:
    """The caller's arrays for the gradients, still to be checked."""
    if out is None:
        return [None] * 3
    if not isinstance(out, (list, tuple)) or len(out) != 3:
        raise ValueError(
            f"{op}: out must be three arrays or None, for x, weight and bias, "
            f"got {_args.shown(out)}"
        )
    for name, array, need in zip(NAMES, out, needs, strict=True):
        if array is not None and not need:
            raise ValueError(f"{op}: out has an array for {name}, whose gradient is not computed")
    given = [array for array in out if isinstance(array, np.ndarray)]
    if any(np.shares_memory(a, b) for a, b in combinations(given, 2)):
        raise ValueError(f"{op}: out has arrays that share memory, expected separate ones")
    return list(out)


def compute(
    call: Call,
    bias: ArrayLike | None,
    bias_shape: tuple[int, ...],
    needs: object,
    out: object,
    *fill: Callable[[Array], None],
) -> Gradients:
    """The gradients that are needed, each filled in by its function."""
    op = call.op
    wanted = read_needs(op, needs)
    wanted[2] = wanted[2] and bias is not None
    if bias is not None:
        _args.check_bias(op, _args.array(op, "bias", bias), bias_shape)
    outs = read_out(op, out, wanted)
    operands = (call.grad, call.x, call.weight)
    targets: list[tuple[Array, Array | None] | None] = [
        _args.target(op, array, shape, call.dtype, call.work, operands, f"out, for {name},",
                     x=call.x, weight=call.weight) if need else None
        for name, need, array, shape in zip(
            NAMES, wanted, outs, (call.x.shape, call.weight.shape, bias_shape), strict=True
        )
    ]  # fmt: skip
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # kernels do not warn either
            for target, compute_into in zip(targets, fill, strict=True):
                if target:
                    compute_into(target[0])
            dx, dweight, dbias = (
                _args.delivered(*target, array, call.dtype) if target else None
                for target, array in zip(targets, outs, strict=True)
            )
    except MemoryError as error:
        what = str(error).removeprefix(f"{op}: ")
        raise MemoryError(
            f"{op}: {what}; x has shape {call.x.shape}, weight {call.weight.shape}"
        ) from None
    return dx, dweight, dbias


class InputGradient(NamedTuple):
    """The adjoint of a convolution, whose outputs may be padded cells still to be folded."""

    direct: bool  # products are formed one by one, not by phases, of which there are none
    phases: list[_adjoint.Phase]
    spatial: tuple[int, ...]  # sizes of its result
    folds: tuple[tuple[int, Array], ...]  # of each axis: padding before, and the cells shown


@lru_cache(maxsize=256)
def input_gradient(sizes: _linear.Problem, weight: tuple[int, ...]) -> InputGradient:
    """Prepare the gradient of x of a layer with these sizes and a weight of this shape."""
    tiled = len(weight) > 2 + len(sizes.rows)
    if tiled and hardly_shared(sizes):
        return InputGradient(True, [], (), ())
    along, spatial, kept = [], [], []
    for cells, taps, stride, dilation, before, size in sizes.rows:
        padded = cells
        if sizes.border != "zeros":  # cells of the padding are kept, and folded later
            padded = max(before + cells, (size - 1) * stride + (taps - 1) * dilation + 1)
            kept.append((cells, before, padded - before - cells))
            before = 0
        spatial.append(padded)
        along.append(_adjoint.axis_phases(size, taps, stride, dilation, before, padded))
    outputs, kernel = [row[-1] for row in sizes.rows], [row[1] for row in sizes.rows]
    lists = None
    if sizes.table is not None:
        pairs = np.frombuffer(sizes.table, np.bool_).reshape(weight[:2])
        lists = _linear.input_lists(pairs.T.tobytes(), weight[1])
    if not lists and _adjoint.is_wasteful(along, outputs, kernel):
        return InputGradient(True, [], (), ())
    phases = _adjoint.phases(
        sizes.n, sizes.groups, weight, along, sizes.channels_last,
        sizes.period if tiled else None, lists,
    )  # fmt: skip
    folds = tuple(
        (before, np.pad(np.arange(cells), (before, after), sizes.border))  # type: ignore[call-overload]
        for cells, before, after in kept
    )
    return InputGradient(False, phases, tuple(spatial), folds)


def fold(padded: Array, axis: int, before: int, shown: Array, cells: int) -> Array:
    """Add what padded cells along an axis have to the cells that they show, summed in float64.

    The result is a part of the padded array, in place.
    """
    padded = np.moveaxis(padded, axis, 0)
    result = padded[before : before + cells]
    order = np.argsort(shown, kind="stable")  # cell by cell
    order = order[(order < before) | (order >= before + cells)]
    if len(order):
        found, starts = np.unique(shown[order], return_index=True)
        result[found] += np.add.reduceat(padded[order], starts, axis=0, dtype=np.float64)
    return np.moveaxis(result, 0, axis)


def sum_turns(sums: Array, axis: int, period: int) -> Array:
    """Sum what is a multiple of the period apart along an axis."""
    sums = np.moveaxis(sums, axis, 0)
    turns, rest = divmod(len(sums), period)
    whole = sums[: turns * period]
    result: Array = whole.reshape(turns, period, *sums.shape[1:]).sum(axis=0)
    result[:rest] += sums[turns * period :]
    return np.moveaxis(result, 0, axis)


def bias_gradient(grad: Array, axes: int, channel_axis: int, period: tuple[int, ...]) -> Array:
    """Sums of the gradients of all outputs that share a bias.

    Planes are summed by NumPy in pairs, all other sums are formed in float64.
    """
    if max(period) == 1 and channel_axis == grad.ndim - 1 - axes:
        planes = grad.reshape(*grad.shape[:-axes], prod(grad.shape[-axes:])).sum(axis=-1)
        total: Array = planes.sum(axis=tuple(range(planes.ndim - 1)), dtype=np.float64)
        return total
    grad = np.moveaxis(grad, channel_axis, -1 - axes)
    grad = grad.sum(axis=tuple(range(grad.ndim - 1 - axes)), dtype=np.float64)
    for axis, turns in enumerate(period, 1):
        grad = sum_turns(grad, axis, turns)
    return grad


def hardly_shared(sizes: _linear.Problem) -> bool:
    """Whether a kernel serves two outputs or fewer: then reading the weights takes the time."""
    outputs = [row[-1] for row in sizes.rows]
    kernels = [min(*pair) for pair in zip(outputs, sizes.period, strict=True)]
    return prod(outputs) <= 2 * prod(kernels)


def convolve_back(call: Call, sizes: _linear.Problem, kernels: Array, dx: Array) -> None:
    """Fill dx by the adjoint of a layer; its padding goes to the cells that it shows.

    Products are formed directly, too, where padding would be multiplied with infinite weights; but
    not with a table, which the direct way does not know.
    """
    assert sizes.core is not None
    grad = call.ready("grad", call.grad)
    adjoint = input_gradient(sizes, kernels.shape)
    if adjoint.direct or (sizes.table is None and not np.isfinite(kernels).all()):
        sizes.core.input_gradient(grad, kernels, dx, call.threads)
        return
    axes = call.axes
    channel_axis = -1 if sizes.channels_last else 1
    first = -1 - axes if sizes.channels_last else -axes  # spatial axis
    whole = dx.reshape(sizes.n, *dx.shape[dx.ndim - axes - 1 :])
    result = whole
    if adjoint.folds:
        shape = list(whole.shape)
        shape[first : first + axes or None] = adjoint.spatial
        result = np.empty(shape, dx.dtype)
    _adjoint.run(adjoint.phases, grad, kernels, None, result, channel_axis, call.threads)
    for axis, (before, shown) in enumerate(adjoint.folds, first):
        result = fold(result, axis, before, shown, whole.shape[axis])
    if adjoint.folds:
        whole[...] = result


def backward(
    op: str,
    axes: int,
    grad: ArrayLike,
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None,
    stride: Sizes,
    padding: Paddings,
    dilation: Sizes,
    groups: int = 1,
    connections: ArrayLike | None = None,
    flip: bool = False,
    border: str = "zeros",
    layout: str = "NCHW",
    algorithm: str = "auto",
    threads: int | None = None,
    needs: object = (True, True, True),
    out: object = None,
    sharing: str = "shared",
) -> Gradients:
    """Gradients of a convolution over ``axes`` axes; ``op`` is the name that errors carry."""
    call = read(op, axes, grad, x, weight, threads)
    flip = _args.flag(op, "flip", flip)
    sizes = _linear.read(
        op, axes, call.x, call.weight, stride, padding, dilation, groups, connections, border,
        layout, algorithm, sharing,
    )  # fmt: skip
    _args.check_grad(op, call.grad, sizes.shape, x=call.x, weight=call.weight)
    flipped = tuple(range(2, axes + 2))

    def fill_dx(dx: Array) -> None:
        if sizes.core is None:
            dx[...] = 0
            return
        kernels = np.flip(call.weight, flipped) if flip else call.weight
        convolve_back(call, sizes, call.ready("weight", kernels), dx)

    def fill_dweight(dweight: Array) -> None:
        if sizes.core is None:
            dweight[...] = 0
            return
        sizes.core.weight_gradient(
            call.ready("x", call.x), call.ready("grad", call.grad), dweight, call.threads
        )
        if flip:
            dweight[...] = np.flip(dweight, flipped).copy()
        if sizes.table is not None:
            dweight[~np.frombuffer(sizes.table, np.bool_).reshape(dweight.shape[:2])] = 0

    def fill_dbias(dbias: Array) -> None:
        grad = call.ready("grad", call.grad)
        total = bias_gradient(grad, axes, sizes.channel_axis, sizes.period)
        dbias[...] = total.reshape(dbias.shape)

    return compute(call, bias, sizes.bias, needs, out, fill_dx, fill_dweight, fill_dbias)


def transposed_backward(
    op: str,
    axes: int,
    grad: ArrayLike,
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None,
    stride: Sizes,
    padding: Paddings,
    dilation: Sizes,
    groups: int,
    output_padding: Sizes,
    layout: str,
    threads: int | None,
    needs: object,
    out: object,
) -> Gradients:
    """Gradients of a transposed convolution: the convolution, and its weights', roles changed."""
    call = read(op, axes, grad, x, weight, threads)
    sizes = transpose.read(
        op, axes, call.x, call.weight, stride, padding, dilation, groups, output_padding, layout
    )
    shape = sizes.shape if call.x.ndim == axes + 2 else sizes.shape[1:]
    _args.check_grad(op, call.grad, shape, x=call.x, weight=call.weight)
    channels = sizes.shape[sizes.channel_axis]

    def fill_dx(dx: Array) -> None:
        if sizes.adjoint is None:
            dx[...] = 0
            return
        sizes.adjoint.forward(
            call.ready("grad", call.grad), call.ready("weight", call.weight), None, dx,
            call.threads,
        )  # fmt: skip

    def fill_dweight(dweight: Array) -> None:
        if sizes.adjoint is None:
            dweight[...] = 0
            return
        sizes.adjoint.weight_gradient(
            call.ready("grad", call.grad), call.ready("x", call.x), dweight, call.threads
        )

    def fill_dbias(dbias: Array) -> None:
        whole = call.ready("grad", call.grad).reshape(sizes.shape)
        dbias[...] = bias_gradient(whole, axes, sizes.channel_axis, (1,) * axes).reshape(-1)

    return compute(call, bias, (channels,), needs, out, fill_dx, fill_dweight, fill_dbias)
