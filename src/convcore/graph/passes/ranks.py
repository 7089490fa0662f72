"""How many axes values have, where that can be told without running the graph."""

from __future__ import annotations

from convcore.graph.node import Graph, Node
from convcore.graph.passes.layers import is_layer

# Operators whose result has as many axes as their first input.
KEEPING = {
    "AveragePool", "BatchNormalization", "Cast", "Clip", "Concat", "Conv", "ConvInteger",
    "ConvTranspose", "Dropout", "Elu", "Erf", "Gelu", "GlobalAveragePool", "GlobalLpPool",
    "GlobalMaxPool", "HardSigmoid", "HardSwish", "Identity", "InstanceNormalization", "LRN",
    "LayerNormalization", "LeakyRelu", "LpPool", "MaxPool", "Mish", "Neg", "PRelu", "Pad",
    "QLinearConv", "Relu", "Resize", "Selu", "Sigmoid", "Slice", "Softmax", "Softplus", "Sqrt",
    "Tanh", "Transpose", "Upsample",
}  # fmt: skip
BROADCASTING = {"Add", "Div", "Max", "Mean", "Min", "Mul", "Pow", "Sub", "Sum", "Where"}


def ranks_of(graph: Graph) -> dict[str, int]:
    """The number of axes of each value of which it is known."""
    ranks = {name: array.ndim for name, array in graph.constants.items()}
    ranks |= {value.name: len(value.shape) for value in graph.inputs if value.shape is not None}
    for node in graph.nodes:
        rank = _rank(node, ranks)
        if rank is not None and node.outputs:
            ranks[node.outputs[0]] = rank
    return ranks


def _rank(node: Node, ranks: dict[str, int]) -> int | None:
    if is_layer(node) and node.attributes["kind"] in ("Conv", "ConvTranspose"):
        return int(node.attributes["weight"].ndim)
    if node.key in KEEPING or is_layer(node):
        return ranks.get(node.inputs[0])
    if node.key in BROADCASTING:
        found = [ranks.get(name) for name in node.inputs]
        known = [rank for rank in found if rank is not None]
        return max(known) if len(known) == len(found) else None
    return 2 if node.key in ("Flatten", "Gemm") else None
