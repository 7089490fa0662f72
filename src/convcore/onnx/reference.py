"""What needs the onnx package: its evaluator for operators that are unknown here, and ours for it.

The package is imported where it is used; ``pip install convcore[onnx]`` brings it.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from convcore.graph.node import Graph, Node, Value
from convcore.graph.operators import Call, find
from convcore.onnx.writer import write_model
from convcore.spec.operands import Array

# Operators that onnx's own evaluator computes in Python loops.
FAST = (
    "AveragePool", "Conv", "ConvInteger", "ConvTranspose", "GlobalAveragePool", "GlobalLpPool",
    "GlobalMaxPool", "LpPool", "MaxPool", "QLinearConv", "GRU", "LRN", "LSTM", "RNN", "Resize",
)  # fmt: skip
OPSETS = (1, 7, 9, 11, 13, 18, 21)  # in which a meaning may begin


def require_onnx(op: str) -> ModuleType:
    """The onnx package."""
    try:
        import onnx.reference.op_run
    except ImportError:
        raise ImportError(f"{op}: needs onnx: pip install convcore[onnx]") from None
    package: ModuleType = onnx
    return package


def fallback(node: Node, opset: int) -> Callable[..., Any] | None:
    """A function that runs a node by onnx's evaluator; None: it has no such operator."""
    onnx = require_onnx("onnx.load")
    if next(node.graphs(), None) is not None:
        return None  # it may need values of the outer graph
    values = [Value(name) for name in dict.fromkeys(node.inputs) if name]
    graph = Graph([node], {}, values, [Value(name) for name in node.outputs if name], opset)
    data = write_model(graph)
    try:
        evaluator = onnx.reference.ReferenceEvaluator(onnx.load_model_from_string(data))
    except Exception:  # its ways to say that an operator or a type is unknown are many
        return None

    def run(*inputs: Array | None) -> tuple[Array | None, ...]:
        feed = {name: array for name, array in zip(node.inputs, inputs, strict=True) if name}
        found = iter(evaluator.run(None, feed))
        return tuple(next(found) if name else None for name in node.outputs)

    return run


def operators() -> list[type]:
    """Operators for ``onnx.reference.ReferenceEvaluator(model, new_ops=...)``.

    Returns
    -------
    list of type
        Classes for those operators that onnx's own evaluator computes slowly: convolutions,
        poolings, recurrent layers and a few others.
    """
    onnx = require_onnx("onnx.ops")
    return [_operator(onnx, name) for name in FAST]


def _operator(onnx: ModuleType, name: str) -> type:
    base: Any = onnx.reference.op_run.OpRun

    def run(self: Any, *inputs: Array | None, **given: Any) -> tuple[Any, ...]:
        opset = self.run_params.get("opsets", {}).get("", 21)
        row = find(name, opset)
        assert row is not None
        written = {each.name for each in self.onnx_node.attribute}
        attributes = {
            key: list(value) if isinstance(value, np.ndarray) else value
            for key, value in given.items()
            if key in written
        }
        wanted = tuple(bool(each) for each in self.onnx_node.output)
        call = Call(opset, wanted, lambda graph, arrays: arrays)
        arguments = (call, *inputs) if row.wants_call else inputs
        with np.errstate(all="ignore"):
            result = row.function(*arguments, **attributes)
        return result if isinstance(result, tuple) else (result,)

    return type(name, (base,), {"op_domain": "", "_run": run, "__module__": __name__})
