"""Files that lie: each is refused with a ValueError, at once and without memory."""

import os
import tracemalloc

import numpy as np
import pytest

from convcore import nn, onnx
from convcore.onnx.fields import (
    AttributeField,
    EntryField,
    GraphField,
    ModelField,
    NodeField,
    TensorField,
)
from convcore.onnx.wire import Field, varint, write
from convcore.onnx.writer import _graph, _node
from tests.support.graphs import function, graph, model, node, opsets, value, with_tensor


def small():
    return nn.Sequential(
        nn.Conv2d(1, 2, 3, rng=0), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.PReLU(2),
        nn.ReLU6(), nn.Upsample(2), nn.Flatten(), nn.Linear(72, 3, rng=0), nn.Softmax(),
    )  # fmt: skip


@pytest.fixture(scope="module")
def data():
    return onnx.export(small(), (1, 8, 8))


def refused(data, words=None, most=1 << 20):
    """Refuse it, and hold at most some bytes meanwhile."""
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=words) as caught:
            onnx.load(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert str(caught.value).startswith("onnx.load: ")
    assert peak < most + (40 * len(data) if isinstance(data, bytes) else 0)
    return str(caught.value)


# --- bytes ----------------------------------------------------------------------------------------


def test_every_part_of_a_file(data):
    assert onnx.load(data).inputs[0].name == "input"
    for size in range(len(data)):
        with pytest.raises(ValueError, match=r"^onnx\.load: "):
            onnx.load(data[:size])


@pytest.mark.parametrize("seed", range(4))
def test_flipped_bits(data, seed):
    rng, loaded = np.random.default_rng(seed), 0
    for _ in range(250):
        wrong = bytearray(data)
        for place in rng.integers(len(data), size=rng.integers(1, 4)):
            wrong[place] ^= 1 << rng.integers(8) if rng.random() < 0.7 else rng.integers(1, 256)
        try:
            network = onnx.load(bytes(wrong))
        except ValueError:
            continue
        loaded += 1
        assert repr(network).startswith("Network(")
    assert 20 < loaded < 230  # most bits are weights


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"\0",
        b"\xff" * 40,
        b"PK\x03\x04",
        b"not a model",
        varint(ModelField.GRAPH << 3 | 2) + varint(1 << 60),
        varint(ModelField.GRAPH << 3 | 2) + b"\xff" * 20,
        varint(ModelField.GRAPH << 3 | 3),
        write([Field(ModelField.GRAPH, 5)]),
        write([Field(ModelField.IR_VERSION, 10), Field(ModelField.GRAPH, b"")]),
    ],
)
def test_no_models(wrong):
    refused(wrong)


@pytest.mark.parametrize("opset", [0, -1, 1000, 1 << 62])
def test_opsets(opset):
    refused(model(graph([node("Relu", "x", "y")]), opset=opset), "opset must be a positive number")


def test_other_domains_name_no_opset_of_onnx():
    body = write([
        Field(ModelField.IR_VERSION, 10),
        Field(ModelField.GRAPH, _graph(graph([node("Relu", "x", "y")]))),
        *opsets(("own", 7)),
    ])  # fmt: skip
    assert next(iter(onnx.load(body).run(np.float32([-1, 2])).values())).tolist() == [0, 2]


# --- tensors --------------------------------------------------------------------------------------

DIMS, TYPE, RAW = TensorField.DIMS, TensorField.TYPE, TensorField.RAW


@pytest.mark.parametrize(
    ("dims", "fields", "words"),
    [
        ([1 << 40], [Field(RAW, b"\0" * 8)], "8 bytes, expected"),
        ([1 << 62, 1 << 62], [Field(RAW, b"")], "larger than an array can be"),
        ([0, 1 << 62], [Field(RAW, b"")], "larger than an array can be"),
        ([1] * 65, [Field(RAW, b"\0" * 4)], "larger than an array can be"),
        ([-1], [Field(RAW, b"")], "not a whole array"),
        ([-2, -2], [Field(RAW, b"\0" * 16)], "not a whole array"),
        ([2], [Field(RAW, b"\0" * 7)], "7 bytes, expected 8"),
        ([2], [Field(TensorField.FLOATS, b"\0" * 12)], "12 bytes, expected 8"),
        ([2], [], "0 bytes, expected 8"),
        ([2], [Field(RAW, 3)], "must be bytes"),
        ([2], [Field(TensorField.SEGMENT, b""), Field(RAW, b"\0" * 8)], "not a whole array"),
    ],
)
def test_sizes_of_tensors(dims, fields, words):
    sizes = [Field(DIMS, size) for size in dims]
    refused(with_tensor(*sizes, Field(TYPE, 1), Field(TensorField.NAME, "c"), *fields), words)


@pytest.mark.parametrize("kind", [0, 17, 21, 99, -1])
def test_types_of_tensors(kind):
    fields = Field(DIMS, 1), Field(TYPE, kind), Field(TensorField.NAME, "c"), Field(RAW, b"\0")
    refused(with_tensor(*fields), "element type")


def test_sparse_constants():
    body = _graph(graph([node("Relu", "x", "y")]))
    body += write([Field(GraphField.SPARSE_CONSTANTS, b"")])
    refused(model(body), "must be dense")


def with_entries(*entries):
    """A model with a constant whose numbers are in another file."""
    pairs = [
        Field(TensorField.EXTERNAL, write([
            Field(EntryField.KEY, key), Field(EntryField.VALUE, text)
        ]))
        for key, text in entries
    ]  # fmt: skip
    return with_tensor(
        Field(DIMS, 2), Field(TYPE, 1), Field(TensorField.NAME, "c"), *pairs,
        Field(TensorField.LOCATION, 1),
    )  # fmt: skip


def test_numbers_in_another_file(tmp_path):
    path = tmp_path / "model.onnx"
    (tmp_path / "sub").mkdir()
    numbers = np.float32([3, 4, 5]).tobytes()
    for name in ("data", "sub/data"):
        (tmp_path / name).write_bytes(numbers)
        for entries, wanted in [
            ([("offset", "4"), ("length", "8")], [4, 5]),
            ([("length", "8")], [3, 4]),
            ([("offset", "4")], [4, 5]),
        ]:
            path.write_bytes(with_entries(("location", name), *entries))
            assert next(iter(onnx.load(path).run(np.float32([0, 0])).values())).tolist() == wanted
    refused(path.read_bytes(), "load the model by its path")


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([("location", "../secret")], "must be inside the model's folder"),
        ([("location", "sub/../../secret")], "must be inside the model's folder"),
        ([("location", "{outside}/secret")], "must be inside the model's folder"),
        ([("location", "link")], "must be inside the model's folder"),
        ([("location", "folder-link/secret")], "must be inside the model's folder"),
        ([("location", "")], "must be inside the model's folder"),
        ([("location", ".")], "must be inside the model's folder"),
        ([("location", "a\0b")], "must be inside the model's folder"),
        ([("location", "circle")], "must be inside|cannot be read"),
        ([("location", "sub")], "has .* bytes, and not those named"),
        ([("location", "missing")], "cannot be read"),
        ([("location", "x" * 5000)], "cannot be read|must be inside"),
        ([("location", "data"), ("offset", "13")], "and not those named"),
        ([("location", "data"), ("offset", "-1")], "and not those named"),
        ([("location", "data"), ("offset", "1e3")], "must be integers"),
        ([("location", "data"), ("offset", "9" * 5000)], "must be integers|not those named"),
        ([("location", "data"), ("offset", "8"), ("length", "8")], "and not those named"),
        ([("location", "data"), ("length", str(1 << 62))], "and not those named"),
        ([("location", "data"), ("length", "4")], "4 bytes, expected 8"),
        ([], "must be inside the model's folder"),
    ],
)
def test_other_files_that_are_refused(tmp_path, entries, words):
    home = tmp_path / "home"
    (home / "sub").mkdir(parents=True)
    (tmp_path / "secret").write_bytes(bytes(8))
    (home / "data").write_bytes(bytes(12))
    (home / "link").symlink_to(tmp_path / "secret")
    (home / "folder-link").symlink_to(tmp_path)
    (home / "circle").symlink_to(home / "circle")
    path = home / "model.onnx"
    entries = [(key, text.format(outside=tmp_path)) for key, text in entries]
    path.write_bytes(with_entries(*entries))
    refused(path, words)


def test_a_pipe_is_no_file(tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("needs pipes with names")
    os.mkfifo(tmp_path / "pipe")
    path = tmp_path / "model.onnx"
    path.write_bytes(with_entries(("location", "pipe")))
    refused(path, "not those named")


# --- nodes ----------------------------------------------------------------------------------------

RELU = node("Relu", "x", "y")


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([node("Relu", "z", "y")], "without 'z' before it"),
        ([node("Relu", "a", "y"), node("Relu", "x", "a")], "without 'a' before it"),
        ([node("Relu", "b", "a"), node("Relu", "a", "b"), RELU], "without 'b' before it"),
        ([node("Relu", "y", "y")], "without 'y' before it"),
        ([RELU, node("Add", "y x", "y")], "must differ, got 'y' twice"),
        ([RELU, node("Relu", "x", "x")], "must differ, got 'x' twice"),
        ([node("Split", "x", "y y", axis=0, num_outputs=2)], "must differ, got 'y' twice"),
        ([node("Relu", "x", "a")], "must be results of nodes, got 'y'"),
        ([], "must be results of nodes, got 'y'"),
        ([RELU, node("Relu", "x")], "must have results, got Relu"),
        ([RELU, node("Relu", "x", "-")], "must have results, got Relu"),
    ],
)
def test_names(nodes, words):
    refused(model(graph(nodes)), words)


def test_names_of_constants_and_inputs():
    refused(model(graph([RELU], inputs="x x")), "must differ, got 'x' twice")
    refused(model(graph([RELU], y=np.ones(1))), "must differ, got 'y' twice")
    refused(model(graph([RELU], outputs="y -")), "must be results of nodes")
    # files of the first versions list constants among the inputs
    network = onnx.load(model(graph([node("Add", "x c", "y")], "x c", c=np.float32([1]))))
    assert [each.name for each in network.inputs] == ["x"]


def test_unknown_operators_are_listed_at_once():
    nodes = [
        node("Relu", "x", "a"),
        node("Wrong", "a", "b", "first"),
        node("Odd", "b", "c", "second", domain="com.other"),
        node("Wrong", "c", "y", "third"),
    ]
    message = refused(model(graph(nodes)))
    assert message == (
        "onnx.load: operators must be known, got Wrong (2, first at node 'first'), "
        "com.other.Odd (1, first at node 'second')"
    )
    inner = graph([node("Hidden", "x", "z")], "", "z")
    branches = node("If", "x", "y", then_branch=inner, else_branch=inner)
    assert "Hidden" in refused(model(graph([branches])))


def attribute(*fields):
    """A model whose node has an attribute, given field by field."""
    one = _node(RELU) + write([Field(NodeField.ATTRIBUTES, write(fields))])
    body = _graph(graph([])) + write([Field(GraphField.NODES, one)])
    return model(body)


@pytest.mark.parametrize("kind", [11, 12, 13, 14, 99, -1])
def test_kinds_of_attributes(kind):
    name, given = Field(AttributeField.NAME, "a"), Field(AttributeField.TYPE, kind)
    refused(attribute(name, given), "attribute 'a' is of the kind")


def test_attributes_without_values():
    name = Field(AttributeField.NAME, "a")
    refused(attribute(name), "attribute 'a' is of the kind 0")
    refused(attribute(name, Field(AttributeField.TYPE, 4)), "attribute 'a' has no value")
    refused(attribute(name, Field(AttributeField.FLOATS, b"123")), "numbers of 4 bytes")
    refused(attribute(name, Field(AttributeField.STRING, b"\xff\xfe")), "is no text")


@pytest.mark.parametrize(
    "attributes",
    [
        {"group": 0}, {"group": -1}, {"group": "two"}, {"group": 1 << 62}, {"strides": [0, 0]},
        {"pads": [1]}, {"pads": [-(1 << 60)] * 4}, {"auto_pad": "MAYBE"}, {"kernel_shape": [9, 9]},
        {"dilations": "x"}, {"unheard": 3},
    ],
)  # fmt: skip
@pytest.mark.parametrize("op", ["Conv", "ConvTranspose"])
def test_wrong_attributes_are_told_when_loaded_or_run(op, attributes):
    """Not every attribute can be checked without a shape; none ends the process."""
    shape = (2, 3) if op == "ConvTranspose" else (3, 2)
    constants = {"w": np.ones((*shape, 3, 3), np.float32)}
    constants |= {name: np.ones(3, np.float32) for name in "smvb"}
    nodes = [node(op, "x w", "a", **attributes), node("BatchNormalization", "a s b m v", "y")]
    with pytest.raises((ValueError, TypeError, MemoryError, OverflowError)):
        onnx.load(model(graph(nodes, **constants))).run(np.ones((1, 2, 8, 8), np.float32))


@pytest.mark.parametrize("op", ["Identity", "Dropout", "Conv", "MatMul", "BatchNormalization"])
def test_nodes_without_inputs(op):
    with pytest.raises((ValueError, TypeError)):
        onnx.load(model(graph([node(op, "", "y")]))).run(np.ones(2, np.float32))


# --- graphs and functions -------------------------------------------------------------------------


def nested(depth):
    body = graph([node("Identity", "x", "y0")], "", "y0")
    for level in range(1, depth):
        name = f"y{level}"
        body = graph([node("If", "c", name, then_branch=body, else_branch=body)], "", name)
    return body


def test_nested_graphs():
    inner = nested(4)
    outer = node("If", "c", "y", then_branch=inner, else_branch=inner)
    network = onnx.load(model(graph([outer], c=np.array(True))))
    assert next(iter(network.run(np.float32([5])).values())).tolist() == [5]


def deep(levels):
    """The bytes of graphs in graphs, which grow with the depth and not twofold."""
    body = _graph(graph([node("Identity", "x", "y")], "", "y"))
    for _ in range(levels):
        branch = write([
            Field(AttributeField.NAME, "then_branch"), Field(AttributeField.GRAPH, body),
            Field(AttributeField.TYPE, 5),
        ])  # fmt: skip
        one = _node(node("If", "x", "y")) + write([Field(NodeField.ATTRIBUTES, branch)])
        body = _graph(graph([], "", "y")) + write([Field(GraphField.NODES, one)])
    return model(body)


@pytest.mark.parametrize("levels", [40, 500])
def test_graphs_that_are_nested_too_deep(levels):
    refused(deep(levels), "nested", most=1 << 22)


def call(name, inputs="x", outputs="y"):
    return node(name, inputs, outputs, domain="own")


def test_functions():
    twice = function("Twice", "a", "b", [node("Add", "a a", "b")])
    four = function("Four", "a", "c", [call("Twice", "a", "b"), call("Twice", "b", "c")])
    nodes = [call("Four", "x", "z"), call("Four", "z", "y")]
    network = onnx.load(model(graph(nodes), [twice, four]))
    assert next(iter(network.run(np.float32([1])).values())).tolist() == [16]


def test_a_function_that_calls_itself():
    own = function("F", "a", "b", [call("F", "a", "b")])
    refused(model(graph([call("F")]), [own]), "function F must not call itself")
    first = function("A", "a", "b", [call("B", "a", "b")])
    second = function("B", "a", "b", [call("A", "a", "b")])
    refused(model(graph([call("A")]), [first, second]), "must not call itself")


@pytest.mark.parametrize("leaf", [[], [node("Relu", "a", "b")]])
def test_functions_that_double(leaf, monkeypatch):
    """Each calls the next one twice: 30 of them are written out to a thousand million nodes."""
    monkeypatch.setattr("convcore.onnx.reader.MOST_NODES", 500)  # else it takes a second
    functions = [
        function(f"F{i}", "a", "b", [call(f"F{i + 1}", "a", "c"), call(f"F{i + 1}", "c", "b")])
        for i in range(30)
    ]
    functions.append(function("F30", "a", "b", leaf))
    refused(model(graph([call("F0")]), functions), "at most 500 nodes", most=1 << 24)


def test_constants_of_functions_are_limited(monkeypatch):
    monkeypatch.setattr("convcore.onnx.reader.MOST_BYTES", 100_000)
    nodes = [call("F", f"v{i}", f"v{i + 1}") for i in range(20)]
    own = function("F", "a", "b", [
        node("Constant", "", "c", value=np.zeros(1000, np.float32)), node("Add", "a c", "b")
    ])  # fmt: skip
    body = graph(nodes, "v0", "v20")
    assert (
        len(next(iter(onnx.load(model(body, [own])).run(np.zeros(1000, np.float32)).values())))
        == 1000
    )
    body = graph([*nodes, *(call("F", f"v{i}", f"v{i + 1}") for i in range(20, 40))], "v0", "v40")
    refused(model(body, [own]), "bytes of constants")


# --- constants that a small file asks for ---------------------------------------------------------

HUGE = np.array([1 << 20, 1 << 20], np.int64)


@pytest.mark.parametrize(
    ("nodes", "constants"),
    [
        ([node("ConstantOfShape", "n", "a")], {"n": HUGE}),
        ([node("Expand", "c n", "a")], {"n": HUGE, "c": np.float32([1])}),
        ([node("Expand", "c n", "a")], {"n": np.array([1]), "c": np.float32([1])}),
        ([node("Tile", "c n", "a")], {"n": HUGE, "c": np.ones((1, 1), np.float32)}),
        ([node("Range", "z n o", "a")], {"z": 0, "n": 1 << 50, "o": 1}),
        ([node("ConstantOfShape", "n", "a")], {"n": np.array([-5, 1 << 40])}),
        ([node("ConstantOfShape", "n", "a")], {"n": np.array([1e30])}),
        ([node("Add", "c r", "a")], {"c": np.ones((9000, 1)), "r": np.ones((1, 9000))}),
        ([node("Where", "b c r", "a")],
         {"b": np.array(True), "c": np.ones((9000, 1)), "r": np.ones((1, 9000))}),
        ([node("MatMul", "c r", "a")], {"c": np.ones((9000, 1)), "r": np.ones((1, 9000))}),
        ([node("Gather", "c i", "a")],
         {"c": np.ones((1, 9000)), "i": np.zeros(9000, np.int64)}),
        ([node("Concat", "c c", "a0", axis=0),
          *(node("Concat", f"a{i} a{i}", f"a{i + 1}", axis=0) for i in range(40)),
          node("Identity", "a40", "a")], {"c": np.ones(8)}),
        ([node("Pad", "c p", "a")], {"c": np.ones(2), "p": np.array([1 << 40, 1 << 40])}),
        ([node("OneHot", "i d v", "a")],
         {"i": np.zeros(100, np.int64), "d": 1 << 40, "v": np.float32([0, 1])}),
        ([node("EyeLike", "c", "a")], {"c": np.ones((4, 4))}),
    ],
)  # fmt: skip
def test_large_constants_are_not_computed_when_loaded(nodes, constants):
    nodes = [*nodes, node("Shape", "a", "s"), node("Add", "x s", "y")]
    data = model(graph(nodes, [value("x", None, np.int64)], **constants))
    tracemalloc.start()
    try:
        onnx.load(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 420 << 20 if nodes[0].op == "Concat" else peak < 4 << 20


def test_the_limit_is_of_all_constants_together():
    """Each is small enough."""
    nodes = [node("ConstantOfShape", f"n{i}", f"a{i}") for i in range(9)]
    nodes += [node("Add", f"a{i} x", f"y{i}") for i in range(9)]
    made = {f"n{i}": np.array([3 << 20]) for i in range(9)}
    outputs = " ".join(f"y{i}" for i in range(9))
    network = onnx.load(model(graph(nodes, outputs=outputs, **made)))
    assert network.nbytes < 5.5 * (12 << 20)


def test_other_sources():
    for wrong in (None, 3, [b"x"], np.ones(3)):
        with pytest.raises(TypeError, match=r"source must be a path, bytes or an onnx\.ModelProto"):
            onnx.load(wrong)
    with pytest.raises(FileNotFoundError):
        onnx.load("there-is-none.onnx")
    with pytest.raises(ValueError, match="fallback must be"):
        onnx.load(b"", fallback="other")
