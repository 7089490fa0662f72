"""What the benchmark asks of each library, and what each answers. Nothing is timed."""

import math
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from convcore.benchmarks import calls, filters, machine, networks, onnx_model, peers, runner

import convcore
from convcore import nn, reference
from tests.tables.bench_cases import (
    CASES,
    IMAGES,
    LAYERS,
    NETWORKS,
    STEPS,
    TRAINING,
    VARIANTS,
    shape_of,
)


def expected(layer, x, *weights):
    """The answer in float64, by the equation: a window's cells outside the input are NaN."""
    x, *weights = (array.astype(np.float64) for array in (x, *weights))
    if layer.kind == "network":
        return after_steps(layer, 1, x, weights) if layer in STEPS else layer.model(weights)(x)
    if weights:
        name, arguments, options = layer.call()
        return layer.pick(getattr(reference, name)(x, *weights, *arguments, **options))
    sides = ((0, 0), (0, 0), *((layer.padding,) * 2,) * 2)
    cells = np.lib.stride_tricks.sliding_window_view(
        np.pad(x, sides, constant_values=np.nan), layer.kernel, (2, 3)
    )[:, :, :: layer.stride, :: layer.stride]
    return {
        "max": lambda: np.nanmax(cells, (4, 5)),
        "avg": lambda: np.nanmean(cells, (4, 5)),
        "box": lambda: np.nansum(cells, (4, 5)) / math.prod(layer.kernel),
        "l2": lambda: np.sqrt(np.nansum(cells**2, (4, 5))),
    }[layer.op]()


def after_steps(layer, count, x, parameters):
    """The parameters after so many steps of gradient descent with momentum, in a row."""
    model = layer.model(parameters)
    velocities = [0] * len(parameters)
    for _ in range(count):
        model.backward(nn.cross_entropy(model(x), layer.labels).gradient)
        gradients = [model.gradients[name] for name in model.parameters()]
        velocities = [layer.momentum * v + g for v, g in zip(velocities, gradients, strict=True)]
        for array, velocity in zip(parameters, velocities, strict=True):
            array -= layer.learning_rate * velocity
    return networks.flat(parameters)


def made(peer):
    """An adapter, if its library is here."""
    pytest.importorskip(peer.package)
    try:
        return peer()
    except ImportError as error:  # of an older convcore, which nobody has named
        pytest.skip(str(error))


@pytest.mark.parametrize("peer", [*peers.OURS, *filters.PEERS], ids=lambda peer: peer.name)
@pytest.mark.parametrize("layer", CASES, ids=shape_of)
def test_every_library_is_asked_for_the_same(layer, peer):
    library = made(peer)
    if not library.takes(layer) or library.refuses(layer):
        pytest.skip("not computed by this library")
    operands = layer.data()
    y, answer = runner.answer(library, layer, operands), expected(layer, *operands)
    assert y.shape == answer.shape
    np.testing.assert_allclose(y, answer, rtol=0, atol=1e-5)


@pytest.mark.parametrize("peer", [*peers.OURS, *filters.PEERS], ids=lambda peer: peer.name)
@pytest.mark.parametrize("layer", STEPS, ids=shape_of)
def test_every_library_takes_the_same_steps(layer, peer):
    """Compare how far the weights go, a ten-thousandth of their size, and the third time too."""
    library = made(peer)
    if not library.takes(layer):
        pytest.skip("not computed by this library")
    x, *parameters = layer.data()
    start = networks.flat(parameters).astype(np.float64)
    wanted = after_steps(layer, 3, x.astype(float), [array.astype(float) for array in parameters])
    with library.context(1):
        call, to_numpy = library.prepare(layer, (x, *parameters), 1)
        results = [call() for _ in range(3)]
        moved = to_numpy(results[-1]) - start
    assert runner.error(moved, wanted - start)[0] < 1e-3
    np.testing.assert_array_equal(networks.flat(parameters), start)  # a copy of these went there


@pytest.mark.parametrize("layer", [*NETWORKS, *STEPS], ids=shape_of)
def test_networks_leave_their_operands_as_they_are(layer):
    operands = layer.data()
    copies = [array.copy() for array in operands]
    for _ in range(2):  # frozen, and yet there is another model of these arrays
        layer.prepare(operands)[0]()
    assert all(array.flags.writeable for array in operands)
    for array, copy in zip(operands, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_no_bias_is_zero():
    for layer in (*NETWORKS, *STEPS):
        model = layer.model(layer.data()[1:])
        assert all(array.all() for name, array in model.parameters().items() if "bias" in name)


def takers(layer):
    """The libraries that take part in a layer, installed or not."""
    libraries = [object.__new__(peer) for peer in (*peers.OURS, *filters.PEERS)]
    return [
        library.name
        for library in libraries
        if library.usual and library.takes(layer) and not library.reason(layer)
    ]


def test_filters_of_one_plane_have_the_peers_that_end():
    layer = {layer.name: layer for layer in LAYERS}
    ours, pytorch = ["convcore", "convcore-nhwc", "convcore-prepared"], ["torch", "torch-cl"]
    models, signals = ["onnxruntime", "openvino", "ncnn"], ["scipy-sig", "scipy-fft", "scipy-oa"]
    assert takers(layer["signal-48000"]) == [*ours, *pytorch, *models, "opencv-dnn", *signals]
    direct = ["opencv-dnn", "scipy-nd"]
    assert takers(layer["image-31x31"]) == [*ours, *models, "opencv", *direct, *signals]
    assert takers(layer["image-63x63"]) == [*ours, "opencv", *signals]
    gauss = ["opencv", "opencv-gauss", "opencv-sep"]
    assert takers(layer["gauss-sigma8"]) == [*ours, *gauss, "scipy-gauss", *signals]


@pytest.mark.parametrize("threads", [1, 2])
def test_a_network_is_told_its_threads(threads):
    with peers.Convcore().context(threads):
        assert convcore.get_num_threads() == min(threads, machine.usable_cpus())


def test_every_variant_has_the_peers_that_it_needs():
    peers_of = {
        layer.op: [
            peer.name
            for peer in (*peers.OURS, *filters.PEERS)
            if peer.usual and layer.op in peer.ops
        ]
        for layer in VARIANTS
    }
    ours, pytorch = ["convcore", "convcore-nhwc"], ["torch", "torch-cl"]
    models = ["onnxruntime", "openvino"]
    assert peers_of == {
        "local": [*ours, "torch", "jax"],
        "tiled": [*ours, *pytorch],
        "table": [
            *ours,
            "convcore-prepared",
            "convcore-dense",
            *pytorch,
            *models,
            "ncnn",
            "opencv-dnn",
        ],
        "transposed": [*ours, *pytorch, *models, "opencv-dnn"],
    }


def test_training_has_the_peers_that_have_gradients():
    ours, pytorch = ["convcore", "convcore-nhwc"], {"local": ["torch"]}
    jax = {"tiled": []}
    for layer in TRAINING:
        every = ["convcore-all"] * (layer.op != "forward")
        others = pytorch.get(layer.base.op, ["torch", "torch-cl"])
        assert takers(layer) == [*ours, *every, *others, *jax.get(layer.base.op, ["jax"])]


def test_networks_have_the_peers_that_have_these():
    names = {layer.op: takers(layer) for layer in (*NETWORKS, *STEPS)}
    pytorch = ["torch", "torch-cl"]
    assert names == {
        "network": ["convcore", *pytorch, "onnxruntime"],
        "step": ["convcore", *pytorch],
    }


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux has it")
def test_every_thread_is_kept_on_as_many_processors_as_asked_for():
    def processors():
        return {
            len(os.sched_getaffinity(int(task.name))) for task in Path("/proc/self/task").iterdir()
        }

    everywhere = processors()
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(abs, range(4))) == [0, 1, 2, 3]
        for count in (1, machine.usable_cpus()):
            with machine.confined(count):
                assert processors() == {count}
            assert processors() == everywhere


def test_where_threads_cannot_be_kept_somewhere_only_all_processors_will_do(monkeypatch):
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    monkeypatch.setattr(machine, "usable_cpus", lambda: 2)
    with machine.confined(2):
        pass
    with pytest.raises(OSError, match="1 of 2 processors"), machine.confined(1):
        pass


@pytest.mark.parametrize("layer", CASES, ids=shape_of)
def test_image_filters_take_planes_alone(layer):
    for names in (calls.OPENCV_FILTERS, calls.NDIMAGE_FILTERS):
        library = object.__new__(filters.ImageFilters)
        library.filters = names
        computes = library.takes(layer) and library.refuses(layer) is None
        assert computes == (layer in IMAGES or layer.name == "an-image")


@pytest.mark.parametrize(
    "layer",
    [layer for layer in LAYERS if layer.op in peers.OnnxRuntime.ops],
    ids=lambda layer: layer.name,
)
def test_onnx_runtime_accepts_every_model(layer):
    ort = pytest.importorskip("onnxruntime")
    model = onnx_model.onnx_bytes(layer, layer.data()[1:])
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    assert tuple(session.get_outputs()[0].shape) == layer.output_shape


def test_stale_scratch_holds_subnormal_numbers():
    words = np.array([peers.ConvcoreStale.small_integers], np.uint64)
    for dtype in (np.float32, np.float64):
        numbers = words.view(dtype)
        assert ((numbers > 0) & (numbers < np.finfo(dtype).tiny)).all()
