"""Copies and pickles: what a layer is, and neither what it last computed nor less of it."""

import copy
import pickle

import numpy as np
import pytest

from convcore import nn
from tests.nn.test_nn_layers import LAYERS, made

TWINS = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{f"pickle {n}": lambda layer, n=n: pickle.loads(pickle.dumps(layer, n)) for n in range(6)},
}


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize("name", LAYERS)
def test_what_was_computed_is_not_copied(name, twin):
    layer, x, _ = made(name)
    layer.train()
    y = layer.forward(x)
    layer.backward(y)
    other = TWINS[twin](layer)
    assert other.training
    if twin != "copy" or layer.parameters().keys() == {*layer.arrays}:
        assert not other.gradients  # a plain copy of a tree has the same layers
    with pytest.raises(ValueError, match="call forward"):
        other.backward(y)
    layer.backward(y)  # the layer itself has lost nothing


@pytest.mark.parametrize("name", LAYERS)
def test_a_pickle_does_not_grow_with_what_is_computed(name):
    layer, x, _ = made(name)
    layer.train()
    layer.forward(x[:1])
    before = len(pickle.dumps(layer))
    big = np.repeat(x, 50, axis=0)
    layer.backward(layer.forward(big))
    assert len(pickle.dumps(layer)) <= before + 64


@pytest.mark.parametrize("twin", [twin for twin in TWINS if twin != "copy"])
def test_frozen_stays_frozen(twin):
    model = nn.Sequential(
        {
            "inside": nn.Sequential([nn.Conv2d(1, 2, 3, rng=0), nn.Dropout()]),
            "flat": nn.Flatten(),
            "out": nn.Linear(8, 2, bias=False, rng=0),
        }
    )
    model.freeze()
    other = TWINS[twin](model)
    assert len(other.parameters()) == 3
    for array in other.parameters().values():
        with pytest.raises(ValueError, match="read-only"):
            array += 1
    x = np.ones((1, 1, 4, 4), np.float32)
    assert (other.forward(x) == model.forward(x)).all()
    with pytest.raises(ValueError, match="is frozen"):
        other.backward(np.ones((1, 2)))
    other.unfreeze()
    for array in other.parameters().values():
        array += 1  # no part of the first
    assert not any(array.flags.writeable for array in model.parameters().values())


def test_a_model_is_trained_after_a_copy():
    model = nn.Sequential([nn.Linear(3, 2, rng=0)])
    x, y = np.ones((4, 3), np.float32), [0, 1, 0, 1]
    nn.fit(model, x, y, optimizer=nn.SGD(0.1), progress=False, rng=0)
    assert all(layer._kept is None for layer in model.layers())
    other = copy.deepcopy(model)
    nn.fit(other, x, y, optimizer=nn.SGD(0.1), progress=False, rng=0)
    assert (other[0].weight != model[0].weight).any()
