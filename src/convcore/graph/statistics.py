"""What a step is and costs, counted from its arrays' shapes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from convcore import geometry
from convcore.graph.operators.conv import conv_options, transpose_options
from convcore.graph.operators.layer import LAYER, MATRIX, LayerCall
from convcore.graph.program import Step

Shape = tuple[int, ...]
WORDS = {"conv": "Conv", "conv_transpose": "ConvTranspose"}


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
    """Multiply-adds of a layer, without those of padding."""
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
    if key in ("Conv", "ConvInteger", "ConvTranspose"):
        x, weight = shapes[0], np.empty(shapes[1], bool)  # its shape alone is read
        axes = len(x) - 2
        if key == "ConvTranspose":
            options, kind = transpose_options(x, weight, **attributes), "conv_transpose"
        else:
            options, kind = conv_options(weight, **attributes), "conv"
        described = geometry.Layer(f"{kind}{axes}d", shapes[1], **options)
        return int(geometry.count(described, x).multiply_adds)
    return None
