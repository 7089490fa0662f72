"""What an array may be: any dtype, any strides, any address; and what `out` may be.

The values are small integers, so every comparison with the oracle is `==`.
"""

from itertools import product

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

import convcore
from convcore import reference
from tests.support.arrays import (
    FLOATS,
    INTEGERS,
    LAYOUTS,
    OUTS,
    assert_same,
    bad_outs,
    check,
    result_dtype,
)
from tests.support.sweeps import each
from tests.tables.cases import SAMPLES, Case, integer_arrays

samples = each(SAMPLES)

# Types of numbers.


@pytest.mark.parametrize(("x", "weight"), [*product(FLOATS + INTEGERS, FLOATS + INTEGERS)])
def test_dtypes_and_mixtures(x, weight):
    case = SAMPLES[0]
    arrays = integer_arrays(case, np.int8)
    arrays = [abs(a).astype(dtype) for a, dtype in zip(arrays, (x, weight, weight), strict=True)]
    assert check(case, arrays).dtype == result_dtype(x, weight)


@samples
@pytest.mark.parametrize("dtype", ["float16", "int8", "int64", "bool"])
def test_dtypes_in_every_kernel_family(case, dtype):
    arrays = [a.astype(dtype) for a in integer_arrays(case, np.int8)]
    check(case, arrays)


@pytest.mark.parametrize("dtype", FLOATS + INTEGERS)
@pytest.mark.parametrize("operator", ["convolve", "correlate"])
def test_dtypes_of_convolve(operator, dtype):
    x, w = np.arange(7).astype(dtype), np.array([3, 0, 1]).astype(dtype)
    got = getattr(convcore, operator)(x, w)
    assert_same(got, getattr(reference, operator)(x, w))
    assert got.dtype == result_dtype(dtype, dtype)


@pytest.mark.parametrize(("x", "bias"), [*product(FLOATS, FLOATS + INTEGERS)])
def test_bias_takes_the_dtype_of_the_others(x, bias):
    case = SAMPLES[0]
    arrays = integer_arrays(case, np.int8)
    arrays = [a.astype(x) for a in arrays[:2]] + [abs(arrays[2]).astype(bias)]
    assert check(case, arrays).dtype == x


def test_bias_is_rounded_to_the_dtype_of_the_result():
    # 2049 is no float16: it becomes 2048, and 2048 + 2 is 2050; 2049 + 2 would have become 2052.
    one = np.ones((1, 1), np.float16)
    got = convcore.conv1d(one, 2 * one[None], np.float32([2049]))
    assert (got.dtype, got.tolist()) == (np.float16, [[2050.0]])


def test_integers_beyond_float32_are_exact_in_float64():
    x = np.array([[2**24 + 1, 2**25 + 1, 3]])
    got = convcore.conv1d(x, np.array([[[1, 1]]]))
    assert got.dtype == np.float64
    assert got.tolist() == [[2**24 + 2**25 + 2, 2**25 + 4]]


def test_float16_is_summed_in_float32():
    # In float16, 2048 + 1 is 2048: sixteen ones would be lost one after the other.
    x = np.array([[2048.0] + [1.0] * 16], np.float16)
    got = convcore.conv1d(x, np.ones((1, 1, 17), np.float16))
    assert (got.dtype, got.tolist()) == (np.float16, [[2064.0]])


def test_float16_beyond_its_largest_number_is_infinity():
    with np.errstate(over="ignore"):
        got = convcore.conv1d(np.full((1, 4), 6e4, np.float16), np.ones((1, 1, 2), np.float16))
    assert (got.dtype, got.tolist()) == (np.float16, [[np.inf] * 3])


@pytest.mark.parametrize(
    "dtype",
    [
        "complex64",
        "complex128",
        "longdouble",
        "U3",
        "S3",
        "O",
        "datetime64[s]",
        "timedelta64[s]",
        [("a", "f4")],
    ],
)
def test_other_dtypes_are_refused(dtype):
    x, weight, bias = integer_arrays(SAMPLES[0])
    if np.dtype(dtype) == np.float64:
        dtype = "complex64"  # here a long double is a double
    strange = [np.zeros(a.shape, dtype) for a in (x, weight, bias)]
    for arrays in ((strange[0], weight, bias), (x, strange[1], bias), (x, weight, strange[2])):
        with pytest.raises(TypeError, match="conv2d"):
            convcore.conv2d(*arrays)
    with pytest.raises(TypeError, match="convolve"):
        convcore.convolve(strange[2], bias)
    with pytest.raises(TypeError, match="correlate"):
        convcore.correlate(bias, strange[2])


# Memory layouts.


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("layout", LAYOUTS)
@samples
def test_memory_layouts(case, layout, dtype):
    plain = integer_arrays(case, dtype)
    change = LAYOUTS[layout]
    strange = [change(a) for a in plain]
    numbers = [np.asarray(a) for a in strange]
    want = case.call(reference, numbers)
    for which in ((0,), (1,), (2,), (0, 1, 2)):
        arrays = [strange[i] if i in which else plain[i] for i in range(3)]
        expected = case.call(reference, [np.asarray(a) for a in arrays])
        assert_same(case.call(convcore, arrays), expected)
        np.testing.assert_array_equal(expected, want)
    for array, number in zip(strange, plain, strict=True):
        np.testing.assert_array_equal(np.asarray(array), number)  # left alone


@samples
def test_zero_strides(case):
    x, weight, bias = integer_arrays(case)
    check(case, (np.broadcast_to(np.float32(3), x.shape), weight, bias))
    check(case, (x, np.broadcast_to(np.float32(2), weight.shape), bias))
    check(case, (x, weight, np.broadcast_to(np.float32(-2), bias.shape)))
    check(case, (np.broadcast_to(x[:1], x.shape), weight, bias))
    check(case, (np.broadcast_to(x[..., :1], x.shape), weight, bias))


@pytest.mark.parametrize("stride", [0, -4, 3, 10**12, -(10**12), 2**62])
def test_strides_of_axes_of_size_one_mean_nothing(stride):
    x, weight, bias = (np.ones(shape, np.float32) for shape in ((1, 1, 6, 1), (1, 1, 3, 1), (1,)))
    want = reference.conv2d(x, weight, bias)
    odd_x = as_strided(x, strides=(stride, -stride, 4, stride))
    odd_weight = as_strided(weight, strides=(stride, stride, 4, -stride))
    odd_bias = as_strided(bias, strides=(stride,))
    assert_same(convcore.conv2d(odd_x, odd_weight, odd_bias), want)
    out = np.zeros_like(want)
    odd_out = as_strided(out, strides=(stride, stride, 4, -stride))
    assert convcore.conv2d(x, weight, bias, out=odd_out) is odd_out
    assert_same(out, want)
    last = as_strided(x, (1, 6, 1, 1), (stride, 4, -stride, stride))
    assert_same(
        convcore.conv2d(last, weight, bias, layout="NHWC"),
        reference.conv2d(last, weight, bias, layout="NHWC"),
    )


def test_overlapping_windows_made_by_strides():
    row = np.arange(20.0, dtype=np.float32)
    windows = as_strided(row, (1, 3, 4, 5), (0, 8, 4, 4))
    weight = np.arange(12.0, dtype=np.float32).reshape(1, 3, 2, 2)
    assert_same(convcore.conv2d(windows, weight), reference.conv2d(windows.copy(), weight))


@pytest.mark.parametrize("scalar", [3.0, np.float32(3), np.array(3.0)])
def test_scalars_are_refused(scalar):
    x, weight, bias = integer_arrays(SAMPLES[0])
    for arrays in ((scalar, weight, bias), (x, scalar, bias), (x, weight, scalar)):
        with pytest.raises((TypeError, ValueError), match="conv2d"):
            convcore.conv2d(*arrays)
    with pytest.raises((TypeError, ValueError), match="convolve"):
        convcore.convolve(scalar, bias)


@pytest.mark.parametrize(
    "layout", ["read_only", "every_other", "reversed", "byte_swapped", "unaligned", "list"]
)
@pytest.mark.parametrize("operator", ["convolve", "correlate"])
def test_memory_layouts_of_convolve(operator, layout):
    x = np.arange(30.0).reshape(5, 6)
    w = np.arange(6.0).reshape(2, 3)
    change = LAYOUTS[layout]
    want = getattr(reference, operator)(x, w)
    assert_same(getattr(convcore, operator)(change(x), change(w)), want)


# out


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int64"])
@pytest.mark.parametrize("kind", OUTS)
@samples
def test_out(case, kind, dtype):
    arrays = integer_arrays(case, dtype)
    want = case.call(reference, arrays)
    out = OUTS[kind](want)
    out[...] = np.nan  # what was there does not matter
    assert case.call(convcore, arrays, out=out) is out
    np.testing.assert_array_equal(out, want)


def test_out_writes_nothing_else():
    case = SAMPLES[0]
    arrays = integer_arrays(case)
    want = case.call(reference, arrays)
    around = np.full([size + 4 for size in want.shape], 7, want.dtype)
    inside = tuple(slice(2, -2) for _ in want.shape)
    case.call(convcore, arrays, out=around[inside])
    np.testing.assert_array_equal(around[inside], want)
    around[inside] = 7
    assert (around == 7).all()


def test_out_for_an_unbatched_input_and_for_an_empty_batch():
    x, weight, bias = integer_arrays(SAMPLES[0])
    want = reference.conv2d(x[0], weight, bias)
    out = np.empty_like(want)
    assert convcore.conv2d(x[0], weight, bias, out=out) is out
    np.testing.assert_array_equal(out, want)
    out = np.empty((0, *want.shape), np.float32)
    assert convcore.conv2d(x[:0], weight, bias, out=out) is out


def _same_shape_case():
    case = Case("in_place", "conv2d", (2, 8, 9, 11), (8, 8, 3, 3), options={"padding": 1})
    return case, integer_arrays(case)


@pytest.mark.parametrize("threads", [1, 2])
def test_out_may_be_the_input(threads):
    case, (x, weight, bias) = _same_shape_case()
    want = case.call(reference, (x, weight, bias))
    assert case.call(convcore, (x, weight, bias), out=x, threads=threads) is x
    np.testing.assert_array_equal(x, want)


@pytest.mark.parametrize("shift", [-11, -3, -1, 1, 2, 11])
def test_out_may_overlap_the_input(shift):
    case, (x, weight, bias) = _same_shape_case()
    want = case.call(reference, (x, weight, bias))
    memory = np.zeros(x.size + 2 * abs(shift), np.float32)
    here = memory[abs(shift) : abs(shift) + x.size].reshape(x.shape)
    there = memory[abs(shift) + shift :][: x.size].reshape(x.shape)
    here[...] = x
    case.call(convcore, (here, weight, bias), out=there)
    np.testing.assert_array_equal(there, want)


def test_out_may_be_the_input_backwards():
    case, (x, weight, bias) = _same_shape_case()
    want = case.call(reference, (x, weight, bias))
    case.call(convcore, (x, weight, bias), out=x[:, ::-1, ::-1, ::-1])
    np.testing.assert_array_equal(x[:, ::-1, ::-1, ::-1], want)


@pytest.mark.parametrize("which", [1, 2])
def test_out_may_overlap_weight_or_bias(which):
    case = Case("small", "conv2d", (1, 3, 5, 7), (9, 3, 3, 3))
    arrays = list(integer_arrays(case))
    want = case.call(reference, arrays)
    memory = np.zeros(want.size + arrays[which].size, np.float32)
    shape = arrays[which].shape
    overlapping = memory[: arrays[which].size].reshape(shape)
    overlapping[...] = arrays[which]
    arrays[which] = overlapping
    out = memory[4 : 4 + want.size].reshape(want.shape)
    case.call(convcore, arrays, out=out)
    np.testing.assert_array_equal(out, want)


@pytest.mark.parametrize("kind", bad_outs((1, 1, 1, 1)))
def test_bad_out_is_refused_and_left_alone(kind):
    case = SAMPLES[0]
    arrays = integer_arrays(case)
    shape = case.call(reference, arrays).shape
    out = bad_outs(shape)[kind]
    with pytest.raises((ValueError, TypeError), match=r"(?s)conv2d.*out"):
        case.call(convcore, arrays, out=out)
    assert not np.any(np.asarray(out))
