"""Branches: trees whose layers all get the same input."""

import copy

import numpy as np
import pytest

from convcore import nn
from tests.nn.test_nn_layers import slope

F64 = {"dtype": np.float64, "rng": 0}


def block():
    """Every kind of tree inside another."""
    body = {
        "conv": nn.Conv2d(2, 3, 3, padding=1, **F64),
        "norm": nn.BatchNorm2d(3, dtype=np.float64),
        "act": nn.SiLU(),
    }
    return nn.Sequential(
        {
            "first": nn.Residual(body, shortcut=nn.Conv2d(2, 3, 1, **F64)),
            "wide": nn.Concat(
                {
                    "plain": nn.Identity(),
                    "small": nn.Sequential(nn.AvgPool2d(2), nn.Upsample(2, "linear")),
                    "sum": nn.Add(nn.Tanh(), nn.PReLU(3, dtype=np.float64)),
                }
            ),
            "last": nn.Conv2d(9, 2, 1, **F64),
        }
    )


@pytest.mark.parametrize("training", [False, True])
def test_gradients_through_trees(training):
    model = block()
    model.train(training)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 2, 4, 4))
    grad = rng.normal(size=model.forward(x).shape)
    dx = model.backward(grad)
    gradients = dict(model.gradients)

    def value():
        return float((model.forward(x) * grad).sum())

    np.testing.assert_allclose(dx, slope(value, x), rtol=1e-5, atol=1e-7)
    assert gradients.keys() == model.parameters().keys()
    for key, array in model.parameters().items():
        np.testing.assert_allclose(
            gradients[key], slope(value, array), rtol=1e-5, atol=1e-7, err_msg=key
        )
    other = copy.deepcopy(model)  # has no gradients yet
    other.forward(x)
    assert other.backward(grad, need_dx=False) is None
    assert other.gradients.keys() == gradients.keys()
    assert all((other.gradients[key] == gradients[key]).all() for key in gradients)


def test_names():
    model = block()
    assert list(model.state()) == [
        "first.body.conv.weight", "first.body.conv.bias", "first.body.norm.weight",
        "first.body.norm.bias", "first.body.norm.running_mean", "first.body.norm.running_var",
        "first.shortcut.weight", "first.shortcut.bias", "wide.sum.1.weight", "last.weight",
        "last.bias",
    ]  # fmt: skip
    assert model["first"]["body"]["conv"] is model[0][0][0]
    assert model["wide"].names == ("plain", "small", "sum")
    assert [layer.op for layer in model["wide"].layers()] == [
        "Concat", "Identity", "Sequential", "AvgPool2d", "Upsample", "Add", "Tanh", "PReLU"
    ]  # fmt: skip
    assert len(model["wide"]) == 3
    assert model.parameters()["first.shortcut.weight"] is model["first"]["shortcut"].weight
    assert model["wide"].shapes((3, 4, 4)) == [(3, 4, 4)] * 3


def test_what_they_compute():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 3, 4))
    conv = nn.Conv1d(3, 3, 3, padding=1, **F64)
    y = conv.forward(x)
    assert (nn.Residual(conv).forward(x) == y + x).all()
    assert (nn.Residual(conv, shortcut=nn.Tanh()).forward(x) == y + np.tanh(x)).all()
    assert (nn.Residual([conv, nn.ReLU()]).forward(x) == np.maximum(y, 0) + x).all()
    assert (nn.Concat(conv, nn.Identity()).forward(x) == np.concatenate([y, x], axis=1)).all()
    assert nn.Add(nn.Identity()).forward(x) is not x  # a sum of its own
    assert (nn.Add(nn.Identity()).forward(x) == x).all()
    assert nn.Residual().forward(x).tolist() == (2 * x).tolist()


def test_dtypes_of_sums():
    add = nn.Add(nn.Identity(), nn.Identity(), nn.Identity())
    x = np.array([[2049, 1]], np.float16)  # 2 x 2049 is rounded in float16, 3 x 2049 to another
    assert add.forward(x).dtype == np.float16
    assert add.forward(x)[0, 0] == np.float16(np.float32(x[0, 0]) * 3)
    assert add.forward(np.array([[100]], np.int8)).tolist() == [[300.0]]
    mixed = nn.Add(nn.Identity(), nn.Linear(2, 2, **F64)).forward(np.ones((1, 2), np.float32))
    assert mixed.dtype == np.float64


def test_one_example():
    model = block()
    x = np.random.default_rng(0).normal(size=(3, 2, 4, 6))
    assert model.axes == 3
    y = model.forward(x)
    np.testing.assert_allclose(model.forward(x[1]), y[1], rtol=1e-12)
    assert model.output_shape((2, 4, 6)) == y.shape[1:]
    assert model.output_shape(x.shape) == y.shape
    assert nn.Concat(nn.ReLU(), nn.Identity()).axes is None
    assert nn.Concat(nn.ReLU(), nn.MaxPool1d(2)).axes == 2


def test_counts_and_summary():
    model = block()
    numbers = nn.summary(model, (2, 4, 6))
    assert [row.name for row in numbers.rows] == [
        "first.body.conv", "first.body.norm", "first.body.act", "first.shortcut", "wide.plain",
        "wide.small.0", "wide.small.1", "wide.sum.0", "wide.sum.1", "last",
    ]  # fmt: skip
    count = model.count((2, 4, 6))
    assert (
        numbers.parameters
        == count.parameters
        == sum(array.size for array in model.parameters().values())
    )
    assert numbers.multiply_adds == count.multiply_adds
    assert model.count((5, 2, 4, 6)).multiply_adds == 5 * count.multiply_adds
    assert nn.summary(model["wide"], (3, 4, 4)).parameters == 3


def test_what_an_output_sees_through_branches():
    model = nn.Sequential(
        nn.Add(
            nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.Conv2d(2, 2, (1, 3), padding=(0, 1))),
            nn.Conv2d(1, 2, (5, 1), padding=(2, 0)),
        ),
        nn.BatchNorm2d(2),
        nn.MaxPool2d(2),
    )
    rows = nn.summary(model, (1, 8, 8)).rows
    assert [row.receptive_field for row in rows] == [(3, 3), (3, 5), (5, 1), (5, 5), (6, 6)]
    assert rows[-1].offset == (-2, -2)
    assert rows[-1].jump == (2, 2)
    scales = nn.Concat(nn.MaxPool2d(2), nn.Sequential(nn.MaxPool2d(4), nn.Upsample(2)))
    rows = nn.summary(nn.Sequential(scales, nn.ReLU()), (1, 8, 8)).rows
    assert rows[0].receptive_field == (2, 2)
    assert rows[-1].receptive_field is None  # upsampled: outputs differ


def test_freeze_and_copies():
    model = block()
    x = np.random.default_rng(0).normal(size=(2, 2, 4, 4))
    other = copy.deepcopy(model)
    y = model.forward(x)
    model.freeze()  # normalisations may be part of convolutions now
    np.testing.assert_allclose(model.forward(x), y, rtol=1e-12, atol=1e-14)
    with pytest.raises(ValueError, match="frozen"):
        model.backward(y)
    assert not any(array.flags.writeable for array in copy.deepcopy(model).state().values())
    model.unfreeze()
    for array in model.parameters().values():
        array += 1
    assert (other.forward(x) == y).all()


def test_a_branch_can_be_replaced():
    model = nn.Add(nn.Tanh(), nn.ReLU())
    x = np.array([[-1.0, 2.0]])
    model.forward(x)
    model[1] = nn.Identity()
    np.testing.assert_allclose(model.forward(x), np.tanh(x) + x)
    with pytest.raises(ValueError, match=r"layers must be distinct objects, got Tanh\(\) twice"):
        model[1] = model[0]


def test_a_layer_has_one_place():
    layer = nn.ReLU()
    for build in (nn.Add, nn.Concat, nn.Residual):
        words = rf"{'Sequential' if build is nn.Residual else build.__name__}: layers must be dis"
        with pytest.raises(ValueError, match=words):
            build(layer, layer)
    with pytest.raises(ValueError, match=r"Residual: layers must be distinct objects, got ReLU"):
        nn.Residual(layer, shortcut=layer)
    inner = nn.Sequential(nn.Tanh())
    model = nn.Add(inner, layer)
    inner.append(layer)
    with pytest.raises(ValueError, match="Add: layers must be distinct objects, got one twice"):
        model.forward(np.ones((1, 2)))


@pytest.mark.parametrize(
    ("build", "shape", "words"),
    [
        (
            lambda: nn.Add(nn.Identity(), nn.MaxPool2d(2)),
            (1, 4, 4),
            r"Add: branches must give one shape, got \(1, 2, 2\) of branch 1, MaxPool2d\(2\), and "
            r"\(1, 4, 4\) of branch 0, Identity\(\)$",
        ),
        (
            lambda: nn.Concat({"a": nn.Identity(), "b": nn.Sequential(nn.Flatten())}),
            (1, 4, 4),
            r"Concat: branches must give shapes that differ in the channels alone, got \(16,\) of "
            r"branch 1 'b', Sequential, and \(1, 4, 4\) of branch 0 'a', Identity\(\)$",
        ),
        (
            lambda: nn.Residual({"conv": nn.Conv2d(1, 2, 3, padding=1)}),
            (1, 4, 4),
            r"Residual: branches must give one shape, got \(1, 4, 4\) of branch 1 'shortcut', "
            r"Identity\(\), and \(2, 4, 4\) of branch 0 'body', Sequential$",
        ),
        (
            lambda: nn.Add(nn.Identity(), nn.Conv2d(3, 1, 1)),
            (1, 4, 4),
            r"Add: branch 1, Conv2d\(3, 1, 1\), does not fit the input, shape \(1, 4, 4\): "
            "Conv2d: x must have 3 channels, got 1",
        ),
        (
            lambda: nn.Sequential(
                nn.Tanh(), nn.Residual(nn.ReLU(), nn.Linear(3, 4)), input_shape=None
            ),
            (3,),
            r"Sequential: layer 1, Residual, does not fit what layer 0, Tanh\(\), gives, shape "
            r"\(3,\): Residual: branches must give one shape",
        ),
        (
            lambda: nn.Add(nn.MaxPool1d(1), nn.MaxPool2d(1)),
            (3, 4),
            r"Add: branch 1, MaxPool2d\(1\), does not fit the input, shape \(3, 4\): MaxPool2d: x "
            "must have 3 axes without the batch, got 2",
        ),
    ],
    ids=["add", "concat", "residual", "misfit", "nested", "axes"],
)
def test_what_does_not_fit_says_which_branch(build, shape, words):
    model = build()
    for call in (
        lambda: model.output_shape(shape),
        lambda: model.forward(np.ones((2, *shape))),
        lambda: model.count(shape),
        lambda: nn.summary(model, shape),
    ):
        with pytest.raises(ValueError, match=f"^{words}"):
            call()


@pytest.mark.parametrize("build", [nn.Add, nn.Concat])
def test_what_no_branches_are(build):
    name = build.__name__
    for call, kind, words in (
        (lambda: build(), ValueError, "branches must be at least one layer, got none"),
        (lambda: build([]), ValueError, "branches must be at least one layer, got none"),
        (lambda: build({}), TypeError, "branches must be layers, a list of layers or a mapping"),
        (lambda: build(5), TypeError, "branches must be layers, a list of layers or a mapping"),
        (lambda: build(nn.ReLU(), 5), TypeError, r"branch 1 must be a layer of convcore\.nn, g"),
        (lambda: build({"a.b": nn.ReLU()}), ValueError, "name must be a new word without dots"),
    ):
        with pytest.raises(kind, match=f"^{name}: {words}"):
            call()
    with pytest.raises(TypeError, match=r"Residual: branch 1 must be a layer of convcore\.nn"):
        nn.Residual(nn.ReLU(), shortcut=5)


def test_its_words():
    assert repr(nn.Concat({"a": nn.Identity(), "b": nn.Add(nn.ReLU())})).splitlines() == [
        "Concat(",
        "    a: Identity(),",
        "    b: Add(",
        "        0: ReLU(),",
        "    ),",
        ")",
    ]
