"""Which outputs one cell of the input reaches, shown by numbers that never disappear."""

import numpy as np

import convcore
from convcore import reference


def _places(size):
    """Up to 40 positions in a flat array: the first, the last, and others between."""
    return sorted({0, size - 1, *np.random.default_rng(0).integers(0, size, 38).tolist()})


def _sees(case, x, weight, place):
    """Which outputs see this position of the input."""
    seen = np.zeros_like(x)
    seen.flat[place] = 1
    return case.call(reference, (seen, np.ones_like(weight), None)) > 0


def assert_reaches_what_sees_it(case, arrays, value):
    """NaN or infinity in one cell goes where the equation takes it, and nowhere else."""
    x, weight, bias = arrays
    weight[weight == 0] = 1  # 0 * inf is another matter: see below
    clean = case.call(convcore, (x, weight, bias))
    for place in _places(x.size):
        spoilt = x.copy()
        spoilt.flat[place] = value
        reached = _sees(case, x, weight, place)
        got = case.call(convcore, (spoilt, weight, bias))
        assert (np.isfinite(got) == ~reached).all()
        assert (got[~reached] == clean[~reached]).all()
        np.testing.assert_array_equal(got, case.call(reference, (spoilt, weight, bias)))


def assert_zero_times_nan_is_nan(case, arrays):
    """A weight of zero is a number like others: nothing is skipped."""
    x, weight, bias = arrays
    place = x.size // 2
    x.flat[place] = np.nan
    reached = _sees(case, np.ones_like(x), weight, place)
    got = case.call(convcore, (x, np.zeros_like(weight), bias))
    assert (np.isnan(got) == reached).all()
