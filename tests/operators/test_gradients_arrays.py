"""What the arrays of a gradient may be, which of them are `needed`, and what `out` may be.

As test_conv_arrays.py does it: the values are small integers, so that every comparison is `==`.
"""

from itertools import product

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

import convcore
from convcore import reference
from tests.support.arrays import FLOATS, INTEGERS, LAYOUTS, bad_outs
from tests.support.sweeps import each
from tests.tables.gradient_cases import (
    GRADIENTS,
    KINDS,
    SAMPLES,
    assert_gradients,
    integer_arrays,
    random_arrays,
)

samples = each(SAMPLES)
kinds = each(KINDS.values())
NEEDS = list(product((True, False), repeat=3))


def check(case, arrays, **more):
    """The gradients are the oracle's, and the arrays are left alone."""
    kept = [None if a is None else np.array(a) for a in arrays]
    got = case.back(convcore, arrays, **more)
    assert_gradients(got, case.back(reference, kept, **more), case)
    for array, copy in zip(arrays, kept, strict=True):
        if array is not None:
            np.testing.assert_array_equal(np.asarray(array), copy)
    for gradient in got:
        assert gradient is None or gradient.flags.c_contiguous
        assert gradient is None or gradient.dtype.isnative
    return got


def result_dtype(*dtypes):
    """The dtype of the gradients of operands of these dtypes."""
    floats = all(dtype in FLOATS for dtype in dtypes)
    return np.result_type(*dtypes, *() if floats else (np.float32,))


# Which of them are needed.


@each([*SAMPLES, *GRADIENTS[::9]])
def test_needs(case):
    arrays = random_arrays(case)
    whole = case.back(convcore, arrays)
    for needs in NEEDS:
        want = [g if needed else None for g, needed in zip(whole, needs, strict=True)]
        assert_gradients(case.back(convcore, arrays, needs=needs), want, case)
    for needs in ([True, False, True], np.array([True, False, True])):
        assert_gradients(case.back(convcore, arrays, needs=needs), (whole[0], None, whole[2]), case)
    assert [g is None for g in whole] == [False, False, arrays[3] is None]


@samples
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_needed_does_not_show(case, bad):
    grad, x, weight, bias = random_arrays(case)
    dx, dweight, dbias = case.back(convcore, (grad, x, weight, bias))
    no_x, no_weight, no_bias = (np.full_like(a, bad) for a in (x, weight, bias))
    got = case.back(convcore, (grad, no_x, weight, no_bias), needs=(True, False, True))
    assert_gradients(got, (dx, None, dbias), case)
    got = case.back(convcore, (grad, x, no_weight, no_bias), needs=(False, True, True))
    assert_gradients(got, (None, dweight, dbias), case)
    got = case.back(convcore, (grad, no_x, no_weight, no_bias), needs=(False, False, True))
    assert_gradients(got, (None, None, dbias), case)
    # dx is not made of x, nor dweight of the weight, whatever else is needed
    assert (case.back(convcore, (grad, no_x, weight, None))[0] == dx).all()
    assert (case.back(convcore, (grad, x, no_weight, None))[1] == dweight).all()


# Types of numbers.


@kinds
def test_dtypes_and_mixtures(case):
    arrays = [abs(a) for a in integer_arrays(case, np.int8)]
    for dtypes in product(("float16", "float32", "float64", "bool", "int8", "int64"), repeat=3):
        given = [a.astype(dtype) for a, dtype in zip(arrays, (*dtypes, "int16"), strict=True)]
        got = check(case, given)
        assert {g.dtype for g in got} == {result_dtype(*dtypes)}


@samples
@pytest.mark.parametrize("dtype", FLOATS + INTEGERS)
def test_dtypes_in_every_kernel_family(case, dtype):
    arrays = [abs(a).astype(dtype) for a in integer_arrays(case, np.int8)]
    if dtype == "float16":
        arrays = [a / 8 for a in arrays]  # no sum beyond its largest number
    check(case, arrays)


@kinds
def test_the_dtype_of_the_bias_plays_no_part(case):
    arrays = integer_arrays(case)
    for dtype in FLOATS + INTEGERS:
        got = check(case, (*arrays[:3], abs(arrays[3]).astype(dtype)))
        assert {g.dtype for g in got} == {np.dtype(np.float32)}


def test_float16_is_summed_in_float32_and_rounded_once():
    # In float16, 2048 + 1 is 2048: sixteen ones would be lost one after the other.
    grad = np.array([[2048.0] + [1.0] * 16], np.float16)
    one, weight = np.ones((1, 17), np.float16), np.ones((1, 1, 1), np.float16)
    for back, w, bias in (
        (convcore.conv1d_backward, weight, weight[0, 0]),
        (convcore.conv_transpose1d_backward, weight, weight[0, 0]),
        (convcore.tiled_conv1d_backward, weight[None], weight[0]),
    ):
        _, dweight, dbias = back(grad, one, w, bias)
        assert (dweight.dtype, dweight.item()) == (np.float16, 2064)
        assert (dbias.dtype, dbias.item()) == (np.float16, 2064)
    dx, _, _ = convcore.conv1d_backward(grad.T, one[:, :1], np.ones((17, 1, 1), np.float16))
    assert (dx.dtype, dx.item()) == (np.float16, 2064)


@kinds
@pytest.mark.parametrize(
    "dtype", ["complex64", "longdouble", "U3", "O", "datetime64[s]", [("a", "f4")]]
)
def test_other_dtypes_are_refused(case, dtype):
    if np.dtype(dtype) == np.float64:
        dtype = "complex64"  # here a long double is a double
    arrays = integer_arrays(case)
    for which, name in enumerate(("grad", "x", "weight", "bias")):
        strange = list(arrays)
        strange[which] = np.zeros(arrays[which].shape, dtype)
        with pytest.raises(TypeError, match=f"{case.name_back}.*{name}"):
            case.back(convcore, strange)


# Memory layouts.


@pytest.mark.parametrize("layout", LAYOUTS)
@samples
def test_memory_layouts(case, layout):
    for dtype in ("float32", "float16"):
        arrays = [a if dtype != "float16" else a / 8 for a in integer_arrays(case, dtype)]
        if layout == "unaligned_integers":
            arrays = integer_arrays(case, dtype)
        strange = [LAYOUTS[layout](a) for a in arrays]
        for which in ((0,), (1,), (2,), (3,), (0, 1, 2, 3)):
            check(case, [strange[i] if i in which else arrays[i] for i in range(4)])


@samples
def test_zero_strides(case):
    arrays = integer_arrays(case)
    for which in range(4):
        shape = arrays[which].shape
        for part in (np.float32(3), arrays[which][:1], arrays[which][..., :1]):
            check(
                case, [np.broadcast_to(part, shape) if i == which else arrays[i] for i in range(4)]
            )


@pytest.mark.parametrize("stride", [0, -4, 3, 10**12, -(10**12), 2**62])
def test_strides_of_axes_of_size_one_mean_nothing(stride):
    def odd(array):
        steps = [4 if size > 1 else (-1) ** axis * stride for axis, size in enumerate(array.shape)]
        return as_strided(array, strides=steps)

    for op, grad, x, weight, bias in (
        ("conv2d", (1, 1, 4, 1), (1, 1, 6, 1), (1, 1, 3, 1), (1,)),
        ("local_conv2d", (1, 1, 4, 1), (1, 1, 4, 1), (1, 4, 1, 1, 1, 1), (1, 4, 1)),
        ("tiled_conv2d", (1, 1, 1, 4), (1, 1, 1, 6), (1, 1, 1, 1, 1, 3), (1, 1, 1)),
        ("conv_transpose2d", (1, 1, 8, 1), (1, 1, 6, 1), (1, 1, 3, 1), (1,)),
    ):
        arrays = [
            np.arange(1, 1 + np.prod(shape), dtype=np.float32).reshape(shape)
            for shape in (grad, x, weight, bias)
        ]
        back = getattr(convcore, f"{op}_backward")
        want = getattr(reference, f"{op}_backward")(*arrays)
        assert_gradients(back(*map(odd, arrays)), want, op)
        outs = [np.zeros_like(g) for g in want]
        back(*arrays, out=[odd(out) for out in outs])
        assert_gradients(tuple(outs), want, op)


@kinds
@pytest.mark.parametrize("scalar", [3.0, np.float32(3), np.array(3.0)])
def test_scalars_are_refused(case, scalar):
    for which in range(4):
        arrays = [scalar if i == which else a for i, a in enumerate(integer_arrays(case))]
        with pytest.raises((TypeError, ValueError), match=case.name_back):
            case.back(convcore, arrays)


@samples
def test_an_empty_batch(case):
    grad, x, weight, bias = integer_arrays(case)
    dx, dweight, dbias = check(case, (grad[:0], x[:0], weight, bias))
    assert dx.shape == x[:0].shape
    assert (dweight.view(np.uint32) == 0).all()  # 0.0, not -0.0
    assert (dbias.view(np.uint32) == 0).all()


# out: see also test_gradients_out.py


@kinds
@pytest.mark.parametrize("kind", bad_outs((1, 1, 1, 1)))
def test_bad_out_is_refused_and_left_alone(case, kind):
    arrays = integer_arrays(case)
    want = case.back(convcore, arrays)
    for which in range(3):
        bad = bad_outs(want[which].shape)[kind]
        if which == 2 and len(want[2].shape) == 1 and kind == "transposed":
            continue  # a vector is its own transpose
        if getattr(bad, "shape", None) == want[which].shape and kind == "transposed":
            continue
        out = [np.zeros_like(g) for g in want]
        out[which] = bad
        with pytest.raises((ValueError, TypeError), match=rf"(?s){case.name_back}.*out"):
            case.back(convcore, arrays, out=out)
        for array in out:
            assert not np.any(np.asarray(array))
        with pytest.raises((ValueError, TypeError), match=rf"(?s){case.name_back}.*out"):
            case.back(convcore, arrays, out=[bad if i == which else None for i in range(3)])
