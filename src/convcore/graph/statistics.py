"""What a step is and costs, counted from its arrays' shapes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from convcore import geometry
from convcore.graph.operators.conv import conv_options, transpose_options
from convcore.graph.operators.layer import LAYER, MATRIX, LayerCall
from convcore.graph.operators.pool import pool_options
from convcore.graph.step import Step
from convcore.graph.tracer import OWN
from convcore.spec.registry import OPERATORS

Shape = tuple[int, ...]
POOLS = {"MaxPool": "max_pool", "AveragePool": "avg_pool", "LpPool": "lp_pool"}
# And the place of the weight among the inputs.
CONVOLUTIONS = {"Conv": 1, "ConvInteger": 1, "ConvTranspose": 1, "QLinearConv": 3}


def step_facts(step: Step, arguments: Sequence[Any], result: Any) -> tuple[Any, ...]:
    """Name, operator, algorithm, shape and multiply-adds of a step."""
    node, shape = step.node, tuple(np.shape(result))
    shapes = [() if each is None else tuple(np.shape(each)) for each in arguments]
    name = node.name or node.outputs[0]
    if node.key == LAYER.key:
        layer: LayerCall = node.attributes["layer"]
        return (
            name,
            called(layer),
            algorithm_of(layer, shapes[0]),
            shape,
            layer_macs(layer, shapes[0]),
        )
    return name, node.key, "", shape, macs(node.key, node.attributes, shapes, shape)


def called(layer: LayerCall) -> str:
    """A layer's operator, with what follows it."""
    words = [layer.kind]
    if layer.activation is not None:
        words.append(str(layer.activation[0]))
    return " + ".join(words)


def algorithm_of(layer: LayerCall, shape: Shape) -> str:
    """How a layer is computed for an input of a shape."""
    if layer.kind == MATRIX:
        shape = (1, prod(shape[:-1]), shape[-1])
    return str(layer.prepared(shape).explain(shape).algorithm)


def layer_macs(layer: LayerCall, shape: Shape) -> int:
    """Multiply-adds of a layer, those with padding among them."""
    if layer.kind == MATRIX:
        return prod(shape[:-1]) * layer.weight.size
    prepared = layer.prepared(shape)
    described = geometry.Layer(
        prepared.operator, prepared.weight, prepared.bias, **dict(prepared.options)
    )
    return int(geometry.count(described, shape).multiply_adds)


def macs(
    key: str, attributes: dict[str, Any], shapes: Sequence[Shape], result: Shape
) -> int | None:
    """Multiply-adds of an operator; None: they are not counted."""
    if key in ("MatMul", "MatMulInteger", "Gemm"):
        first = shapes[0]
        inner = first[0] if attributes.get("transA", 0) else first[-1] if first else 1
        return prod(result) * inner
    layer = layer_of(key, attributes, shapes)
    if layer is None or layer.weight is None:
        return None
    return int(geometry.count(layer, shapes[0]).multiply_adds)


def layer_of(
    key: str, attributes: dict[str, Any], shapes: Sequence[Shape]
) -> geometry.Layer | None:
    """A convolution or a pooling as this library's operator; None: it is neither."""
    domain, _, name = key.rpartition(".")
    if domain == OWN and name[:-2] in OPERATORS:
        weighted = shapes[1] if OPERATORS[name[:-2]].has_weight else None
        return geometry.Layer(name, weighted, **attributes)
    axes = len(shapes[0]) - 2 if shapes else 0
    if key in POOLS:
        options = pool_options(key, attributes.get("kernel_shape"), axes, **attributes)
        return geometry.Layer(f"{POOLS[key]}{axes}d", **options)
    if key not in CONVOLUTIONS:
        return None
    shape = shapes[CONVOLUTIONS[key]]
    weight = np.empty(shape, bool)  # its shape alone is read
    if key == "ConvTranspose":
        options = transpose_options(shapes[0], weight, **attributes)
        return geometry.Layer(f"conv_transpose{axes}d", shape, **options)
    return geometry.Layer(f"conv{axes}d", shape, **conv_options(weight, **attributes))
