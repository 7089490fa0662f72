"""Where gradients are written to: `out`, three arrays or Nones."""

import numpy as np
import pytest

import convcore
from convcore import reference
from tests.support.arrays import OUTS
from tests.support.sweeps import each
from tests.tables.gradient_cases import (
    KINDS,
    NAMES,
    SAMPLES,
    assert_gradients,
    integer_arrays,
    random_arrays,
)

samples = each(SAMPLES)
kinds = each(KINDS.values())


def returned(case, arrays, out, **more):
    """The gradients, which have to be the very arrays of `out` where it has some."""
    got = case.back(convcore, arrays, out=out, **more)
    for given, array in zip(out, got, strict=True):
        assert given is None or array is given
    return got


@pytest.mark.parametrize("kind", OUTS)
@samples
def test_out(case, kind):
    for dtype in ("float32", "float64", "int64"):
        arrays = integer_arrays(case, dtype)
        want = case.back(reference, arrays)
        for which in ((0,), (1,), (2,), (0, 1, 2)):
            out = [OUTS[kind](g) if i in which else None for i, g in enumerate(want)]
            for array in out:
                if array is not None:
                    array[...] = np.nan  # what was there does not matter
            assert_gradients(returned(case, arrays, out), want, case)


@samples
def test_float16(case):
    arrays = [a / 8 for a in integer_arrays(case, np.float16)]
    want = case.back(reference, arrays)
    out = [np.full_like(g, np.nan) for g in want]
    assert_gradients(returned(case, arrays, tuple(out)), want, case)


@samples
def test_nothing_else_is_written(case):
    arrays = integer_arrays(case)
    want = case.back(reference, arrays)
    around = [np.full([size + 4 for size in g.shape], 7, g.dtype) for g in want]
    out = [a[tuple(slice(2, -2) for _ in a.shape)] for a in around]
    returned(case, arrays, out)
    for array, inside, gradient in zip(around, out, want, strict=True):
        np.testing.assert_array_equal(inside, gradient)
        inside[...] = 7
        assert (array == 7).all()


@samples
def test_bits_are_the_same(case):
    arrays = random_arrays(case)
    want = case.back(convcore, arrays)
    for kind in ("plain", "every_other", "reversed"):
        got = returned(case, arrays, [OUTS[kind](g) for g in want])
        for ours, theirs in zip(got, want, strict=True):
            assert ours.tobytes() == theirs.tobytes()


@kinds
def test_a_gradient_that_is_not_computed_has_no_out(case):
    grad, x, weight, bias = integer_arrays(case)
    want = case.back(convcore, (grad, x, weight, bias))
    for which, name in enumerate(NAMES):
        needs = [i != which for i in range(3)]
        out = [np.full_like(g, 7) if i == which else None for i, g in enumerate(want)]
        with pytest.raises(ValueError, match=rf"(?s){case.name_back}.*out"):
            case.back(convcore, (grad, x, weight, bias), needs=needs, out=out)
        assert (out[which] == 7).all(), name
    with pytest.raises(ValueError, match=rf"(?s){case.name_back}.*out"):
        case.back(convcore, (grad, x, weight, None), out=(None, None, np.zeros_like(want[2])))


@kinds
def test_without_a_batch_and_for_an_empty_one(case):
    grad, x, weight, bias = integer_arrays(case)
    for g, images in ((grad[0], x[0]), (grad[:0], x[:0])):
        want = case.back(reference, (g, images, weight, bias))
        out = [np.full_like(a, np.nan) for a in want]
        assert_gradients(returned(case, (g, images, weight, bias), out), want, case)


@pytest.mark.parametrize("shift", [-11, -1, 0, 1, 3])
@samples
def test_out_may_overlap_an_operand(case, shift):
    plain = integer_arrays(case)
    want = case.back(reference, plain)
    for which in range(4):
        for gradient in range(3):
            shape, size = plain[which].shape, plain[which].size
            first = max(shift, 0)
            memory = np.zeros(size + want[gradient].size + abs(shift), np.float32)
            operand = memory[first : first + size].reshape(shape)
            out = [None] * 3
            place = first - shift
            out[gradient] = memory[place : place + want[gradient].size].reshape(
                want[gradient].shape
            )
            arrays = [operand if i == which else a for i, a in enumerate(plain)]
            for threads in (1, 2):
                operand[...] = plain[which]
                assert_gradients(returned(case, arrays, out, threads=threads), want, case)


@kinds
def test_all_three_may_overlap_what_they_are_gradients_of(case):
    arrays = list(integer_arrays(case))
    want = case.back(reference, arrays)
    _, *operands = arrays
    assert_gradients(returned(case, arrays, operands), want, case)
    # ... and lie backwards in it
    arrays = [a.copy() for a in integer_arrays(case)]
    backwards = [np.flip(a) for a in arrays[1:]]
    assert_gradients(returned(case, arrays, backwards), want, case)


@kinds
@pytest.mark.parametrize("out", [(), (None,), (None,) * 4, "out", 3, 1.5, {}, [None, None]])
def test_what_is_not_three_is_refused(case, out):
    with pytest.raises((TypeError, ValueError), match=rf"(?s){case.name_back}.*out"):
        case.back(convcore, integer_arrays(case), out=out)


@kinds
@pytest.mark.parametrize(
    "needs",
    [
        (),
        (True,),
        (True,) * 4,
        True,
        None,
        7,
        "yes",
        "abc",
        (1, 1, 1),
        (True, True, None),
        (True, True, "x"),
        {"x": True},
        (True, True, np.array([True])),
        np.ones((3, 1), bool),
        np.ones(3, int),
    ],
    ids=repr,
)
def test_needs_that_are_not_three_bools_are_refused(case, needs):
    with pytest.raises((TypeError, ValueError), match=rf"(?s){case.name_back}.*needs"):
        case.back(convcore, integer_arrays(case), needs=needs)


def test_an_array_for_three_is_named_not_printed():
    x, w, g = np.ones((1, 1, 5, 5)), np.ones((1, 1, 3, 3)), np.ones((1, 1, 3, 3))
    with pytest.raises(ValueError, match="conv2d_backward: out must be three arrays") as caught:
        convcore.conv2d_backward(g, x, w, out=np.ones((1, 1, 5, 5), np.float32))
    assert str(caught.value).endswith("got an array of shape (1, 1, 5, 5) and dtype float32")
    with pytest.raises(TypeError) as caught:
        convcore.conv2d_backward(g, x, w, stride=[[1, 2], [3, 4]], needs=np.ones((3, 3)))
    assert "\n" not in str(caught.value)
