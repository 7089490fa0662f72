"""Sizes and paddings against brute force: windows laid one after the other and counted."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import convcore
from convcore.geometry import output_size, padding_for

SIZES = range(1, 13)
KERNELS = range(1, 6)
STRIDES = range(1, 5)
DILATIONS = range(1, 4)


def windows(n, kernel, stride, dilation, before, after):
    """The first cells of the windows that fit, found by walking; cell 0 is the first of padding."""
    starts, start = [], 0
    while start + dilation * (kernel - 1) <= before + n + after - 1:
        starts.append(start)
        start += stride
    return starts


@pytest.mark.item("f21", "f30")
@pytest.mark.parametrize("padding", [0, 1, 3, (0, 0), (2, 0), (1, 4)])
def test_output_size_counts_the_windows(padding):
    before, after = padding if isinstance(padding, tuple) else (padding, padding)
    counted = 0
    for n, k, s, d in product(SIZES, KERNELS, STRIDES, DILATIONS):
        starts = windows(n, k, s, d, before, after)
        if starts:
            assert output_size(n, k, s, padding, d) == len(starts), (n, k, s, d)
            counted += 1
        else:
            with pytest.raises(ValueError, match="kernel"):
                output_size(n, k, s, padding, d)
    assert counted > 400


def test_a_kernel_of_one_visits_every_stride_th_cell():
    for n, s in product(SIZES, STRIDES):
        assert output_size(n, 1, s) == len(range(0, n, s))


def test_valid_is_no_padding_and_is_the_default():
    for n, k, s in product(SIZES, KERNELS, STRIDES):
        if n >= k:
            starts = windows(n, k, s, 1, 0, 0)
            assert output_size(n, k, s) == output_size(n, k, s, "valid") == len(starts)


@pytest.mark.item("f22")
@pytest.mark.parametrize("padding", ["same", "same_lower"])
def test_same_is_the_input_over_the_stride_rounded_up(padding):
    for n, k, s, d in product(SIZES, KERNELS, STRIDES, DILATIONS):
        assert output_size(n, k, s, padding, d) == len(range(0, n, s))


@pytest.mark.item("f23")
def test_full_has_every_window_that_touches_the_input():
    for n, k, s, d in product(SIZES, KERNELS, STRIDES, DILATIONS):
        reach = d * (k - 1)
        starts = [start for start in range(0, n + 2 * reach, s) if start <= n + reach - 1]
        assert output_size(n, k, s, "full", d) == len(starts)


@pytest.mark.item("f20")
def test_ceil_mode_keeps_a_partial_last_window():
    extra = 0
    for n, k, s, d, before in product(SIZES, KERNELS, STRIDES, DILATIONS, range(3)):
        reach = d * (k - 1)
        for after in range(min(reach, 2) + 1):
            starts = windows(n, k, s, d, before, after)
            if not starts:
                continue
            uncovered = starts[-1] + reach + 1 < before + n + after
            following = starts[-1] + s
            partial = uncovered and following < before + n  # it must not start in the padding
            got = output_size(n, k, s, (before, after), d, ceil_mode=True)
            assert got == len(starts) + partial, (n, k, s, d, before, after)
            extra += partial
    assert extra > 100


@pytest.mark.item("f26", "f30")
def test_the_numbers_of_the_notes():
    assert output_size(320, 2) == 319  # f10
    assert [output_size(n, 6) for n in (16, 11, 6)] == [11, 6, 1]  # f26
    assert output_size(16, 6, padding="same") == 16
    assert output_size(10, 3, padding="full") == 12  # f23: m + k - 1
    assert output_size(227, 11, 4) == 55  # f37
    assert output_size(55, 3, 2) == 27
    assert output_size(27, 5, padding=2) == 27
    assert output_size(5, 3, 2, "valid", 1, True) == 2


def test_large_numbers_are_exact():
    # Where floating-point division would round: 3 * (2**53 + 1) cells in steps of 3.
    n = 3 * (2**53 + 1)
    assert output_size(n, 1, 3) == 2**53 + 1
    assert output_size(n + 1, 1, 3) == 2**53 + 2
    assert output_size(n, 1, 3, "same") == 2**53 + 1


@given(
    n=st.integers(1, 40),
    k=st.integers(1, 9),
    s=st.integers(1, 6),
    d=st.integers(1, 5),
    padding=st.sampled_from(["valid", "same", "same_lower", "full", 0, 2, (3, 1)]),
)
def test_output_size_is_the_size_of_the_output(n, k, s, d, padding):
    x, weight = np.ones((1, n), np.float32), np.ones((1, 1, k), np.float32)
    try:
        pads = (padding,) if isinstance(padding, tuple) else padding
        got = convcore.conv1d(x, weight, None, s, pads, d).shape[1]
    except ValueError:
        with pytest.raises(ValueError, match="kernel"):
            output_size(n, k, s, padding, d)
    else:
        assert output_size(n, k, s, padding, d) == got


@pytest.mark.item("f24", "f30")
def test_padding_for_gives_the_size_with_the_least_padding():
    found = refused = 0
    for n, k, s, d, size in product(range(1, 9), range(1, 5), range(1, 4), (1, 2), range(1, 12)):
        totals = [p for p in range(60) if len(windows(n, k, s, d, 0, p)) == size]
        if totals:
            before, after = padding_for(n, k, s, d, size)
            assert before + after == totals[0], (n, k, s, d, size)
            assert after - before == totals[0] % 2  # the odd cell comes after
            assert output_size(n, k, s, (before, after), d) == size
            found += 1
        else:  # even no padding gives more
            with pytest.raises(ValueError, match="size"):
                padding_for(n, k, s, d, size)
            refused += 1
    assert found > 1500
    assert refused > 200


def test_padding_for_same_is_same():
    x = np.arange(1.0, 8.0)[None]
    for k, s, d in product(KERNELS, STRIDES, DILATIONS):
        pair = padding_for(7, k, s, d, -(-7 // s))
        weight = np.arange(1.0, k + 1)[None, None]
        assert (
            convcore.conv1d(x, weight, None, s, (pair,), d)
            == convcore.conv1d(x, weight, None, s, "same", d)
        ).all()


def test_several_axes_at_once():
    assert output_size((9, 10), (3, 4), (2, 3), (1, (0, 2)), (1, 2)) == (
        output_size(9, 3, 2, 1, 1),
        output_size(10, 4, 3, (0, 2), 2),
    )
    assert output_size((9, 10, 11), 3, 2, "same") == (5, 5, 6)
    assert output_size((9, 10), 3, padding=((1, 0), (0, 2))) == (8, 10)
    assert output_size([9, 10], 3, padding=(1, 2)) == (9, 12)
    assert padding_for((9, 10), 3, (1, 2), 1, (9, 5)) == ((1, 1), (0, 1))
    for bad in (
        {"kernel": (3, 3, 3)},
        {"kernel": 3, "stride": (1,)},
        {"kernel": (3, 0)},
        {"kernel": 3, "padding": (1, 1, 1)},
    ):
        with pytest.raises(ValueError, match="output_size"):
            output_size((9, 10), **bad)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((5, 3, 0), "stride"),
        ((5, 3, -1), "stride"),
        ((5, 3, 1.5), "stride"),
        ((5, 3, "2"), "stride"),
        ((5, 0), "kernel"),
        ((5, -3), "kernel"),
        ((5, 2.0), "kernel"),
        ((-1, 1), "n"),
        ((5.5, 1), "n"),
        ((None, 1), "n"),
        ((5, 3, 1, -1), "padding"),
        ((5, 3, 1, "Same "), "padding"),
        ((5, 3, 1, 0.5), "padding"),
        ((5, 3, 1, (1, -1)), "padding"),
        ((5, 3, 1, ()), "padding"),
        ((5, 3, 1, (1, 2, 3)), "padding"),
        ((5, 3, 1, 0, 0), "dilation"),
        ((5, 3, 1, 0, -2), "dilation"),
        ((5, 3, 1, 0, "x"), "dilation"),
        ((5, 9), "kernel"),
    ],
)
def test_bad_arguments_of_output_size(arguments, word):
    with pytest.raises((ValueError, TypeError), match=rf"(?s)output_size.*\b{word}\b"):
        output_size(*arguments)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((5, 3, 0, 1, 5), "stride"),
        ((5, 0, 1, 1, 5), "kernel"),
        ((5, 3, 1, 0, 5), "dilation"),
        ((5, 3, 1, 1, 0), "size"),
        ((5, 3, 1, 1, -2), "size"),
        ((5, 3, 1, 1, 2.5), "size"),
        ((-5, 3, 1, 1, 5), "n"),
    ],
)
def test_bad_arguments_of_padding_for(arguments, word):
    with pytest.raises((ValueError, TypeError), match=rf"(?s)padding_for.*\b{word}\b"):
        padding_for(*arguments)
