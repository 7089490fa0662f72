"""Gradients of weights by Winograd's algorithm: inside its error, equal bits."""

import numpy as np
import pytest

import convcore
from tests.support.fast import FLOATS, LAYOUTS, MOST, SPECIAL, at, channels_last, error
from tests.support.sweeps import both_levels, every_level

pytestmark = pytest.mark.auto

# op, x, weight, options: edges of tiles, of vectors, of items, of slices and of blocks of bands
LAYERS = {
    "one tile": ("conv2d", (1, 16, 6, 6), (16, 16, 3, 3), {}),
    "part of a tile": ("conv2d", (2, 17, 8, 7), (19, 17, 3, 3), {"padding": "same"}),
    "full": ("conv2d", (1, 33, 9, 12), (35, 33, 3, 3), {"padding": "full"}),
    "several items": ("conv2d", (1, 130, 14, 17), (131, 130, 3, 3), {"padding": 1}),
    "two parts": ("conv2d", (1, 65, 13, 12), (65, 65, 3, 3), {"padding": ((0, 2), (1, 0))}),
    "slices": ("conv2d", (3, 32, 60, 61), (32, 32, 3, 3), {"padding": 1}),
    "long row": ("conv2d", (1, 16, 7, 403), (16, 16, 3, 3), {}),
    "groups": ("conv2d", (2, 48, 13, 13), (51, 16, 3, 3), {"groups": 3}),
    "flip": ("conv2d", (1, 16, 14, 14), (16, 16, 3, 3), {"flip": True}),
    "rows": ("conv2d", (2, 18, 21, 5), (20, 18, 3, 1), {"padding": (1, 0)}),
    "columns": ("conv2d", (2, 18, 5, 21), (20, 18, 1, 3), {"padding": (0, 1)}),
    "one axis": ("conv1d", (2, 20, 203), (17, 20, 3), {"padding": "same"}),
    "planes": ("conv3d", (1, 16, 3, 13, 14), (16, 16, 1, 3, 3), {}),
    "border": ("conv2d", (1, 16, 15, 13), (16, 16, 3, 3), {"padding": "same", "border": "wrap"}),
}
CHOSEN = ("several items", "slices", "one axis")  # by auto too


def operands(name, dtype):
    """The gradient of y, x and weight."""
    op, x, weight, options = LAYERS[name]
    generator = np.random.default_rng(0)
    x, weight = (generator.standard_normal(shape) for shape in (x, weight))
    grad = generator.standard_normal(getattr(convcore, op)(x, weight, **options).shape)
    return [a.astype(dtype) for a in (grad, x, weight)]


def dweight(name, arrays, algorithm, **more):
    op, _, _, options = LAYERS[name]
    with convcore.set_algorithm(algorithm):
        return getattr(convcore, f"{op}_backward")(
            *arrays, needs=(False, True, False), **options, **more
        )[1]


def check_error(name, dtype):
    arrays = operands(name, dtype)
    want = dweight(name, [a.astype(np.float64) for a in arrays], "direct")
    got = dweight(name, arrays, "winograd")
    assert got.dtype == dtype
    assert error(got, want) < MOST[dtype]
    direct = dweight(name, arrays, "direct")
    assert not np.array_equal(got, direct)
    if name in CHOSEN:
        assert np.array_equal(dweight(name, arrays, "auto"), got)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", LAYERS)
def test_error(name, dtype):
    check_error(name, dtype)


@every_level
def test_error_at_every_level(level):
    with at(level):
        for name in LAYERS:
            check_error(name, np.float32)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("name", LAYERS)
def test_bits_depend_on_neither_threads_nor_layout(name, dtype):
    grad, x, weight = operands(name, dtype)
    want = dweight(name, (grad, x, weight), "winograd", threads=1).tobytes()
    for threads in (2, 3, 7):
        assert dweight(name, (grad, x, weight), "winograd", threads=threads).tobytes() == want
    last = (channels_last(grad), channels_last(x), weight)
    layout = LAYOUTS[LAYERS[name][0]][1]
    assert dweight(name, last, "winograd", layout=layout).tobytes() == want


@both_levels("x86-64-v3", "x86-64-v4")
@pytest.mark.parametrize("dtype", FLOATS)
def test_bits_do_not_depend_on_the_level(dtype):
    for name in LAYERS:
        arrays = operands(name, dtype)
        with at("x86-64-v3"):
            want = dweight(name, arrays, "winograd")
        with at("x86-64-v4"):
            assert dweight(name, arrays, "winograd").tobytes() == want.tobytes(), name


@pytest.mark.parametrize("operand", [0, 1])
@pytest.mark.parametrize("value", SPECIAL)
@pytest.mark.parametrize("name", ["several items", "slices"])
def test_where_a_number_is_lost_sums_are_direct(name, value, operand):
    arrays = operands(name, np.float32)
    arrays[operand][0, 3, 5, 7] = value
    with np.errstate(all="ignore"):
        got, want = (dweight(name, arrays, by) for by in ("winograd", "direct"))
    finite = np.isfinite(want)
    assert np.array_equal(got[~finite], want[~finite], equal_nan=True)
    # what the huge number has no part in is smaller than what it rounds
    huge = np.abs(want[finite]) > 1e30
    assert np.allclose(got[finite][huge], want[finite][huge], rtol=1e-5)
    if not np.isfinite(value):
        assert np.array_equal(got, want, equal_nan=True)


def test_the_choice_is_by_sizes():
    """A few outputs, or few of them along an axis, are summed up directly."""
    for shape in [(1, 16, 6, 6), (64, 64, 4, 4), (8, 64, 40, 4)]:
        generator = np.random.default_rng(1)
        x = generator.standard_normal(shape)
        weight = generator.standard_normal((64, shape[1], 3, 3))
        grad = generator.standard_normal((shape[0], 64, *shape[2:]))
        got, want = (
            convcore.conv2d_backward(
                grad, x, weight, padding=1, needs=(False, True, False), algorithm=algorithm
            )[1]
            for algorithm in ("auto", "direct")
        )
        assert np.array_equal(got, want), shape
