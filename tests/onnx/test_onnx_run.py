"""Networks that are run: what they take, what they give, what they say of themselves."""

import importlib.util

import numpy as np
import pytest

from convcore import nn, onnx
from tests.support.graphs import graph, model, node, value

rng = np.random.default_rng(0)


def two_inputs():
    inputs = [value("a", ("N", 3)), value("b", ("N", None)), value("k", (), np.int64)]
    nodes = [node("Concat", "a b", "c", axis=1), node("Cast", "k", "f", to=1),
             node("Mul", "c f", "y"), node("Shape", "c", "s")]  # fmt: skip
    return onnx.load(model(graph(nodes, inputs, [value("y"), value("s", None, np.int64)])))


def feed(**changes):
    given = {"a": np.ones((2, 3), np.float32), "b": np.ones((2, 1), np.float32), "k": 3}
    return {name: x for name, x in (given | changes).items() if x is not None}


def test_inputs_and_outputs():
    network = two_inputs()
    assert [each.name for each in network.inputs] == ["a", "b", "k"]
    assert network.inputs[1].shape == ("N", None)
    assert network.inputs[2].dtype == np.int64
    y, sizes = network.run(feed()).values()
    assert (y == 3).all()
    assert sizes.tolist() == [2, 4]
    (only,) = network.run(feed(), ["s"]).values()
    assert only.tolist() == [2, 4]
    assert [each.shape for each in network.run(feed(), ["s", "y"]).values()] == [(2,), (2, 4)]
    assert list(network.run(feed(), []).values()) == []
    assert [each.shape for each in network.run(feed(), "y").values()] == [(2, 4)]


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"a": None}, ValueError, r"inputs must be \['a', 'b', 'k'\], got \['b', 'k'\]"),
        ({"z": np.ones(1)}, ValueError, r"got \['a', 'b', 'k', 'z'\]"),
        ({"a": np.ones((2, 3))}, TypeError, "input 'a' must be float32, got float64"),
        ({"a": np.ones((2, 3), np.int32)}, TypeError, "input 'a' must be float32, got int32"),
        ({"a": np.ones((2, 4), np.float32)}, ValueError, r"must have shape \(N, 3\), got \(2, 4\)"),
        ({"a": np.ones(3, np.float32)}, ValueError, r"must have shape \(N, 3\), got \(3,\)"),
        ({"a": np.ones((5, 3), np.float32)}, ValueError, r"'b' must have shape \(N, \?\)"),
        ({"k": [1, 2]}, ValueError, r"'k' must have shape \(\), got \(2,\)"),
        ({"k": "three"}, TypeError, "input 'k' must be int64, got 'three'"),
        ({"a": [[1, 2, 3], [4]]}, TypeError, "input 'a' must be float32, got"),
    ],
)
def test_wrong_inputs(changes, error, words):
    with pytest.raises(error, match=words):
        two_inputs().run(feed(**changes))


def test_wrong_calls():
    network = two_inputs()
    with pytest.raises(TypeError, match=r"inputs must be a mapping with \['a', 'b', 'k'\]"):
        network.run(np.ones((2, 3), np.float32))
    with pytest.raises(ValueError, match=r"outputs must be among \['y', 's'\], got 'z'"):
        network.run(feed(), ["y", "z"])
    with pytest.raises(ValueError, match="threads"):
        onnx.load(onnx.export(nn.Sequential(nn.Conv1d(1, 1, 1, rng=0)), (1, 4))).run(
            np.ones((1, 1, 4), np.float32), threads=0
        )


def test_lists_are_read_as_the_input_s_dtype():
    y, _ = two_inputs().run({"a": [[1, 2, 3]], "b": [[4]], "k": 2}).values()
    assert y.dtype == np.float32
    assert y.tolist() == [[2, 4, 6, 8]]


def test_an_error_of_a_run_names_the_node():
    network = onnx.load(model(graph([node("MatMul", "x v", "y", "product")], "x v")))
    with pytest.raises(ValueError, match="MatMul") as caught:
        network.run({"x": np.ones((2, 3), np.float32), "v": np.ones((2, 3), np.float32)})
    assert caught.value.__notes__ == ["in node 'product', MatMul"]
    x = np.ones((3, 3), np.float32)
    assert (
        next(iter(network.run({"x": x, "v": x}).values())) == 3
    ).all()  # it is as good as before


OWN = {
    "the input": [node("Identity", "x", "y")],
    "a part of the input": [node("Reshape", "x n", "y")],
    "the input transposed": [node("Transpose", "x", "y")],
    "a constant": [node("Identity", "c", "y")],
    "a part of a constant": [node("Slice", "c b e", "y")],
    "a repeated number": [node("Neg", "x", "z"), node("Slice", "z b e", "s"),
                          node("Expand", "s n", "y")],
    "from a branch": [node("If", "t", "y", then_branch=graph([], "", "x"),
                           else_branch=graph([], "", "x"))],
}  # fmt: skip


@pytest.mark.parametrize("name", OWN)
def test_results_are_the_caller_s_own(name):
    constants = {"c": np.arange(9, dtype=np.float32), "n": np.array([16]), "b": np.array([0]),
                 "e": np.array([1]), "t": np.array(True)}  # fmt: skip
    network = onnx.load(model(graph(OWN[name], [value("x", None)], **constants)))
    x = np.ones(16, np.float32)
    x.flags.writeable = False
    first = next(iter(network.run(x).values()))
    kept = first.copy()
    first += 1
    assert (x == 1).all()
    assert (next(iter(network.run(x).values())) == kept).all()


def test_two_outputs_do_not_share_memory():
    nodes = [node("Neg", "x", "y"), node("Identity", "y", "z"), node("Reshape", "y n", "w")]
    network = onnx.load(model(graph(nodes, outputs="y z w", n=np.array([-1]))))
    for _ in range(3):
        arrays = list(network.run(np.ones((40, 50), np.float32), ["y", "z", "w"]).values())
        for place, array in enumerate(arrays):
            array[...] = place
        assert [array.ravel()[0] for array in arrays] == [0, 1, 2]


def test_explain():
    layers = nn.Sequential(nn.Conv2d(3, 8, 3, rng=0), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                           nn.Linear(72, 5, rng=0))  # fmt: skip
    network = onnx.load(onnx.export(layers, (3, 8, 8)))
    x = np.ones((2, 3, 8, 8), np.float32)
    report = network.explain(x, runs=2)
    assert isinstance(report, onnx.Report)
    assert [row.operator for row in report] == ["Conv + relu", "MaxPool", "Flatten", "MatMul"]
    assert report[0].multiply_adds == 2 * 8 * 36 * 27
    assert report[3].multiply_adds == 2 * 72 * 5
    assert [row.shape for row in report][-1] == (2, 5)
    assert report[0].algorithm
    assert report.milliseconds >= max(row.milliseconds for row in report)
    assert abs(sum(row.share for row in report) - 1) < 1e-6
    lines = str(report).splitlines()
    assert len(lines) == len(report) + 2
    assert lines[-1].startswith("all")
    with pytest.raises(ValueError, match="runs must be at least 1"):
        network.explain(x, runs=0)


def test_bytes():
    layers = nn.Sequential(nn.Conv2d(3, 8, 3, rng=0), nn.ReLU(), nn.Conv2d(8, 8, 3, rng=0))
    network = onnx.load(onnx.export(layers, (3, 32, 32)))
    before = network.nbytes
    assert before >= sum(array.nbytes for array in layers.parameters().values())
    x = np.ones((2, 3, 32, 32), np.float32)
    network.run(x)
    network.run(x)
    assert network.nbytes - before >= 2 * 8 * 30 * 30 * 4


@pytest.mark.parametrize("fallback", [None, "reference"])
def test_unknown_operators_and_the_evaluator(fallback):
    pytest.importorskip("onnx")
    data = model(graph([node("Hardmax", "x", "z"), node("NotThere", "z", "y")]))
    with pytest.raises(ValueError, match=r"NotThere \(1, first at node 'y'\)"):
        onnx.load(data, fallback=fallback)


def test_what_needs_the_package_says_so():
    if importlib.util.find_spec("onnx") is not None:
        assert len(onnx.ops) > 10
        return
    with pytest.raises(ImportError, match=r"onnx\.ops: needs onnx: pip install convcore\[onnx\]"):
        _ = onnx.ops
    with pytest.raises(AttributeError, match="no attribute 'oops'"):
        _ = onnx.oops
    data = model(graph([node("NotThere", "x", "y")]))
    with pytest.raises(ImportError, match=r"onnx\.load: needs onnx"):
        onnx.load(data, fallback="reference")
