"""Sums of a neighbourhood's products, computed: by convolution, or in SciPy's order."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from convcore import api
from convcore.engine import filters
from convcore.engine.filters import Side
from convcore.ndimage.arguments import Sides, pick, wide_axes
from convcore.ndimage.frames import SPATIAL, Frame, over
from convcore.spec.operands import Array, DType

# A weight whose size is no larger counts as none, in SciPy too.
NONE = float(np.finfo(np.float64).eps)

FEW_LANES = 4  # neighbouring elements that are channels rather than an axis of their own

_ZEROS: list[Side] = ["zeros"] * SPATIAL
_CONV = (api.conv1d, api.conv2d, api.conv3d)
_CHANNELS_LAST = ("NWC", "NHWC", "NDHWC")


def _convolve(x: Array, frame: Frame, of: Kernel, algorithm: str) -> Array:
    """Sum products of real numbers by the convolution that is fastest."""
    if not x.size:
        return x.copy()
    n, *spatial, lanes = x.shape
    sizes, pads, borders = [1] * SPATIAL, [(0, 0)] * SPATIAL, list(_ZEROS)
    for axis, size, start, side in zip(
        frame.axes, of.weights.shape, of.first, of.sides, strict=True
    ):
        sizes[axis], pads[axis], borders[axis] = size, (-start, size - 1 + start), side
    ordered = of.weights.transpose(tuple(int(axis) for axis in np.argsort(frame.axes)))
    kernel = ordered.reshape(sizes).astype(x.dtype)
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
        return _by_channels(x.reshape(n, *shape, lanes), kernel, padding, border, algorithm)
    elif lanes > 1:  # lanes are an axis that the kernel does not see
        shape, kernel = [*shape, lanes], kernel[..., None]
        padding, border = [*padding, (0, 0)], [*border, "zeros"]
    y = _CONV[len(shape) - 1](
        x.reshape(n, 1, *shape),
        kernel[None, None],
        padding=tuple(padding),
        border=tuple(border),
        algorithm=algorithm,
    )
    return y.reshape(x.shape)


def _by_channels(
    x: Array, kernel: Array, padding: list[Any], border: list[Any], algorithm: str
) -> Array:
    """Convolve each channel of the last axis with the one kernel."""
    lanes = x.shape[-1]
    return _CONV[kernel.ndim - 1](
        x, np.broadcast_to(kernel, (lanes, 1, *kernel.shape)), groups=lanes,
        padding=tuple(padding), border=tuple(border), layout=_CHANNELS_LAST[kernel.ndim - 1],
        algorithm=algorithm,
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


def all_terms(weights: Array, first: tuple[int, ...]) -> Terms:
    """Return the terms of a window in the order of its cells, without those of weight 0."""
    kept = np.abs(weights) > NONE
    taps = np.argwhere(kept) + np.array(first, np.int64)
    return Terms(taps, weights[kept])


def line_terms(weights: Array, first: int) -> Terms:
    """Return the terms of a line; of a symmetric or antisymmetric one, pairs."""
    size = len(weights)
    half = size // 2
    for sign in (1.0, -1.0):
        pairs = weights[half + 1 :] - sign * weights[:half][::-1] if size % 2 else weights
        if size % 2 and (np.abs(pairs) <= NONE).all():
            back = np.arange(half)  # SciPy begins with the outermost pair
            cells = np.stack([back, size - 1 - back], axis=1).ravel()
            taps = np.concatenate([[half], cells]) + first
            return Terms(taps[:, None], np.concatenate([[weights[half]], weights[:half]]), "pairs",
                         sign)  # fmt: skip
    order = np.concatenate([[size - 1], np.arange(size - 1)])  # and with the last tap
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
    terms: Terms | None = None,
    algorithm: str = "auto",
) -> Array:
    """Sum each cell's neighbours times a kernel's weights.

    Integers, in or out, are summed in double in SciPy's order (``terms``), so that what is
    truncated is equal.
    """
    if x.dtype.kind == "f" and dtype.kind == "f":
        kind = np.result_type(x.dtype, dtype)
        y = over(x.astype(kind, copy=False), kernel.axes,
                 lambda a, frame: _convolve(a, frame, kernel, algorithm))  # fmt: skip
        return y.astype(dtype, copy=False)
    return weigh(op, x, kernel, terms or all_terms(kernel.weights, kernel.first), dtype)
