"""Separable kernels: one convolution along each axis instead of one along all.

A kernel that is a sum of r outer products needs r (R + S) products for an output instead of R S.
The page "Separable kernels" derives it. Sizes say how many terms pay, the kernel's values whether
they suffice.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from convcore.engine.buffers import quiet
from convcore.engine.cores import conv_core
from convcore.spec.axis import Axis
from convcore.spec.problem import SHARED, ConvSpec

if TYPE_CHECKING:
    from convcore import _core
    from convcore._core import PackedWeights
    from convcore.spec.operands import Array

NAME = "separable"
# Measured, in products of a large kernel: a product of a small one, a product of a pass, what a
# pass needs to read and write a number, and what the FFT needs for an output.
OF_DIRECT, OF_PRODUCT, OF_PASS, OF_FFT = 1.6, 2.3, 32, 180
# Products of an image that are worth looking for factors.
LEAST_PRODUCTS = 30_000_000
# What the terms may leave of a kernel, by 2-norms, in roundings of the dtype.
ROUNDINGS = 3


def refusal(spec: ConvSpec) -> str | None:
    """Return why a layer cannot be computed so, whatever its kernel's values are."""
    if spec.sharing != SHARED:
        return "kernels differ from output to output"
    if spec.connections is not None or spec.group_channels != 1:
        return "an output sums over several channels"
    if sum(size > 1 for size in spec.kernel) < 2:
        return "the kernel has one axis"
    if 0 in spec.cells:
        return "the input has no cells"
    if any(not isinstance(side, str) for pair in spec.border for side in pair):
        return "the padding holds a constant, which a pass would have to sum first"
    return None


def _terms_that_pay(spec: ConvSpec) -> int:
    """Return how many terms a kernel may have so that passes take less time, by sizes alone."""
    taps = prod(spec.kernel)
    image = spec.out_channels * prod(spec.outputs) * taps
    if refusal(spec) or image < LEAST_PRODUCTS:
        return 0
    cut = [size for size in spec.kernel if size > 1]
    other = OF_DIRECT * taps
    if all(axis.stride == 1 for axis in spec.axes):
        other = min(other, OF_FFT)
    return int(other // (OF_PRODUCT * sum(cut) + OF_PASS * len(cut)))


def _most_terms(spec: ConvSpec) -> int:
    """Return how many terms are few: with up to half as many products again as direct sums."""
    cut = [size for size in spec.kernel if size > 1]
    return max(3 * prod(cut) // (2 * sum(cut)), 1)


def factors(weight: Array, terms: int) -> list[Array] | None:
    """Return each kernel as a sum of at most so many outer products; None: more are needed.

    The result has an array (kernels, terms, taps) for each axis that has several taps, in the
    dtype of the weight. Each term is made of the fibres through the largest element of what the
    terms before have left.
    """
    kernels = weight.reshape(len(weight), *(size for size in weight.shape[2:] if size > 1))
    if len(kernels) > 1 and _factors(kernels[:1], terms) is None:  # nearly always enough
        return None
    return _factors(kernels, terms)


def _factors(kernels: Array, terms: int) -> list[Array] | None:
    count, axes = len(kernels), kernels.ndim - 1
    largest = np.abs(kernels).reshape(count, -1).max(axis=1).astype(np.float64)
    if not np.isfinite(largest).all():
        return None
    scale = np.where(largest == 0, 1, largest).reshape(-1, *(1,) * axes)
    rest = kernels / scale
    bound = ROUNDINGS * np.finfo(kernels.dtype).eps * _norms(rest)
    each = np.arange(count)
    found: list[list[Array]] = [[] for _ in range(axes)]
    for _ in range(terms):
        at = np.unravel_index(np.abs(rest).reshape(count, -1).argmax(axis=1), rest.shape[1:])
        pivot = rest[(each, *at)]
        pivot[pivot == 0] = 1
        term: Any = 1
        for axis in range(axes):
            index = (each, *at[:axis], slice(None), *at[axis + 1 :])
            fibre = rest[index] / (pivot[:, None] if axis else 1)
            found[axis].append(fibre)
            term = term * fibre.reshape(count, *(-1 if a == axis else 1 for a in range(axes)))
        rest = rest - term
        if (_norms(rest) <= bound).all():
            result = [np.stack(fibres, axis=1) for fibres in found]
            result[-1] *= scale.reshape(-1, 1, 1)  # of the first pass: its sums may be tiny
            return [array.astype(kernels.dtype) for array in result]
    return None


def _norms(kernels: Array) -> Array:
    norms: Array = np.sqrt((kernels**2).reshape(len(kernels), -1).sum(axis=1))
    return norms


def sum_of_products(weights: list[Array], shape: tuple[int, ...]) -> Array:
    """Return the weight, of this shape, whose passes these are: :meth:`SeparablePlan.factored`."""
    taps = [size for size in shape[2:] if size > 1]
    total: Any = 1
    for axis, weight in enumerate(reversed(weights)):
        around = (size if a == axis else 1 for a, size in enumerate(taps))
        total = total * weight.reshape(shape[0], -1, *around)
    result: Array = total.sum(axis=1).reshape(shape)
    return result


def plain_axis(cells: int) -> Axis:
    """Return an axis along which a kernel of one tap leaves everything as it is."""
    return Axis(cells, 1, 1, 1, (0, 0), cells)


def _passes(spec: ConvSpec, terms: int) -> list[ConvSpec]:
    """Return the convolutions along each axis that has several taps, the last axis first.

    The first takes the stride and the padding of axes of one tap too. All are direct: transforms
    would spread a large number over outputs that do not see it.
    """
    cut = [a for a, size in enumerate(spec.kernel) if size > 1][::-1]
    axes = [axis if axis.kernel == 1 else plain_axis(axis.cells) for axis in spec.axes]
    several = spec.out_channels * terms
    result = []
    for i, a in enumerate(cut):
        first, last = i == 0, i == len(cut) - 1
        axes[a] = spec.axes[a]
        result.append(
            replace(
                spec,
                axes=tuple(axes),
                channels=spec.channels if first else several,
                out_channels=spec.out_channels if last else several,
                groups=spec.groups if first else spec.out_channels if last else several,
                algorithm="direct",
            )
        )
        axes = [plain_axis(n) for n in result[-1].outputs]
    return result


class Factored(NamedTuple):
    """A weight as the passes read it, and as direct sums do where a pass loses a number."""

    passes: list[Array]
    whole: Array | PackedWeights

    @property
    def nbytes(self) -> int:
        """Bytes that it holds."""
        return self.whole.nbytes + sum(array.nbytes for array in self.passes)


class SeparablePlan:
    """The passes of a layer whose kernels are sums of at most ``terms`` outer products.

    Images go through them one by one: what is between two passes is as large as one image for each
    term.
    """

    __slots__ = ("_made", "direct", "one", "spec", "terms")

    def __init__(self, spec: ConvSpec, terms: int) -> None:
        self.spec = spec
        self.terms = terms
        self.one = replace(spec, batch=1, algorithm="direct")
        self.direct = conv_core(self.one)
        self._made: dict[int, list[tuple[ConvSpec, _core.Conv]]] = {}  # by the number of terms

    def factored(self, weight: Array) -> list[Array] | None:
        """Return the weight of each pass; None: the kernels need more terms."""
        found = factors(weight, self.terms)
        if found is None:
            return None
        made = self._make(found[0].shape[1])
        return [
            np.ascontiguousarray(fibres).reshape(spec.weight_shape)
            for (spec, _), fibres in zip(made, reversed(found), strict=True)
        ]

    def passes(self, weights: list[Array]) -> list[ConvSpec]:
        """Return the convolutions with these weights, in order."""
        return [spec for spec, _ in self._make(len(weights[0]) // self.spec.out_channels)]

    def _make(self, terms: int) -> list[tuple[ConvSpec, _core.Conv]]:
        made = self._made.get(terms)
        if made is None:
            made = [(spec, conv_core(spec)) for spec in _passes(self.one, terms)]
            self._made[terms] = made
        return made

    def run(
        self,
        x: Array,
        weights: list[Array],
        whole: Array | PackedWeights,
        bias: Array | None,
        y: Array,
        threads: int,
    ) -> None:
        """Compute y; results that are not finite by direct sums of the whole weight.

        No others are: the bits of an output depend on its window alone.
        """
        made = self._make(len(weights[0]) // self.spec.out_channels)
        between = [np.empty(spec.out_shape, y.dtype) for spec, _ in made[:-1]]
        x, y = (a.reshape(self.spec.batch, *a.shape[-1 - len(self.spec.axes) :]) for a in (x, y))
        for image in range(len(y)):
            first, result = x[image : image + 1], y[image : image + 1]
            source = first
            for (_, core), weight, target in zip(made, weights, (*between, result), strict=True):
                own = bias if target is result else None
                core.forward(source, weight, own, target, threads)
                source = target
            with quiet():  # two passes over memory, without an array as large
                is_finite = np.isfinite(result.max()) and np.isfinite(result.min())
            if not is_finite:
                sums = np.empty_like(result)
                self.direct.forward(first, whole, bias, sums, threads)
                np.copyto(result, sums, where=~np.isfinite(result))


def separable_plan(spec: ConvSpec) -> SeparablePlan | None:
    """Return the passes of a layer if its algorithm and its sizes allow them."""
    terms = 0
    if spec.algorithm == NAME and refusal(spec) is None:
        terms = _most_terms(spec)
    elif spec.algorithm == "auto":
        terms = _terms_that_pay(spec)
    return SeparablePlan(spec, terms) if terms else None


def verdict(spec: ConvSpec, plan: SeparablePlan | None) -> str:
    """Return "chosen", or why passes are not."""
    if spec.algorithm == NAME and plan is not None:
        return "chosen"
    reason = refusal(spec)
    if plan is not None:
        reason = f"unless at most {plan.terms} outer products are found that make the kernel"
    elif reason is None:
        reason = "direct sums were asked for" if spec.algorithm == "direct" else "it does not pay"
    return f"rejected: {reason}"
