"""Calls of the core by XLA: layers, their gradients and poolings that run without Python."""

from __future__ import annotations

from typing import Any

from convcore import _core
from convcore.engine.adjoint import Phase
from convcore.engine.cores import CORE_AXES
from convcore.engine.plan import ConvPlan, plan_for
from convcore.engine.pooling import Adaptive, Sliding, pool_plan
from convcore.spec.operands import FLOAT32, FLOAT64, Array, DType
from convcore.spec.problem import ConvSpec

__all__ = ["PROCESS", "TARGETS", "Adaptive", "Sliding", "xla_call", "xla_pool"]

TARGETS, PROCESS = _core.xla_targets()

# What was compiled may run as long as the process lives, so calls live as long.
_calls: dict[tuple[Any, ...], _core.XlaCall] = {}


def xla_call(product: str, spec: ConvSpec, dtype: DType, threads: int) -> int | None:
    """Return the address of a call; None if Python has a part in computing the product.

    ``product`` is "forward", "input_gradient" or "weight_gradient" of a layer that has products.
    """
    key = (product, spec, dtype.itemsize, threads)
    if key not in _calls:
        made = _make(product, spec, dtype.itemsize, threads)
        if made is None:
            return None
        _calls[key] = made
    return _calls[key].address


def xla_pool(
    product: str, kind: str, x: Array, windows: Sliding | Adaptive, threads: int, **options: Any
) -> int | None:
    """Return the address of a call of a pooling; None if Python has a part in it.

    ``product`` is "pool" or "maximum", which gives indices too. The options are those of
    :func:`convcore.engine.pooling.pool_plan`.
    """
    if x.dtype not in (FLOAT32, FLOAT64):
        return None
    plan = pool_plan(kind, x, windows, kind=kind, **options)
    if plan.core is None:
        return None
    key = (product, plan.spec, x.dtype.itemsize, threads)
    if key not in _calls:
        _calls[key] = _core.XlaCall(product, plan.core, x.dtype.itemsize, threads)
    return _calls[key].address


def _make(product: str, spec: ConvSpec, itemsize: int, threads: int) -> _core.XlaCall | None:
    plan: Any = plan_for(spec)
    if spec.connections is not None or spec.algorithm == "separable":
        return None
    swapped = False
    if spec.transposed:  # the layer is the adjoint of its convolution, and the other way round
        plan = plan.conv
        exchanged = {"forward": "input_gradient", "input_gradient": "forward"}
        swapped = product == "weight_gradient"
        product = exchanged.get(product, product)
    phases: list[tuple[_core.Conv, list[int], list[int], list[int]]] | None = []
    if product == "input_gradient":
        phases = _phases(plan)
    if phases is None:
        return None
    return _core.XlaCall(product, plan.core, itemsize, threads, phases, swapped=swapped)


def _phases(plan: ConvPlan) -> list[tuple[_core.Conv, list[int], list[int], list[int]]] | None:
    """Return the phases of the adjoint as the core runs them; None if Python has a part in them."""
    adjoint = plan.adjoint_plan()
    if adjoint.phases is None:
        return []
    if adjoint.border_sums or any(phase.turns or phase.to_front for phase in adjoint.phases):
        return None
    return [(phase.core, *_places(phase, plan.spec)) for phase in adjoint.phases]


def _places(phase: Phase, spec: ConvSpec) -> tuple[list[int], list[int], list[int]]:
    """Return which outputs of each axis are the phase's: the first, the step and their number."""
    start = 1 if spec.layout.channels_last else 2
    axes = len(spec.axes)
    outputs = phase.outputs[start : start + axes]
    absent = CORE_AXES - axes
    return (
        [0] * absent + [each.start for each in outputs],
        [1] * absent + [each.step for each in outputs],
        [1] * absent + list(phase.shape[start : start + axes]),
    )
