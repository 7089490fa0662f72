"""Bounds on rounding errors: no error is above, and none of an array far below."""

import numpy as np
import pytest

import convcore

pytestmark = pytest.mark.auto

FLOATS = [np.float32, np.float64]
BORDERS = ["zeros", "edge", "reflect", "symmetric", "wrap"]
LAYOUTS = {1: ("NCW", "NWC"), 2: ("NCHW", "NHWC"), 3: ("NCDHW", "NDHWC")}
CLOSE = 50  # the largest bound over the largest error, for standard normal numbers


def windows(x, weight, options):
    """What each output sees, and the weights, for sums in a wider type."""
    axes = weight.ndim - 2
    pad = options.get("padding", 0)
    mode = options.get("border", "zeros")
    x = np.pad(x, [(0, 0)] * 2 + [(pad, pad)] * axes, "constant" if mode == "zeros" else mode)
    dilation, stride = options.get("dilation", 1), options.get("stride", 1)
    spans = [dilation * (n - 1) + 1 for n in weight.shape[2:]]
    every = np.lib.stride_tricks.sliding_window_view(x, spans, tuple(range(2, 2 + axes)))
    step = (slice(None),) * 2 + (slice(None, None, stride),) * axes
    return every[step + (slice(None, None, dilation),) * axes]


def exact_sums(x, weight, bias, options):
    """The convolution in longdouble."""
    if options.get("flip"):
        weight = np.flip(weight, tuple(range(2, weight.ndim)))
    wide, weight = (a.astype(np.longdouble) for a in (x, weight))
    seen = windows(wide, weight, options)
    axes, groups = weight.ndim - 2, options.get("groups", 1)
    seen = np.moveaxis(seen, 1, 1 + axes)  # (N, *outputs, C, *kernel)
    seen = seen.reshape(*seen.shape[: 1 + axes], groups, -1)
    table = options.get("connections")
    if table is not None:
        weight = weight * table.reshape(*table.shape, *(1,) * axes)
    weight = weight.reshape(groups, weight.shape[0] // groups, -1)
    y = np.einsum("...gt,gkt->...gk", seen, weight)
    y = np.moveaxis(y.reshape(*y.shape[: 1 + axes], -1), -1, 1)
    return y if bias is None else y + bias.astype(np.longdouble).reshape(-1, *(1,) * axes)


def compare(x, weight, bias=None, **options):
    """The errors and the bounds of a call, channels first."""
    call = getattr(convcore, f"conv{weight.ndim - 2}d")
    with np.errstate(all="ignore"):
        y, bound = (
            call(x, weight, bias, **options),
            convcore.error_bound(x, weight, bias, **options),
        )
        assert (bound.shape, bound.dtype) == (y.shape, np.float64)
        return abs(y - exact_sums(x, weight, bias, options)), bound


def problem(rng, dtype, fast):
    """A random layer with its options: any size, scale and cancellation."""
    axes = int(rng.integers(1, 4))
    if fast:
        groups = int(rng.integers(1, 3))
        c, k = groups * rng.integers(16, 80), groups * rng.integers(16, 20)
        kernel = [[3], [[3, 3], [3, 1], [1, 3]][rng.integers(3)], [1, 3, 3]][axes - 1]
        options = {"algorithm": "winograd"}
    else:
        groups = int(rng.integers(1, 4))
        c, k = groups * rng.integers(1, 40), groups * rng.integers(1, 5)
        kernel = rng.integers(1, (60, 8, 4)[axes - 1], axes)
        options = {"algorithm": "direct", "dilation": int(rng.integers(1, 3))}
        options["stride"] = int(rng.integers(1, 4))
    spans = [options.get("dilation", 1) * (n - 1) + 1 for n in kernel]
    cells = [n + int(rng.integers(1, 8)) for n in spans]
    options |= {"padding": int(rng.integers(0, 3)), "border": BORDERS[rng.integers(5)]}
    options |= {"groups": groups, "flip": bool(rng.integers(2))}
    x = rng.standard_normal((int(rng.integers(1, 3)), c, *cells))
    weight = rng.standard_normal((k, c // groups, *kernel))
    bias = rng.standard_normal(k) if rng.integers(2) else None
    kind = rng.integers(6)
    if kind == 1:  # sums of one sign
        x, weight = abs(x), abs(weight)
    elif kind == 2:  # the second half of the channels cancels the first
        half = weight.shape[1] // 2
        weight[:, half : 2 * half] = -weight[:, :half]
        view = x.reshape(len(x), groups, -1, *cells)
        view[:, :, half : 2 * half] = view[:, :, :half] * (1 + 1e-5 * rng.standard_normal())
    elif kind == 3:  # numbers of very different size
        x *= 10.0 ** rng.uniform(-6, 6, x.shape)
    elif kind == 4:  # equal numbers: roundings are equal too
        x, weight = np.full(x.shape, 0.1), np.full(weight.shape, 0.7)
    scales = 10.0 ** rng.uniform(-20, 20, 2) if rng.integers(2) else (1, 1)
    if dtype == np.float32:
        scales = np.clip(scales, 1e-17, 1e17)
    x, weight = (x * scales[0]).astype(dtype), (weight * scales[1]).astype(dtype)
    return (
        x,
        weight,
        None if bias is None else (bias * scales[0] * scales[1]).astype(dtype),
        options,
    )


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("fast", [False, True])
def test_no_error_is_above(dtype, fast):
    rng = np.random.default_rng(20)
    for _ in range(60):
        x, weight, bias, options = problem(rng, dtype, fast)
        error, bound = compare(x, weight, bias, **options)
        assert (error <= bound).all(), (x.shape, weight.shape, options)
        assert np.isfinite(bound).all()


CLOSE_LAYERS = {
    "one tap": ((1, 64, 40, 40), (64, 64, 1, 1), {}),
    "depthwise": ((1, 64, 30, 30), (64, 1, 3, 3), {"groups": 64}),
    "signal": ((1, 1, 3000), (1, 1, 500), {}),
    "large kernel": ((1, 1, 80, 80), (8, 1, 31, 31), {}),
    "direct": ((1, 256, 20, 20), (16, 256, 3, 3), {"algorithm": "direct"}),
    "few channels": ((1, 16, 30, 30), (32, 16, 3, 3), {"algorithm": "winograd"}),
    "winograd": ((1, 200, 22, 22), (16, 200, 3, 3), {"algorithm": "winograd"}),
    "columns": ((1, 64, 22, 22), (16, 64, 1, 3), {"algorithm": "winograd"}),
}


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", CLOSE_LAYERS)
def test_it_is_close(name, dtype):
    x, weight, options = CLOSE_LAYERS[name]
    rng = np.random.default_rng(0)
    x, weight = (rng.standard_normal(shape).astype(dtype) for shape in (x, weight))
    error, bound = compare(x, weight, rng.standard_normal(len(weight)).astype(dtype), **options)
    assert (error <= bound).all()
    assert bound.max() < CLOSE * error.max()


@pytest.mark.parametrize("level", ["baseline", "x86-64-v4"])
def test_other_instruction_sets(level, run_python):
    """SSE2 has no fused multiply-add: products are rounded too."""
    if level not in convcore.build_info()["isa_available"]:
        pytest.skip(f"{level} is not here")
    code = (
        "import numpy as np, convcore\n"
        "rng = np.random.default_rng(0)\n"
        "for layer, name in ((4, 'direct'), (16, 'winograd')):\n"
        "    x = rng.standard_normal((layer, 30, 30)).astype('f')\n"
        "    w = rng.standard_normal((16, layer, 3, 3)).astype('f')\n"
        "    y = convcore.conv2d(x, w, algorithm=name)\n"
        "    error = abs(y - convcore.conv2d(x.astype(float), w.astype(float)))\n"
        "    print((error <= convcore.error_bound(x, w, algorithm=name)).all())\n"
    )
    assert run_python(code, CONVCORE_ISA=level).stdout.split() == ["True"] * 2


def test_options():
    """Connections, kernels that are cut, both layouts, and the algorithm of the program."""
    rng = np.random.default_rng(1)
    x, weight = rng.standard_normal((2, 40, 9, 8)), rng.standard_normal((5, 40, 3, 2))
    table = rng.integers(0, 2, (5, 40)).astype(bool)
    table[0] = False
    error, bound = compare(x, weight, rng.standard_normal(5), connections=table)
    assert (error <= bound).all()
    for shape, kernel in (((1, 2, 2, 1200), (3, 2, 2, 700)), ((1, 1, 40, 41), (1, 1, 30, 31))):
        error, bound = compare(rng.standard_normal(shape), rng.standard_normal(kernel))
        assert (error <= bound).all()
    for axes, (first, last) in LAYOUTS.items():
        x, weight = (
            rng.standard_normal((2, 3, *(5,) * axes)),
            rng.standard_normal((2, 3, *(2,) * axes)),
        )
        want = convcore.error_bound(x, weight, layout=first)
        got = convcore.error_bound(np.moveaxis(x, 1, -1), weight, layout=last)
        assert np.array_equal(np.moveaxis(got, -1, 1), want)
        assert np.array_equal(convcore.error_bound(x[0], weight), want[0])
    x, weight = rng.standard_normal((32, 30, 30)), rng.standard_normal((32, 32, 3, 3))
    auto, direct, fast = (
        convcore.error_bound(x, weight, algorithm=name) for name in ("auto", "direct", "winograd")
    )
    assert np.array_equal(auto, fast)
    assert (direct < fast).any()
    with convcore.set_algorithm("direct"):
        assert np.array_equal(convcore.error_bound(x, weight), direct)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("algorithm", ["direct", "winograd"])
def test_what_is_not_finite(algorithm, dtype):
    """Infinite where the result is, or may be, not finite; elsewhere as without it."""
    rng = np.random.default_rng(2)
    x, weight = (rng.standard_normal(s).astype(dtype) for s in ((1, 16, 14, 14), (16, 16, 3, 3)))
    most = np.finfo(dtype).max
    for value in (np.nan, np.inf, -np.inf, most, most / 64):
        x[0, 3, 5, 6] = value
        error, bound = compare(x, weight, algorithm=algorithm)
        y = convcore.conv2d(x, weight, algorithm=algorithm)
        assert np.isinf(bound[~np.isfinite(y)]).all()
        assert not np.isnan(bound).any()
        assert (error <= bound)[np.isfinite(y)].all()
        if value != most / 64:
            assert np.isinf(bound).sum() <= 9 * 16
    x[0, 3, 5, 6] = 1
    weight[0, 0, 0, 0] = np.nan
    assert np.isinf(convcore.error_bound(x, weight, algorithm=algorithm)).sum() == 144
    bias = np.zeros(16, dtype)
    bias[1] = np.inf
    bound = convcore.error_bound(x, weight, bias, algorithm=algorithm)
    assert np.array_equal(np.isinf(bound).all(axis=(0, 2, 3)), np.arange(16) < 2)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("algorithm", ["direct", "winograd"])
@pytest.mark.parametrize("scales", [(-0.5, -0.5), (-0.6, -0.6), (-0.99, 0), (0, -1.02), (-1, 0.9)])
def test_small_numbers(scales, algorithm, dtype):
    """Products and sums may be subnormal."""
    rng = np.random.default_rng(3)
    least = -np.log10(float(np.finfo(dtype).tiny))
    arrays = [rng.standard_normal(s) for s in ((1, 17, 9, 9), (16, 17, 3, 3))]
    x, weight = ((a * 10 ** (least * s)).astype(dtype) for a, s in zip(arrays, scales, strict=True))
    error, bound = compare(x, weight, algorithm=algorithm)
    assert (error <= bound).all()
    assert (
        bound.max()
        < 1e-4 * abs(convcore.conv2d(x, weight)).max() + 1e6 * np.finfo(dtype).smallest_subnormal
    )


def test_integers_are_exact():
    rng = np.random.default_rng(4)
    x, weight = rng.integers(-9, 9, (8, 9, 9)), rng.integers(-9, 9, (5, 8, 3, 3))
    for dtype in (np.int8, np.int64, np.float32, np.float64):
        assert not convcore.error_bound(x.astype(dtype), weight.astype(dtype)).any()
    assert convcore.error_bound(x, weight, [0.1] * 5).any()
    large = (x * 1000).astype(np.float32)
    assert (convcore.error_bound(large, large[None, :, :3, :3]) > 0).any()


def test_nothing_to_sum():
    assert convcore.error_bound(np.ones((0, 1, 5)), np.ones((2, 1, 3))).shape == (0, 2, 3)
    bound = convcore.error_bound(np.ones((0, 5)), np.ones((2, 0, 3)), [1.5, 2])
    assert np.array_equal(bound, np.zeros((2, 3)))


BAD = {
    "two axes": (
        (np.ones((1, 5)), np.ones((1, 3))),
        {},
        ValueError,
        "weight must have 3 to 5 axes",
    ),
    "channels": ((np.ones((1, 5)), np.ones((1, 2, 3))), {}, ValueError, "weight must have 1 input"),
    "layout": (
        (np.ones((1, 5)), np.ones((1, 1, 3))),
        {"layout": "NHWC"},
        ValueError,
        "layout must",
    ),
    "stride": ((np.ones((1, 5)), np.ones((1, 1, 3))), {"stride": 0}, ValueError, "stride must be"),
    "complex": ((np.ones((1, 5), complex), np.ones((1, 1, 3))), {}, TypeError, "x must have dtype"),
    "flip": ((np.ones((1, 5)), np.ones((1, 1, 3))), {"flip": 2}, TypeError, "flip must"),
    "bias": ((np.ones((1, 5)), np.ones((1, 1, 3)), [1, 2]), {}, ValueError, "bias must have shape"),
    "integers": ((np.full((1, 5), 2**53 + 1), np.ones((1, 1, 3))), {}, ValueError, "x must hold"),
    "algorithm": (
        (np.ones((1, 5)), np.ones((1, 1, 3))),
        {"algorithm": "winograd"},
        ValueError,
        "algorithm must be one that can compute this layer",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments(name):
    operands, options, kind, text = BAD[name]
    with pytest.raises(kind, match=f"^error_bound: {text}"):
        convcore.error_bound(*operands, **options)
