"""Networks over dask arrays give the bits of the frozen network."""

import numpy as np
import pytest

from convcore import nn, onnx

dask = pytest.importorskip("dask", reason="arrays in chunks are dask's")
da = pytest.importorskip("dask.array")

from convcore import dask as bridge  # noqa: E402

pytestmark = pytest.mark.auto


@pytest.fixture(autouse=True)
def one_thread():
    with dask.config.set(scheduler="synchronous"):
        yield


def norm(channels, kind=nn.BatchNorm2d):
    layer, rng = kind(channels), np.random.default_rng(channels)
    layer.running_mean[...] = rng.standard_normal(channels)
    layer.running_var[...] = rng.random(channels) + 0.5
    return layer


def plain():
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding="same", rng=0), norm(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Residual(nn.Conv2d(16, 16, 3, padding=1, rng=1), norm(16), nn.SiLU(),
                    nn.Conv2d(16, 16, 3, padding=1, rng=2)),
        nn.ReLU(), nn.Conv2d(16, 32, 1, rng=3), nn.GELU(), nn.AvgPool2d(3, stride=2, padding=1),
        nn.Conv2d(32, 4, 5, stride=2, rng=4), nn.Sigmoid(),
    )  # fmt: skip


def branches():
    return nn.Sequential(
        nn.Concat(nn.Conv2d(3, 8, 3, padding=1, border="wrap", rng=0),
                  nn.Sequential(nn.MaxPool2d(3, 1, padding=1), nn.Conv2d(3, 4, 1, rng=1))),
        nn.PReLU(12), nn.LpPool2d(3, p=3), norm(12), nn.LeakyReLU(0.2), nn.Dropout(0.5),
        nn.TiledConv2d(12, 4, 3, period=2, rng=2), nn.Tanh(),
        nn.WeightedPool2d(np.ones((2, 2)) / 4, stride=1), nn.Identity(),
    )  # fmt: skip


def signal():
    return nn.Sequential(
        nn.Conv1d(3, 16, 9, stride=2, padding=4, rng=0), norm(16, nn.BatchNorm1d), nn.ELU(),
        nn.Conv1d(16, 16, 3, dilation=4, padding="same", rng=1), nn.Hardswish(), nn.L2Pool1d(3),
    )  # fmt: skip


def normalized_first():
    return nn.Sequential(
        norm(3), nn.Tanh(), nn.MaxPool2d(2), norm(3), nn.Sigmoid(), norm(3), nn.ReLU(),
    )  # fmt: skip


MODELS = {
    "plain": (plain, (2, 3, 150, 170)),
    "branches": (branches, (2, 3, 61, 50)),
    "signal": (signal, (2, 3, 900)),
    "normalized first": (normalized_first, (2, 3, 60, 61)),
    "resnet18": (lambda: trunk(nn.models.resnet18(rng=0), 3), (1, 3, 128, 120)),
    "mobilenet_v2": (lambda: trunk(nn.models.mobilenet_v2(rng=0), 4), (1, 3, 128, 96)),
}


def trunk(model, head):
    """A model without its last layers, which see everything."""
    return nn.Sequential(*[layer for _, layer in model._parts()][:-head])


@pytest.mark.parametrize("name", MODELS)
def test_a_frozen_network(name):
    make, shape = MODELS[name]
    model = make()
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    lazy = [bridge.map_network(model, da.from_array(x, (1, 2, *chunk))) for chunk in (
        (37, 40)[: x.ndim - 2], (64, 29)[: x.ndim - 2])]  # fmt: skip
    model.freeze()
    want = model.forward(x)
    for y in lazy:
        assert (y.shape, y.dtype) == (want.shape, want.dtype)
        assert np.array_equal(y.compute(), want)
    assert np.array_equal(bridge.map_network(model, da.from_array(x, 50)).compute(), want)


def test_a_network_of_a_file():
    model = plain()
    x = np.random.default_rng(0).standard_normal((1, 3, 90, 80)).astype(np.float32)
    network = onnx.load(onnx.export(model, x.shape[1:]))
    (want,) = network.run(x).values()
    y = bridge.map_network(network, da.from_array(x, (1, 3, 33, 80)))
    np.testing.assert_allclose(y.compute(), want, rtol=1e-6, atol=1e-6)


LAZY = da.zeros((1, 3, 20, 20), chunks=8, dtype=np.float32)
CONV = nn.Conv2d(3, 2, 3, rng=0)
REFUSED = {
    "no model": (lambda: bridge.map_network(len, LAZY), TypeError,
                 "dask.map_network: model must be a layer or a Network, got <built-in"),
    "no dask array": (lambda: bridge.map_network(CONV, np.zeros((1, 3, 9, 9))), TypeError,
                      "dask.map_network: x must be a dask array, got numpy.ndarray"),
    "all cells": (
        lambda: bridge.map_network(
            nn.Sequential(CONV, nn.Flatten(), nn.Linear(648, 2, rng=0)), LAZY
        ), ValueError, "dask.map_network: layers must slide or be pointwise, got "),
    "adaptive": (lambda: bridge.map_network(nn.AdaptiveAvgPool2d(1), LAZY), ValueError,
                 "dask.map_network: layers must slide or be pointwise, got convcore.adaptive_avg"),
    "transposed": (lambda: bridge.map_network(nn.ConvTranspose2d(3, 2, 3, rng=0), LAZY), ValueError,
                   "dask.map_network: layers must slide or be pointwise, got conv_transpose2d"),
    "channels": (lambda: bridge.map_network(nn.Conv2d(4, 2, 3, rng=0), LAZY), ValueError,
                 "dask.map_network: x must be a batch of inputs of the model, got shape "
                 "(1, 3, 20, 20): Conv2d: "),
    "axes": (lambda: bridge.map_network(nn.Sequential(CONV), LAZY[0]), ValueError,
             "dask.map_network: x must be a batch of inputs of the model, got shape "
                 "(3, 20, 20): Sequential: "),
    "threads": (lambda: bridge.map_network(CONV, LAZY, threads=0), ValueError,
                "dask.map_network: threads must be from 1 to 1024, got 0"),
    "dtype": (
        lambda: bridge.map_network(onnx.load(onnx.export(CONV, (3, 20, 20))), LAZY.astype("f8")),
        TypeError, "dask.map_network: x must have the network's dtype float32, got float64"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    call, kind, text = REFUSED[case]
    with pytest.raises(kind) as error:
        call()
    assert str(error.value).startswith(text)
