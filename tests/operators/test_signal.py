"""`convolve` and `correlate` against SciPy, number for number, in every mode.

The oracle's own `convolve` and `correlate` run through the same tests.
"""

from itertools import product

import numpy as np
import pytest

import convcore
from convcore import reference

signal = pytest.importorskip("scipy.signal", reason="SciPy is not installed")

MODES = ("full", "same", "valid")
SIZES = {1: range(1, 10), 2: range(1, 5), 3: range(1, 4)}
every_operator = pytest.mark.parametrize("operator", ["convolve", "correlate"])
every_mode = pytest.mark.parametrize("mode", MODES)
both = pytest.mark.parametrize("namespace", [convcore, reference], ids=["convcore", "reference"])


def integers(shape, seed=0):
    return np.random.default_rng(seed).integers(-9, 10, shape).astype(np.float64)


def compare(namespace, operator, x, w, mode):
    """Equal by `==`; or refused by both."""
    try:
        want = getattr(signal, operator)(x, w, mode, method="direct")
    except ValueError:
        with pytest.raises(ValueError, match=operator if namespace is convcore else "contain"):
            getattr(namespace, operator)(x, w, mode)
        return False
    got = getattr(namespace, operator)(x, w, mode)
    assert got.shape == want.shape, (x.shape, w.shape)
    assert (got == want).all(), (x.shape, w.shape)
    return True


@pytest.mark.item("f01", "f02")
@both
@every_operator
@every_mode
@pytest.mark.parametrize("nd", SIZES)
def test_every_small_size(namespace, operator, mode, nd):
    shapes = list(product(SIZES[nd], repeat=nd))
    equal = sum(
        compare(namespace, operator, integers(a), integers(b, 1), mode)
        for a, b in product(shapes, shapes)
    )
    # In 'valid' one of the two has to fit into the other.
    fits = sum(
        np.less_equal(a, b).all() or np.greater_equal(a, b).all()
        for a, b in product(shapes, shapes)
    )
    assert equal == (fits if mode == "valid" else len(shapes) ** 2)


LARGER = [
    ((1000,), (37,)),
    ((1000,), (64,)),
    ((5000,), (1,)),
    ((300,), (299,)),
    ((300,), (300,)),
    ((60, 70), (9, 9)),
    ((60, 70), (4, 11)),
    ((33, 200), (1, 30)),
    ((200, 33), (30, 1)),
    ((12, 13, 14), (5, 4, 3)),
    ((9, 9, 40), (1, 1, 12)),
    ((20, 20, 3), (3, 3, 3)),
]


@both
@every_operator
@every_mode
@pytest.mark.parametrize(("a", "b"), LARGER)
def test_larger_sizes_either_way_round(namespace, operator, mode, a, b):
    assert compare(namespace, operator, integers(a), integers(b, 1), mode)
    assert compare(namespace, operator, integers(b), integers(a, 1), mode)


@every_operator
@every_mode
@pytest.mark.parametrize(
    ("x", "w"),
    [
        ("float32", "float32"),
        ("float32", "float64"),
        ("int16", "int8"),
        ("int64", "float32"),
        ("bool", "float32"),
        ("float16", "float16"),
    ],
)
def test_values_do_not_depend_on_dtype(operator, mode, x, w):
    a, b = integers((8, 9)).astype(x), integers((3, 4), 1).astype(w)
    want = getattr(signal, operator)(a.astype(float), b.astype(float), mode, method="direct")
    assert (getattr(convcore, operator)(a, b, mode) == want).all()


@every_operator
@every_mode
@pytest.mark.parametrize(
    ("a", "b"), [((500,), (31,)), ((40, 50), (7, 6)), ((9, 10, 11), (3, 4, 2))]
)
def test_random_numbers_are_close(operator, mode, a, b):
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal(a), rng.standard_normal(b)
    want = getattr(signal, operator)(x, w, mode, method="direct")
    size = getattr(signal, operator)(abs(x), abs(w), mode, method="direct")
    got = getattr(convcore, operator)(x, w, mode)
    assert (abs(got - want) <= 2 * w.size * np.finfo(float).eps * size).all()


@every_operator
def test_full_is_the_default(operator):
    x, w = integers(9), integers(4, 1)
    assert (getattr(convcore, operator)(x, w) == getattr(signal, operator)(x, w)).all()


@every_operator
def test_inputs_are_left_alone(operator):
    x, w = integers((7, 8)), integers((3, 3), 1)
    for mode in MODES:
        getattr(convcore, operator)(x, w, mode)
        getattr(convcore, operator)(w, x, mode)
    assert (x == integers((7, 8))).all()
    assert (w == integers((3, 3), 1)).all()


@every_operator
def test_nan_stays_where_it_is_seen(operator):
    # SciPy's FFT methods spread one NaN over everything.
    x = integers(60)
    x[40] = np.nan
    got = getattr(convcore, operator)(x, np.ones(5), "same")
    assert np.flatnonzero(np.isnan(got)).tolist() == [38, 39, 40, 41, 42]
