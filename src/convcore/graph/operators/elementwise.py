"""Functions of each element, with NumPy's broadcasting, which is ONNX's."""

from __future__ import annotations

import numpy as np

from convcore.graph.operators.registry import operator
from convcore.spec.operands import Array


@operator("Add", since=7)
def add(a: Array, b: Array) -> Array:
    """The sum."""
    return np.add(a, b)


@operator("LeakyRelu")
def leaky_relu(x: Array, *, alpha: float = 0.01) -> Array:
    """``x`` where it is positive, ``alpha * x`` elsewhere."""
    return np.where(x > 0, x, x * x.dtype.type(alpha))
