"""Normalizations against their formulas in float64, in training and in use."""

import numpy as np
import pytest

from convcore import nn
from tests.nn.test_nn_layers import slope

BATCH = {
    "1d rows": (lambda **more: nn.BatchNorm1d(3, **more), (5, 3)),
    "1d": (lambda **more: nn.BatchNorm1d(3, **more), (4, 3, 5)),
    "2d": (lambda **more: nn.BatchNorm2d(2, **more), (3, 2, 4, 5)),
    "3d": (lambda **more: nn.BatchNorm3d(2, **more), (2, 2, 3, 2, 4)),
}
F64 = {"dtype": np.float64}


def over(x):
    """All axes but the channels, and the shape in which channels meet x."""
    return (0, *range(2, x.ndim)), (1, -1, *(1,) * (x.ndim - 2))


def by_formula(x, weight, bias, mean, var, eps=1e-5):
    _, each = over(x)
    mean, var, weight, bias = (array.reshape(each) for array in (mean, var, weight, bias))
    return weight * (x - mean) / np.sqrt(var + eps) + bias


def made(name, **more):
    build, shape = BATCH[name]
    layer = build(**{**F64, **more})
    rng = np.random.default_rng(0)
    for array in layer.parameters().values():
        array += rng.normal(size=array.shape) / 4
    return layer, 3 + 2 * rng.normal(size=shape), rng


@pytest.mark.parametrize("name", BATCH)
def test_training_and_use(name):
    layer, x, _ = made(name, momentum=0.3)
    axes, _ = over(x)
    n = x.size / layer.channels
    mean, var = np.zeros(layer.channels), np.ones(layer.channels)
    layer.train()
    for step in range(3):
        batch = x + step
        own = batch.mean(axis=axes), batch.var(axis=axes)
        want = by_formula(batch, layer.weight, layer.bias, *own)
        np.testing.assert_allclose(layer.forward(batch), want, rtol=1e-12, atol=1e-13)
        mean, var = 0.7 * mean + 0.3 * own[0], 0.7 * var + 0.3 * own[1] * n / (n - 1)
    np.testing.assert_allclose(layer.running_mean, mean, rtol=1e-13)
    np.testing.assert_allclose(layer.running_var, var, rtol=1e-13)
    layer.train(False)
    want = by_formula(x, layer.weight, layer.bias, mean, var)
    for _ in range(2):  # use changes nothing
        np.testing.assert_allclose(layer.forward(x), want, rtol=1e-12, atol=1e-13)
    assert (layer.forward(x[:1]) == layer.forward(x)[:1]).all()  # nor does the batch matter


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("name", BATCH)
def test_gradients_in_training(name, affine):
    layer, x, rng = made(name, affine=affine, eps=0.1)
    grad = rng.normal(size=x.shape)
    layer.train()
    layer.forward(x)
    dx = layer.backward(grad)
    gradients = dict(layer.gradients)
    assert gradients.keys() == layer.parameters().keys()
    assert len(gradients) == 2 * affine

    def value():
        return float((layer.forward(x) * grad).sum())

    np.testing.assert_allclose(dx, slope(value, x), rtol=1e-5, atol=1e-7)
    for key, array in layer.parameters().items():
        np.testing.assert_allclose(gradients[key], slope(value, array), rtol=1e-5, atol=1e-7)
    assert abs(dx.sum(axis=over(x)[0])).max() < 1e-12  # a shift of all values changes nothing


def test_the_gradient_is_of_the_statistics_of_its_forward():
    layer, x, rng = made("2d")
    grad = rng.normal(size=x.shape)
    layer.running_var[...] = 4
    layer.forward(x)
    layer.running_var[...] = 100
    dx = layer.backward(grad)
    np.testing.assert_allclose(
        dx, grad * layer.weight[:, None, None] / np.sqrt(4 + 1e-5), rtol=1e-14
    )


FAR = {
    "BatchNorm2d": (lambda: nn.BatchNorm2d(2, affine=False), (0, 2, 3)),
    "GroupNorm": (lambda: nn.GroupNorm(2, 2, affine=False), (2, 3)),
    "LayerNorm": (lambda: nn.LayerNorm((8, 8), affine=False), (2, 3)),
}


@pytest.mark.parametrize("distance", [1e4, -1e6])
@pytest.mark.parametrize("name", FAR)
def test_values_far_from_zero(name, distance):
    build, axes = FAR[name]
    layer = build()
    noise = np.random.default_rng(0).normal(size=(16, 2, 8, 8))
    x = (distance + noise).astype(np.float32)
    wide = x.astype(np.float64)
    mean, var = (wide.mean(axis=axes, keepdims=True), wide.var(axis=axes, keepdims=True))
    want = (wide - mean) / np.sqrt(var + 1e-5)
    layer.train()
    y = layer.forward(x)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, want, rtol=0, atol=1e-6)
    grad = np.random.default_rng(1).normal(size=x.shape).astype(np.float32)
    along = (grad * want).mean(axis=axes, keepdims=True)
    back = (grad - grad.mean(axis=axes, keepdims=True, dtype=float) - want * along) / np.sqrt(
        var + 1e-5
    )
    np.testing.assert_allclose(layer.backward(grad), back, rtol=0, atol=2e-6)
    if name == "BatchNorm2d":
        layer.momentum = 1.0
        layer.forward(x)
        n = x.size / 2
        np.testing.assert_allclose(layer.running_var, var.ravel() * n / (n - 1), rtol=1e-6)
        layer.train(False)
        np.testing.assert_allclose(layer.forward(x).std(), 1, rtol=1e-3)


def test_layer_norm():
    layer = nn.LayerNorm((3, 4), eps=0.1, **F64)
    rng = np.random.default_rng(0)
    layer.weight[...], layer.bias[...] = rng.normal(size=(2, 3, 4))
    x = rng.normal(size=(2, 5, 3, 4))
    mean, var = (f(axis=(2, 3), keepdims=True) for f in (x.mean, x.var))
    want = layer.weight * (x - mean) / np.sqrt(var + 0.1) + layer.bias
    np.testing.assert_allclose(layer.forward(x), want, rtol=1e-12, atol=1e-14)
    layer.train()
    np.testing.assert_allclose(layer.forward(x), want, rtol=1e-12, atol=1e-14)
    one = nn.LayerNorm(1).forward(np.ones((3, 1)))
    assert (one == 0).all()


@pytest.mark.parametrize("groups", [1, 2, 6])
def test_group_norm(groups):
    layer = nn.GroupNorm(groups, 6, eps=0.1, **F64)
    rng = np.random.default_rng(0)
    layer.weight[...], layer.bias[...] = rng.normal(size=(2, 6))
    x = rng.normal(size=(2, 6, 3, 4))
    parts = []
    for part in np.split(x, groups, axis=1):
        mean, var = (f(axis=(1, 2, 3), keepdims=True) for f in (part.mean, part.var))
        parts.append((part - mean) / np.sqrt(var + 0.1))
    want = np.concatenate(parts, axis=1)
    want = want * layer.weight[:, None, None] + layer.bias[:, None, None]
    np.testing.assert_allclose(layer.forward(x), want, rtol=1e-12, atol=1e-14)


def test_float16_is_computed_in_float32():
    x = (100 + np.random.default_rng(0).normal(size=(64, 2, 40, 40))).astype(np.float16)
    layer = nn.BatchNorm2d(2, momentum=1, dtype=np.float16)
    assert layer.weight.dtype == np.float16
    assert layer.running_mean.dtype == layer.running_var.dtype == np.float32
    layer.train()
    y = layer.forward(x)  # the sum of a channel is 1e7, beyond float16
    assert y.dtype == layer.backward(y).dtype == np.float16
    np.testing.assert_allclose(layer.gradients["weight"], 64 * 1600, rtol=1e-3)  # and so is this
    np.testing.assert_allclose(y.astype(float).std(axis=(0, 2, 3)), 1, rtol=1e-3)
    np.testing.assert_allclose(layer.running_mean, x.astype(float).mean(axis=(0, 2, 3)), rtol=1e-6)


def test_counts_name_no_buffers():
    layer = nn.BatchNorm2d(4)
    assert layer.count((4, 5, 5)) == (8, 4, 4, 200, 100)
    assert nn.BatchNorm2d(4, affine=False).count((2, 4, 5, 5)) == (0, 0, 0, 200, 200)
    assert nn.summary(nn.Sequential(nn.Conv2d(1, 4, 3), layer), (1, 7, 7)).parameters == 48
    assert nn.summary(nn.Sequential(nn.Conv2d(1, 4, 3), layer), (1, 7, 7))[1].jump == (1, 1)


@pytest.mark.parametrize("shape", [(1, 3), (0, 3), (1, 3, 1), (0, 3, 7), (4, 3, 0)])
def test_too_few_values_for_a_variance(shape):
    layer = nn.BatchNorm1d(3)
    layer.train()
    before = layer.running_mean.copy(), layer.running_var.copy()
    words = r"BatchNorm1d: x must have at least 2 values a channel in training, got [01]$"
    with pytest.raises(ValueError, match=words):
        layer.forward(np.ones(shape))
    assert (layer.running_mean == before[0]).all()
    assert (layer.running_var == before[1]).all()
    layer.train(False)
    assert layer.forward(np.ones(shape)).shape == shape
    layer.train()
    assert layer.forward(np.ones((1, 3, 2))).tolist() == np.zeros((1, 3, 2)).tolist()


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda: nn.BatchNorm2d(0), ValueError, "BatchNorm2d: channels must be at least 1, got 0"),
        (lambda: nn.BatchNorm2d(2.0), TypeError, "BatchNorm2d: channels must be an integer"),
        (
            lambda: nn.BatchNorm2d(2, 0),
            ValueError,
            "BatchNorm2d: eps must be greater than 0 and finite, got 0",
        ),
        (lambda: nn.LayerNorm(2, -1e-5), ValueError, "LayerNorm: eps must be greater than 0 and"),
        (lambda: nn.GroupNorm(1, 2, np.nan), ValueError, "GroupNorm: eps must be .*, got nan"),
        (lambda: nn.BatchNorm1d(2, np.inf), ValueError, "BatchNorm1d: eps must be .*, got inf"),
        (
            lambda: nn.BatchNorm3d(2, momentum=np.nan),
            ValueError,
            "BatchNorm3d: momentum must be at least 0 and finite, got nan",
        ),
        (lambda: nn.BatchNorm2d(2, momentum=1.1), ValueError, "momentum must be at most 1, got"),
        (lambda: nn.BatchNorm2d(2, momentum=-0.1), ValueError, "momentum must be at least 0"),
        (lambda: nn.BatchNorm2d(2, momentum=None), TypeError, "momentum must be a number"),
        (lambda: nn.BatchNorm2d(2, affine=1), TypeError, "affine must be True or False, got 1"),
        (lambda: nn.BatchNorm2d(2, dtype=int), TypeError, "BatchNorm2d: dtype must be float16"),
        (
            lambda: nn.GroupNorm(4, 6),
            ValueError,
            "GroupNorm: groups must divide channels = 6, got 4",
        ),
        (lambda: nn.LayerNorm(()), ValueError, "LayerNorm: shape must be"),
        (lambda: nn.LayerNorm((2, 0)), ValueError, "LayerNorm: shape must be at least 1, got 0"),
        (
            lambda: nn.BatchNorm2d(3).forward(np.ones((1, 2, 4, 4))),
            ValueError,
            r"BatchNorm2d: x must have 3 channels, got 2 in shape \(2, 4, 4\)",
        ),
        (
            lambda: nn.BatchNorm2d(3).forward(np.ones((1, 3))),
            ValueError,
            "BatchNorm2d: x must have 4 axes, the batch first, or 3 without",
        ),
        (
            lambda: nn.BatchNorm1d(3).forward(np.ones((1, 3, 4, 4))),
            ValueError,
            r"BatchNorm1d: x must have 1 or 2 axes without the batch, got \(3, 4, 4\)",
        ),
        (
            lambda: nn.LayerNorm((3, 4)).forward(np.ones((2, 4, 3))),
            ValueError,
            r"LayerNorm: x must end with the axes \(3, 4\), got shape \(4, 3\)",
        ),
        (
            lambda: nn.GroupNorm(1, 2).forward(np.ones((2, 3))),
            ValueError,
            "GroupNorm: x must have 2 channels, got 3",
        ),
    ],
)
def test_refusals(call, kind, words):
    with pytest.raises(kind, match=words):
        call()


@pytest.mark.parametrize(
    "words",
    ["BatchNorm1d(3)", "BatchNorm2d(3, eps=0.001, momentum=0.01)", "BatchNorm3d(3, affine=False)",
     "LayerNorm(5)", "LayerNorm((5, 5), eps=0.1)", "GroupNorm(2, 6)",
     "GroupNorm(3, 6, affine=False)"],
)  # fmt: skip
def test_the_call_that_a_layer_shows_makes_it(words):
    assert repr(eval(words, vars(nn))) == words
