"""What the arrays of a layer may be, and what `out` may be: as test_conv_arrays.py does it."""

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
from tests.tables.layer_cases import LAYERS, SAMPLES, integer_arrays

samples = each(SAMPLES)
KINDS = {case.kind: case for case in reversed(SAMPLES)}  # the first sample of each
kinds = each(KINDS.values())


# Types of numbers.


@kinds
def test_dtypes_and_mixtures(case):
    plain = [abs(a) for a in integer_arrays(case, np.int8)]
    for x in FLOATS + INTEGERS:
        for weight in FLOATS + INTEGERS:
            arrays = [a.astype(dtype) for a, dtype in zip(plain, (x, weight, weight), strict=True)]
            assert check(case, arrays).dtype == result_dtype(x, weight)


@samples
@pytest.mark.parametrize("dtype", ["float16", "int8", "int64", "bool"])
def test_dtypes_in_every_kernel_family(case, dtype):
    check(case, [a.astype(dtype) for a in integer_arrays(case, np.int8)])


@kinds
@pytest.mark.parametrize("x", FLOATS)
def test_bias_takes_the_dtype_of_the_others(case, x):
    plain = integer_arrays(case, np.int8)
    for bias in FLOATS + INTEGERS:
        arrays = [a.astype(x) for a in plain[:2]] + [abs(plain[2]).astype(bias)]
        assert check(case, arrays).dtype == x


def test_float16_is_summed_in_float32():
    # In float16, 2048 + 1 is 2048: sixteen ones would be lost one after the other.
    x = np.array([[2048.0] + [1.0] * 16], np.float16)
    got = convcore.local_conv1d(x, np.ones((1, 1, 1, 17), np.float16))
    assert (got.dtype, got.tolist()) == (np.float16, [[2064.0]])
    got = convcore.conv_transpose1d(x.reshape(17, 1), np.ones((17, 1, 1), np.float16))
    assert (got.dtype, got.tolist()) == (np.float16, [[2064.0]])
    got = convcore.tiled_conv1d(x, np.ones((1, 2, 1, 16), np.float16))
    assert (got.dtype, got.tolist()) == (np.float16, [[2064.0, 16.0]])  # from 2063


@kinds
@pytest.mark.parametrize(
    "dtype", ["complex64", "longdouble", "U3", "O", "datetime64[s]", [("a", "f4")]]
)
def test_other_dtypes_are_refused(case, dtype):
    if np.dtype(dtype) == np.float64:
        dtype = "complex64"  # here a long double is a double
    plain = integer_arrays(case)
    for which, name in enumerate(("x", "weight", "bias")):
        arrays = list(plain)
        arrays[which] = np.zeros(arrays[which].shape, dtype)
        with pytest.raises(TypeError, match=f"{case.op}.*{name}"):
            case.call(convcore, arrays)


# Memory layouts.


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("layout", LAYOUTS)
@samples
def test_memory_layouts(case, layout, dtype):
    plain = integer_arrays(case, dtype)
    strange = [LAYOUTS[layout](a) for a in plain]
    want = case.call(reference, [np.asarray(a) for a in strange])
    for which in ((0,), (1,), (2,), (0, 1, 2)):
        arrays = [strange[i] if i in which else plain[i] for i in range(3)]
        got = case.call(convcore, arrays)
        assert got.dtype == result_dtype(*(np.asarray(a).dtype.name for a in arrays[:2]))
        np.testing.assert_array_equal(got, want)
    for array, number in zip(strange, plain, strict=True):
        np.testing.assert_array_equal(np.asarray(array), number)  # left alone


@samples
def test_zero_strides(case):
    x, weight, bias = integer_arrays(case)
    check(case, (np.broadcast_to(np.float32(3), x.shape), weight, bias))
    check(case, (x, np.broadcast_to(np.float32(2), weight.shape), bias))
    check(case, (x, weight, np.broadcast_to(np.float32(-2), bias.shape)))
    check(case, (np.broadcast_to(x[:1], x.shape), weight, bias))
    check(case, (x, np.broadcast_to(weight[..., :1], weight.shape), bias))
    check(case, (x, np.broadcast_to(weight[:, :1], weight.shape), bias))


@pytest.mark.parametrize("stride", [0, -4, 3, 10**12, -(10**12), 2**62])
def test_strides_of_axes_of_size_one_mean_nothing(stride):
    def odd(array):
        steps = [4 if size > 1 else (-1) ** axis * stride for axis, size in enumerate(array.shape)]
        return as_strided(array, strides=steps)

    for op, x, weight, bias in (
        ("local_conv2d", (1, 1, 4, 1), (1, 4, 1, 1, 1, 1), (1, 4, 1)),
        ("tiled_conv2d", (1, 1, 1, 6), (1, 1, 1, 1, 1, 3), (1, 1, 1)),
        ("conv_transpose2d", (1, 1, 6, 1), (1, 1, 3, 1), (1,)),
    ):
        arrays = [
            np.arange(1, 1 + np.prod(shape), dtype=np.float32).reshape(shape)
            for shape in (x, weight, bias)
        ]
        want = getattr(reference, op)(*arrays)
        assert_same(getattr(convcore, op)(*map(odd, arrays)), want)
        out = np.zeros_like(want)
        odd_out = odd(out)
        assert getattr(convcore, op)(*arrays, out=odd_out) is odd_out
        assert_same(out, want)


def test_overlapping_windows_made_by_strides():
    row = np.arange(20.0, dtype=np.float32)
    windows = as_strided(row, (1, 3, 4, 5), (0, 8, 4, 4))
    for op, shape in (
        ("local_conv2d", (2, 3, 4, 3, 2, 2)),
        ("tiled_conv2d", (2, 2, 2, 3, 2, 2)),
        ("conv_transpose2d", (3, 2, 2, 2)),
    ):
        weight = np.arange(np.prod(shape), dtype=np.float32).reshape(shape) % 7
        assert_same(
            getattr(convcore, op)(windows, weight), getattr(reference, op)(windows.copy(), weight)
        )


@kinds
@pytest.mark.parametrize("scalar", [3.0, np.float32(3), np.array(3.0)])
def test_scalars_are_refused(case, scalar):
    plain = integer_arrays(case)
    for which in range(3):
        arrays = [scalar if i == which else a for i, a in enumerate(plain)]
        with pytest.raises((TypeError, ValueError), match=case.op):
            case.call(convcore, arrays)


@each([case for case in LAYERS if case.batched and case.x[0]][::3])
def test_without_a_batch(case):
    x, weight, bias = integer_arrays(case)
    assert_same(
        case.call(convcore, (x[0], weight, bias)), case.call(reference, (x, weight, bias))[0]
    )


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


@samples
def test_out_writes_nothing_else(case):
    arrays = integer_arrays(case)
    want = case.call(reference, arrays)
    around = np.full([size + 4 for size in want.shape], 7, want.dtype)
    inside = tuple(slice(2, -2) for _ in want.shape)
    case.call(convcore, arrays, out=around[inside])
    np.testing.assert_array_equal(around[inside], want)
    around[inside] = 7
    assert (around == 7).all()


@kinds
def test_out_for_an_unbatched_input_and_for_an_empty_batch(case):
    x, weight, bias = integer_arrays(case)
    want = case.call(reference, (x[0], weight, bias))
    out = np.empty_like(want)
    assert case.call(convcore, (x[0], weight, bias), out=out) is out
    np.testing.assert_array_equal(out, want)
    out = np.empty((0, *want.shape), np.float32)
    assert case.call(convcore, (x[:0], weight, bias), out=out) is out


@pytest.mark.parametrize("shift", [-11, -1, 0, 1, 3])
@pytest.mark.parametrize("which", [0, 1, 2])
@samples
def test_out_may_overlap_an_operand(case, which, shift):
    arrays = list(integer_arrays(case))
    want = case.call(reference, arrays)
    shape, size = arrays[which].shape, arrays[which].size
    first = max(shift, 0)
    memory = np.zeros(size + want.size + abs(shift), np.float32)
    operand = memory[first : first + size].reshape(shape)
    operand[...] = arrays[which]
    arrays[which] = operand
    out = memory[first - shift : first - shift + want.size].reshape(want.shape)
    for threads in (1, 2):
        operand[...] = integer_arrays(case)[which]
        assert case.call(convcore, arrays, out=out, threads=threads) is out
        np.testing.assert_array_equal(out, want)


@kinds
@pytest.mark.parametrize("kind", bad_outs((1, 1, 1, 1)))
def test_bad_out_is_refused_and_left_alone(case, kind):
    arrays = integer_arrays(case)
    out = bad_outs(case.call(reference, arrays).shape)[kind]
    with pytest.raises((ValueError, TypeError), match=rf"(?s){case.op}.*out"):
        case.call(convcore, arrays, out=out)
    assert not np.any(np.asarray(out))
