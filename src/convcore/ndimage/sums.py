"""Sums of a neighbourhood's products, computed: by convolution, or in SciPy's order."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import numpy as np

from convcore import api
from convcore.engine import filters
from convcore.ndimage.arguments import Sides, pick, wide_axes
from convcore.ndimage.frames import SPATIAL, Frame, over
from convcore.ndimage.integers import Exact, exact_sums
from convcore.spec.operands import Array, DType

# A weight whose size is no larger counts as none, in SciPy too.
NONE = float(np.finfo(np.float64).eps)

FUSED = 49  # taps of a window that is faster than passes along its axes
DIRECT = 256  # taps of a line that are summed directly: an FFT makes noise of zeros
FEW_LANES = 4  # neighbouring elements that are channels rather than an axis of their own

_CONV = (api.conv1d, api.conv2d, api.conv3d)
_CHANNELS_LAST = ("NWC", "NHWC", "NDHWC")


def _convolve(
    x: Array, frame: Frame, of: Kernel, algorithm: str, exact: Exact | None = None
) -> Array:
    """Sum products by the convolution that is fastest: of real numbers, or of integers exactly."""
    dtype = x.dtype if exact is None else exact.dtype
    if not x.size:
        return np.empty(x.shape, dtype)
    n, *spatial, lanes = x.shape
    sizes, pads, borders = frame.window(of.weights.shape, of.first, of.sides, "zeros")
    ordered = of.weights.transpose(tuple(int(axis) for axis in np.argsort(frame.axes)))
    kernel = ordered.reshape(sizes).astype(x.dtype if exact is None else np.float32)
    used = [axis for axis in range(SPATIAL) if (spatial[axis], sizes[axis]) != (1, 1)]
    shape = [spatial[axis] for axis in used]
    kernel = kernel.reshape([sizes[axis] for axis in used])
    padding, border = [pads[axis] for axis in used], [borders[axis] for axis in used]
    if not used:  # each cell alone
        scaled: Array = x * kernel
        return scaled
    if len(used) == 1 and lanes == 1:  # lines are the rows of an image
        shape, n = [n, *shape], 1
        kernel, padding, border = kernel[None], [(0, 0), *padding], ["zeros", *border]
    elif lanes > 1 and (len(used) == SPATIAL or lanes <= FEW_LANES):
        return _by_channels(x.reshape(n, *shape, lanes), kernel, padding, border, algorithm, exact)
    elif lanes > 1:  # lanes are an axis that the kernel does not see
        shape, kernel = [*shape, lanes], kernel[..., None]
        padding, border = [*padding, (0, 0)], [*border, "zeros"]
    bias, out = _rounded(exact, (n, 1, *shape), 1)
    y = _CONV[len(shape) - 1](
        x.reshape(n, 1, *shape),
        kernel[None, None],
        bias,
        padding=tuple(padding),
        border=tuple(border),
        algorithm=algorithm,
        out=out,
    )
    return y.reshape(x.shape)


def _rounded(
    exact: Exact | None, shape: tuple[int, ...], channels: int
) -> tuple[Array | None, Array | None]:
    """Return the bias and the result by which sums of integers are rounded."""
    if exact is None:
        return None, None
    return np.full(channels, exact.bias, np.float32), np.empty(shape, exact.dtype)


def _by_channels(
    x: Array, kernel: Array, padding: list[Any], border: list[Any], algorithm: str,
    exact: Exact | None,
) -> Array:  # fmt: skip
    """Convolve each channel of the last axis with the one kernel."""
    lanes = x.shape[-1]
    bias, out = _rounded(exact, x.shape, lanes)
    return _CONV[kernel.ndim - 1](
        x, np.broadcast_to(kernel, (lanes, 1, *kernel.shape)), bias, groups=lanes,
        padding=tuple(padding), border=tuple(border), layout=_CHANNELS_LAST[kernel.ndim - 1],
        algorithm=algorithm, out=out,
    )  # fmt: skip


class Kernel(NamedTuple):
    """Weights along some axes of an array."""

    axes: tuple[int, ...]
    weights: Array
    first: tuple[int, ...]  # where the first lies, from its output's cell
    sides: Sides

    @property
    def trimmed(self) -> Kernel:
        """The same without the axes along which it has one weight, at its output's cell."""
        wide = wide_axes(self.weights.shape)
        weights = self.weights.reshape(pick(wide, self.weights.shape))
        return Kernel(
            pick(wide, self.axes), weights, pick(wide, self.first), pick(wide, self.sides)
        )


class Terms(NamedTuple):
    """Taps, a row of offsets each, and how they are combined: see ``kernels/weigh.c``."""

    taps: Array
    weights: Array
    how: str = "terms"
    sign: float = 1.0
    divisor: float = 1.0


def all_terms(kernel: Kernel) -> Terms:
    """Return the terms of a window in the order of its cells, without those of weight 0."""
    kept = np.abs(kernel.weights) > NONE
    taps = np.argwhere(kept) + np.array(kernel.first, np.int64)
    return Terms(taps, kernel.weights[kept])


def line_terms(kernel: Kernel) -> Terms:
    """Return the terms of a line; of a symmetric or antisymmetric one, pairs."""
    weights, first = kernel.weights, kernel.first[0]
    size = len(weights)
    half = size // 2
    back = np.arange(half)
    for sign in (1.0, -1.0) if size % 2 else ():
        if (np.abs(weights[half + 1 :] - sign * weights[:half][::-1]) <= NONE).all():
            cells = np.stack([back, size - 1 - back], axis=1).ravel()  # the outermost pair first
            taps = np.concatenate([[half], cells]) + first
            pairs = np.concatenate([[weights[half]], weights[:half]])
            return Terms(taps[:, None], pairs, "pairs", sign)
    order = np.concatenate([[size - 1], np.arange(size - 1)])  # SciPy begins with the last tap
    return Terms((order + first)[:, None], weights[order])


def weigh(op: str, x: Array, kernel: Kernel, terms: Terms, dtype: DType) -> Array:
    """Combine each cell's taps in double, in their order."""
    if not len(terms.taps):
        return np.zeros(x.shape, dtype)
    return over(x, kernel.axes, lambda a, frame: filters.weigh(
        op, a, frame.offsets(terms.taps), frame.borders(kernel.sides), terms.weights, dtype,
        how=terms.how, sign=terms.sign, divisor=terms.divisor,
    ))  # fmt: skip


def sum_products(
    op: str,
    x: Array,
    kernel: Kernel,
    dtype: DType,
    terms: Callable[[Kernel], Terms],
    algorithm: str = "auto",
) -> Array:
    """Sum each cell's neighbours times a kernel's weights.

    Integers, in or out, are summed in double in SciPy's order, of which ``terms`` tells, so that
    what is truncated is equal; or in float32 where that is exact.
    """
    if x.dtype.kind == "f" and dtype.kind == "f":
        kind = np.result_type(x.dtype, dtype)
        y = over(x.astype(kind, copy=False), kernel.axes,
                 lambda a, frame: _convolve(a, frame, kernel, algorithm))  # fmt: skip
        return y.astype(dtype, copy=False)
    of = terms(kernel)
    exact = exact_sums(x.dtype, kernel.weights, kernel.sides, of.divisor, dtype)
    if exact is not None:
        y = over(x, kernel.axes, lambda a, frame: _convolve(a, frame, kernel, "direct", exact))
        return y.astype(dtype, copy=False)
    return weigh(op, x, kernel, of, dtype)


def sum_passes(
    op: str, x: Array, lines: list[Kernel], dtype: DType, terms: Callable[[Kernel], Terms]
) -> Array:
    """Sum products along one axis after the other, or at once where that is as good and faster."""
    if x.dtype.kind == "f" and dtype.kind == "f" and _is_one_window(lines):
        return sum_products(op, x, _outer(lines), dtype, terms, "direct")
    for line in lines:
        algorithm = "direct" if line.weights.size <= DIRECT else "auto"
        x = sum_products(op, x, line, dtype, terms, algorithm)
    return x if lines else x.astype(dtype)


def _outer(lines: list[Kernel]) -> Kernel:
    """Return the kernel whose passes these are."""
    whole = lines[0]
    for line in lines[1:]:
        weights = np.multiply.outer(whole.weights, line.weights)
        whole = Kernel(whole.axes + line.axes, weights, whole.first + line.first,
                       whole.sides + line.sides)  # fmt: skip
    return whole


def _is_one_window(passes: list[Kernel]) -> bool:
    """Whether passes give what their outer product does.

    A pass takes a constant beyond the result of the pass before, which is another constant unless
    it is 0 or weights sum to 1.
    """
    constant = any(not isinstance(line.sides[0], str) and line.sides[0] != 0 for line in passes)
    sums = all(abs(line.weights.sum() - 1) < 1e-9 for line in passes)
    taps = prod(line.weights.size for line in passes)
    return 2 <= len(passes) <= SPATIAL and taps <= FUSED and (sums or not constant)
