"""The benchmark: its table, what it asks of each library, and its report. Nothing is timed."""

import json
import math
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from convcore.benchmarks import (
    calls,
    layers,
    machine,
    networks,
    onnx_model,
    passes,
    peers,
    runner,
)
from convcore.benchmarks.memory_speed import MEMORY, Copy, Read

import convcore
from convcore import benchmarks, connections, geometry, nn, reference

LAYERS = layers.read_layers()


def pool(op, n, c, h, w, kernel, stride, padding):
    return layers.Pool(f"a-{op}", "a-group", op, n, c, h, w, kernel, stride, padding)


WINDOWS = [
    pool(op, 1, 3, 9, 8, (3, 2), 2, padding)
    for op in ("max", "avg", "box", "l2")
    for padding in (0, 1)
]
GLOBAL = [pool(op, 1, 3, 4, 5, (4, 5), 1, 0) for op in ("max", "avg")]
IMAGES = [pool(op, 1, 1, 9, 8, (5, 5), 1, 2) for op in ("max", "box")]
BATCH = [pool("max", 2, 3, 9, 8, (2, 2), 2, 0)]
CONVS = [
    layers.Conv("a-conv", "a-group", "conv", 2, 4, 9, 8, (3, 2), 2, 1, 6, 2),
    layers.Conv("an-image", "a-group", "conv", 1, 1, 9, 8, (3, 3), 1, 1, 1, 1),
]


def variant(op, n, c, h, w, kernel, stride, padding, k, *more):
    return layers.KINDS[op](f"a-{op}", "a-group", op, n, c, h, w, kernel, stride, padding, k, *more)


VARIANTS = [
    variant("local", 1, 3, 7, 6, (3, 2), 1, 0, 4),
    variant("local", 2, 3, 7, 6, (3, 2), 2, 1, 4),
    variant("local", 1, 1, 5, 5, (3, 3), 1, 1, 1),
    variant("tiled", 1, 3, 7, 6, (3, 3), 1, 1, 4, 2),
    variant("tiled", 2, 3, 9, 12, (2, 3), 2, 0, 4, 3),
    variant("tiled", 1, 2, 4, 5, (3, 2), 1, 0, 3, 3),  # more weights than rows of outputs
    variant("table", 2, 5, 7, 6, (3, 2), 1, 1, 4, "2"),
    variant("table", 1, 6, 8, 8, (5, 5), 2, 2, 16, "lenet5-c3"),
    variant("transposed", 2, 4, 5, 6, (3, 3), 1, 1, 3, 0),
    variant("transposed", 1, 4, 5, 6, (4, 4), 2, 1, 3, 0),
    variant("transposed", 1, 4, 5, 6, (3, 2), 2, 0, 3, 1),
]
TRAINED = [layer for layer in (CONVS[0], *VARIANTS) if layer.op in layers.TRAINED]
TRAINING = [one_pass(layer) for layer in TRAINED for one_pass in passes.PASSES.values()]


def small(rng):
    """A network with every option that LeNet-5 and AlexNet have."""
    return nn.Sequential(
        {
            "a": nn.Conv2d(4, 6, (3, 2), (2, 1), (1, 2), groups=2, rng=rng),
            "b": nn.ReLU(),
            "c": nn.MaxPool2d(3, 2, 1),
            "d": nn.Subsample2d(6, (2, 1)),
            "e": nn.Tanh(scaled=True),
            "f": nn.Conv2d(6, 5, 2, connections=connections.random(5, 6, 3, rng=0), rng=rng),
            "g": nn.Tanh(),
            "h": nn.Flatten(),
            "i": nn.Dropout(0.5, rng),
            "j": nn.Linear(90, 7, rng=rng),
        },
        input_shape=(4, 21, 16),
    )


networks.NETWORKS["small"] = small, (4, 21, 16)
NETWORKS = [
    networks.Network("a-network", "a-group", "network", n, net)
    for n, net in ((1, "small"), (3, "small"), (2, "lenet5"))
]
STEPS = [networks.Step("a-step", "a-group", "step", n, "lenet5") for n in (1, 4)]
CASES = [*WINDOWS, *GLOBAL, *IMAGES, *BATCH, *CONVS, *VARIANTS, *TRAINING, *NETWORKS, *STEPS]


def shape_of(layer):
    return f"{layer.shape_text} {layer.op}"


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


def test_every_line_of_the_table_has_a_name_of_its_own():
    names = [layer.name for layer in LAYERS]
    assert len(set(names)) == len(names)
    assert {layer.kind for layer in LAYERS} == set(layers.WORDS)
    assert {layer.op for layer in LAYERS} == set(layers.OPS)


@pytest.mark.parametrize(
    "line",
    [
        "name group median 1 1 8 8 2x2 2 0",
        "name group",
        "name group max 1 1 8 8 2x2 2 0 4 1",
        "name group conv 1 1 8 8 2x2 2 0",
        "name group max 1 1 8 8 2 2 0",
        "name group max 1 x 8 8 2x2 2 0",
        "name group tiled 1 1 8 8 2x2 1 0 4",
        "name group local 1 1 8 8 2x2 1 0 4 2",
        "name group tiled 1 1 8 8 2x2 1 0 4 two",
        "name group max+gradients 1 1 8 8 2x2 2 0",
        "name group conv+gradient 1 1 8 8 2x2 1 0 4 1",
        "name group table+gradients 1 4 8 8 2x2 1 0 4 2",
        "name group conv+gradients 1 1 8 8 2x2 1 0 4",
        "name group network 1 lenet6",
        "name group network 1",
        "name group step 1 1 32 32 lenet5",
        "name group network+gradients 1 lenet5",
    ],
)
def test_a_bad_line_is_named(line, tmp_path):
    table = tmp_path / "table.txt"
    table.write_text(f"# a comment\n{line}\n")
    with pytest.raises(ValueError, match=r"table\.txt, line 2: .*name group"):
        layers.read_layers(table)


@pytest.mark.parametrize(
    "layer", [layer for layer in LAYERS if layer.kind != "network"], ids=lambda layer: layer.name
)
def test_the_output_shape_is_that_of_the_library(layer):
    layer = layer.base
    inner, outer = (layer.h, layer.w), layer.output_shape[2:]
    if layer.op == "transposed":  # the convolution goes the other way
        inner, outer = outer, inner
    assert outer == geometry.output_size(inner, layer.kernel, layer.stride, layer.padding)
    assert layer.output_shape[:2] == (layer.n, layer.k)


@pytest.mark.parametrize("layer", CASES, ids=shape_of)
def test_the_operands_are_what_their_shapes_say(layer):
    operands = layer.data()
    grad, (x, *weights) = operands[: layer.planes - 1], operands[layer.planes - 1 :]
    gradients = [layer.base.output_shape] * (layer.op in passes.GRADIENTS)
    assert [array.shape for array in grad] == gradients
    assert x.shape == layer.base.input_shape
    assert {array.dtype for array in operands} == {np.dtype(np.float32)}
    result = 4 * math.prod(layer.base.output_shape)
    assert layer.bytes_moved == result + sum(array.nbytes for array in (x, *weights))
    once = layer.base.op == "local" and layer.base.n == 1 and layer.op != "weight gradient"
    assert layer.bytes_seen_once == (weights[0].nbytes if once else 0)


def test_operations_are_those_of_the_direct_sum():
    flops = {layer.shape_text: layer.flops for layer in VARIANTS}
    assert flops == {
        "3x7x6->4 3x2 local": 2 * 4 * 5 * 5 * 3 * 6,
        "2x3x7x6->4 3x2 s2 p1 local": 2 * 2 * 4 * 4 * 4 * 3 * 6,
        "1x5x5->1 3x3 p1 local": 2 * 5 * 5 * 9,
        "3x7x6->4 3x3 p1 period 2": 2 * 4 * 7 * 6 * 3 * 9,
        "2x3x9x12->4 2x3 s2 period 3": 2 * 2 * 4 * 4 * 5 * 3 * 6,
        "2x4x5->3 3x2 period 3": 2 * 3 * 2 * 4 * 2 * 6,
        "2x5x7x6->4 3x2 p1 8 of 20 pairs": 2 * 2 * 7 * 7 * 8 * 6,
        "6x8x8->16 5x5 s2 p2 60 of 96 pairs": 2 * 4 * 4 * 60 * 25,
        "2x4x5x6->3 3x3 p1 transposed": 2 * 2 * 4 * 5 * 6 * 3 * 9,
        "4x5x6->3 4x4 s2 p1 transposed": 2 * 4 * 5 * 6 * 3 * 16,
        "4x5x6->3 3x2 s2 transposed +1": 2 * 4 * 5 * 6 * 3 * 6,
    }


def test_operations_of_a_network_are_those_of_its_layers():
    flops = {layer.name: layer.flops for layer in layers.select(LAYERS, ["network"])}
    lenet5, c1, alexnet = 328_096, 117_600, 1_135_256_096  # multiply-adds of an image
    assert flops == {
        "network-lenet5-n1": 2 * lenet5,
        "network-lenet5-n64": 2 * 64 * lenet5,
        "network-alexnet-n1": 2 * alexnet,
        "network-alexnet-n16": 2 * 16 * alexnet,
        "network-lenet5-step-n64": 2 * 64 * (3 * lenet5 - c1),
    }


def test_patterns_choose_by_name_group_and_kind():
    for kind in ("conv", "pool", "variant", "gradients", "network"):
        chosen = layers.select(LAYERS, [kind])
        assert chosen
        assert chosen == [layer for layer in LAYERS if layer.kind == kind]
    assert layers.select(LAYERS, ["pool-*"]) == layers.select(LAYERS, ["pool"])
    for pattern, op in (("pool-l2", "l2"), ("local", "local"), ("transposed", "transposed")):
        assert {layer.op for layer in layers.select(LAYERS, [pattern])} == {op}
    with pytest.raises(ValueError, match="no layer"):
        layers.select(LAYERS, ["nonsense"])


def test_a_line_with_gradients_stands_for_three(tmp_path):
    table = tmp_path / "table.txt"
    cells = "2 4 9 8 3x2 2 1 6 2"
    table.write_text(f"one group conv {cells}\none group conv+gradients {cells}\n")
    conv, *three = layers.read_layers(table)
    assert [layer.base for layer in three] == [conv] * 3
    assert [layer.op for layer in three] == ["forward", "input gradient", "weight gradient"]
    for text in ("name", "group"):
        words = [f"{getattr(conv, text)}-{word}" for word in ("forward", "input", "weight")]
        assert [getattr(layer, text) for layer in three] == words
    for layer in three:
        assert (layer.flops, layer.bytes_moved) == (conv.flops, conv.bytes_moved)
        record = layer.record()
        assert record == {
            **conv.record(),
            **{key: record[key] for key in ("name", "group")},
            "op": layer.op,
            "of": "conv",
            "kind": "gradients",
        }
    assert [layer.call() for layer in three] == [
        conv.call(),
        ("conv2d_backward", conv.call()[1], {"needs": (True, False, False)}),
        ("conv2d_backward", conv.call()[1], {"needs": (False, True, False)}),
    ]


def test_shapes_are_written_shortly():
    texts = {layer.name: layer.shape_text for layer in LAYERS}
    assert texts["pool-max-resnet50"] == "64x112x112 max 3x3 s2 p1"
    assert texts["pool-max-lenet5"] == "16x6x28x28 max 2x2 s2"
    assert texts["pool-avg-global"] == "2048x7x7 avg global"
    assert texts["alexnet-conv2"] == "96x27x27->256 5x5 p2 g2"
    assert texts["mobilenet-dw3s2-144"] == "144x56x56 dw 3x3 s2 p1"
    assert texts["network-alexnet-n1"] == "3x227x227 alexnet"
    assert texts["network-lenet5-step-n64"] == "64x1x32x32 lenet5 step"


def made(peer):
    """An adapter, if its library is here."""
    pytest.importorskip(peer.package)
    try:
        return peer()
    except ImportError as error:  # of an older convcore, which nobody has named
        pytest.skip(str(error))


@pytest.mark.parametrize("peer", [*peers.OURS, *peers.PEERS], ids=lambda peer: peer.name)
@pytest.mark.parametrize("layer", CASES, ids=shape_of)
def test_every_library_is_asked_for_the_same(layer, peer):
    library = made(peer)
    if not library.takes(layer) or library.refuses(layer):
        pytest.skip("not computed by this library")
    operands = layer.data()
    y, answer = runner.answer(library, layer, operands), expected(layer, *operands)
    assert y.shape == answer.shape
    np.testing.assert_allclose(y, answer, rtol=0, atol=1e-5)


@pytest.mark.parametrize("peer", [*peers.OURS, *peers.PEERS], ids=lambda peer: peer.name)
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


@pytest.mark.parametrize("threads", [1, 2])
def test_a_network_is_told_its_threads(threads):
    with peers.Convcore().context(threads):
        assert convcore.get_num_threads() == min(threads, machine.usable_cpus())


def test_every_variant_has_the_peers_that_it_needs():
    peers_of = {
        layer.op: [
            peer.name for peer in (*peers.OURS, *peers.PEERS) if peer.usual and layer.op in peer.ops
        ]
        for layer in VARIANTS
    }
    ours, pytorch = ["convcore", "convcore-nhwc"], ["torch", "torch-cl"]
    models = ["onnxruntime", "openvino"]
    assert peers_of == {
        "local": [*ours, "torch", "jax"],
        "tiled": [*ours, *pytorch],
        "table": [*ours, "convcore-dense", *pytorch, *models, "ncnn", "opencv-dnn"],
        "transposed": [*ours, *pytorch, *models, "opencv-dnn"],
    }


def test_training_has_the_peers_that_have_gradients():
    def takers(layer):
        libraries = [object.__new__(peer) for peer in (*peers.OURS, *peers.PEERS)]
        return [library.name for library in libraries if library.usual and library.takes(layer)]

    ours, pytorch = ["convcore", "convcore-nhwc"], {"local": ["torch"]}
    jax = {"tiled": []}
    for layer in TRAINING:
        every = ["convcore-all"] * (layer.op != "forward")
        others = pytorch.get(layer.base.op, ["torch", "torch-cl"])
        assert takers(layer) == [*ours, *every, *others, *jax.get(layer.base.op, ["jax"])]


def test_networks_have_the_peers_that_have_these():
    libraries = [object.__new__(peer) for peer in (*peers.OURS, *peers.PEERS)]
    names = {
        layer.op: [library.name for library in libraries if library.usual and library.takes(layer)]
        for layer in (*NETWORKS, *STEPS)
    }
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
    for filters in (calls.OPENCV_FILTERS, calls.NDIMAGE_FILTERS):
        library = object.__new__(peers.ImageFilters)
        library.filters = filters
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


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_copy_moves_as_many_bytes_as_the_layer(threads):
    layer = layers.select(LAYERS, ["pool-max-lenet5"])[0]
    copy = Copy()
    shares, to_numpy = copy.prepare(layer, layer.data(), threads)
    assert to_numpy is None
    assert len(shares) == threads
    assert sum(array.nbytes for share in shares for array in share.args) == layer.bytes_moved
    for target, source in (share.args for share in shares):
        target[:] = np.nan
        source[:] = np.arange(source.size)
    copy.time_calls(shares, 2)
    for target, source in (share.args for share in shares):
        np.testing.assert_array_equal(target, source)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_reading_reads_as_many_bytes_as_the_layer_has_weights(threads):
    read = Read()
    once = [layer for layer in (*VARIANTS, *TRAINING) if read.takes(layer)]
    assert [layer.op for layer in once] == ["local"] * 2 + ["forward", "input gradient"] * 2
    for layer in once:
        shares, to_numpy = read.prepare(layer, layer.data(), threads)
        assert to_numpy is None
        assert len(shares) == threads
        assert sum(share.__self__.nbytes for share in shares) == layer.data()[-1].nbytes
        assert read.work(layer) == layer.bytes_seen_once
        read.time_calls(shares, 2)


@pytest.fixture
def clock(monkeypatch):
    """Every call takes one second, a copy 0.7, reading 0.6: no clock is read."""
    monkeypatch.setattr(peers.Peer, "time_calls", lambda self, call, count: 1.0 * count)
    monkeypatch.setattr(Copy, "time_calls", lambda self, call, count: 0.7 * count)
    monkeypatch.setattr(Read, "time_calls", lambda self, call, count: 0.6 * count)
    monkeypatch.setattr(runner, "settle", lambda: None)
    monkeypatch.setattr(benchmarks, "_fma_probe", lambda: None)


def tables(text):
    """The lines of each table of a report, by its title, as lists of cells."""
    found = {}
    for block in text.split("\n### ")[1:]:
        title, _, *lines = block.splitlines()
        rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("|")]
        found[title] = [dict(zip(rows[0], row, strict=True)) for row in rows[2:]]
    return found


def test_a_pooling_stands_beside_the_copy_and_a_convolution_beside_the_peak(
    clock, tmp_path, capsys
):
    file = tmp_path / "bench.json"
    chosen = ["--layers", "small-1-4-8", "pool-small", "--peers", "convcore-nhwc"]
    assert benchmarks.main([*chosen, "--rounds", "1", "--markdown", "--json", str(file)]) == 0
    conv, pooling, times, means = tables(capsys.readouterr().out).values()
    assert [row["layer"] for row in conv] == ["small-1-4-8"]
    assert (conv[0]["peak"], conv[0]["GFLOP/s"]) == ("-", "0.0000")
    assert "copy" not in conv[0]
    assert [row["layer"] for row in pooling] == ["pool-small-avg-8"]
    assert pooling[0]["copy"] == "70%"
    assert pooling[0]["best peer"] == "-"  # a copy is no peer
    assert {"peak", "GFLOP/s", "read"}.isdisjoint(pooling[0])
    assert [row["copy"] for row in times] == ["-", "700"]
    assert [row["group"] for row in means] == [
        "small",
        "all convolution",
        "pool-small",
        "all pooling",
    ]
    record = json.loads(file.read_text())
    assert [row["roof_share"] for row in record["rows"]] == [None, pytest.approx(0.7)]
    assert [layer["roof"] for layer in record["layers"]] == ["peak", "copy"]


def test_a_local_layer_stands_beside_the_reading_of_its_weights(clock, tmp_path, capsys):
    file = tmp_path / "bench.json"
    chosen = ["--layers", "local-lenet5-c5", "table-lenet5-c3", "--peers", "none"]
    assert benchmarks.main([*chosen, "--rounds", "1", "--markdown", "--json", str(file)]) == 0
    variants, times, means = tables(capsys.readouterr().out).values()
    assert [row["read"] for row in variants] == ["60%", "-"]
    assert [row["best peer"] for row in variants] == ["-", "-"]
    assert [row["read"] for row in times] == ["600", "-"]
    assert [row["group"] for row in means] == ["local", "table", "all variants"]
    layer = json.loads(file.read_text())["layers"][0]
    rates = {result["library"]: result["rate"] for result in layer["results"]}
    assert rates == pytest.approx({"convcore": 2 * 120 * 400 / 1e9, "read": 120 * 1600 / 0.6e9})


def test_convcore_without_the_table_is_no_peer(clock, capsys):
    chosen = ["--layers", "table-lenet5-c3", "--peers", "convcore-dense"]
    assert benchmarks.main([*chosen, "--rounds", "1", "--markdown"]) == 0
    variants, times, _ = tables(capsys.readouterr().out).values()
    assert variants[0]["best peer"] == "-"
    assert times[0]["convcore-dense"] == "1000"
    assert "read" not in variants[0]


def test_stale_scratch_takes_part_if_asked_for(clock, capsys):
    assert not peers.ConvcoreStale.usual
    chosen = ["--layers", "table-lenet5-c3", "--peers", "convcore-stale"]
    assert benchmarks.main([*chosen, "--rounds", "1", "--markdown"]) == 0
    variants, times, _ = tables(capsys.readouterr().out).values()
    assert variants[0]["best peer"] == "-"
    assert "convcore-stale" in times[0]


def test_stale_scratch_holds_subnormal_numbers():
    words = np.array([peers.ConvcoreStale.small_integers], np.uint64)
    for dtype in (np.float32, np.float64):
        numbers = words.view(dtype)
        assert ((numbers > 0) & (numbers < np.finfo(dtype).tiny)).all()


def test_a_gradient_stands_beside_all_three(clock, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(peers.ConvcoreAll, "time_calls", lambda self, call, count: 2.5 * count)
    file = tmp_path / "bench.json"
    chosen = ["--layers", "grad-lenet5-c3-n8-*", "--peers", "convcore-nhwc", "convcore-all"]
    assert benchmarks.main([*chosen, "--rounds", "1", "--markdown", "--json", str(file)]) == 0
    training, times, means = tables(capsys.readouterr().out).values()
    words = ["forward", "input", "weight"]
    assert [row["layer"] for row in training] == [f"grad-lenet5-c3-n8-{word}" for word in words]
    assert [row["all"] for row in training] == ["-", "2.50", "2.50"]
    assert [row["best peer"] for row in training] == ["-"] * 3
    assert [row["convcore-all"] for row in times] == ["-", "2500", "2500"]
    groups = [f"gradients-{word}" for word in words]
    assert [row["group"] for row in means] == [*groups, "all training"]
    records = json.loads(file.read_text())["layers"]
    assert [layer["op"] for layer in records] == list(passes.PASSES)
    assert all(
        result["relative_l2_error"] < 1e-6 for layer in records for result in layer["results"]
    )


def test_a_network_stands_beside_its_peers(clock, tmp_path, capsys):
    file = tmp_path / "bench.json"
    chosen = ["--layers", "network-lenet5-n1", "network-step", "--peers", "torch", "onnxruntime"]
    assert benchmarks.main([*chosen, "--rounds", "1", "--markdown", "--json", str(file)]) == 0
    whole, times, means = tables(capsys.readouterr().out).values()
    assert [row["layer"] for row in whole] == ["network-lenet5-n1", "network-lenet5-step-n64"]
    assert {"read", "all", "copy"}.isdisjoint(whole[0])
    assert [row["convcore"] for row in times] == ["1000", "1000"]
    groups = ["network-lenet5", "network-step", "all networks"]
    assert [row["group"] for row in means] == groups
    records = json.loads(file.read_text())["layers"]
    assert [layer["net"] for layer in records] == ["lenet5"] * 2
    assert [layer["refused"] for layer in records] == [{}] * 2
    assert all(
        result["relative_l2_error"] < 2e-6 for layer in records for result in layer["results"]
    )


def test_means_never_mix_convolution_and_pooling():
    rows = [
        {
            "kind": kind,
            "group": group,
            "image": image,
            "threads": 1,
            "torch_ratio": ratio,
            "best_ratio": ratio,
        }
        for kind, group, image, ratio in (
            ("conv", "net", False, 2.0),
            ("conv", "net", False, 8.0),
            ("conv", "image", True, 32.0),
            ("pool", "pool-max", False, 3.0),
            ("pool", "pool-image", True, 12.0),
        )
    ]
    means = {mean["group"]: mean["torch_ratio"] for mean in runner.geometric_means(rows)}
    assert means == pytest.approx(
        {
            "net": 4.0,
            "image": 32.0,
            "all convolution but image": 4.0,
            "all convolution": 8.0,
            "pool-max": 3.0,
            "pool-image": 12.0,
            "all pooling but image": 3.0,
            "all pooling": 6.0,
        }
    )


def test_list_shows_every_layer_and_library(capsys):
    assert benchmarks.main(["--list"]) == 0
    printed = capsys.readouterr().out.split()
    names = [item.name for item in (*LAYERS, *peers.OURS, *peers.PEERS, *MEMORY)]
    assert [name for name in names if name not in printed] == []


def test_list_as_json(capsys, tmp_path):
    file = tmp_path / "list.json"
    chosen = ["--list", "--layers", "lenet5-*", "--peers", "none", "--json", str(file)]
    assert benchmarks.main(chosen) == 0
    printed = capsys.readouterr().out
    listed = json.loads(file.read_text())
    names = [layer["name"] for layer in listed["layers"]]
    assert names == [layer.name for layer in LAYERS if layer.name.startswith("lenet5-")]
    assert all(layer["flops"] > 0 for layer in listed["layers"])
    assert listed["peers"][0]["name"] == "convcore"
    assert [name for name in names if name not in printed] == []
    with pytest.raises(SystemExit):
        benchmarks.main(["--list", "--json", str(tmp_path / "no" / "list.json")])
    assert "its folder does not exist" in capsys.readouterr().err
