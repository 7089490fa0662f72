"""ResNet-18, MobileNetV2 and the U-net: their numbers, shapes and steps of training."""

import numpy as np
import pytest

import convcore
from convcore import nn
from convcore.nn import models

# Parameters, from torchvision; multiply-adds of convolutions and dense layers, from its documents.
KNOWN = {
    "resnet18": (11_689_512, 1.814e9),
    "mobilenet_v2": (3_504_872, 0.301e9),
}
BUILD = {name: getattr(models, name) for name in (*KNOWN, "unet")}
HALF = {"rng": 0, "dtype": np.float16}


@pytest.fixture(scope="module", params=KNOWN)
def network(request):
    return request.param, BUILD[request.param](**HALF)


def test_numbers(network):
    name, model = network
    parameters, products = KNOWN[name]
    rows = nn.summary(model, (3, 224, 224))
    assert sum(array.size for array in model.parameters().values()) == rows.parameters == parameters
    norms = sum(row.multiply_adds for row in rows.rows if row.layer.startswith("BatchNorm"))
    assert rows.multiply_adds - norms == pytest.approx(products, rel=1e-3)
    assert model.output_shape((2, 3, 224, 224)) == (2, 1000)
    assert model.output_shape((3, 160, 200)) == (1000,)


def test_torchvisions_arrays(network):
    """The shapes of the first and last arrays of its state, and how many there are."""
    name, model = network
    shapes = [array.shape for array in model.state().values()]
    first, count = {"resnet18": ((64, 3, 7, 7), 20), "mobilenet_v2": ((32, 3, 3, 3), 52)}[name]
    assert shapes[:2] == [first, first[:1]]
    assert len(shapes) == 5 * count + 2  # a kernel and four arrays of a norm, the dense layer
    assert shapes[-1] == (1000,)
    assert shapes[-2][0] == 1000


def test_stages(network):
    name, model = network
    after = dict(zip(model.names, model.shapes((3, 224, 224)), strict=True))
    if name == "resnet18":
        assert after["maxpool"] == (64, 56, 56)
        found = [after[f"layer{n}"] for n in (1, 2, 3, 4)]
        assert found == [(64, 56, 56), (128, 28, 28), (256, 14, 14), (512, 7, 7)]
        small = models.resnet18(10, small=True, **HALF)
        after = dict(zip(small.names, small.shapes((3, 32, 32)), strict=True))
        assert "maxpool" not in after
        assert [after[f"layer{n}"][1] for n in (1, 2, 3, 4)] == [32, 16, 8, 4]
        assert small.output_shape((3, 32, 32)) == (10,)
    else:
        found = [after[f"stage{n}_block1"] for n in range(1, 8)]
        assert [shape[0] for shape in found] == [16, 24, 32, 64, 96, 160, 320]
        assert [shape[1] for shape in found] == [112, 56, 28, 14, 14, 7, 7]
        assert sum(isinstance(layer, nn.Residual) for layer in model) == 10


def test_gains(network):
    """Weights have the variance 2 / fan_in before an activation, else 1 / fan_in."""
    name, model = network
    if name == "resnet18":
        weights = {2: model["layer3"]["block2"]["body"]["conv2"].weight, 1: model["fc"].weight}
    else:
        block = model["stage6_block2"]["body"]
        weights = {2: block["widen"]["conv"].weight, 1: block["narrow"].weight}
    for variance, weight in weights.items():
        fan_in = np.prod(weight.shape[1:])
        assert weight.astype(float).var() * fan_in == pytest.approx(variance, rel=0.05)


@pytest.mark.parametrize("name", BUILD)
def test_the_same_seed_gives_the_same_network(name):
    mine, yours, other = (BUILD[name](rng=n, dtype=np.float16).state() for n in (3, 3, 4))
    assert all((mine[key] == yours[key]).all() for key in mine)
    assert any((mine[key] != other[key]).any() for key in mine)


# Small images keep it short; MobileNetV2 halves 64 cells to 2.
SMALL = {
    "resnet18": (lambda: models.resnet18(4, small=True, rng=0), (3, 16, 16)),
    "mobilenet_v2": (lambda: models.mobilenet_v2(4, rng=0), (3, 64, 64)),
    "unet": (lambda: models.unet(1, 2, 4, 2, rng=0), (1, 16, 16)),
}


@pytest.mark.parametrize("name", SMALL)
def test_values_keep_their_size(name):
    """In training, where batches are standardized, and with the running statistics of it."""
    build, shape = SMALL[name]
    model = build()
    x = np.random.default_rng(0).normal(size=(8, *shape)).astype(np.float32)
    model.train()
    with convcore.threads(1):
        y = model.forward(x)
    assert 0.1 < y.std() < 10


@pytest.mark.parametrize("name", SMALL)
def test_steps_lower_the_loss(name):
    build, shape = SMALL[name]
    model = build()
    if name == "mobilenet_v2":
        model["dropout"] = nn.Identity()  # the same function in each step
    rng = np.random.default_rng(0)
    x = rng.normal(size=(8, *shape)).astype(np.float32)
    y = np.arange(8) % 4
    if name == "unet":
        y = np.stack([x[:, 0] > 0, x[:, 0] <= 0], axis=1).astype(np.float32)
    loss = nn.mse if name == "unet" else nn.cross_entropy
    rule = nn.SGD(0.02)
    model.train()
    values = []
    with convcore.threads(1):
        for _ in range(4):
            found = loss(model.forward(x), y)
            values.append(found.value)
            model.backward(found.gradient, need_dx=False)
            rule.step(model)
    assert values[3] < 0.9 * values[0]
    assert all(np.isfinite(array).all() for array in model.state().values())
    assert model.gradients.keys() == model.parameters().keys()


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_unet_shapes(depth):
    model = models.unet(2, 5, 4, depth, rng=0)
    x = np.random.default_rng(0).normal(size=(2, 2, 24, 16)).astype(np.float32)
    assert model.forward(x).shape == (2, 5, 24, 16)
    assert model.forward(x[0]).shape == (5, 24, 16)
    assert model.output_shape(x.shape) == (2, 5, 24, 16)
    assert sum(isinstance(layer, nn.Concat) for layer in model.layers()) == depth
    assert model.count((2, 24, 16)).parameters == sum(
        array.size for array in model.parameters().values()
    )


def test_unet_says_what_does_not_fit():
    with pytest.raises(ValueError, match=r"Concat: branches must give .*'deeper', Sequential"):
        models.unet(rng=0).forward(np.ones((1, 1, 20, 16)))


def test_refusals():
    for call, kind, words in (
        (lambda: models.resnet18(0), ValueError, "resnet18: classes must be at least 1, got 0"),
        (lambda: models.resnet18(small=1), TypeError, "resnet18: small must be True or False"),
        (lambda: models.resnet18(dtype=int), TypeError, "resnet18: dtype must be float16"),
        (lambda: models.mobilenet_v2(1.0), TypeError, "mobilenet_v2: classes must be an integer"),
        (lambda: models.mobilenet_v2(rng="a"), TypeError, "mobilenet_v2: rng must be"),
        (lambda: models.unet(0), ValueError, "unet: in_channels must be at least 1, got 0"),
        (lambda: models.unet(depth=17), ValueError, "unet: depth must be from 0 to 16, got 17"),
        (lambda: models.unet(channels=0), ValueError, "unet: channels must be at least 1"),
    ):
        with pytest.raises(kind, match=f"^{words}"):
            call()
