"""Prepared layers: the operator's bits from weights that are packed once."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from math import erf

import numpy as np
import pytest

import convcore

pytestmark = pytest.mark.auto
rng = np.random.default_rng(0)


def normal(*shape, dtype=np.float32):
    return rng.standard_normal(shape).astype(dtype)


BELL = np.exp(-(np.linspace(-2, 2, 17) ** 2))
# operator, x, weight, bias, options
LAYERS = {
    "direct": ("conv2d", (2, 3, 9, 10), normal(5, 3, 3, 3), 5, {"stride": 2, "padding": "same"}),
    "winograd": ("conv2d", (32, 30, 31), normal(32, 32, 3, 3), 32, {"padding": 1}),
    "fft": ("conv1d", (2, 9000), normal(3, 2, 700), 3, {"algorithm": "fft"}),
    "separable": (
        "conv2d",
        (2, 40, 50),
        np.multiply.outer([1, 2], np.outer(BELL, BELL))[:, None].astype(np.float32),
        2,
        {"groups": 2, "algorithm": "separable", "border": "reflect", "padding": 4},
    ),
    "flip": ("conv2d", (1, 20, 20), normal(1, 1, 4, 5), 1, {"flip": True}),
    "last": ("conv3d", (2, 6, 7, 8, 4), normal(8, 2, 2, 3, 3), 8, {"layout": "NDHWC", "groups": 2}),
    "table": (
        "conv2d",
        (3, 8, 8),
        normal(2, 3, 3, 3),
        2,
        {"connections": [[True, False, True], [False, True, True]]},
    ),
    "transposed": ("conv_transpose2d", (3, 8, 9), normal(3, 4, 3, 3), 4, {"stride": 2}),
    "local": ("local_conv1d", (2, 3, 10), normal(4, 8, 3, 3), (4, 8), {}),
    "tiled": ("tiled_conv2d", (3, 9, 9), normal(4, 2, 2, 3, 3, 3), (4, 2, 2), {"padding": 1}),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int16])
@pytest.mark.parametrize("name", LAYERS)
def test_bits(name, dtype):
    op, shape, weight, bias, options = LAYERS[name]
    function = getattr(convcore, op)
    bias = normal(*np.atleast_1d(bias))
    if dtype == np.int16:
        weight, bias = (np.rint(3 * a).astype(np.int16) for a in (weight, bias))
        options = {word: value for word, value in options.items() if word != "algorithm"}
    layer = convcore.prepare(function, weight, bias, **options)
    for extent in (0, 3, 0):  # another size of the first axis that may change
        if op != "local_conv1d":
            axis = 1 if op != "conv3d" else 0
            shape = (*shape[:axis], shape[axis] + (extent if axis == 0 else 0), *shape[axis + 1 :])
        x = np.rint(9 * normal(*shape)).astype(dtype)
        want = function(x, weight, bias, **options)
        for threads in (1, 3):
            got = layer(x, threads=threads)
            assert got.dtype == want.dtype
            assert got.tobytes() == want.tobytes()
        out = np.empty_like(want)
        assert layer(x, out=out) is out
        assert out.tobytes() == want.tobytes()


@pytest.mark.parametrize("op", ["conv1d", "conv2d", "conv3d"])
def test_sizes_of_every_kind_of_tile(op):
    """Weights are shared by plans that read them alike, and by no others."""
    axes = int(op[-2])
    taps, top = {1: (300,), 2: (13, 12), 3: (4, 5, 3)}[axes], {1: 4000, 2: 90, 3: 30}[axes]
    for options in ({"algorithm": "fft"}, {}, {"algorithm": "direct"}):
        weight = normal(3, 2, *taps)
        layer = convcore.prepare(op, weight, **options)
        for _ in range(40):
            x = normal(2, *(int(rng.integers(n, top + n)) for n in taps))
            assert np.array_equal(layer(x), getattr(convcore, op)(x, weight, **options))


def test_a_residual_may_be_the_result():
    x, weight = normal(2, 9), normal(3, 2, 2)
    for dtype in (np.float32, np.float64, np.float16):
        layer = convcore.prepare("conv1d", weight.astype(dtype), activation="relu")
        memory = normal(30).astype(dtype)
        for start in (0, 1, 5):
            y = memory.copy()[start : start + 24].reshape(3, 8)
            want = layer(x.astype(dtype), y.copy())
            assert layer(x.astype(dtype), y, out=y) is y
            assert np.array_equal(y, want)


def test_options_are_copied():
    table = np.ones((2, 3), bool)
    layer = convcore.prepare("conv1d", normal(2, 3, 2), connections=table, padding=[1])
    x, y = normal(3, 9), layer(normal(3, 5))
    assert y.shape == (2, 6)
    want = layer(x)
    table[:] = False
    assert np.array_equal(layer(x[None])[0], want)
    with pytest.raises(TypeError):
        layer.options["padding"] = 3


@pytest.mark.parametrize("residual", [[[1j] * 4], [["a"] * 4], [[None] * 4]])
def test_a_residual_of_another_kind(residual):
    layer = convcore.prepare("conv1d", np.ones((1, 1, 1)))
    with pytest.raises(TypeError, match="conv1d: residual must have dtype"):
        layer(np.ones((1, 4)), residual)


def test_the_weight_is_copied_and_packed_once():
    weight = normal(16, 8, 3, 3)
    layer = convcore.prepare("conv2d", weight, padding=1)
    assert layer.nbytes == weight.nbytes
    x = normal(4, 8, 12, 12)
    want = layer(x)
    packed = layer.nbytes
    assert packed > weight.nbytes
    weight[:] = 0
    assert np.array_equal(layer(x), want)
    for batch in (1, 2, 3):  # other batches share it
        assert np.array_equal(layer(x[:batch]), want[:batch])
    assert layer.nbytes == packed
    with pytest.raises(ValueError, match="read-only"):
        layer.weight[:] = 0
    for size in range(3, 40):  # what is kept is bounded
        layer(normal(8, size, size))
    assert len(layer._ready) == 16


SLOPES = np.array([0.5, -1, 0.25, 2], np.float32)
ACTIVATIONS = [
    None, "relu", "relu6", "leaky_relu", "elu", "tanh", "sigmoid", "silu", "hardsigmoid",
    "hardswish", "gelu", "scaled_tanh", ("clip", -0.5, np.inf), ("leaky_relu", 3), ("elu", 0.5),
    ("prelu", SLOPES), ("prelu", 0.5), ("scaled_tanh", 2.0, 0.5),
]  # fmt: skip


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_what_follows(activation):
    x, weight, bias = normal(3, 8, 9), 2 * normal(4, 3, 3, 3), normal(4)
    layer = convcore.prepare(convcore.conv2d, weight, bias, activation=activation)
    y = convcore.conv2d(x, weight, bias)
    residual = normal(*y.shape)
    one = np.float32(1)
    sigmoid = one / (one + np.exp(-(y + residual)))
    hard = np.minimum(np.maximum((y + residual) / np.float32(6) + np.float32(0.5), 0), 1)
    sums = y + residual
    want = {
        "gelu": sums / 2 * (1 + np.vectorize(erf)(sums / np.sqrt(2.0))),
        "scaled_tanh": 1.7159 * np.tanh(sums * np.float64(2 / 3)),
        ("clip", -0.5, np.inf): np.maximum(sums, np.float32(-0.5)),
        ("leaky_relu", 3): np.where(sums > 0, sums, 3 * sums),
        ("elu", 0.5): np.where(sums > 0, sums, np.float32(0.5) * np.expm1(sums)),
        ("prelu", 0.5): np.where(sums > 0, sums, sums / 2),
        ("scaled_tanh", 2.0, 0.5): 2 * np.tanh(sums / 2),
        None: y + residual,
        "relu": np.maximum(y + residual, 0),
        "relu6": np.minimum(np.maximum(y + residual, 0), 6),
        "leaky_relu": np.where(y + residual > 0, y + residual, (y + residual) * np.float32(0.01)),
        "elu": np.where(y + residual > 0, y + residual, np.expm1(y + residual)),
        "tanh": np.tanh(y + residual),
        "sigmoid": sigmoid,
        "silu": (y + residual) * sigmoid,
        "hardsigmoid": hard,
        "hardswish": (y + residual) * hard,
    }
    if isinstance(activation, tuple) and isinstance(activation[1], np.ndarray):
        want = np.where(sums > 0, sums, sums * SLOPES[:, None, None])
    else:
        want = want[activation]
    got = layer(x, residual)
    assert got.dtype == np.float32
    name = activation[0] if isinstance(activation, tuple) else activation
    if name in ("sigmoid", "silu", "gelu", "tanh", "scaled_tanh", "elu"):  # exponentials of our own
        assert np.allclose(got, want, rtol=1e-6, atol=1e-6)
    else:
        assert np.array_equal(got, want)
    with np.errstate(all="raise"):
        assert np.isnan(layer(np.full_like(x, np.nan))).all()
        layer(np.full_like(x, 1e30))


def test_set_algorithm_is_obeyed():
    x, weight = normal(32, 40, 40), normal(32, 32, 3, 3)
    layer = convcore.prepare("conv2d", weight)
    fast = layer(x)
    with convcore.set_algorithm("direct"):
        direct = layer(x)
        assert np.array_equal(direct, convcore.conv2d(x, weight))
    assert not np.array_equal(fast, direct)
    assert np.array_equal(layer(x), fast)


def test_threads_at_once():
    weight = normal(8, 8, 3, 3)
    layer = convcore.prepare("conv2d", weight, activation="relu")
    inputs = [normal(8, 9 + i % 5, 9) for i in range(40)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(layer, inputs))
    for x, y in zip(inputs, results, strict=True):
        assert np.array_equal(y, np.maximum(convcore.conv2d(x, weight), 0))


def test_pickle_and_text():
    layer = convcore.prepare(
        "conv2d", normal(4, 3, 3, 3), normal(4), padding=1, activation="relu", border="wrap"
    )
    x = normal(3, 6, 6)
    layer(x)
    again = pickle.loads(pickle.dumps(layer))
    assert np.array_equal(again(x), layer(x))
    assert repr(again) == repr(layer)
    assert "border='wrap'" in repr(layer)
    assert layer.explain((3, 6, 6)).algorithm == again.explain((3, 6, 6)).algorithm


@pytest.mark.parametrize(
    ("arguments", "options", "kind", "words"),
    [
        (("max_pool2d", [1.0]), {}, TypeError, "operator must be a layer with weights"),
        (("conv9d", [1.0]), {}, ValueError, "operator must be one of"),
        ((np.convolve, [1.0]), {}, TypeError, "operator"),
        (("conv1d", [["a"]]), {}, TypeError, "weight must have dtype"),
        (("conv1d", [[1.0]]), {}, ValueError, "weight must have 3 axes"),
        (("conv1d", [[[1.0]]], "b"), {}, TypeError, "bias must have dtype"),
        (("conv1d", [[[1j]]]), {}, TypeError, "complex"),
        (("conv1d", [[[1.0]]]), {"activation": "softmax"}, ValueError, "activation must be one of"),
        (("conv1d", [[[1.0]]]), {"activation": ("clip", 1)}, ValueError, "must have 2 parameters"),
        (("conv1d", [[[1.0]]]), {"activation": ("relu", 1)}, ValueError, "at most 0 parameters"),
        (("conv1d", [[[1.0]]]), {"activation": ("elu", np.nan)}, ValueError, "got nan"),
        (("conv1d", [[[1.0]]]), {"activation": ("elu", "a")}, TypeError, "numbers as parameters"),
        (("conv1d", [[[1.0]]]), {"activation": ("prelu", [1, 2])}, ValueError, "1 channels, got"),
        (("conv1d", [[[1.0]]]), {"activation": ()}, ValueError, "activation must be one of"),
        (("conv1d", [[[1.0]]]), {"strides": 2}, TypeError, "options must be among .*'strides'"),
        (("conv1d", [[[1.0]]]), {"threads": 2}, TypeError, "options must be among .*'threads'"),
        (("conv1d", [[[1.0]]]), {"stride": 0}, ValueError, "stride must be at least 1, got 0"),
        (("conv1d", [[[1.0]]]), {"algorithm": "fast"}, ValueError, "algorithm must be one of"),
    ],
)
def test_bad_arguments(arguments, options, kind, words):
    with pytest.raises(kind, match=f"^prepare.*{words}"):
        convcore.prepare(*arguments, **options)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (((np.ones((2, 5)),),), "x"),
        (((np.ones((3, 5)), np.ones(4)),), "residual must have the result's shape .* got"),
    ],
)
def test_bad_calls(arguments, words):
    layer = convcore.prepare("conv1d", np.ones((1, 3, 2)))
    with pytest.raises(ValueError, match=f"^conv1d: .*{words}"):
        layer(*arguments[0])
    with pytest.raises((ValueError, TypeError), match="bias"):
        convcore.prepare("conv1d", np.ones((1, 3, 2)), np.ones(2))(np.ones((3, 5)))


MIXED = {
    "winograd": ("conv2d", (64, 64, 3, 3), {"padding": 1}, [(1, 32), (2, 32), (3, 48), (1, 7)]),
    "many weights": ("conv2d", (190, 190, 3, 3), {"padding": 1}, [(1, 14), (2, 14), (1, 40)]),
    "groups": ("conv2d", (48, 16, 3, 3), {"padding": 1, "groups": 3}, [(1, 30), (5, 33), (2, 12)]),
    "one axis": ("conv1d", (32, 32, 3), {}, [(1, 8), (1, 3000), (4, 200), (1, 500)]),
    "large": ("conv2d", (2, 2, 31, 31), {"padding": "same"}, [(1, 40), (1, 300), (2, 64)]),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", MIXED)
def test_shapes_that_take_turns_give_the_operators_bits(name, dtype):
    """Weights may be packed in another way for another shape; a layer never mixes them up."""
    op, shape, options, sizes = MIXED[name]
    weight = normal(*shape, dtype=dtype)
    call = getattr(convcore, op)
    channels, axes = shape[1] * options.get("groups", 1), len(shape) - 2
    inputs = [normal(n, channels, *(size,) * axes, dtype=dtype) for n, size in sizes]
    for order in (inputs, inputs[::-1]):
        layer = convcore.prepare(op, weight, **options)
        for x in (*order, *order):
            assert np.array_equal(layer(x), call(x, weight, **options))


def test_a_bias_or_groups_that_cannot_fit_are_refused_at_once():
    with pytest.raises(ValueError, match="bias must have"):
        convcore.prepare("conv2d", normal(4, 3, 3, 3), normal(7))
    with pytest.raises(ValueError, match=r"groups must divide the output channels \(4\), got 3"):
        convcore.prepare("conv2d", normal(4, 1, 3, 3), groups=3)
    convcore.prepare("local_conv1d", normal(2, 5, 3, 2), normal(2, 5))
    convcore.prepare("conv_transpose2d", normal(4, 3, 2, 2), normal(6), groups=2)
