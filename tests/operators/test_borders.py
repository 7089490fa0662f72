"""Borders against NumPy's padding, SciPy's modes, and what follows from their meaning."""

from itertools import pairwise, product

import numpy as np
import pytest

import convcore
from convcore import reference
from tests.support.borders import has_constant, padded, sides
from tests.tables.cases import SIDE_PAIRS, SIDES, side_borders

hypothesis = pytest.importorskip("hypothesis", reason="hypothesis is not installed")
given, st = hypothesis.given, hypothesis.strategies

LAYOUTS = {1: ("NCW", "NWC"), 2: ("NCHW", "NHWC"), 3: ("NCDHW", "NDHWC")}
POOLS = {
    "max": {},
    "avg": {},
    "lp": {"p": 3.0},
    "l2": {},
    "weighted": {},
}
rng = np.random.default_rng(0)


def integers(*shape):
    return rng.integers(-4, 5, shape).astype(float)


@st.composite
def calls(draw, empty=True):
    """x, a kernel, and the options of a layer or pooling, with any border."""
    axes = draw(st.integers(1, 3))
    one = st.sampled_from(SIDES)
    pairs = tuple((draw(one), draw(one)) for _ in range(axes))
    border = draw(st.sampled_from([pairs, pairs[0][0], tuple(pair[0] for pair in pairs)]))
    cells = [draw(st.integers(1, 7)) for _ in range(axes)]
    kernel = [draw(st.integers(1, 3)) for _ in range(axes)]
    dilation = [draw(st.integers(1, 2)) for _ in range(axes)]
    reach = [(k - 1) * d for k, d in zip(kernel, dilation, strict=True)]
    most = [9 if empty else r for r in reach]
    pads = [(draw(st.integers(0, m)), draw(st.integers(0, m))) for m in most]
    for n, pad, r in zip(cells, pads, reach, strict=True):
        hypothesis.assume(n + sum(pad) > r)
    options = {
        "stride": tuple(draw(st.integers(1, 3)) for _ in range(axes)),
        "dilation": tuple(dilation),
        "layout": LAYOUTS[axes][draw(st.booleans())],
    }
    seed = draw(st.integers(0, 2**32 - 1))
    x = np.random.default_rng(seed).integers(-4, 5, (2, 2, *cells)).astype(float)
    return axes, x, tuple(kernel), tuple(pads), border, options


def laid_out(x, layout):
    return np.ascontiguousarray(np.moveaxis(x, 1, -1)) if layout.endswith("C") else x


@given(calls(), st.sampled_from(["conv", "tiled_conv", "local_conv"]))
def test_layers_are_those_of_the_padded_input(call, kind):
    axes, x, kernel, pads, border, options = call
    whole = padded(x, pads, border)
    outputs = tuple(
        (n - (k - 1) * d - 1) // s + 1
        for n, k, d, s in zip(
            whole.shape[2:], kernel, options["dilation"], options["stride"], strict=True
        )
    )
    period = {"conv": (), "tiled_conv": (2,) * axes, "local_conv": outputs}[kind]
    weight = integers(3, *period, 2, *kernel)
    forward = getattr(convcore, f"{kind}{axes}d")
    backward = getattr(convcore, f"{kind}{axes}d_backward")
    x, whole = (laid_out(a, options["layout"]) for a in (x, whole))
    y = forward(x, weight, padding=pads, border=border, **options)
    assert np.array_equal(y, forward(whole, weight, **options))
    grad = np.random.default_rng(1).integers(-3, 4, y.shape).astype(float)
    dx, dweight, _ = backward(grad, x, weight, padding=pads, border=border, **options)
    assert np.array_equal(dweight, backward(grad, whole, weight, **options)[1])
    # the gradient is the adjoint of the linear part
    v = np.random.default_rng(2).integers(-3, 4, x.shape).astype(float)
    linear = forward(x + v, weight, padding=pads, border=border, **options) - y
    assert np.vdot(linear, grad) == np.vdot(v, dx)


@given(calls(empty=False), st.sampled_from(sorted(POOLS)))
def test_poolings_are_those_of_the_padded_input(call, kind):
    # Of sides with zeros the padding holds nothing, and stays padding.
    axes, x, kernel, pads, border, options = call
    holds = [[side != "zeros" for side in pair] for pair in sides(border, axes)]
    held = [
        tuple(p * h for p, h in zip(*pair, strict=True)) for pair in zip(pads, holds, strict=True)
    ]
    left = tuple(
        tuple(p - h for p, h in zip(*pair, strict=True)) for pair in zip(pads, held, strict=True)
    )
    whole = laid_out(padded(x, held, border), options["layout"])
    x = laid_out(x, options["layout"])
    pool = getattr(convcore, f"{kind}_pool{axes}d")
    window = np.arange(1.0, 1 + np.prod(kernel)).reshape(kernel) if kind == "weighted" else kernel
    try:
        want = pool(whole, window, padding=left, **options, **POOLS[kind])
    except ValueError:  # a window of nothing
        with pytest.raises(ValueError, match="hold an input cell"):
            pool(x, window, padding=pads, border=border, **options, **POOLS[kind])
        return
    got = pool(x, window, padding=pads, border=border, **options, **POOLS[kind])
    np.testing.assert_allclose(got, want, rtol=1e-14, atol=1e-14)
    for threads in (2, 3, 7):
        again = pool(
            x, window, padding=pads, border=border, threads=threads, **options, **POOLS[kind]
        )
        assert np.array_equal(again, got)


@pytest.mark.parametrize("kind", sorted(POOLS))
def test_slopes_of_poolings(kind):
    # Finite differences in float64, where no maximum is near another.
    for border in side_borders(2, 12):
        x = np.random.default_rng(3).permutation(60).reshape(1, 2, 5, 6) / 7 + 0.3
        window = np.arange(1.0, 10).reshape(3, 3) if kind == "weighted" else 3
        options = {"stride": (1, 2), "padding": 2, "border": border, **POOLS[kind]}
        pool, back = (getattr(convcore, f"{kind}_pool2d{end}") for end in ("", "_backward"))
        grad = np.random.default_rng(4).standard_normal(pool(x, window, **options).shape)
        direction, step = np.random.default_rng(5).standard_normal(x.shape), 1e-6
        ahead, behind = (pool(x + s * direction, window, **options) for s in (step, -step))
        slope = ((ahead - behind) * grad).sum() / (2 * step)
        got = np.vdot(back(grad, x, window, **options), direction)
        np.testing.assert_allclose(got, slope, rtol=1e-6, atol=1e-7, err_msg=str(border))


@pytest.mark.parametrize("number", [10**30, -(2**63) - 1, 2**64])
def test_integers_of_more_than_64_bits_are_floats(number):
    x, weight = np.ones((1, 1, 3, 3)), np.ones((1, 1, 3, 3))
    calls = (
        lambda border: convcore.conv2d(x, weight, padding=1, border=border),
        lambda border: convcore.avg_pool2d(x, 3, 1, 1, border=border),
        lambda border: convcore.max_pool2d(x, 3, 1, 1, border=border),
    )
    for call in calls:
        assert np.array_equal(call(number), call(float(number)))


def test_zeros_are_the_constant_0_in_sums():
    x, weight = integers(2, 3, 6, 7), integers(4, 3, 3, 3)
    for border in (0, 0.0, -0.0, np.float32(0), (0, "zeros"), ((0.0, "zeros"), 0)):
        y = convcore.conv2d(x, weight, padding=2, border=border)
        assert np.array_equal(y, convcore.conv2d(x, weight, padding=2))


def test_in_poolings_zeros_are_nothing_and_0_is_a_cell():
    x = np.array([[-3.0, -1.0, -2.0]])
    assert convcore.max_pool1d(x, 3, 1, 1).tolist() == [[-1, -1, -1]]
    assert convcore.max_pool1d(x, 3, 1, 1, border=0.0).tolist() == [[0, -1, 0]]
    assert convcore.avg_pool1d(x, 3, 1, 1).tolist() == [[-2, -2, -1.5]]
    for counted in (False, True):
        y = convcore.avg_pool1d(x, 3, 1, 1, border=6.0, count_include_pad=counted)
        np.testing.assert_allclose(y, [[2 / 3, -2, 1]])
    # a side that holds nothing does so where another axis has a constant
    y = convcore.max_pool2d(np.full((1, 2, 2), -5.0), 3, 1, 1, border=("zeros", 7.0))
    assert (y == 7).all()
    y = convcore.avg_pool2d(np.zeros((1, 1, 1)), 3, 1, 1, border=("zeros", 3.0))
    assert y.tolist() == [[[2.0]]]
    y = convcore.weighted_pool2d(np.zeros((1, 1, 1)), np.ones((3, 3)), 1, 1, border=("zeros", 3.0))
    assert y.tolist() == [[[2.0]]]


def test_indices_are_those_of_the_cells_that_the_padding_shows():
    x = np.array([[5.0, 1.0, 2.0, 9.0]])
    for border, places in {
        "wrap": [[3, 0, 3, 3]],
        -1.0: [[0, 0, 3, 3]],
        7.0: [[-1, 0, 3, 3]],
        (("wrap", 10.0),): [[3, 0, 3, -1]],
    }.items():
        y, index = convcore.max_pool1d(x, 3, 1, 1, border=border, return_indices=True)
        assert index.tolist() == places
        dx = convcore.max_pool1d_backward(np.ones_like(y), x, 3, 1, 1, border=border, indices=index)
        cells = [places[0].count(cell) for cell in range(4)]
        assert dx.tolist() == [cells]


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        ("uint64", 2**64 - 1), ("int64", -(2**63)), ("int64", 2**63 - 1), ("uint8", 255),
        ("int8", -128), ("uint16", 65535), ("int32", 2**31 - 1), ("bool", 1), ("bool", 0),
        ("float16", 0.1), ("float32", np.inf), ("float64", np.nan), ("float64", -np.inf),
    ],
)  # fmt: skip
def test_maxima_of_constants_in_every_dtype(dtype, value):
    x = np.array([[3, 1, 2, 0]]).astype(dtype)
    y, index = convcore.max_pool1d(x, 2, 1, padding=1, border=value, return_indices=True)
    want = np.concatenate([[x.dtype.type(value)], x[0], [x.dtype.type(value)]])
    want = np.array([np.maximum(a, b) for a, b in pairwise(want)])
    assert y.dtype == x.dtype
    assert np.array_equal(y[0], want, equal_nan=x.dtype.kind == "f")
    again = convcore.max_pool1d(x, 2, 1, padding=1, border=value)
    assert np.array_equal(y, again, equal_nan=x.dtype.kind == "f")
    shown = np.where(index[0] >= 0, x[0, np.maximum(index[0], 0)], x.dtype.type(value))
    assert np.array_equal(shown, want, equal_nan=x.dtype.kind == "f")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("algorithm", ["auto", "direct", "winograd", "fft"])
def test_constants_that_are_not_finite_reach_their_windows_alone(algorithm, value):
    size = 41 if algorithm == "fft" else 3
    channels = 1 if algorithm == "fft" else 16
    x = rng.standard_normal((1, channels, 60, 61))
    weight = abs(rng.standard_normal((channels, channels, size, size)))
    options = {"padding": size // 2, "algorithm": algorithm}
    y = convcore.conv2d(x, weight, border=(("edge", value), "wrap"), **options)
    sees = np.arange(60) + size // 2 >= 60
    assert np.isfinite(y[0, 0, ~sees]).all()
    assert not np.isfinite(y[0, 0, sees]).any()
    x[...] = value if value == value else 1
    for kind in ("max", "avg", "l2"):
        y = getattr(convcore, f"{kind}_pool2d")(np.ones((1, 5, 6)), 3, 1, 1, border=(value, "edge"))
        assert np.array_equal(np.isfinite(y[0]).all(axis=1), [value == -np.inf and kind == "max",
                              True, True, True, value == -np.inf and kind == "max"])  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("algorithm", "x", "weight", "groups"),
    [
        ("winograd", (2, 16, 30, 31), (17, 16, 3, 3), 1),
        ("fft", (1, 2, 70, 80), (2, 2, 33, 31), 1),
        ("separable", (1, 3, 90, 80), (3, 1, 21, 19), 3),
        ("direct", (1, 3, 40, 41), (5, 3, 5, 5), 1),
    ],
)
def test_every_algorithm_has_every_border_inside_its_bound(algorithm, x, weight, groups, dtype):
    x = rng.standard_normal(x).astype(dtype)
    kernel = rng.standard_normal(weight).astype(dtype)
    if algorithm == "separable":
        kernel[:] = np.outer(kernel[0, 0, :, 0], kernel[0, 0, 0])
    for border in [-1024.0, *side_borders(2, 7), ("reflect", ("wrap", "edge"))]:
        options = {"padding": 9, "border": border, "groups": groups}
        if algorithm == "separable" and has_constant(border):
            with pytest.raises(ValueError, match="the padding holds a constant"):
                convcore.conv2d(x, kernel, algorithm=algorithm, **options)
            continue
        y = convcore.conv2d(x, kernel, algorithm=algorithm, **options)
        want = reference.conv2d(x.astype(float), kernel.astype(float), **options)
        bound = convcore.error_bound(x, kernel, algorithm=algorithm, **options)
        assert (abs(y - want) <= bound).all(), border
        found = convcore.explain("conv2d", x.shape, weight, algorithm=algorithm, dtype=dtype,
                                 **options)  # fmt: skip
        if algorithm != "direct":
            assert found.algorithm == algorithm


def test_an_axis_without_cells_has_constants():
    weight = np.ones((1, 1, 2, 2))
    y = convcore.conv2d(np.ones((1, 0, 3)), weight, padding=((1, 1), (0, 0)), border=(2.0, "wrap"))
    assert y.tolist() == [[[8.0, 8.0]]]
    for kind in ("max", "avg"):
        pool = getattr(convcore, f"{kind}_pool2d")
        y = pool(np.ones((1, 0, 3)), 2, 1, padding=((1, 1), (0, 0)), border=(2.0, "wrap"))
        assert y.tolist() == [[[2.0, 2.0]]]
    grad = convcore.max_pool2d_backward(y, np.ones((1, 0, 3)), 2, 1, ((1, 1), (0, 0)), border=2.0)
    assert grad.shape == (1, 0, 3)


def test_borders_are_values():
    # However a border is written, calls alike find one plan.
    x, weight = integers(1, 2, 6, 7), integers(3, 2, 3, 3)
    nan = float("nan")
    for written in [
        ("wrap", "wrap"),
        ["wrap", ["wrap", "wrap"]],
        np.array(["wrap", "wrap"]),
        "wrap",
    ]:
        y = convcore.conv2d(x, weight, padding=1, border=written)
        assert np.array_equal(y, convcore.conv2d(x, weight, padding=1, border="wrap"))
    for written in (2, np.int8(2), np.float16(2), np.array(2.0), [2, (2, 2)]):
        y = convcore.conv2d(x, weight, padding=1, border=written)
        assert np.array_equal(y, convcore.conv2d(x, weight, padding=1, border=2.0))
    from convcore.spec.border import as_border

    assert as_border("op", (nan, "edge"), 2) == as_border("op", (np.float32(nan), "edge"), 2)
    assert hash(as_border("op", [1, ["edge", 2]], 2)) == hash(((1.0, 1.0), ("edge", 2.0)))
    assert as_border("op", 2**63 - 1, 1) == 2**63 - 1


MODES = {"nearest": "edge", "mirror": "reflect", "reflect": "symmetric", "wrap": "wrap"}


def test_modes_of_scipy():
    ndimage = pytest.importorskip("scipy.ndimage", reason="SciPy is not installed")
    x, w = integers(9, 10), integers(3, 4)
    every = [(mode, border, 0.0) for mode, border in MODES.items()]
    every += [("constant", value, value) for value in (0.0, -1024.0, 2.5)]
    for mode, border, cval in every:
        want = ndimage.correlate(x, w, mode=mode, cval=cval)
        got = convcore.conv2d(x[None], w[None, None], padding="same_lower", border=border)[0]
        assert np.array_equal(got, want), mode
        want = ndimage.maximum_filter(x, (4, 3), mode=mode, cval=cval)
        got = convcore.max_pool2d(x[None], (4, 3), 1, "same_lower", border=border)[0]
        assert np.array_equal(got, want), mode
    for modes in product(MODES, MODES):
        border = tuple(MODES[mode] for mode in modes)
        want = ndimage.uniform_filter(x, (3, 5), mode=modes)
        got = convcore.avg_pool2d(x[None], (3, 5), 1, "same", border=border)[0]
        np.testing.assert_allclose(got, want, atol=1e-13)
        want = ndimage.maximum_filter(x, (3, 5), mode=modes)
        got = convcore.max_pool2d(x[None], (3, 5), 1, "same", border=border)[0]
        assert np.array_equal(got, want)


def test_usage_and_windows_are_those_of_the_operators():
    from convcore.geometry import Layer, count, input_usage, windows

    for (n, k, s, p, d), pair in product(
        [(5, 3, 1, (2, 2), 1), (4, 3, 2, (1, 4), 2), (3, 2, 1, (4, 7), 1), (6, 4, 3, (3, 1), 1)],
        SIDE_PAIRS,
    ):
        options = {"stride": s, "padding": (p,), "dilation": d, "border": (pair,)}
        x, one = np.eye(n)[:, None], np.ones((1, 1, k))
        empty = convcore.conv1d(np.zeros((1, n)), one, **options)
        used = (convcore.conv1d(x, one, **options) - empty)[:, 0]  # by each output
        found = input_usage(n, k, s, p, d, border=(pair,))
        assert found == used.sum(axis=1).astype(int).tolist()
        layer = Layer("conv1d", weight=one.shape, **options)
        assert count(layer, (1, n)).connections == np.count_nonzero(used)
        try:
            want = convcore.avg_pool1d(x, k, **options)
        except ValueError:
            continue
        listed = windows(n, k, s, p, d, border=(pair,))
        rows = padded(np.eye(n)[:, None], [p], (pair,))
        for o, window in enumerate(listed):
            seen = rows[:, 0, window.first + p[0] : window.last + p[0] + 1 : d]
            assert seen.shape[1] == window.cells == window.divisor
            np.testing.assert_allclose(want[:, 0, o], seen.mean(axis=1), atol=1e-15)
