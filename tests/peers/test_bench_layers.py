"""The benchmark's table, and the sizes, operations and bytes of its layers. Nothing is timed."""

import math

import numpy as np
import pytest
from convcore.benchmarks import layers, passes
from convcore.benchmarks.memory_speed import Copy, Read
from convcore.benchmarks.peers import Convcore

from convcore import geometry
from tests.tables.bench_cases import CASES, LAYERS, TRAINING, VARIANTS, shape_of


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
        "name group gauss 1 1 8 8 17x17 1 8 1",
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


def test_a_gaussian_ends_at_four_sigma_and_has_the_sum_one():
    for layer in LAYERS:
        if layer.op == "gauss":
            assert layer.kernel == (8 * layer.sigma + 1,) * 2
            weight = layer.data()[1][0, 0]
            assert weight.sum(dtype=float) == pytest.approx(1, abs=1e-6)
            middle = weight[layer.padding]
            rows = middle[:, None] * middle / middle.max()
            np.testing.assert_allclose(weight, rows, rtol=1e-6, atol=0)
            one_sigma = middle[layer.padding + layer.sigma] / middle.max()
            assert one_sigma == pytest.approx(np.exp(-0.5), rel=1e-6)


def test_signals_and_images_are_told_from_layers():
    found = {layer.group for layer in LAYERS if layer.is_image or layer.is_signal}
    assert found == {"image", "gauss", "signal", "pool-image"}
    assert {layer.group for layer in LAYERS if layer.is_signal} == {"signal"}
    assert {layer.group for layer in LAYERS if layer.record()["image"]} == found


@pytest.mark.auto
def test_the_algorithm_is_the_one_that_the_call_takes():
    """Of one-plane layers by the kernel's values as well; gradients and networks have no name."""
    found = {
        layer.name: Convcore().algorithm(layer, layer.data())
        for layer in LAYERS
        if layer.name.startswith(
            ("gauss-sigma2", "image-15", "signal-10", "transposed", "pool-max")
        )
        or layer.name.startswith(("local-lenet5", "grad-lenet5-c3-n8", "table-lenet5", "network-l"))
    }
    named = {name for name in found if not name.startswith("network")}
    named -= {"grad-lenet5-c3-n8-input", "grad-lenet5-c3-n8-weight"}
    assert {name for name, chosen in found.items() if chosen} == named
    assert found["gauss-sigma2"] == "separable"
    assert "separable" not in (found["image-15x15"], found["signal-1024"])
    assert (found["local-lenet5-c5"], found["transposed-64-56"]) == ("local", "phases")


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
    assert texts["gauss-sigma2"] == "1x2048x2048->1 17x17 p8 sigma 2"
    assert texts["signal-1024"] == "1x1x192000->1 1x1024"
    assert texts["network-alexnet-n1"] == "3x227x227 alexnet"
    assert texts["network-lenet5-step-n64"] == "64x1x32x32 lenet5 step"


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
