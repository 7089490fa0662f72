"""Convolutions of inputs with missing cells.

With m the mask, 1 at present cells and at constants of the padding, and sums over the cells of a
window,

    N = sum w m x,    P = sum w m,    T = sum w,    y = N T / P + b  (or N + b).

N is a convolution of x with zeros at missing cells, P one of the mask. P is computed once for all
channels that share a mask, and only for outputs in the box around the missing cells; T is P
elsewhere.
"""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from convcore.engine.buffers import bias_as_contiguous, prepare_out, quiet
from convcore.engine.execute import convolve
from convcore.engine.masked import (
    Cells,
    channels_first,
    filled,
    find_cells,
    in_layout,
    put,
    read_input,
    share_like,
    taken,
)
from convcore.engine.masked_patches import Patches
from convcore.engine.masked_weights import Kernels, Weights, is_fast
from convcore.engine.plan import ConvPlan, conv_plan
from convcore.engine.pooling import Sliding, pool
from convcore.engine.threads import threads_for
from convcore.spec.axis import span
from convcore.spec.border import as_border, sides
from convcore.spec.errors import memory_errors
from convcore.spec.missing import (
    Given,
    fill_of,
    is_lost,
    padded_cells,
    present_border,
)
from convcore.spec.operands import Array, DTypes, as_array, as_contiguous, result_dtypes
from convcore.spec.options import LAYOUTS
from convcore.spec.problem import ConvSpec
from convcore.spec.registry import FLIP

BAND = 2**21  # bytes of the input or the result of a band
HALOS = 4  # least rows of a band, in spans of the kernel
ALL = slice(None)
EMPTY = np.empty(0)
NONE = np.zeros((), np.bool_)
BOOL = np.dtype(np.bool_)


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
    x, missing = read_input(op, x, given)
    options |= {"axes": axes, "layout": layout}
    if not missing.applies:
        y = convolve(op, x, weight, bias, flip=flip, algorithm=algorithm, threads=threads, out=out,
                     **options)  # fmt: skip
        return (y, share_like(np.ones((1,) * (axes + 2)), y, False)) if missing.return_weight else y
    layer = MaskedLayer(
        op, x, weight, axes=axes, flip=flip, algorithm=algorithm, threads=threads, options=options,
        ignores_nan=missing.ignores_nan,
    )  # fmt: skip
    with memory_errors(op, x=x, weight=layer.weight):
        layer.set_weights(missing.normalize)
        layer.cells = find_cells(op, x, missing, axes, layout)
        if not layer.find_box():
            y = convolve(op, x, layer.weight, bias, flip=flip, algorithm=algorithm,
                         threads=threads, out=out, **layer.options)  # fmt: skip
            share = np.ones((1,) * (axes + 2))
        else:
            dtypes, shift = layer.dtypes, None
            if bias is not None:
                shift = bias_as_contiguous(op, bias, layer.plan.bias_shape, dtypes)
            reads = (x, layer.weight, shift, *missing.masks)
            target = prepare_out(op, out, layer.plan.y_shape, dtypes, reads, rounds=True)
            fill = fill_of(op, missing.fill, dtypes.compute)
            with quiet():
                share = layer.run(target.array, shift, fill, share=missing.return_weight)
            y = target.finalize()
        return (y, share_like(share, y, layer.last)) if missing.return_weight else y


class Presence(NamedTuple):
    """What is present in the windows of a box of outputs; arrays are (N or 1, K or 1, *box)."""

    box: tuple[slice, ...]  # of the outputs, along each axis
    mask: Array  # bool (N or 1, C or 1, *cells): the padded input under the box
    blank: Array  # bool: outputs that are ``fill``, of any shape that broadcasts
    low: Array | None  # bool: other outputs with few present weights
    ratio: Array  # T / P, finite at blank outputs; empty: not needed
    total: Array  # T, (1, K or 1, 1, ...)


class MaskedLayer:
    """A convolution, its operands checked; the attribute ``cells`` is set before it is run."""

    cells: Cells

    def __init__(
        self, op: str, x: Array, weight: ArrayLike, *, axes: int, flip: object, algorithm: str,
        threads: int | None, options: dict[str, Any], ignores_nan: bool,
    ) -> None:  # fmt: skip
        self.op, self.axes = op, axes
        self.weight = as_array(op, "weight", weight)
        self.dtypes: DTypes = result_dtypes(op, x.dtype, self.weight.dtype)
        self.flip: bool = FLIP.read(op, flip, axes)
        self.threads = threads_for(op, threads)
        border = as_border(op, options.get("border", "zeros"), axes)
        present = present_border(border, ignores_nan)
        self.options = {**options, "border": present}
        self._sides = sides(present, axes)
        self._lost = [  # whether the padding is missing
            (is_lost(before, ignores_nan), is_lost(after, ignores_nan))
            for before, after in sides(border, axes)
        ]
        self.plan: ConvPlan = conv_plan(op, x, self.weight, algorithm=algorithm, **self.options)
        self.spec: ConvSpec = self.plan.spec
        self._has_numbers = any(
            not isinstance(side, str) for pair in self.spec.border for side in pair
        )
        self.last = self.spec.layout.channels_last
        # Integers are computed directly, and are floats once their missing cells are 0.
        whole = x.dtype.kind != "f" or self.weight.dtype.kind != "f"
        self.algorithm = "direct" if whole else algorithm
        self._of_mask = "direct" if self.algorithm == "direct" else "auto"
        steps = self.spec.steps
        self.steps: dict[str, Any] = {"stride": steps["stride"], "dilation": steps["dilation"]}
        self._normalize = False
        self._shared: dict[str, Any] = {
            "groups": self.spec.groups,
            "connections": self.spec.connections,
        }

    def set_weights(self, normalize: bool) -> None:
        """Read the weights; refuse kernels whose sum is 0 where sums are divided by it."""
        self._normalize = normalize
        self._weight = as_contiguous(self.op, "weight", self.weight, self.dtypes.compute)
        self.kernels = Kernels(
            self.op, self._weight, self.spec, flip=self.flip, normalize=normalize
        )

    def find_box(self) -> bool:
        """Find the outputs from the first to the last that see a missing cell; False: none do."""
        mask = self.cells.mask
        if not self.spec.has_products:
            return False
        if mask is None:
            if not any(map(any, self._lost)):
                return False
            mask = np.ones((1, 1, *self.spec.cells), np.bool_)  # but padding is missing
            self.cells = self.cells._replace(mask=mask)
        self.at = [
            padded_cells(self.op, row, pair)
            for row, pair in zip(self.spec.axes, self._sides, strict=True)
        ]
        padding = [  # the missing padding along each axis; it crosses the others
            np.append(np.zeros(row.cells, np.bool_), (after, before))[at]
            for row, at, (before, after) in zip(self.spec.axes, self.at, self._lost, strict=True)
        ]
        box = []
        for axis, (row, at) in enumerate(zip(self.spec.axes, self.at, strict=True)):
            others = tuple(a for a in range(mask.ndim) if a != axis + 2)
            lost = np.append(~mask.all(axis=others), (False, False))[at] | padding[axis]
            lost |= any(each.any() for a, each in enumerate(padding) if a != axis)
            before = np.concatenate([[0], np.cumsum(lost)])
            start = np.arange(row.outputs) * row.stride
            touched = np.flatnonzero(before[start + span(row.kernel, row.dilation)] > before[start])
            if not touched.size:
                return False
            box.append(slice(int(touched[0]), int(touched[-1]) + 1))
        self.box = tuple(box)
        return True

    def view(self, y: Array) -> Array:
        """Return the outputs of the box, channels first."""
        return inside(channels_first(y, self.axes, self.last), self.box)

    def presence(self, box: tuple[slice, ...], images: slice, needs_weight: bool) -> Presence:
        """Find what is present in the windows of a box of outputs."""
        mask = self._mask(images)
        for axis, part in enumerate(box):
            mask = self._mask_along(axis, mask, self._padded(axis, part))
        mask = np.ascontiguousarray(mask)
        if not needs_weight:
            return Presence(box, mask, self._blank(mask), None, EMPTY, EMPTY)
        weights = self.kernels.of_mask(mask.shape[1])
        weight = self._slide(
            mask.astype(weights.kernel.dtype), weights.kernel, algorithm=self._of_mask,
            **weights.options,
        )  # fmt: skip
        blank, low = NONE, weights.find_low(weight)
        if low is not None:
            blank = self._blank(mask)
            low = low & ~blank
            self._correct(weight, low, mask, weights)
            if self._normalize:
                none = np.abs(weight) <= weights.rounding
                blank = blank | (none & ~weights.blind if weights.blind.any() else none)
            if blank.shape != weight.shape:
                shape = np.broadcast_shapes(blank.shape, weight.shape)
                blank, weight = np.broadcast_to(blank, shape), np.broadcast_to(weight, shape).copy()
            ones = blank | weights.blind if weights.blind.any() else blank
            if ones.any():
                put(weight, ones, 1)
        return Presence(box, mask, blank, low, np.divide(weights.total, weight, out=weight),
                        weights.total)  # fmt: skip

    def _mask(self, images: slice) -> Array:
        mask = self.cells.mask
        assert mask is not None
        return mask if len(mask) == 1 else mask[images]

    def _padded(self, axis: int, part: slice) -> Array:
        """Return the cells under the outputs of an axis; below 0 are constants."""
        row = self.spec.axes[axis]
        end = (part.stop - 1) * row.stride + span(row.kernel, row.dilation)
        return self.at[axis][part.start * row.stride : end]

    def _mask_along(self, axis: int, mask: Array, cells: Array) -> Array:
        """Return the mask at padded cells of an axis."""
        before, after = self._lost[axis]
        return taken(mask, cells, axis + 2, (not before, not after), BOOL)

    def _blank(self, mask: Array) -> Array:
        """Return whether each output of a box sees no present cell: (N or 1, K or 1, *box)."""
        spec = self.spec
        if mask.shape[1] > 1 and spec.connections is not None:
            seen: Array = spec.connections.array[(..., *(None,) * self.axes)]
            kernel = np.broadcast_to(seen.astype(np.float32), self.kernels.array.shape)
            counted = self._slide(
                mask.astype(np.float32), kernel, connections=spec.connections, algorithm="direct"
            )
            empty: Array = (counted == 0) & seen.any(axis=1)
            return empty
        if mask.shape[1] > 1:
            grouped = mask.reshape(len(mask), spec.groups, -1, *mask.shape[2:])
            mask = np.ascontiguousarray(grouped.any(axis=2))
        windows = Sliding(spec.kernel, padding="valid", ceil_mode=False, **self.steps)
        seen = pool(
            self.op, mask.view(np.uint8), windows, axes=self.axes, kind="max",
            layout=LAYOUTS[self.axes][0], threads=self.threads, out=None,
        )  # fmt: skip
        blank: Array = seen == 0
        if blank.shape[1] > 1:
            blank = np.repeat(blank, spec.out_channels // spec.groups, axis=1)
        if self.kernels.blind.any():
            blank = blank & ~self.kernels.blind.reshape(-1, *(1,) * self.axes)
        return blank

    def _correct(self, weight: Array, low: Array, mask: Array, weights: Weights) -> None:
        """Form the low sums of weights anew, in place, if a fast algorithm formed them."""
        cells, options = mask.astype(weights.kernel.dtype), weights.options
        plan = conv_plan(
            self.op, cells, weights.kernel, axes=self.axes, layout=LAYOUTS[self.axes][0],
            algorithm=self._of_mask, **self.steps, **options,
        )  # fmt: skip
        if is_fast(plan, weights.kernel):
            self._patches(weights.kernel, **options).correct(
                weight, low, cells, [np.arange(n) for n in cells.shape[2:]],
                lambda: self._slide(cells, weights.kernel, algorithm="direct", **options),
            )  # fmt: skip

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

    def run(
        self, y: Array, bias: Array | None = None, fill: Any = 0, *, share: bool = False
    ) -> Array:
        """Fill y, a band of an image at a time, so that what is between stays in the cache.

        Return the share of weights on present cells, (N or 1, K or 1, *outputs), if asked for.
        """
        outputs = channels_first(y, self.axes, self.last)
        bands, images = self._cut()
        shares = None
        for band in bands:
            box, found = self._inside(band), None
            for some in images:
                if box is not None and (found is None or len(self._mask(ALL)) > 1):
                    found = self.presence(box, some, share or self._normalize)
                part = outputs[some, :, band]
                self._sum(part, band, some, found)
                if bias is not None:
                    part += bias.reshape(-1, *(1,) * self.axes)
                if found is None:
                    continue
                if found.blank.any():
                    put(inside(part, self._within(band, found.box)), found.blank, fill)
                if share:
                    if shares is None:
                        sizes = len(self._mask(ALL)), found.ratio.shape[1]
                        shares = np.ones((*sizes, *self.spec.outputs), y.dtype)
                    where = some if len(shares) > 1 else ALL
                    shares[(where, slice(None), *found.box)] = np.where(
                        found.blank, 0, 1 / found.ratio
                    )
        return np.ones((1,) * (self.axes + 2)) if shares is None else shares

    def _cut(self) -> tuple[list[slice], list[slice]]:
        """Return bands of outputs along the first axis, and parts of the batch."""
        spec = self.spec
        first = spec.axes[0]
        cells = spec.channels * prod(spec.cells[1:]) * first.stride
        row = self.dtypes.compute.itemsize * max(cells, spec.out_channels * prod(spec.outputs[1:]))
        rows = max(BAND // row, HALOS * span(first.kernel, first.dilation), 1)
        if first.outputs <= 2 * rows:
            number = max(rows // first.outputs, 1)
            images = [slice(i, min(i + number, spec.batch)) for i in range(0, spec.batch, number)]
            return [slice(0, first.outputs)], images
        count = -(-first.outputs // rows)
        edges = [first.outputs * i // count for i in range(count + 1)]
        bands = [slice(*pair) for pair in pairwise(edges)]
        return bands, [slice(i, i + 1) for i in range(spec.batch)]

    def _inside(self, band: slice) -> tuple[slice, ...] | None:
        """Return the part of the box in a band."""
        first = self.box[0]
        start, stop = max(first.start, band.start), min(first.stop, band.stop)
        return (slice(start, stop), *self.box[1:]) if start < stop else None

    def _within(self, band: slice, box: tuple[slice, ...]) -> tuple[slice, ...]:
        """Return a box relative to its band."""
        first = box[0]
        return (slice(first.start - band.start, first.stop - band.start), *box[1:])

    def _sum(self, part: Array, band: slice, images: slice, found: Presence | None) -> None:
        """Fill a part of the result with its sums, divided by the share of the weights."""
        x, options = self._band(band, images, found is not None)
        y = in_layout(part, part.ndim, self.last)
        direct = y if y.flags.c_contiguous else None
        sums = self._convolve(x, options, self.algorithm, direct)
        if found is not None and self._normalize:
            box = self._within(band, found.box)
            view = inside(channels_first(sums, self.axes, self.last), box)
            if found.low is not None and is_fast(self._plan(x, options), self.kernels.array):
                at = [
                    self.at[axis][part.start * row.stride :]
                    for axis, (part, row) in enumerate(zip(found.box, self.spec.axes, strict=True))
                ]
                if options is not self.options:  # the rows of a band are there, with their padding
                    start = box[0].start * self.spec.axes[0].stride
                    at[0] = np.arange(start, x.shape[2 - self.last])
                self._patches(self.kernels.array, **self._shared).correct(
                    view, found.low, channels_first(x, self.axes, self.last),
                    None if self._has_numbers else at,
                    lambda: inside(
                        channels_first(
                            self._convolve(x, options, "direct", None), self.axes, self.last
                        ),
                        box,
                    ),
                )  # fmt: skip
            np.multiply(view, found.ratio, out=view)
        if direct is None:
            np.copyto(y, sums)

    def _band(self, band: slice, images: slice, masked: bool) -> tuple[Array, dict[str, Any]]:
        """Return the input of a band without missing cells, and the options of its sums."""
        options = self.options
        x = channels_first(self.cells.x, self.axes, self.last)[images]
        mask = self._mask(images)
        if band.stop - band.start < self.spec.axes[0].outputs:
            pairs = self.spec.steps["padding"]
            assert isinstance(pairs, tuple)
            options = {**options, "padding": ((0, 0), *pairs[1:])}
            # This axis is padded first: the others, afterwards, pad its padding too.
            rows = self._padded(0, band)
            before, after = (0 if isinstance(side, str) else side for side in self._sides[0])
            x = taken(x, rows, 2, (before, after), self.dtypes.compute)
            mask = self._mask_along(0, mask, rows)
        present = in_layout(mask, mask.ndim, self.last) if masked else None
        x = in_layout(x, x.ndim, self.last)
        return filled(self.op, x, present, self.dtypes.compute), options

    def _convolve(
        self, x: Array, options: dict[str, Any], algorithm: str, out: Array | None
    ) -> Array:
        return convolve(
            self.op, x, self._weight, flip=self.flip, algorithm=algorithm, threads=self.threads,
            out=out, **options,
        )  # fmt: skip

    def _plan(self, x: Array, options: dict[str, Any]) -> ConvPlan:
        return conv_plan(self.op, x, self._weight, algorithm=self.algorithm, **options)


def inside(array: Array, box: tuple[slice, ...]) -> Array:
    """Return the elements of a box of the last axes."""
    index: Any = (..., *box)
    part: Array = array[index]
    return part
