"""Activations against their formulas, far from zero and at their corners."""

import math

import numpy as np
import pytest

from convcore import nn

X = np.array([-30.0, -6.0, -3.0, -1.5, -0.25, 0.0, 0.25, 1.5, 3.0, 6.0, 30.0])


def logistic(v):
    return 1 / (1 + math.exp(-v))


def normal(v):
    return math.erfc(-v / math.sqrt(2)) / 2


def density(v):
    return math.exp(-v * v / 2) / math.sqrt(2 * math.pi)


# The layer, its value and its slope at one number; at corners PyTorch's.
FORMULAS = {
    "ReLU6": (nn.ReLU6(), lambda v: min(max(v, 0), 6), lambda v: float(0 < v < 6)),
    "LeakyReLU": (nn.LeakyReLU(), lambda v: max(v, 0.01 * v), lambda v: 1 if v > 0 else 0.01),
    "LeakyReLU upwards": (nn.LeakyReLU(-1), abs, lambda v: 1 if v > 0 else -1),
    "PReLU": (
        nn.PReLU(init=0.5, dtype=np.float64),
        lambda v: v if v > 0 else v / 2,
        lambda v: 1 if v > 0 else 0.5,
    ),
    "ELU": (
        nn.ELU(2),
        lambda v: v if v > 0 else 2 * math.expm1(v),
        lambda v: 1 if v > 0 else 2 * math.exp(v),
    ),
    "Hardsigmoid": (
        nn.Hardsigmoid(),
        lambda v: min(max(v / 6 + 0.5, 0), 1),
        lambda v: 1 / 6 if -3 < v < 3 else 0,
    ),
    "Hardswish": (
        nn.Hardswish(),
        lambda v: v * min(max(v / 6 + 0.5, 0), 1),
        lambda v: 0 if v <= -3 else 1 if v >= 3 else v / 3 + 0.5,
    ),
    "SiLU": (
        nn.SiLU(),
        lambda v: v * logistic(v),
        lambda v: logistic(v) * (1 + v * logistic(-v)),
    ),
    "GELU": (nn.GELU(), lambda v: v * normal(v), lambda v: normal(v) + v * density(v)),
}


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize(
    ("dtype", "bound"), [(np.float64, 2e-13), (np.float32, 2e-6), (np.float16, 2e-3)]
)
def test_value_and_slope(name, dtype, bound):
    layer, value, slope = FORMULAS[name]
    x = X[np.newaxis].astype(dtype)
    y = layer.forward(x)
    dx = layer.backward(np.full_like(x, 3))
    wide = np.float64 if name == "PReLU" else dtype  # its weight's
    assert y.dtype == dx.dtype == wide
    smallest = np.finfo(dtype).smallest_normal
    np.testing.assert_allclose(y[0], [value(v) for v in X], rtol=bound, atol=smallest)
    np.testing.assert_allclose(dx[0], [3 * slope(v) for v in X], rtol=4 * bound, atol=smallest)


@pytest.mark.parametrize(
    ("layer", "low", "high"),
    [
        (nn.ReLU6(), 0, 6),
        (nn.LeakyReLU(), -np.inf, np.inf),
        (nn.PReLU(), -np.inf, np.inf),
        (nn.ELU(), -1, np.inf),
        (nn.Hardsigmoid(), 0, 1),
        (nn.Hardswish(), 0, np.inf),
    ],
    ids=lambda value: getattr(value, "op", ""),
)
def test_infinities_and_nan(layer, low, high):
    y = layer.forward(np.array([[-np.inf, np.inf, np.nan]], np.float32))[0]
    assert y[:2].tolist() == [low, high]
    assert np.isnan(y[2])


@pytest.mark.parametrize("layer", [nn.ReLU6(), nn.Hardsigmoid(), nn.Hardswish()])
def test_nothing_comes_back_where_values_are_cut_off(layer):
    layer.forward(np.array([[-9.0, -8.0]]))
    assert layer.backward(np.array([[np.inf, np.nan]])).tolist() == [[0, 0]]


def test_a_weight_for_each_channel():
    layer = nn.PReLU(3, dtype=np.float64)
    assert layer.weight.tolist() == [0.25] * 3
    layer.weight[...] = [0.5, 0, -1]
    x = np.random.default_rng(0).normal(size=(4, 3, 5))
    grad = np.random.default_rng(1).normal(size=x.shape)
    low = np.minimum(x, 0)
    w = layer.weight[:, np.newaxis]
    np.testing.assert_allclose(layer.forward(x), np.maximum(x, 0) + w * low, rtol=1e-15)
    np.testing.assert_allclose(layer.backward(grad), np.where(x > 0, 1, w) * grad, rtol=1e-15)
    np.testing.assert_allclose(layer.gradients["weight"], (grad * low).sum(axis=(0, 2)), rtol=1e-13)
    one = nn.PReLU(dtype=np.float64)
    one.forward(x)
    one.backward(grad)
    np.testing.assert_allclose(one.gradients["weight"], [(grad * low).sum()], rtol=1e-13)


def test_a_learned_slope():
    """|x| is a PReLU of slope -1, which training finds."""
    layer = nn.PReLU()
    x = np.random.default_rng(0).normal(size=(64, 1)).astype(np.float32)
    nn.fit(layer, x, np.abs(x), optimizer=nn.SGD(0.5), loss=nn.mse, epochs=30, rng=0,
           progress=False)  # fmt: skip
    assert abs(layer.weight[0] + 1) < 1e-3


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: nn.LeakyReLU(np.inf), ValueError, "LeakyReLU: slope must be finite, got inf"),
        (lambda: nn.LeakyReLU(-np.inf), ValueError, "LeakyReLU: slope must be finite, got -inf"),
        (lambda: nn.LeakyReLU("1"), TypeError, "LeakyReLU: slope must be a number, got '1'"),
        (lambda: nn.ELU(np.nan), ValueError, "ELU: alpha must be finite, got nan"),
        (lambda: nn.PReLU(0), ValueError, "PReLU: channels must be at least 1, got 0"),
        (lambda: nn.PReLU(init=True), TypeError, "PReLU: init must be a number, got True"),
        (lambda: nn.PReLU(dtype=int), TypeError, "PReLU: dtype must be float16, float32 or"),
        (
            lambda: nn.PReLU(3).forward(np.ones((2, 4))),
            ValueError,
            r"PReLU: x must have 3 channels, got 4 in shape \(4,\)",
        ),
        (
            lambda: nn.PReLU(3).forward(np.ones(3)),
            ValueError,
            r"PReLU: x must have 3 channels, got none in shape \(\)",
        ),
    ],
)
def test_refusals(call, kind, words):
    with pytest.raises(kind, match=f"^{words}"):
        call()


@pytest.mark.parametrize(
    "words",
    ["LeakyReLU()", "LeakyReLU(slope=0.2)", "PReLU()", "PReLU(channels=3, init=0.1)", "ELU()",
     "ELU(alpha=0.5)", "ReLU6()", "SiLU()", "Hardswish()", "Hardsigmoid()", "GELU()"],
)  # fmt: skip
def test_the_call_that_a_layer_shows_makes_it(words):
    assert repr(eval(words, vars(nn))) == words
