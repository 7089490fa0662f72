"""Results as integers of 8 and 16 bits: rounded to the nearest, of two to the even one, clipped."""

import numpy as np
import pytest

import convcore
from convcore import _core, reference

KINDS = [np.uint8, np.int8, np.uint16, np.int16]
rng = np.random.default_rng(0)


def rounded(y, kind):
    limits = np.iinfo(kind)
    y = np.where(np.isnan(y), 0, y)
    return np.clip(np.rint(y), limits.min, limits.max).astype(kind)


@pytest.mark.parametrize("real", [np.float32, np.float64])
@pytest.mark.parametrize("kind", KINDS)
def test_every_half_and_what_is_beside_it(kind, real):
    limits = np.iinfo(kind)
    halves = np.arange(limits.min - 3, limits.max + 4, dtype=real) + real(0.5)
    ends = [np.inf, -np.inf, np.nan, 0.0, -0.0, 1e30, -1e30, 2.0**31, -(2.0**31), 5e-324]
    below, above = (np.nextafter(halves, way, dtype=real) for way in (-np.inf, np.inf))
    x = np.concatenate([halves, below, above, np.array(ends, real)])
    for part in (x, x[:1], x[:-3], x[5:]):
        y = np.zeros(part.shape, kind)
        _core.round_to(np.ascontiguousarray(part), y)
        np.testing.assert_array_equal(y, rounded(part.astype(np.float64), kind))


def test_what_the_core_guards():
    x = np.zeros(4, np.float32)
    for dst, error in ((np.zeros(4, np.int32), ValueError), (np.zeros(3, np.uint8), ValueError),
                       (np.zeros(4, np.float32), ValueError)):  # fmt: skip
        with pytest.raises(error):
            _core.round_to(x, dst)
    with pytest.raises(ValueError, match="contradict"):
        _core.round_to(np.zeros(4, np.int8), np.zeros(4, np.int8))


X = rng.integers(0, 256, (2, 3, 13, 17)).astype(np.uint8)
W = rng.standard_normal((4, 3, 3, 3)).astype(np.float32)
CALLS = {
    "conv2d": lambda lib, x, **o: lib.conv2d(x, W, padding=1, **o),
    "depthwise": lambda lib, x, **o: lib.conv2d(
        x, W[:3, :1], groups=3, border="edge", padding=1, **o
    ),
    "local_conv2d": lambda lib, x, **o: lib.local_conv2d(
        x, np.broadcast_to(W[:, None, None], (4, 11, 15, 3, 3, 3)), **o
    ),
    "tiled_conv2d": lambda lib, x, **o: lib.tiled_conv2d(x, W[:, None, None], **o),
    "conv_transpose2d": lambda lib, x, **o: lib.conv_transpose2d(x, W[:3], stride=2, **o),
    "avg_pool2d": lambda lib, x, **o: lib.avg_pool2d(x, 2, **o),
    "lp_pool2d": lambda lib, x, **o: lib.lp_pool2d(x, 3, 1, p=3, **o),
    "l2_pool2d": lambda lib, x, **o: lib.l2_pool2d(x, 2, **o),
    "weighted_pool2d": lambda lib, x, **o: lib.weighted_pool2d(x, W[0, 0] ** 2, 1, 1, **o),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CALLS)
def test_operators(name, kind):
    call = CALLS[name]
    want = rounded(call(reference, X.astype(np.float64)), kind)
    for threads in (1, 3):
        out = np.zeros(want.shape, kind)
        y = call(convcore, X, out=out, threads=threads)
        assert y is out
        # sums of float32 weights may fall on the other side of a half
        assert abs(y.astype(int) - want.astype(int)).max() <= (name != "avg_pool2d")
        exact = rounded(np.asarray(call(convcore, X), np.float64), kind)
        assert name == "avg_pool2d" or (y == exact).all()
    strided = np.zeros((*want.shape[:-1], 2 * want.shape[-1]), kind)[..., ::2]
    assert (call(convcore, X, out=strided) == y).all()


@pytest.mark.parametrize("kind", KINDS)
def test_averages_of_integers_are_exact(kind):
    limits = np.iinfo(kind)
    x = rng.integers(limits.min, limits.max, (1, 2, 60, 70), endpoint=True).astype(kind)
    for kernel, stride in ((2, 2), (5, 1), ((3, 7), 2), (31, 1)):
        y = convcore.avg_pool2d(x, kernel, stride, out=np.empty_like(
            convcore.avg_pool2d(x, kernel, stride), kind))  # fmt: skip
        rows, columns = (kernel, kernel) if isinstance(kernel, int) else kernel
        windows = np.lib.stride_tricks.sliding_window_view(x.astype(int), (rows, columns), (2, 3))
        total, cells = windows[:, :, ::stride, ::stride].sum(axis=(-1, -2)), rows * columns
        double = 2 * (total % cells) - cells
        up = (double > 0) | ((double == 0) & (total // cells % 2 == 1))
        assert (y == total // cells + up).all()


def test_photograph_in_place():
    photo = rng.integers(0, 256, (20, 30, 3)).astype(np.uint8)
    weight = np.full((3, 1, 3, 3), 1 / 9, np.float32)
    options = {"groups": 3, "padding": 1, "border": "edge", "layout": "NHWC"}
    want = convcore.conv2d(photo, weight, out=np.empty_like(photo), **options)
    assert convcore.conv2d(photo, weight, out=photo, **options) is photo
    assert (photo == want).all()


def test_what_is_refused():
    x = np.zeros((1, 1, 4, 4), np.float32)
    w = np.zeros((1, 1, 1, 1), np.float32)
    for kind in (np.int32, np.int64, bool, np.float64, np.float16):
        with pytest.raises(TypeError, match="conv2d: out must have dtype float32"):
            convcore.conv2d(x, w, out=np.zeros((1, 1, 4, 4), kind))
    with pytest.raises(TypeError, match="max_pool2d: out must have dtype float32, got uint8"):
        convcore.max_pool2d(x, 1, out=np.zeros((1, 1, 4, 4), np.uint8))
    with pytest.raises(TypeError, match="must have dtype float32, got uint8"):
        convcore.avg_pool2d_backward(x, x, 1, out=np.zeros((1, 1, 4, 4), np.uint8))
    with pytest.raises(ValueError, match="shape"):
        convcore.conv2d(x, w, out=np.zeros((1, 1, 4, 5), np.uint8))


def test_prepared_layers():
    layer = convcore.prepare(convcore.conv2d, W, padding=1, activation="relu")
    x = X.astype(np.float32)
    out = np.zeros((2, 4, 13, 17), np.uint8)
    assert layer(x, out=out) is out
    assert (out == rounded(layer(x), np.uint8)).all()


def test_empty_results():
    y = convcore.conv2d(np.zeros((0, 3, 4, 4), np.uint8), W, out=np.zeros((0, 4, 2, 2), np.uint8))
    assert y.shape == (0, 4, 2, 2)


def test_missing_cells():
    x = X.astype(np.float32)
    mask = rng.random(x.shape) < 0.7
    weight = np.abs(W)
    for call in (
        lambda **o: convcore.conv2d(x, weight, mask=mask, **o),
        lambda **o: convcore.avg_pool2d(x, 2, mask=mask, **o),
        lambda **o: convcore.l2_pool2d(x, 2, mask=mask, **o),
        lambda **o: convcore.weighted_pool2d(x, weight[0, 0], 1, mask=mask, **o),
    ):
        want = call()
        for kind in KINDS:
            out = np.zeros(want.shape, kind)
            assert call(out=out) is out
            assert (out == rounded(want, kind)).all()
