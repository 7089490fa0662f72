"""What must hold of a pooling whatever its numbers: properties, on random geometry.

Where nothing else is said all data are small integers, so comparisons are `==`.
"""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

import convcore
from convcore import reference
from tests.support.pool_oracle import fault
from tests.tables.pool_cases import LAYOUTS

EPS = np.finfo(np.float32).eps


def pool(kind, nd, *arguments, place=convcore, **options):
    return getattr(place, f"{kind}_pool{nd}d")(*arguments, **options)


def equal(a, b):
    return a.shape == b.shape and a.dtype == b.dtype and bool((a == b).all())


@st.composite
def grids(draw, paddings=("valid", "same", "same_lower", "full", "pairs", "ints", "int")):
    """A pooling that has a result: nd, x (channels first), kernel and options."""
    nd = draw(st.integers(1, 3))
    space = draw(st.tuples(*[st.integers(1, {1: 60, 2: 20, 3: 7}[nd])] * nd))
    kernel = draw(st.tuples(*[st.integers(1, {1: 30, 2: 12, 3: 4}[nd])] * nd))
    dilation = draw(st.tuples(*[st.sampled_from([1, 1, 2, 3])] * nd))
    stride = draw(st.tuples(*[st.integers(1, 5)] * nd))
    reach = [(k - 1) * d for k, d in zip(kernel, dilation, strict=True)]
    form = draw(st.sampled_from(paddings))
    if form in ("int", "ints", "pairs"):
        # no more than the reach, so that every window sees a cell of the input
        pairs = draw(st.tuples(*[st.tuples(st.integers(0, r), st.integers(0, r)) for r in reach]))
        least = min(min(pair) for pair in pairs)
        padding = {"int": least, "ints": tuple(p for p, _ in pairs), "pairs": pairs}[form]
    else:
        padding = form
    space = tuple(max(n, r + 1) for n, r in zip(space, reach, strict=True))
    n, c = draw(st.integers(1, 2)), draw(st.sampled_from([1, 2, 3, 9, 17]))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    x = np.random.default_rng(draw(st.integers(0, 2**20))).integers(-9, 10, (n, c, *space))
    options = {
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "ceil_mode": draw(st.booleans()),
    }
    return nd, x.astype(dtype), kernel, options


KINDS = ["max", "avg", "avg of all", "l2", "lp 1", "lp 3", "lp inf", "weighted", "weighted sum"]


def of_kind(word, kernel, options):
    """The name, first argument and options of a kind in words."""
    kind, _, more = word.partition(" ")
    if kind == "weighted":
        window = np.arange(1.0, np.prod(kernel) + 1).reshape(kernel)
        return kind, window, {**options, "normalize": more != "sum"}
    if kind == "lp":
        return kind, kernel, {**options, "p": float(more)}
    return kind, kernel, {**options, "count_include_pad": True} if more else options


@pytest.mark.item("f11", "f12", "f13", "f14")
@given(grids(), st.sampled_from(KINDS), st.booleans(), st.sampled_from([None, 1, 2, 5]))
def test_equals_reference(call, word, last, threads):
    nd, x, kernel, options = call
    kind, first, options = of_kind(word, kernel, options)
    if last:
        x, options = np.moveaxis(x, 1, -1), {**options, "layout": LAYOUTS[nd][1]}
    want = pool(kind, nd, x, first, place=reference, **options)
    got = pool(kind, nd, x, first, threads=threads, **options)
    # the oracle divides by the largest cell before it adds up, which costs it a rounding a cell
    assert fault(got, want, 16 if kind in ("l2", "lp") else 0) is None
    grad = np.arange(1, want.size + 1).reshape(want.shape).astype(x.dtype)
    backward = f"{kind}_pool{nd}d_backward"
    got = getattr(convcore, backward)(grad, x, first, threads=threads, **options)
    want = getattr(reference, backward)(grad, x, first, **options)
    assert fault(got, want, 0 if kind == "max" else 16 + np.prod(kernel)) is None


@given(st.data())
def test_adaptive_equals_reference(data):
    nd = data.draw(st.integers(1, 3))
    space = data.draw(st.tuples(*[st.integers(1, {1: 70, 2: 20, 3: 7}[nd])] * nd))
    sizes = data.draw(st.tuples(*[st.none() | st.integers(1, {1: 90, 2: 24, 3: 9}[nd])] * nd))
    shape = (2, data.draw(st.sampled_from([1, 3, 17])), *space)
    x = np.random.default_rng(len(space)).integers(-9, 10, shape).astype(np.float32)
    for kind in ("avg", "max"):
        name = f"adaptive_{kind}_pool{nd}d"
        want = getattr(reference, name)(x, sizes)
        assert fault(getattr(convcore, name)(x, sizes), want) is None
        got = getattr(convcore, name)(np.moveaxis(x, 1, -1), sizes, layout=LAYOUTS[nd][1])
        assert fault(np.moveaxis(got, -1, 1), want) is None


@given(grids(paddings=["valid"]), st.sampled_from(["max", "avg", "l2", "lp 3", "weighted"]))
def test_moving_by_the_stride_moves_the_output_by_one(call, word):
    nd, x, kernel, options = call
    kind, first, options = of_kind(word, kernel, {**options, "ceil_mode": False})
    whole = pool(kind, nd, x, first, **options)
    assume(whole.shape[-1] > 1)
    later = pool(kind, nd, x[..., options["stride"][-1] :], first, **options)
    assert fault(later, whole[..., 1:], 4 if kind in ("l2", "lp") else 0) is None


@given(grids())
def test_monotone(call):
    nd, x, kernel, options = call
    more = x + (np.arange(x.size).reshape(x.shape) % 3).astype(x.dtype)
    for kind in ("max", "avg"):
        low, high = (pool(kind, nd, a, kernel, **options) for a in (x, more))
        assert (low <= high).all()
    assert equal(
        pool("max", nd, x + 8, kernel, **options), pool("max", nd, x, kernel, **options) + 8
    )


@given(grids())
def test_the_average_is_between_least_and_largest(call):
    nd, x, kernel, options = call
    mean = pool("avg", nd, x, kernel, **options)
    assert (mean <= pool("max", nd, x, kernel, **options)).all()
    assert (mean >= -pool("max", nd, -x, kernel, **options)).all()
    constant = pool("avg", nd, np.full_like(x, 5), kernel, **options)
    assert (constant == 5).all()


@pytest.mark.item("f11")
@given(grids(paddings=["valid"]))
def test_maximum_of_the_negative_is_the_minimum(call):
    nd, x, kernel, options = call
    options = {**options, "ceil_mode": False}
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, options["dilation"], strict=True)]
    axes = tuple(range(2, nd + 2))
    windows = sliding_window_view(x, reach, axes)
    steps = tuple(slice(None, None, s) for s in options["stride"])
    holes = tuple(slice(None, None, d) for d in options["dilation"])
    windows = windows[(slice(None), slice(None), *steps, *holes)]
    least = windows.min(tuple(range(nd + 2, 2 * nd + 2)))
    assert equal(-pool("max", nd, -x, kernel, **options), np.ascontiguousarray(least))


@given(grids(), st.sampled_from(KINDS))
def test_ceil_mode_only_adds_windows(call, word):
    nd, x, kernel, options = call
    kind, first, options = of_kind(word, kernel, options)
    down = pool(kind, nd, x, first, **{**options, "ceil_mode": False})
    up = pool(kind, nd, x, first, **{**options, "ceil_mode": True})
    inside = tuple(slice(None, size) for size in down.shape)
    assert all(b - a in (0, 1) for a, b in zip(down.shape, up.shape, strict=True))
    assert fault(up[inside], down, 4 if kind in ("l2", "lp") else 0) is None


def padded(x, nd, padding, value):
    return np.pad(x, ((0, 0), (0, 0), *padding), constant_values=value)


@given(grids(paddings=["pairs"]))
def test_padding_is_numpys_padding_and_valid(call):
    nd, x, kernel, options = call
    options["ceil_mode"] = False
    valid = {**options, "padding": "valid"}
    want = pool("max", nd, padded(x, nd, options["padding"], -np.inf), kernel, **valid)
    assert equal(pool("max", nd, x, kernel, **options), want)
    want = pool("avg", nd, padded(x, nd, options["padding"], 0), kernel, **valid)
    assert equal(pool("avg", nd, x, kernel, count_include_pad=True, **options), want)
    want = pool("l2", nd, padded(x, nd, options["padding"], 0), kernel, **valid)
    assert fault(pool("l2", nd, x, kernel, **options), want, 4) is None


@given(grids())
def test_the_maximum_of_a_box_is_that_of_its_rows_columns_and_depths(call):
    nd, x, kernel, options = call
    y = x
    for axis in range(nd):

        def alone(value, other, axis=axis):
            return tuple(value[i] if i == axis else other for i in range(nd))

        padding = options["padding"]
        each = padding if isinstance(padding, tuple) else (padding,) * nd
        y = pool(
            "max",
            nd,
            y,
            alone(kernel, 1),
            alone(options["stride"], 1),
            alone(each, 0),
            alone(options["dilation"], 1),
            ceil_mode=options["ceil_mode"],
        )
    assert equal(y, pool("max", nd, x, kernel, **options))


@given(grids())
def test_layouts_and_batches_agree(call):
    nd, x, kernel, options = call
    want, index = pool("max", nd, x, kernel, return_indices=True, **options)
    there = np.ascontiguousarray(np.moveaxis(x, 1, -1))
    got, place = pool(
        "max", nd, there, kernel, return_indices=True, layout=LAYOUTS[nd][1], **options
    )
    assert equal(np.moveaxis(got, -1, 1), want)
    assert equal(np.moveaxis(place, -1, 1), index)
    for image, a, b in zip(x, want, index, strict=True):
        values, places = pool("max", nd, image, kernel, return_indices=True, **options)
        assert equal(values, a)
        assert equal(places, b)


@given(grids())
def test_indices_say_where_the_values_stand(call):
    nd, x, kernel, options = call
    values, index = pool("max", nd, x, kernel, return_indices=True, **options)
    planes = x.reshape(*x.shape[:2], -1)
    found = np.take_along_axis(planes, index.reshape(*x.shape[:2], -1), -1)
    assert equal(found.reshape(values.shape), values)
    assert equal(values, pool("max", nd, x, kernel, **options))


@given(grids(), st.integers(1, 4))
def test_adaptive_with_sizes_that_divide_is_sliding(call, factor):
    nd, x, _, _ = call
    grown = x.repeat(factor, -1)
    sizes = x.shape[2:]
    kernel = (1,) * (nd - 1) + (factor,)
    for kind in ("avg", "max"):
        want = pool(kind, nd, grown, kernel)
        assert equal(want, x)
        assert equal(pool(f"adaptive_{kind}", nd, grown, sizes), want)
        assert equal(pool(f"adaptive_{kind}", nd, grown, (None,) * (nd - 1) + sizes[-1:]), want)


@pytest.mark.item("f18")
@given(grids())
def test_global_pooling(call):
    nd, x, _, _ = call
    axes = tuple(range(2, nd + 2))
    assert equal(pool("adaptive_max", nd, x, 1), x.max(axes, keepdims=True))
    mean = x.astype(np.float64).mean(axes, keepdims=True)
    assert fault(pool("adaptive_avg", nd, x, 1), mean, 1, x.dtype) is None
    assert equal(pool("max", nd, x, x.shape[2:]), x.max(axes, keepdims=True))


@given(grids())
def test_weighted_with_equal_weights_is_the_average(call):
    nd, x, kernel, options = call
    window = np.full(kernel, 2.0)  # sums stay exact
    assert equal(pool("weighted", nd, x, window, **options), pool("avg", nd, x, kernel, **options))


@pytest.mark.item("f13")
@given(grids())
def test_norms_are_sums(call):
    nd, x, kernel, options = call
    ones = np.ones(kernel)
    total = pool("weighted", nd, abs(x), ones, normalize=False, **options)
    assert equal(pool("lp", nd, x, kernel, p=1, **options), total)
    squares = pool("weighted", nd, x * x, ones, normalize=False, **options)
    assert fault(pool("l2", nd, x, kernel, **options), np.sqrt(squares), 2) is None
    assert equal(pool("l2", nd, x, kernel, **options), pool("lp", nd, x, kernel, **options))
    largest = pool("lp", nd, x, kernel, p=np.inf, **options)
    assert equal(largest, pool("max", nd, abs(x), kernel, **options))


@given(grids(), st.sampled_from([1, 1.5, 2, 3, 7.25, np.inf]))
def test_norms_scale_and_fall_with_their_order(call, p):
    nd, x, kernel, options = call
    y = pool("lp", nd, x, kernel, p=p, **options)
    assert fault(pool("lp", nd, -4 * x, kernel, p=p, **options), 4 * y, 8) is None
    smaller = pool("lp", nd, x, kernel, p=2 * p, **options)
    assert (smaller <= y * (1 + 8 * np.finfo(x.dtype).eps)).all()


# Filters of SciPy.


@given(grids(paddings=["same_lower"]))
def test_filters_of_scipy(call):
    ndimage = pytest.importorskip("scipy.ndimage", reason="needs SciPy")
    nd, x, kernel, _ = call
    options = {"stride": 1, "padding": "same_lower"}
    size = (1, 1, *kernel)
    want = ndimage.maximum_filter(x, size, mode="constant", cval=-np.inf)
    assert equal(pool("max", nd, x, kernel, **options), want)
    want = ndimage.uniform_filter(x.astype(np.float64), size, mode="constant")
    got = pool("avg", nd, x, kernel, count_include_pad=True, **options)
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-5 if x.dtype == np.float32 else 1e-12)


# Numbers that overflow or vanish when they are raised to a power.

SCALES = [1e30, 1e-30, 1e19, 1e-44]


@pytest.mark.parametrize("p", [1, 1.5, 2, 3, 30, np.inf])
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("shape", [(1, 2, 40), (2, 3, 9, 21), (1, 9, 21, 17)], ids=str)
def test_powers_neither_overflow_nor_vanish(shape, scale, p):
    nd = len(shape) - 2
    layout = LAYOUTS[nd][shape[-1] == 17]
    rng = np.random.default_rng(0)
    usual = rng.choice([-1.0, 1.0], shape) * rng.uniform(0.1, 1, shape)
    some = np.where(rng.random(shape) < 0.1, usual, 0)
    apart = np.where(np.arange(shape[-1]) % 20 < 10, usual * scale, usual)
    mixed = np.where(rng.random(shape) < 0.5, usual * scale, usual / scale)
    for x in (usual * scale, some * scale, apart, mixed):
        with np.errstate(over="ignore"):
            x = x.astype(np.float32)
        x[~np.isfinite(x)] = 3e38
        for kernel in (2, 9):
            want = pool(
                "lp", nd, x.astype(np.float64), kernel, 1, p=p, layout=layout, place=reference
            )
            if (want > 3e38).any():  # a norm beyond the largest number
                continue
            got = pool("lp", nd, x, kernel, 1, p=p, layout=layout)
            few = np.maximum(16 * EPS * want, 2**-149)
            assert (abs(got - want) <= few).all()
            if p == 2:
                assert equal(got, pool("l2", nd, x, kernel, 1, layout=layout))


def test_a_norm_beyond_the_largest_number_is_infinity():
    x = np.full((1, 8), 3e38, np.float32)
    for p in (1, 2, 3):
        assert (convcore.lp_pool1d(x, 8, p=p) == np.inf).all()
    assert convcore.lp_pool1d(x, 8, p=np.inf)[0, 0] == np.float32(3e38)


# Sums of long rows. A running sum would add an error with each cell of the row.


@pytest.mark.parametrize("n", [10**3, 10**5, 10**6])
@pytest.mark.parametrize("shape", ["row", "column", "channels last"])
def test_the_error_of_an_average_does_not_grow_with_the_row(n, shape):
    x = (1e4 + np.random.default_rng(0).standard_normal(n)).astype(np.float32)
    x[n // 2] = 3e7  # what a running sum would not forget
    for kernel in (3, 9, 30, 100, 999):
        sums = np.cumsum(np.concatenate([[0], x.astype(np.float64)]))
        exact = (sums[kernel:] - sums[:-kernel]) / kernel
        if shape == "row":
            got = convcore.avg_pool1d(x[None], kernel, 1)[0]
        elif shape == "column":
            got = convcore.avg_pool2d(x[None, :, None], (kernel, 1), 1)[0, :, 0]
        else:
            got = convcore.avg_pool1d(x[:, None], kernel, 1, layout="NWC")[:, 0]
        assert (abs(got - exact) <= 16 * EPS * exact).all(), kernel


@pytest.mark.parametrize("n", [10**4, 10**5, 10**6])
def test_the_error_of_an_average_hardly_grows_with_the_window(n):
    x = (1e4 + np.random.default_rng(0).standard_normal((3, n))).astype(np.float32)
    exact = x.astype(np.float64).mean(axis=1)
    for got in (
        convcore.adaptive_avg_pool1d(x, 1)[:, 0],
        convcore.avg_pool1d(x, n)[:, 0],
        convcore.avg_pool2d(x.reshape(3, 100, -1), (100, n // 100))[:, 0, 0],
        convcore.adaptive_avg_pool1d(np.ascontiguousarray(x.T), 1, layout="NWC")[0],
    ):
        assert (abs(got - exact) <= 16 * EPS * exact).all()


# A maximum after a small shift.


@pytest.mark.item("f15")
def test_a_shift_changes_a_maximum_only_by_what_enters_or_leaves_its_window():
    rng = np.random.default_rng(15)
    changed = np.zeros(2)  # detectors, maxima
    for kernel in range(2, 9):
        x = rng.permutation(400).astype(np.float64)[np.newaxis]  # no value twice
        before, index = convcore.max_pool1d(x[:, 1:], kernel, 1, return_indices=True)
        after = convcore.max_pool1d(x[:, :-1], kernel, 1)  # all moved on by one cell
        left = index == np.arange(before.size) + kernel - 1  # the maximum was the last cell
        entered = x[:, : before.size] > before
        assert equal(after != before, left | entered)
        changed += (x[:, 1:] != x[:, :-1]).mean(), (after != before).mean()
    assert changed[0] == 7
    assert changed[1] < 4


# Figures, and containers.


@pytest.mark.item("f20")
def test_figure_9_10():
    # Width 3, stride 2: the rightmost region is smaller, and is kept.
    x = np.array([[0.1, 1.0, 0.2, 0.1, 0.0, 0.1]])
    values, index = convcore.max_pool1d(x, 3, 2, ceil_mode=True, return_indices=True)
    assert values.tolist() == [[1.0, 0.2, 0.1]]
    assert index.tolist() == [[1, 2, 5]]
    assert convcore.max_pool1d(x, 3, 2).tolist() == [[1.0, 0.2]]


def test_containers_of_options_do_not_matter():
    x = np.arange(162.0).reshape(1, 2, 9, 9)
    want = convcore.avg_pool2d(x, (3, 2), (2, 1), ((1, 0), (1, 1)), (1, 2))
    assert equal(convcore.avg_pool2d(x, [3, 2], [2, 1], [[1, 0], [1, 1]], [1, 2]), want)
    assert equal(
        convcore.avg_pool2d(x, *map(np.array, [(3, 2), (2, 1), [[1, 0], [1, 1]], (1, 2)])), want
    )
    assert equal(
        convcore.avg_pool2d(x, np.int8(3), np.int32(2), np.uint8(1)),
        convcore.avg_pool2d(x, 3, 2, 1),
    )
    assert equal(
        convcore.weighted_pool2d(x, [[1, 2], [3, 4]]),
        convcore.weighted_pool2d(x, np.array([[1.0, 2.0], [3.0, 4.0]])),
    )
    assert equal(
        convcore.adaptive_avg_pool2d(x, [3, None]),
        convcore.adaptive_avg_pool2d(x, np.array([3, None])),
    )
