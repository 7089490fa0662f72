"""The benchmark: its table, what it asks of each library, and its report. Nothing is timed."""

import json
import math

import numpy as np
import pytest
from convcore.benchmarks import calls, layers, onnx_model, peers, runner
from convcore.benchmarks.copy_speed import Copy

import convcore
from convcore import benchmarks, geometry

LAYERS = layers.read_layers()


def pool(op, n, c, h, w, kernel, stride, padding):
    return layers.Pool(f"a-{op}", "a-group", op, n, c, h, w, kernel, stride, padding)


WINDOWS = [pool(op, 1, 3, 9, 8, (3, 2), 2, padding)
           for op in ("max", "avg", "box", "l2") for padding in (0, 1)]
GLOBAL = [pool(op, 1, 3, 4, 5, (4, 5), 1, 0) for op in ("max", "avg")]
IMAGES = [pool(op, 1, 1, 9, 8, (5, 5), 1, 2) for op in ("max", "box")]
BATCH = [pool("max", 2, 3, 9, 8, (2, 2), 2, 0)]
CONVS = [layers.Conv("a-conv", "a-group", "conv", 2, 4, 9, 8, (3, 2), 2, 1, 6, 2),
         layers.Conv("an-image", "a-group", "conv", 1, 1, 9, 8, (3, 3), 1, 1, 1, 1)]
CASES = [*WINDOWS, *GLOBAL, *IMAGES, *BATCH, *CONVS]


def shape_of(layer):
    return layer.shape_text


def expected(layer, x, *weights):
    """The answer in float64, by the equation: a window's cells outside the input are NaN."""
    x, *weights = (array.astype(np.float64) for array in (x, *weights))
    if weights:
        return convcore.conv2d(x, *weights, None, layer.stride, layer.padding, 1, layer.groups)
    sides = ((0, 0), (0, 0), *((layer.padding,) * 2,) * 2)
    cells = np.lib.stride_tricks.sliding_window_view(
        np.pad(x, sides, constant_values=np.nan), layer.kernel, (2, 3)
    )[:, :, ::layer.stride, ::layer.stride]
    return {"max": lambda: np.nanmax(cells, (4, 5)),
            "avg": lambda: np.nanmean(cells, (4, 5)),
            "box": lambda: np.nansum(cells, (4, 5)) / math.prod(layer.kernel),
            "l2": lambda: np.sqrt(np.nansum(cells ** 2, (4, 5)))}[layer.op]()


def test_every_line_of_the_table_has_a_name_of_its_own():
    names = [layer.name for layer in LAYERS]
    assert len(set(names)) == len(names)
    assert {layer.kind for layer in LAYERS} == {"conv", "pool"}
    assert {layer.op for layer in LAYERS} == set(layers.KINDS)


@pytest.mark.parametrize("line", [
    "name group median 1 1 8 8 2x2 2 0", "name group", "name group max 1 1 8 8 2x2 2 0 4 1",
    "name group conv 1 1 8 8 2x2 2 0", "name group max 1 1 8 8 2 2 0",
    "name group max 1 x 8 8 2x2 2 0",
])
def test_a_bad_line_is_named(line, tmp_path):
    table = tmp_path / "table.txt"
    table.write_text(f"# a comment\n{line}\n")
    with pytest.raises(ValueError, match=r"table\.txt, line 2: .*name group"):
        layers.read_layers(table)


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_the_output_shape_is_that_of_the_library(layer):
    shape = geometry.output_size((layer.h, layer.w), layer.kernel, layer.stride, layer.padding)
    assert layer.output_shape == (layer.n, layer.k, *shape)
    x, *weights = layer.data()
    assert x.shape == layer.input_shape
    moved = sum(array.nbytes for array in (x, *weights)) + 4 * math.prod(layer.output_shape)
    assert layer.bytes_moved == moved


def test_patterns_choose_by_name_group_and_kind():
    for kind in ("conv", "pool"):
        chosen = layers.select(LAYERS, [kind])
        assert chosen
        assert chosen == [layer for layer in LAYERS if layer.kind == kind]
    assert layers.select(LAYERS, ["pool-*"]) == layers.select(LAYERS, ["pool"])
    assert {layer.op for layer in layers.select(LAYERS, ["pool-l2"])} == {"l2"}
    with pytest.raises(ValueError, match="no layer"):
        layers.select(LAYERS, ["nonsense"])


def test_shapes_are_written_shortly():
    texts = {layer.name: layer.shape_text for layer in LAYERS}
    assert texts["pool-max-resnet50"] == "64x112x112 max 3x3 s2 p1"
    assert texts["pool-max-lenet5"] == "16x6x28x28 max 2x2 s2"
    assert texts["pool-avg-global"] == "2048x7x7 avg global"
    assert texts["alexnet-conv2"] == "96x27x27->256 5x5 p2 g2"
    assert texts["mobilenet-dw3s2-144"] == "144x56x56 dw 3x3 s2 p1"


@pytest.mark.parametrize("peer", [*peers.OURS, *peers.PEERS], ids=lambda peer: peer.name)
@pytest.mark.parametrize("layer", CASES, ids=shape_of)
def test_every_library_is_asked_for_the_same(layer, peer):
    pytest.importorskip(peer.package)
    library = peer()
    if layer.kind not in library.kinds or library.refuses(layer):
        pytest.skip("not computed by this library")
    operands = layer.data()
    y = runner.answer(library, layer, operands)
    assert y.shape == layer.output_shape
    np.testing.assert_allclose(y, expected(layer, *operands), rtol=0, atol=1e-5)


@pytest.mark.parametrize("layer", CASES, ids=shape_of)
def test_image_filters_take_planes_alone(layer):
    for filters in (calls.OPENCV_FILTERS, calls.NDIMAGE_FILTERS):
        library = object.__new__(peers.ImageFilters)
        library.filters = filters
        assert (library.refuses(layer) is None) == (layer in IMAGES or layer.name == "an-image")


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: layer.name)
def test_onnx_runtime_accepts_every_model(layer):
    ort = pytest.importorskip("onnxruntime")
    model = onnx_model.one_node_model(layer, layer.data()[1:])
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


@pytest.fixture
def clock(monkeypatch):
    """Every call takes one second, a copy 0.7: no clock is read."""
    monkeypatch.setattr(peers.Peer, "time_calls", lambda self, call, count: 1.0 * count)
    monkeypatch.setattr(Copy, "time_calls", lambda self, call, count: 0.7 * count)
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
    assert pooling[0]["best peer"] == "-"                  # a copy is no peer
    assert {"peak", "GFLOP/s"}.isdisjoint(pooling[0])
    assert [row["copy"] for row in times] == ["-", "700"]
    assert [row["group"] for row in means] == ["small", "all convolution", "pool-small",
                                               "all pooling"]
    record = json.loads(file.read_text())
    assert [row["roof_share"] for row in record["rows"]] == [None, pytest.approx(0.7)]
    assert [layer["roof"] for layer in record["layers"]] == ["peak", "copy"]


def test_means_never_mix_convolution_and_pooling():
    rows = [{"kind": kind, "group": group, "image": image, "threads": 1, "torch_ratio": ratio,
             "best_ratio": ratio}
            for kind, group, image, ratio in (
                ("conv", "net", False, 2.0), ("conv", "net", False, 8.0),
                ("conv", "image", True, 32.0), ("pool", "pool-max", False, 3.0),
                ("pool", "pool-image", True, 12.0))]
    means = {mean["group"]: mean["torch_ratio"] for mean in runner.geometric_means(rows)}
    assert means == pytest.approx({
        "net": 4.0, "image": 32.0, "all convolution but image": 4.0, "all convolution": 8.0,
        "pool-max": 3.0, "pool-image": 12.0, "all pooling but image": 3.0, "all pooling": 6.0})


def test_list_shows_every_layer_and_library(capsys):
    assert benchmarks.main(["--list"]) == 0
    printed = capsys.readouterr().out.split()
    names = [item.name for item in (*LAYERS, *peers.OURS, *peers.PEERS, Copy)]
    assert [name for name in names if name not in printed] == []
