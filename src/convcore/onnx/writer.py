"""Graphs to ONNX files."""

from __future__ import annotations

from typing import Any

import numpy as np

from convcore.graph.node import Graph, Node, Value
from convcore.graph.types import number_of
from convcore.onnx.fields import (
    AttributeField,
    AttributeType,
    DimensionField,
    GraphField,
    ModelField,
    NodeField,
    OpsetField,
    ShapeField,
    TensorField,
    TensorTypeField,
    TypeField,
    ValueField,
)
from convcore.onnx.wire import Field, write
from convcore.spec.operands import Array

IR_VERSION = 10  # the one of opset 21


def write_model(graph: Graph, producer: str = "convcore") -> bytes:
    """The bytes of a model of ONNX's own operators."""
    opset = write([Field(OpsetField.DOMAIN, ""), Field(OpsetField.VERSION, graph.opset)])
    return write([
        Field(ModelField.IR_VERSION, IR_VERSION),
        Field(ModelField.PRODUCER, producer),
        Field(ModelField.GRAPH, _graph(graph)),
        Field(ModelField.OPSETS, opset),
    ])  # fmt: skip


def _graph(graph: Graph) -> bytes:
    fields = [Field(GraphField.NODES, _node(node)) for node in graph.nodes]
    fields.append(Field(GraphField.NAME, graph.name or "graph"))
    fields += [
        Field(GraphField.CONSTANTS, tensor(array, name)) for name, array in graph.constants.items()
    ]
    fields += [Field(GraphField.INPUTS, _value(value)) for value in graph.inputs]
    fields += [Field(GraphField.OUTPUTS, _value(value)) for value in graph.outputs]
    return write(fields)


def _node(node: Node) -> bytes:
    return write([
        *(Field(NodeField.INPUTS, name) for name in node.inputs),
        *(Field(NodeField.OUTPUTS, name) for name in node.outputs),
        Field(NodeField.NAME, node.name),
        Field(NodeField.OP, node.op),
        *(Field(NodeField.ATTRIBUTES, _attribute(*each)) for each in node.attributes.items()),
        *([Field(NodeField.DOMAIN, node.domain)] if node.domain else []),
    ])  # fmt: skip


def _attribute(name: str, value: Any) -> bytes:
    fields = [Field(AttributeField.NAME, name)]
    kind, several = _kind(value)
    values = value if several else [value]
    field = AttributeField[kind.name]
    for each in values:
        entry: Any = each
        if kind in (AttributeType.FLOAT, AttributeType.FLOATS):
            entry = float(each)
        elif kind in (AttributeType.INT, AttributeType.INTS):
            entry = int(each)
        elif kind is AttributeType.TENSOR:
            entry = tensor(each)
        elif kind is AttributeType.GRAPH:
            entry = _graph(each)
        fields.append(Field(field, entry))
    fields.append(Field(AttributeField.TYPE, int(kind)))
    return write(fields)


def _kind(value: Any) -> tuple[AttributeType, bool]:
    """The type of an attribute's value, and whether it is a list."""
    if isinstance(value, (list, tuple)):
        if all(isinstance(each, (int, np.integer)) for each in value):
            return AttributeType.INTS, True
        if all(isinstance(each, str) for each in value):
            return AttributeType.STRINGS, True
        return AttributeType.FLOATS, True
    if isinstance(value, str):
        return AttributeType.STRING, False
    if isinstance(value, np.ndarray):
        return AttributeType.TENSOR, False
    if isinstance(value, Graph):
        return AttributeType.GRAPH, False
    if isinstance(value, (int, np.integer)):
        return AttributeType.INT, False
    return AttributeType.FLOAT, False


def tensor(array: Array, name: str = "") -> bytes:
    """A TensorProto."""
    little = array.astype(array.dtype.newbyteorder("<"))
    return write([
        *(Field(TensorField.DIMS, size) for size in array.shape),
        Field(TensorField.TYPE, number_of(array.dtype)),
        *([Field(TensorField.NAME, name)] if name else []),
        Field(TensorField.RAW, little.tobytes()),
    ])  # fmt: skip


def _value(value: Value) -> bytes:
    fields = [Field(ValueField.NAME, value.name)]
    if value.dtype is not None:
        parts = [Field(TensorTypeField.ELEMENT, number_of(value.dtype))]
        if value.shape is not None:
            dims = [Field(ShapeField.DIMS, _dimension(size)) for size in value.shape]
            parts.append(Field(TensorTypeField.SHAPE, write(dims)))
        kind = write([Field(TypeField.TENSOR, write(parts))])
        fields.append(Field(ValueField.TYPE, kind))
    return write(fields)


def _dimension(size: int | str | None) -> bytes:
    if size is None:
        return b""
    number = DimensionField.SIZE if isinstance(size, int) else DimensionField.NAME
    return write([Field(number, size)])
