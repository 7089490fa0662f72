"""Convolution by transforms of tiles: inside its error, in every layer it takes, and equal bits."""

import numpy as np
import pytest

import convcore
from tests.support.fast import FLOATS, MOST, SPECIAL, Fast, error, operands
from tests.support.sweeps import both_levels, every_level

pytestmark = pytest.mark.auto

BORDERS = ("zeros", "edge", "reflect", "symmetric", "wrap")

# op, x, weight, options: edges of tiles, of pairs of tiles, of vectors and of blocks of channels
LAYERS = {
    "one output": ("conv2d", (1, 1, 9, 7), (1, 1, 9, 7), {}),
    "one output of a signal": ("conv1d", (1, 1, 1000), (1, 1, 1000), {}),
    "one output of channels": ("conv2d", (2, 5, 8, 8), (3, 5, 8, 8), {}),
    "one tile": ("conv2d", (1, 1, 20, 20), (1, 1, 5, 5), {}),
    "one tile of three images": ("conv2d", (3, 2, 16, 16), (2, 2, 5, 5), {"padding": "same"}),
    "tiles in a row": ("conv2d", (1, 1, 12, 601), (1, 1, 9, 9), {}),
    "tiles in a column": ("conv2d", (1, 1, 601, 12), (1, 1, 9, 9), {}),
    "many tiles": ("conv2d", (1, 1, 190, 170), (2, 1, 11, 9), {}),
    "images": ("conv2d", (3, 3, 30, 31), (4, 3, 7, 6), {"padding": 2}),
    "groups": ("conv2d", (2, 6, 20, 21), (9, 2, 5, 4), {"groups": 3}),
    "depthwise": ("conv2d", (2, 5, 40, 30), (5, 1, 15, 15), {"groups": 5, "padding": "same"}),
    "channels": ("conv2d", (1, 70, 18, 20), (3, 70, 7, 7), {}),
    "outputs": ("conv2d", (1, 3, 18, 20), (70, 3, 7, 7), {}),
    "channels and outputs": ("conv2d", (2, 17, 24, 25), (19, 17, 5, 5), {"padding": "same"}),
    "as large as the image": ("conv2d", (1, 2, 16, 17), (2, 2, 16, 17), {"padding": "same"}),
    "larger than the image": ("conv2d", (1, 2, 8, 9), (2, 2, 31, 33), {"padding": 15}),
    "one row": ("conv2d", (2, 2, 5, 300), (3, 2, 1, 31), {"padding": "same"}),
    "one column": ("conv2d", (2, 2, 300, 5), (3, 2, 31, 1), {"padding": "same"}),
    "signal": ("conv1d", (1, 1, 5000), (1, 1, 1000), {}),
    "channels of a signal": ("conv1d", (2, 3, 3000), (4, 3, 1000), {"padding": "same"}),
    "short signal": ("conv1d", (1, 1, 1000), (1, 1, 999), {"padding": "full"}),
    "short kernel": ("conv1d", (1, 1, 10007), (2, 1, 23), {}),
    "long kernel": ("conv1d", (1, 1, 12000), (1, 1, 5001), {}),
    "groups of signals": ("conv1d", (2, 6, 700), (4, 3, 64), {"groups": 2}),
    "volume": ("conv3d", (1, 2, 19, 20, 21), (3, 2, 5, 4, 3), {}),
    "volume with padding": ("conv3d", (2, 1, 9, 9, 30), (2, 1, 5, 5, 5), {"padding": "same"}),
    "planes of a volume": ("conv3d", (1, 2, 3, 20, 20), (2, 2, 1, 5, 5), {"padding": (0, 2, 2)}),
    "depth of a volume": ("conv3d", (1, 2, 40, 3, 4), (2, 2, 9, 1, 1), {}),
    "dilation": ("conv2d", (2, 2, 40, 41), (3, 2, 7, 7), {"dilation": 2, "padding": "same"}),
    "two dilations": ("conv2d", (1, 2, 30, 60), (2, 2, 5, 7), {"dilation": (3, 5)}),
    "dilation of a signal": ("conv1d", (1, 2, 2000), (2, 2, 60), {"dilation": 7, "padding": 100}),
    "dilation of a volume": ("conv3d", (1, 1, 9, 12, 14), (1, 1, 2, 3, 4), {"dilation": (5, 2, 3)}),
    "one side": ("conv2d", (1, 2, 20, 19), (2, 2, 7, 5), {"padding": ((0, 6), (9, 0))}),
    "full": ("conv2d", (1, 3, 20, 22), (3, 3, 9, 12), {"padding": "full"}),
    "flip": ("conv2d", (1, 2, 30, 30), (3, 2, 9, 6), {"flip": True}),
    **{
        border: (
            "conv2d",
            (2, 2, 19, 18),
            (3, 2, 9, 6),
            {"padding": ((8, 9), (5, 4)), "border": border},
        )
        for border in BORDERS
    },
    **{
        f"{border} of a signal": (
            "conv1d",
            (1, 2, 400),
            (2, 2, 120),
            {"padding": 119, "border": border, "dilation": 2},
        )
        for border in BORDERS
    },
}
REFUSED = {
    "one tap": ((1, 2, 9, 9), (3, 2, 1, 1), {}, "the kernel has one tap"),
    "stride": ((1, 1, 30, 30), (1, 1, 9, 9), {"stride": 2}, "a stride is not 1"),
    "one stride": ((1, 1, 30, 30), (1, 1, 9, 9), {"stride": (1, 2)}, "a stride is not 1"),
    "stride of a signal": ((1, 1, 300), (1, 1, 90), {"stride": 3}, "a stride is not 1"),
    "connections": (
        (1, 2, 30, 30),
        (2, 2, 9, 9),
        {"connections": np.eye(2, dtype=bool)},
        "taps of its own",
    ),
}
FFT = Fast("fft", LAYERS)
every_layer = pytest.mark.parametrize("name", LAYERS)
floats = pytest.mark.parametrize("dtype", FLOATS)


@floats
@every_layer
def test_error(name, dtype):
    FFT.check_error(name, dtype)


@every_level
def test_error_at_every_level(level):
    FFT.check_error_at(level)


@floats
@every_layer
def test_bits_depend_on_nothing_but_one_image(name, dtype):
    FFT.check_bits(name, dtype)


@pytest.mark.parametrize(
    "name", ["many tiles", "groups", "signal", "long kernel", "volume", "dilation", "flip", "wrap"]
)
def test_bits_of_packed_weights(name):
    FFT.check_packed(name)


@both_levels("x86-64-v3", "x86-64-v4")
@floats
def test_bits_do_not_depend_on_the_level(dtype):
    FFT.check_bits_at("x86-64-v3", "x86-64-v4", dtype)


@pytest.mark.parametrize("layout", [0, 1])
@pytest.mark.parametrize("value", SPECIAL)
@pytest.mark.parametrize(
    "name", ["many tiles", "images", "groups", "signal", "volume", "dilation", "wrap"]
)
def test_what_is_not_finite_reaches_what_sees_it(name, value, layout):
    """In its tile, direct sums are taken; a large number takes digits from it."""
    arrays = FFT.operands(name, np.float32)
    x = arrays[0]
    x[(-1, -1, *(n * 2 // 3 for n in x.shape[2:]))] = value
    lost = 1e-6 * value * np.linalg.norm(arrays[1].reshape(len(arrays[1]), -1), axis=1).max()
    if np.isfinite(value):
        FFT.check_not_finite(name, arrays, layout, near=0, lost=lost)
    else:
        FFT.check_not_finite(name, arrays, layout)


LOST = """
import numpy as np
from convcore import conv2d

rng = np.random.default_rng(0)
for case in range(300):
    outputs, kernel = rng.integers(1, 30, 2), rng.integers(2, 16, 2)
    groups, c, k = rng.integers(1, 4, 3) if case % 2 else (rng.integers(1, 20), 1, 1)
    x = rng.standard_normal((2, *(outputs + kernel - 1), groups * c)).astype(np.float32)
    weight = rng.standard_normal((groups * k, c, *kernel)).astype(np.float32)
    x[tuple(rng.integers(x.shape))] = np.nan
    for layout, order in (("NHWC", (0, 1, 2, 3)), ("NCHW", (0, 3, 1, 2))):
        options = {"groups": groups, "layout": layout}
        image = np.ascontiguousarray(x.transpose(order))
        want = conv2d(image, weight, **options, algorithm="direct")
        memory = np.full(want.size + 128, 7, np.float32)
        out = memory[64:-64].reshape(want.shape)
        threads = int(rng.integers(1, 4))
        conv2d(image, weight, **options, algorithm="fft", threads=threads, out=out)
        assert np.allclose(out, want, rtol=1e-3, atol=1e-3, equal_nan=True), (x.shape, weight.shape)
        assert (memory[:64] == 7).all() and (memory[-64:] == 7).all(), (x.shape, weight.shape)
print("no harm")
"""


def test_tiles_of_every_size_are_computed_again(run_python):
    """Next to them nothing changes, in the result or beside it."""
    assert run_python(LOST).stdout.strip() == "no harm"


@floats
def test_special_numbers_in_weights(dtype):
    for value in (np.nan, np.inf, -np.inf):
        x, weight, bias = FFT.operands("images", dtype)
        weight[2, 1, 3, 4] = value
        FFT.check_not_finite("images", (x, weight, bias))
        x, weight, bias = FFT.operands("images", dtype)
        bias[1] = value
        FFT.check_not_finite("images", (x, weight, bias))
        x[1, 2, 3, 4], weight[0, 0, 1, 1] = -value, value
        FFT.check_not_finite("images", (x, weight, bias))


@floats
def test_all_is_lost(dtype):
    x = np.full((2, 2, 40, 40), np.nan, dtype)
    y = convcore.conv2d(x, np.ones((3, 2, 9, 9), dtype), algorithm="fft", threads=2)
    assert np.isnan(y).all()


@floats
def test_tiny_numbers(dtype):
    """Products near the smallest normal number, and below it: some subnormal ones are added."""
    tiny, least = (float(getattr(np.finfo(dtype), k)) for k in ("tiny", "smallest_subnormal"))
    for first, second in ((0.75, 0.25), (0.5, 0.5), (0, 1), (1, 0), (1.01, 0), (0.24, 0.8)):
        x, weight, _ = operands((2, 40, 40), (2, 2, 9, 9), np.float64)
        x, weight = (x * tiny**first).astype(dtype), (weight * tiny**second).astype(dtype)
        got, want = (convcore.conv2d(x, weight, algorithm=name) for name in ("fft", "direct"))
        assert got.any()
        assert (abs(got - want) <= 1e3 * least + 1e-5 * abs(want).max()).all()


@floats
@every_layer
def test_the_bias_alone(name, dtype):
    x, weight, bias = FFT.operands(name, dtype)
    got = FFT.run(name, (np.zeros_like(x), weight, bias))
    assert np.array_equal(got, np.broadcast_to(bias.reshape(-1, *(1,) * (x.ndim - 2)), got.shape))
    assert not FFT.run(name, (x, np.zeros_like(weight))).any()


@pytest.mark.parametrize("name", REFUSED)
def test_a_layer_that_cannot_be_computed_is_refused(name):
    FFT.check_refused(*REFUSED[name])


def test_spectra_that_would_be_too_large_are_refused():
    """Without a byte of them."""
    x = np.broadcast_to(np.float32(1), (1, 1, 2**45))
    weight = np.broadcast_to(np.float32(1), (1, 1, 2**44))
    with pytest.raises(ValueError, match="the spectra of its kernels would be too large"):
        convcore.conv1d(x, weight, algorithm="fft")


@pytest.mark.parametrize(
    ("x", "weight"),
    [((1, 2, 90, 90), (2, 2, 31, 31)), ((1, 1, 9000), (1, 1, 1000)),
     ((1, 1, 20, 20, 20), (1, 1, 7, 7, 7))],
)  # fmt: skip
def test_integers_are_computed_directly(x, weight):
    FFT.check_integers(x, weight, padding="same")


@floats
def test_input_gradients(dtype):
    for name in ("images", "groups", "depthwise", "signal", "volume", "dilation", "flip", "wrap"):
        fast, direct = (FFT.check_input_gradient(name, dtype, how) for how in ("fft", "direct"))
        assert not np.array_equal(fast, direct)


@floats
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_transposed_convolutions(axes, dtype):
    """Their phases are convolutions, which the algorithm of the program computes."""
    x, weight, _ = operands((2, *(16,) * axes), (2, 3, *(9,) * axes), dtype)
    bias = np.arange(3).astype(dtype)
    call = getattr(convcore, f"conv_transpose{axes}d")
    for stride in (1, 2):
        with convcore.set_algorithm("direct"):
            want = call(*(a.astype(np.float64) for a in (x, weight, bias)), stride=stride)
        with convcore.set_algorithm("fft"):
            got = [call(x, weight, bias, stride=stride, threads=threads) for threads in (1, 2, 7)]
        assert error(got[0], want) < MOST[dtype]
        assert got[0].tobytes() == got[1].tobytes() == got[2].tobytes()


def test_the_choice_is_by_the_sizes_of_one_image():
    def algorithm(x, weight, **options):
        return convcore.explain(f"conv{len(x) - 2}d", x, weight, **options).algorithm

    for batch in (1, 64):
        for dtype in FLOATS:
            assert algorithm((batch, 1, 512, 512), (1, 1, 63, 63), dtype=dtype) == "fft"
            assert algorithm((batch, 1, 512, 512), (1, 1, 3, 3), dtype=dtype) != "fft"
            assert algorithm((batch, 1, 48000), (1, 1, 4000), dtype=dtype) == "fft"
    assert algorithm((1, 1, 512, 512), (1, 1, 63, 63), dtype="int32") != "fft"
    x, weight, _ = operands((2, 1, 512, 512), (1, 1, 63, 63), np.float32)
    fast, auto = (convcore.conv2d(x, weight, algorithm=name) for name in ("fft", "auto"))
    assert auto.tobytes() == fast.tobytes()
    assert convcore.conv2d(x[:1], weight).tobytes() == fast[:1].tobytes()
    last = convcore.conv2d(x.transpose(0, 2, 3, 1), weight, layout="NHWC", threads=1)
    assert last.transpose(0, 3, 1, 2).tobytes() == fast.tobytes()
    weight = weight[..., :3, :3]
    auto, direct = (convcore.conv2d(x, weight, algorithm=name) for name in ("auto", "direct"))
    assert auto.tobytes() == direct.tobytes()


def test_the_environment(run_python):
    code = (
        "import numpy as np, convcore\n"
        "x = np.random.default_rng(0).standard_normal((1, 40, 40))\n"
        "same = [convcore.conv2d(x, x[None, :, :9, :9], algorithm=name).tobytes()\n"
        "        for name in ('auto', 'fft', 'direct')]\n"
        "print(same[0] == same[1], same[0] == same[2])\n"
    )
    assert run_python(code, CONVCORE_ALGORITHM="fft").stdout.split() == ["True", "False"]
    assert run_python(code, CONVCORE_ALGORITHM="direct").stdout.split() == ["False", "True"]


@floats
def test_out_in_the_input(dtype):
    for name in ("many tiles", "images", "signal", "full", "volume", "wrap"):
        FFT.check_out(name, dtype)


@floats
def test_scratch_is_not_read_before_it_is_written(dtype):
    FFT.check_scratch(dtype)


@pytest.mark.parametrize("name", sorted(LAYERS.keys() - {"long kernel", "channels of a signal"}))
def test_no_error_is_above_its_bound(name):
    FFT.check_bound(name)
