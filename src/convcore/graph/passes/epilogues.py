"""Activations and sums that follow a layer become its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from convcore.graph.node import Graph, Node
from convcore.graph.operators.layer import axes_after
from convcore.graph.passes.layers import is_layer
from convcore.graph.passes.patterns import bounds_of, is_standard
from convcore.graph.passes.uses import Uses, without

Activation = tuple[Any, ...]  # a name of convcore.prepare, and its parameters

SIMPLE = {"Relu": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh"}


def fuse_epilogues(graph: Graph) -> Graph:
    """Fuse what can be: a layer, then a sum with another value, then an activation."""
    graph = replace(graph, nodes=list(graph.nodes))
    uses, place = Uses(graph), 0
    while place < len(graph.nodes):
        node = graph.nodes[place]
        if is_layer(node) and (_add(graph, node, uses) or _activate(graph, node, uses)):
            uses = Uses(graph)
        else:
            place += 1
    return graph


def _activate(graph: Graph, layer: Node, uses: Uses) -> bool:
    """The activation that alone uses a layer's result."""
    if layer.attributes["activation"] is not None:
        return False
    user = uses.only(layer.outputs[0])
    activation = _activation(user, layer, graph) if user is not None else None
    if user is None or activation is None:
        return False
    layer.attributes["activation"] = activation
    layer.outputs = (user.outputs[0],)
    graph.nodes[:] = without(graph, [user])
    return True


def _activation(node: Node, layer: Node, graph: Graph) -> Activation | None:
    """What an activation is called here; None: it is none, or has no name."""
    given, key = node.attributes, node.key
    if node.inputs[0] != layer.outputs[0]:
        return None
    if key in SIMPLE:
        return (SIMPLE[key],)
    if key == "LeakyRelu":
        return "leaky_relu", float(given.get("alpha", 0.01))
    if key == "Elu":
        return "elu", float(given.get("alpha", 1.0))
    if key == "convcore.ScaledTanh":
        return "scaled_tanh", given["height"], given["steepness"]
    if key == "HardSwish":
        return ("hardswish",)
    if key == "Swish" and given.get("alpha", 1.0) == 1:
        return ("silu",)
    if key == "HardSigmoid" and is_standard(node):
        return ("hardsigmoid",)
    if key == "Gelu" and given.get("approximate", "none") == "none":
        return ("gelu",)
    if key == "Clip":
        return _clip(node, graph)
    if key == "PRelu":
        slope = graph.constants.get(node.inputs[1])
        after = axes_after(layer.attributes["kind"], layer.attributes["weight"], layer.attributes)
        if slope is not None and slope.ndim == after + 1 and slope.size == slope.shape[0]:
            return "prelu", slope.ravel()
    return None


def _clip(node: Node, graph: Graph) -> Activation | None:
    bounds = bounds_of(node, graph)
    if bounds is None:
        return None
    low, high = bounds
    return "clip", -np.inf if low is None else low, np.inf if high is None else high


def _add(graph: Graph, layer: Node, uses: Uses) -> bool:
    """A sum with a value that is there before: the layer moves to where the sum stood."""
    if layer.attributes["activation"] is not None or layer.inputs[1]:
        return False
    name = layer.outputs[0]
    user = uses.only(name)
    if user is None or user.key not in ("Add", "Sum") or len(user.inputs) != 2:
        return False
    other = user.inputs[1 if user.inputs[0] == name else 0]
    if other in graph.constants:
        return False
    layer.inputs = (layer.inputs[0], other)
    layer.outputs = user.outputs
    place = next(i for i, node in enumerate(graph.nodes) if node is user)
    graph.nodes[place] = layer
    first = next(i for i, node in enumerate(graph.nodes) if node is layer)
    del graph.nodes[first]
    return True
