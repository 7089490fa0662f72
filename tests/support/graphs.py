"""Small graphs and ONNX files, written node by node without the onnx package."""

import numpy as np

from convcore.graph.node import Graph, Node, Value
from convcore.graph.operators import Call, find
from convcore.onnx.fields import FunctionField, GraphField, ModelField, OpsetField
from convcore.onnx.wire import Field, write
from convcore.onnx.writer import _graph, _node

FLOAT = np.dtype(np.float32)


def node(op, inputs="", outputs="", name="", domain="", **attributes):
    """A node; names of values are written in one string."""
    inputs, outputs = (
        tuple("" if word == "-" else word for word in text.split()) for text in (inputs, outputs)
    )
    return Node(op, inputs, outputs, attributes, name, domain)


def value(name, shape=None, dtype=FLOAT):
    return Value(name, None if dtype is None else np.dtype(dtype), shape)


def graph(nodes, inputs="x", outputs="y", opset=21, **constants):
    """A graph; inputs and outputs are names in a string, or values."""
    given, made = (
        [value(name) for name in each.split()] if isinstance(each, str) else list(each)
        for each in (inputs, outputs)
    )
    arrays = {name: np.asarray(array) for name, array in constants.items()}
    return Graph(list(nodes), arrays, given, made, opset, "graph")


def by_node(of, inputs):
    """The outputs of a graph computed node by node, as it is written: no pass, no block."""
    with np.errstate(all="ignore"):
        return _plain(of, dict(inputs))


def _plain(of, known):
    known = {**known, "": None, **of.constants}
    for each in of.nodes:
        row = find(each.key, of.opset)
        arguments = [known[name] for name in each.inputs]
        if row.wants_call:

            def inner(graph, arrays, known=known):
                names = [v.name for v in graph.inputs]
                return _plain(graph, known | dict(zip(names, arrays, strict=True)))

            wanted = tuple(bool(name) for name in each.outputs)
            arguments = [Call(of.opset, wanted, inner, 1), *arguments]
        result = row.function(*arguments, **each.attributes)
        results = result if isinstance(result, tuple) else (result,)
        known.update(zip(each.outputs, results, strict=False))
        known[""] = None
    return [np.asarray(known[v.name]) for v in of.outputs]


# --- files ----------------------------------------------------------------------------------------


def opsets(*pairs):
    return [
        Field(ModelField.OPSETS, write([
            Field(OpsetField.DOMAIN, domain), Field(OpsetField.VERSION, version)
        ]))
        for domain, version in pairs
    ]  # fmt: skip


def function(name, inputs, outputs, nodes, domain="own"):
    """A FunctionProto."""
    return write([
        Field(FunctionField.NAME, name),
        *(Field(FunctionField.INPUTS, each) for each in inputs.split()),
        *(Field(FunctionField.OUTPUTS, each) for each in outputs.split()),
        *(Field(FunctionField.NODES, each if isinstance(each, bytes) else _node(each))
          for each in nodes),
        Field(FunctionField.DOMAIN, domain),
    ])  # fmt: skip


def model(body, functions=(), version=10, opset=21):
    """The bytes of a model: a graph or its bytes, and functions."""
    body = body if isinstance(body, bytes) else _graph(body)
    return write([
        Field(ModelField.IR_VERSION, version),
        Field(ModelField.GRAPH, body),
        *opsets(("", opset), ("own", 1)),
        *(Field(ModelField.FUNCTIONS, each) for each in functions),
    ])  # fmt: skip


def with_tensor(*fields):
    """A model of one constant, given field by field."""
    body = _graph(graph([node("Add", "x c", "y")]))
    return model(body + write([Field(GraphField.CONSTANTS, write(fields))]))
