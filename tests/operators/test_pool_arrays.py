"""What an array may be in a pooling: any strides, any address, any kind; and what `out` may be.

The values are small integers. A result is compared with that for a plain array of the same
numbers, bit by bit; what that should be, test_pool_reference.py asks the oracle.
"""

import numpy as np
import pytest
from numpy.lib.stride_tricks import as_strided

import convcore
from convcore import reference
from tests.support.arrays import LAYOUTS, OUTS, assert_same, bad_outs
from tests.support.pool_oracle import forward_tolerance
from tests.support.sweeps import each
from tests.tables.pool_cases import SAMPLES, integer_x, positive_grad

samples = each(SAMPLES)
KERNEL = np.ones((3, 3))  # of weighted poolings
OPS = ["max", "avg", "lp", "l2", "weighted", "adaptive_avg", "adaptive_max"]


def dtypes_of(case):
    return ["float32", "float64", "float16", *["int8", "uint16", "int64"] * case.is_max]


@samples
def test_the_samples_are_right(case):
    x = integer_x(case)
    got, want = case.call(convcore, x), case.call(reference, x)
    assert (got.shape, got.dtype) == (want.shape, want.dtype)
    assert (abs(got - want) <= forward_tolerance(case) * 2**-23 * abs(want)).all()


@pytest.mark.parametrize("layout", LAYOUTS)
@samples
def test_memory_layouts(case, layout):
    change = LAYOUTS[layout]
    for dtype in dtypes_of(case):
        plain = integer_x(case, dtype)
        strange = change(plain)
        numbers = np.asarray(strange)
        numbers = np.ascontiguousarray(numbers, numbers.dtype.newbyteorder("="))
        want = case.call(convcore, numbers)
        assert_same(case.call(convcore, strange), want)
        np.testing.assert_array_equal(np.asarray(strange), plain)  # left alone
        grad = positive_grad(case, want.shape, dtype)
        odd = change(grad)
        same = np.asarray(odd)
        same = np.ascontiguousarray(same, same.dtype.newbyteorder("="))
        assert_same(case.back(convcore, odd, strange), case.back(convcore, same, numbers))
        np.testing.assert_array_equal(np.asarray(odd), grad)
        if case.is_max:
            _, index = case.call(convcore, numbers, return_indices=True)
            assert_same(case.call(convcore, strange, return_indices=True)[1], index)
            given = case.back(convcore, odd, strange, indices=LAYOUTS["reversed"](index))
            assert_same(given, case.back(convcore, same, numbers))


@samples
def test_memory_layouts_of_a_window(case):
    if case.kind != "weighted_pool":
        return
    x, window = integer_x(case), case.arguments()["window"]
    want = case.call(convcore, x)
    for layout in LAYOUTS.values():
        assert_same(case.call(convcore, x, window=layout(window)), want)


@samples
def test_zero_strides(case):
    x = integer_x(case)
    for strange in (
        np.broadcast_to(np.float32(3), x.shape),
        np.broadcast_to(x[:1], x.shape),
        np.broadcast_to(x[..., :1], x.shape),
    ):
        plain = strange.copy()
        want = case.call(convcore, plain)
        assert_same(case.call(convcore, strange), want)
        grad = np.broadcast_to(np.float32(2), want.shape)
        assert_same(case.back(convcore, grad, strange), case.back(convcore, grad.copy(), plain))


@pytest.mark.parametrize("stride", [0, -4, 3, 10**12, -(10**12), 2**62])
@pytest.mark.parametrize("op", ["max", "avg", "l2"])
def test_strides_of_axes_of_size_one_mean_nothing(op, stride):
    forward = getattr(convcore, f"{op}_pool2d")
    backward = getattr(convcore, f"{op}_pool2d_backward")
    x = np.arange(6, dtype=np.float32).reshape(1, 1, 6, 1)
    want = forward(x, (3, 1), 1)
    odd = as_strided(x, strides=(stride, -stride, 4, stride))
    assert_same(forward(odd, (3, 1), 1), want)
    out = np.zeros_like(want)
    odd_out = as_strided(out, strides=(stride, stride, 4, -stride))
    assert forward(x, (3, 1), 1, out=odd_out) is odd_out
    assert_same(out, want)
    odd_grad = as_strided(want, strides=(stride, stride, 4, -stride))
    assert_same(backward(odd_grad, odd, (3, 1), 1), backward(want, x, (3, 1), 1))
    last = as_strided(x, (1, 6, 1, 1), (stride, 4, -stride, stride))
    assert_same(
        forward(last, (3, 1), 1, layout="NHWC"), forward(last.copy(), (3, 1), 1, layout="NHWC")
    )


def test_overlapping_windows_made_by_strides():
    row = np.arange(20.0, dtype=np.float32)
    windows = as_strided(row, (1, 3, 4, 5), (0, 8, 4, 4))
    for op in ("max", "avg", "l2"):
        pool = getattr(convcore, f"{op}_pool2d")
        assert_same(pool(windows, 2, 1), pool(windows.copy(), 2, 1))


def call(op, x, **options):
    """A pooling of two axes that keeps the size, or (adaptive) gives 3 x 3 outputs."""
    function = getattr(convcore, f"{op}_pool2d")
    if op.startswith("adaptive"):
        return function(x, 3, **options)
    first = KERNEL if op == "weighted" else 3
    return function(x, first, 1, "same", **options)


class Tagged(np.ndarray):
    """A subclass, as units or labels are attached by some libraries."""


@pytest.mark.parametrize("op", OPS)
def test_kinds_of_arrays(op, tmp_path):
    x = np.random.default_rng(0).integers(-9, 9, (2, 3, 6, 7)).astype(np.float32)
    want = call(op, x)
    assert_same(call(op, x.view(Tagged)), want)
    assert type(call(op, x.view(Tagged))) is np.ndarray
    mapped = np.memmap(tmp_path / "x", np.float32, "w+", shape=x.shape)
    mapped[...] = x
    assert_same(call(op, mapped), want)
    out = np.empty_like(want).view(Tagged)
    assert call(op, x, out=out) is out
    np.testing.assert_array_equal(np.asarray(out), want)

    class Convertible:
        def __array__(self, dtype=None, copy=None):
            return x if dtype is None else x.astype(dtype)

    assert_same(call(op, Convertible()), want)
    hidden = np.ma.masked_less(x, -99)  # nothing; of other masks see test_missing_properties
    if op.startswith("adaptive"):
        with pytest.raises(TypeError, match=rf"{op}_pool2d.*x.*masked"):
            call(op, hidden)
    else:
        assert_same(call(op, hidden), want)


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
@pytest.mark.parametrize("op", OPS)
def test_other_dtypes_are_refused(op, dtype):
    if np.dtype(dtype) == np.float64:
        dtype = "complex64"  # here a long double is a double
    with pytest.raises(TypeError, match=rf"{op}_pool2d.*x"):
        call(op, np.zeros((1, 2, 6, 7), dtype))
    back = getattr(convcore, f"{op}_pool2d_backward")
    first = KERNEL if op == "weighted" else 3
    x = np.zeros((1, 2, 6, 6), np.float32)
    with pytest.raises(TypeError, match=rf"{op}_pool2d_backward.*grad"):
        back(np.zeros((1, 2, 2, 2), dtype), x, first)
    if op == "weighted":
        with pytest.raises(TypeError, match=r"weighted_pool2d.*window"):
            convcore.weighted_pool2d(
                x,
                np.ones((2, 2)).astype(dtype)
                if isinstance(dtype, str)
                else np.zeros((2, 2), dtype),
            )


@pytest.mark.parametrize("scalar", [3.0, np.float32(3), np.array(3.0), 2])
@pytest.mark.parametrize("op", OPS)
def test_scalars_are_refused(op, scalar):
    with pytest.raises((TypeError, ValueError), match=f"{op}_pool2d"):
        call(op, scalar)


# out


@pytest.mark.parametrize("kind", OUTS)
@samples
def test_out(case, kind):
    for dtype in dtypes_of(case):
        x = integer_x(case, dtype)
        want = case.call(convcore, x)
        out = OUTS[kind](want)
        out[...] = 77  # what was there does not matter
        assert case.call(convcore, x, out=out) is out
        np.testing.assert_array_equal(out, want)
        if case.is_max:
            out[...] = 77
            got, index = case.call(convcore, x, out=out, return_indices=True)
            assert got is out
            np.testing.assert_array_equal(out, want)
            assert_same(index, case.call(convcore, x, return_indices=True)[1])


@pytest.mark.parametrize("op", OPS)
def test_out_writes_nothing_else(op):
    x = np.arange(252, dtype=np.float32).reshape(2, 3, 6, 7)
    want = call(op, x)
    around = np.full([size + 4 for size in want.shape], 7, want.dtype)
    inside = tuple(slice(2, -2) for _ in want.shape)
    call(op, x, out=around[inside])
    np.testing.assert_array_equal(around[inside], want)
    around[inside] = 7
    assert (around == 7).all()


@pytest.mark.parametrize("op", OPS)
def test_out_for_an_unbatched_input_and_for_an_empty_batch(op):
    x = np.arange(126, dtype=np.float32).reshape(3, 6, 7)
    want = call(op, x)
    out = np.empty_like(want)
    assert call(op, x, out=out) is out
    np.testing.assert_array_equal(out, want)
    out = np.empty((0, *want.shape), np.float32)
    assert call(op, x[None][:0], out=out) is out


@pytest.mark.parametrize("op", ["max", "avg", "lp", "l2", "weighted"])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_out_may_be_or_overlap_the_input(op, dtype):
    x = np.random.default_rng(1).integers(-9, 9, (2, 8, 9, 11)).astype(dtype)
    want = call(op, x)
    for threads in (1, 2):
        here = x.copy()
        assert call(op, here, out=here, threads=threads) is here
        np.testing.assert_array_equal(here, want)
    here = x.copy()
    call(op, here, out=here[:, ::-1, ::-1, ::-1])
    np.testing.assert_array_equal(here[:, ::-1, ::-1, ::-1], want)
    for shift in (-11, -3, -1, 1, 2, 11):
        memory = np.zeros(x.size + 2 * abs(shift), dtype)
        here = memory[abs(shift) : abs(shift) + x.size].reshape(x.shape)
        there = memory[abs(shift) + shift :][: x.size].reshape(x.shape)
        here[...] = x
        call(op, here, out=there)
        np.testing.assert_array_equal(there, want)


def test_out_may_be_the_window():
    x = np.arange(36.0).reshape(1, 6, 6)
    want = convcore.weighted_pool2d(x, np.arange(1.0, 5).reshape(2, 2), 3)
    window = np.arange(1.0, 5).reshape(2, 2)
    convcore.weighted_pool2d(x, window, 3, out=window[None])
    np.testing.assert_array_equal(window[None], want)


@pytest.mark.parametrize("kind", bad_outs((1, 1, 1, 1)))
@pytest.mark.parametrize("op", OPS)
def test_bad_out_is_refused_and_left_alone(op, kind):
    x = np.ones((2, 3, 6, 7), np.float32)
    out = bad_outs(call(op, x).shape)[kind]
    more = [{}, {"return_indices": True}] if op.endswith("max") else [{}]
    for options in more:
        with pytest.raises((ValueError, TypeError), match=rf"(?s){op}_pool2d.*out"):
            call(op, x, out=out, **options)
    assert not np.any(np.asarray(out))
