"""Missing cells meet borders: copies, numbers and NaN in the padding, at corners too."""

import numpy as np
import pytest

import convcore
from convcore import reference
from convcore.engine import masked_conv
from tests.support.borders import padded, sides
from tests.tables.cases import SIDES

hypothesis = pytest.importorskip("hypothesis", reason="hypothesis is not installed")
given, st = hypothesis.given, hypothesis.strategies

NAN = float("nan")
LAYOUTS = {1: ("NCW", "NWC"), 2: ("NCHW", "NHWC"), 3: ("NCDHW", "NDHWC")}
POOLS = {"max": {}, "avg": {}, "lp": {"p": 3.0}, "l2": {}, "weighted": {}}


@st.composite
def calls(draw, most):
    """x, its mask, a kernel, a border and options; padding of up to `most` kernels."""
    axes = draw(st.sampled_from([1, 2, 2, 3]))
    one = st.sampled_from([*SIDES, NAN, NAN])
    border = tuple((draw(one), draw(one)) for _ in range(axes))
    cells = [draw(st.integers(1, 6)) for _ in range(axes)]
    kernel = tuple(draw(st.integers(1, 3)) for _ in range(axes))
    dilation = tuple(draw(st.integers(1, 2)) for _ in range(axes))
    reach = [(k - 1) * d for k, d in zip(kernel, dilation, strict=True)]
    pads = tuple((draw(st.integers(0, most * r)), draw(st.integers(0, most * r))) for r in reach)
    for n, pad, r in zip(cells, pads, reach, strict=True):
        hypothesis.assume(n + sum(pad) > r)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = rng.integers(-4, 5, (2, 2, *cells)).astype(float)
    share = draw(st.sampled_from([0.0, 0.3, 0.7, 1.0]))
    mask = rng.random((1 if draw(st.booleans()) else 2, 2, *cells)) >= share
    options = {
        "stride": tuple(draw(st.integers(1, 3)) for _ in range(axes)),
        "dilation": dilation,
        "nan": draw(st.sampled_from(["ignore", "propagate"])),
    }
    return x, mask, kernel, pads, border, options


def padded_mask(mask, pads, border, nan):
    """What is present of the padded input."""
    of_mask = tuple(
        tuple(
            what if isinstance(what, str) and what != "zeros" else
            float(what == "zeros" or what == what or nan == "propagate")
            for what in pair
        )
        for pair in sides(border, len(pads))
    )  # fmt: skip
    return padded(mask.astype(float), pads, of_mask).astype(bool)


def assert_same(got, want):
    for a, b in zip(got, want, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@given(calls(most=3), st.booleans())
def test_convolutions_are_those_of_the_padded_input(call, normalize):
    x, mask, kernel, pads, border, options = call
    rng = np.random.default_rng(0)
    weight = rng.uniform(0.5, 1, (3, 2, *kernel))
    if not normalize:
        weight *= rng.choice([-1, 1], weight.shape)
    whole = padded(x, pads, border)
    present = padded_mask(mask, pads, border, options["nan"])
    axes = len(kernel)
    forward, backward = (getattr(convcore, f"conv{axes}d{end}") for end in ("", "_backward"))
    options = {**options, "normalize": normalize}
    want = forward(whole, weight, mask=present, **options, return_weight=True)
    given = {**options, "padding": pads, "border": border}
    got = forward(x, weight, mask=mask, **given, return_weight=True)
    assert_same(got, want)
    for layout in LAYOUTS[axes]:
        last = layout.endswith("C")
        a, m = (np.moveaxis(each, 1, -1) if last else each for each in (x, mask))
        with pytest.MonkeyPatch.context() as patch:  # in bands, by direct sums
            patch.setattr(masked_conv, "BAND", 1)
            patch.setattr(masked_conv, "HALOS", 0)
            more = {**given, "algorithm": "direct", "layout": layout}
            y = forward(a, weight, mask=m, **more)
        assert_same([np.moveaxis(y, -1, 1) if last else y], want[:1])
    grad = np.random.default_rng(1).standard_normal(got[0].shape)
    gradients = backward(grad, x, weight, np.zeros(3), mask=mask, **given)
    same = backward(grad, whole, weight, np.zeros(3), mask=present, **options)
    assert_same(gradients[1:], same[1:])
    function = getattr(reference, f"conv{axes}d_backward")
    want = function(grad, x, weight, np.zeros(3), mask=mask, **given)
    # a NaN that is a number reaches all weights of a kernel, or those alone that saw it
    known = [np.where(np.isnan(b), b, a) for a, b in zip(gradients, want, strict=True)]
    assert_same(known, want)


def equal_to_reference(name, x, window, options):
    """A pooling and its gradient with the masks of the options; the result."""
    both = [getattr(where, name) for where in (convcore, reference)]
    options = {**options, "return_weight": True}
    got, want = (function(x, window, **options) for function in both)
    assert_same(got, want)
    grad = np.random.default_rng(1).standard_normal(got[0].shape)
    back = [getattr(where, f"{name}_backward") for where in (convcore, reference)]
    assert_same(*([function(grad, x, window, **options)] for function in back))
    return got


@given(calls(most=1), st.sampled_from(sorted(POOLS)), st.booleans())
def test_poolings_are_those_of_the_padded_input(call, kind, counted):
    x, mask, kernel, pads, border, options = call
    axes = len(kernel)
    options |= POOLS[kind] | ({"count_include_pad": counted} if kind == "avg" else {})
    options |= {"normalize": counted} if kind in ("avg", "weighted") else {}
    window = np.arange(1.0, 1 + np.prod(kernel)).reshape(kernel) if kind == "weighted" else kernel
    # zeros hold nothing
    held = [
        tuple(cells if what != "zeros" else 0 for cells, what in zip(*pair, strict=True))
        for pair in zip(pads, sides(border, axes), strict=True)
    ]
    left = tuple(
        tuple(cells - inside for cells, inside in zip(*pair, strict=True))
        for pair in zip(pads, held, strict=True)
    )
    whole = padded(x, held, border)
    present = padded_mask(mask, held, border, options["nan"])
    pool = getattr(convcore, f"{kind}_pool{axes}d")
    given = {**options, "padding": pads, "border": border, "mask": mask}
    try:
        want = pool(whole, window, padding=left, mask=present, **options, return_weight=True)
    except ValueError:  # a window of nothing
        with pytest.raises(ValueError, match="hold an input cell"):
            pool(x, window, **given)
        return
    assert_same(equal_to_reference(f"{kind}_pool{axes}d", x, window, given), want)
    for layout in LAYOUTS[axes]:
        last = layout.endswith("C")
        a, m = (np.moveaxis(each, 1, -1) if last else each for each in (x, mask))
        y = pool(a, window, **{**given, "mask": m}, layout=layout)
        assert_same([np.moveaxis(y, -1, 1) if last else y], want[:1])


@given(calls(most=1))
def test_indices_of_present_cells(call):
    x, mask, kernel, pads, border, options = call
    x[x < -2] = -np.inf  # as low as what stands for missing cells
    axes = len(kernel)
    options |= {"padding": pads, "border": border, "mask": mask}
    both = [getattr(where, f"max_pool{axes}d") for where in (convcore, reference)]
    try:
        want = both[1](x, kernel, **options, return_indices=True)
    except ValueError:
        return
    got = both[0](x, kernel, **options, return_indices=True)
    assert_same(got, want)
    grad = np.random.default_rng(1).standard_normal(got[0].shape)
    back = getattr(convcore, f"max_pool{axes}d_backward")
    again = back(grad, x, kernel, **options)
    assert_same([back(grad, x, kernel, **options, indices=got[1])], [again])
    if got[1].size and (got[1] == -1).any():
        first = tuple(np.argwhere(got[1] == -1)[0])
        other = got[1].copy()
        hidden = np.flatnonzero(~np.broadcast_to(mask, x.shape)[first[:2]])
        if hidden.size:
            other[first] = hidden[0]
            with pytest.raises(ValueError, match=r"must be a (present )?cell"):
                back(grad, x, kernel, **options, indices=other)


# A plane of one row: "wrap" beside it, NaN above and below.
ROW = np.array([[[1.0, 2.0, 4.0]]])
AROUND = {"padding": 1, "border": (NAN, "wrap")}


def test_nan_in_the_padding_of_a_convolution():
    weight = np.ones((1, 1, 3, 3))
    assert np.isnan(convcore.conv2d(ROW, weight, **AROUND)).all()
    y, share = convcore.conv2d(ROW, weight, nan="ignore", return_weight=True, **AROUND)
    np.testing.assert_allclose(y, [[[21.0, 21.0, 21.0]]])
    np.testing.assert_allclose(share, 1 / 3)
    y = convcore.conv2d(ROW, weight, nan="ignore", normalize=False, **AROUND)
    assert y.tolist() == [[[7.0, 7.0, 7.0]]]
    # with a mask NaN is one more number
    y = convcore.conv2d(ROW, weight, mask=[[True, False, True]], **AROUND)
    assert np.isnan(y).all()
    # nothing is missing where no output sees it
    y, share = convcore.conv2d(ROW, np.ones((1, 1, 1, 3)), nan="ignore", return_weight=True,
                               padding=((0, 0), (1, 1)), border=(NAN, "wrap"))  # fmt: skip
    assert y.tolist() == [[[7.0, 7.0, 7.0]]]
    assert (share == 1).all()


def test_corners_of_two_borders():
    # of two constants the last axis's stands in the corner; a word copies what is beside it
    one, kernel = np.ones((1, 1, 1)), np.ones((1, 1, 2, 2))
    options = {"padding": ((1, 0), (1, 0)), "normalize": False, "nan": "ignore",
               "return_weight": True}  # fmt: skip
    for border, sums, shares in (
        ((NAN, 5.0), 11.0, 0.75),  # 5 and 5 on the left, 1
        ((5.0, NAN), 6.0, 0.5),  # 5 above, 1
        ((NAN, "edge"), 2.0, 0.5),
        (("edge", NAN), 2.0, 0.5),
        ((NAN, "zeros"), 1.0, 0.75),
        (("zeros", NAN), 1.0, 0.5),
        ((5.0, "edge"), 12.0, 1.0),
    ):
        y, share = convcore.conv2d(one, kernel, border=border, **options)
        assert (y.item(), share.item()) == (sums, shares), border
        want, of = reference.conv2d(one, kernel, border=border, **options)
        assert (want.item(), of.item()) == (sums, shares), border


def test_nan_in_the_padding_of_poolings():
    assert np.isnan(convcore.avg_pool2d(ROW, 3, 1, **AROUND)).all()
    assert np.isnan(convcore.max_pool2d(ROW, 3, 1, **AROUND)).all()
    assert np.isnan(convcore.weighted_pool2d(ROW, np.ones((3, 3)), 1, **AROUND)).all()
    options = {"nan": "ignore", "return_weight": True, **AROUND}
    for pool, window, want in (
        ("avg_pool2d", 3, 7 / 3),
        ("max_pool2d", 3, 4.0),
        ("lp_pool2d", 3, 21**0.5),
        ("l2_pool2d", 3, 21**0.5),
        ("weighted_pool2d", np.ones((3, 3)), 7 / 3),
    ):
        y, share = getattr(convcore, pool)(ROW, window, 1, **options)
        np.testing.assert_allclose(y, np.full((1, 1, 3), want))
        np.testing.assert_allclose(share, 1 / 3)
    y = convcore.avg_pool2d(ROW, 3, 1, nan="ignore", normalize=False, **AROUND)
    np.testing.assert_allclose(y, np.full((1, 1, 3), 7 / 9))
    # a window of missing padding alone
    options = {"padding": ((2, 0),), "border": NAN, "nan": "ignore"}
    y, index = convcore.max_pool1d(ROW[0], 2, 2, fill=9, return_indices=True, **options)
    assert y.tolist() == [[9.0, 2.0]]
    assert index.tolist() == [[-1, 1]]


def test_indices_of_missing_padding_are_refused():
    x, options = np.array([[3.0, -np.inf]]), {"padding": ((1, 0),), "nan": "ignore"}
    for border, index in ((NAN, [[0, 0]]), (5.0, [[-1, 0]])):
        options["border"] = border
        assert convcore.max_pool1d(x, 2, 1, return_indices=True, **options)[1].tolist() == index
        given = np.array([[-1, 0]])
        if border == 5.0:
            dx = convcore.max_pool1d_backward(np.ones((1, 2)), x, 2, 1, indices=given, **options)
            assert dx.tolist() == [[1.0, 0.0]]
        else:
            with pytest.raises(ValueError, match=r"indices\[0, 0\] must be a present cell"):
                convcore.max_pool1d_backward(np.ones((1, 2)), x, 2, 1, indices=given, **options)


def test_padding_of_zeros_beside_missing_padding():
    # zeros hold nothing. An average that counts them also counts a corner of theirs.
    one = np.full((1, 1, 1), 6.0)
    for border, averages, counted in (
        (("zeros", NAN), 6.0, 2.0),
        ((NAN, "zeros"), 6.0, 2.0),
        (("zeros", 2.0), 4.0, 2.0),
    ):
        options = {"padding": ((1, 0), (1, 0)), "border": border, "nan": "ignore"}
        y = convcore.avg_pool2d(one, 2, 1, **options)
        assert y.item() == reference.avg_pool2d(one, 2, 1, **options).item() == averages
        y = convcore.avg_pool2d(one, 2, 1, count_include_pad=True, **options)
        want = reference.avg_pool2d(one, 2, 1, count_include_pad=True, **options)
        np.testing.assert_allclose([y.item(), want.item()], counted, rtol=1e-15)


def test_integers_have_missing_padding():
    x = np.array([[-128, 3, -128, -128]], np.int8)
    options = {"padding": 1, "border": NAN, "nan": "ignore", "return_indices": True}
    y, index = convcore.max_pool1d(x, 2, 1, mask=[True, True, False, True], **options)
    assert y.tolist() == [[-128, 3, 3, -128, -128]]
    assert index.tolist() == [[0, 1, 1, 3, 3]]
    with pytest.raises(ValueError, match="border must be a number that int8 has"):
        convcore.max_pool1d(x, 2, 1, padding=1, border=NAN)
    y = convcore.conv1d(x, np.ones((1, 1, 2), np.int8), padding=1, border=NAN, nan="ignore")
    assert y.tolist() == [[-256.0, -125.0, -125.0, -256.0, -256.0]]


def test_an_axis_without_cells():
    x, options = np.ones((1, 0, 3)), {"padding": ((1, 1), (0, 0)), "nan": "ignore"}
    y = convcore.conv2d(x, np.ones((1, 1, 2, 2)), border=((2.0, NAN), "wrap"), **options)
    assert y.tolist() == [[[8.0, 8.0]]]
    for kind in ("max", "avg"):
        pool = getattr(convcore, f"{kind}_pool2d")
        y = pool(x, 2, 1, border=((2.0, NAN), "wrap"), **options)
        assert y.tolist() == [[[2.0, 2.0]]]
        y = pool(x, 2, 1, border=NAN, fill=7, **options)
        assert y.tolist() == [[[7.0, 7.0]]]
    y, index = convcore.max_pool2d(x, 2, 1, border=(2.0, "wrap"), return_indices=True, **options)
    assert index.tolist() == [[[-1, -1]]]
    dx = convcore.max_pool2d_backward(y, x, 2, 1, border=((2.0, NAN), "wrap"), indices=index,
                                      **options)  # fmt: skip
    assert dx.shape == x.shape


MODES = {"nearest": "edge", "mirror": "reflect", "reflect": "symmetric", "wrap": "wrap"}


def test_sums_and_maxima_of_scipy():
    ndimage = pytest.importorskip("scipy.ndimage", reason="SciPy is not installed")
    rng = np.random.default_rng(2)
    x, weight = rng.standard_normal((19, 20)), rng.uniform(0.5, 1, (3, 4))
    present = rng.random(x.shape) < 0.5
    present[:6, 10:] = False  # windows of nothing, at a border
    filled, gaps = np.where(present, x, 0), np.where(present, x, np.nan)
    every = [(mode, border, 0, True) for mode, border in MODES.items()]
    every += [("constant", 2.5, 2.5, True), ("constant", NAN, 0, False)]
    for mode, border, cval, counts in every:
        sums = ndimage.correlate(filled, weight, mode=mode, cval=cval)
        some = ndimage.correlate(present * 1.0, weight, mode=mode, cval=counts)
        blank = ndimage.maximum_filter(present, (3, 4), mode=mode, cval=counts) == 0
        assert blank.any()
        want = np.where(blank, np.nan, sums / np.where(blank, 1, some))
        options = {"padding": "same_lower", "border": border, "nan": "ignore"}
        y, share = convcore.conv2d(
            gaps[None], weight[None, None] / weight.sum(), return_weight=True, **options
        )
        np.testing.assert_allclose(y[0], want, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(share[0], some / weight.sum() * ~blank, rtol=1e-12, atol=1e-15)
        y = convcore.weighted_pool2d(gaps[None], weight, 1, **options)[0]
        np.testing.assert_allclose(y, want, rtol=1e-12, atol=1e-12)
        least = np.where(present, x, -np.inf)
        want = ndimage.maximum_filter(least, (3, 4), mode=mode, cval=cval if counts else -np.inf)
        y = convcore.max_pool2d(gaps[None], (3, 4), 1, fill=-np.inf, **options)[0]
        assert np.array_equal(y, want)
