"""Files that are read and written: every way to write a tensor, and models of layers."""

import struct

import numpy as np
import pytest

from convcore import nn, onnx
from convcore.graph.types import DTYPES
from convcore.onnx.export import export
from convcore.onnx.fields import (
    AttributeField,
    GraphField,
    ModelField,
    NodeField,
    TensorField,
    ValueField,
)
from convcore.onnx.reader import Source, read_model
from convcore.onnx.wire import Field, Message, varint, write
from convcore.onnx.writer import _graph, _node, write_model
from tests.support.graphs import graph, model, node, value

rng = np.random.default_rng(0)


def read(data):
    return read_model(Source(data, None))


def same_graph(one, other):
    assert (one.inputs, one.outputs, one.opset, one.name) == (
        other.inputs, other.outputs, other.opset, other.name
    )  # fmt: skip
    assert one.constants.keys() == other.constants.keys()
    for name, array in one.constants.items():
        assert array.dtype == other.constants[name].dtype
        np.testing.assert_array_equal(array, other.constants[name])
    for a, b in zip(one.nodes, other.nodes, strict=True):
        assert (a.op, a.inputs, a.outputs, a.name, a.domain) == (
            b.op, b.inputs, b.outputs, b.name, b.domain
        )  # fmt: skip
        assert a.attributes.keys() == b.attributes.keys()
        for name, mine in a.attributes.items():
            theirs = b.attributes[name]
            if hasattr(mine, "nodes"):
                same_graph(mine, theirs)
            elif isinstance(mine, np.ndarray):
                np.testing.assert_array_equal(mine, theirs)
            elif isinstance(mine, float):
                assert np.float32(mine) == np.float32(theirs)
            else:
                assert list(np.atleast_1d(mine)) == list(np.atleast_1d(theirs))


def test_what_is_written_is_read():
    inner = graph([node("Add", "x c", "z")], "", "z", opset=17)
    nodes = [
        node("Conv", "x w -", "a", "first", strides=[1, 2], auto_pad="SAME_UPPER", group=1),
        node("LeakyRelu", "a", "b", alpha=0.3),
        node("Constant", "", "c", value=np.arange(6, dtype=np.int64).reshape(2, 3)),
        node("If", "b", "y", then_branch=inner, else_branch=inner),
        node("Own", "y", "q -", domain="com.other", floats=[1.5, -2.0], names=["a", "é"], n=-3),
    ]
    inputs = [value("x", ("N", 3, None, 4)), value("v", None), value("u", (), np.bool)]
    one = graph(nodes, inputs, [value("y", (1,), np.float64), value("q", None, None)], opset=17,
                w=np.ones((1, 3, 1, 1), np.float16), e=np.zeros((0, 3), np.int8))  # fmt: skip
    same_graph(one, read(write_model(one)))


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=str)
def test_dtypes(dtype):
    array = np.array([0, 1, 1, 0], dtype).reshape(2, 2)
    array[0, 0] = 1 if dtype.kind == "b" else 77
    (found,) = read(model(graph([], "", "c", c=array))).constants.values()
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, array)


def tensor(kind, *fields, dims=(2,)):
    """The constant of a graph, field by field, as it is read."""
    one = write([*(Field(TensorField.DIMS, n) for n in dims), Field(TensorField.TYPE, kind),
                 Field(TensorField.NAME, "c"), *fields])  # fmt: skip
    body = _graph(graph([], "", "c")) + write([Field(GraphField.CONSTANTS, one)])
    return read(model(body)).constants["c"]


def packed(*numbers):
    return b"".join(map(varint, numbers))


T = TensorField
TYPED = {
    "float32": (1, [Field(T.FLOATS, struct.pack("<2f", 1.5, -2))], np.float32([1.5, -2])),
    "one by one": (1, [Field(T.FLOATS, 1.5), Field(T.FLOATS, -2.0)], np.float32([1.5, -2])),
    "float64": (11, [Field(T.DOUBLES, struct.pack("<2d", 0.1, -2))], np.array([0.1, -2])),
    "complex64": (14, [Field(T.FLOATS, struct.pack("<4f", 1, 2, 3, 4))],
                  np.complex64([1 + 2j, 3 + 4j])),
    "int64": (7, [Field(T.INT64S, packed(3, -(1 << 62)))], np.array([3, -(1 << 62)])),
    "int64 one by one": (7, [Field(T.INT64S, 3), Field(T.INT64S, -4)], np.array([3, -4])),
    "int32": (6, [Field(T.INT32S, packed(3, -4))], np.int32([3, -4])),
    "int8": (3, [Field(T.INT32S, packed(3, -4))], np.int8([3, -4])),
    "uint8": (2, [Field(T.INT32S, packed(3, 255))], np.uint8([3, 255])),
    "bool": (9, [Field(T.INT32S, packed(0, 1))], np.array([False, True])),
    "float16": (10, [Field(T.INT32S, packed(0x3E00, 0xC000))], np.float16([1.5, -2])),
    "uint32": (12, [Field(T.UINT64S, packed(3, (1 << 32) - 1))], np.uint32([3, (1 << 32) - 1])),
    "uint64": (13, [Field(T.UINT64S, packed(3, (1 << 64) - 1))], np.uint64([3, (1 << 64) - 1])),
    "bfloat16": (16, [Field(T.RAW, struct.pack("<2H", 0x3FC0, 0xC000))], np.float32([1.5, -2])),
    "bfloat16 typed": (16, [Field(T.INT32S, packed(0x3FC0, 0xC000))], np.float32([1.5, -2])),
    "text": (8, [Field(T.STRINGS, "a"), Field(T.STRINGS, "ö")], np.array(["a", "ö"], object)),
}  # fmt: skip


@pytest.mark.parametrize("name", TYPED)
def test_fields_of_tensors(name):
    kind, fields, wanted = TYPED[name]
    found = tensor(kind, *fields)
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found, wanted)
    if wanted.dtype != object:
        assert found.flags.aligned
        assert found.flags.owndata or found.base is None


def test_a_scalar_and_nothing():
    assert tensor(1, Field(T.RAW, struct.pack("<f", 2.5)), dims=()).item() == 2.5
    assert tensor(1, dims=(0, 3)).shape == (0, 3)


def test_attributes_of_the_first_versions_have_no_type():
    given = write([Field(AttributeField.NAME, "alpha"), Field(AttributeField.FLOAT, 0.5)])
    one = _node(node("LeakyRelu", "x", "y")) + write([Field(NodeField.ATTRIBUTES, given)])
    body = _graph(graph([])) + write([Field(GraphField.NODES, one)])
    assert read(model(body)).nodes[0].attributes == {"alpha": 0.5}
    old = write([Field(ModelField.IR_VERSION, 2), Field(ModelField.GRAPH, body)])
    assert read(old).opset == 1
    assert next(iter(onnx.load(old).run(np.float32([-2, 2])).values())).tolist() == [-1, 2]


def test_what_is_not_written_is_zero():
    given = write([Field(AttributeField.NAME, "axis"), Field(AttributeField.TYPE, 2)])
    one = _node(node("Flatten", "x", "y")) + write([Field(NodeField.ATTRIBUTES, given)])
    body = _graph(graph([])) + write([Field(GraphField.NODES, one)])
    assert next(iter(onnx.load(model(body)).run(np.ones((2, 3), np.float32)).values())).shape == (
        1,
        6,
    )


def test_unknown_fields_are_left_out():
    data = model(graph([node("Relu", "x", "y")]))
    more = write([Field(77, "text"), Field(78, 5), Field(79, 1.0)])
    assert next(iter(onnx.load(data + more).run(np.float32([-2, 2])).values())).tolist() == [0, 2]


def test_inputs_without_types():
    body = graph([node("Relu", "x", "y")], [value("x", None, None)])
    network = onnx.load(model(body))
    assert network.inputs[0].dtype is network.inputs[0].shape is None
    assert next(iter(network.run(np.array([-1.0, 2.0])).values())).dtype == np.float64


def test_sizes_that_are_not_known():
    inputs = [value("x", ("?", -1, "N", None))]
    assert onnx.load(model(graph([node("Relu", "x", "y")], inputs))).inputs[0].shape == (
        None, None, "N", None
    )  # fmt: skip
    one = write([Field(ValueField.NAME, "x")])
    body = _graph(graph([node("Relu", "x", "y")], "")) + write([Field(GraphField.INPUTS, one)])
    assert onnx.load(model(body)).inputs[0].shape is None


def test_varints():
    for number in (0, 1, 127, 128, 300, (1 << 63) - 1, -1, -(1 << 63)):
        assert Message(memoryview(write([Field(1, number)]))).integers(1) == [number]


# --- models of layers -----------------------------------------------------------------------------


def test_export(tmp_path):
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding="same", rng=0), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(128, 5, rng=1),
    )  # fmt: skip
    path = tmp_path / "model.onnx"
    data = export(model, (3, 8, 8), path)
    assert path.read_bytes() == data == export(model, (7, 3, 8, 8))
    x = rng.random((4, 3, 8, 8), np.float32)
    for source in (data, path, str(path), bytearray(data), memoryview(data)):
        network = onnx.load(source)
        assert repr(network) == "Network(input (N, 3, 8, 8) -> output (N, 5))"
        (y,) = network.run(x).values()
        np.testing.assert_allclose(y, model.forward(x), rtol=1e-5, atol=1e-6)
    graph = read(data)
    assert [each.op for each in graph.nodes][:3] == ["Conv", "Relu", "MaxPool"]
    assert graph.nodes[0].name == "0.Conv"


def test_export_keeps_the_dtype():
    model = nn.Sequential(nn.Conv1d(2, 3, 3, rng=0, dtype=np.float64))
    network = onnx.load(export(model, (2, 9)))
    assert network.inputs[0].dtype == network.outputs[0].dtype == np.float64
    x = rng.random((1, 2, 9))
    assert next(iter(network.run(x).values())).tobytes() == model.forward(x).tobytes()


@pytest.mark.parametrize("build", [nn.Identity, nn.Dropout, lambda: nn.Sequential()])
def test_models_that_do_nothing(build):
    network = onnx.load(export(build(), (2, 3)))
    x = rng.random((4, 2, 3), np.float32)
    (y,) = network.run(x).values()
    assert (y == x).all()
    assert not np.shares_memory(y, x)


def test_export_refuses(tmp_path):
    class Mine(nn.Layer):
        def _forward(self, x):
            return x, None

    with pytest.raises(ValueError, match=r"^onnx\.export: .* got Mine in layer '1\.own'$"):
        export(nn.Sequential(nn.ReLU(), nn.Sequential({"own": Mine()})), (3,))
    with pytest.raises(TypeError, match="model must be a layer"):
        export("model", (3,))
    with pytest.raises(ValueError, match="must have 3 channels"):
        export(nn.Sequential(nn.Conv2d(3, 4, 3)), (2, 8, 8))
    with pytest.raises(OSError, match="path"):
        export(nn.ReLU(), (3,), tmp_path)
