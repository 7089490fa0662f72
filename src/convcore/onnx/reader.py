"""ONNX files to graphs. No byte is trusted: what a file claims is checked before it is used."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from convcore.graph.node import Graph, Node, Value
from convcore.graph.types import dtype_of
from convcore.onnx.fields import (
    AttributeField,
    AttributeType,
    DimensionField,
    EntryField,
    FunctionField,
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
from convcore.onnx.wire import Message, WireError
from convcore.spec.errors import short_repr
from convcore.spec.operands import Array, DType

DEFAULT_DOMAINS = ("", "ai.onnx")
MOST_DEPTH = 32  # of graphs in graphs, and of functions in functions
MOST_NODES = 1_000_000  # after functions are written out
MOST_BYTES = 1 << 28  # of constants that are copied when functions are written out
MOST_AXES = 64  # of NumPy's arrays
LAST_WITHOUT_OPSETS = 2  # version of the format
STRING, BFLOAT16 = 8, 16
EXTERNAL = 1

# The field of a tensor's numbers, if they are not raw bytes, by kind and size of the dtype.
FLOATS, DOUBLES = ("f4", "c8"), ("f8", "c16")
INT64S, UINT64S = ("i8",), ("u4", "u8")


class FormatError(ValueError):
    """The file is no model, or not a whole one, or one that this reader does not take."""


class Source(NamedTuple):
    """Where a model comes from: its bytes, and the folder of its other files, if it has one."""

    data: bytes
    folder: Path | None


class Function(NamedTuple):
    """A function of a model: a name for several nodes."""

    inputs: list[str]
    outputs: list[str]
    nodes: list[Message]
    defaults: dict[str, Any]


Key = tuple[str, str]  # a domain and a name


def read_model(source: Source) -> Graph:
    """The graph of a model, its functions written out."""
    try:
        return _Reader(source).model()
    except WireError as error:
        raise FormatError(f"not an ONNX file, or truncated: {error}") from None
    except RecursionError:
        raise FormatError("the graphs of a file must not be nested so deep") from None


class _Reader:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.functions: dict[Key, Function] = {}
        self.written = 0  # nodes so far, and calls of functions
        self.copied = 0  # bytes of constants in functions
        self.inside = 0  # how many functions are being written out

    def model(self) -> Graph:
        model = Message(memoryview(self.source.data))
        body = model.message(ModelField.GRAPH)
        if body is None:
            raise FormatError("not an ONNX file: there is no graph in it")
        opsets = {
            entry.text(OpsetField.DOMAIN): entry.integer(OpsetField.VERSION)
            for entry in model.messages(ModelField.OPSETS)
        }
        if not opsets and model.integer(ModelField.IR_VERSION) > LAST_WITHOUT_OPSETS:
            raise FormatError("not an ONNX file, or truncated: it names no opset")
        opset = next((opsets[name] for name in DEFAULT_DOMAINS if name in opsets), 1)
        if not 0 < opset < 1000:
            raise FormatError(f"the opset must be a positive number, got {opset}")
        for entry in model.messages(ModelField.FUNCTIONS):
            key = _domain(entry.text(FunctionField.DOMAIN)), entry.text(FunctionField.NAME)
            defaults = [
                self.attribute(a, {}, opset, 0) for a in entry.messages(FunctionField.DEFAULTS)
            ]
            self.functions[key] = Function(
                entry.texts(FunctionField.INPUTS),
                entry.texts(FunctionField.OUTPUTS),
                entry.messages(FunctionField.NODES),
                {name: value for name, value in defaults if name is not None},
            )
        return self.graph(body, {}, opset, 0)

    def graph(self, of: Message, given: dict[str, Any], opset: int, depth: int) -> Graph:
        if depth > MOST_DEPTH:
            raise FormatError(f"graphs must not be nested deeper than {MOST_DEPTH}")
        if GraphField.SPARSE_CONSTANTS in of:
            raise FormatError("constants must be dense arrays, got a sparse one")
        constants = dict(self.tensor(entry) for entry in of.messages(GraphField.CONSTANTS))
        inputs = [_value(entry) for entry in of.messages(GraphField.INPUTS)]
        nodes = self.nodes(of.messages(GraphField.NODES), given, opset, depth)
        return Graph(
            nodes=nodes,
            constants=constants,
            # files of old versions list constants among the inputs
            inputs=[value for value in inputs if value.name not in constants],
            outputs=[_value(entry) for entry in of.messages(GraphField.OUTPUTS)],
            opset=opset,
            name=of.text(GraphField.NAME),
        )

    def nodes(
        self, of: Iterable[Message], given: dict[str, Any], opset: int, depth: int
    ) -> list[Node]:
        found = []
        for entry in of:
            pairs = [
                self.attribute(a, given, opset, depth) for a in entry.messages(NodeField.ATTRIBUTES)
            ]
            node = Node(
                op=entry.text(NodeField.OP),
                inputs=tuple(entry.texts(NodeField.INPUTS)),
                outputs=tuple(entry.texts(NodeField.OUTPUTS)),
                attributes={name: value for name, value in pairs if name is not None},
                name=entry.text(NodeField.NAME),
                domain=_domain(entry.text(NodeField.DOMAIN)),
            )
            function = self.functions.get((node.domain, node.op))
            self.written += 1
            if function is None:
                found.append(node)
            else:
                found += self.expand(node, function, opset, depth + 1)
            if self.written > MOST_NODES:
                raise FormatError(f"a model must have at most {MOST_NODES} nodes")
        return found

    def expand(self, node: Node, function: Function, opset: int, depth: int) -> list[Node]:
        """The nodes of a function for one call of it, their values under names of their own."""
        if depth > MOST_DEPTH:
            raise FormatError(f"function {node.op} must not call itself")
        names = dict(zip(function.inputs, node.inputs, strict=False)) | {"": ""}
        names |= dict.fromkeys(function.inputs[len(node.inputs) :], "")
        names |= {
            name: out for name, out in zip(function.outputs, node.outputs, strict=False) if out
        }
        prefix = f"{node.outputs[0] if node.outputs else node.name}/{node.op}/"
        self.inside += 1
        inside = self.nodes(function.nodes, function.defaults | node.attributes, opset, depth)
        self.inside -= 1
        return [_renamed(each, names, prefix) for each in inside]

    def attribute(
        self, of: Message, given: dict[str, Any], opset: int, depth: int
    ) -> tuple[str | None, Any]:
        """Name and value; None for one that refers to an attribute that was not given."""
        name = of.text(AttributeField.NAME)
        if reference := of.text(AttributeField.REFERENCE):
            return (name, given[reference]) if reference in given else (None, None)
        kind = of.integer(AttributeField.TYPE)
        if not kind:  # files of the first versions do not say it
            present = (k for k in AttributeType if FIELDS[k] in of)
            kind = next(present, 0)
        if kind not in FIELDS:
            raise FormatError(f"attribute {short_repr(name)} is of the kind {kind}")
        number = FIELDS[AttributeType(kind)]
        value: Any
        match kind:
            case AttributeType.FLOAT | AttributeType.FLOATS:
                value = of.floats(number)
            case AttributeType.INT | AttributeType.INTS:
                value = of.integers(number)
            case AttributeType.STRING | AttributeType.STRINGS:
                value = of.texts(number)
            case AttributeType.TENSOR | AttributeType.TENSORS:
                value = [self.tensor(entry)[1] for entry in of.messages(number)]
            case _:
                graphs = of.messages(number)
                value = [self.graph(entry, given, opset, depth + 1) for entry in graphs]
        if kind in SEVERAL:
            return name, value
        if not value and kind in EMPTY:  # a zero need not be written
            return name, EMPTY[AttributeType(kind)]
        if not value:
            raise FormatError(f"attribute {short_repr(name)} has no value")
        return name, value[-1]

    def tensor(self, of: Message) -> tuple[str, Array]:
        """Name and array: a copy, for the bytes of a file stand anywhere."""
        name, number = of.text(TensorField.NAME), of.integer(TensorField.TYPE)
        shape = tuple(of.integers(TensorField.DIMS))
        words = f"tensor {short_repr(name)} of shape {short_repr(shape)}"
        if any(size < 0 for size in shape) or TensorField.SEGMENT in of:
            raise FormatError(f"{words}: not a whole array")
        if len(shape) > MOST_AXES or prod(max(1, size) for size in shape) >= 1 << 60:
            raise FormatError(f"{words}: larger than an array can be")
        count = prod(shape)
        if number == STRING:
            texts = of.texts(TensorField.STRINGS)
            if len(texts) != count:
                raise FormatError(f"{words}: {len(texts)} texts, expected {count}")
            return name, np.array(texts, object).reshape(shape)
        try:
            dtype = dtype_of(number)
        except ValueError as error:
            if number != BFLOAT16:
                raise FormatError(f"{words}: {error}") from None
            dtype = np.dtype("<u2")
        data = self.bytes_of(of, words, dtype)
        if len(data) != count * dtype.itemsize:
            raise FormatError(f"{words}: {len(data)} bytes, expected {count * dtype.itemsize}")
        if self.inside:
            self.copied += len(data)
            if self.copied > MOST_BYTES:
                raise FormatError(f"functions must have at most {MOST_BYTES} bytes of constants")
        array = np.frombuffer(data, dtype.newbyteorder("<")).reshape(shape)
        if number == BFLOAT16:  # the upper half of a float32
            return name, (array.astype("<u4") << 16).view("<f4").astype(np.float32)
        return name, array.astype(dtype)

    def bytes_of(self, of: Message, words: str, dtype: DType) -> bytes | memoryview:
        """The bytes of a tensor's numbers, wherever they stand."""
        if of.integer(TensorField.LOCATION) == EXTERNAL:
            return self.external(of, words)
        if TensorField.RAW in of:
            return of.last_bytes(TensorField.RAW)
        kind = dtype.str[1:]
        if kind in FLOATS:
            return of.packed(TensorField.FLOATS)
        if kind in DOUBLES:
            return of.packed(TensorField.DOUBLES)
        number = (
            TensorField.INT64S if kind in INT64S
            else TensorField.UINT64S if kind in UINT64S
            else TensorField.INT32S
        )  # fmt: skip
        values = np.array(of.integers(number), np.int64)
        if kind == "f2":  # its bits
            return values.astype("<u2").tobytes()
        return values.astype(dtype.newbyteorder("<")).tobytes()

    def external(self, of: Message, words: str) -> bytes:
        """A part of another file, which must stand in the model's folder."""
        entries = of.messages(TensorField.EXTERNAL)
        facts = {entry.text(EntryField.KEY): entry.text(EntryField.VALUE) for entry in entries}
        location = facts.get("location", "")
        if self.source.folder is None:
            raise FormatError(
                f"{words}: its numbers are in the file {short_repr(location)}: load the model by "
                "its path"
            )
        folder = self.source.folder.resolve()
        try:
            path = (folder / location).resolve()
        except (OSError, RuntimeError, ValueError):  # a circle of links, a zero byte
            path = folder
        if path == folder or not path.is_relative_to(folder):
            raise FormatError(
                f"{words}: its file must be inside the model's folder, got {short_repr(location)}"
            )
        try:
            offset, length = int(facts.get("offset", 0)), int(facts.get("length", 0))
        except ValueError:
            raise FormatError(f"{words}: offset and length must be integers") from None
        try:
            size = path.stat().st_size
            whole = "length" not in facts
            fits = 0 <= offset <= size and (whole or 0 <= length <= size - offset)
            if not path.is_file() or not fits:
                raise FormatError(f"{words}: {location} has {size} bytes, and not those named")
            with path.open("rb") as file:
                file.seek(offset)
                return file.read(size - offset if whole else length)
        except OSError as error:
            raise FormatError(f"{words}: {location} cannot be read: {error.strerror}") from None


FIELDS: dict[int, AttributeField] = {
    AttributeType.FLOAT: AttributeField.FLOAT,
    AttributeType.INT: AttributeField.INT,
    AttributeType.STRING: AttributeField.STRING,
    AttributeType.TENSOR: AttributeField.TENSOR,
    AttributeType.GRAPH: AttributeField.GRAPH,
    AttributeType.FLOATS: AttributeField.FLOATS,
    AttributeType.INTS: AttributeField.INTS,
    AttributeType.STRINGS: AttributeField.STRINGS,
    AttributeType.TENSORS: AttributeField.TENSORS,
    AttributeType.GRAPHS: AttributeField.GRAPHS,
}
SEVERAL = {
    AttributeType.FLOATS,
    AttributeType.INTS,
    AttributeType.STRINGS,
    AttributeType.TENSORS,
    AttributeType.GRAPHS,
}
EMPTY: dict[int, Any] = {
    AttributeType.FLOAT: 0.0,
    AttributeType.INT: 0,
    AttributeType.STRING: "",
}


def _domain(name: str) -> str:
    return "" if name in DEFAULT_DOMAINS else name


def _value(of: Message) -> Value:
    """An input or an output, with what is known of it."""
    name, kind = of.text(ValueField.NAME), of.message(ValueField.TYPE)
    tensor = kind.message(TypeField.TENSOR) if kind else None
    if tensor is None:
        return Value(name)
    try:
        dtype = dtype_of(tensor.integer(TensorTypeField.ELEMENT))
    except ValueError:  # what NumPy has not is refused where an operator meets it
        dtype = None
    shape = tensor.message(TensorTypeField.SHAPE)
    if shape is None:
        return Value(name, dtype)
    return Value(name, dtype, tuple(_size(entry) for entry in shape.messages(ShapeField.DIMS)))


def _size(of: Message) -> int | str | None:
    if DimensionField.SIZE in of:
        size = of.integer(DimensionField.SIZE)
        return size if size >= 0 else None
    name = of.text(DimensionField.NAME)
    return name if name.strip("?*") else None  # some writers call every unknown size "?"


def _renamed(node: Node, names: dict[str, str], prefix: str) -> Node:
    """A node of a function with the names that its values have outside."""

    def of(name: str) -> str:
        return names.get(name, prefix + name)

    return Node(
        op=node.op,
        inputs=tuple(map(of, node.inputs)),
        outputs=tuple(map(of, node.outputs)),
        attributes={
            key: _renamed_graph(value, of) if isinstance(value, Graph) else value
            for key, value in node.attributes.items()
        },
        name=prefix + node.name,
        domain=node.domain,
    )


def _renamed_graph(graph: Graph, of: Callable[[str], str]) -> Graph:
    """A graph inside a function: names from outside are renamed, its own need not be."""
    outer = {name: of(name) for name in graph.needs()}
    own = {name for node in graph.nodes for name in node.outputs} | {v.name for v in graph.inputs}
    names = {name: name for name in own | set(graph.constants)} | outer | {"": ""}
    return Graph(
        nodes=[_renamed(node, names, "") for node in graph.nodes],
        constants=graph.constants,
        inputs=graph.inputs,
        outputs=[Value(names.get(v.name, v.name), v.dtype, v.shape) for v in graph.outputs],
        opset=graph.opset,
        name=graph.name,
    )
