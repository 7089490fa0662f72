"""Comparisons and logic, and the choice between two arrays."""

from __future__ import annotations

import numpy as np

from convcore.graph.operators.elementwise import register_binary, register_unary
from convcore.graph.operators.registry import operator
from convcore.spec.operands import Array

for _name, _compute, _text, _legacy in (
    ("Equal", np.equal, "Whether a = b.", True),
    ("Greater", np.greater, "Whether a > b.", True),
    ("GreaterOrEqual", np.greater_equal, "Whether a >= b.", False),
    ("Less", np.less, "Whether a < b.", True),
    ("LessOrEqual", np.less_equal, "Whether a <= b.", False),
    ("And", np.logical_and, "Whether both are true.", True),
    ("Or", np.logical_or, "Whether one is true, or both are.", True),
    ("Xor", np.logical_xor, "Whether exactly one is true.", True),
):
    register_binary(_name, _compute, _text, legacy=_legacy)

register_unary("Not", np.logical_not, "Whether x is false.")
register_unary("IsNaN", np.isnan, "Whether x is not a number.")


@operator("IsInf")
def is_inf(x: Array, *, detect_negative: int = 1, detect_positive: int = 1) -> Array:
    """Whether x is infinite, with a sign that is looked for."""
    if detect_negative and detect_positive:
        return np.asarray(np.isinf(x))
    if detect_positive:
        return np.asarray(np.isposinf(x))
    return np.asarray(np.isneginf(x)) if detect_negative else np.zeros(x.shape, np.bool_)


@operator("Where")
def where(condition: Array, x: Array, y: Array) -> Array:
    """The elements of x where the condition is true, of y elsewhere."""
    return np.where(condition, x, y)
