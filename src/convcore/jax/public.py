"""The public functions, one for each operator and number of axes, from the list of operators.

Each has the signature of its twin in :mod:`convcore.api`, but for what JAX has no place for.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from functools import partial
from typing import Any

from convcore import api
from convcore.jax.convolution import convolve
from convcore.jax.pooling import pool
from convcore.spec.made import present
from convcore.spec.registry import AXES, OPERATORS, Operator, layer_name

Function = Callable[..., Any]

# An example of each kind, for x of ones with 4 cells along each axis: what follows x, where
# "threes" and "twos" are sizes along all axes, and the first number for that many axes.
_EXAMPLES: dict[str, tuple[str, Callable[[int], float]]] = {
    "conv": ("jnp.ones((1, 1, {threes}))", lambda axes: 3.0**axes),
    "conv_transpose": ("jnp.ones((1, 1, {threes}))", lambda axes: 1.0),
    "local_conv": ("jnp.ones((1, {twos}, 1, {threes}))", lambda axes: 3.0**axes),
    "tiled_conv": ("jnp.ones((1, {twos}, 1, {threes}))", lambda axes: 3.0**axes),
    "max_pool": ("2", lambda axes: 1.0),
    "avg_pool": ("2", lambda axes: 1.0),
    "lp_pool": ("2, p=1", lambda axes: 2.0**axes),
    "l2_pool": ("2", lambda axes: round(2.0 ** (axes / 2), 3)),
    "weighted_pool": ("jnp.ones(({twos},))", lambda axes: 1.0),
    "adaptive_avg_pool": ("2", lambda axes: 1.0),
    "adaptive_max_pool": ("2", lambda axes: 1.0),
}

_WEIGHTS = {
    "conv": "(out, C / groups, *kernel)",
    "conv_transpose": "(C, out / groups, *kernel)",
    "local_conv": "(out, *output size, C, *kernel)",
    "tiled_conv": "(out, *period, C, *kernel)",
}
_BIASES = {"local_conv": "(out, *output size)", "tiled_conv": "(out, *period)"}

_NOTES = {
    "": "It is linear in x and in weight. All derivatives exist, forward and reverse.",
    "max": "The derivative goes to the first maximum of each window, forward and reverse.",
    "mean": "It is linear in x, but for constants of the border. All derivatives exist.",
    "norm": "All derivatives exist, forward and reverse; at a window of zeros they are 0.",
}


def make(operator: Operator, axes: int) -> Function:
    """Return the public function of an operator for a number of axes."""
    name = layer_name(operator.kind, axes)
    twin = getattr(api, name)
    signature = _signature(operator, twin)
    body = partial(convolve if operator.has_weight else pool, f"jax.{name}", operator, axes)

    def function(*args: Any, **options: Any) -> Any:
        try:
            bound = signature.bind(*args, **options)
        except TypeError as error:
            raise TypeError(f"jax.{name}: {error}") from None
        bound.apply_defaults()
        return body(**bound.arguments)

    doc = _doc(operator, axes, name, signature)
    return present(function, "convcore.jax", name, signature, doc)


def _signature(operator: Operator, twin: Function) -> inspect.Signature:
    own = {"x", "weight", "bias", "threads", *operator.names}
    if operator.has_algorithms:
        own.add("algorithm")
    found = inspect.signature(twin)
    kept = [each.replace(annotation=_annotation(each.name)) for each in found.parameters.values()
            if each.name in own]  # fmt: skip
    return found.replace(parameters=kept, return_annotation="jax.Array")


def _annotation(name: str) -> Any:
    return "jax.Array" if name in ("x", "weight", "bias") else "Any"


def _doc(operator: Operator, axes: int, name: str, signature: inspect.Signature) -> str:
    kind = operator.kind
    apart = ("x", "weight", "bias", "window", "threads", "algorithm")
    options = [each for each in signature.parameters if each not in apart]
    lines = [f"Return what :func:`convcore.{name}` does, as an array of JAX.", ""]
    lines += ["Parameters", "----------", f"x : jax.Array, shape {_x_shape(axes)}"]
    lines += ["    Input, which may be traced; other layouts as ``layout`` says."]
    if operator.has_weight:
        lines += [f"weight : jax.Array, shape {_WEIGHTS[kind]}", "    Kernels, in every layout."]
        lines += [f"bias : jax.Array, shape {_BIASES.get(kind, '(out,)')}, optional"]
        lines += ["    Added to the outputs of each kernel."]
    if "window" in signature.parameters:
        lines += ["window : array_like, as many axes as x has spatial ones"]
        lines += [
            "    Weights of the cells of a window. They are an option: no gradient is formed."
        ]
    lines += textwrap.wrap(", ".join(options), 92)
    lines += [f"    As in :func:`convcore.{name}`. They must be known when a function is traced."]
    if operator.has_algorithms:
        lines += ["algorithm : str", "    As in :func:`convcore.conv2d`."]
    lines += ["threads : int, optional"]
    lines += [
        "    Maximum number of threads. Default: :func:`convcore.get_num_threads`, asked when"
    ]
    lines += ["    a function is traced.", "", "Returns", "-------", "jax.Array"]
    lines += [f"    {_DTYPES[operator.pools == 'max']}", ""]
    if "return_indices" in signature.parameters:
        lines[-1:] = [
            "indices : jax.Array of int32, int64 with JAX's 64 bits, with ``return_indices``"
        ]
        lines += ["    Index of the first maximum in the plane without padding.", ""]
    lines += ["Raises", "------", "ValueError, TypeError"]
    lines += [
        f"    As :func:`convcore.{name}`, when a function is traced; for options that are traced,"
    ]
    lines += ["    and for devices other than a CPU.", "", "See Also", "--------"]
    lines += [f"convcore.{name}", "", "Notes", "-----", _NOTES[operator.pools]]
    lines += ["``vmap`` makes one larger call. Cells are not left out: no mask, no ``nan``.", ""]
    lines += ["Examples", "--------", *_example(kind, axes, name), ""]
    return "\n".join([lines[0], *(f"    {line}" if line else "" for line in lines[1:]), "    "])


def _x_shape(axes: int) -> str:
    spatial = ("D, H, W", "H, W", "W")[3 - axes]
    return f"(N, C, {spatial}) or (C, {spatial})"


_DTYPES = {
    True: "In the dtype of x.",
    False: "In JAX's common dtype of the operands, at least a float. 16 bits run in float32.",
}


def _example(kind: str, axes: int, name: str) -> list[str]:
    sizes = {word: ", ".join([str(n)] * axes) for word, n in (("twos", 2), ("threes", 3))}
    arguments, first = _EXAMPLES[kind]
    outputs = 6 if kind == "conv_transpose" else 2
    shape = (1, 1, *[outputs] * axes)
    return [
        ">>> import jax.numpy as jnp",
        f">>> from convcore.jax import {name}",
        f">>> x = jnp.ones((1, 1, {', '.join(['4'] * axes)}))",
        f">>> y = {name}(x, {arguments.format(**sizes)})",
        ">>> y.shape, round(float(y.ravel()[0]), 3)",
        f"({shape}, {first(axes)})",
    ]


FUNCTIONS = {
    layer_name(kind, axes): make(OPERATORS[kind], axes) for kind in _EXAMPLES for axes in AXES
}
