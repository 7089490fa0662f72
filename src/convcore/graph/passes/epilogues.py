"""Activations and sums that follow a layer become its own."""

from __future__ import annotations

from dataclasses import replace
from math import isclose
from typing import Any

import numpy as np

from convcore.graph.node import Graph, Node
from convcore.graph.operators.layer import MATRIX
from convcore.graph.passes.layers import is_layer
from convcore.graph.passes.uses import Uses, without

Activation = tuple[Any, ...]  # a name of convcore.prepare, and its parameters

SIMPLE = {"Relu": "relu", "Sigmoid": "sigmoid", "Tanh": "tanh"}
SIXTH = 1 / 6


def fuse_epilogues(graph: Graph) -> Graph:
    """Fuse what can be: a layer, then a sum with another value, then an activation."""
    graph = replace(graph, nodes=list(graph.nodes))
    place = 0
    while place < len(graph.nodes):
        node = graph.nodes[place]
        if not is_layer(node) or not (_add(graph, node) or _activate(graph, node)):
            place += 1
    return graph


def _activate(graph: Graph, layer: Node) -> bool:
    """The activation that alone uses a layer's result."""
    if layer.attributes["activation"] is not None:
        return False
    uses, name = Uses(graph), layer.outputs[0]
    users = uses.by.get(name, [])
    if uses.count[name] == 2 and len(users) == 2:
        return _gate(graph, layer, users, uses)
    user = uses.only(name)
    activation = _activation(user, layer, graph) if user is not None else None
    if user is None or activation is None:
        return False
    layer.attributes["activation"] = activation
    layer.outputs = (user.outputs[0],)
    graph.nodes[:] = without(graph, [user])
    return True


def _gate(graph: Graph, layer: Node, users: list[Node], uses: Uses) -> bool:
    """X times a sigmoid of x: SiLU, and Hardswish."""
    name = layer.outputs[0]
    gate = next((user for user in users if user.key in ("Sigmoid", "HardSigmoid")), None)
    product = next((user for user in users if user.key == "Mul"), None)
    if gate is None or product is None or uses.only(gate.outputs[0]) is not product:
        return False
    if set(product.inputs) != {name, gate.outputs[0]}:
        return False
    if gate.key == "HardSigmoid" and not _is_standard(gate):
        return False
    layer.attributes["activation"] = ("silu" if gate.key == "Sigmoid" else "hardswish",)
    layer.outputs = (product.outputs[0],)
    graph.nodes[:] = without(graph, [gate, product])
    return True


def _is_standard(node: Node) -> bool:
    """Whether a hard sigmoid is the one of PyTorch."""
    given = node.attributes
    return isclose(given.get("alpha", 0.2), SIXTH, rel_tol=1e-6) and given.get("beta", 0.5) == 0.5


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
    if key == "HardSigmoid" and _is_standard(node):
        return ("hardsigmoid",)
    if key == "Gelu" and given.get("approximate", "none") == "none":
        return ("gelu",)
    if key == "Clip":
        return _clip(node, graph)
    if key == "PRelu":
        slope = graph.constants.get(node.inputs[1])
        after = 0 if layer.attributes["kind"] == MATRIX else layer.attributes["weight"].ndim - 2
        if slope is not None and slope.ndim == after + 1 and slope.size == slope.shape[0]:
            return "prelu", slope.ravel()
    return None


def _clip(node: Node, graph: Graph) -> Activation | None:
    """Bounds are attributes in old files, inputs in new ones."""
    bounds = [node.attributes.get("min"), node.attributes.get("max")]
    for i, name in enumerate(node.inputs[1:3]):
        if name and name not in graph.constants:
            return None
        if name:
            bounds[i] = float(graph.constants[name])
    low, high = bounds
    return "clip", -np.inf if low is None else low, np.inf if high is None else high


def _add(graph: Graph, layer: Node) -> bool:
    """A sum with a value that is there before: the layer moves to where the sum stood."""
    if layer.attributes["activation"] is not None or layer.inputs[1]:
        return False
    name = layer.outputs[0]
    user = Uses(graph).only(name)
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
