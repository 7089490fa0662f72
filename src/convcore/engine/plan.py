"""Plans: what is known of computing a layer before its arrays come, made once for all calls alike.

A plan is found by the shapes and options of a call, or by its spec alone; forward and backward
share it. Nothing here depends on an array's elements.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from convcore._core import is_plain
from convcore.engine import adjoint as adjoints
from convcore.engine import separable
from convcore.engine.algorithm import algorithm_for
from convcore.engine.buffers import quiet
from convcore.engine.cache import plans
from convcore.engine.cores import conv_core
from convcore.engine.epilogue import PostOps, add_bias, fill_with_bias
from convcore.engine.separable import Factored, separable_plan
from convcore.spec.connections import as_connections
from convcore.spec.errors import out_of_memory
from convcore.spec.operands import FLOAT32
from convcore.spec.options import ALGORITHMS, LAYOUTS, check_choice
from convcore.spec.problem import SHARED, ConvSpec, conv_spec, transposed_spec
from convcore.spec.registry import (
    ALGORITHM,
    BORDER,
    DILATION,
    GROUPS,
    OUTPUT_PADDING,
    PADDING,
    STRIDE,
    Option,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from convcore._core import Conv, PackedWeights
    from convcore.spec.border import AnyBorder
    from convcore.spec.operands import Array, DType
    from convcore.spec.options import Paddings, Sizes

    Weights = Array | PackedWeights | Factored


Verdict = tuple[str, str]  # an algorithm, and "chosen" or "rejected: ..."


class Prepared(NamedTuple):
    """A layer's weight and bias as its plan wants them: owned, packed where kernels read packed."""

    weight: Weights
    bias: Array | None

    @property
    def nbytes(self) -> int:
        """Bytes that it holds."""
        return self.weight.nbytes + (0 if self.bias is None else self.bias.nbytes)


def _own(array: Array | None) -> Array | None:
    return None if array is None else array.copy()


class ConvPlan:
    """How a convolution, tiled or local layer is computed."""

    __slots__ = ("bias_shape", "core", "separable", "spec", "y_shape")

    def __init__(self, spec: ConvSpec) -> None:
        self.spec = spec
        self.y_shape = spec.y_shape
        self.bias_shape = spec.bias_shape
        self.core = conv_core(spec) if spec.has_products else None
        self.separable = separable_plan(spec) if spec.has_products else None

    @property
    def is_one_call(self) -> bool:
        """Whether one call of the core computes the layer, and can do what follows it."""
        return self.core is not None and self.spec.sharing == SHARED and self.separable is None

    @property
    def nbytes(self) -> int:
        """Bytes that the plan holds, beyond those that each plan has."""
        connections = self.spec.connections
        return 0 if connections is None else connections.nbytes

    def prepare(
        self, weight: Array, bias: Array | None = None, *, before: Iterable[Prepared] = ()
    ) -> Prepared:
        """Pack the weight, contiguous and of the dtype that is computed in, once for many runs.

        ``before``: what other plans made of the same weight, which this one may share.
        """
        if self.core is None:
            return Prepared(weight.copy(), _own(bias))
        if self.separable is not None:
            passes = self.separable.factored(weight)
            if passes is not None:
                whole = self._packed(self.separable.direct, weight, before)
                return Prepared(Factored(passes, whole), _own(bias))
        return Prepared(self._packed(self.core, weight, before), _own(bias))

    @staticmethod
    def _packed(core: Conv, weight: Array, before: Iterable[Prepared]) -> PackedWeights:
        for other in before:
            packed = other.weight
            if isinstance(packed, Factored):
                packed = packed.whole
            if not isinstance(packed, np.ndarray) and core.accepts(packed, weight.itemsize):
                return packed
        return core.prepare(weight)

    def run(
        self,
        x: Array,
        weight: Weights,
        bias: Array | None,
        y: Array,
        *,
        threads: int,
        post: PostOps | None = None,
    ) -> None:
        """Compute y; all arrays are contiguous and of the dtype that is computed in.

        The weight may be packed, by :meth:`prepare`. Results are the same, bit for bit.
        """
        if post is not None:
            self._run_with(post, x, weight, bias, y, threads)
            return
        if self.core is None:
            fill_with_bias(y, bias, self.spec.layout)
            return
        if self.separable is not None:
            passes = None
            if isinstance(weight, Factored):
                passes, weight = weight
            elif isinstance(weight, np.ndarray):
                passes = self.separable.factored(weight)
            if passes is not None:
                self.separable.run(x, passes, weight, bias, y, threads)
                return
        assert not isinstance(weight, Factored)
        self.core.forward(x, weight, bias, y, threads)

    def _run_with(
        self,
        post: PostOps,
        x: Array,
        weight: Weights,
        bias: Array | None,
        y: Array,
        threads: int,
    ) -> None:
        """Run it, and do what follows: in the core where one call of it computes the layer."""
        by_core = post.in_core()
        if by_core is None or not self.is_one_call:
            self.run(x, weight, bias, y, threads=threads)
            post.do(y)
            return
        assert self.core is not None
        assert not isinstance(weight, Factored)
        self.core.forward(x, weight, bias, y, threads, by_core)
        post.do_rest(y)

    def explain(self, dtype: DType = FLOAT32) -> list[Verdict]:
        """List the algorithms in order, each with "chosen" or the reason why it was not."""
        if self.core is None:
            return [("bias_alone", "chosen")]
        by_core: list[Verdict] = self.core.explain(dtype.itemsize)
        if self.spec.sharing != SHARED:
            return by_core
        first = separable.verdict(self.spec, self.separable)
        if first == "chosen":
            by_core = [
                (name, f"rejected: {separable.NAME} was asked for" if word == "chosen" else word)
                for name, word in by_core
            ]
        return [(separable.NAME, first), *by_core]

    def input_gradient(self, grad: Array, weight: Array, dx: Array, *, threads: int) -> None:
        """Compute the gradient of x."""
        if self.core is None:
            dx[...] = 0
        else:
            self.adjoint(self.adjoint_plan(), grad, weight, None, dx, threads=threads)

    def weight_gradient(self, x: Array, grad: Array, dweight: Array, *, threads: int) -> None:
        """Compute the gradient of the weight: of pairs that are not connected, 0."""
        if self.core is None:
            dweight[...] = 0
            return
        self.core.weight_gradient(x, grad, dweight, threads)
        if self.spec.connections is not None:
            dweight[~self.spec.connections.array] = 0

    def adjoint(
        self,
        found: adjoints.AdjointPlan,
        grad: Array,
        weight: Array,
        bias: Array | None,
        dx: Array,
        *,
        threads: int,
    ) -> None:
        """Compute the adjoint, and add a number for each channel of the convolution's input.

        Products are formed one by one where phases would multiply too much padding, and where they
        would multiply padding with weights that are not finite.
        """
        assert self.core is not None
        table = self.spec.connections
        used = weight if table is None else weight[table.array]
        if found.phases is None or not np.isfinite(used).all():
            if self.spec.connections is not None:
                adjoints.run_each_channel(self.spec, grad, weight, dx, threads=threads)
            else:
                self.core.input_gradient(grad, weight, dx, threads)
            with quiet():
                add_bias(dx, bias, self.spec.layout)
        else:
            adjoints.run(found, grad, weight, bias, dx, threads=threads)

    def adjoint_plan(self) -> adjoints.AdjointPlan:
        """Return how the adjoint is computed; found or made."""
        key = ("adjoint", self)
        found: adjoints.AdjointPlan | None = plans.get(key)
        if found is None:
            found = adjoints.make_plan(self.spec)
            plans.put(key, found, found.nbytes)
        return found


class TransposedPlan:
    """How a transposed convolution is computed: as the adjoint of a convolution."""

    __slots__ = ("adjoint", "bias_shape", "conv", "spec", "y_shape")

    def __init__(self, spec: ConvSpec) -> None:
        self.spec = spec
        self.y_shape = spec.y_shape
        self.bias_shape = spec.bias_shape
        self.conv = plan_for(replace(spec, transposed=False))
        self.adjoint = self.conv.adjoint_plan() if spec.has_products else None

    @property
    def nbytes(self) -> int:
        """Bytes that the plan holds, beyond those that each plan has."""
        return 0 if self.adjoint is None else self.adjoint.nbytes

    def prepare(
        self, weight: Array, bias: Array | None = None, *, before: Iterable[Prepared] = ()
    ) -> Prepared:
        """Copy the weight and the bias: each phase packs its part of the weight in a run."""
        return Prepared(weight.copy(), _own(bias))

    def explain(self, dtype: DType = FLOAT32) -> list[Verdict]:
        """List the algorithms in order, each with "chosen" or the reason why it was not."""
        if self.adjoint is None:
            return [("bias_alone", "chosen")]
        return adjoints.explain(self.adjoint)

    def run(
        self,
        x: Array,
        weight: Weights,
        bias: Array | None,
        y: Array,
        *,
        threads: int,
        post: PostOps | None = None,
    ) -> None:
        """Compute y; all arrays are contiguous and of the dtype that is computed in."""
        assert isinstance(weight, np.ndarray)
        if self.adjoint is not None:
            self.conv.adjoint(self.adjoint, x, weight, bias, y, threads=threads)
        else:
            fill_with_bias(y, bias, self.spec.layout)
        if post is not None:
            post.do(y)

    def input_gradient(self, grad: Array, weight: Array, dx: Array, *, threads: int) -> None:
        """Compute the gradient of x: the convolution."""
        if self.spec.has_products:
            self.conv.run(grad, weight, None, dx, threads=threads)
        else:
            dx[...] = 0

    def weight_gradient(self, x: Array, grad: Array, dweight: Array, *, threads: int) -> None:
        """Compute the gradient of the weight: the convolution's, roles changed."""
        self.conv.weight_gradient(grad, x, dweight, threads=threads)


Plan = ConvPlan | TransposedPlan


def plan_for(spec: ConvSpec) -> Any:
    """Return the plan of a layer: a :class:`ConvPlan` or :class:`TransposedPlan`."""
    plan = plans.get(spec)
    if plan is None:
        plan = TransposedPlan(spec) if spec.transposed else ConvPlan(spec)
        plans.put(spec, plan, plan.nbytes)
    return plan


OPTIONS = (STRIDE, PADDING, DILATION, GROUPS, BORDER)
TRANSPOSED_OPTIONS = (*OPTIONS, OUTPUT_PADDING)


def _read(op: str, axes: int, options: tuple[Option, ...], given: tuple[Any, ...]) -> Any:
    """Return options in a form that calls alike share, so that they find one plan."""
    return tuple(o.read(op, value, axes) for o, value in zip(options, given, strict=True))


def conv_plan(
    op: str,
    x: Array,
    weight: Array,
    *,
    axes: int,
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
    connections: object = None,
    border: AnyBorder = "zeros",
    layout: str = "NCHW",
    algorithm: str = "auto",
    sharing: str = "shared",
) -> ConvPlan:
    """Check the options of a call against its operands; return the plan of the layer."""
    options = (stride, padding, dilation, groups, border)
    if not is_plain(options):
        options = _read(op, axes, OPTIONS, options)
    if type(layout) is not str:
        layout = check_choice(op, "layout", layout, LAYOUTS[axes])
    if type(algorithm) is not str or algorithm not in ALGORITHMS:
        algorithm = ALGORITHM.read(op, algorithm, axes)
    if connections is not None:
        pairs = weight.shape[:2] if weight.ndim == axes + 2 else None
        connections = as_connections(op, connections, pairs, groups)
    chosen = algorithm_for(algorithm, x, weight)
    key = (
        axes, x.shape, weight.shape, options, connections, layout, sharing, algorithm, chosen,
    )  # fmt: skip
    plan: ConvPlan | None = plans.get(key)
    if plan is None:
        stride, padding, dilation, groups, border = options
        spec = conv_spec(
            op, x.shape, weight.shape, axes=axes, stride=stride, padding=padding,
            dilation=dilation, groups=groups, connections=connections, border=border, layout=layout,
            sharing=sharing,
        )  # fmt: skip
        plan = plan_for(replace(spec, algorithm=chosen))
        if algorithm not in ("auto", "direct"):
            check_algorithm(op, algorithm, plan)
        plans.put(key, plan, plan.nbytes)
    return plan


def check_algorithm(op: str, algorithm: str, plan: ConvPlan) -> None:
    """Refuse an algorithm that was asked for and cannot compute the layer."""
    reason = dict(plan.explain()).get(algorithm, "chosen").removeprefix("rejected: ")
    if plan.spec.algorithm != algorithm:
        reason = "integers are computed directly"
    if reason != "chosen":
        raise cannot_compute(op, algorithm, reason)


def cannot_compute(op: str, algorithm: str, reason: str) -> ValueError:
    """Return the error of an algorithm that was asked for in vain."""
    return ValueError(
        f"{op}: algorithm must be one that can compute this layer, got {algorithm!r}: {reason}"
    )


def check_separable(op: str, plan: ConvPlan, weight: Array) -> None:
    """Refuse kernels that are no sum of few outer products, where passes were asked for."""
    if plan.separable is not None and plan.separable.factored(weight) is None:
        raise cannot_compute(
            op,
            separable.NAME,
            f"no {plan.separable.terms} outer products or fewer are found that make the kernel",
        )


def transposed_plan(
    op: str,
    x: Array,
    weight: Array,
    *,
    axes: int,
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
    output_padding: Sizes = 0,
    border: AnyBorder = "zeros",
    layout: str = "NCHW",
) -> TransposedPlan:
    """Check the options of a call against its operands; return the plan of the layer."""
    options = (stride, padding, dilation, groups, border, output_padding)
    if not is_plain(options):
        options = _read(op, axes, TRANSPOSED_OPTIONS, options)
    if type(layout) is not str:
        layout = check_choice(op, "layout", layout, LAYOUTS[axes])
    chosen = algorithm_for("auto", x, weight)
    key = (
        "transposed", axes, x.shape, weight.shape, options, layout, chosen,
    )  # fmt: skip
    plan: TransposedPlan | None = plans.get(key)
    if plan is None:
        stride, padding, dilation, groups, border, output_padding = options
        spec = transposed_spec(
            op, x.shape, weight.shape, axes=axes, stride=stride, padding=padding,
            dilation=dilation, groups=groups, output_padding=output_padding, border=border,
            layout=layout,
        )  # fmt: skip
        try:
            plan = plan_for(replace(spec, algorithm=chosen))
        except MemoryError as error:  # of lists as long as the kernel
            raise out_of_memory(op, error, x=x, weight=weight) from None
        assert isinstance(plan, TransposedPlan)
        plans.put(key, plan, plan.nbytes)
    return plan
