"""Missing cells: every case of the table against the reference, forwards and backwards."""

import numpy as np
import pytest

import convcore
from convcore import reference
from tests.support.sweeps import each
from tests.tables.missing_cases import CASES, LAYERS

# A quotient has the errors of its terms, which cancel where weights have both signs.
CLOSE = {np.float64: 1e-9, np.float32: 3e-4}


def call(namespace, case, dtype=np.float64, **more):
    x, arguments, options = case.arguments(dtype)
    return getattr(namespace, case.op)(x, *arguments, **options, **more)


def back(namespace, case, shape, dtype=np.float64, **more):
    x, arguments, options = case.arguments(dtype)
    function = getattr(namespace, f"{case.op}_backward")
    return function(case.grad(shape, dtype), x, *arguments, **options, **more)


def assert_close(got, want, close, case):
    if not isinstance(want, tuple):
        got, want = (got,), (want,)
    assert len(got) == len(want), case
    for a, b in zip(got, want, strict=True):
        if b is None:
            assert a is None
            continue
        assert (a.shape, a.dtype) == (b.shape, b.dtype), case
        size = np.nanmax(np.abs(b), initial=1, where=np.isfinite(b))
        np.testing.assert_allclose(a, b, rtol=close, atol=close * size, err_msg=str(case))


@each(CASES, quick=True)
def test_equals_reference(case):
    got, share = call(convcore, case, return_weight=True)
    want, weight = call(reference, case, return_weight=True)
    assert_close((got, share), (want, weight), CLOSE[np.float64], case)
    assert not share.flags.writeable
    assert np.isnan(got).any() == np.isnan(want).any(), case


@each(CASES, quick=True)
def test_gradients_equal_reference(case):
    shape = call(convcore, case).shape
    got, want = (back(namespace, case, shape) for namespace in (convcore, reference))
    assert_close(got, want, CLOSE[np.float64], case)


@each([case for case in CASES if case.positive], of=3)
def test_float32_equals_reference(case):
    got, want = (call(namespace, case, np.float32) for namespace in (convcore, reference))
    assert_close(got, want, CLOSE[np.float32], case)
    got, want = (
        back(namespace, case, want.shape, np.float32) for namespace in (convcore, reference)
    )
    assert_close(got, want, 10 * CLOSE[np.float32], case)


@each(CASES, of=3)
def test_maxima_have_indices(case):
    if not case.op.startswith("max"):
        pytest.skip("no maximum")
    got, want = (call(namespace, case, return_indices=True) for namespace in (convcore, reference))
    assert_close(got, want, 0, case)
    again = back(convcore, case, got[0].shape, indices=got[1])
    want = back(reference, case, got[0].shape, indices=got[1])
    assert_close(again, want, 1e-14, case)  # the order of sums over copies of a cell is free


@each(LAYERS, of=3)
def test_float16_and_integers(case):
    x, (weight, _), options = case.arguments()
    if case.pattern.startswith("nan") or not case.positive:
        pytest.skip("integers hold no NaN")
    x = np.where(np.isnan(x), 999, 4 * np.nan_to_num(x)).astype(np.int32)
    for a, w in ((x, weight), (x.astype(np.float16), weight.astype(np.float16))):
        got, want = (
            getattr(namespace, case.op)(a, w, None, **options)
            for namespace in (convcore, reference)
        )
        assert_close(got, want, 1e-9 if got.dtype == np.float64 else 1e-2, case)
