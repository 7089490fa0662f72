"""The same networks, losses and steps in PyTorch."""

import numpy as np
import pytest

from convcore import nn
from convcore.connections import lenet5_c3
from convcore.nn import models

torch = pytest.importorskip("torch")
F = torch.nn.functional


def tensors(model):
    return {
        name: torch.tensor(array, requires_grad=True) for name, array in model.parameters().items()
    }


def squash(x):
    return 1.7159 * torch.tanh(2 / 3 * x)


def subsample(x, weight, bias):
    return 4 * F.avg_pool2d(x, 2) * weight[:, None, None] + bias[:, None, None]


def lenet5(x, p, modern):
    table = torch.tensor(lenet5_c3())[:, :, None, None]
    f = F.relu if modern else squash

    def pool(x, name):
        if modern:
            return F.max_pool2d(x, 2)
        return squash(subsample(x, p[f"{name}.weight"], p[f"{name}.bias"]))

    x = pool(f(F.conv2d(x, p["C1.weight"], p["C1.bias"])), "S2")
    x = pool(f(F.conv2d(x, p["C3.weight"] * table, p["C3.bias"])), "S4")
    x = f(F.conv2d(x, p["C5.weight"], p["C5.bias"])).flatten(1)
    x = f(F.linear(x, p["F6.weight"], p["F6.bias"]))
    return F.linear(x, p["output.weight"], p["output.bias"])


def close(mine, theirs, tolerance=1e-5):
    theirs = theirs.detach().numpy()
    assert np.abs(mine - theirs).max() <= tolerance * max(1, np.abs(theirs).max())


@pytest.mark.parametrize("modern", [False, True])
def test_lenet5(modern):
    model = models.lenet5(modern, rng=0)
    rng = np.random.default_rng(0)
    for array in model.parameters().values():  # biases, too
        array += rng.normal(size=array.shape).astype(np.float32) / 20
    model["C3"].weight[~lenet5_c3()] = 0
    x = rng.normal(size=(16, 1, 32, 32)).astype(np.float32)
    labels = rng.integers(0, 10, 16)

    p, tx = tensors(model), torch.tensor(x, requires_grad=True)
    scores = lenet5(tx, p, modern)
    theirs = F.cross_entropy(scores, torch.tensor(labels))
    theirs.backward()

    mine = model.forward(x)
    loss = nn.cross_entropy(mine, labels)
    dx = model.backward(loss.gradient)
    close(mine, scores)
    assert abs(loss.value - theirs.item()) < 1e-5
    close(dx, tx.grad)
    for name, gradient in model.gradients.items():
        close(gradient, p[name].grad)


@pytest.mark.parametrize("groups", [False, True])
def test_alexnet(groups):
    model = models.alexnet(groups, classes=10, rng=0)
    x = np.random.default_rng(0).normal(size=(1, 3, 227, 227)).astype(np.float32)
    p = {name: torch.tensor(array) for name, array in model.parameters().items()}
    g = 2 if groups else 1
    with torch.no_grad():
        y = torch.tensor(x)
        for name, options, pool in [
            ("Conv-1", {"stride": 4}, True),
            ("Conv-2", {"padding": 2, "groups": g}, True),
            ("Conv-3", {"padding": 1}, False),
            ("Conv-4", {"padding": 1, "groups": g}, False),
            ("Conv-5", {"padding": 1, "groups": g}, True),
        ]:
            y = F.relu(F.conv2d(y, p[f"{name}.weight"], p[f"{name}.bias"], **options))
            y = F.max_pool2d(y, 3, 2) if pool else y
        y = y.flatten(1)
        for name in ("FC-1", "FC-2"):
            y = F.relu(F.linear(y, p[f"{name}.weight"], p[f"{name}.bias"]))
        y = F.linear(y, p["FC-3.weight"], p["FC-3.bias"])
    close(model.forward(x), y)


RULES = {
    "SGD": (lambda: nn.SGD(0.1), lambda p: torch.optim.SGD(p, 0.1)),
    "momentum": (lambda: nn.SGD(0.05, momentum=0.9), lambda p: torch.optim.SGD(p, 0.05, 0.9)),
    "decay": (
        lambda: nn.SGD(0.05, 0.5, 0.1),
        lambda p: torch.optim.SGD(p, 0.05, 0.5, weight_decay=0.1),
    ),
    "Adam": (lambda: nn.Adam(0.02), lambda p: torch.optim.Adam(p, 0.02)),
    "Adam, other numbers": (
        lambda: nn.Adam(0.02, (0.8, 0.95), 1e-3, 0.1),
        lambda p: torch.optim.Adam(p, 0.02, (0.8, 0.95), 1e-3, weight_decay=0.1),
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_rules(name):
    layer = nn.Linear(5, 3, rng=0, dtype=np.float64)
    p = tensors(layer)
    mine, theirs = RULES[name][0](), RULES[name][1](p.values())
    rng = np.random.default_rng(0)
    for _ in range(8):
        x, labels = rng.normal(size=(7, 5)), rng.integers(0, 3, 7)
        theirs.zero_grad()
        F.cross_entropy(
            F.linear(torch.tensor(x), p["weight"], p["bias"]), torch.tensor(labels)
        ).backward()
        theirs.step()
        layer.backward(nn.cross_entropy(layer.forward(x), labels).gradient)
        mine.step(layer)
    close(layer.weight, p["weight"], 1e-12)
    close(layer.bias, p["bias"], 1e-12)


def test_losses():
    rng = np.random.default_rng(0)
    scores, labels = 30 * rng.normal(size=(9, 4)), rng.integers(0, 4, 9)
    target = rng.normal(size=(9, 4))
    for mine, theirs in [
        (nn.cross_entropy(scores, labels), lambda t: F.cross_entropy(t, torch.tensor(labels))),
        (nn.mse(scores, target), lambda t: F.mse_loss(t, torch.tensor(target))),
    ]:
        t = torch.tensor(scores, requires_grad=True)
        loss = theirs(t)
        loss.backward()
        assert abs(mine.value - loss.item()) < 1e-12 * loss.item()
        close(mine.gradient, t.grad, 1e-12)


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        (nn.Tanh(), torch.nn.Tanh()),
        (nn.Sigmoid(), torch.nn.Sigmoid()),
        (nn.ReLU(), torch.nn.ReLU()),
        (nn.Softmax(), torch.nn.Softmax(1)),
        (nn.ReLU6(), torch.nn.ReLU6()),
        (nn.LeakyReLU(), torch.nn.LeakyReLU()),
        (nn.PReLU(dtype=np.float64), torch.nn.PReLU(dtype=torch.float64)),
        (nn.ELU(0.7), torch.nn.ELU(0.7)),
        (nn.SiLU(), torch.nn.SiLU()),
        (nn.Hardswish(), torch.nn.Hardswish()),
        (nn.GELU(), torch.nn.GELU()),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_activations(mine, theirs):
    """Without Hardsigmoid, whose slope in PyTorch is a float32 1/6 for float64 too."""
    x = np.random.default_rng(0).normal(size=(6, 5, 3)) * 4
    grad = np.random.default_rng(1).normal(size=x.shape)
    t = torch.tensor(x, requires_grad=True)
    y = theirs(t)
    y.backward(torch.tensor(grad))
    close(mine.forward(x), y, 1e-12)
    close(mine.backward(grad), t.grad, 1e-12)


DOUBLE = {"dtype": np.float64}
NORMS = {
    "BatchNorm1d": (
        lambda: nn.BatchNorm1d(5, **DOUBLE),
        lambda: torch.nn.BatchNorm1d(5),
        (6, 5),
    ),
    "BatchNorm2d": (
        lambda: nn.BatchNorm2d(5, 0.01, 0.3, **DOUBLE),
        lambda: torch.nn.BatchNorm2d(5, 0.01, 0.3),
        (3, 5, 4, 2),
    ),
    "BatchNorm3d": (
        lambda: nn.BatchNorm3d(2, affine=False, **DOUBLE),
        lambda: torch.nn.BatchNorm3d(2, affine=False),
        (2, 2, 3, 2, 2),
    ),
    "LayerNorm": (
        lambda: nn.LayerNorm((4, 3), **DOUBLE),
        lambda: torch.nn.LayerNorm((4, 3)),
        (2, 5, 4, 3),
    ),
    "GroupNorm": (
        lambda: nn.GroupNorm(3, 6, 0.01, **DOUBLE),
        lambda: torch.nn.GroupNorm(3, 6, 0.01),
        (2, 6, 4),
    ),
}


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", NORMS)
def test_normalizations(name, training):
    build, peer, shape = NORMS[name]
    mine, theirs = build(), peer().double()
    rng = np.random.default_rng(0)
    own = dict(theirs.named_parameters())
    for key, array in mine.parameters().items():
        array += rng.normal(size=array.shape)
        own[key].data = torch.tensor(array)
    for step in range(3):
        mine.train(training or step == 0)
        theirs.train(training or step == 0)
        x, grad = rng.normal(2, 3, (2, *shape))
        t = torch.tensor(x, requires_grad=True)
        y = theirs(t)
        theirs.zero_grad()
        y.backward(torch.tensor(grad))
        close(mine.forward(x), y, 1e-12)
        close(mine.backward(grad), t.grad, 1e-11)
        for key, tensor in own.items():
            close(mine.gradients[key], tensor.grad, 1e-11)
        for key, array in mine.buffers().items():
            close(array, dict(theirs.named_buffers())[key], 1e-13)


@pytest.mark.parametrize("aligned", [None, False, True])
@pytest.mark.parametrize("shape", [(2, 3, 5), (2, 3, 4, 5), (1, 2, 3, 2, 4)])
def test_upsample(shape, aligned):
    mode = ("linear", "bilinear", "trilinear")[len(shape) - 3]
    if aligned is None:
        mine, theirs = nn.Upsample(3), torch.nn.Upsample(scale_factor=3)
    else:
        mine = nn.Upsample(3, "linear", aligned)
        theirs = torch.nn.Upsample(scale_factor=3, mode=mode, align_corners=aligned)
    x = np.random.default_rng(0).normal(size=shape)
    t = torch.tensor(x, requires_grad=True)
    y = theirs(t)
    grad = np.random.default_rng(1).normal(size=tuple(y.shape))
    y.backward(torch.tensor(grad))
    close(mine.forward(x), y, 1e-12)
    close(mine.backward(grad), t.grad, 1e-12)
