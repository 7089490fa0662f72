"""Convolution, transposed, local and tiled layers, as functions of arrays of JAX."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from convcore.api import threads_for
from convcore.engine.plan import conv_plan, transposed_plan
from convcore.jax.layers import FORWARD, Layer
from convcore.jax.operands import FLOATS, as_jax, cast, known_array, result_dtypes, standing_for
from convcore.spec.axis import Axis
from convcore.spec.border import ZEROS
from convcore.spec.operands import check_bias
from convcore.spec.problem import ConvSpec
from convcore.spec.registry import FLIP, Operator
from convcore.spec.windows import cells_shown


def convolve(
    op: str,
    operator: Operator,
    axes: int,
    x: Any,
    weight: Any,
    bias: Any = None,
    *,
    threads: int | None = None,
    **options: Any,
) -> jax.Array:
    """Return a layer's result; errors name ``op``."""
    x, weight = as_jax(op, "x", x), as_jax(op, "weight", weight)
    result, compute = result_dtypes(x, weight)
    count = threads_for(op, threads)
    flip = FLIP.read(op, options.pop("flip", False), axes)
    spec = _spec(op, operator, axes, standing_for(x, compute), weight, options)
    if x.dtype not in FLOATS or weight.dtype not in FLOATS:  # fast algorithms would round sums
        spec = replace(spec, algorithm="direct")
    x, weight = cast(x, compute), cast(weight, compute)
    if flip:
        weight = jnp.flip(weight, tuple(range(2, axes + 2)))
    batched = spec.layout.batched
    spec = replace(spec, layout=spec.layout._replace(batched=True))
    x = x if batched else x[None]
    if any(not isinstance(side, str) for pair in spec.border for side in pair):
        x, spec = _padded(x, spec)
    y = FORWARD.bind(x, weight, Layer(op, spec, count))
    y = y if batched else y[0]
    if bias is not None:
        bias = as_jax(op, "bias", bias)
        check_bias(op, standing_for(bias, np.float32), spec.bias_shape)
        y = y + _for_each_output(cast(cast(bias, result), compute), spec, axes)
    return cast(y, result)


def _spec(
    op: str, operator: Operator, axes: int, x: Any, weight: jax.Array, options: dict[str, Any]
) -> ConvSpec:
    """Check the options of a call; return its layer."""
    weight = standing_for(weight, x.dtype)
    if operator.transposed:
        return transposed_plan(op, x, weight, axes=axes, **options).spec
    if options.get("connections") is not None:
        options["connections"] = known_array(op, "connections", options["connections"])
    assert operator.sharing is not None
    return conv_plan(op, x, weight, axes=axes, sharing=operator.sharing, **options).spec


def _for_each_output(bias: jax.Array, spec: ConvSpec, axes: int) -> jax.Array:
    """Return the bias in a shape that broadcasts to a result."""
    outputs = spec.cells if spec.transposed else spec.outputs
    for axis, (period, size) in enumerate(zip(spec.period, outputs, strict=False), 1):
        bias = jnp.take(bias, np.arange(size) % period, axis=axis)
    if bias.ndim == 1:
        bias = bias.reshape(-1, *(1,) * axes)
    return jnp.moveaxis(bias, 0, -1) if spec.layout.channels_last else bias


def _padded(x: jax.Array, spec: ConvSpec) -> tuple[jax.Array, ConvSpec]:
    """Return x with its padding, and the layer without: constants would not be linear in x."""
    first = 1 if spec.layout.channels_last else 2
    rows = []
    pairs = spec.border or (ZEROS,) * len(spec.axes)
    for place, (axis, sides) in enumerate(zip(spec.axes, pairs, strict=True), first):
        before, after = axis.pair
        shown = cells_shown(np.arange(-before, axis.cells + after), axis.cells, sides)
        cells = jnp.take(x, np.maximum(shown, 0), axis=place) if axis.cells else None
        shape = [1] * x.ndim
        shape[place] = len(shown)
        constant = np.zeros(len(shown))
        for where, side in zip(
            (slice(before), slice(before + axis.cells, None)), sides, strict=True
        ):
            constant[where] = 0 if isinstance(side, str) else side
        held = jnp.asarray(constant.reshape(shape), x.dtype)
        if cells is None:
            whole = list(x.shape)
            whole[place] = len(shown)
            x = jnp.broadcast_to(held, whole)
        else:
            x = jnp.where((shown >= 0).reshape(shape), cells, held)
        rows.append(Axis(len(shown), axis.kernel, axis.stride, axis.dilation, (0, 0), axis.outputs))
    return x, replace(spec, axes=tuple(rows), border=())
