"""The error function against Python's own, which takes one number at a time."""

import math

import numpy as np
import pytest

from convcore.spec.special import LARGE, SMALL, erf, erfc

ENDS = [end for limit in (SMALL, LARGE) for end in (limit, np.nextafter(limit, 9))]
NUMBERS = np.concatenate(
    [
        np.linspace(-6.5, 6.5, 20_001),
        np.geomspace(1e-300, 0.5, 500),
        np.array([*ENDS, *(-end for end in ENDS), 0.0, 26.0]),
    ]
)


def relative(got, function, x):
    want = np.array([function(float(v)) for v in x])
    normal = np.abs(want) > 1e-307
    return np.abs(got - want)[normal] / np.abs(want)[normal]


def test_erf():
    assert relative(erf(NUMBERS), math.erf, NUMBERS).max() < 1e-15
    assert (erf(-NUMBERS) == -erf(NUMBERS)).all()


def test_erfc_has_all_digits_in_its_tail():
    x = np.concatenate([NUMBERS, np.linspace(6, 26, 2001)])
    assert relative(erfc(x), math.erfc, x).max() < 2e-15


@pytest.mark.parametrize(
    ("dtype", "bound"), [(np.float16, 1e-3), (np.float32, 5e-7), (np.float64, 1e-15)]
)
def test_the_dtype_is_kept(dtype, bound):
    x = np.linspace(-4, 4, 2000).astype(dtype).reshape(40, 50)[::-1].T  # no contiguous one
    y = erf(x)
    assert y.dtype == dtype
    assert y.shape == (50, 40)
    assert relative(y.astype(float).ravel(), math.erf, x.ravel()).max() < bound


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_what_is_not_finite(dtype):
    x = np.array([np.nan, np.inf, -np.inf, np.finfo(dtype).max, -0.0], dtype)
    assert erf(x).tolist()[1:] == [1, -1, 1, 0]
    assert erfc(x).tolist()[1:] == [0, 2, 0, 1]
    assert np.isnan(erf(x)[0])
    assert np.isnan(erfc(x)[0])
    assert np.signbit(erf(x)[4])
    assert erf(x[:0]).shape == (0,)
