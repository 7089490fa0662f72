"""Layers that ignore NaN: they are their functions, also when frozen."""

import numpy as np
import pytest

import convcore
from convcore import nn, onnx
from convcore.spec.registry import OPERATORS, class_name

KINDS = [kind for kind, operator in OPERATORS.items() if operator.missing]


def made(kind, axes, **options):
    first = {"conv": (2, 3, 2), "weighted_pool": (np.ones((2,) * axes),)}.get(kind, (2,))
    more = {"rng": 0} if kind == "conv" else {}
    return getattr(nn, class_name(kind, axes))(*first, **more, **options)


def gaps(axes):
    x = np.random.default_rng(1).standard_normal((2, 2, *(6, 5, 4)[:axes])).astype(np.float32)
    x[np.random.default_rng(2).random(x.shape) < 0.4] = np.nan
    return x


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pair", ["zeros", ("edge", np.nan), (-1.0, "wrap")], ids=str)
def test_layers(pair, kind, axes):
    borders = {} if pair == "zeros" else {"padding": 1, "border": (pair,) * axes}
    layer, x = made(kind, axes, nan="ignore", fill=-2.0, layout=None, **borders), gaps(axes)
    arrays = (layer.weight, layer.bias) if kind == "conv" else ()
    words = {name: value for name, value in layer.options.items() if name != "algorithm"}
    y = layer.forward(x)
    options = {**words, **layer.missing}
    want = getattr(convcore, layer.operator)(x, *arrays, **options)
    assert np.array_equal(y, want)
    assert not np.isnan(y).any()
    grad = np.ones_like(y)
    dx = layer.backward(grad)
    back = getattr(convcore, f"{layer.operator}_backward")(grad, x, *arrays, **options)
    assert np.array_equal(dx, back[0] if kind == "conv" else back)
    assert (dx[np.isnan(x)] == 0).all()
    assert "nan='ignore', fill=-2.0" in repr(layer).replace("normalize=True, ", "")
    model = nn.Sequential(layer)
    model.freeze()
    np.testing.assert_allclose(model.forward(x), y, rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_plain_layers_say_nothing_of_it(kind):
    assert "nan" not in repr(made(kind, 2))
    assert np.isnan(made(kind, 2).forward(gaps(2))).any()


def test_other_programs_have_no_such_layers():
    model = nn.Sequential(nn.Conv2d(1, 1, 3, nan="ignore", rng=0))
    with pytest.raises(ValueError, match="nan='ignore'"):
        onnx.export(model, (1, 8, 8))


def test_options_are_read():
    with pytest.raises(ValueError, match="AvgPool2d: nan must be one of"):
        nn.AvgPool2d(2, nan="skip")
    with pytest.raises(TypeError, match="MaxPool2d: fill must be a number"):
        nn.MaxPool2d(2, fill="0")
