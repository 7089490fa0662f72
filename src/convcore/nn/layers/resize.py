"""Upsampling by integer scales: nearest cells, or linear between them."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy as np

from convcore.geometry import Count
from convcore.graph.tracer import Tracer
from convcore.nn.layers.base import Layer, Shape, call_of, quiet
from convcore.spec.operands import Array, result_dtypes
from convcore.spec.options import Sizes, as_bool, as_int, check_choice, per_axis, to_list

MODES = ("nearest", "linear")


class Upsample(Layer):
    r"""Make maps larger by an integer scale along each axis.

    Along one axis of n cells and scale s, output o lies at the place

    .. math:: p = \frac{o + 1/2}{s} - \frac{1}{2} \quad\text{or, with aligned corners,}\quad
              p = o \, \frac{n - 1}{s n - 1}

    of the input, cut off at its ends. "nearest" takes cell :math:`\lfloor o / s \rfloor`, "linear"
    weighs the two cells beside p by their distances; over two axes that is bilinear, over three
    trilinear. Takes (N, C, ...) with one to three spatial axes.

    Parameters
    ----------
    scale : int or tuple of ints
        How many times as many cells. With one integer, for all axes, the batch axis must be there.
    mode : {"nearest", "linear"}
        Which cells an output is made of.
    align_corners : bool
        Whether the first and last outputs are the first and last cells; for "linear" alone.

    Raises
    ------
    ValueError, TypeError
        For options out of range, and inputs of other numbers of axes.

    See Also
    --------
    ConvTranspose2d

    Notes
    -----
    The gradient is the transposed map. "nearest" keeps the dtype, integers too. PyTorch:
    ``torch.nn.Upsample``, with "linear", "bilinear" or "trilinear" by the number of axes. ONNX:
    ``Resize`` with ``half_pixel`` or ``align_corners``, for "nearest" with ``asymmetric`` and
    ``floor``.

    Examples
    --------
    >>> x = np.array([[[0.0, 4.0]]])
    >>> Upsample(2).forward(x).tolist()
    [[[0.0, 0.0, 4.0, 4.0]]]
    >>> Upsample(2, "linear").forward(x).tolist()
    [[[0.0, 1.0, 3.0, 4.0]]]
    >>> Upsample((1, 2)).output_shape((8, 16, 16))
    (8, 16, 32)
    """

    def __init__(
        self, scale: Sizes = 2, mode: str = "nearest", align_corners: bool = False
    ) -> None:
        super().__init__()
        given = to_list(scale)
        if isinstance(given, (tuple, list)):
            if not 1 <= len(given) <= 3:
                raise ValueError(
                    f"{self.op}: scale must be an integer or one to three of them, got {scale}"
                )
            self.scale: int | tuple[int, ...] = per_axis(self.op, "scale", scale, len(given))
            self.axes = len(given) + 1
        else:
            self.scale = as_int(self.op, "scale", scale, 1)
        self.mode = check_choice(self.op, "mode", mode, MODES)
        self.align_corners = as_bool(self.op, "align_corners", align_corners)
        if self.align_corners and self.mode == "nearest":
            raise ValueError(
                f"{self.op}: align_corners must be False with mode 'nearest', got True"
            )

    def _scales(self, axes: int) -> tuple[int, ...]:
        return (self.scale,) * axes if isinstance(self.scale, int) else self.scale

    def _trace(self, to: Tracer, x: str) -> str:
        shape = to.shapes.get(x)
        if not to.portable or shape is None:
            return to.call(self.op, self.forward, x)
        scales = np.array((1, 1, *self._scales(len(shape) - 1)), np.float32)
        nearest = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        mode = "align_corners" if self.align_corners else "half_pixel"
        linear = {"coordinate_transformation_mode": mode}
        return to.node(
            "Resize", x, "", to.constant(scales, "scales"), mode=self.mode,
            **(nearest if self.mode == "nearest" else linear),
        )  # fmt: skip

    def _shape(self, shape: Shape) -> Shape:
        if not 2 <= len(shape) <= 4:
            raise ValueError(
                f"{self.op}: x must have channels and one to three axes without the batch, got "
                f"shape {shape}"
            )
        scales = self._scales(len(shape) - 1)
        return (shape[0], *(n * s for n, s in zip(shape[1:], scales, strict=True)))

    def count(self, input_shape: Shape) -> Count:
        """Count the cells that outputs see, as of a pooling; "linear" multiplies each."""
        self.output_shape(input_shape)
        batch, example = self._split(input_shape)
        cells, scales = example[1:], self._scales(len(example) - 1)
        planes = prod((*batch, example[0]))
        if self.mode == "nearest":
            return Count(0, 0, 0, planes * prod(cells) * prod(scales), 0)
        pairs = planes * prod(
            int(np.count_nonzero(1 - between.share) + np.count_nonzero(between.share))
            for between in (Between.of(*each, self.align_corners)
                            for each in zip(cells, scales, strict=True))
        )  # fmt: skip
        return Count(0, 0, 0, pairs, pairs)

    @quiet
    def _forward(self, x: Array) -> tuple[Array, Any]:
        scales = self._scales(x.ndim - 2)
        if self.mode == "nearest":
            y = x
            for axis, scale in enumerate(scales, 2):
                y = y.repeat(scale, axis=axis) if scale > 1 else y
            return y, x.shape
        dtype, work = result_dtypes(self.op, x.dtype, x.dtype)
        y = x.astype(work, copy=False)
        for axis, scale in enumerate(scales, 2):
            y = Between.of(x.shape[axis], scale, self.align_corners).spread(y, axis)
        return y.astype(dtype, copy=False), x.shape

    @quiet
    def _backward(self, grad: Array, kept: Any, need_dx: bool) -> Array | None:
        if not need_dx:
            return None
        dtype, work = result_dtypes(self.op, grad.dtype, grad.dtype, "grad")
        dx = grad.astype(work, copy=False)
        for axis, scale in enumerate(self._scales(grad.ndim - 2), 2):
            n = kept[axis]
            if self.mode == "linear":
                dx = Between.of(n, scale, self.align_corners).gathered(dx, axis)
            elif scale > 1:
                dx = dx.reshape(*dx.shape[:axis], n, scale, *dx.shape[axis + 1 :]).sum(axis + 1)
        return dx.astype(dtype, copy=False)

    def __repr__(self) -> str:
        """Return the call that makes it."""
        return call_of(
            self.op, self.scale, mode=(self.mode, "nearest"),
            align_corners=(self.align_corners, False),
        )  # fmt: skip


class Between(NamedTuple):
    """The two cells of one axis that each output lies between, and the second one's share."""

    cells: int
    first: Array
    second: Array
    share: Array

    @classmethod
    def of(cls, n: int, scale: int, align_corners: bool) -> Between:
        """Place the outputs of an axis of n cells."""
        o = np.arange(n * scale, dtype=np.float64)
        if align_corners:
            place = o * (n - 1) / max(n * scale - 1, 1)
        else:
            place = np.maximum((o + 0.5) / scale - 0.5, 0)
        first = place.astype(np.intp)
        second = np.minimum(first + 1, n - 1)
        return cls(n, first, second, np.where(second > first, place - first, 0))

    def _shares(self, x: Array, axis: int) -> tuple[Array, Array]:
        share = self.share.reshape(-1, *(1,) * (x.ndim - 1 - axis))
        return (1 - share).astype(x.dtype), share.astype(x.dtype)

    def spread(self, x: Array, axis: int) -> Array:
        """The outputs."""
        if len(self.first) == self.cells:  # a scale of 1
            return x
        near, far = self._shares(x, axis)
        y: Array = x.take(self.first, axis=axis)
        y *= near
        other = x.take(self.second, axis=axis)
        other *= far
        y += other
        return y

    def gathered(self, grad: Array, axis: int) -> Array:
        """The transposed map: to each cell what its outputs send back, in their order."""
        if len(self.first) == self.cells:
            return grad
        dx = np.zeros((*grad.shape[:axis], self.cells, *grad.shape[axis + 1 :]), grad.dtype)
        for cells, share in zip(self[1:3], self._shares(grad, axis), strict=True):
            found, starts = np.unique(cells, return_index=True)  # ascending: a run for each cell
            place = (slice(None),) * axis + (found,)
            dx[place] += np.add.reduceat(grad * share, starts, axis=axis)
        return dx
