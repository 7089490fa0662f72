"""Bounds on what a convolution rounds, a function for each algorithm.

docs/design/accuracy.rst derives them.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike

from convcore.engine.border import pad
from convcore.engine.buffers import bias_as_contiguous, quiet
from convcore.engine.plan import conv_plan, plan_for
from convcore.engine.separable import plain_axis, separable_plan, sum_of_products
from convcore.spec.errors import memory_errors
from convcore.spec.layout import Layout
from convcore.spec.operands import Array, as_array, as_contiguous, result_dtypes
from convcore.spec.options import LAYOUTS
from convcore.spec.problem import WEIGHTS, ConvSpec
from convcore.spec.registry import FLIP

BLOCK_TAPS, PIECE_TAPS, SUM_CHANNELS = 256, 512, 64  # of the kernels' sums
SIGMAS = 8  # independent roundings pass it with a probability of 2 exp(-SIGMAS**2 / 2)
MARGIN = 1.0001  # for products of roundings, and for those of the bound itself


class Layer(NamedTuple):
    """A call, its operands in float64 and channels first."""

    spec: ConvSpec
    x: Array  # (N, C, *cells): all that outputs see, padding too
    weight: Array  # (out, C / groups, *kernel)
    bias: Array  # (out, 1, ...)
    u: float  # largest relative error of a rounding
    tiny: float  # smallest number
    most: float  # largest number


def _blocks(channels: int, kernel: tuple[int, ...]) -> Iterator[Iterable[tuple[int, ...]]]:
    """Yield the blocks of a sum: channel and place of each tap, in order."""
    together = max(BLOCK_TAPS // prod(kernel), 1)
    cuts: list[int] = []
    fit = PIECE_TAPS
    for n in reversed(kernel):
        cuts.insert(0, -(-n // fit) if fit else n)
        fit = 0 if cuts[0] > 1 else fit // n
    for first in range(0, channels, together):
        for piece in product(*map(range, cuts)):
            parts = zip(kernel, cuts, piece, strict=True)
            yield product(
                range(first, min(first + together, channels)),
                *(range(n * i // cut, n * (i + 1) // cut) for n, cut, i in parts),
            )


def _half_gap(value: Array) -> Array:
    """Round to powers of 2 towards 0: a rounding error is u times that at most."""
    gap: Array = (value.view(np.int64) & 0x7FF << 52).view(np.float64)  # of a NaN: infinity
    return gap


def direct(layer: Layer) -> Array:
    """Return the bound of direct sums: what each rounding can lose, by the partial sums."""
    spec, u = layer.spec, layer.u
    lost = np.zeros((spec.batch, spec.out_channels, *spec.outputs))
    size = np.zeros(lost.shape)
    parts: list[tuple[Any, Any, Any]]
    if spec.connections is None:
        c, k = spec.group_channels, spec.out_channels // spec.groups
        parts = [
            (slice(k * g, k * g + k), slice(c * g, c * g + c), slice(c)) for g in range(spec.groups)
        ]
    else:
        parts = [(slice(k, k + 1), seen, seen) for k, seen in enumerate(spec.connections.array)]
    for outs, ins, own in parts:
        x, weight, bias = layer.x[:, ins], layer.weight[outs, own], layer.bias[outs]
        loss, terms, total = lost[:, outs], size[:, outs], bias
        for i, block in enumerate(_blocks(x.shape[1], spec.kernel)):
            chain = np.zeros(loss.shape)
            for channel, *tap in block:
                cells = [
                    slice(t * a.dilation, t * a.dilation + (a.outputs - 1) * a.stride + 1, a.stride)
                    for t, a in zip(tap, spec.axes, strict=True)
                ]
                term = weight[:, channel, *tap].reshape(bias.shape) * x[:, channel, None, *cells]
                chain += term
                terms += abs(term)
                loss += _half_gap(abs(chain) + 16 * u * loss)
            total = total + chain
            if i or bias.any():  # else it is exact
                loss += _half_gap(abs(total) + 16 * u * loss)
    bound: Array = MARGIN * u * (lost + size) + 3 * layer.weight[0].size * layer.tiny
    size += abs(layer.bias)
    if all((a == np.rint(a)).all() for a in layer[1:4]):  # then sums are, and the dtype holds them
        bound[size < 1 / u] = 0
    bound[~(size < 0.99 * layer.most)] = np.inf
    return bound


TILE, TAPS, POINTS = 4, 3, 6  # F(4, 3)
ROUNDINGS = (42, 7)  # of a pass over inputs or weights, each as often as points share it
OUTPUT_ROUNDINGS = (5, 5)


def _passes(axes: int) -> list[list[Array]]:
    """Return the transforms of input, weight and output, a matrix for each axis."""
    powers = np.vander([0, 0.75, -0.75, 1.5, -1.5, 0], POINTS, increasing=True)
    powers[5] = 0
    weight, y, all_powers = (powers[:, :n].copy() for n in (TAPS, TILE, POINTS))
    weight[5, -1] = y[5, -1] = all_powers[5, -1] = 1
    x = np.linalg.inv(all_powers).T
    scale = np.append(x[:5, 4], 1)[:, None]
    x, weight, y = x / scale, weight * scale, y.T
    if axes == 1:
        return [[x], [weight], [y]]
    return [[np.kron(m, np.eye(m.shape[1])), np.kron(np.eye(len(m)), m)] for m in (x, weight, y)]


def _through(
    passes: list[Array], value: Array, squares: Array, roundings: tuple[int, ...]
) -> tuple[Array, Array]:
    """Return what passes make of values, and of the squares of their errors over u."""
    for matrix, count in zip(passes, roundings[-len(passes) :], strict=True):
        squares = matrix**2 @ squares + count * (abs(matrix) @ abs(value)) ** 2
        value = matrix @ value
    return value, squares


def _scaled(array: Array) -> tuple[Array, int]:
    """Return the array over a power of 2, its largest number at most 1, and the exponent.

    What is not finite becomes NaN.
    """
    array = np.where(np.isfinite(array), array, np.nan)
    exponent = int(np.frexp(np.fmax.reduce(abs(array), None, initial=0.0))[1])
    return np.ldexp(array, -exponent), exponent


def winograd(layer: Layer) -> Array:
    """Return the bound of Winograd's algorithm, its roundings independent.

    A tile with anything that is not finite is computed directly; so direct sums' bound holds too.
    """
    spec, u, channels = layer.spec, layer.u, layer.spec.group_channels
    cut = [n == TAPS for n in spec.kernel[-2:]]
    cut = [False] * (2 - len(cut)) + cut
    of_input, of_weight, of_output = _passes(sum(cut))
    x, x_exponent = _scaled(layer.x)
    weight, exponent = _scaled(layer.weight)
    weight = weight.reshape(spec.groups, -1, channels, TAPS ** sum(cut)).transpose(0, 2, 3, 1)
    w, w_loss = _through(of_weight, weight, 0 * weight, ROUNDINGS)  # (G, c, points, k)
    w_loss = w_loss * (2.0**-53 / u) ** 2 + (abs(w) + np.ldexp(layer.tiny / u, -exponent)) ** 2

    *_, rows, columns = (1, *spec.outputs)
    step = [TILE if one else 1 for one in cut]
    sees = [POINTS if one else 1 for one in cut]
    x = x.reshape(spec.batch, spec.groups, channels, -1, *(1, *x.shape[2:])[-2:])
    ends = [(0, -n % TILE if one else 0) for n, one in zip((rows, columns), cut, strict=True)]
    x = sliding_window_view(np.pad(x, [(0, 0)] * 4 + ends), sees, (-2, -1))
    x = x[..., :: step[0], :: step[1], :, :]
    down, across = x.shape[4:6]
    bound = np.empty((spec.batch, spec.groups, w.shape[3], x.shape[3], rows, columns))
    for n, depth in np.ndindex(spec.batch, x.shape[3]):
        d = x[n, :, :, depth].reshape(spec.groups, channels, down * across, -1).swapaxes(2, 3)
        d, d_loss = _through(of_input, d, 0 * d, ROUNDINGS)  # (G, c, points, tiles)
        d_loss += np.ldexp(200 * layer.tiny / u, -x_exponent) ** 2
        chain = total = np.zeros((spec.groups, *w.shape[2:], d.shape[3]))
        loss = chain + 1e-280  # squares may vanish
        for c in range(channels):
            a, b, b_loss = w[:, c, :, :, None], d[:, c, :, None], d_loss[:, c, :, None]
            term = a * b
            chain = chain + term
            loss += a**2 * b_loss + w_loss[:, c, :, :, None] * b**2 + term**2 + chain**2
            if c % SUM_CHANNELS == SUM_CHANNELS - 1 or c == channels - 1:
                total, chain = total + chain, 0 * chain
                loss += total**2
        flat = (spec.groups, w.shape[2], -1)
        total, loss = _through(of_output, total.reshape(flat), loss.reshape(flat), OUTPUT_ROUNDINGS)
        made = (SIGMAS * np.sqrt(loss) + abs(total)).reshape(spec.groups, *step, -1, down, across)
        made = made.transpose(0, 3, 4, 1, 5, 2)
        made = made.reshape(*made.shape[:2], down * step[0], across * step[1])
        bound[n, :, :, depth] = made[..., :rows, :columns]
    bound = np.ldexp(MARGIN * u * bound, exponent + x_exponent) + 200 * channels * layer.tiny
    shape = (spec.batch, spec.out_channels, *spec.outputs)
    return np.fmax(bound.reshape(shape) + u * abs(layer.bias), direct(layer))


FFT_ROUNDINGS = 3  # of a number, in a step that halves or joins transforms


def fft(layer: Layer) -> Array:
    """Return the bound of products of FFTs, their roundings independent.

    A pair of tiles has one error, that of its 2-norm. A pair that may have lost a number to the
    range of the dtype is computed directly, and has that bound.
    """
    spec, axes, u = layer.spec, layer.x.ndim - 2, layer.u
    core = plan_for(spec).core
    lengths, outputs = (sizes[-axes:] for sizes in core.fft_tile(8 if u < 1e-10 else 4))
    (x, x_exponent), (weight, exponent) = _scaled(layer.x), _scaled(layer.weight)
    spans = [axis.needed - axis.outputs + 1 for axis in spec.axes]
    taps = np.zeros((*weight.shape[:2], *spans))
    taps[:, :, *(slice(None, None, axis.dilation) for axis in spec.axes)] = weight
    several = [a for a, n in enumerate(spec.kernel) if n > 1]
    cut = [lengths[a] for a in several]
    if several:
        taps = abs(np.fft.fftn(taps, cut, [a - axes for a in several]))
    over = tuple(range(-axes, 0))
    most = abs(taps).max(over).reshape(spec.groups, -1, spec.group_channels)
    subnormal = layer.tiny / u  # what a number may lose beside u of it
    most += np.sqrt(prod(cut)) * np.ldexp(subnormal, -exponent)
    x = x.reshape(spec.batch, spec.groups, spec.group_channels, *x.shape[2:])
    roundings = FFT_ROUNDINGS * SIGMAS * np.sqrt(3 * np.log2(2 * prod(cut)) + spec.group_channels)
    bound = np.empty((spec.batch, spec.groups, most.shape[1], *spec.outputs))
    starts = [range(0, n, step) for n, step in zip(spec.outputs, outputs, strict=True)]
    tiles = [
        [slice(first, first + step) for first, step in zip(at, outputs, strict=True)]
        for at in product(*starts)
    ]
    for i in range(0, len(tiles), 2):
        energy: Any = 0
        for tile in tiles[i : i + 2]:
            seen = [slice(a.start, a.stop + n - 1) for a, n in zip(tile, spans, strict=True)]
            energy = energy + (x[:, :, :, *seen] ** 2).sum(over)
        energy = energy + prod(cut) * np.ldexp(subnormal, -x_exponent) ** 2
        size = np.sqrt(np.einsum("ngc,gkc->ngk", energy, most**2) / prod(cut))
        for tile in tiles[i : i + 2]:
            bound[:, :, :, *tile] = size.reshape(*size.shape, *(1,) * axes)
    bound = np.ldexp(bound, exponent + x_exponent)
    far = layer.most**0.75
    is_safe = (bound > 1 / far) & (bound < far)  # not where anything is NaN
    bound = u * (
        (roundings + 2) * bound + 2 * abs(layer.bias).reshape(spec.groups, -1, *(1,) * axes)
    )
    shape = (spec.batch, spec.out_channels, *spec.outputs)
    if not is_safe.all():
        bound = np.where(is_safe, bound, np.fmax(bound, direct(layer).reshape(bound.shape)))
    result: Array = bound.reshape(shape)
    return result


def separable(layer: Layer) -> Array:
    """Return the bound of one pass along each axis, and of what the terms leave of the kernels.

    Where a pass loses a number, direct sums are taken; so their bound holds too.
    """
    spec, dtype = layer.spec, np.float32 if layer.u > 1e-10 else np.float64
    plan = separable_plan(spec)
    assert plan is not None
    weights = plan.factored(layer.weight.astype(dtype))
    if weights is None:
        return direct(layer)
    wide = [weight.astype(float) for weight in weights]
    value = np.ascontiguousarray(layer.x)
    cells, lost = abs(value), np.zeros(value.shape)
    flat, bias = Layout(len(spec.axes), channels_last=False, batched=True), layer.bias
    for i, (along, weight) in enumerate(zip(plan.passes(weights), wide, strict=True)):
        axes = [
            plain_axis(cells) if axis == plain_axis(axis.cells) else
            axis._replace(cells=cells, pair=(0, 0))
            for axis, cells in zip(along.axes, value.shape[2:], strict=True)
        ]  # fmt: skip
        one = replace(along, axes=tuple(axes), batch=spec.batch, layout=flat, border=())
        own = bias if i == len(wide) - 1 else np.zeros((len(weight), *bias.shape[1:]))
        sums = [np.empty(one.y_shape) for _ in range(2)]
        for x, w, y in zip((value, lost), (weight, abs(weight)), sums, strict=True):
            plan_for(one).run(x, w, None, y, threads=1)
        lost = sums[1] + direct(layer._replace(spec=one, x=value, weight=weight, bias=own))
        value = sums[0]
    whole = sum_of_products(wide, layer.weight.shape)
    left = replace(
        spec, axes=tuple(axis._replace(cells=n, pair=(0, 0)) for axis, n in
                         zip(spec.axes, layer.x.shape[2:], strict=True)),
        layout=flat, border=(), algorithm="direct",
    )  # fmt: skip
    missed = np.empty(lost.shape)
    plan_for(left).run(cells, abs(layer.weight - whole), None, missed, threads=1)
    return np.fmax(MARGIN * (lost + missed), direct(layer))


BOUNDS: dict[str, Callable[[Layer], Array]] = {
    "direct": direct,
    "winograd": winograd,
    "fft": fft,
    "separable": separable,
}


def _seen(spec: ConvSpec, x: Array) -> Array:
    """Return all that outputs see, channels first and in float64."""
    x = x.reshape(spec.batch, *x.shape[spec.layout.batched :]).astype(np.float64)
    if spec.layout.channels_last:
        x = np.moveaxis(x, -1, 1)
    x = pad(x, 2, tuple(axis.pair for axis in spec.axes), spec.border)
    return x[:, :, *(slice(axis.needed) for axis in spec.axes)]


def error_bound(
    op: str,
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None,
    *,
    flip: object,
    layout: str | None,
    **options: Any,
) -> Array:
    """Return the bound of a convolution; ``options`` are those of :func:`conv_plan`."""
    x, weight = as_array(op, "x", x), as_array(op, "weight", weight)
    dtypes = result_dtypes(op, x.dtype, weight.dtype)
    axes = weight.ndim - 2
    if axes not in LAYOUTS:
        raise ValueError(
            f"{op}: weight must have 3 to 5 axes {WEIGHTS['shared']}, got shape {weight.shape}"
        )
    flip = FLIP.read(op, flip, axes)
    layout = LAYOUTS[axes][0] if layout is None else layout
    plan = conv_plan(op, x, weight, axes=axes, layout=layout, **options)
    spec, compute, info = plan.spec, dtypes.compute, np.finfo(dtypes.compute)
    bias = bias_as_contiguous(op, bias, plan.bias_shape, dtypes)
    x, weight = as_contiguous(op, "x", x, compute), as_contiguous(op, "weight", weight, compute)
    with memory_errors(op, x=x, weight=weight, **spec.steps), quiet():
        bound = np.zeros((spec.batch, spec.out_channels, *spec.outputs))
        if spec.has_products:
            weight = np.flip(weight, tuple(range(2, axes + 2))) if flip else weight
            b = np.zeros(len(weight)) if bias is None else bias.astype(float)
            layer = Layer(
                spec, _seen(spec, x), weight.astype(float), b.reshape(-1, *(1,) * axes),
                *map(float, (info.eps / 2, info.smallest_subnormal, info.max)),
            )  # fmt: skip
            chosen = next(name for name, verdict in plan.explain(compute) if verdict == "chosen")
            if plan.separable is not None and plan.separable.factored(weight) is not None:
                chosen = "separable"
            bound = BOUNDS.get(chosen, direct)(layer)
        bound = np.moveaxis(bound, 1, -1) if spec.layout.channels_last else bound
        return np.ascontiguousarray(bound).reshape(spec.y_shape)
