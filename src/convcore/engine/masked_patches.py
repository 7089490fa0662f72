"""Windows of a few outputs, gathered and computed by direct sums."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from convcore.engine.execute import convolve
from convcore.spec.operands import Array
from convcore.spec.options import LAYOUTS

MOST = 2  # elements of all windows, for each element of the input: more are computed together


class Patches(NamedTuple):
    """A convolution whose outputs are computed one by one."""

    op: str
    kernel: Array
    steps: Sequence[tuple[int, int]]  # stride and dilation of each axis
    threads: int
    options: dict[str, Any]  # groups and connections

    def correct(
        self,
        y: Array,
        wanted: Array,
        x: Array,
        at: Sequence[Array] | None,
        compute: Callable[[], Array],
    ) -> None:
        """Compute the wanted outputs of y again: the bits of direct sums, whatever their number.

        All arrays are channels first. ``at`` has the cell of x at each padded cell, from the first
        that y sees; below 0 is a zero; None: windows are not gathered. ``compute`` computes all
        outputs.
        """
        if not wanted.any():
            return
        if at is None:
            np.copyto(y, compute(), where=wanted)
            return
        places = np.argwhere(wanted.any(axis=1))
        if len(wanted) < len(y):  # a mask for all images
            images = np.repeat(np.arange(len(y)), len(places))
            places = np.column_stack([images, np.tile(places[:, 1:], (len(y), 1))])
        size = len(places) * x.shape[1] * prod(self.kernel.shape[2:])
        if size > MOST * x.size:
            np.copyto(y, compute(), where=wanted)
            return
        image, outputs = places[:, 0], places[:, 1:]
        index, valid = [], []
        for axis, (cells, (stride, dilation)) in enumerate(zip(at, self.steps, strict=True)):
            taps = np.arange(self.kernel.shape[2 + axis]) * dilation
            seen = cells[outputs[:, axis, np.newaxis] * stride + taps]
            shape = [len(places), *(1,) * len(at)]
            shape[1 + axis] = len(taps)
            index.append(np.maximum(seen, 0).reshape(shape))
            valid.append((seen >= 0).reshape(shape))
        # advanced indices around a slice come first in the result: (places, *taps, channels)
        picked = x[(image.reshape(-1, *(1,) * len(at)), slice(None), *index)]
        inside = valid[0]
        for each in valid[1:]:
            inside = inside & each
        windows = np.where(inside[..., np.newaxis], picked, picked.dtype.type(0))
        values = convolve(
            self.op, np.ascontiguousarray(np.moveaxis(windows, -1, 1)), self.kernel,
            axes=len(at), layout=LAYOUTS[len(at)][0], algorithm="direct", threads=self.threads,
            **self.options,
        )  # fmt: skip
        here = (image, slice(None), *outputs.T)
        now = y[here]  # (places, channels)
        chosen = wanted[(image if len(wanted) > 1 else 0, slice(None), *outputs.T)]
        y[here] = np.where(chosen, values.reshape(len(places), -1), now)
