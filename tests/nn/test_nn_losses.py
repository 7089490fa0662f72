"""A loss of one's own: what it may return; and errors of ours alone where training diverges."""

import warnings
from fractions import Fraction

import numpy as np
import pytest

from convcore import nn
from tests.nn.test_nn_training import bars, fitted, model

pytest.importorskip("safetensors", reason="safetensors is not installed")


@pytest.mark.parametrize(
    "real", [np.float32, np.float64, np.float16, np.array, int, np.int64, Fraction]
)
def test_a_loss_whose_value_is_any_real_number(tmp_path, real):
    def loss(scores, labels):
        value, gradient = nn.cross_entropy(scores, labels)
        return real(value), gradient

    net, history = fitted(2, loss=loss, checkpoint=tmp_path / "run")
    assert all(type(epoch.loss) is float for epoch in history)
    assert type(nn.evaluate(net, *bars(), loss=loss).loss) is float
    assert len(fitted(3, loss=loss, checkpoint=tmp_path / "run")[1]) == 3


@pytest.mark.parametrize(
    ("found", "kind", "words"),
    [
        (
            lambda y: 1.0,
            TypeError,
            r"fit: loss must return a Loss, a value and its gradient, got 1\.0",
        ),
        (lambda y: None, TypeError, "a value and its gradient, got None"),
        (lambda y: (1.0, y, y), TypeError, "a value and its gradient, got"),
        (
            lambda y: (y[:, 0], y),
            TypeError,
            "a value that is one real number, got an array of shape .16,",
        ),
        (lambda y: ("1.0", y), TypeError, "one real number, got '1.0'"),
        (lambda y: (1j, y), TypeError, "one real number, got 1j"),
        (lambda y: (np.complex64(1), y), TypeError, "one real number, got"),
        (lambda y: (None, y), TypeError, "one real number, got None"),
        (
            lambda y: (1.0, y[:, 0]),
            ValueError,
            r"loss must return a gradient of shape \(16, 2\), as the model's result has, got \(16,\)",  # noqa: E501
        ),
        (
            lambda y: (1.0, None),
            TypeError,
            "gradient that loss returns must be an array, got None",
        ),
        (
            lambda y: (1.0, y * 1j),
            TypeError,
            "gradient that loss returns must .* got complex",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_loss_must_not_return(found, kind, words):
    net = model()
    before = {name: array.copy() for name, array in net.parameters().items()}
    with pytest.raises(kind, match=words):
        fitted(1, into=net, loss=lambda y, wanted: found(y))
    assert all((array == before[name]).all() for name, array in net.parameters().items())
    with pytest.raises(kind, match=words.replace("fit", "evaluate").replace("16", "120")):
        nn.evaluate(net, *bars(), loss=lambda y, wanted: found(y))


def test_a_loss_that_raises_an_error_of_its_own():
    class OwnError(ValueError):
        def __init__(self, code, place):
            super().__init__(f"{code} at {place}")

    def loss(scores, labels):
        raise OwnError(5, "here")

    with pytest.raises(ValueError, match="fit: y, from example 0 on: 5 at here") as caught:
        fitted(1, loss=loss)
    assert type(caught.value.__cause__) is OwnError


@pytest.mark.parametrize("loss", [nn.cross_entropy, nn.mse])
@pytest.mark.parametrize("make", [nn.SGD, nn.Adam])
def test_our_error_alone_when_a_training_diverges(make, loss):
    x, y = bars()
    if loss is nn.mse:
        y = np.stack([y, 1 - y], 1)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with pytest.raises(ValueError, match="training diverged"):
            nn.fit(
                model(),
                x,
                y,
                optimizer=make(1e38),
                loss=loss,
                epochs=5,
                batch_size=16,
                rng=7,
                progress=False,
            )
    assert not seen


def test_our_error_alone_when_results_are_not_finite():
    net = nn.Sequential(nn.Linear(2, 2, rng=0), nn.Linear(2, 2, rng=0))
    net[0].weight[...] = net[1].weight[...] = 3e38
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with pytest.raises(ValueError, match="evaluate: the result of model must be finite"):
            nn.evaluate(net, np.full((2, 2), 1e30, np.float32), [0, 0])
    assert not seen
