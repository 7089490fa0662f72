"""Activations that a file spells out in several nodes become one: Gelu, HardSwish, Swish."""

from __future__ import annotations

from dataclasses import replace
from math import isclose, sqrt

import numpy as np

from convcore.graph.node import Graph, Node
from convcore.graph.passes.uses import Uses, without


def name_activations(graph: Graph) -> Graph:
    """Write x times a gate of x as one node, where nothing else uses what lies between."""
    uses = Uses(graph)
    gone: list[Node] = []
    new: dict[int, Node] = {}
    for product in graph.nodes:
        if product.key != "Mul" or len(product.inputs) != 2:
            continue
        found = _gelu(product, graph, uses) or _gate(product, graph, uses)
        if found is not None:
            node, last, between = found
            new[id(last)] = node
            gone += between
    nodes = [new.get(id(node), node) for node in without(graph, gone)]
    return replace(graph, nodes=nodes)


Found = tuple[
    Node, Node, list[Node]
]  # the new node, the one whose place it takes, and those before


def _maker(name: str, uses: Uses) -> Node | None:
    """The node that makes a value which one node alone uses."""
    return None if uses.only(name) is None else uses.maker.get(name)


def _gate(product: Node, graph: Graph, uses: Uses) -> Found | None:
    """X times a sigmoid, a hard sigmoid, or what a hard sigmoid is written as."""
    for x, gate in (product.inputs, product.inputs[::-1]):
        node = _maker(gate, uses)
        if node is None:
            continue
        if node.key == "Sigmoid" and node.inputs == (x,):
            return replace(product, op="Swish", inputs=(x,), attributes={}), product, [node]
        if node.key == "HardSigmoid" and node.inputs == (x,) and is_standard(node):
            return replace(product, op="HardSwish", inputs=(x,), attributes={}), product, [node]
        if node.key == "Clip":  # x clip(x + 3, 0, 6) / 6
            add = _maker(node.inputs[0], uses)
            last = _times(product, 1 / 6, graph, uses)
            low, high = bounds_of(node, graph) or (None, None)
            if add is None or last is None or _differs(add, "Add", x, 3, graph):
                continue
            if low != 0 or high != 6:
                continue
            return replace(last, op="HardSwish", inputs=(x,), attributes={}), last, [
                add, node, product,
            ]  # fmt: skip
    return None


def _gelu(product: Node, graph: Graph, uses: Uses) -> Found | None:
    """X (1 + erf(x / sqrt(2))) / 2, the half at any place."""
    for x, gate in (product.inputs, product.inputs[::-1]):
        add = _maker(gate, uses)
        erf = _erf_before(add, graph, uses) if add is not None else None
        if add is None or erf is None:
            continue
        inner = _maker(erf.inputs[0], uses)
        if inner is None:
            continue
        half = None  # x may have been halved before
        source = x
        if not _scaled(inner, x, graph):
            half = _maker(x, uses)
            if half is None or half.key != "Mul":
                continue
            source = next((name for name in half.inputs if name not in graph.constants), "")
            if _differs(half, "Mul", source, 0.5, graph) or not _scaled(inner, source, graph):
                continue
        last = product if half is not None else _times(product, 0.5, graph, uses)
        if last is None:
            continue
        between = [add, erf, inner, *([half] if half is not None else [product])]
        return replace(last, op="Gelu", inputs=(source,), attributes={}), last, between
    return None


def _erf_before(add: Node, graph: Graph, uses: Uses) -> Node | None:
    """The Erf whose result, plus one, a node is."""
    for name in add.inputs:
        node = _maker(name, uses)
        if node is not None and node.key == "Erf" and not _differs(add, "Add", name, 1, graph):
            return node
    return None


def _scaled(node: Node, x: str, graph: Graph) -> bool:
    """Whether a node is x / sqrt(2)."""
    if node.key == "Div":
        return node.inputs[0] == x and _is(node.inputs[1], sqrt(2), graph)
    return not _differs(node, "Mul", x, sqrt(0.5), graph)


def _differs(node: Node, op: str, x: str, number: float, graph: Graph) -> bool:
    """Whether a node is not `x op number`."""
    if node.key != op or len(node.inputs) != 2 or x not in node.inputs:
        return True
    other = node.inputs[1 if node.inputs[0] == x else 0]
    return not _is(other, number, graph)


def _times(node: Node, factor: float, graph: Graph, uses: Uses) -> Node | None:
    """The node that alone uses a node's result, and multiplies it by a factor."""
    user, name = uses.only(node.outputs[0]), node.outputs[0]
    if user is None:
        return None
    if user.key == "Div" and user.inputs[0] == name and _is(user.inputs[1], 1 / factor, graph):
        return user
    return None if _differs(user, "Mul", name, factor, graph) else user


def _is(name: str, number: float, graph: Graph) -> bool:
    """Whether a value is a constant of one number, and this one."""
    array = graph.constants.get(name)
    if array is None or array.size != 1 or array.ndim > 1:
        return False
    return isclose(float(array.reshape(())), number, rel_tol=1e-3 if array.itemsize == 2 else 1e-5)


def is_standard(node: Node) -> bool:
    """Whether a hard sigmoid is the one of PyTorch."""
    given = node.attributes
    return isclose(given.get("alpha", 0.2), 1 / 6, rel_tol=1e-6) and given.get("beta", 0.5) == 0.5


def bounds_of(node: Node, graph: Graph) -> tuple[float | None, float | None] | None:
    """The bounds of a Clip: attributes in old files, inputs in new ones; None: not constants."""
    bounds = [node.attributes.get("min"), node.attributes.get("max")]
    for i, name in enumerate(node.inputs[1:3]):
        if name and name not in graph.constants:
            return None
        if name:
            bound = graph.constants[name]
            if bound.size != 1 or np.isnan(bound).any():
                return None
            bounds[i] = float(bound.item())
    return bounds[0], bounds[1]
