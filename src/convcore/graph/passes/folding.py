"""Nodes whose inputs are constants are computed once."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np

from convcore.graph.node import Graph, Node
from convcore.graph.operators import Call, find
from convcore.spec.operands import Array

# Elements of constants that are not in the file: a small file may ask for any number of them.
MOST_ELEMENTS = 1 << 24
IN_FILE = 4  # and for each element in the file
RANDOM = ("Random", "Bernoulli", "Multinomial")
# Results whose size depends on elements, or takes long to compute.
GROWING = ("Tile", "Range", "Resize", "Upsample", "Pad", "OneHot", "EyeLike", "MatMul", "Gemm",
           "Einsum", "Conv", "ConvTranspose", "MaxUnpool", "GridSample", "LSTM", "GRU", "RNN",
           "CenterCropPad", "Col2Im", "AffineGrid")  # fmt: skip
BY_SHAPE = ("Expand", "ConstantOfShape")
# Results that are not larger than the first input, or than all inputs together.
AS_FIRST = (
    "Cast", "CastLike", "Clip", "Compress", "CumProd", "CumSum", "DequantizeLinear", "Flatten",
    "Identity", "QuantizeLinear", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum", "Reshape",
    "ScatterElements", "ScatterND", "Shape", "Size", "Slice", "Split", "Squeeze", "TopK",
    "Transpose", "Trilu", "Unsqueeze",
)  # fmt: skip
TOGETHER = ("Concat", "Constant")
BROADCASTING = (
    "Add", "And", "Div", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Max", "Mean",
    "Min", "Mod", "Mul", "Or", "PRelu", "Pow", "Sub", "Sum", "Where", "Xor",
)  # fmt: skip


def fold_constants(graph: Graph) -> Graph:
    """Compute what depends on no input."""
    constants = dict(graph.constants)
    nodes, left = [], MOST_ELEMENTS
    left += IN_FILE * sum(array.size for array in graph.constants.values())
    for node in graph.nodes:
        found = _compute(node, constants, graph.opset, left)
        size = sum(array.size for array in (found or {}).values())
        left += IN_FILE * size if node.op == "Constant" else -size
        if found is None:
            nodes.append(node)
        else:
            constants |= found
    return replace(graph, nodes=nodes, constants=constants)


def _compute(
    node: Node, constants: dict[str, Array], opset: int, left: int
) -> dict[str, Array] | None:
    row = find(node.key, opset)
    known = all(name in constants for name in node.inputs if name)
    if row is None or not known or next(node.graphs(), None) or node.op.startswith(RANDOM):
        return None
    inputs = [constants.get(name) for name in node.inputs]
    most = _most_elements(node, inputs)
    if most is None or not 0 <= most <= left:
        return None
    call = Call(opset, tuple(bool(name) for name in node.outputs), lambda graph, given: given)
    try:
        arguments = (call, *inputs) if row.wants_call else tuple(inputs)
        with np.errstate(all="ignore"):
            result = row.function(*arguments, **node.attributes)
    except Exception:  # told where it is run
        return None
    results = result if isinstance(result, tuple) else (result,)
    pairs = zip(node.outputs, results, strict=False)
    return {name: np.asarray(array) for name, array in pairs if name}


def _most_elements(node: Node, inputs: list[Array | None]) -> int | None:
    """At most how many elements a result has, told before it is computed; None: who knows."""
    if node.op in GROWING:
        return None
    if node.op in BY_SHAPE:
        shape = inputs[-1] if inputs else None
        if shape is None or shape.dtype.kind not in "iu":
            return None
        own = max((a.size for a in inputs[:-1] if a is not None), default=1)
        return max(1, own) * prod(int(n) for n in shape.ravel())
    shapes = [array.shape for array in inputs if array is not None]
    sizes = [prod(shape) for shape in shapes]
    if node.op in AS_FIRST and sizes:
        return sizes[0]
    if node.op in TOGETHER:
        return sum(sizes)
    if node.op in BROADCASTING:
        try:
            return prod(np.broadcast_shapes(*shapes))
        except ValueError:
            return None
    return prod(max(1, size) for size in sizes)
