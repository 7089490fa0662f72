"""Windows of weights by distance: their shape, sum, symmetry, fall, and the formulas by hand."""

from itertools import product
from math import comb, exp, prod, sqrt

import numpy as np
import pytest

import convcore
from convcore import distance_window

KINDS = ("gaussian", "inverse", "linear", "binomial")
SIZES = [1, 2, 3, 5, 8, 31, (1,), (3, 3), (2, 5), (1, 4), (4, 1, 6), (3, 3, 3), [3, 2]]

every_window = pytest.mark.parametrize(("size", "kind"), [*product(SIZES, KINDS)], ids=str)


@every_window
def test_shape_type_and_sum(size, kind):
    window = distance_window(size, kind)
    assert window.shape == (tuple(size) if isinstance(size, (tuple, list)) else (size,))
    assert window.dtype == np.float64
    assert window.sum() == pytest.approx(1, abs=1e-15)
    assert (window >= 0).all()
    assert window.flags.c_contiguous
    assert window.flags.writeable


@every_window
def test_mirrored_along_each_axis(size, kind):
    window = distance_window(size, kind)
    for axis in range(window.ndim):
        np.testing.assert_allclose(np.flip(window, axis), window, rtol=1e-14)


@every_window
def test_falls_with_the_distance(size, kind):
    # Of two cells in a row or column the one nearer the middle weighs at least as much.
    window = distance_window(size, kind)
    for axis, n in enumerate(window.shape):
        half = np.moveaxis(window, axis, 0)[: (n + 1) // 2]
        assert (np.diff(half, axis=0) >= -1e-16).all()


@pytest.mark.parametrize("kind", KINDS)
def test_turning_the_shape_turns_the_window(kind):
    np.testing.assert_allclose(
        distance_window((2, 5), kind), distance_window((5, 2), kind).T, rtol=1e-14
    )


def by_hand(size, kind):
    """The weights, cell by cell."""
    weights = np.zeros(size)
    largest = max(size)
    for place in np.ndindex(size):
        r = sqrt(sum((at - (n - 1) / 2) ** 2 for at, n in zip(place, size, strict=True)))
        weights[place] = {
            "gaussian": exp(-r * r / (2 * (largest / 4) ** 2)),
            "inverse": 1 / (1 + r),
            "linear": max(0.0, 1 - r / ((largest + 1) / 2)),
            "binomial": prod(comb(n - 1, at) for at, n in zip(place, size, strict=True)),
        }[kind]
    return weights / weights.sum()


@pytest.mark.item("f14")
@pytest.mark.parametrize("size", [(1,), (4,), (7,), (3, 3), (2, 5), (3, 4, 2)], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_the_formulas(kind, size):
    np.testing.assert_allclose(distance_window(size, kind), by_hand(size, kind), rtol=1e-13)


def test_the_default_is_gaussian():
    assert (distance_window((3, 5)) == distance_window((3, 5), "gaussian")).all()


def test_binomial_is_what_averages_of_neighbours_give():
    row = np.array([[0.0] * 4 + [1.0] + [0.0] * 4])
    for _ in range(4):
        row = convcore.avg_pool1d(row, 2, 1)
    assert row[0].tolist() == distance_window(5, "binomial").tolist()
    assert distance_window(3, "binomial").tolist() == [0.25, 0.5, 0.25]


def test_binomial_of_many_cells_does_not_overflow():
    window = distance_window(3001, "binomial")
    assert np.isfinite(window).all()
    assert window.sum() == pytest.approx(1, abs=1e-13)
    assert window[1500] == pytest.approx(1 / sqrt(np.pi * 1500), rel=1e-3)  # Stirling


@pytest.mark.item("f14")
def test_weighted_pooling_by_distance():
    # A constant picture stays constant, at the border too; a peak becomes the window.
    window = distance_window((3, 5))
    flat = np.full((1, 2, 6, 7), 3.0)
    for padding in ("valid", "same", "full"):
        got = convcore.weighted_pool2d(flat, window, 1, padding)
        np.testing.assert_allclose(got, 3, rtol=1e-14)
    peak = np.zeros((1, 5, 9))
    peak[0, 2, 4] = 1
    got = convcore.weighted_pool2d(peak, window, 1, normalize=False)
    np.testing.assert_array_equal(got, window[None, ::-1, ::-1])


def test_it_is_a_public_name():
    assert convcore.distance_window.__module__ == "convcore"
    assert "distance_window" in convcore.__all__


@pytest.mark.parametrize(
    ("size", "word"),
    [
        (0, "0"),
        (-1, "-1"),
        ((3, 0), "0"),
        ((), "()"),
        ([], "[]"),
        (2**62, str(2**62)),
        ((2**31, 2**31), str(2**31)),
        (2**64, str(2**64)),
        ((3, -(2**63)), str(-(2**63))),
        (1.5, "1.5"),
        ((3, 2.0), "2.0"),
        ("3", "3"),
        (None, "None"),
        (True, "True"),
        (((3, 3),), "(3, 3)"),
        (float("nan"), "nan"),
    ],
    ids=str,
)
def test_bad_sizes(size, word):
    with pytest.raises((ValueError, TypeError, MemoryError)) as refusal:
        distance_window(size)
    assert "distance_window" in str(refusal.value)
    assert word in str(refusal.value)


@pytest.mark.parametrize("kind", ["Gaussian", "", "box", None, 3, ["linear"]], ids=str)
def test_bad_kinds(kind):
    with pytest.raises((ValueError, TypeError)) as refusal:
        distance_window(3, kind)
    for word in ("distance_window", "kind", repr(kind), *KINDS):
        assert word in str(refusal.value)
