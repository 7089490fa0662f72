"""Nodes whose inputs are constants are computed once."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np

from convcore.graph.node import Graph, Node
from convcore.graph.operators import Call, find
from convcore.spec.operands import Array

MOST_ELEMENTS = 1 << 24  # of a constant that was not in the file, for a small file may ask for any
RANDOM = ("Random", "Bernoulli", "Multinomial")
# Results that may be larger than all inputs together.
GROWING = ("Expand", "Tile", "Range", "ConstantOfShape", "Resize", "Upsample", "Pad", "OneHot",
           "EyeLike", "MatMul", "Gemm", "Einsum", "Conv", "ConvTranspose", "MaxUnpool",
           "GridSample")  # fmt: skip
BY_SHAPE = ("Expand", "ConstantOfShape")


def fold_constants(graph: Graph) -> Graph:
    """Compute what depends on no input."""
    constants = dict(graph.constants)
    nodes = []
    for node in graph.nodes:
        found = _compute(node, constants, graph.opset)
        if found is None:
            nodes.append(node)
        else:
            constants |= found
    return replace(graph, nodes=nodes, constants=constants)


def _compute(node: Node, constants: dict[str, Array], opset: int) -> dict[str, Array] | None:
    row = find(node.key, opset)
    known = all(name in constants for name in node.inputs if name)
    if row is None or not known or next(node.graphs(), None) or node.op.startswith(RANDOM):
        return None
    inputs = [constants.get(name) for name in node.inputs]
    if node.op in GROWING and not _is_small(node, inputs):
        return None
    call = Call(opset, tuple(bool(name) for name in node.outputs), lambda graph, given: given)
    try:
        arguments = (call, *inputs) if row.wants_call else tuple(inputs)
        with np.errstate(all="ignore"):
            result = row.function(*arguments, **node.attributes)
    except (ValueError, TypeError, MemoryError, IndexError):  # told where it is run
        return None
    results = result if isinstance(result, tuple) else (result,)
    pairs = zip(node.outputs, results, strict=False)
    return {name: np.asarray(array) for name, array in pairs if name}


def _is_small(node: Node, inputs: list[Array | None]) -> bool:
    """Whether it is certain that the result is small."""
    if node.op in BY_SHAPE:
        shape = inputs[-1]
        return shape is not None and 0 <= prod(int(n) for n in shape.ravel()) <= MOST_ELEMENTS
    return False
