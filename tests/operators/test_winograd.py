"""Winograd's convolution: inside its error, in every layer that it accepts, and equal bits."""

from contextlib import contextmanager

import numpy as np
import pytest

import convcore
from convcore import _core
from tests.support.sweeps import both_levels, every_level

pytestmark = pytest.mark.auto

FLOATS = [np.float32, np.float64]
MOST = {np.float32: 1e-6, np.float64: 1e-14}  # relative L2, what the accuracy page says

# op, x, weight, options: edges of tiles, of vectors, of sums, of units and of blocks of units
LAYERS = {
    "one tile": ("conv2d", (1, 16, 6, 6), (16, 16, 3, 3), {}),
    "one output": ("conv2d", (1, 16, 3, 3), (16, 16, 3, 3), {}),
    "part of a tile": ("conv2d", (2, 17, 8, 7), (19, 17, 3, 3), {"padding": "same"}),
    "full": ("conv2d", (1, 33, 9, 12), (35, 33, 3, 3), {"padding": "full"}),
    "one side": ("conv2d", (1, 16, 9, 12), (16, 16, 3, 3), {"padding": ((0, 2), (1, 0))}),
    "long sum": ("conv2d", (1, 130, 6, 10), (16, 130, 3, 3), {}),
    "many outputs": ("conv2d", (1, 16, 6, 10), (130, 16, 3, 3), {}),
    "long row": ("conv2d", (1, 16, 7, 151), (16, 16, 3, 3), {}),
    "many units": ("conv2d", (3, 32, 41, 39), (32, 32, 3, 3), {"padding": 1}),
    "groups": ("conv2d", (2, 48, 9, 9), (51, 16, 3, 3), {"groups": 3}),
    "flip": ("conv2d", (1, 16, 9, 9), (16, 16, 3, 3), {"flip": True}),
    "rows": ("conv2d", (2, 18, 11, 5), (20, 18, 3, 1), {"padding": (1, 0)}),
    "columns": ("conv2d", (2, 18, 5, 11), (20, 18, 1, 3), {"padding": (0, 1)}),
    "one axis": ("conv1d", (2, 20, 203), (17, 20, 3), {"padding": "same"}),
    "planes": ("conv3d", (1, 16, 3, 8, 9), (16, 16, 1, 3, 3), {}),
    **{
        border: ("conv2d", (1, 16, 9, 8), (16, 16, 3, 3), {"padding": "same", "border": border})
        for border in ("edge", "reflect", "symmetric", "wrap")
    },
}
REFUSED = {
    "stride": ((1, 16, 9, 9), (16, 16, 3, 3), {"stride": 2}, "a stride or a dilation is not 1"),
    "dilation": ((1, 16, 9, 9), (16, 16, 3, 3), {"dilation": 2}, "a stride or a dilation is"),
    "stride alone": (
        (1, 16, 9, 9),
        (16, 16, 3, 1),
        {"stride": (1, 2)},
        "a stride or a dilation is",
    ),
    "kernel": ((1, 16, 9, 9), (16, 16, 5, 5), {}, "3x3"),
    "1x1": ((1, 16, 9, 9), (16, 16, 1, 1), {}, "3x3"),
    "inputs": ((1, 15, 9, 9), (16, 15, 3, 3), {}, "fewer than 16 channels"),
    "outputs": ((1, 16, 9, 9), (15, 16, 3, 3), {}, "fewer than 16 channels"),
    "groups": ((1, 32, 9, 9), (32, 8, 3, 3), {"groups": 4}, "fewer than 16 channels"),
    "connections": (
        (1, 16, 9, 9),
        (16, 16, 3, 3),
        {"connections": np.eye(16, dtype=bool)},
        "taps of its own",
    ),
}
LAST = {"conv1d": "NWC", "conv2d": "NHWC", "conv3d": "NDHWC"}


def operands(x, weight, dtype, seed=0):
    generator = np.random.default_rng(seed)
    return tuple(
        generator.standard_normal(shape).astype(dtype) for shape in (x, weight, weight[:1])
    )


def run(name, arrays, algorithm="winograd", **more):
    op, _, _, options = LAYERS[name]
    return getattr(convcore, op)(*arrays, **options, algorithm=algorithm, **more)


def error(got, want):
    return np.linalg.norm(got - want) / np.linalg.norm(want)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", LAYERS)
def test_error(name, dtype):
    arrays = operands(*LAYERS[name][1:3], dtype)
    want = run(name, [a.astype(np.float64) for a in arrays], "direct")
    got = run(name, arrays)
    assert got.dtype == dtype
    assert 0 < error(got, want) < MOST[dtype]


@contextmanager
def at(level):
    """Calls in the block use this instruction set."""
    before = _core.isa()
    _core.choose_isa(level)
    try:
        yield
    finally:
        _core.choose_isa(before)


@every_level
def test_error_at_every_level(level):
    with at(level):
        for name in LAYERS:
            for dtype in FLOATS:
                test_error(name, dtype)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", LAYERS)
def test_bits_depend_on_nothing_but_one_image(name, dtype):
    """Not on threads, layout, batch, nor on whether the weights were packed."""
    op, x_shape, _, _ = LAYERS[name]
    x, weight, bias = operands(*LAYERS[name][1:3], dtype)
    want = run(name, (x, weight, bias), threads=1)
    for threads in (2, 3, 7):
        assert run(name, (x, weight, bias), threads=threads).tobytes() == want.tobytes()
    last = np.ascontiguousarray(np.moveaxis(x, 1, -1))
    got = run(name, (last, weight, bias), layout=LAST[op])
    assert np.moveaxis(got, -1, 1).tobytes() == want.tobytes()
    for image in range(x_shape[0]):
        one = run(name, (x[image : image + 1], weight, bias))
        assert one.tobytes() == want[image : image + 1].tobytes()


@pytest.mark.parametrize("name", ["part of a tile", "long row", "groups", "one axis"])
def test_bits_of_packed_weights(name):
    from convcore.engine.plan import conv_plan

    op, _, _, options = LAYERS[name]
    x, weight, bias = operands(*LAYERS[name][1:3], np.float32)
    plan = conv_plan(
        op, x, weight, axes=int(op[-2]), layout={"conv1d": "NCW", "conv2d": "NCHW"}[op],
        algorithm="winograd", **options,
    )  # fmt: skip
    prepared = plan.prepare(weight, bias)
    x[0, 0, ..., 0] = np.nan  # what is lost is computed again from packed weights too
    want = run(name, (x, weight, bias))
    weight[:] = 0
    y = np.empty(plan.y_shape, np.float32)
    plan.run(x, *prepared, y, threads=2)
    assert y.tobytes() == want.tobytes()


@both_levels("x86-64-v3", "x86-64-v4")
@pytest.mark.parametrize("dtype", FLOATS)
def test_bits_do_not_depend_on_the_level(dtype):
    for name in LAYERS:
        arrays = operands(*LAYERS[name][1:3], dtype)
        with at("x86-64-v3"):
            first = run(name, arrays)
        with at("x86-64-v4"):
            assert run(name, arrays).tobytes() == first.tobytes()


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e38, 3e38])
def test_what_is_not_finite_reaches_what_sees_it(value, layout):
    x, weight, bias = operands((2, 17, 13, 14), (18, 17, 3, 3), np.float32)
    x[1, 5, 6, 7] = value
    if layout == "NHWC":
        x = np.ascontiguousarray(np.moveaxis(x, 1, -1))
    options = {"padding": "same", "layout": layout}
    with np.errstate(all="ignore"):
        got, want = (
            convcore.conv2d(x, weight, bias, **options, algorithm=algorithm)
            for algorithm in ("winograd", "direct")
        )
    assert np.array_equal(np.isnan(got), np.isnan(want))
    finite = np.isfinite(want)
    assert np.array_equal(got[~finite], want[~finite], equal_nan=True)
    small = finite & (np.abs(want) < 1e4)
    assert error(got[small], want[small]) < MOST[np.float32]
    large = finite & ~small
    assert np.allclose(got[large], want[large], rtol=1e-5)


def test_all_is_lost():
    x = np.full((2, 16, 9, 9), np.nan, np.float32)
    y = convcore.conv2d(x, np.ones((16, 16, 3, 3), np.float32), algorithm="winograd", threads=2)
    assert np.isnan(y).all()


@pytest.mark.parametrize("name", REFUSED)
def test_a_layer_that_cannot_be_computed_is_refused(name):
    x, weight, options, reason = REFUSED[name]
    with pytest.raises(ValueError, match=rf"conv2d: algorithm must be .*'winograd': .*{reason}"):
        convcore.conv2d(np.ones(x), np.ones(weight), **options, algorithm="winograd")


def test_integers_are_computed_directly():
    generator = np.random.default_rng(0)
    x = generator.integers(-1000, 1000, (1, 32, 56, 56), np.int32)
    weight = generator.integers(-1000, 1000, (32, 32, 3, 3), np.int32)
    want = convcore.conv2d(x, weight, algorithm="direct")
    assert np.array_equal(convcore.conv2d(x, weight), want)
    assert np.array_equal(want, want.round())
    with pytest.raises(ValueError, match="integers are computed directly"):
        convcore.conv2d(x, weight, algorithm="winograd")
    with convcore.set_algorithm("winograd"):
        assert np.array_equal(convcore.conv2d(x, weight), want)


def test_the_choice_is_by_the_sizes_of_one_image():
    def bits(x, algorithm):
        return convcore.conv2d(x, weight, padding=1, algorithm=algorithm).tobytes()

    weight = operands((1,), (32, 32, 3, 3), np.float32)[1]
    for side, chosen in ((56, "winograd"), (8, "direct")):
        for batch in (1, 40):
            x = operands((batch, 32, side, side), (1,), np.float32)[0]
            assert bits(x, "auto") == bits(x, chosen)
            assert bits(x, "winograd") != bits(x, "direct")


@pytest.mark.parametrize("channels", [128, 600])
@pytest.mark.parametrize("shape", [(1, 150), (2, 150), (150, 2), (9, 40), (28, 28)])
def test_what_auto_takes_has_the_stated_error(shape, channels):
    """Where most of a tile is padding, results are small beside what the transforms round."""
    x, weight, _ = operands((channels, *shape), (16, channels, 3, 3), np.float32)
    want = convcore.conv2d(x.astype(float), weight.astype(float), padding=2, algorithm="direct")
    assert error(convcore.conv2d(x, weight, padding=2), want) < 1e-6


def test_set_algorithm():
    x, weight, _ = operands((1, 32, 56, 56), (32, 32, 3, 3), np.float32)
    fast, direct = (convcore.conv2d(x, weight, algorithm=a) for a in ("winograd", "direct"))
    assert np.array_equal(convcore.conv2d(x, weight), fast)
    with convcore.set_algorithm("direct"):
        assert np.array_equal(convcore.conv2d(x, weight), direct)
        assert np.array_equal(convcore.conv2d(x, weight, algorithm="winograd"), fast)
        with convcore.set_algorithm("auto"):
            assert np.array_equal(convcore.conv2d(x, weight), fast)
        assert np.array_equal(convcore.conv2d(x, weight), direct)
    assert np.array_equal(convcore.conv2d(x, weight), fast)
    pinned = convcore.set_algorithm("direct")
    assert np.array_equal(convcore.conv2d(x, weight), direct)
    with pinned, pinned:
        assert np.array_equal(convcore.conv2d(x, weight), direct)
    assert np.array_equal(convcore.conv2d(x, weight), fast)
    with pinned:
        assert np.array_equal(convcore.conv2d(x, weight), direct)
    assert np.array_equal(convcore.conv2d(x, weight), fast)
    assert np.array_equal(convcore.conv2d(x, weight, algorithm=np.str_("direct")), direct)
    for wrong, kind in (("fft3", ValueError), (None, TypeError), (3, TypeError)):
        with pytest.raises(kind, match="set_algorithm: algorithm must be one of"):
            convcore.set_algorithm(wrong)


def test_the_environment(run_python):
    code = (
        "import numpy as np, convcore\n"
        "x, w = np.ones((1, 32, 56, 56)) / 3, np.ones((32, 32, 3, 3)) / 7\n"
        "want = convcore.conv2d(x, w, algorithm='direct')\n"
        "print(np.array_equal(convcore.conv2d(x, w), want))\n"
    )
    assert run_python(code, CONVCORE_ALGORITHM="direct").stdout.strip() == "True"
    assert run_python(code, CONVCORE_ALGORITHM=None).stdout.strip() == "False"
    wrong = run_python(code, CONVCORE_ALGORITHM="fast", check=False)
    words = "auto, direct, winograd, fft, separable"
    assert f"CONVCORE_ALGORITHM must be one of {words}, got 'fast'" in wrong.stderr


@pytest.mark.parametrize("dtype", FLOATS)
def test_input_gradients(dtype):
    x, weight, bias = operands((2, 32, 30, 31), (48, 32, 3, 3), dtype)
    grad = convcore.conv2d(x, weight, bias, padding=1)
    wide = [a.astype(np.float64) for a in (grad, x, weight)]
    want = convcore.conv2d_backward(*wide, padding=1, algorithm="direct")[0]
    got = convcore.conv2d_backward(grad, x, weight, padding=1, algorithm="winograd")[0]
    assert 0 < error(got, want) < MOST[dtype]
    assert np.array_equal(got, convcore.conv2d_backward(grad, x, weight, padding=1)[0])


@pytest.mark.parametrize("dtype", FLOATS)
def test_scratch_is_not_read_before_it_is_written(dtype):
    signalling = {np.float32: 0x7FA000007FA00000, np.float64: 0x7FF4000000000000}[dtype]
    for name in LAYERS:
        arrays = operands(*LAYERS[name][1:3], dtype)
        _core.watch_scratch(signalling)
        try:
            _core.scratch_was_used()
            for threads in (1, 3):
                run(name, arrays, threads=threads)
                assert not _core.scratch_was_used(), name
        finally:
            _core.watch_scratch(0)
