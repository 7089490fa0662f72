"""Winograd's convolution: inside its error, in every layer that it accepts, and equal bits."""

import numpy as np
import pytest

import convcore
from tests.support.fast import FLOATS, SPECIAL, Fast, error, operands
from tests.support.sweeps import both_levels, every_level

pytestmark = pytest.mark.auto

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
    "weights of several slices": ("conv2d", (1, 200, 14, 13), (190, 200, 3, 3), {"padding": 1}),
    "weights beyond a cache": ("conv2d", (1, 200, 50, 51), (180, 200, 3, 3), {"padding": 1}),
    "groups": ("conv2d", (2, 48, 9, 9), (51, 16, 3, 3), {"groups": 3}),
    "flip": ("conv2d", (1, 16, 9, 9), (16, 16, 3, 3), {"flip": True}),
    "rows": ("conv2d", (2, 18, 11, 5), (20, 18, 3, 1), {"padding": (1, 0)}),
    "columns": ("conv2d", (2, 18, 5, 11), (20, 18, 1, 3), {"padding": (0, 1)}),
    "one axis": ("conv1d", (2, 20, 203), (17, 20, 3), {"padding": "same"}),
    "planes": ("conv3d", (1, 16, 3, 8, 9), (16, 16, 1, 3, 3), {}),
    "gradients": ("conv2d", (2, 32, 30, 31), (48, 32, 3, 3), {"padding": 1}),
    "not finite": ("conv2d", (2, 17, 13, 14), (18, 17, 3, 3), {"padding": "same"}),
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
WINOGRAD = Fast("winograd", LAYERS)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", LAYERS)
def test_error(name, dtype):
    WINOGRAD.check_error(name, dtype)


@every_level
def test_error_at_every_level(level):
    WINOGRAD.check_error_at(level)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", LAYERS)
def test_bits_depend_on_nothing_but_one_image(name, dtype):
    WINOGRAD.check_bits(name, dtype)


@pytest.mark.parametrize(
    "name",
    [
        "part of a tile",
        "long row",
        "many units",
        "weights of several slices",
        "weights beyond a cache",
        "groups",
        "one axis",
        "flip",
    ],
)
def test_bits_of_packed_weights(name):
    WINOGRAD.check_packed(name)


@both_levels("x86-64-v3", "x86-64-v4")
@pytest.mark.parametrize("dtype", FLOATS)
def test_bits_do_not_depend_on_the_level(dtype):
    WINOGRAD.check_bits_at("x86-64-v3", "x86-64-v4", dtype)


@pytest.mark.parametrize("layout", [0, 1])
@pytest.mark.parametrize("value", SPECIAL)
def test_what_is_not_finite_reaches_what_sees_it(value, layout):
    arrays = WINOGRAD.operands("not finite", np.float32)
    arrays[0][1, 5, 6, 7] = value
    WINOGRAD.check_not_finite("not finite", arrays, layout, near=1e4)


def test_all_is_lost():
    x = np.full((2, 16, 9, 9), np.nan, np.float32)
    y = convcore.conv2d(x, np.ones((16, 16, 3, 3), np.float32), algorithm="winograd", threads=2)
    assert np.isnan(y).all()


@pytest.mark.parametrize("name", REFUSED)
def test_a_layer_that_cannot_be_computed_is_refused(name):
    WINOGRAD.check_refused(*REFUSED[name])


def test_integers_are_computed_directly():
    WINOGRAD.check_integers((1, 32, 56, 56), (32, 32, 3, 3))


def test_the_choice_is_by_the_sizes_of_one_image():
    def bits(x, algorithm):
        return convcore.conv2d(x, weight, padding=1, algorithm=algorithm).tobytes()

    weight = operands((1,), (48, 48, 3, 3), np.float32)[1]
    for side, chosen in ((56, "winograd"), (7, "winograd"), (5, "direct")):
        for batch in (1, 40):
            x = operands((batch, 48, side, side), (1,), np.float32)[0]
            assert bits(x, "auto") == bits(x, chosen)
            assert bits(x, "winograd") != bits(x, "direct")


@pytest.mark.parametrize("border", ["zeros", "reflect", "wrap"])
@pytest.mark.parametrize("channels", [130, 500, 1000])
@pytest.mark.parametrize("shape", [(7, 6), (8, 8), (12, 12)])
def test_gradients_that_auto_takes_have_the_stated_error(shape, channels, border):
    """What a border's cells bring is added to those that they show, and so are errors."""
    x, weight, _ = operands((32, *shape), (channels, 32, 3, 3), np.float32)
    grad = operands((channels, *shape), (1,), np.float32)[0]
    options = {"padding": 1, "border": border, "needs": (True, False, False)}
    found = convcore.conv2d_backward(grad, x, weight, **options)[0]
    arrays = [a.astype(np.float64) for a in (grad, x, weight)]
    assert error(found, convcore.conv2d_backward(*arrays, **options, algorithm="direct")[0]) < 1e-6


@pytest.mark.parametrize("channels", [128, 600])
@pytest.mark.parametrize("shape", [(1, 150), (2, 150), (150, 2), (5, 5), (6, 6), (9, 40), (28, 28)])
def test_what_auto_takes_has_the_stated_error(shape, channels):
    """Where most of a tile is padding, results are small beside what the transforms round."""
    x, weight, _ = operands((channels, *shape), (16, channels, 3, 3), np.float32)
    want = convcore.conv2d(x.astype(float), weight.astype(float), padding=2, algorithm="direct")
    assert error(convcore.conv2d(x, weight, padding=2), want) < 1e-6


@pytest.mark.parametrize(
    ("side", "channels", "chosen"),
    [(7, 512, "winograd"), (7, 513, "direct"), (12, 1024, "winograd"), (12, 1025, "direct")],
)
def test_longer_sums_are_formed_directly(side, channels, chosen):
    """Along two axes: there the error of more channels is above what is stated."""
    x, weight, _ = operands((channels, side, side), (48, channels, 3, 3), np.float32)
    y, want = (convcore.conv2d(x, weight, padding=1, algorithm=a) for a in ("auto", chosen))
    assert np.array_equal(y, want)
    rows = operands((channels, 150), (16, channels, 3), np.float32)[:2]
    assert np.array_equal(*(convcore.conv1d(*rows, algorithm=a) for a in ("auto", "winograd")))


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
    names = "auto, direct, winograd, fft, separable"
    assert f"CONVCORE_ALGORITHM must be one of {names}, got 'fast'" in wrong.stderr


@pytest.mark.parametrize("dtype", FLOATS)
def test_input_gradients(dtype):
    fast, auto, direct = (
        WINOGRAD.check_input_gradient("gradients", dtype, name)
        for name in ("winograd", "auto", "direct")
    )
    assert np.array_equal(fast, auto)
    assert not np.array_equal(fast, direct)


@pytest.mark.parametrize("dtype", FLOATS)
def test_scratch_is_not_read_before_it_is_written(dtype):
    WINOGRAD.check_scratch(dtype)


@pytest.mark.parametrize("dtype", FLOATS)
def test_out_in_the_input(dtype):
    for name in ("part of a tile", "full", "one axis"):
        WINOGRAD.check_out(name, dtype)
