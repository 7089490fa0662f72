"""The operators of dask arrays, made from the registry and the signatures of ``convcore``."""

from __future__ import annotations

from collections.abc import Callable
from inspect import Parameter, Signature, signature
from typing import Any

from convcore import api
from convcore.dask.arrays import DaskArray
from convcore.dask.layers import call
from convcore.dask.texts import FIRST, docstring
from convcore.spec.made import present
from convcore.spec.registry import AXES, layer_name

KINDS = tuple(FIRST)


def _signature(kind: str, axes: int) -> Signature:
    """Return the signature of the public function, with ``dtype`` instead of ``out``."""
    own = signature(getattr(api, layer_name(kind, axes)))
    parameters = [
        each.replace(default=1, annotation="int") if each.name == "threads" else each
        for each in own.parameters.values()
        if each.name != "out"
    ]
    parameters[0] = parameters[0].replace(annotation="dask.array.Array")
    dtype = Parameter("dtype", Parameter.KEYWORD_ONLY, default=None, annotation="Any")
    result = "dask.array.Array"
    if any(each.name in ("return_indices", "return_weight") for each in parameters):
        result = f"{result} | tuple[{result}, ...]"
    return own.replace(parameters=[*parameters, dtype], return_annotation=result)


def _make(kind: str, axes: int) -> Callable[..., Any]:
    name = layer_name(kind, axes)
    own = _signature(kind, axes)

    def function(*arguments: Any, **options: Any) -> DaskArray | tuple[DaskArray, ...]:
        try:
            given = own.bind(*arguments, **options)
        except TypeError as error:
            raise TypeError(f"dask.{name}() {error}") from None  # as Python says it
        given.apply_defaults()
        return call(kind, axes, dict(given.arguments))

    return present(function, "convcore.dask", name, own, docstring(kind, axes, own.parameters))


FUNCTIONS = {layer_name(kind, axes): _make(kind, axes) for kind in KINDS for axes in AXES}
