"""With the onnx package: its messages, its evaluator as a fallback and made fast, its backend."""

import numpy as np
import pytest

import convcore.onnx
from convcore import nn
from tests.support.graphs import graph, model, node, value

onnx = pytest.importorskip("onnx")
reference = pytest.importorskip("onnx.reference")
helper = pytest.importorskip("onnx.helper")
rng = np.random.default_rng(0)


def layers():
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1, rng=0), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
        nn.ConvTranspose2d(4, 4, 2, 2, rng=1), nn.AvgPool2d(3, 1), nn.Flatten(),
        nn.Linear(144, 5, rng=2), nn.Softmax(),
    )  # fmt: skip


DATA = convcore.onnx.export(layers(), (3, 8, 8))
X = rng.random((2, 3, 8, 8), np.float32)


def test_a_message_is_loaded():
    message = onnx.load_model_from_string(DATA)
    onnx.checker.check_model(message, full_check=True)
    network = convcore.onnx.load(message)
    np.testing.assert_allclose(
        next(iter(network.run(X).values())), layers().forward(X), rtol=1e-5, atol=1e-6
    )
    assert convcore.onnx.load(message.SerializeToString()).inputs == network.inputs


def test_what_onnx_writes_is_read(tmp_path):
    """Constants in a file of their own, with offsets, as the package lays them out."""
    message = onnx.load_model_from_string(DATA)
    path = tmp_path / "model.onnx"
    onnx.save_model(message, path, save_as_external_data=True, location="weights",
                    size_threshold=0)  # fmt: skip
    assert path.stat().st_size < len(DATA)
    y = next(iter(convcore.onnx.load(path).run(X).values()))
    assert y.tobytes() == next(iter(convcore.onnx.load(DATA).run(X).values())).tobytes()


def test_the_fallback():
    """An operator that is unknown here is computed by the evaluator, between others."""
    nodes = [node("Relu", "x", "a"), node("Det", "a", "b"), node("Neg", "b", "y")]
    data = model(graph(nodes, [value("x", ("N", 2, 2))]))
    with pytest.raises(
        ValueError, match=r"operators must be known, got Det \(1, first at node 'b'\)"
    ):
        convcore.onnx.load(data)
    network = convcore.onnx.load(data, fallback="reference")
    x = np.float32([[[1, 2], [3, 4]], [[2, -9], [-9, 5]]])
    for _ in range(2):
        np.testing.assert_allclose(next(iter(network.run(x).values())), [2, -10], rtol=1e-6)


def test_a_fast_evaluator():
    message = onnx.load_model_from_string(DATA)
    plain = reference.ReferenceEvaluator(message).run(None, {"input": X})[0]
    fast = reference.ReferenceEvaluator(message, new_ops=convcore.onnx.ops)
    np.testing.assert_allclose(fast.run(None, {"input": X})[0], plain, rtol=1e-5, atol=1e-6)
    kinds = {type(each).__module__ for each in fast.rt_nodes_}
    assert any(kind.startswith("convcore") for kind in kinds)


def test_the_evaluator_s_slow_operators():
    """Each of the list that has a simple call, beside the package's own."""
    image, kernel = rng.random((2, 2, 6, 7), np.float32), rng.random((3, 2, 3, 3), np.float32)
    transposed = rng.random((2, 3, 3, 3), np.float32)
    calls = {
        "Conv": ((image, kernel), {"strides": [2, 1], "pads": [1, 0, 1, 2]}),
        "ConvTranspose": ((image, transposed), {"strides": [2, 2]}),
        "MaxPool": ((image,), {"kernel_shape": [2, 3], "strides": [2, 2]}),
        "AveragePool": ((image,), {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
        "GlobalAveragePool": ((image,), {}),
        "LRN": ((image,), {"size": 3}),
    }
    for name, (arrays, attributes) in calls.items():
        names = [f"x{i}" for i in range(len(arrays))]
        one = helper.make_node(name, names, ["y"], **attributes)
        inputs = [
            helper.make_tensor_value_info(n, 1, a.shape) for n, a in zip(names, arrays, strict=True)
        ]
        body = helper.make_graph([one], "g", inputs, [helper.make_tensor_value_info("y", 1, None)])
        message = helper.make_model(body, opset_imports=[helper.make_opsetid("", 21)])
        feed = dict(zip(names, arrays, strict=True))
        plain = reference.ReferenceEvaluator(message).run(None, feed)[0]
        fast = reference.ReferenceEvaluator(message, new_ops=convcore.onnx.ops).run(None, feed)[0]
        np.testing.assert_allclose(fast, plain, rtol=1e-5, atol=1e-5, err_msg=name)


def test_the_backend():
    from convcore.onnx import backend

    message = onnx.load_model_from_string(DATA)
    wanted = layers().forward(X)
    prepared = backend.prepare(message)
    for inputs in ([X], {"input": X}):
        (y,) = prepared.run(inputs)
        np.testing.assert_allclose(y, wanted, rtol=1e-5, atol=1e-6)
    (y,) = backend.run_model(message, [X])
    np.testing.assert_allclose(y, wanted, rtol=1e-5, atol=1e-6)
    (y,) = backend.run_node(helper.make_node("Relu", ["x"], ["y"]), [X - 0.5])
    assert (y == np.maximum(X - 0.5, 0)).all()
    assert backend.supports_device("CPU")
    assert not backend.supports_device("CUDA")
