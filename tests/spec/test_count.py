"""Counts against brute force: the entries of the 0/1 matrix, and what single cells reach."""

from math import prod
from types import SimpleNamespace

import numpy as np
import pytest

from convcore import reference
from convcore.connections import lenet5_c3
from convcore.geometry import Count, Layer, adaptive_windows, count, output_size
from convcore.matrix import (
    avg_pool_matrix,
    conv_matrix,
    conv_transpose_matrix,
    local_conv_matrix,
    tiled_conv_matrix,
    weighted_pool_matrix,
)
from tests.support.sweeps import each
from tests.tables import layer_cases
from tests.tables.cases import CASES
from tests.tables.layer_cases import LAYERS
from tests.tables.pool_cases import POOLINGS

pytest.importorskip("scipy.sparse", reason="SciPy is not installed")

MATRICES = {
    "conv": conv_matrix,
    "conv_transpose": conv_transpose_matrix,
    "local_conv": local_conv_matrix,
    "tiled_conv": tiled_conv_matrix,
}


def small(case):
    return prod(case.x) * prod(case.weight) < 200_000


def assert_counted(case, kind, axes, bias, options):
    """All numbers of a layer, by its matrix."""
    matrix = MATRICES[kind](np.ones(case.weight), case.x, **options)
    table = options.get("connections")
    weights = prod(case.weight) if table is None else int(table.sum()) * prod(case.weight[2:])
    batch = case.x[0] if len(case.x) == axes + 2 else 1
    outputs = matrix.shape[0]
    # every output (of a transposed convolution: every input) meets all taps of its kernel
    if kind == "conv_transpose":
        products = matrix.shape[1] * prod(case.weight[1:])
    elif table is not None:
        products = outputs // len(table) * weights
    else:
        products = outputs * prod(case.weight[len(case.weight) - axes - 1 :])
    got = count(Layer(case.op, case.weight, bias, **options), case.x)
    assert got == Count(
        parameters=weights + (prod(bias) if bias else 0),
        weights=weights,
        biases=prod(bias) if bias else 0,
        connections=matrix.nnz + (outputs if bias and prod(bias) else 0),
        multiply_adds=products,
    ), (batch, got)


@each([case for case in CASES[::2] if small(case)])
def test_convolutions(case):
    bias = case.weight[:1] if case.bias else None
    assert_counted(case, "conv", len(case.weight) - 2, bias, dict(case.options))


@each([case for case in LAYERS if small(case)])
def test_layers(case):
    bias = case.bias_shape if case.bias else None
    assert_counted(case, case.kind, case.axes, bias, case.arguments())


@each(
    [
        case
        for case in [*CASES[::7], *LAYERS[::5]]
        if small(case)
        and 0 not in case.x
        and len(case.x) == int(case.op[-2]) + 2
        and prod(case.x[1:]) < 700
    ]
)
def test_connections_are_what_single_cells_reach(case):
    # The operator itself on images with one cell set each, its weights all 1.
    options = case.arguments() if case in LAYERS else dict(case.options)
    x = np.eye(prod(case.x[1:])).reshape(-1, *case.x[1:])
    forward, weight = getattr(reference, case.op), np.ones(case.weight)
    reached = forward(x, weight, **options) - forward(0 * x, weight, **options)
    got = count(Layer(case.op, case.weight, **options), case.x[1:])
    assert got.connections == np.count_nonzero(reached)


KINDS = ("max_pool", "avg_pool", "lp_pool", "l2_pool", "weighted_pool")


@pytest.mark.item("f17")
@each(
    [case for case in POOLINGS if case.kind in KINDS and prod(case.x) * case.cells < 100_000], of=4
)
def test_poolings(case):
    options = case.arguments()
    layout = options.get("layout", layer_cases.LAYOUTS[case.axes][0])
    got = count(Layer(case.op, **options), case.x)
    steps = {
        key: options[key]
        for key in ("stride", "padding", "dilation", "ceil_mode", "border")
        if key in options
    }
    if case.kind == "weighted_pool":
        matrix = weighted_pool_matrix(
            np.ones(options["window"].shape), case.x, layout=layout, **steps
        )
        products = matrix.shape[0] * options["window"].size
    else:
        matrix = avg_pool_matrix(options["kernel_size"], case.x, layout=layout, **steps)
        products = 0
    assert got == Count(0, 0, 0, matrix.nnz, products)


def test_adaptive_poolings():
    windows = [len(adaptive_windows(13, 5)), sum(w.cells for w in adaptive_windows(13, 5))]
    assert windows[0] == 5
    want = 4 * 3 * windows[1] * 11
    for name in ("adaptive_avg_pool2d", "adaptive_max_pool2d"):
        got = count(Layer(name, output_size=(5, None)), (4, 3, 13, 11))
        assert got == Count(0, 0, 0, want, 0)
    assert count(Layer("adaptive_avg_pool1d", output_size=1), (2, 9)).connections == 18


# The numbers of the literature


@pytest.mark.item("f31", "f32", "f33", "f34")
def test_lenet5():
    # f31, f33, f34: LeCun et al. (1998), section II.B
    c1 = count(Layer("conv2d", weight=(6, 1, 5, 5), bias=(6,)), (1, 32, 32))
    assert c1 == Count(156, 150, 6, 122_304, 117_600)
    c3 = Layer("conv2d", weight=(16, 6, 5, 5), bias=(16,), connections=lenet5_c3())
    assert count(c3, (6, 14, 14)) == Count(1516, 1500, 16, 151_600, 150_000)
    c5 = count(Layer("conv2d", weight=(120, 16, 5, 5), bias=(120,)), (16, 5, 5))
    assert c5 == Count(48_120, 48_000, 120, 48_120, 48_000)
    assert count(Layer("max_pool2d", kernel_size=2), (6, 28, 28)).parameters == 0


@pytest.mark.item("f35", "f36", "f37")
def test_alexnet():
    # f37: weights and biases of the convolutions; two of them in two groups, as they were trained
    sizes = [
        ((96, 3, 11, 11), 34_848),
        ((256, 96, 5, 5), 614_400),
        ((384, 256, 3, 3), 884_736),
        ((384, 384, 3, 3), 1_327_104),
        ((256, 384, 3, 3), 884_736),
    ]
    for weight, weights in sizes:
        got = count(Layer("conv2d", weight, weight[:1]), (weight[1], 13, 13))
        assert (got.weights, got.biases) == (weights, weight[0])
        assert got.parameters == got.weights + got.biases
    halves = count(Layer("conv2d", (256, 48, 5, 5), (256,), padding=2, groups=2), (96, 27, 27))
    assert halves.weights == 614_400 // 2
    assert halves.multiply_adds == 27 * 27 * 256 * 48 * 25


def test_the_usual_layer():
    got = count(Layer("conv2d", weight=(64, 64, 3, 3), padding="same"), (64, 56, 56))
    assert got.multiply_adds == 64 * 64 * 9 * 3136
    assert got.connections == 64 * 64 * (3 * 56 - 2) ** 2


@pytest.mark.item("f10")
def test_the_edge_detector_of_the_notes():
    # f10: two multiplications and an addition for each output
    got = count(Layer("conv2d", weight=(1, 1, 1, 2)), (1, 280, 320))
    outputs = prod(output_size((280, 320), (1, 2)))
    assert got.multiply_adds + outputs == 319 * 280 * 3 == 267_960
    assert got.connections == 2 * outputs


@pytest.mark.item("f06", "f08")
def test_sharing_and_sparseness():
    # f06, f08: k numbers when shared, k n when not, m n when everything is connected
    m, k = 1000, 5
    n = m - k + 1
    conv = count(Layer("conv1d", (1, 1, k)), (1, m))
    tiled = count(Layer("tiled_conv1d", (1, 4, 1, k)), (1, m))
    local = count(Layer("local_conv1d", (1, n, 1, k)), (1, m))
    dense = count(Layer("conv1d", (n, 1, m)), (1, m))
    assert [layer.weights for layer in (conv, tiled, local, dense)] == [k, 4 * k, k * n, m * n]
    assert conv[3:] == tiled[3:] == local[3:] == (k * n, k * n)
    assert dense[3:] == (m * n, m * n)


@pytest.mark.item("f29")
def test_biases_follow_the_weights():
    # f29: one a channel, one a kernel of the tiling, one a unit
    x = (3, 8, 9)
    for name, period, biases in [
        ("conv2d", (), 4),
        ("tiled_conv2d", (2, 3), 24),
        ("local_conv2d", (6, 7), 168),
    ]:
        got = count(Layer(name, (4, *period, 3, 3, 3), (4, *period)), x)
        assert got.biases == biases
        assert got.connections == 4 * 6 * 7 * (27 + 1)


def test_a_batch_connects_as_often_as_it_has_elements():
    layer = Layer("conv2d", (5, 3, 3, 3), (5,), stride=2, padding=1)
    one, many = count(layer, (3, 9, 9)), count(layer, (7, 3, 9, 9))
    assert many[:3] == one[:3]
    assert many[3:] == (7 * one.connections, 7 * one.multiply_adds)
    assert count(layer, (0, 3, 9, 9))[3:] == (0, 0)


def test_a_border_connects_to_each_cell_once():
    layer = {"weight": (1, 1, 3), "padding": 1}
    assert count(Layer("conv1d", **layer), (1, 4)).connections == 10
    assert count(Layer("conv1d", border="edge", **layer), (1, 4)).connections == 10
    assert count(Layer("conv1d", border="wrap", **layer), (1, 4)).connections == 12
    assert count(Layer("conv1d", border="reflect", **layer), (1, 4)).connections == 10
    assert count(Layer("conv1d", border="wrap", **layer), (1, 1)).connections == 1


def test_large_numbers_are_exact():
    got = count(Layer("conv2d", (2**12, 2**12, 3, 3), padding="same"), (2**12, 2**20, 2**20))
    assert got.multiply_adds == 2**24 * 9 * 2**40
    assert got.connections == 2**24 * (3 * 2**20 - 2) ** 2


def test_arrays_and_other_objects_are_layers_too():
    weight, bias = np.ones((4, 3, 2, 2)), np.ones(4)
    want = count(Layer("conv2d", (4, 3, 2, 2), (4,), stride=2), (3, 6, 6))
    assert count(Layer("conv2d", weight, bias, stride=2), (3, 6, 6)) == want
    other = SimpleNamespace(operator="conv2d", weight=weight, bias=bias, options={"stride": 2})
    assert count(other, [3, 6, 6]) == want
    assert other.options == {"stride": 2}
    ignored = Layer("conv2d", weight, bias, stride=2, threads=3, algorithm="direct", flip=True)
    assert count(ignored, (3, 6, 6)) == want


def test_repr():
    layer = Layer("conv2d", weight=(4, 3, 2, 2), stride=2)
    assert repr(layer) == "Layer('conv2d', weight=(4, 3, 2, 2), stride=2)"
    assert eval(repr(layer)).options == {"stride": 2}
    array = np.ones((4, 3, 2))
    assert repr(Layer("conv1d", array)) == (
        "Layer('conv1d', weight=<float64 array of shape (4, 3, 2)>)"
    )
    table = np.eye(2, dtype=bool)
    layer = Layer("conv1d", (2, 2, 3), connections=table)
    assert repr(layer) == (
        "Layer('conv1d', weight=(2, 2, 3), connections=[[True, False], [False, True]])"
    )
    assert count(eval(repr(layer)), (2, 9)) == count(layer, (2, 9))
    layer.options = {"connections": lenet5_c3()}
    assert "connections=<table of shape (16, 6), 60 of 96 pairs>" in repr(layer)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("count(Layer('conv4d', (1, 1, 1)), (1, 1))", "operator.*conv4d"),
        ("count(Layer('relu'), (1, 1))", "operator.*relu"),
        ("count(Layer('conv1d'), (1, 5))", "weight of a conv1d.*None"),
        ("count(Layer('conv1d', (1, 1)), (1, 5))", r"conv1d.*weight.*\(1, 1\)"),
        ("count(Layer('conv1d', (1, 2, 3)), (1, 5))", "conv1d.*weight"),
        ("count(Layer('conv1d', (1, 1, 3), (2,)), (1, 5))", r"bias.*\(1,\), got \(2,\)"),
        ("count(Layer('conv1d', (1, 1, 3), ()), (1, 5))", "bias"),
        ("count(Layer('conv1d', (1, 1, 6)), (1, 5))", "kernel 6"),
        ("count(Layer('conv1d', (1, 1, 3)), (5,))", "input_shape"),
        ("count(Layer('conv1d', (1, 1, 3)), (1, -5))", "input_shape.*-5"),
        ("count(Layer('conv1d', (1, -1, 3)), (1, 5))", "weight.*-1"),
        ("count(Layer('conv1d', (1, 1, 3), stride=0), (1, 5))", "stride.*0"),
        (
            "count(Layer('conv1d', (2, 1, 3), connections=np.ones((1, 2), bool)), (1, 5))",
            "connections",
        ),
        ("count(Layer('local_conv1d', (1, 2, 1, 3)), (1, 5))", r"weight.*\(3,\).*\(2,\)"),
        ("count(Layer('local_conv1d', (1, 3, 1, 3), (1,)), (1, 5))", r"bias.*\(1, 3\)"),
        ("count(Layer('conv_transpose1d', (1, 1, 3), output_padding=1), (1, 5))", "output_padding"),
        ("count(Layer('max_pool1d', (1,), kernel_size=2), (1, 5))", "weight.*None"),
        ("count(Layer('max_pool1d', None, (1,), kernel_size=2), (1, 5))", "bias.*None"),
        ("count(Layer('max_pool1d'), (1, 5))", "kernel_size"),
        (
            "count(Layer('max_pool1d', kernel_size=2, padding=4), (1, 5))",
            "max_pool1d.*hold an input cell",
        ),
        ("count(Layer('adaptive_avg_pool1d', output_size=0), (1, 5))", "output_size.*0"),
        ("count(Layer('adaptive_avg_pool1d', output_size=(1, 2)), (1, 5))", "output_size"),
        ("count(Layer('weighted_pool1d', window=(2, 2)), (1, 5))", "window"),
        ("count(Layer('conv1d', (1, 1, 3), padding=2**63), (1, 5))", "padding"),
        ("count(Layer('conv1d', (1, 1, 3), dilation=2**62, padding='full'), (1, 5))", "dilation"),
    ],
)
def test_bad_values(call, words):
    with pytest.raises(ValueError, match=rf"(?s)count: .*{words}"):
        eval(call)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("count(None, (1, 5))", "operator"),
        ("count(Layer(3), (1, 5))", "operator.*3"),
        ("count(Layer('conv1d', 3), (1, 5))", "weight.*3"),
        ("count(Layer('conv1d', (1, 1, 3)), 5)", "input_shape.*5"),
        ("count(Layer('conv1d', (1, 1, 3.0)), (1, 5))", "weight.*3.0"),
        ("count(Layer('conv1d', (1, 1, 3), strides=2), (1, 5))", "stride.*got 'strides'"),
        ("count(Layer('local_conv1d', (1, 3, 1, 3), groups=1), (1, 5))", "groups"),
        ("count(Layer('max_pool1d', kernel_size=2, ceil_mode=1), (1, 5))", "ceil_mode"),
        ("count(Layer('conv1d', (2, 1, 3), connections=np.ones((2, 1))), (1, 5))", "connections"),
    ],
)
def test_bad_types(call, words):
    with pytest.raises(TypeError, match=rf"(?s)count: .*{words}"):
        eval(call)
