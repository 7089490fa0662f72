"""convcore.sklearn: scikit-learn's own checks of estimators, and what they do not check."""

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs scikit-learn")

from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import convcore
from convcore import nn
from convcore.sklearn import ConvClassifier, ConvRegressor, FilterBank

pytestmark = pytest.mark.auto


@parametrize_with_checks([ConvClassifier(random_state=0), ConvRegressor(random_state=0),
                          FilterBank(), FilterBank(pool="max", cells=1)])  # fmt: skip
@pytest.mark.filterwarnings("default")
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X / 8 - 1, np.array([f"digit {i}" for i in y])


def small(shape, outputs, rng):
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1, rng=rng), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.1), nn.Linear(8 * 16, outputs, rng=rng),
    )  # fmt: skip


def classifier(**options):
    return ConvClassifier(image_shape=(1, 8, 8), random_state=0, **{"epochs": 3, **options})


def test_digits(digits):
    X, y = digits
    model = classifier(epochs=10).fit(X[:1200], y[:1200])
    assert model.score(X[1200:], y[1200:]) > 0.93
    proba = model.predict_proba(X[1200:])
    assert proba.shape == (597, 10)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)
    assert (model.classes_[proba.argmax(axis=1)] == model.predict(X[1200:])).all()
    assert model.n_iter_ == len(model.history_) == 10
    assert model.history_[-1].loss < model.history_[0].loss


@pytest.mark.parametrize("build", [None, small])
def test_the_same_random_state_gives_the_same_bits(digits, build):
    X, y = digits
    one = classifier(build=build).fit(X[:300], y[:300])
    for threads in (1, 2):
        with convcore.threads(threads):
            other = classifier(build=build).fit(X[:300], y[:300])
        assert (one.predict_proba(X) == other.predict_proba(X)).all()
    other = classifier(build=build).set_params(random_state=1).fit(X[:300], y[:300])
    assert (one.predict_proba(X) != other.predict_proba(X)).any()


def test_selection_of_models(digits):
    X, y = digits
    scores = cross_val_score(classifier(build=small), X[:600], y[:600], cv=3)
    assert scores.mean() > 0.6
    search = GridSearchCV(classifier(build=small), {"learning_rate": [0.01, 1e-6]}, cv=2, n_jobs=2)
    search.fit(X[:400], y[:400])
    assert search.best_params_ == {"learning_rate": 0.01}
    pipeline = make_pipeline(StandardScaler(), classifier(epochs=5)).fit(X[:800], y[:800])
    assert pipeline.score(X[800:], y[800:]) > 0.8


def test_copies(digits):
    X, y = digits
    model = classifier(build=small).fit(X[:200], y[:200])
    again = pickle.loads(pickle.dumps(model))
    assert (again.predict_proba(X) == model.predict_proba(X)).all()
    assert again.partial_fit(X[:200], y[:200]).n_iter_ == 4
    fresh = clone(model)
    assert not hasattr(fresh, "model_")
    assert fresh.get_params() == model.get_params()


def test_threads_of_a_program_predict_at_once(digits):
    X, y = digits
    model = classifier().fit(X[:200], y[:200])
    want = model.predict_proba(X)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: model.predict_proba(X), range(8)):
            assert (found == want).all()


def test_partial_fit_goes_on(digits):
    X, y = digits
    whole = classifier(epochs=3).fit(X[:300], y[:300])
    model = classifier()
    for _ in range(3):
        model.partial_fit(X[:300], y[:300], classes=np.unique(y))
    assert (model.predict_proba(X) == whole.predict_proba(X)).all()
    model.partial_fit(X[:20], y[:20])
    assert model.n_iter_ == 4
    with pytest.raises(ValueError, match="y must have labels of"):
        model.partial_fit(X[:3], ["digit 3", "digit x", "digit 1"])
    with pytest.raises(ValueError, match="y must have labels of"):
        model.partial_fit(X[:3], [1, 2, 3])
    with pytest.raises(ValueError, match="classes must be those of the first call"):
        model.partial_fit(X[:3], y[:3], classes=["digit 1"])
    with pytest.raises(ValueError, match="classes must be given to the first partial_fit"):
        classifier().partial_fit(X, y)


def test_numbers():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 36))
    Y = np.stack([X[:, 7], X[:, 14] - X[:, 15]], axis=1)
    model = ConvRegressor(image_shape=(1, 6, 6), random_state=0).fit(X, Y)
    assert model.predict(X).shape == (300, 2)
    assert model.score(X, Y) > 0.9
    model = ConvRegressor(image_shape=(1, 6, 6), random_state=0, optimizer="sgd", epochs=2)
    one = model.fit(X, Y[:, 0])
    assert one.predict(X).shape == (300,)
    before = one.score(X, Y[:, 0])
    assert one.partial_fit(X, Y[:, 0]).score(X, Y[:, 0]) > before
    with pytest.raises(ValueError, match=r"y must have shape"):
        one.partial_fit(X, Y)


# Filters


def test_features_are_those_of_functions():
    X = np.random.default_rng(0).normal(size=(5, 3 * 6 * 7))
    K = np.random.default_rng(1).normal(size=(4, 3, 3))
    bank = FilterBank(K, image_shape=(3, 6, 7), cells=(2, 3), border="wrap", activation="relu")
    got = bank.fit_transform(X)
    images = X.reshape(5, 3, 6, 7)
    want = []
    for channel in range(3):
        image = images[:, channel : channel + 1]
        for kernel in K:
            y = convcore.conv2d(image, kernel[None, None], padding="same", border="wrap")
            want.append(convcore.adaptive_avg_pool2d(np.maximum(y, 0), (2, 3)))
    np.testing.assert_allclose(got, np.concatenate(want, axis=1).reshape(5, -1))
    assert len(bank.get_feature_names_out()) == got.shape[1] == 72
    assert bank.get_feature_names_out()[0] == "filterbank0"
    assert bank.transform(X.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize(("shape", "features"), [((2, 12), 2 * 3 * 2), ((1, 3, 2, 4), 27 * 8)])
def test_laws_filters_along_any_axes(shape, features):
    X = np.random.default_rng(0).normal(size=(3, int(np.prod(shape))))
    bank = FilterBank(image_shape=shape)
    assert bank.fit_transform(X).shape == (3, features)
    constant = bank.transform(np.ones_like(X))[0]
    assert np.count_nonzero(constant) == features // 3 ** (len(shape) - 1)  # level alone


def test_a_bank_in_a_pipeline(digits):
    X, y = digits
    bank = FilterBank(image_shape=(1, 8, 8), cells=4)
    model = make_pipeline(bank, StandardScaler(), LogisticRegression(max_iter=200))
    grid = GridSearchCV(model, {"filterbank__cells": [1, 4]}, cv=2).fit(X[:600], y[:600])
    assert grid.best_params_ == {"filterbank__cells": 4}
    assert grid.score(X[600:], y[600:]) > 0.85


# What is refused


def three(shape, outputs, rng):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 3))


BAD = [
    (lambda X, y: ConvClassifier(epochs=0).fit(X, y), ValueError, "epochs must be at least 1"),
    (lambda X, y: ConvClassifier(batch_size=0.5).fit(X, y), TypeError, "batch_size must be an"),
    (lambda X, y: ConvClassifier(optimizer="lbfgs").fit(X, y), ValueError, "optimizer must be one"),
    (lambda X, y: ConvClassifier(learning_rate=-1).fit(X, y), ValueError, "learning_rate must be"),
    (lambda X, y: ConvClassifier(verbose=1).fit(X, y), TypeError, "verbose must be True or False"),
    (lambda X, y: ConvClassifier(build=3).fit(X, y), TypeError, "build must be a function"),
    (lambda X, y: ConvClassifier(build=lambda *_: 3).fit(X, y), TypeError, "build must return"),
    (lambda X, y: ConvClassifier(image_shape=(1, 7, 8)).fit(X, y), ValueError,
     "image_shape must be channels and 1 to 3 sizes whose product is the number of features, 64"),
    (lambda X, y: ConvClassifier(image_shape=64).fit(X, y), TypeError, "image_shape must be a"),
    (lambda X, y: ConvClassifier(three).fit(X, y), ValueError, r"shape \(10,\), got \(3,\)"),
    (lambda X, y: FilterBank(np.ones((2, 3, 3))).fit(X), ValueError, "filters must have shape"),
    (lambda X, y: FilterBank(np.ones((2, 3)) * 1j).fit(X), TypeError, "filters must have dtype"),
    (lambda X, y: FilterBank(pool="min").fit(X), ValueError, "pool must be one of"),
    (lambda X, y: FilterBank(activation="tanh").fit(X), ValueError, "activation must be one of"),
    (lambda X, y: FilterBank(cells=0).fit(X), ValueError, "cells must be at least 1"),
    (lambda X, y: FilterBank(border="mirror").fit(X), ValueError, "border must be"),
    (lambda X, y: FilterBank(border=np.nan).fit(X), ValueError, "border must be finite"),
    (lambda X, y: FilterBank(border=[(0, np.inf)]).fit(X), ValueError, "border must be finite"),
    (lambda X, y: FilterBank(np.array([[1, np.nan]])).fit(X), ValueError,
     r"filters must be finite in float64, got nan at \[0, 1\]"),
    (lambda X, y: FilterBank([[1, 1e300]]).fit(np.float32(X)), ValueError,
     "filters must be finite in float32"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(BAD)))
def test_what_is_refused(digits, number):
    wrong, kind, words = BAD[number]
    with pytest.raises(kind, match=words):
        wrong(*digits)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", [ConvClassifier, ConvRegressor])
def test_numbers_beyond_float32_are_refused(digits, kind):
    X, y = digits[0][:50], np.arange(50) % 3
    fitted = kind(epochs=1, random_state=0).fit(X, y)
    beyond = X.astype(np.float64) * 1e300
    for call in (fitted.predict, lambda X: fitted.fit(X, y)):
        with pytest.raises(ValueError, match=f"{kind.__name__}: X must be finite in float32"):
            call(beyond)
    fitted = kind(epochs=1, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="results of the network must be finite"):
        fitted.predict(np.full(X.shape, 3e38))


def test_sparse_tables_are_refused(digits):
    sparse = pytest.importorskip("scipy.sparse")
    for estimator in (ConvClassifier(), FilterBank()):
        with pytest.raises(TypeError, match=r"[Ss]parse"):
            estimator.fit(sparse.csr_array(digits[0]), digits[1])
