"""Convolutions whose weights are constants become layers, which own their weights."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from convcore.graph.node import Graph, Node
from convcore.graph.operators.layer import LAYER, LINEAR, LayerCall

# Attributes of a layer that are no attributes of the convolution.
OWN = ("kind", "weight", "bias", "activation")


def take_layers(graph: Graph) -> Graph:
    """Give convolutions their weights, where passes can change them."""
    nodes = [_taken(node, graph) for node in graph.nodes]
    return replace(graph, nodes=nodes)


def _taken(node: Node, graph: Graph) -> Node:
    arrays = [graph.constants.get(name) for name in node.inputs[1:]]
    names = [name for name in node.inputs[1:] if name]
    if node.key not in LINEAR or any(name not in graph.constants for name in names):
        return node
    weight = arrays[0]
    if weight is None or not 3 <= weight.ndim <= 5 or weight.dtype.kind != "f":
        return node
    given: dict[str, Any] = {
        "kind": node.op,
        "weight": weight,
        "bias": arrays[1] if len(arrays) > 1 else None,
        "activation": None,
    }
    return replace(
        node, op=LAYER.op, domain=LAYER.domain, inputs=(node.inputs[0], ""),
        attributes=given | node.attributes,
    )  # fmt: skip


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
