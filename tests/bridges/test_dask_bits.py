"""convcore.dask gives the bits of one call on the whole array, whatever the chunks."""

import numpy as np
import pytest

import convcore
from tests.support.dask_problems import chunks_of, problem
from tests.tables.bridges import having

dask = pytest.importorskip("dask", reason="arrays in chunks are dask's")
da = pytest.importorskip("dask.array")

from convcore import dask as bridge  # noqa: E402

pytestmark = pytest.mark.auto

PROBLEMS = 40  # of each kind


@pytest.fixture(autouse=True)
def one_thread():
    with dask.config.set(scheduler="synchronous"):
        yield


def same(got, want):
    """Whether arrays, or tuples of them, have equal bits; zeros of both signs are equal."""
    got, want = (each if isinstance(each, tuple) else (each,) for each in (got, want))
    assert len(got) == len(want)
    for one, other in zip(got, want, strict=True):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        assert np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    return True


def computed(name, x, chunks, *arrays, **options):
    (result,) = dask.compute(getattr(bridge, name)(da.from_array(x, chunks), *arrays, **options))
    return result


@pytest.mark.filterwarnings("ignore:overflow|invalid value:RuntimeWarning")
@pytest.mark.parametrize("seed", range(PROBLEMS))
@pytest.mark.parametrize("kind", having("dask", "lazy"))
def test_random_problems_and_chunks(kind, seed):
    case = problem(kind, seed)
    want, refused = result_or_text(
        lambda: getattr(convcore, case.name)(case.x, *case.arrays, **case.options)
    )
    got, also = result_or_text(
        lambda: computed(case.name, case.x, case.chunks, *case.arrays, **case.options)
    )
    assert also == (refused and f"dask.{refused}")
    assert refused or same(got, want)


def result_or_text(call):
    """Return the result of a call, or the text of its error."""
    try:
        return call(), ""
    except ValueError as error:
        return None, str(error)


def test_enough_problems_have_a_result():
    good = 0
    for kind in having("dask", "lazy"):
        for seed in range(PROBLEMS):
            case = problem(kind, seed)
            try:
                convcore.explain(case.name, case.x.shape, *_weight(case), **_options(case))
                good += 1
            except ValueError:
                pass
    assert good >= 270


def _weight(case):
    return () if "pool" in case.name else (case.arrays[0].shape,)


def _options(case):
    names = {"weighted": "window"}
    first = names.get(case.name.partition("_")[0], "kernel_size")
    return case.options | ({first: case.arrays[0]} if "pool" in case.name else {})


def random(*shape, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


# Layers for which the default takes each of the fast algorithms: (name, x, weight, options).
FAST = {
    "winograd": ("conv2d", (1, 16, 61, 70), (24, 16, 3, 3), {"padding": "same"}),
    "winograd, rows": ("conv2d", (16, 61, 70), (24, 16, 3, 1), {"padding": "same"}),
    "winograd, columns": ("conv2d", (16, 61, 70), (24, 16, 1, 3), {}),
    "winograd, groups, last": (
        "conv2d", (2, 40, 51, 32), (32, 16, 3, 3), {"groups": 2, "layout": "NHWC", "padding": 2},
    ),
    "winograd, signal": ("conv1d", (16, 700), (32, 16, 3), {"padding": "full"}),
    "winograd, depths": ("conv3d", (16, 5, 40, 41), (32, 16, 1, 3, 3), {"padding": "same"}),
    "fft": ("conv2d", (1, 301, 402), (1, 1, 31, 30), {"padding": "same"}),
    "fft, odd tiles": ("conv2d", (1, 700, 300), (1, 1, 20, 21), {"padding": "same"}),
    "fft, groups": ("conv2d", (2, 6, 160, 150), (6, 2, 17, 19), {"groups": 3}),
    "fft, rows of one tap": ("conv2d", (1, 33, 2000), (1, 1, 1, 300), {"padding": "full"}),
    "fft, signal": ("conv1d", (1, 30_000), (2, 1, 900), {"padding": "same"}),
    "fft, depths": ("conv3d", (1, 40, 47, 45), (1, 1, 9, 8, 9), {"padding": "same"}),
    "separable": ("conv2d", (1, 600, 700), None, {"padding": "same"}),
    "separable, stride": ("conv2d", (1, 900, 1000), None, {"stride": 2, "padding": 5}),
}  # fmt: skip


@pytest.mark.parametrize("border", ["zeros", "edge", "wrap", "reflect"])
@pytest.mark.parametrize("case", FAST)
def test_fast_algorithms(case, border):
    name, x_shape, w_shape, options = FAST[case]
    x = random(*x_shape)
    if w_shape is None:
        weight = np.multiply.outer(random(15, seed=1), random(17, seed=2))[None, None]
    else:
        weight = random(*w_shape, seed=1)
    options = {**options, "border": border}
    want = getattr(convcore, name)(x, weight, **options)
    direct = getattr(convcore, name)(x, weight, algorithm="direct", **options)
    assert not np.array_equal(want, direct)  # else nothing is proved
    rng = np.random.default_rng(3)
    for largest in (60, 200, 1000):
        sizes = rng.integers(1, largest, 4)
        chunks = tuple(chunks_of(rng, size, sizes) for size in x_shape)
        assert same(computed(name, x, chunks, weight, **options), want)


@pytest.mark.parametrize("number", [np.nan, np.inf, -1e30])
@pytest.mark.parametrize("case", ["winograd", "fft", "fft, odd tiles", "separable"])
def test_numbers_that_transforms_lose(case, number):
    name, x_shape, w_shape, options = FAST[case]
    x = random(*x_shape)
    x[..., 20, 30] = number
    weight = random(*w_shape, seed=1) if w_shape else np.ones((1, 1, 15, 15), np.float32)
    want = getattr(convcore, name)(x, weight, **options)
    for chunks in (37, 150):
        assert same(computed(name, x, chunks, weight, **options), want)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("window", [(40, 1), (1, 40), (25, 33)])
@pytest.mark.parametrize("name", ["avg_pool2d", "l2_pool2d", "lp_pool2d"])
def test_long_windows_share_sums(name, window, stride):
    x = random(3, 130, 150)
    options = {"stride": stride, "padding": "same", "ceil_mode": True}
    want = getattr(convcore, name)(x, window, **options)
    for chunks in (1, 11, 60):
        assert same(computed(name, x, (3, chunks, 70), window, **options), want)


@pytest.mark.parametrize("window", ["random", "gaussian"])
def test_weighted_windows(window):
    x, size = random(2, 400, 401, dtype=np.float64), (21, 19)
    weights = random(*size) ** 2 if window == "random" else convcore.distance_window(size)
    for options in (
        {"stride": 1, "padding": "same"},
        {"stride": 3, "border": "wrap", "padding": 9},
    ):
        want = convcore.weighted_pool2d(x, weights, **options)
        for chunks in (90, 170):
            assert same(
                computed("weighted_pool2d", x, (1, chunks, chunks), weights, **options), want
            )


@pytest.mark.parametrize("period", [1, 2, 5, 7])
def test_kernels_that_repeat(period):
    x, weight = random(2, 8, 14, 15), random(3, period, period, 8, 3, 3, seed=1)
    bias = random(3, period, period, seed=2)
    want = convcore.tiled_conv2d(x, weight, bias, padding="same")
    for chunks in (1, 3, 8):
        assert same(computed("tiled_conv2d", x, (1, 4, chunks, chunks), weight, bias,
                             padding="same"), want)  # fmt: skip


def test_the_algorithm_of_the_program():
    x, weight = random(16, 60, 60), random(16, 16, 3, 3, seed=1)
    lazy = da.from_array(x, (16, 17, 19))
    with convcore.set_algorithm("direct"):
        direct, want = bridge.conv2d(lazy, weight), convcore.conv2d(x, weight)
    assert same(direct.compute(), want)  # as it was when the graph was made
    assert same(bridge.conv2d(lazy, weight).compute(), convcore.conv2d(x, weight))
    for algorithm in ("winograd", "fft", "direct"):
        options = {"algorithm": algorithm, "padding": "same"}
        want = convcore.conv2d(x, weight, **options)
        assert same(bridge.conv2d(lazy, weight, **options).compute(), want)


def test_tables_of_connections():
    x, weight = random(2, 6, 30, 31), random(9, 6, 3, 3, seed=1)
    table = convcore.connections.random(9, 6, 3, rng=0)
    want = convcore.conv2d(x, weight, connections=table)
    assert same(computed("conv2d", x, (1, 3, 7, 8), weight, connections=table), want)


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2"])
def test_results_that_are_rounded(dtype):
    x = np.random.default_rng(0).integers(0, 256, (1, 60, 70)).astype(np.uint8)
    weight = convcore.distance_window((5, 5)).astype(np.float32)[None, None] * 1.2
    for name, array in (("conv2d", weight), ("avg_pool2d", 3), ("l2_pool2d", 3),
                        ("weighted_pool2d", weight[0, 0])):  # fmt: skip
        want = getattr(convcore, name)(x, array, stride=1)
        out = np.empty(want.shape, dtype)
        getattr(convcore, name)(x, array, stride=1, out=out)
        assert same(computed(name, x, (1, 13, 17), array, stride=1, dtype=dtype), out)


@pytest.mark.parametrize("seed", range(60))
def test_missing_cells(seed):
    """Equal to one call with direct sums."""
    rng = np.random.default_rng(seed)
    names = ("conv2d", "max_pool2d", "avg_pool2d", "lp_pool2d", "l2_pool2d", "weighted_pool2d")
    name = names[seed % len(names)]
    x, mask = random(2, 3, 30, 41, seed=seed), rng.random((30, 41)) < 0.8
    arrays = {"conv2d": (random(4, 3, 3, 5, seed=1),), "weighted_pool2d": (rng.random((3, 5)),)}
    options = {
        "stride": int(rng.integers(1, 4)), "padding": ("same", "valid", 2)[rng.integers(3)],
        "border": ("zeros", "edge", "wrap", 1.0)[rng.integers(4)], "fill": -7,
        "return_weight": bool(rng.integers(2)),
    }  # fmt: skip
    direct = {"algorithm": "direct"} if name == "conv2d" else {"ceil_mode": bool(rng.integers(2))}
    lazy = {}
    if seed % 2:
        options["mask"], lazy["mask"] = mask, da.from_array(mask, 9) if seed % 4 == 1 else mask
    else:
        x[..., mask] = np.nan
        options["nan"] = "ignore"
    array = arrays.get(name, ((3, 5),))
    want = getattr(convcore, name)(x, *array, **options, **direct)
    got = computed(name, x, (1, 2, 11, 17), *array, **(options | direct | lazy))
    got, want = (each if isinstance(each, tuple) else (each,) for each in (got, want))
    for one, other in zip(got, want, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["max_pool", "avg_pool", "lp_pool", "l2_pool", "weighted_pool"])
def test_windows_after_the_input_with_ceil_mode(name):
    """``ceil_mode`` drops one such window of one call, and no more of its blocks."""
    rng = np.random.default_rng(0)
    for axes, n, kernel, stride, after in (
        (1, 1, 1, 1, 4), (1, 5, 2, 1, 7), (1, 5, 3, 2, 4), (2, 3, 2, 2, 5), (2, 4, 1, 3, 5),
    ):  # fmt: skip
        x = rng.random((2, *[n] * axes)).astype("f4")
        window = np.full((kernel,) * axes, 1 / kernel) if name == "weighted_pool" else kernel
        padding = ((0, after), (1, 0))[:axes]
        for border in ("edge", "wrap", 0.5):
            options = {"stride": stride, "padding": padding, "border": border, "ceil_mode": True}
            for missing in ({"nan": "ignore"}, {"mask": x > 0.2}):
                given = options | missing
                want = getattr(convcore, f"{name}{axes}d")(x, window, **given)
                for size in (1, 2, n):
                    got = computed(f"{name}{axes}d", x, (1, *[size] * axes), window, **given)
                    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


def test_missing_cells_and_rounded_results():
    x = np.random.default_rng(0).integers(0, 256, (1, 40, 50)).astype(np.uint8)
    mask = x < 200
    for name, array in (("conv2d", np.ones((1, 1, 3, 3)) / 9), ("avg_pool2d", 3)):
        out = np.empty(getattr(convcore, name)(x, array, stride=2).shape, np.uint8)
        options = {"stride": 2, "mask": mask, "fill": 0}
        getattr(convcore, name)(x, array, out=out, **options)
        got = computed(name, x, (1, 11, 17), array, dtype="u1", **options)
        assert got.dtype == np.uint8
        assert np.abs(got.astype(int) - out).max() <= 1  # sums differ by a rounding


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("name", ["convolve", "correlate"])
def test_signals(name, mode):
    rng = np.random.default_rng(0)
    for shape, size in (((500,), (31,)), ((40, 45), (4, 7)), ((12, 9, 14), (3, 4, 2)),
                        ((9000,), (900,))):  # fmt: skip
        for dtype in (np.float32, np.int16):
            x = (rng.standard_normal(shape) * 50).astype(dtype)
            w = (rng.standard_normal(size) * 9).astype(dtype)
            want = getattr(convcore, name)(x, w, mode)
            got = getattr(bridge, name)(da.from_array(x, 7 if x.ndim > 1 else 100), w, mode)
            assert same(got.compute(), want)
