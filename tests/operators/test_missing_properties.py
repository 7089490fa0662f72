"""What must hold of missing cells whatever the numbers: bits, adjoints, slopes, known answers."""

import zlib

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

import convcore
from convcore import reference
from convcore.engine import masked_conv, masked_patches, masked_pool
from convcore.engine.masked import taken
from convcore.spec.axis import Axis
from convcore.spec.border import as_border
from convcore.spec.missing import is_lost, mask_border, padded_cells, present_border
from convcore.spec.problem import conv_spec
from tests.support.helpers import FUSED
from tests.support.sweeps import both_levels, each
from tests.tables.missing_cases import CASES, LAYERS, POOLS

RNG = np.random.default_rng(0)


def call(case, dtype=np.float32, **more):
    x, arguments, options = case.arguments(dtype)
    return getattr(convcore, case.op)(x, *arguments, **options, **more)


def back(case, shape, dtype=np.float32, **more):
    x, arguments, options = case.arguments(dtype)
    function = getattr(convcore, f"{case.op}_backward")
    return function(case.grad(shape, dtype), x, *arguments, **options, **more)


def same(a, b):
    if isinstance(a, tuple):
        return all(map(same, a, b))
    return a is b is None or (a.dtype == b.dtype and np.array_equal(a, b, equal_nan=True))


@each(CASES, of=2)
def test_bits_do_not_depend_on_threads(case):
    y = call(case, threads=1, return_weight=True)
    gradients = back(case, y[0].shape, threads=1)
    for threads in (2, 3, 7):
        assert same(call(case, threads=threads, return_weight=True), y)
        assert same(back(case, y[0].shape, threads=threads), gradients)


@each([case for case in CASES if not case.last], of=2)
def test_bits_do_not_depend_on_the_layout(case):
    x, arguments, options = case.arguments(np.float32)
    options = {name: value for name, value in options.items() if name != "layout"}
    y, share = getattr(convcore, case.op)(x, *arguments, **options, return_weight=True)
    grad = case.grad(y.shape, np.float32)
    want = getattr(convcore, f"{case.op}_backward")(grad, x, *arguments, **options)

    def turned(a):
        return np.moveaxis(a, -case.axes - 1, -1)

    mask = options.get("mask")
    if mask is not None and mask.ndim == x.ndim:
        options["mask"] = turned(mask)
    options["layout"] = {1: "NWC", 2: "NHWC", 3: "NDHWC"}[case.axes]
    last, weight = getattr(convcore, case.op)(turned(x), *arguments, **options, return_weight=True)
    assert same((last, weight), (turned(y), turned(share)))
    got = getattr(convcore, f"{case.op}_backward")(turned(grad), turned(x), *arguments, **options)
    if case.is_layer:
        got, want = (turned(got[0]), *got[1:]), (turned(turned(want[0])), *want[1:])
        got = (np.ascontiguousarray(got[0]), *got[1:])
        assert same(got[1:], want[1:])
        return
    assert same(got, turned(want))


@each([case for case in CASES if case.pattern == "none"])
def test_nothing_missing_is_the_plain_call(case):
    x, arguments, options = case.arguments(np.float32)
    options.pop("mask")
    plain = {
        name: value
        for name, value in options.items()
        if name != "normalize" or case.op.startswith("weighted")
    }
    y = getattr(convcore, case.op)(x, *arguments, **plain)
    assert same(call(case), y)
    assert same(getattr(convcore, case.op)(x, *arguments, **options, nan="ignore"), y)
    got, share = call(case, return_weight=True)
    assert same(got, y)
    assert share.shape == y.shape
    assert (share == 1).all()
    function = getattr(convcore, f"{case.op}_backward")
    grad = case.grad(y.shape, np.float32)
    assert same(back(case, y.shape), function(grad, x, *arguments, **plain))


@each(CASES, of=2)
def test_missing_cells_are_not_read(case):
    if case.pattern.startswith("nan"):
        pytest.skip("NaN is what is missing")
    x, arguments, options = case.arguments(np.float32)
    function, gradient = (getattr(convcore, name) for name in (case.op, f"{case.op}_backward"))
    y = function(x, *arguments, **options)
    grad = case.grad(y.shape, np.float32)
    dx = gradient(grad, x, *arguments, **options)
    for number in (0, np.inf, -3e38):
        other = np.where(np.isnan(x), np.float32(number), x)
        assert same(function(other, *arguments, **options), y)
        assert same(gradient(grad, other, *arguments, **options), dx)


@each(CASES, of=3)
def test_forms_of_a_mask_are_equal(case):
    if case.pattern.startswith("nan"):
        pytest.skip("no mask")
    x, arguments, options = case.arguments(np.float32)
    mask = options.pop("mask")
    y = call(case)
    full = np.broadcast_to(
        mask if mask.ndim == x.ndim else mask[..., None] if case.last else mask, x.shape
    )
    function = getattr(convcore, case.op)
    assert same(function(x, *arguments, **options, mask=full), y)
    if full.size:  # an empty list has no dtype
        assert same(function(x, *arguments, **options, mask=full.tolist()), y)
    assert same(function(x, *arguments, **options, nan="ignore"), y)
    hidden = np.ma.MaskedArray(x, ~full)
    assert same(function(hidden, *arguments, **options), y)
    part = full | (RNG.random(x.shape) < 0.5)
    assert same(function(hidden, *arguments, **options, mask=part), y)


@each(CASES, of=3)
def test_out(case):
    y = call(case)
    out = np.full((2, *y.shape), 7, y.dtype)[:, ::1][0]
    assert call(case, out=out) is out
    assert same(out, y)
    strided = np.zeros((*y.shape, 2), y.dtype)[..., 0]
    assert call(case, out=strided) is strided
    assert same(strided, y)


@each(LAYERS)
def test_adjoint(case):
    """<A x, g> = <x, A' g>: without a bias and constants the result is linear in x."""
    x, (weight, _), options = case.arguments()
    function = getattr(convcore, case.op)
    y = function(x, weight, **options, fill=0)
    grad = case.grad(y.shape)
    dx, dweight, _ = getattr(convcore, f"{case.op}_backward")(grad, x, weight, **options)
    size = np.abs(grad).sum() * max(np.abs(y).max(initial=0), 1)
    of_constants = function(np.where(np.isnan(x), x, 0), weight, **options, fill=0)
    left, right = ((y - of_constants) * grad).sum(), (np.nan_to_num(x) * dx).sum()
    assert abs(left - right) <= 1e-12 * size
    missing = np.isnan(x)
    assert (dx[missing] == 0).all()
    # a kernel times a number gives the result times that number
    assert abs((dweight * weight).sum() - (y * grad).sum()) <= 1e-11 * size


@each(LAYERS, of=3)
def test_slopes_of_the_weight(case):
    """Central differences, in float64."""
    if not case.positive and case.normalize:
        pytest.skip("sums of weights with both signs may be near 0")
    x, (weight, bias), options = case.arguments()
    function = getattr(convcore, case.op)
    y = function(x, weight, bias, **options, fill=0)
    grad = case.grad(y.shape)
    _, dweight, dbias = getattr(convcore, f"{case.op}_backward")(grad, x, weight, bias, **options)
    way = np.random.default_rng(3).standard_normal(weight.shape)
    if "connections" in options:
        way[~np.asarray(options["connections"])] = 0
    step = 1e-6
    up, down = (
        function(x, weight + sign * step * way, bias, **options, fill=0) for sign in (1, -1)
    )
    slope = ((up - down) * grad).sum() / (2 * step)
    assert abs(slope - (dweight * way).sum()) <= 1e-5 * (1 + abs(dweight * way).sum())
    if bias is not None:
        up = function(x, weight, bias + 1, **options, fill=0)
        assert abs(((up - y) * grad).sum() - dbias.sum()) <= 1e-9 * (1 + np.abs(grad).sum())


@each([case for case in POOLS if not case.op.startswith("max")], of=3)
def test_slopes_of_poolings(case):
    x, arguments, options = case.arguments()
    function = getattr(convcore, case.op)
    y = function(x, *arguments, **options, fill=0)
    grad = case.grad(y.shape)
    dx = getattr(convcore, f"{case.op}_backward")(grad, x, *arguments, **options)
    way, step = np.random.default_rng(3).standard_normal(x.shape), 1e-6
    up, down = (function(x + sign * step * way, *arguments, **options, fill=0) for sign in (1, -1))
    slope = ((up - down) * grad).sum() / (2 * step)
    assert abs(slope - (dx * way).sum()) <= 1e-4 * (1 + abs(dx * way).sum())


@each(LAYERS)
def test_bands_give_the_bits_of_the_whole(case):
    whole = call(case, return_weight=True, algorithm="direct")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(masked_conv, "BAND", 1)
        patch.setattr(masked_conv, "HALOS", 0)
        assert same(call(case, return_weight=True, algorithm="direct"), whole)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("op", ["avg", "max", "lp", "l2"])
def test_poolings_in_bands_give_the_bits_of_the_whole(op, layout, monkeypatch):
    x = np.random.default_rng(4).standard_normal((1, 1, 41, 30)).astype(np.float32)
    x[np.random.default_rng(5).random(x.shape) < 0.5] = np.nan
    x[0, 0, 10:20, 5:20] = np.nan
    if layout == "NHWC":
        x = np.moveaxis(np.concatenate([x, -x], axis=1), 1, -1).copy()
    for stride, dilation, padding in ((1, 1, "valid"), (3, 2, (0, 2)), ((4, 1), 1, (0, (1, 0)))):
        options = {"stride": stride, "dilation": dilation, "padding": padding, "layout": layout}
        options |= {"nan": "ignore", "return_weight": True}
        if op == "avg":
            options["count_include_pad"] = True
        pool = getattr(convcore, f"{op}_pool2d")
        for given in (x, x[0]):
            monkeypatch.setattr(masked_pool, "BAND", 2**30)
            whole = pool(given, (3, 2), **options)
            for band in (1, 2000):
                monkeypatch.setattr(masked_pool, "BAND", band)
                assert same(pool(given, (3, 2), **options), whole)


@pytest.mark.auto
@pytest.mark.parametrize("most", [0, 10**6], ids=["together", "gathered"])
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("algorithm", ["fft", "winograd", "separable"])
@pytest.mark.parametrize(
    "border", ["reflect", (("edge", np.nan), "wrap"), ((2.0, np.nan), ("wrap", 1.0))]
)
def test_fast_sums_of_few_cells_are_formed_again(border, algorithm, layout, most, monkeypatch):
    """The division enlarges the error of a fast algorithm: it is not that of large neighbours."""
    channels, kernel = (16, 3) if algorithm == "winograd" else (2, 15)
    rng = np.random.default_rng(1)
    x = rng.standard_normal((2, channels, 70, 80)).astype(np.float32)
    weight = rng.uniform(0.1, 1, (channels, channels, kernel, kernel)).astype(np.float32)
    options = {"padding": "same", "border": border, "nan": "ignore"}
    if algorithm == "separable":
        if border[1] == ("wrap", 1.0):
            pytest.skip("passes along each axis have no constants")
        options["groups"] = channels
        weight = weight[:, :1, :1] * rng.uniform(-0.1, 1, (kernel, 1)).astype(np.float32)
    x[:, :, 20:60, 20:70] = np.nan
    x[1, :, 40, 50] = 1
    monkeypatch.setattr(masked_patches, "MOST", most)
    want = convcore.conv2d(x.astype(np.float64), weight.astype(np.float64), **options)
    if layout == "NHWC":
        x, want = np.moveaxis(x, 1, -1), np.moveaxis(want, 1, -1)
    for bands in (2**21, 2**12):
        monkeypatch.setattr(masked_conv, "BAND", bands)
        got = convcore.conv2d(x, weight, layout=layout, algorithm=algorithm, **options)
        np.testing.assert_allclose(got, want, rtol=2e-4, atol=2e-4)
    assert np.isnan(got).any()


@pytest.mark.auto
def test_large_image_in_bands():
    rng = np.random.default_rng(2)
    x = rng.standard_normal((1, 1500, 700))
    x[0][rng.random((1500, 700)) < 0.2] = np.nan
    x[0, 300:340, 200:260] = np.nan
    weight = rng.uniform(0.1, 1, (1, 1, 9, 9))
    for border in ("zeros", "wrap"):
        options = {"padding": "same", "border": border, "nan": "ignore"}
        got = convcore.conv2d(x, weight, bias=[0.5], **options)
        want = convcore.conv2d(x, weight, bias=[0.5], algorithm="direct", **options)
        np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-11)
        rows = slice(0, 60)
        part = reference.conv2d(
            x[:, 290:350, 190:270], weight, bias=[0.5], padding="valid", nan="ignore"
        )
        np.testing.assert_allclose(got[:, 294:346, 194:266], part[:, rows], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("count_include_pad", [False, True])
@pytest.mark.parametrize("kernel", [2, 3, 4])
def test_averages_of_bytes_are_exact(kernel, count_include_pad):
    """Whole sums over the numbers of present cells, rounded to the nearest, of two to the even."""
    generator = np.random.default_rng(kernel)
    x = generator.integers(0, 256, (3, 20, 21)).astype(np.uint8)
    mask = generator.random((20, 21)) < 0.6

    def sums(cells, around):
        padded = np.pad(cells, ((0, 0), (1, 1), (1, 1)), constant_values=around)
        windows = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), (1, 2))
        return windows.sum((-1, -2), dtype=np.int64)

    total = sums(np.where(mask, x, 0), 0)
    present = np.broadcast_to(sums(mask[None].astype(int), count_include_pad), total.shape)
    some = np.maximum(present, 1)
    quotient, rest = np.divmod(total, some)
    quotient += (2 * rest > some) | ((2 * rest == some) & (quotient % 2 == 1))
    options = {"mask": mask, "fill": 0, "count_include_pad": count_include_pad}
    y = convcore.avg_pool2d(x, kernel, 1, 1, **options)
    assert np.array_equal(y, (total / some).astype(np.float32))
    out = np.empty(y.shape, np.uint8)
    assert np.array_equal(convcore.avg_pool2d(x, kernel, 1, 1, out=out, **options), quotient)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_averages_and_maxima_are_nanmean_and_nanmax(layout):
    x = RNG.standard_normal((2, 3, 12, 13)).astype(np.float32)
    x[RNG.random(x.shape) < 0.5] = np.nan
    x[:, :, ::3, ::2] = 1  # in every window
    view = sliding_window_view(x, (4, 3), (2, 3)).reshape(2, 3, 9, 11, 12)
    a = np.moveaxis(x, 1, -1) if layout == "NHWC" else x

    def first(y):
        return np.moveaxis(y, -1, 1) if layout == "NHWC" else y

    options = {"stride": 1, "nan": "ignore", "layout": layout}
    got = first(convcore.avg_pool2d(a, (4, 3), **options))
    np.testing.assert_allclose(got, np.nanmean(view, -1), rtol=1e-5, atol=1e-6)
    assert same(first(convcore.max_pool2d(a, (4, 3), **options)), np.nanmax(view, -1))
    got = first(convcore.l2_pool2d(a, (4, 3), **options))
    np.testing.assert_allclose(got, np.sqrt(np.nansum(view**2, -1)), rtol=1e-5)
    weights = RNG.uniform(0.5, 1, (4, 3))
    got = first(convcore.weighted_pool2d(a, weights, **options))
    seen = np.where(np.isnan(view), 0, weights.ravel()).sum(-1)
    np.testing.assert_allclose(got, np.nansum(view * weights.ravel(), -1) / seen, rtol=1e-5)


def test_by_hand():
    x = np.array([[1.0, np.nan, 3.0, 4.0]])
    kernel = [[[1.0, 2.0, 1.0]]]
    y, share = convcore.conv1d(x, kernel, nan="ignore", return_weight=True)
    assert y.round(12).tolist() == [[8.0, round(40 / 3, 12)]]
    assert share.tolist() == [[0.5, 0.75]]
    assert convcore.conv1d(x, kernel, nan="ignore", normalize=False).tolist() == [[4.0, 10.0]]
    assert np.isnan(convcore.conv1d(x, kernel)).all()
    # zeros of the padding are present; a bias is added afterwards, and not to what is filled in
    y = convcore.conv1d([[np.nan, 1.0]], [[[1.0, 1.0]]], [10.0], padding=1, nan="ignore")
    assert y.tolist() == [[10.0, 12.0, 11.0]]
    y = convcore.conv1d([[np.nan] * 3], [[[1.0, 1.0]]], [10.0], nan="ignore", fill=-1)
    assert y.tolist() == [[-1.0, -1.0]]
    # an average counts the padding only if it is asked to
    y = convcore.avg_pool1d([[np.nan, 4.0]], 2, 1, 1, nan="ignore", count_include_pad=True)
    assert y.tolist() == [[0.0, 4.0, 2.0]]
    assert convcore.avg_pool1d([[np.nan, 4.0]], 2, nan="ignore", normalize=False).tolist() == [[2]]


def test_negative_weights():
    x = np.array([[1.0, 2.0, 3.0, 5.0]])
    mask = [True, True, False, True]
    kernel = [[[-1.0, 1.0, 2.0]]]  # of the second window -1 and 2 are present
    y, share = convcore.conv1d(x, kernel, mask=mask, return_weight=True)
    assert np.isnan(y[0, 0])  # its weights, -1 and 1, sum to 0
    assert share[0, 0] == 0
    assert (y[0, 1], share[0, 1]) == (16.0, 0.5)
    y, share = convcore.conv1d(x, kernel, mask=mask, normalize=False, return_weight=True)
    assert (y[0, 0], share[0, 0]) == (1.0, 0.0)
    slope = [[[-1.0, 0.0, 1.0]]]
    with pytest.raises(ValueError, match="normalize=False"):
        convcore.conv1d(x, slope, mask=mask)
    y, share = convcore.conv1d(x, slope, mask=mask, normalize=False, return_weight=True)
    assert y.tolist() == [[-1.0, 3.0]]
    assert share.tolist() == [[0.5, 1.0]]  # of absolute values


def test_weights_that_cancel_over_channels():
    """Rounding leaves 5e-17 of the second tap's weights, and nothing is divided by that."""
    weight = np.array([[[1, 0.1], [1, 0.2], [1, -0.3]]])
    assert weight[0, :, 1].sum() != 0
    for mask in ([False, True], np.broadcast_to([False, True], (3, 2)).copy()):
        y = convcore.conv1d(np.ones((3, 2)), weight, mask=np.array(mask))
        assert np.isnan(y).all()
    y = convcore.conv1d(np.ones((3, 2)), weight, mask=[False, True], normalize=False)
    assert abs(y[0, 0]) < 1e-15


@pytest.mark.parametrize("scale", [1e-38, 1.0, 1e37])
def test_weights_of_any_size(scale):
    x = np.float32([[1, np.nan, 3, 4, 5]])
    weight = np.full((1, 1, 3), 1, np.float32)
    want = convcore.conv1d(x, weight, nan="ignore")
    got = convcore.conv1d(x / 64, weight * np.float32(scale), nan="ignore")
    np.testing.assert_allclose(got * 64 / np.float32(scale), want, rtol=1e-5)


def test_lowest_numbers_have_indices():
    x = np.full((1, 6), -np.inf)
    mask = np.array([False, False, True, False, True, True])
    y, index = convcore.max_pool1d(x, 3, 1, mask=mask, return_indices=True)
    assert (y == -np.inf).all()
    assert index.tolist() == [[2, 2, 2, 4]]
    y, index = convcore.max_pool1d(
        np.full((1, 6), -128, np.int8), 2, mask=mask, return_indices=True, fill=5
    )
    assert y.tolist() == [[5, -128, -128]]
    assert index.tolist() == [[-1, 2, 4]]
    grad = convcore.max_pool1d_backward([[7.0, 8.0, 9.0]], x, 2, mask=mask, indices=index)
    assert grad.tolist() == [[0.0, 0.0, 8.0, 0.0, 9.0, 0.0]]


def test_borders_of_numbers_and_sides():
    """What a border is for sums over present cells, and for the mask."""
    border = as_border("op", (("edge", np.nan), "wrap", 3, ("zeros", -1024)), 4)
    present = (("edge", 0), ("wrap", "wrap"), (3, 3), ("zeros", -1024))
    assert present_border(border, True) == present
    assert present_border(border, False) == border
    lost, plain = (mask_border(border, ignores) for ignores in (True, False))
    assert lost == (("edge", 0), ("wrap", "wrap"), (1, 1), ("zeros", 1))
    assert plain == (("edge", 1), *lost[1:])
    assert [is_lost(side, True) for side in border[0]] == [False, True]
    assert not is_lost(border[0][1], False)
    row = Axis(4, 3, 2, 1, (2, 3), 4)
    for sides, want in {
        ("edge", np.nan): [0, 0, 0, 1, 2, 3, -2, -2, -2],
        ("zeros", "edge"): [-1, -1, 0, 1, 2, 3, 3, 3, 3],
        ("wrap", "edge"): [2, 3, 0, 1, 2, 3, 3, 3, 3],
        ("zeros", 1.0): [-1, -1, 0, 1, 2, 3, -2, -2, -2],
    }.items():
        at = padded_cells("op", row, sides)
        assert at.tolist() == want
        cells, image = np.append([5, 6, 7, 8], [20, 10])[at], np.int32([[5, 6, 7, 8]])
        for part in (slice(None), slice(0, 2), slice(2, 6), slice(3, None), slice(7, None)):
            found = taken(image, at[part], 1, (10, 20), image.dtype)
            assert found.tolist() == [cells[part].tolist()]


@each([case for case in LAYERS if case.base.options.get("border", "zeros") == "zeros"], of=3)
def test_padding_that_is_missing(case):
    """The padding of a border of NaN is missing: as if the input had it, masked."""
    x, arguments, options = case.arguments()
    if "mask" in options and options["mask"].ndim == x.ndim:
        pytest.skip("one form of a mask is enough")
    pairs = padding_of(case)
    around = [(0, 0)] * x.ndim
    first = x.ndim - case.axes - case.last
    around[first : first + case.axes] = pairs
    given = {**options, "nan": "ignore", "border": np.nan}
    if "mask" in options:
        options["mask"] = np.pad(options["mask"], pairs)
    wide = np.pad(x, around, constant_values=np.nan)
    padded = {**options, "padding": "valid"}
    function = getattr(convcore, case.op)
    want = function(wide, *arguments, **padded, return_weight=True)
    got = function(x, *arguments, **given, return_weight=True)
    np.testing.assert_allclose(got[0], want[0], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(got[1], want[1], rtol=1e-9, atol=1e-9)


def padding_of(case):
    """(before, after) of each axis."""
    options = {n: v for n, v in case.base.options.items() if n in ("stride", "dilation", "layout")}
    spec = conv_spec(
        "test", case.base.x, case.base.weight, axes=case.axes,
        padding=case.base.options.get("padding", "valid"),
        groups=case.base.options.get("groups", 1), **options,
    )  # fmt: skip
    return [row.pair for row in spec.axes]


def print_bits():
    """What the processes below run: a number for each case."""
    for case in CASES:
        y, share = call(case, return_weight=True)
        arrays = [y, share, *np.atleast_1d(back(case, y.shape))] if not case.is_layer else [
            y, share, *(a for a in back(case, y.shape) if a is not None)
        ]  # fmt: skip
        # (NaN has many forms)
        print(case, [zlib.crc32(np.nan_to_num(np.ascontiguousarray(a)).tobytes()) for a in arrays])


@both_levels(*FUSED)
def test_fused_levels_give_equal_bits(run_python):
    code = "import tests.operators.test_missing_properties as t; t.print_bits()"
    one, other = (run_python(code, CONVCORE_ISA=level).stdout for level in FUSED)
    assert one == other
    assert len(one.splitlines()) == len(CASES)


def test_plain_options_change_nothing():
    x, weight = np.float32([[1, np.nan, 3]]), np.ones((1, 1, 2), np.float32)
    y = convcore.conv1d(x, weight)
    assert same(convcore.conv1d(x, weight, normalize=False, fill=3), y)
    got, share = convcore.conv1d(x, weight, return_weight=True)
    assert same(got, y)
    assert (share == 1).all()
    assert not share.flags.writeable
