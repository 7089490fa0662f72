"""Convolutions and products whose weights are constants become layers, which own their weights."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from convcore.graph.node import Graph, Node
from convcore.graph.operators.layer import LAYER, MATRIX, LayerCall
from convcore.spec.operands import Array
from convcore.spec.registry import AXES, OPERATORS, layer_name

# Attributes of a layer that are no attributes of the convolution.
OWN = ("kind", "weight", "bias", "activation")
FLOATS = ("f4", "f8")
# Public names of operators with weights.
WEIGHTED = {
    layer_name(kind.kind, axes) for kind in OPERATORS.values() for axes in AXES if kind.has_weight
}


def take_layers(graph: Graph) -> Graph:
    """Give layers their weights, where passes can change them."""
    return replace(graph, nodes=[_taken(node, graph) for node in graph.nodes])


def is_layer(node: Node | None) -> bool:
    """Whether a node is such a layer."""
    return node is not None and node.key == LAYER.key


def prepare_layers(graph: Graph) -> Graph:
    """Make the layers ready to be called."""
    nodes = []
    for node in graph.nodes:
        if is_layer(node):
            given = {name: node.attributes[name] for name in OWN}
            others = {n: value for n, value in node.attributes.items() if n not in OWN}
            node = replace(node, attributes={"layer": LayerCall(**given, attributes=others)})
        nodes.append(node)
    return replace(graph, nodes=nodes)


def _taken(node: Node, graph: Graph) -> Node:
    arrays = [graph.constants.get(name) for name in node.inputs]
    if not all(name in graph.constants for name in node.inputs[1:] if name):
        return node
    x, weight, bias = (*arrays, None, None, None)[:3]
    if x is not None or weight is None or weight.dtype.str[1:] not in FLOATS:
        return node
    if node.key in ("Conv", "ConvTranspose") and 3 <= weight.ndim <= 5 and weight.size:
        return layer_of(node, node.op, weight, bias, node.attributes)
    # (one that ignores NaN is computed by its function: prepared layers see every cell)
    if node.domain == "convcore" and node.op in WEIGHTED and "nan" not in node.attributes:
        return layer_of(node, node.op, weight, bias, node.attributes)
    if node.key == "MatMul" and weight.ndim == 2 and weight.size:
        return layer_of(node, MATRIX, _kernels(weight.T), None, {})
    if node.key == "Gemm":
        return _gemm(node, weight, bias)
    return node


def _gemm(node: Node, weight: Array, bias: Array | None) -> Node:
    """Alpha A B + beta C, if A is not transposed and C is a number for each column."""
    given = node.attributes
    if given.get("transA", 0) or weight.ndim != 2 or not weight.size:
        return node
    weight = weight if given.get("transB", 0) else weight.T
    if bias is not None:
        if bias.size not in (1, len(weight)) or (bias.ndim and bias.shape[-1] != bias.size):
            return node
        factor = bias.dtype.type(given.get("beta", 1))
        bias = np.broadcast_to(bias.ravel() * factor, len(weight))
    alpha = weight.dtype.type(given.get("alpha", 1))
    return layer_of(node, MATRIX, _kernels(weight if alpha == 1 else weight * alpha), bias, {})


def _kernels(weight: Array) -> Array:
    """(outputs, inputs) as kernels of one cell."""
    return np.ascontiguousarray(weight)[..., np.newaxis]


def layer_of(
    node: Node, kind: str, weight: Array, bias: Array | None, attributes: dict[str, Any]
) -> Node:
    """The layer that a node is: its first input, times a weight, plus a bias."""
    given = {"kind": kind, "weight": weight, "bias": bias, "activation": None}
    return replace(
        node, op=LAYER.op, domain=LAYER.domain, inputs=(node.inputs[0], ""),
        attributes=given | attributes,
    )  # fmt: skip
