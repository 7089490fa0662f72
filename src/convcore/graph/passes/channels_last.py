"""Channels last inside of a network, where most of its products are of kernels of one cell.

Such a convolution is a product of matrices, which reads its input in order if the channels come
last. Values that both kinds of nodes use are transposed between them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import prod
from typing import Any

from convcore.graph.node import Graph, Node
from convcore.graph.passes.layers import is_layer
from convcore.graph.passes.ranks import ranks_of
from convcore.spec.operands import Array

RANK = 4  # images; the other numbers of axes stay as they are
LAYOUT = "NHWC"
TO_LAST, TO_FIRST = [0, 2, 3, 1], [0, 3, 1, 2]
LEAST_SHARE = 0.3  # of the weights, in kernels of one cell
# Each costs as much as a layer, or several: of the input, of a result, and one between.
MOST_TRANSPOSES, LAYERS_EACH = 3, 8
CONVOLUTIONS = ("Conv", "conv2d")

UNARY = {
    "Clip", "Elu", "Erf", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Relu", "Sigmoid",
    "Swish", "Tanh",
}  # fmt: skip
POOLS = {"AveragePool", "GlobalAveragePool", "GlobalMaxPool", "MaxPool"}
OWN_POOLS = {
    f"convcore.{kind}_pool2d" for kind in ("adaptive_avg", "adaptive_max", "avg", "l2", "lp", "max")
}
SEVERAL = {"Add", "Div", "Max", "Min", "Mul", "Sub", "Sum"}


def put_channels_last(graph: Graph) -> Graph:
    """Put channels last wherever nodes can take them so, if it pays."""
    if not _pays(graph):
        return graph
    changed = _Pass(graph)
    result = changed.run()
    layers = sum(map(is_layer, graph.nodes))
    few = changed.transposes <= min(MOST_TRANSPOSES, layers // LAYERS_EACH)
    return result if few else graph


def _is_convolution(node: Node) -> bool:
    """Whether a node is a layer that is as fast with channels last."""
    if not is_layer(node) or node.attributes["kind"] not in CONVOLUTIONS:
        return False
    weight, groups = node.attributes["weight"], _groups(node)
    if weight.ndim != RANK or node.attributes.get("layout") == LAYOUT:
        return False
    if node.attributes.get("connections") is not None:
        return False
    return bool(groups == 1 or weight.shape[:2] == (groups, 1))


def _groups(node: Node) -> int:
    return int(node.attributes.get("group", node.attributes.get("groups", 1)))


def _pays(graph: Graph) -> bool:
    layers = [node for node in graph.nodes if is_layer(node)]
    convolutions = [n for n in layers if n.attributes["kind"] in CONVOLUTIONS]
    if not convolutions or not all(map(_is_convolution, convolutions)):
        return False
    weights = [node.attributes["weight"] for node in convolutions]
    ones = sum(weight.size for weight in weights if prod(weight.shape[2:]) == 1)
    return bool(ones >= LEAST_SHARE * sum(weight.size for weight in weights))


class _Pass:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.ranks = ranks_of(graph)
        self.nodes: list[Node] = []
        self.transposes = 0
        self.constants = dict(graph.constants)
        self.last: dict[str, str] = {}  # names of values with channels last, by their own names
        self.first = {value.name for value in graph.inputs} | set(graph.constants)

    def run(self) -> Graph:
        for node in self.graph.nodes:
            if not self._put_last(node):
                self._keep(node)
        for value in self.graph.outputs:
            self._to_first(value.name)
        return replace(self.graph, nodes=self.nodes, constants=self.constants)

    def _keep(self, node: Node) -> None:
        """A node as it is: its inputs come with channels first."""
        names = [*node.inputs, *(name for inner in node.graphs() for name in inner.needs())]
        for name in names:
            self._to_first(name)
        self.nodes.append(node)
        self.first.update(node.outputs)

    def _to_first(self, name: str) -> None:
        if name in self.last and name not in self.first:
            self._transpose(self.last[name], name, TO_FIRST)
            self.first.add(name)

    def _to_last(self, name: str) -> str:
        if name and name not in self.last:
            self.last[name] = f"{name}/channels last"
            self._transpose(name, self.last[name], TO_LAST)
        return self.last.get(name, "")

    def _transpose(self, name: str, result: str, order: list[int]) -> None:
        self.transposes += 1
        self.nodes.append(Node("Transpose", (name,), (result,), {"perm": order}, result))

    def _put_last(self, node: Node) -> bool:
        """Write a node with channels last; False: it cannot be, or nothing is gained."""
        if any(node.outputs[1:]):
            return False
        if _is_convolution(node):
            return self._add(node, node.inputs, layout=LAYOUT)
        if not node.inputs or not any(name in self.last for name in node.inputs):
            return False
        key, x = node.key, node.inputs[0]
        if (
            key in UNARY
            and x in self.last
            and all(n in self.constants for n in node.inputs[1:] if n)
        ):
            return self._add(node, (x,), node.inputs[1:])
        if key in POOLS | OWN_POOLS and x in self.last:
            return self._add(node, (x,), layout=LAYOUT)
        if key == "Concat" and node.attributes.get("axis") in (1, -3) and self._all_images(node):
            return self._add(node, node.inputs, axis=3)
        return key in SEVERAL and self._combine(node)

    def _all_images(self, node: Node) -> bool:
        return all(self.ranks.get(n) == RANK and n not in self.constants for n in node.inputs)

    def _combine(self, node: Node) -> bool:
        """A sum or product of images, and of constants that are one number or one a channel."""
        images = [name for name in node.inputs if name not in self.constants]
        others = [self.constants[name] for name in node.inputs if name in self.constants]
        if any(self.ranks.get(name) != RANK for name in images) or not all(map(_fits, others)):
            return False
        names = [
            self._constant(name) if name in self.constants else self._to_last(name)
            for name in node.inputs
        ]
        self._append(node, names)
        return True

    def _constant(self, name: str) -> str:
        array = self.constants[name]
        if array.size == 1:
            return name
        new = f"{name}/channels last"
        self.constants[new] = array.reshape(-1)
        return new

    def _add(
        self, node: Node, images: Iterable[str], others: Iterable[str] = (), **changed: Any
    ) -> bool:
        names = [self._to_last(name) for name in images]
        self._append(node, [*names, *others], **changed)
        return True

    def _append(self, node: Node, inputs: Iterable[str], **changed: Any) -> None:
        name = node.outputs[0]
        self.last[name] = f"{name}/channels last"
        self.nodes.append(
            replace(
                node,
                inputs=tuple(inputs),
                outputs=(self.last[name],),
                attributes=node.attributes | changed,
            )
        )


def _fits(array: Array) -> bool:
    """Whether a constant is one number, or one for each channel of images."""
    if array.size == 1:
        return array.ndim <= RANK
    shape = (1,) * (RANK - array.ndim) + array.shape
    return len(shape) == RANK and array.size == shape[1]
