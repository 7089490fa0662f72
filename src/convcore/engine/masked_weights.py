"""Weights as the mask of an input meets them: their sums, and which of these mean something."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from convcore import _core
from convcore.engine.execute import convolve
from convcore.engine.plan import ConvPlan
from convcore.spec.operands import Array
from convcore.spec.options import LAYOUTS
from convcore.spec.problem import ConvSpec

# Outputs whose present weights are less than this part of all are computed again by direct sums
# where the sums were fast ones: the division enlarges their errors.
LOW_SHARE = 1 / 16


class Weights(NamedTuple):
    """What a mask meets: the weights of a kernel, and their sums for each of its outputs."""

    kernel: Array  # (K or 1, C / groups or 1, *kernel), in the compute dtype, not to be flipped
    groups: int
    connections: Any
    total: Array  # (1, K or 1, 1, ...): the sum of each kernel
    rounding: Array  # likewise: how large a sum can be by rounding alone; 0 of positive weights
    blind: Array  # likewise, bool: whether an output channel sees no input channel

    @property
    def options(self) -> dict[str, Any]:
        """Options of its convolution."""
        return {"groups": self.groups, "connections": self.connections}

    def find_low(self, weight: Array) -> Array | None:
        """Return which sums of present weights are few of all, or None: none is."""
        if not self.rounding.any() and (self.total > 0).all():  # the least is found fast
            others = tuple(axis for axis in range(weight.ndim) if axis != 1)
            least = weight.min(axis=others, keepdims=True)
            if (least > LOW_SHARE * self.total).all():
                return None
        low: Array = ~(np.abs(weight) > LOW_SHARE * np.abs(self.total))  # so that NaN is low
        return low


class Kernels:
    """The weight of a layer, checked: with ``normalize`` none of its kernels sums to 0."""

    def __init__(
        self, op: str, weight: Array, spec: ConvSpec, *, flip: bool, normalize: bool
    ) -> None:
        self.op, self.spec, self.normalize = op, spec, normalize
        self.axes = spec.layout.axes
        self._found: dict[int, Weights] = {}
        if flip:
            weight = np.flip(weight, tuple(range(2, self.axes + 2)))
        if spec.connections is not None:
            table = spec.connections.array[(..., *(None,) * self.axes)]
            weight = np.where(table, weight, weight.dtype.type(0))
        self.array: Array = np.ascontiguousarray(weight)  # as the sums use it
        # The mask meets kernels scaled by powers of two, which cancel: their sums do not overflow.
        kernels = self.array.reshape(len(self.array), -1)
        self.unit = units(kernels)
        kernels = kernels / self.unit[:, np.newaxis]
        self.scaled: Array = kernels.reshape(self.array.shape)
        bound = kernels.shape[1] * np.finfo(weight.dtype).eps
        rounding = bound * np.abs(kernels).sum(axis=1, dtype=np.float64)
        self.blind = np.full(len(kernels), not kernels.shape[1])  # sees no input channel
        if spec.connections is not None:
            self.blind |= ~spec.connections.array.any(axis=1)
        self.sums_to_zero = np.abs(kernels.sum(axis=1, dtype=np.float64)) <= rounding
        one_sign = (kernels >= 0).all(axis=1) | (kernels <= 0).all(axis=1)
        self.rounding: Array = np.where(one_sign, 0, rounding)
        refused = np.flatnonzero(self.sums_to_zero & ~self.blind)
        if normalize and refused.size and spec.has_products:
            raise ValueError(
                f"{op}: weight must have kernels whose sum is not 0 with normalize=True, got 0, up "
                f"to rounding, for output channel {refused[0]}; normalize=False does not divide by "
                "it"
            )

    def of_mask(self, channels: int) -> Weights:
        """Return what a mask with this number of channels meets; found or made."""
        if channels not in self._found:
            self._found[channels] = self._make(channels)
        return self._found[channels]

    def _make(self, channels: int) -> Weights:
        kernel, groups = self.scaled, self.spec.groups
        connections: Any = self.spec.connections
        blind, rounding = self.blind, self.rounding
        if not self.normalize and self.sums_to_zero.any():  # the share is one of absolute values
            zero = self.sums_to_zero[(..., *(None,) * (self.axes + 1))]
            kernel = np.where(zero, np.abs(kernel), kernel)
        if channels == 1:
            sums = kernel.sum(axis=1, keepdims=True, dtype=np.float64).astype(kernel.dtype)
            if not blind.any() and (sums == sums[:1]).all():
                sums, blind, rounding = sums[:1], blind[:1], rounding.max(keepdims=True)
            kernel, groups, connections = sums, 1, None
        # the sums of whole kernels, formed as those of present weights are
        seen, *taps = kernel.shape[1:]
        ones: Array = np.ones((1, seen * groups, *taps), kernel.dtype)
        total = convolve(
            self.op, ones, kernel, axes=self.axes, groups=groups, connections=connections,
            layout=LAYOUTS[self.axes][0], algorithm="direct", threads=1,
        )  # fmt: skip
        shape = (1, -1, *(1,) * self.axes)
        rounding = rounding.astype(kernel.dtype).reshape(shape)
        blind = blind.reshape(shape)
        blind = blind | (total == 0)  # (of zeros: refused where sums are divided by it)
        total = np.where(blind, total.dtype.type(1), total)  # and of present weights likewise
        return Weights(kernel, groups, connections, total, rounding, blind)


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
