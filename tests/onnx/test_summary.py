"""Summaries of networks: parameters, multiply-adds, and receptive fields against trials."""

import json

import numpy as np
import pytest

from convcore import geometry, nn, onnx
from convcore.graph.network import Network
from convcore.graph.node import Graph, Node, Value
from convcore.graph.tracer import Tracer
from convcore.nn import models

FLOAT32 = np.dtype(np.float32)


def network_of(build, *shape, dtype=FLOAT32):
    """A network of nodes that a function writes down, given the tracer and the input's name."""
    to = Tracer()
    y = build(to, "x")
    return Network(to.graph([Value("x", dtype, shape)], [Value(y)]))


def array(to, *shape, name="w"):
    """A constant without zeros."""
    return to.constant(np.random.default_rng(sum(shape)).uniform(1, 2, shape).astype("f"), name)


def conv(to, x, kernel, channels=(1, 1), **options):
    return to.node("Conv", x, array(to, *reversed(channels), kernel), **options)


# The models of nn

MODELS = {
    "lenet5": (lambda: models.lenet5(rng=0), (1, 32, 32)),
    "resnet18": (lambda: models.resnet18(classes=5, rng=0), (3, 64, 96)),
    "mobilenet_v2": (lambda: models.mobilenet_v2(classes=5, rng=0), (3, 64, 64)),
    "unet": (lambda: models.unet(3, 2, rng=0), (3, 32, 32)),
}


@pytest.fixture(scope="module", params=MODELS)
def pair(request):
    """A model, what nn.summary says of it, and what the summary of its file says."""
    build, shape = MODELS[request.param]
    model = build()
    return model, nn.summary(model, shape), onnx.load(onnx.export(model, shape)).summary()


def last_nodes(rows):
    """The last node of each layer, by the layer's name, which begins the node's."""
    return {row.name.rsplit(".", 1)[0]: row for row in rows}


def test_fields_are_those_of_nn(pair):
    _, theirs, ours = pair
    nodes, compared = last_nodes(ours), 0
    for row in theirs.rows:
        # a flattened element sees its own cells; here each element counts as seeing all of them
        if row.name not in nodes or row.layer.startswith("Flatten"):
            continue
        node = nodes[row.name]
        assert (node.receptive_field, node.offset) == (row.receptive_field, row.offset), row.name
        if node.jump is not None and any(node.jump):  # 0: there is one result, or all see the same
            assert node.jump == row.jump, row.name
        assert node.shape[1:] == row.output_shape
        compared += 1
    assert compared > 0.8 * len(theirs.rows) - 2


def test_multiply_adds_are_those_of_nn(pair):
    _, theirs, ours = pair
    nodes, compared = last_nodes(ours), 0
    for row in theirs.rows:
        node = nodes.get(row.name)
        if node is not None and node.operator in ("Conv", "ConvTranspose", "Gemm"):
            if "connections" not in row.layer:  # written as zeros of a dense weight
                assert node.multiply_adds == row.multiply_adds, row.name
            compared += 1
    assert compared >= 5


def test_parameters_are_the_elements_of_the_state(pair):
    model, _, ours = pair
    sizes = sum(values.size for values in model.state().values())
    assert ours.parameters == sum(row.parameters for row in ours) == sizes


def test_fields_are_those_of_geometry():
    stack = [
        nn.Conv2d(1, 2, (5, 3), stride=(2, 1), padding=(2, 0), rng=0),
        nn.AvgPool2d(3, stride=2, padding=1),
        nn.Conv2d(2, 2, 3, dilation=(2, 1), rng=0),
        nn.MaxPool2d(2),
    ]
    shape = (1, 1, 40, 41)
    expected = geometry.receptive_field(stack, shape)
    found = onnx.load(onnx.export(nn.Sequential(stack), shape[1:])).summary()
    assert [(r.receptive_field, r.jump, r.offset) for r in found] == [tuple(e) for e in expected]
    assert [row.sees for row in found][:2] == ["5x3", "9x5"]


def test_what_sees_everything():
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, rng=0), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(4, 2, rng=0), nn.Softmax(),
    )  # fmt: skip
    rows = onnx.load(onnx.export(model, (1, 6, 7))).summary()
    assert [row.sees for row in rows] == ["3x3", "all", "all", "all", "all"]
    assert rows[1].receptive_field == (8, 9)  # with the padding
    assert rows[1].jump == (0, 0)


# Other operators: which cells change an output


def gate(to, x):
    """Squeeze and excite: a factor that sees everything."""
    return to.node("Mul", x, to.node("Sigmoid", to.node("GlobalAveragePool", x)))


def branches(to, x):
    y = conv(to, x, 5, pads=[2, 2])
    return to.node("Add", conv(to, y, 3, pads=[1, 1]), conv(to, x, 7, pads=[6, 0]))


def shuffle(to, x):
    """Groups of channels are exchanged, as ShuffleNet does."""
    x = conv(to, x, 3, (1, 4), strides=[2])
    x = to.node("Reshape", x, to.integers((1, 2, 2, -1), "shape"))
    x = to.node("Transpose", x, perm=[0, 2, 1, 3])
    return to.node("Reshape", x, to.integers((1, 4, -1), "shape"))


def channels_last(to, x):
    x = to.node("Transpose", conv(to, x, 3, (1, 4)), perm=[0, 2, 1])
    return to.node("Add", to.node("MatMul", x, array(to, 4, 3)), array(to, 3))


def cut(to, x):
    ends = [to.integers(numbers, "ends") for numbers in ((3,), (-2,), (2,), (2,))]
    return conv(to, to.node("Slice", x, *ends), 2)


def padded(to, x):
    return conv(to, to.node("Pad", x, to.integers((0, 0, 2, 0, 0, 1), "pads")), 3, strides=[3])


def concatenated(to, x):
    parts = conv(to, x, 3, pads=[1, 1]), conv(to, x, 4, pads=[0, 3])
    return to.node("Concat", *parts, axis=1)


def mean_over(axes, keepdims=1):
    def build(to, x):
        x = conv(to, x, 3, (1, 2))
        return to.node("ReduceMean", x, to.integers(axes, "axes"), keepdims=keepdims)

    return build


def attention(to, x):
    x = conv(to, x, 3, (1, 4))
    x = to.node("Mul", x, to.constant(np.float32(0.1), "small"))
    scores = to.node("MatMul", to.node("Transpose", x, perm=[0, 2, 1]), x)
    return to.node("MatMul", to.node("Softmax", scores), to.node("Transpose", x, perm=[0, 2, 1]))


GRAPHS = {  # and the axis of the result along which the window moves
    "conv": (lambda to, x: conv(to, x, 3, strides=[2], pads=[2, 0], dilations=[2]), 2),
    "two": (lambda to, x: conv(to, conv(to, x, 4, strides=[3]), 3), 2),
    "mean": (lambda to, x: to.node("AveragePool", x, kernel_shape=[3], strides=[2]), 2),
    "transposed": (lambda to, x: to.node("ConvTranspose", x, array(to, 1, 1, 4), pads=[1, 1]), 2),
    "same": (lambda to, x: conv(to, x, 4, auto_pad="SAME_UPPER", strides=[2]), 2),
    "gate": (gate, 2),
    "branches": (branches, 2),
    "shuffle": (shuffle, 2),
    "channels last": (channels_last, 1),
    "slice": (cut, 2),
    "pad": (padded, 2),
    "concat": (concatenated, 2),
    "mean of channels": (mean_over([1]), 2),
    "without the channels": (mean_over([1], 0), 1),
    "mean of cells": (mean_over([-1]), 2),
    "softmax of channels": (lambda to, x: to.node("Softmax", conv(to, x, 3, (1, 2)), axis=1), 2),
    "softmax of cells": (lambda to, x: to.node("Softmax", conv(to, x, 3), axis=2), 2),
    "flat": (lambda to, x: to.node("Gemm", to.node("Flatten", x), array(to, 20, 3)), 1),
    "attention": (attention, 1),
}


def seen_in_trials(network, n, axis):
    """For each place along an axis of the result, the first and last input cell that change it."""
    x = np.random.default_rng(0).uniform(1, 2, (1, 1, n))
    (y,) = network.run(x.astype(np.float32)).values()
    found = np.zeros((n, y.shape[axis]), bool)
    for cell in range(n):
        other = x.copy()
        other[..., cell] += 0.5
        (changed,) = network.run(other.astype(np.float32)).values()
        found[cell] = np.moveaxis(changed != y, axis, 0).reshape(y.shape[axis], -1).any(1)
    return [(int(column.argmax()), n - 1 - int(column[::-1].argmax())) for column in found.T]


@pytest.mark.parametrize("name", GRAPHS)
def test_fields_are_those_of_trials(name):
    build, axis = GRAPHS[name]
    n = 20
    network = network_of(build, 1, 1, n)
    row = network.summary()[-1]
    (size,), (jump,), (offset,) = row.receptive_field, row.jump, row.offset
    expected = [
        (max(offset + place * jump, 0), min(offset + place * jump + size, n) - 1)
        for place in range(row.shape[axis])
    ]
    assert seen_in_trials(network, n, axis) == expected
    assert (row.sees == "all") == (jump == 0)


def test_parts_of_a_split_begin_further_on():
    def build(to, x):
        to._nodes.append(Node("Split", (x,), ("a", "b"), {"axis": 2}, "parts"))
        return conv(to, "b", 3)

    row = network_of(build, 1, 1, 20).summary()[-1]
    assert (row.receptive_field, row.offset) == ((3,), (10,))


def test_blocks():
    network = network_of(lambda to, x: to.node("SpaceToDepth", x, blocksize=4), 1, 1, 8, 12)
    row = network.summary()[0]
    assert (row.receptive_field, row.jump, row.sees) == ((4, 4), (4, 4), "4x4")


@pytest.mark.parametrize("op", ["Resize", "ConvTranspose", "Concat"])
def test_elements_that_see_differently_many_cells(op):
    def build(to, x):
        x = conv(to, x, 3)
        if op == "Concat":
            return to.node("Concat", x, x, axis=2)
        if op == "Resize":
            scales = to.constant(np.array([1, 1, 2], np.float32), "scales")
            return to.node("Resize", x, "", scales, mode="linear")
        return to.node("ConvTranspose", x, array(to, 1, 1, 3), strides=[2])

    rows = network_of(build, 1, 1, 20).summary()
    assert rows[-1].sees == "varies"
    assert rows[-1].receptive_field is rows[-1].jump is rows[-1].offset is None
    assert rows[-1].parameters == (3 if op == "ConvTranspose" else 0)  # scales are none


def test_channels_last_inputs():
    def build(to, x):
        x = to.node("Transpose", x, perm=[0, 3, 1, 2])
        return to.node("Conv", x, array(to, 2, 3, 3, 5))

    assert network_of(build, 1, 10, 11, 3).summary()[-1].sees == "3x5"


def test_inputs_that_are_no_images():
    network = network_of(lambda to, x: to.node("Gemm", x, array(to, 6, 3)), "N", 6)
    row = network.summary()[0]
    assert (row.shape, row.sees, row.receptive_field, row.multiply_adds) == ((1, 3), "", None, 18)


def test_results_without_names():
    def build(to, x):
        x = to.node("Reshape", x, to.integers((5, 1, 4), "shape"))
        state = Node("RNN", (x, "w", "r"), ("", "last"), {"hidden_size": 3})
        to._nodes.append(state)
        return to.node("Clip", to.constant(np.ones(2, np.float32), "c"), "", "")

    weights = {"w": np.ones((1, 3, 4), np.float32), "r": np.ones((1, 3, 3), np.float32)}
    to = Tracer()
    graph = to.graph([Value("x", FLOAT32, (1, 1, 20))], [Value(build(to, "x")), Value("last")])
    graph.constants.update(weights)
    rows = Network(graph).summary()
    assert [(row.name, row.shape, row.sees) for row in rows] == [
        ("Reshape", (5, 1, 4), "all"), ("last", (1, 1, 3), "all"), ("Clip", (2,), ""),
    ]  # fmt: skip


# Parameters


def test_a_shared_constant_counts_once_in_the_total():
    def build(to, x):
        w = array(to, 1, 1, 3)
        to._nodes.append(Node("Identity", (w,), ("alias",), {}, "alias"))
        return to.node("Conv", to.node("Conv", x, w), "alias")

    rows = network_of(build, 1, 1, 20).summary()
    assert [row.parameters for row in rows] == [0, 3, 3]
    assert rows.parameters == 3


def test_what_is_a_parameter():
    def build(to, x):
        to._nodes.append(Node("Constant", (), ("c",), {"value": np.ones(4, "f")}, "c"))
        x = to.node("Mul", x, "c")
        x = to.node("Add", x, to.constant(np.float32(3), "scalar"))
        return to.node("Reshape", x, to.integers((2, 2), "shape"))

    rows = network_of(build, 4).summary()
    assert [(row.operator, row.parameters) for row in rows] == [
        ("Mul", 4), ("Add", 0), ("Reshape", 0)
    ]  # fmt: skip


def test_constants_of_graphs_inside():
    def branch(name):
        return Graph(
            [Node("Add", ("x", name), (f"{name}.y",))],
            {name: np.ones(4, np.float32)}, [], [Value(f"{name}.y")], 21,
        )  # fmt: skip

    node = Node("If", ("c",), ("y",), {"then_branch": branch("a"), "else_branch": branch("b")}, "n")
    inputs = [Value("c", np.dtype(bool), ()), Value("x", FLOAT32, (4,))]
    rows = Network(Graph([node], {}, inputs, [Value("y")], 21)).summary()
    assert [(row.name, row.parameters, row.multiply_adds) for row in rows] == [("n", 8, None)]


def test_the_file_is_not_optimised():
    model = nn.Sequential(nn.Conv2d(1, 2, 3, rng=0), nn.BatchNorm2d(2), nn.ReLU())
    network = onnx.load(onnx.export(model, (1, 8, 8)))
    rows = network.summary()
    assert [row.operator for row in rows] == ["Conv", "BatchNormalization", "Relu"]
    assert len(network.explain(np.zeros((1, 1, 8, 8), np.float32), runs=1)) == 1
    assert rows.parameters == 2 * 9 + 2 + 4 * 2


# Shapes of inputs


@pytest.fixture
def open_network():
    return network_of(
        lambda to, x: to.node("Conv", x, array(to, 2, 3, 3, 3)), "N", 3, "height", None
    )


def test_a_batch_is_1(open_network):
    assert open_network.summary({"x": (2, 3, 9, 8)})[0].shape == (2, 2, 7, 6)
    for name in ("N", "batch_size", None, "anything"):
        network = network_of(lambda to, x: to.node("Relu", x), name, 3)
        assert network.summary()[0].shape == (1, 3)
    network = network_of(lambda to, x: to.node("Relu", x), 5, "batch")
    assert network.summary()[0].shape == (5, 1)


def test_a_shape_or_an_array(open_network):
    by_shape = open_network.summary({"x": (1, 3, 9, 8)})
    assert open_network.summary({"x": np.ones((1, 3, 9, 8), np.float32)}) == by_shape


def test_open_sizes_are_named(open_network):
    with pytest.raises(ValueError, match=r"shape of 'x' \(N, 3, height, \?\)"):
        open_network.summary()
    with pytest.raises(ValueError, match=r"must be among \['x'\], got 'y'"):
        open_network.summary({"y": (1, 3, 9, 8)})
    with pytest.raises(ValueError, match=r"must have shape \(N, 3, height, \?\), got \(1, 4, 9"):
        open_network.summary({"x": (1, 4, 9, 8)})
    with pytest.raises(ValueError, match="sizes of 0 or more"):
        open_network.summary({"x": (1, 3, -9, 8)})
    with pytest.raises(TypeError, match="inputs must be a mapping"):
        open_network.summary((1, 3, 9, 8))


def test_a_name_is_one_size():
    values = [Value("a", FLOAT32, (1, "T")), Value("b", FLOAT32, ("T",))]
    graph = Graph([Node("Add", ("a", "b"), ("y",))], {}, values, [Value("y")], 21)
    assert Network(graph).summary({"a": (1, 7)})[0].shape == (1, 7)
    with pytest.raises(ValueError, match=r"of 'a' \(1, T\), got none"):
        Network(graph).summary()


def test_values_that_decide():
    x = Value("x", FLOAT32, (1, 4))
    shape = Value("shape", np.dtype(np.int64), (2,))
    graph = Graph([Node("Reshape", ("x", "shape"), ("y",))], {}, [x, shape], [Value("y")], 21)
    assert Network(graph).summary({"shape": np.array([2, 2])})[0].shape == (2, 2)


# The table


def test_it_prints_as_a_table():
    model = nn.Sequential({"C1": nn.Conv2d(1, 64, 5, rng=0), "R": nn.ReLU()})
    lines = str(onnx.load(onnx.export(model, (1, 28, 28))).summary()).splitlines()
    assert lines[0].split() == ["node", "operator", "result", "parameters", "multiply-adds", "sees"]
    assert lines[1].split() == ["C1.Conv", "Conv", "1x64x24x24", "1,664", "921,600", "5x5"]
    assert lines[2].split() == ["R.Relu", "Relu", "1x64x24x24", "0", "5x5"]
    assert lines[3].split() == ["total", "1,664", "921,600"]
    assert len(lines) == 4


def test_it_is_numbers_too():
    model = nn.Sequential(nn.Conv2d(1, 2, 3, rng=0))
    numbers = json.loads(json.dumps(onnx.load(onnx.export(model, (1, 8, 8))).summary().to_dict()))
    assert numbers["parameters"] == 20
    assert numbers["rows"][0]["receptive_field"] == [3, 3]
