"""What becomes of numbers where a dtype changes: nothing is rounded or lost without a word.

Averages of equal cells, integers that no float holds, and results too large for float16.
"""

import warnings

import numpy as np
import pytest

import convcore
from convcore import distance_window, matrix, reference
from convcore.api.windows import KINDS
from tests.tables.overlap_calls import calls

CALLS = {str(call): call for call in calls()}


# Weighted averages of equal cells


def windows():
    """Weights of every kind and many sizes, none of them negative."""
    rng = np.random.default_rng(3)
    for size in ((2,), (3,), (7, 5), (13, 13), (31, 31), (3, 4, 5)):
        for kind in KINDS:
            yield distance_window(size, kind) + 1e-4  # some kinds have zeros in corners
        yield rng.random(size) + 1e-3
        yield rng.integers(1, 9, size)
        yield rng.random(size).astype(np.float32) * np.float32(1e-30)


@pytest.mark.parametrize("value", [255, 1, 0.1, 3e38, 1e-40, -77.7])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float16", "float32"])
def test_the_average_of_equal_cells_is_that_cell(dtype, value):
    if dtype in ("uint8", "int16"):
        value = abs(int(value)) % 256
    with np.errstate(over="ignore"):
        value = np.array(value, dtype)
    if not np.isfinite(value):
        value = np.array(6e4, dtype)
    for window in windows():
        x = np.full((2, *(n + 2 for n in window.shape)), value)
        average = getattr(convcore, f"weighted_pool{window.ndim}d")
        for options in ({}, {"padding": "same"}, {"padding": "full"}):
            got = average(x, window, 1, **options)
            assert (got == value).all(), (window.shape, options, got.ravel()[:3])


@pytest.mark.parametrize("value", [255.0, 0.1, 1.7e308, 5e-324, -77.7])
@pytest.mark.parametrize("dtype", ["float64", "int32", "int64"])
def test_the_average_of_equal_cells_in_float64(dtype, value):
    value = np.array(value if dtype == "float64" else 2**31 - 1, dtype)
    for window in windows():
        x = np.full((2, *(n + 2 for n in window.shape)), value)
        average = getattr(convcore, f"weighted_pool{window.ndim}d")
        got = average(x, window, 1, padding="same")
        # each product and each sum is rounded once, and so are the weights' sum and the quotient
        bound = (2 * window.size + 2) * 2.0**-53 * abs(float(value)) + 5e-324
        assert (abs(got - np.float64(value)) <= bound).all(), window.shape


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weights_of_any_size(dtype):
    x = np.full((1, 5, 5), np.finfo(dtype).max * 0.99)
    for weight in (5e-324, 1e-300, 1.0, 1e300, 1.7e308):
        got = convcore.weighted_pool2d(x, np.full((3, 3), weight), 1, padding=1)
        np.testing.assert_allclose(got, x, rtol=1e-15)
        grad = convcore.weighted_pool2d_backward(
            np.ones_like(x), x, np.full((3, 3), weight), 1, padding=1
        )
        want = convcore.avg_pool2d_backward(np.ones_like(x), x, 3, 1, padding=1)
        np.testing.assert_allclose(grad, want, rtol=1e-6)


def test_weights_with_signs():
    x = np.full((1, 8, 8), 255, np.uint8)
    for window in ([[-1, 3], [-1, 3]], [[0.1, -0.3], [0.7, 0.2]]):
        assert (convcore.weighted_pool2d(x, window, 1) == 255).all()


# Integers beyond what float64 holds

BEYOND = (2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63))


def made_floats(call):
    """The arguments whose numbers the call makes floats."""
    names = set(call.arrays)
    if "max_pool" in call.name:
        return names - {"x", "indices"}
    if call.name.endswith("_backward"):  # the bias is never read, x not by what is linear in it
        linear = "avg" in call.name or "weighted" in call.name
        return names - {"bias"} - ({"x"} if linear else set())
    return names


@pytest.mark.parametrize("value", BEYOND)
@pytest.mark.parametrize("name", CALLS)
def test_integers_that_no_float_holds(name, value):
    call = CALLS[name]
    for argument in made_floats(call):
        array = call.arrays[argument].astype(np.int64)
        array.flat[-1] = value
        with pytest.raises(ValueError, match=r"2\*\*53") as caught:
            call(**{argument: array})
        text = str(caught.value)
        assert text.startswith(f"{call.name}: {argument} "), text
        assert str(value) in text


def test_integers_that_float64_holds():
    x = np.array([[2**53, -(2**53), 5]])
    assert convcore.conv1d(x, [[[1]]]).tolist() == [[2**53, -(2**53), 5]]
    with pytest.raises(ValueError, match=f"conv1d: x must .* got {2**64 - 1}"):
        convcore.conv1d(np.array([[2**64 - 1]], np.uint64), [[[1]]])
    for dtype in (np.int64, np.uint64):
        big = np.array([[2**60 + 1, 2**60 + 3, 2**60 + 2]], dtype)
        assert convcore.max_pool1d(big, 3).tolist() == [[2**60 + 3]]  # not made floats
    empty = np.empty((0, 1, 4), np.int64)
    assert convcore.conv1d(empty, [[[1]]]).shape == (0, 1, 4)


def test_integers_in_matrices():
    big = np.array([[[2**53 + 1, 1]]])
    with pytest.raises(ValueError, match=r"conv_matrix: weight must .*2\*\*53"):
        matrix.conv_matrix(big, (1, 4))
    with pytest.raises(ValueError, match=r"conv_transpose_matrix: weight must .*2\*\*53"):
        matrix.conv_transpose_matrix(big, (1, 4))
    with pytest.raises(ValueError, match=r"tiled_conv_matrix: weight must .*2\*\*53"):
        matrix.tiled_conv_matrix(big[None], (1, 4))
    with pytest.raises(ValueError, match=r"weighted_pool_matrix: window must .*2\*\*53"):
        matrix.weighted_pool_matrix(big[0, 0], (1, 4))


# Results too large for float16: NumPy's own warning, forward and backward, with and without out

LARGE = np.float16(60000)


def sums(call):
    """Whether results may be larger than all that the call is given."""
    if call.name.endswith("_backward"):
        return "apart" not in str(call) and call.name.startswith(
            ("conv", "local", "tiled", "max", "l2")
        )
    return "sums" in str(call) or (
        "inf" not in str(call) and call.name.startswith(("conv", "local", "tiled", "l2", "lp"))
    )


@pytest.mark.parametrize("name", [name for name, call in CALLS.items() if sums(call)])
def test_overflow_of_float16_warns(name):
    call = CALLS[name]
    arrays = {
        name: array if name == "indices" else np.full(array.shape, LARGE)
        for name, array in call.arrays.items()
    }
    if "pool" in name and "grad" in arrays:  # one cell gets the gradients of several windows
        arrays["x"] = np.zeros_like(arrays["x"])
        arrays["x"][..., 1] = 1
    with pytest.warns(RuntimeWarning, match="overflow encountered in cast"):
        results = call(**arrays)
    results = results if call.gradients else (results,)
    assert any(np.isinf(result).any() for result in results)
    out = [np.zeros_like(result) for result in results]
    with pytest.warns(RuntimeWarning, match="overflow encountered in cast"):
        call(out if call.gradients else out[0], **arrays)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CALLS)
def test_arithmetic_does_not_warn(name, dtype):
    """Kernels do not warn, nor does the arithmetic around them."""
    call = CALLS[name]
    for value in (np.finfo(dtype).max, np.inf, np.nan, np.finfo(dtype).tiny):
        if "weighted" in name and (value, dtype) == (np.finfo("float32").max, "float32"):
            continue  # sums of float64 made float32
        arrays = {
            key: array if key == "indices" else np.full(array.shape, value, dtype)
            for key, array in call.arrays.items()
        }
        if "window" in arrays:
            arrays["window"] = np.ones(arrays["window"].shape)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            call(**arrays)


def test_the_reference_agrees():
    x = np.full((1, 9, 9), 255, np.uint8)
    window = distance_window((5, 5))
    want = reference.weighted_pool2d(x, window, 1, padding=2)
    np.testing.assert_array_equal(convcore.weighted_pool2d(x, window, 1, padding=2), want)


@pytest.mark.parametrize("weights", [[1.7e308, 1.7e308], [5e-324, 5e-324], [2.0, 6.0]])
def test_matrices_of_weights_whose_sum_is_no_number(weights):
    pytest.importorskip("scipy")
    rows = convcore.matrix.weighted_pool_matrix(weights, (1, 4)).toarray()
    share = [0.5, 0.5] if weights[0] == weights[1] else [0.25, 0.75]
    assert rows.tolist() == [[*share, 0, 0], [0, 0, *share]]
