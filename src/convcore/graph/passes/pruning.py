"""Nodes that do nothing, and nodes and constants whose results nobody uses, are left out."""

from __future__ import annotations

from dataclasses import replace

from convcore.graph.node import Graph, Node
from convcore.graph.passes.uses import Uses

NOTHING = ("Identity", "Dropout")


def prune(graph: Graph) -> Graph:
    """Leave out what changes nothing."""
    return _drop_unused(_skip_nothing(graph))


def _does_nothing(node: Node, graph: Graph, uses: Uses) -> bool:
    if node.key not in NOTHING or any(uses.count[name] for name in node.outputs[1:] if name):
        return False
    if len(node.inputs) > 2 and node.inputs[2]:  # Dropout: whether to train
        flag = graph.constants.get(node.inputs[2])
        return flag is not None and not flag.any()
    return True


def _skip_nothing(graph: Graph) -> Graph:
    """What a node hands on is taken from where it came; a graph's output keeps its node."""
    outputs, uses = {value.name for value in graph.outputs}, Uses(graph)
    source: dict[str, str] = {}
    nodes = []
    for node in graph.nodes:
        inputs = tuple(source.get(name, name) for name in node.inputs)
        node = replace(node, inputs=inputs)
        captured = {name for inner in node.graphs() for name in inner.needs()} & set(source)
        for name in sorted(captured):  # a graph inside knows it by the old name
            nodes.append(Node("Identity", (source.pop(name),), (name,)))
        if _does_nothing(node, graph, uses) and node.outputs[0] not in outputs:
            source[node.outputs[0]] = inputs[0]
        else:
            nodes.append(node)
    return replace(graph, nodes=nodes)


def _drop_unused(graph: Graph) -> Graph:
    used = {value.name for value in graph.outputs}
    nodes = []
    for node in reversed(graph.nodes):
        if not used.intersection(name for name in node.outputs if name):
            continue
        used.update(node.inputs)
        for inner in node.graphs():
            used |= inner.needs()
        nodes.append(node)
    constants = {name: array for name, array in graph.constants.items() if name in used}
    return replace(graph, nodes=nodes[::-1], constants=constants)
