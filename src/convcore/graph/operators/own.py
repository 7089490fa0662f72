"""Operators of this library, by their public names, and functions of Python: domain "convcore"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from convcore import api
from convcore.graph.operators.registry import Call, operator
from convcore.spec.operands import Array
from convcore.spec.registry import AXES, OPERATORS, layer_name


def _register(name: str, has_weight: bool) -> None:
    function = getattr(api, name)

    def task(x: Array, nan: str | None = None, **options: Any) -> api.Task | None:
        return api.pool_task(name, x, options) if nan is None else None

    @operator(f"convcore.{name}", call=True, out=True, task=None if has_weight else task)
    def run(call: Call, x: Array, *arrays: Array | None, **options: Any) -> Any:
        """Call the function of this name."""
        given = arrays if has_weight else ()
        return function(x, *given, **options, threads=call.threads, out=call.out)


for _kind in OPERATORS.values():
    for _axes in AXES:
        _register(layer_name(_kind.kind, _axes), _kind.has_weight)


@operator("convcore.Call")
def call_function(x: Array, *, function: Callable[[Array], Array]) -> Array:
    """A function of Python, which a layer of a user's own is."""
    return function(x)


@operator("convcore.ScaledTanh")
def scaled_tanh(x: Array, *, height: float, steepness: float) -> Array:
    """``height * tanh(steepness * x)``."""
    y: Array = np.tanh(x * steepness)
    y *= height
    return y
