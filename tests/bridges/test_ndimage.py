"""``convcore.ndimage`` against SciPy, and by what medians and ranks are."""

import itertools
import warnings

import numpy as np
import pytest

import convcore
from convcore import ndimage
from convcore.ndimage.integers import exact_sums
from tests.support.helpers import LEVELS

scipy = pytest.importorskip("scipy.ndimage", reason="SciPy is not installed: pip install scipy")
pytestmark = pytest.mark.auto

MODES = ("reflect", "mirror", "nearest", "wrap", "constant", "grid-mirror", "grid-wrap",
         "grid-constant")  # fmt: skip
INTEGERS = (np.uint8, np.int8, np.uint16, np.int16, np.int32, np.uint32, np.int64)
REALS = (np.float32, np.float64)
SHAPES = ((1,), (37,), (1, 1), (19, 70), (3, 40), (5, 7, 20), (2, 3, 4, 5))


def numbers(rng, shape, dtype):
    x = rng.normal(0, 40, shape)
    return np.abs(x).astype(dtype) if np.dtype(dtype).kind == "u" else x.astype(dtype)


def assert_same(got, want, scale):
    assert (got.shape, got.dtype) == (want.shape, want.dtype)
    if want.dtype.kind in "biu":
        assert np.array_equal(got, want)
    else:
        error = np.abs(got.astype(np.float64) - want).max(initial=0)
        assert error <= (1e-5 if want.dtype == np.float32 else 1e-12) * scale


def size_of(x):
    return max(1.0, float(np.abs(x.astype(np.float64)).max(initial=0)))


SUMS = {
    "correlate1d": lambda rng, x: ([rng.normal(size=rng.integers(1, 8))], {"axis": x.ndim - 1}),
    "convolve1d": lambda rng, x: ([rng.integers(-3, 4, rng.integers(1, 8))], {"axis": 0}),
    "correlate": lambda rng, x: ([rng.normal(size=rng.integers(1, 4, x.ndim))], {}),
    "convolve": lambda rng, x: ([rng.integers(-3, 4, rng.integers(1, 4, x.ndim))], {}),
    "uniform_filter1d": lambda rng, x: ([int(rng.integers(1, 9))], {"axis": 0}),
    "uniform_filter": lambda rng, x: ([tuple(map(int, rng.integers(1, 6, x.ndim)))], {}),
    "gaussian_filter1d": lambda rng, x: ([float(rng.uniform(0.3, 3))],
                                         {"order": int(rng.integers(0, 4))}),
    "gaussian_filter": lambda rng, x: ([float(rng.uniform(0.3, 2))],
                                       {"order": int(rng.integers(0, 3))}),
    "sobel": lambda rng, x: ([], {"axis": x.ndim - 1}),
    "prewitt": lambda rng, x: ([], {"axis": 0}),
    "laplace": lambda rng, x: ([], {}),
    "gaussian_laplace": lambda rng, x: ([1.1], {}),
    "gaussian_gradient_magnitude": lambda rng, x: ([0.9], {"output": np.float64}),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [*INTEGERS, *REALS])
@pytest.mark.parametrize("name", SUMS)
def test_sums(name, dtype):
    rng = np.random.default_rng(5)
    for shape, mode in itertools.product(SHAPES[:-1], MODES):
        x = numbers(rng, shape, dtype)
        args, options = SUMS[name](rng, x)
        options |= {"mode": mode, "cval": float(rng.integers(-4, 5)) / 2}
        want = getattr(scipy, name)(x, *args, **options)
        assert_same(getattr(ndimage, name)(x, *args, **options), want, 30 * size_of(x))


@pytest.mark.parametrize("dtype", [np.bool_, *INTEGERS, *REALS])
@pytest.mark.parametrize("name", ["maximum_filter", "minimum_filter", "median_filter",
                                  "grey_dilation", "grey_erosion", "grey_opening",
                                  "grey_closing"])  # fmt: skip
def test_ranks_of_sizes(name, dtype):
    rng = np.random.default_rng(6)
    for shape, mode in itertools.product(SHAPES[:-1], MODES):
        x = numbers(rng, shape, dtype)
        size = tuple(map(int, rng.integers(1, 6, x.ndim)))
        want = getattr(scipy, name)(x, size=size, mode=mode, cval=1.0)
        assert_same(getattr(ndimage, name)(x, size=size, mode=mode, cval=1.0), want, 0)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64])
def test_ranks_of_footprints(dtype):
    rng = np.random.default_rng(7)
    for mode in MODES:
        x = numbers(rng, (9, 70), dtype)
        footprint = rng.random((3, 4)) < 0.6
        footprint[1, 1] = True
        for rank in range(footprint.sum()):
            want = scipy.rank_filter(x, rank, footprint=footprint, mode=mode, cval=2)
            got = ndimage.rank_filter(x, rank, footprint=footprint, mode=mode, cval=2)
            assert_same(got, want, 0)
        want = scipy.percentile_filter(x, -30, footprint=footprint, mode=mode)
        assert_same(ndimage.percentile_filter(x, -30, footprint=footprint, mode=mode), want, 0)
        want = scipy.minimum_filter(x, footprint=footprint, mode=mode)
        assert_same(ndimage.minimum_filter(x, footprint=footprint, mode=mode), want, 0)


def test_structures():
    rng = np.random.default_rng(8)
    names = ("grey_dilation", "grey_erosion", "grey_closing")
    for dtype, name in itertools.product((np.int16, np.int32, np.float64), names):
        x = numbers(rng, (12, 30), dtype)
        structure = rng.integers(-3, 4, (3, 4))
        want = getattr(scipy, name)(x, structure=structure)
        assert_same(getattr(ndimage, name)(x, structure=structure), want, size_of(x))


@pytest.mark.parametrize("size", [3, 5])
def test_medians_of_all_zeros_and_ones(size):
    """A network that sorts all zeros and ones sorts everything: the columns of every box."""
    columns = list(itertools.product(range(size + 1), repeat=size))  # how many ones each has
    rng = np.random.default_rng(9)
    x = np.zeros((size, size * len(columns)), np.uint8)
    for i, ones in enumerate(columns):
        for c, count in enumerate(ones):
            x[rng.permutation(size)[:count], size * i + c] = 1
    got = ndimage.median_filter(x, size)[size // 2, size // 2 :: size]
    assert np.array_equal(got, [sum(ones) > size * size // 2 for ones in columns])
    # ... and every column, however it is ordered
    bits = (np.arange(2**size) >> np.arange(size)[:, None] & 1).astype(np.uint8)
    alike = np.repeat(bits, size, axis=1)
    got = ndimage.median_filter(alike, size)[size // 2, size // 2 :: size]
    assert np.array_equal(got, bits.sum(axis=0) > size // 2)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("taps", [2, 7, 33, 64, 127, 128, 129, 300])
def test_ranks_of_many_taps(taps, dtype):
    """By networks, by counting, by histograms: the windows' sorted cells."""
    rng = np.random.default_rng(taps)
    x = numbers(rng, (4, 90), dtype)
    footprint = np.ones((1, taps), bool)
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(x, ((0, 0), (taps // 2, taps - 1 - taps // 2)), "wrap"), taps, axis=1
    )
    ordered = np.sort(windows, axis=-1)
    for rank in {0, 1, taps // 3, taps // 2, taps - 1}:
        got = ndimage.rank_filter(x, rank, footprint=footprint, mode="wrap")
        assert np.array_equal(got, ordered[..., rank])


def test_histograms():
    rng = np.random.default_rng(10)
    cases = [
        (np.uint8, (40, 60), 17),
        (np.int8, (20, 700), (33, 9)),
        (np.uint8, (3, 17, 30), (3, 9, 11)),
        (np.uint8, (5, 9), 21),
    ]
    for dtype, shape, size in cases:
        x = rng.integers(0, 100, shape).astype(dtype)
        cells = int(np.prod(np.broadcast_to(size, x.ndim)))
        for mode, rank in (("reflect", cells // 2), ("constant", 5), ("wrap", cells - 9)):
            want = scipy.rank_filter(x, rank, size, mode=mode, cval=7)
            assert np.array_equal(ndimage.rank_filter(x, rank, size, mode=mode, cval=7), want)
    photograph = rng.integers(0, 256, (40, 50, 3)).astype(np.uint8)
    want = scipy.median_filter(photograph, 17, axes=(0, -1))
    assert np.array_equal(ndimage.median_filter(photograph, 17, axes=(0, -1)), want)


def test_a_window_larger_than_the_array():
    """SciPy does not repeat reflections there; NumPy does."""
    x = np.random.default_rng(13).integers(0, 100, (5, 9)).astype(np.uint8)
    padded = np.pad(x, 50, "symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (101, 101)).reshape(5, 9, -1)
    assert np.array_equal(ndimage.median_filter(x, 101), np.sort(windows)[..., 5100])


def test_nan_is_the_largest():
    x = np.array([1, np.nan, -np.nan, 3, -np.inf], np.float32)
    got = ndimage.rank_filter(x, 1, size=3, mode="nearest")
    assert np.array_equal(got, [1, np.nan, np.nan, 3, -np.inf], equal_nan=True)


def test_nan_beside_footprints():
    x = np.array([1, 2, np.nan, 4, 5, 6, 7])
    nan = np.nan
    for got, want in (
        (ndimage.rank_filter(x, 0, 3, mode="nearest"), [1, 1, 2, 4, 4, 5, 6]),
        (ndimage.rank_filter(x[:, None], 0, (3, 1), mode="nearest")[:, 0], [1, 1, 2, 4, 4, 5, 6]),
        (ndimage.minimum_filter(x, footprint=[1, 0, 1]), [1, nan, 2, nan, 4, 5, 6]),
        (ndimage.maximum_filter(x, footprint=[1, 0, 1]), [2, nan, 4, nan, 6, 7, 7]),
        (ndimage.grey_erosion(x, structure=[0, 0, 0]), [1, nan, nan, nan, 4, 5, 6]),
    ):
        assert np.array_equal(got, want, equal_nan=True), (got, want)


def test_axes_of_one_cell_are_none():
    """Four axes, of which a window has several cells along three: NaN, and axes out of order."""
    y = np.ones((3, 4, 3, 1), np.float32)
    y[0, 1, 1, 0] = np.nan
    got = ndimage.maximum_filter(y, [1, 2, 3, 1], mode="nearest")
    assert np.isnan(got).sum() == 6
    z = np.random.default_rng(0).integers(0, 50, (3, 3, 4, 4))
    want = ndimage.median_filter(z, size=[1, 1, 3, 1], mode="nearest")
    got = ndimage.median_filter(z, size=[1, 3, 1, 1], axes=(3, 2, 1, 0), mode="nearest")
    assert np.array_equal(got, want)
    x = np.array([[124, 41, 37, -61, -26, 4, 22, -49]], np.int8)  # one pass: cast at its end
    want = scipy.minimum_filter(x, (1, 3), output=np.uint8)
    assert np.array_equal(ndimage.minimum_filter(x, (1, 3), output=np.uint8), want)


def test_axes_out_of_order():
    a = np.arange(20.0).reshape(4, 5) ** 2
    weights = np.array([[1.0, 2, 3], [4, 5, 6]])
    for origin in ([0, -1], [-1, 1]):
        want = scipy.correlate(a, weights, axes=(1, 0), origin=origin)
        assert_same(ndimage.correlate(a, weights, axes=(1, 0), origin=origin), want, 1e4)


def test_numbers_that_do_not_fit():
    large = np.array([2**31 - 1] * 2, np.int32)
    assert np.array_equal(ndimage.correlate1d(large, [1, 1]), scipy.correlate1d(large, [1, 1]))
    x = np.arange(5, dtype=np.uint64)
    assert ndimage.minimum_filter(x, 3, mode="constant").tolist() == [0, 0, 1, 2, 0]
    assert ndimage.rank_filter(x, 0, 3, mode="constant").tolist() == [0, 0, 1, 2, 0]
    got = ndimage.maximum_filter(np.array([5, 200, 7]), 3, output=float, mode="constant",
                                 cval=1000.5)  # fmt: skip
    assert got.tolist() == [1000.5, 200, 1000.5]
    image = np.arange(30, dtype=np.uint64).reshape(5, 6)
    assert np.array_equal(ndimage.sobel(image[::-1]), scipy.sobel(image[::-1]))


def test_byte_order_and_empty_arrays():
    x = np.arange(6.0)
    assert ndimage.laplace(x, output=np.dtype(">f4")).dtype == np.dtype(">f4")
    empty = np.zeros((0, 3), np.float32)
    empty.flags.writeable = False
    assert ndimage.gaussian_laplace(empty, 1).shape == (0, 3)
    assert ndimage.maximum_filter(empty, 3) is not empty
    assert ndimage.correlate(3.0, 2.0) == 6


def test_four_axes():
    rng = np.random.default_rng(11)
    x = rng.normal(size=SHAPES[-1])
    assert_same(ndimage.gaussian_filter(x, 1), scipy.gaussian_filter(x, 1), 1)
    got = ndimage.median_filter(x, (3, 1, 3, 1))  # two of them are none to the filter
    assert_same(got, scipy.median_filter(x, (3, 1, 3, 1)), 0)
    for axes in itertools.permutations(range(4), 2):
        weights = rng.normal(size=(2, 3))
        got = ndimage.correlate(x, weights, axes=axes, origin=(0, -1))
        assert_same(got, scipy.correlate(x, weights, axes=axes, origin=(0, -1)), 10)


@pytest.mark.parametrize("level", LEVELS)
def test_bits_do_not_depend_on_threads_nor_level(level):
    rng = np.random.default_rng(12)
    levels = convcore._core
    before = levels.isa()
    weights = rng.normal(size=(5, 4))
    for dtype in (np.uint8, np.int32, np.float32):
        x = numbers(rng, (130, 259), dtype)
        calls = [
            lambda x=x: ndimage.median_filter(x, 5),
            lambda x=x: ndimage.median_filter(x, 17),
            lambda x=x: ndimage.rank_filter(x, 2, size=4),
            lambda x=x: ndimage.correlate(x, weights, output=np.int16),
        ]
        for call in calls:
            with convcore.threads(1):
                want = call()
            try:
                levels.choose_isa(level)
                for count in (1, 2, 3):
                    with convcore.threads(count):
                        assert np.array_equal(call(), want)
            finally:
                levels.choose_isa(before)


def test_where_results_go():
    x = np.arange(20, dtype=np.int16).reshape(4, 5)
    want = scipy.uniform_filter(x, 3)
    out = np.empty((5, 4), np.int16).T
    assert ndimage.uniform_filter(x, 3, output=out) is out
    assert np.array_equal(out, want)
    same = x.copy()
    assert np.array_equal(ndimage.uniform_filter(same, 3, output=same), want)
    assert ndimage.uniform_filter(x, 3, output="f4").dtype == np.float32
    assert ndimage.sobel(x > 4).dtype == np.bool_
    assert ndimage.median_filter(np.empty((0, 3)), 3).shape == (0, 3)


BAD = [
    ("correlate1d", ([1, 2], []), {}, "correlate1d: weights must have shape"),
    ("correlate1d", ([1, 2], [1]), {"axis": 1}, "correlate1d: axis must be at least -1"),
    ("correlate1d", ([1, 2], [1, 1]), {"origin": 1}, "correlate1d: origin must keep its cell"),
    ("correlate", ([1, 2], [[1]]), {}, r"correlate: weights.ndim \(2\) must match len\(axes\)"),
    ("convolve", ([1, 2], [1]), {"mode": "same"}, "convolve: mode must be among"),
    ("gaussian_filter", ([1.0, 2], 1, -1), {}, "gaussian_filter: order must be at least 0"),
    ("gaussian_filter", ([1.0, 2], (1, 2)), {}, "gaussian_filter: sigma must be one value or 1"),
    ("uniform_filter", ([1.0, 2], -1), {}, "uniform_filter: size must be at least 0"),
    ("median_filter", ([1.0, 2],), {}, "median_filter: no footprint or filter size"),
    ("median_filter", ([1.0, 2], 2), {"output": np.empty(3)}, "output shape not correct"),
    ("gaussian_filter", ([1.0, 2], 1, 10**6), {}, "gaussian_filter: order must be at least 0"),
    ("gaussian_filter", ([1.0, 2], np.inf), {}, "gaussian_filter: truncate times sigma must be"),
    ("gaussian_filter", ([1.0], 1), {"truncate": np.nan}, "gaussian_filter: truncate times"),
    ("uniform_filter", ([1.0, 2], 10**30), {}, "uniform_filter: size must be at least 0"),
    ("rank_filter", ([1.0, 2], 5, 2), {}, "rank_filter: rank must be at least -2 and below 2"),
    ("percentile_filter", ([1.0, 2], 101, 2), {}, "percentile_filter: percentile must be from"),
    ("maximum_filter", ([1.0, 2],), {"footprint": [0, 0]}, "maximum_filter: footprint must have"),
    ("grey_dilation", ([1.0, 2],), {}, "grey_dilation: size, footprint, or structure"),
    ("sobel", (np.ones(3, np.float16),), {}, "sobel: input must have a dtype of integers"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args", "options", "text"), BAD)
def test_bad_arguments(name, args, options, text):
    for error in (ValueError, RuntimeError):
        with pytest.raises(error, match=text):
            getattr(ndimage, name)(*args, **options)


def test_bad_types():
    for call in (
        lambda: ndimage.correlate1d([1.0], [1.0], axis=0.5),
        lambda: ndimage.median_filter([1.0], "x"),
        lambda: ndimage.median_filter([1.0], 2.5),
        lambda: ndimage.median_filter([1.0], np.inf),
        lambda: ndimage.gaussian_filter([1.0], 10**400),
        lambda: ndimage.rank_filter([1.0], 0.5, 3),
        lambda: ndimage.sobel(None),
        lambda: ndimage.sobel([1.0], output=[1.0]),
        lambda: ndimage.gaussian_laplace([1.0], 1, sigmas=2),
        lambda: ndimage.correlate1d([1.0], [1.0], origin=0.5),
        lambda: ndimage.correlate1d([1.0], [1.0], mode="constant", cval="x"),
        lambda: ndimage.report_scipy(1),
    ):
        with pytest.raises(TypeError):
            call()


def test_what_scipy_answers():
    x = np.arange(9.0).reshape(3, 3) * 1j
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(ndimage.sobel(x), scipy.sobel(x))
    ndimage.report_scipy()
    try:
        with pytest.warns(RuntimeWarning, match="sobel: input has dtype complex128; SciPy answers"):
            ndimage.sobel(x)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ndimage.sobel(x)  # it has been said
    finally:
        ndimage.report_scipy(False)
    assert ndimage.label is scipy.label
    with pytest.raises(AttributeError, match=r"convcore\.ndimage"):
        ndimage.nonsense  # noqa: B018


def test_without_scipy(monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr("convcore.ndimage.elsewhere.import_module", missing)
    with pytest.raises(TypeError, match="sobel: input has dtype complex128; SciPy would answer"):
        ndimage.sobel(np.ones(3) * 1j)
    with pytest.raises(AttributeError):
        ndimage.label  # noqa: B018
    assert ndimage.median_filter([3, 1, 2], 3).tolist() == [3, 2, 2]


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.uint16, np.int16])
@pytest.mark.parametrize("seed", range(30))
def test_sums_of_small_integers_are_scipys(kind, seed):
    """Boxes, and weights that are integers: float32 has their sums, and its roundings are known."""
    rng = np.random.default_rng(seed)
    limits = np.iinfo(kind)
    x = rng.integers(limits.min, limits.max, rng.integers(1, 40, 2), dtype=kind, endpoint=True)
    options = {
        "mode": str(rng.choice(["reflect", "constant", "nearest", "mirror", "wrap"])),
        "cval": float(rng.choice([0, 3, -2, 2.5, 300])),
        "output": rng.choice([kind, np.uint8, np.int16, np.int32]),
    }
    window = rng.integers(-4, 5, rng.integers(1, 4, 2))
    line = rng.integers(-9, 10, int(rng.integers(1, 8)))
    for name, *arguments in (
        ("uniform_filter", int(rng.integers(1, 60))),
        ("uniform_filter1d", int(rng.integers(1, 200))),
        ("correlate", window),
        ("convolve1d", line),
        ("sobel",),
        ("prewitt",),
        ("laplace",),
    ):
        with np.errstate(invalid="ignore"):
            wanted = getattr(scipy, name)(x, *arguments, **options)
        found = getattr(ndimage, name)(x, *arguments, **options)
        np.testing.assert_array_equal(found, wanted, err_msg=name, strict=True)


@pytest.mark.parametrize(("kind", "sizes"), [(np.uint8, (2, 3, 31, 100, 175)), (np.uint16, (2, 9))])
def test_averages_of_bytes_are_truncated_whatever_remains(kind, sizes):
    """Every quotient and remainder, the largest averages above all, where float32 rounds most."""
    most = int(np.iinfo(kind).max)
    for size in sizes:
        assert exact_sums(np.dtype(kind), np.full(size, 1 / size), (0.0,), size, np.dtype(kind))
        full, rest = np.divmod(np.arange(max(size * most - 4000, 0), size * most + 1), most)
        x = np.zeros((len(full), size), kind)
        x[np.arange(size) < full[:, None]] = most
        x[np.arange(len(full)), np.minimum(full, size - 1)] += rest.astype(kind) * (full < size)
        found = ndimage.uniform_filter1d(x, size, mode="constant")[:, size // 2]
        np.testing.assert_array_equal(found, x.sum(axis=1, dtype=np.int64) // size)


def test_sums_that_float32_rounds_are_left_to_double():
    box = np.full(181, 1 / 181)
    bytes_, shorts = np.dtype(np.uint8), np.dtype(np.uint16)
    for x, weights, side, divisor in (
        (bytes_, box, 0.0, 181),
        (shorts, np.full(11, 1 / 11), 0.0, 11),
        (np.dtype(np.int8), np.full(3, 1 / 3), 0.0, 3),  # truncated towards zero, not down
        (bytes_, np.array([60.0, 69.0]), 0.0, 1),
        (bytes_, np.array([0.5, 1.0]), 0.0, 1),
        (bytes_, np.array([1.0, 2.0]), 2.5, 1),
        (bytes_, np.array([1.0, 2.0]), 256.0, 1),
        (bytes_, np.array([1.0, np.nan]), 0.0, 1),
        (np.dtype(np.int32), np.array([1.0, 2.0]), 0.0, 1),
    ):
        assert exact_sums(x, weights, (side,), divisor, x) is None


def test_medians_go_to_the_caller_s_array():
    """Where that is contiguous they are written there at once; and whatever array it is."""
    x = np.arange(99, dtype=np.uint8).reshape(9, 11) * 7
    want = ndimage.median_filter(x, 3)
    outputs = [np.empty_like(x), np.empty((9, 22), np.uint8)[:, ::2], np.empty(x.shape, np.int32)]
    for output in outputs:
        assert ndimage.median_filter(x, 3, output=output) is output
        np.testing.assert_array_equal(output, want)
    same = x.copy()
    assert np.array_equal(ndimage.median_filter(same, 3, output=same), want)
    stacked = np.vstack([x, x])
    assert np.array_equal(ndimage.median_filter(stacked[:9], 3, output=stacked[4:13]), want)


def test_a_masked_array_keeps_its_mask():
    x = np.arange(99, dtype=np.uint8).reshape(9, 11) * 7
    output = np.ma.zeros(x.shape, np.uint8)
    output[0, :3] = np.ma.masked
    output.harden_mask()
    for call in (ndimage.median_filter, ndimage.uniform_filter):
        call(x, 3, output=output)
        np.testing.assert_array_equal(output.data, call(x, 3))
        assert output.mask.sum() == 3
