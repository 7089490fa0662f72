"""The gradients as what they are: transposes of linear maps.

For an operator without its bias, <op(x, w), grad> = <x, dx> = <w, dweight>, and the same with any
other x or w in its place. All data are small integers and every comparison is `==`.
"""

import numpy as np
import pytest

import convcore
from convcore import matrix
from tests.support.borders import linear
from tests.support.sweeps import each
from tests.tables import cases
from tests.tables.gradient_cases import GRADIENTS, KINDS, inner, integer_arrays, plain


@each(GRADIENTS, of=4)
def test_adjoint_identity(case):
    wide = integer_arrays(case, np.float64)
    for dtype in (np.float32, np.float64):
        grad, x, weight, bias = plain(wide, dtype)
        dx, dweight, dbias = case.back(convcore, (grad, x, weight, bias))
        there = inner(case.call(convcore, (x, weight, None)), grad)
        of_x = linear(case).call(convcore, (x, weight, None))
        assert inner(x, dx) == inner(of_x, grad)
        assert inner(weight, dweight) == there
        if bias is not None:
            assert inner(case.call(convcore, (x, weight, bias)), grad) == there + inner(bias, dbias)


@each(GRADIENTS, of=4)
def test_gradients_are_slopes_in_every_direction(case):
    # L is linear in x, in the weight and in the bias: along any direction it grows as they say.
    grad, x, weight, bias = integer_arrays(case)
    dx, dweight, dbias = case.back(convcore, (grad, x, weight, bias))
    rng = cases.rng_of(case)
    for _ in range(2):
        step = rng.integers(-9, 10, x.shape).astype(x.dtype)
        assert inner(linear(case).call(convcore, (step, weight, None)), grad) == inner(step, dx)
        step = rng.integers(-9, 10, weight.shape).astype(x.dtype)
        assert inner(case.call(convcore, (x, step, None)), grad) == inner(step, dweight)
        if bias is not None:
            step = rng.integers(-9, 10, bias.shape).astype(x.dtype)
            none = np.zeros_like(weight)
            assert inner(case.call(convcore, (x, none, step)), grad) == inner(step, dbias)


# The transposed matrices: that of x -> result, and that of weight -> result, column by column.

MATRICES = {kind: getattr(matrix, f"{kind}_matrix") for kind in KINDS}


@each([case for case in GRADIENTS if case.work < 200_000], of=4)
def test_dx_is_the_transposed_matrix_times_grad(case):
    pytest.importorskip("scipy.sparse", reason="SciPy is not installed")
    grad, x, weight, _ = integer_arrays(case, np.float64)
    M = MATRICES[case.kind](weight, case.x, **case.arguments())
    dx, _, _ = case.back(convcore, (grad, x, weight), needs=(True, False, False))
    assert (M.T @ grad.ravel() == dx.ravel()).all()


@each([case for case in GRADIENTS if np.prod(case.weight) <= 80 and case.work < 50_000])
def test_every_weight_gets_what_its_column_says(case):
    grad, x, weight, bias = integer_arrays(case, np.float64)
    _, dweight, dbias = case.back(convcore, (grad, x, weight, bias), needs=(False, True, True))
    for gradient, operand in ((dweight, 1), (dbias, 2)):
        if gradient is None:
            continue
        for place in np.ndindex(gradient.shape):
            arrays = [x, np.zeros_like(weight), None if operand == 1 else np.zeros_like(bias)]
            arrays[operand][place] = 1
            assert gradient[place] == inner(case.call(convcore, arrays), grad), place


def test_enough_cases_are_small():
    columns = [case for case in GRADIENTS if np.prod(case.weight) <= 80 and case.work < 50_000]
    assert {case.kind for case in columns} == set(KINDS)
    assert len(columns) > 200
    assert len([case for case in GRADIENTS if case.work < 200_000]) > 900
