"""Who uses a value: what the passes ask of a graph."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from convcore.graph.node import Graph, Node


class Uses:
    """The uses of each value: by nodes, by graphs inside them, and as outputs."""

    def __init__(self, graph: Graph) -> None:
        self.count: Counter[str] = Counter(value.name for value in graph.outputs)
        self.by: defaultdict[str, list[Node]] = defaultdict(list)
        self.maker: dict[str, Node] = {}
        for node in graph.nodes:
            self.maker |= dict.fromkeys(node.outputs, node)
            for name in node.inputs:
                self.count[name] += 1
                self.by[name].append(node)
            for inner in node.graphs():
                self.count.update(inner.needs())

    def only(self, name: str) -> Node | None:
        """The node that alone uses a value, once; None if there is no such."""
        users = self.by.get(name, [])
        return users[0] if self.count[name] == 1 and len(users) == 1 else None


def without(graph: Graph, gone: Iterable[Node]) -> list[Node]:
    """The nodes but some, compared as objects."""
    dropped = {id(node) for node in gone}
    return [node for node in graph.nodes if id(node) not in dropped]
