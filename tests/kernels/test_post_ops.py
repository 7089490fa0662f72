"""What follows a layer in the core's store: the bits of the convolution, then NumPy."""

from math import erf

import numpy as np
import pytest

import convcore
from tests.support.sweeps import each

pytestmark = pytest.mark.auto


def _tenth(y):
    return np.where(y < 0, y * y.dtype.type(0.1), y)


def _hard(y):
    return np.clip(y / 6 + y.dtype.type(0.5), 0, 1)


ACTIVATIONS = {
    None: lambda y: y,
    "relu": lambda y: np.maximum(y, 0),
    "relu6": lambda y: np.clip(y, 0, 6),
    ("clip", -0.5, 1.25): lambda y: np.clip(y, -0.5, 1.25),
    ("clip", 2, -2): lambda y: np.minimum(np.maximum(y, 2), -2),
    ("clip", -np.inf, 1): lambda y: np.minimum(y, 1),
    ("leaky_relu", 0.1): _tenth,
    "hardsigmoid": _hard,
    "hardswish": lambda y: y * _hard(y),
}

# Layers: an operator, an input, a weight and options.
DIRECT = {"algorithm": "direct"}
LAYERS = {
    "igemm": ("conv2d", (3, 9, 11), (64, 3, 3, 3), {}),
    "igemm, odd": ("conv2d", (3, 9, 7), (67, 3, 3, 3), {"stride": 2, "padding": 2}),
    "igemm, groups": ("conv2d", (32, 9, 11), (32, 16, 3, 3), {"groups": 2}),
    "one cell": ("conv2d", (24, 9, 11), (35, 24, 1, 1), {}),
    "1d": ("conv1d", (3, 41), (20, 3, 5), {"stride": 2, "padding": 3}),
    "3d": ("conv3d", (4, 4, 5, 7), (19, 4, 2, 2, 2), {}),
    "ow channels": ("conv2d", (3, 15, 67), (4, 3, 3, 3), {"padding": 1}),
    "ow channels, stride": ("conv2d", (3, 15, 67), (4, 3, 3, 3), {"stride": (1, 2), **DIRECT}),
    "ow rows": ("conv2d", (1, 15, 67), (1, 1, 3, 4), DIRECT),
    "ow rows, groups": ("conv2d", (19, 13, 14), (19, 1, 3, 3), {"groups": 19, **DIRECT}),
    "depthwise": ("conv2d", (67, 6, 5), (67, 1, 3, 3), {"groups": 67, "padding": 1, **DIRECT}),
    "times two": ("conv2d", (9, 13, 14), (18, 1, 3, 3), {"groups": 9, "stride": 2, **DIRECT}),
    "winograd": ("conv2d", (32, 31, 30), (32, 32, 3, 3), {"padding": 1}),
    "winograd, odd": ("conv2d", (33, 29, 33), (35, 33, 3, 3), {"border": "wrap", "padding": 1}),
    "winograd, 1d": ("conv1d", (64, 301), (64, 64, 3), {}),
    "fft": ("conv2d", (2, 70, 73), (3, 2, 21, 20), {"algorithm": "fft"}),
    "fft, 1d": ("conv1d", (2, 900), (3, 2, 300), {"algorithm": "fft"}),
    "local": ("local_conv1d", (2, 10), (5, 8, 2, 3), {}),
    "tiled": ("tiled_conv2d", (3, 9, 10), (4, 2, 2, 3, 3, 3), {}),
    "transposed": ("conv_transpose2d", (3, 8, 9), (3, 5, 3, 3), {"stride": 2}),
}
LAST = {1: "NWC", 2: "NHWC", 3: "NDHWC"}


def numbers(shape, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


class Setting:
    """A layer with its arrays, for one layout and dtype."""

    def __init__(self, name, dtype=np.float32, last=False, batch=2):
        self.op, shape, weight, options = LAYERS[name]
        axes, self.options = len(shape) - 1, dict(options)
        self.x = numbers((batch, *shape), dtype)
        self.weight = numbers(weight, dtype, 1) * dtype(0.3)
        biases = weight[:1]
        if self.op.startswith("local"):
            biases = weight[:2]
        elif self.op.startswith("tiled"):
            biases = weight[:3]
        elif "transpose" in self.op:
            biases = weight[1:2]
        self.bias = numbers(biases, dtype, 2)
        if last:
            self.options["layout"] = LAST[axes]
            self.x = np.ascontiguousarray(np.moveaxis(self.x, 1, -1))
        self.function = getattr(convcore, self.op)
        self.wide = np.dtype(np.float32 if dtype == np.float16 else dtype)
        self.dtype = dtype

    def plain(self, threads=1):
        """The convolution alone, in the dtype that is computed in."""
        arrays = (a.astype(self.wide) for a in (self.x, self.weight, self.bias))
        return self.function(*arrays, **self.options, threads=threads)

    def prepare(self, activation=None):
        return convcore.prepare(
            self.op, self.weight, self.bias, activation=activation, **self.options
        )

    def residual(self, like):
        return numbers(like.shape, self.dtype, 3)


def test_the_table_has_every_algorithm():
    settings = [Setting(name, last=last) for name in LAYERS for last in (False, True)]
    found = {each.prepare().explain(each.x.shape).algorithm for each in settings}
    assert found >= {"direct_igemm", "direct_ow_channels", "direct_ow_rows", "depthwise",
                     "winograd", "fft"}  # fmt: skip


CASES = [
    (name, dtype.__name__, last)
    for name in LAYERS
    for dtype in (np.float32, np.float64, np.float16)
    for last in (False, True)
]


@each(CASES)
def test_bits(case):
    name, dtype, last = case
    setting = Setting(name, getattr(np, dtype), last)
    plain = setting.plain()
    residual = setting.residual(plain)
    for activation, then in ACTIVATIONS.items():
        layer = setting.prepare(activation)
        for more in (None, residual):
            wide = plain if more is None else plain + more.astype(setting.wide)
            wanted = then(wide).astype(dtype)
            for threads in (1, 2, 3) if activation == "relu6" else (2,):
                got = layer(setting.x, more, threads=threads)
                assert got.dtype == wanted.dtype
                np.testing.assert_array_equal(got, wanted, err_msg=f"{activation} {threads}")


def _erf(y):
    return np.vectorize(erf, otypes=[float])(y)


SMOOTH = {  # in float64, for NumPy's float32 rounds more often than the core
    "tanh": np.tanh,
    "sigmoid": lambda y: 1 / (1 + np.exp(-y)),
    "silu": lambda y: y / (1 + np.exp(-y)),
    ("elu", 0.7): lambda y: np.where(y < 0, 0.7 * np.expm1(np.minimum(y, 0)), y),
    ("scaled_tanh", 1.7159, 2 / 3): lambda y: 1.7159 * np.tanh(2 / 3 * y),
    "gelu": lambda y: y * 0.5 * (1 + _erf(y * 0.5**0.5)),
}


@each([case for case in CASES if not case[0].startswith(("fft", "winograd"))])
def test_smooth_activations(case):
    """Close to the formula, and equal bits for every number of threads."""
    name, dtype, last = case
    setting = Setting(name, getattr(np, dtype), last, batch=1)
    setting.x[...] *= setting.dtype(3)
    plain = setting.plain()
    residual = setting.residual(plain)
    wide = plain.astype(np.float64) + residual
    digits = {"float16": 1e-3, "float32": 1e-6, "float64": 1e-15}[dtype]
    for activation, then in SMOOTH.items():
        layer = setting.prepare(activation)
        first, second = (layer(setting.x, residual, threads=threads) for threads in (1, 3))
        assert first.tobytes() == second.tobytes()
        scale = digits * np.maximum(1, np.abs(wide))
        assert (np.abs(first - then(wide)) <= 4 * scale).all(), activation


@pytest.mark.parametrize("activation", SMOOTH)
def test_smooth_activations_far_out(activation):
    """No overflow where an exponential has one; NaN stays NaN."""
    setting = Setting("one cell", batch=1)
    plain = setting.plain()
    residual = np.resize(np.float32([np.nan, np.inf, -np.inf, 1e30, -1e30, 200, -200]), plain.shape)
    with np.errstate(all="ignore"):
        wanted = SMOOTH[activation]((plain + residual).astype(np.float64))
        got = setting.prepare(activation)(setting.x, residual)
    finite = np.isfinite(plain + residual)
    np.testing.assert_allclose(got[finite], wanted[finite], rtol=1e-6, atol=1e-6)
    assert np.isnan(got[np.isnan(residual)]).all()
    assert (np.isposinf(got) == np.isposinf(wanted)).all()


SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 3e38, -3e38]


@each([(name, last) for name in LAYERS for last in (False, True)])
def test_special_numbers_pass(case):
    """In the residual, so that they are where they are put; NaN stays NaN."""
    name, last = case
    setting = Setting(name, last=last)
    plain = setting.plain()
    residual = setting.residual(plain)
    residual.reshape(-1)[:: max(1, residual.size // 50)] = np.resize(
        SPECIAL, len(residual.reshape(-1)[:: max(1, residual.size // 50)])
    )
    with np.errstate(all="ignore"):
        for activation, then in ACTIVATIONS.items():
            got = setting.prepare(activation)(setting.x, residual)
            np.testing.assert_array_equal(got, then(plain + residual), err_msg=str(activation))


@pytest.mark.parametrize("name", ["igemm", "ow channels", "ow rows", "depthwise"])
@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf])
def test_special_numbers_of_the_input(name, special):
    setting = Setting(name)
    setting.x[0, 0, 2, 3:5] = special
    plain = setting.plain()
    with np.errstate(all="ignore"):
        for activation, then in ACTIVATIONS.items():
            np.testing.assert_array_equal(setting.prepare(activation)(setting.x), then(plain))


@each([(name, last) for name in LAYERS for last in (False, True)])
def test_the_residual_may_be_out(case):
    name, last = case
    setting = Setting(name, last=last)
    layer = setting.prepare("relu")
    plain = setting.plain()
    residual = setting.residual(plain)
    wanted = np.maximum(plain + residual, 0)
    out = residual.copy()
    assert layer(setting.x, out, out) is out
    np.testing.assert_array_equal(out, wanted)
    room = np.zeros((2, *residual.shape), residual.dtype)  # and may overlap it
    flat = room.reshape(-1)
    moved = flat[7 : 7 + residual.size].reshape(residual.shape)
    moved[...] = residual
    out = flat[: residual.size].reshape(residual.shape)
    layer(setting.x, moved, out)
    np.testing.assert_array_equal(out, wanted)
    strided = np.zeros((*residual.shape, 2), residual.dtype)[..., 0]
    layer(setting.x, np.asfortranarray(residual), strided)
    np.testing.assert_array_equal(strided, wanted)


def test_a_residual_is_not_written_to():
    for name in LAYERS:
        setting = Setting(name)
        residual = setting.residual(setting.plain())
        kept = residual.copy()
        residual.flags.writeable = False
        setting.prepare("hardswish")(setting.x, residual)
        assert (residual == kept).all(), name


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("name", ["igemm", "ow channels", "ow rows", "depthwise"])
def test_sizes_around_a_vector(name, last):
    """Rows and channels that end within a vector; what lies behind them is not touched."""
    for extent in (*range(4, 20), 31, 32, 33, 63, 65):
        setting = Setting(name, last=last)
        axis = 2 if last else 3
        setting.x = numbers([n if i != axis else extent for i, n in enumerate(setting.x.shape)])
        plain = setting.plain()
        residual = setting.residual(plain)
        room = np.full(plain.size + 64, 77, np.float32)
        out = room[: plain.size].reshape(plain.shape)
        setting.prepare(("leaky_relu", 0.1))(setting.x, residual, out)
        np.testing.assert_array_equal(out, _tenth(plain + residual))
        assert (room[plain.size :] == 77).all()


def test_no_images_and_no_cells():
    setting = Setting("igemm", batch=0)
    layer = setting.prepare("relu")
    assert layer(setting.x).shape == (0, 64, 7, 9)
    assert layer(setting.x, np.zeros((0, 64, 7, 9), np.float32)).shape == (0, 64, 7, 9)


def test_residuals_that_do_not_fit():
    setting = Setting("igemm")
    layer = setting.prepare()
    for wrong in (np.zeros((2, 64, 7, 8), np.float32), np.zeros(9, np.float32), np.float32(1)):
        with pytest.raises(ValueError, match=r"residual must have the result's shape \(2, 64, 7, "):
            layer(setting.x, wrong)
