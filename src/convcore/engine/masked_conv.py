"""Convolutions of inputs with missing cells.

With m the mask, 1 at present cells and at zeros of the padding, and sums over the cells of a
window,

    N = sum w m x,    P = sum w m,    T = sum w,    y = N T / P + b  (or N + b).

N is a convolution of x with zeros at missing cells, P one of the mask. P is computed once for all
channels that share a mask, and only for outputs in the box around the missing cells; T is P
elsewhere.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from convcore import _core
from convcore.engine.buffers import bias_as_contiguous, prepare_out, quiet
from convcore.engine.epilogue import add_bias
from convcore.engine.execute import convolve
from convcore.engine.masked import (
    Cells,
    channels_first,
    data_of,
    find_cells,
    share_like,
)
from convcore.engine.masked_patches import Patches
from convcore.engine.plan import ConvPlan, conv_plan
from convcore.engine.pooling import Sliding, pool
from convcore.engine.threads import threads_for
from convcore.spec.axis import Axis, span
from convcore.spec.errors import memory_errors
from convcore.spec.missing import Given, fill_of, read_missing
from convcore.spec.operands import Array, DTypes, as_array, as_contiguous, result_dtypes
from convcore.spec.options import LAYOUTS
from convcore.spec.problem import ConvSpec
from convcore.spec.registry import FLIP
from convcore.spec.windows import seen_cells

# Outputs whose present weights are less than this part of all are computed again by direct sums
# where the sums were fast ones: the division enlarges their errors.
LOW_SHARE = 1 / 16


def masked_convolve(
    given: Given,
    op: str,
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None,
    *,
    axes: int,
    flip: bool,
    layout: str,
    algorithm: str,
    threads: int | None,
    out: Array | None,
    **options: Any,
) -> Any:
    """Compute a convolution of the present cells; with ``return_weight`` also their share."""
    missing = read_missing(op, given)
    x, missing = data_of(op, x, missing)
    options |= {"axes": axes, "layout": layout}
    if not missing.applies:
        y = convolve(op, x, weight, bias, flip=flip, algorithm=algorithm, threads=threads, out=out,
                     **options)  # fmt: skip
        return (y, share_like(np.ones((1,) * (axes + 2)), y, False)) if missing.return_weight else y
    layer = MaskedLayer(
        op, x, weight, axes=axes, flip=flip, algorithm=algorithm, threads=threads, options=options
    )
    with memory_errors(op, x=x, weight=layer.weight):
        layer.set_weights(missing.normalize)
        layer.cells = find_cells(op, x, missing, axes, layout)
        box = layer.box()
        if box is None:
            y = convolve(op, x, layer.weight, bias, flip=flip, algorithm=algorithm,
                         threads=threads, out=out, **options)  # fmt: skip
            found = None
        else:
            dtypes = layer.dtypes
            shift = None
            if bias is not None:
                shift = bias_as_contiguous(op, bias, layer.plan.bias_shape, dtypes)
            reads = (x, layer.weight, shift, *missing.masks)
            target = prepare_out(op, out, layer.plan.y_shape, dtypes, reads)
            found = layer.presence(box, missing.normalize or missing.return_weight)
            with quiet():
                layer.run(found, target.array, missing.normalize)
                add_bias(target.array, shift, layer.spec.layout)
                fill = fill_of(op, missing.fill, dtypes.compute)
                np.copyto(layer.view(target.array, box), fill, where=found.blank)
            y = target.finalize()
        if missing.return_weight:
            return y, share_like(layer.share(found), y, layer.last)
        return y


class Weights(NamedTuple):
    """What a mask meets: the weights of a kernel, and their sums for each of its outputs."""

    kernel: Array  # (K or 1, C / groups or 1, *kernel), in the compute dtype, not to be flipped
    groups: int
    connections: Any
    total: Array  # (1, K or 1, 1, ...): the sum of each kernel
    rounding: Array  # likewise: how large a sum can be by rounding alone; 0 of positive weights
    blind: Array  # likewise, bool: whether an output channel sees no input channel


class Presence(NamedTuple):
    """What is present in the windows of a box of outputs; arrays are (N or 1, K or 1, *box)."""

    box: tuple[slice, ...]  # of the outputs, along each axis
    mask: Array  # bool (N or 1, C or 1, *cells): the padded input under the box
    blank: Array  # bool: outputs that are ``fill``
    weight: Array | None  # sums of weights on present cells, 1 at blank outputs; None: not needed
    weights: Weights | None

    def ratio(self) -> Array:
        """T / P."""
        assert self.weights is not None
        assert self.weight is not None
        ratio: Array = self.weights.total / self.weight
        return ratio


class MaskedLayer:
    """A convolution, its operands checked; the attribute ``cells`` is set before it is run."""

    cells: Cells

    def __init__(
        self, op: str, x: Array, weight: ArrayLike, *, axes: int, flip: object, algorithm: str,
        threads: int | None, options: dict[str, Any],
    ) -> None:  # fmt: skip
        self.op, self.axes = op, axes
        self.weight = as_array(op, "weight", weight)
        self.dtypes: DTypes = result_dtypes(op, x.dtype, self.weight.dtype)
        self.flip: bool = FLIP.read(op, flip, axes)
        self.threads = threads_for(op, threads)
        self.plan: ConvPlan = conv_plan(op, x, self.weight, algorithm=algorithm, **options)
        self.spec: ConvSpec = self.plan.spec
        self.last = self.spec.layout.channels_last
        # Integers are computed directly, and are floats once their missing cells are 0.
        whole = x.dtype.kind != "f" or self.weight.dtype.kind != "f"
        self.algorithm = "direct" if whole else algorithm
        self.options = options
        steps = self.spec.steps
        self.steps = {"stride": steps["stride"], "dilation": steps["dilation"]}
        self._normalize = False

    def set_weights(self, normalize: bool) -> None:
        """Read the weights; refuse kernels whose sum is 0 where sums are divided by it."""
        self._normalize = normalize
        weight = as_contiguous(self.op, "weight", self.weight, self.dtypes.compute)
        if self.flip:
            weight = np.flip(weight, tuple(range(2, self.axes + 2)))
        if self.spec.connections is not None:
            table = self.spec.connections.array[(..., *(None,) * self.axes)]
            weight = np.where(table, weight, weight.dtype.type(0))
        self.kernel = np.ascontiguousarray(weight)  # as the sums use it
        # The mask meets kernels scaled by powers of two, which cancel: their sums do not overflow.
        kernels = self.kernel.reshape(len(self.kernel), -1)
        self.unit = units(kernels)
        kernels = kernels / self.unit[:, np.newaxis]
        self.scaled = kernels.reshape(self.kernel.shape)
        sizes = np.abs(kernels).sum(axis=1, dtype=np.float64)
        self._rounding = kernels.shape[1] * np.finfo(weight.dtype).eps * sizes
        self._blind = np.full(len(kernels), not kernels.shape[1])
        if self.spec.connections is not None:
            self._blind |= ~self.spec.connections.array.any(axis=1)
        totals = kernels.sum(axis=1, dtype=np.float64)
        self.sums_to_zero = np.abs(totals) <= self._rounding
        refused = np.flatnonzero(self.sums_to_zero & ~self._blind)
        if normalize and refused.size and self.spec.has_products:
            raise ValueError(
                f"{self.op}: weight must have kernels whose sum is not 0 with normalize=True, got "
                f"0 for output channel {refused[0]}, up to rounding; normalize=False does not divide "
                "by it"
            )

    def mask_weights(self, channels: int) -> Weights:
        """Return what a mask with this number of channels meets."""
        kernel, groups, connections = self.scaled, self.spec.groups, self.spec.connections
        if not self._normalize and self.sums_to_zero.any():  # the share is one of absolute values
            zero = self.sums_to_zero[(..., *(None,) * (self.axes + 1))]
            kernel = np.where(zero, np.abs(kernel), kernel)
        blind, rounding = self._blind, self._rounding
        if channels == 1:
            sums = kernel.sum(axis=1, keepdims=True, dtype=np.float64).astype(kernel.dtype)
            if not blind.any() and (sums == sums[:1]).all():
                sums, blind, rounding = sums[:1], blind[:1], rounding.max(keepdims=True)
            kernel, groups, connections = sums, 1, None
        if (kernel >= 0).all() or (kernel <= 0).all():
            rounding = np.zeros_like(rounding)
        # the sums of whole kernels, formed as those of present weights are
        ones = np.ones((1, kernel.shape[1] * groups, *kernel.shape[2:]), kernel.dtype)
        total = convolve(
            self.op, ones, kernel, axes=self.axes, groups=groups, connections=connections,
            layout=LAYOUTS[self.axes][0], algorithm="direct", threads=self.threads,
        )  # fmt: skip
        shape = (1, -1, *(1,) * self.axes)
        rounding, blind = rounding.reshape(shape), blind.reshape(shape)
        total = np.where(blind, total.dtype.type(1), total)  # and of present weights likewise
        return Weights(kernel, groups, connections, total, rounding, blind)

    def box(self) -> tuple[slice, ...] | None:
        """Return the outputs from the first to the last that see a missing cell, or None."""
        mask = self.cells.mask
        if mask is None or not self.spec.has_products:
            return None
        self.at = [  # the input cell at each cell of the padded input; -1: a zero of the padding
            seen_cells(
                self.op, Axis(a.cells, 1, 1, 1, (a.pair[0], 0), a.needed), self.spec.border
            ).ravel()
            for a in self.spec.axes
        ]
        box = []
        for axis, (row, at) in enumerate(zip(self.spec.axes, self.at, strict=True), 2):
            others = tuple(a for a in range(mask.ndim) if a != axis)
            lost = np.append(~mask.all(axis=others), False)  # the last one: of the padding
            before = np.concatenate([[0], np.cumsum(lost[at])])
            start = np.arange(row.outputs) * row.stride
            touched = np.flatnonzero(before[start + span(row.kernel, row.dilation)] > before[start])
            if not touched.size:
                return None
            box.append(slice(int(touched[0]), int(touched[-1]) + 1))
        return tuple(box)

    def view(self, y: Array, box: tuple[slice, ...]) -> Array:
        """Return the outputs of a box, channels first."""
        return channels_first(y, self.axes, self.last)[(..., *box)]

    def presence(self, box: tuple[slice, ...], needs_weight: bool) -> Presence:
        """Find what is present in the windows of a box of outputs."""
        mask = self.cells.mask
        assert mask is not None
        for axis, (row, at, part) in enumerate(zip(self.spec.axes, self.at, box, strict=True), 2):
            end = (part.stop - 1) * row.stride + span(row.kernel, row.dilation)
            mask = _taken(mask, at[part.start * row.stride : end], axis)
        mask = np.ascontiguousarray(mask)
        blank = self._blank(mask) & ~self._blind.reshape(-1, *(1,) * self.axes)
        if not needs_weight:
            return Presence(box, mask, blank, None, None)
        weights = self.mask_weights(mask.shape[1])
        weight = self._present_weight(mask, weights, blank)
        if self._normalize:
            blank = blank | (np.abs(weight) <= weights.rounding) & ~weights.blind
        np.copyto(weight, 1, where=weights.blind)
        if blank.any():
            weight = np.where(blank, weight.dtype.type(1), weight)
        return Presence(box, mask, blank, weight, weights)

    def _blank(self, mask: Array) -> Array:
        """Return whether each output of a box sees no present cell: (N or 1, K or 1, *box)."""
        spec = self.spec
        if mask.shape[1] > 1 and spec.connections is not None:
            seen = spec.connections.array[(..., *(None,) * self.axes)]
            kernel = np.broadcast_to(seen.astype(np.float32), self.kernel.shape)
            counted = self._slide(
                mask.astype(np.float32), kernel, connections=spec.connections, algorithm="direct"
            )
            return counted == 0
        if mask.shape[1] > 1:
            grouped = mask.reshape(len(mask), spec.groups, -1, *mask.shape[2:])
            mask = np.ascontiguousarray(grouped.any(axis=2))
        windows = Sliding(spec.kernel, padding="valid", ceil_mode=False, **self.steps)
        blank: Array = pool(
            self.op, mask.view(np.uint8), windows, axes=self.axes, kind="max",
            layout=LAYOUTS[self.axes][0], threads=self.threads, out=None,
        ) == 0  # fmt: skip
        if blank.shape[1] > 1:
            blank = np.repeat(blank, spec.out_channels // spec.groups, axis=1)
        return blank

    def _present_weight(self, mask: Array, weights: Weights, blank: Array) -> Array:
        """Return the sums of weights on present cells."""
        cells = mask.astype(weights.kernel.dtype)
        options = {"groups": weights.groups, "connections": weights.connections}
        weight = self._slide(cells, weights.kernel, algorithm=self.algorithm, **options)
        plan = conv_plan(
            self.op, cells, weights.kernel, axes=self.axes, layout=LAYOUTS[self.axes][0],
            algorithm=self.algorithm, **self.steps, **options,
        )  # fmt: skip
        if is_fast(plan, weights.kernel):
            low = (np.abs(weight) < LOW_SHARE * np.abs(weights.total)) & ~blank
            self._patches(weights.kernel, **options).correct(
                weight, low, cells, [np.arange(n) for n in cells.shape[2:]],
                lambda: self._slide(cells, weights.kernel, algorithm="direct", **options),
            )  # fmt: skip
        return weight

    def _patches(self, kernel: Array, **options: Any) -> Patches:
        rows = self.spec.axes
        return Patches(
            self.op, kernel, [(row.stride, row.dilation) for row in rows], self.threads, options
        )

    def _slide(self, mask: Array, kernel: Array, **options: Any) -> Array:
        """Convolve what is already padded."""
        return convolve(
            self.op, mask, kernel, axes=self.axes, layout=LAYOUTS[self.axes][0],
            threads=self.threads, **self.steps, **options,
        )  # fmt: skip

    def run(self, found: Presence, y: Array, normalize: bool) -> None:
        """Fill y with the sums over present cells, divided by their share of the weights."""
        x = self.cells.filled(self.op, self.dtypes.compute, 0, self.last)
        self.sums(x, y, self.algorithm)
        if not normalize:
            return
        assert found.weight is not None
        ratio = found.ratio()
        view = self.view(y, found.box)
        if is_fast(self.plan, self.kernel):
            low = (np.abs(ratio) > 1 / LOW_SHARE) & ~found.blank
            start = [part.start * row.stride for part, row in zip(found.box, self.spec.axes)]  # noqa: B905
            options = {"groups": self.spec.groups, "connections": self.spec.connections}
            self._patches(self.kernel, **options).correct(
                view, low, channels_first(x, self.axes, self.last),
                [at[first:] for at, first in zip(self.at, start, strict=True)],
                lambda: self.view(self.sums(x, np.empty_like(y), "direct"), found.box),
            )  # fmt: skip
        np.multiply(view, ratio, out=view)

    def sums(self, x: Array, y: Array, algorithm: str) -> Array:
        """Fill y with the sums of weighted cells, without a bias."""
        return convolve(
            self.op, x, self.weight.astype(self.dtypes.compute, copy=False), flip=self.flip,
            algorithm=algorithm, threads=self.threads, out=y, **self.options,
        )  # fmt: skip

    def share(self, found: Presence | None) -> Array:
        """Return the share of weights on present cells, (N or 1, K or 1, *outputs)."""
        if found is None:
            return np.ones((1,) * (self.axes + 2))
        assert found.weight is not None
        assert found.weights is not None
        part = np.where(found.blank, 0, found.weight / found.weights.total)
        share = np.ones((*part.shape[:2], *self.spec.outputs), part.dtype)
        share[(..., *found.box)] = part
        return share


def units(kernels: Array) -> Array:
    """Return the power of two near the largest weight of each kernel, a row."""
    if not kernels.size:
        return np.ones(len(kernels), kernels.dtype)
    largest = np.abs(kernels).max(axis=1)
    exponent = np.where(np.isfinite(largest), np.frexp(largest)[1], 1)
    unit: Array = np.ldexp(kernels.dtype.type(1), exponent - 1)
    return unit


def is_fast(plan: ConvPlan, kernel: Array) -> bool:
    """Whether a plan's sums have an error that is small beside others, not beside themselves.

    Of passes along each axis only those of one positive outer product have none of these.
    """
    if plan.core is None:
        return False
    if plan.separable is not None:
        passes = plan.separable.factored(kernel)
        if passes is not None:
            fibres = sum(size for size in plan.spec.kernel if size > 1) * len(kernel)
            terms = sum(array.size for array in passes) // fibres
            return terms > 1 or not (kernel >= 0).all()
    verdicts = plan.core.explain(kernel.itemsize)
    return any(word == "chosen" and name in _core.FAST_ALGORITHMS for name, word in verdicts)


def _taken(mask: Array, at: Array, axis: int) -> Array:
    """Return the mask at these cells of an axis; zeros of the padding, -1, are present."""
    inside = at >= 0
    first = int(at[0])
    if inside.all() and np.array_equal(at, np.arange(first, first + len(at))):
        return mask[(slice(None),) * axis + (slice(first, first + len(at)),)]
    if mask.shape[axis] == 0:
        shape = (*mask.shape[:axis], len(at), *mask.shape[axis + 1 :])
        return np.ones(shape, np.bool_)
    taken: Array = mask.take(at, axis=axis, mode="clip")
    taken[(slice(None),) * axis + (~inside,)] = True
    return taken
