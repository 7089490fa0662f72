"""What one number may touch: NaN and infinity in the gradient of the result, in x and in the weight
go where the equations take them, and no call reads or writes memory outside its arrays.
"""

import os

import numpy as np
import pytest

import convcore
from convcore import reference
from tests.support.fences import assert_gradients_stay_inside
from tests.support.sweeps import each, every_level
from tests.tables.gradient_cases import GRADIENTS, KINDS, SAMPLES, integer_arrays

# The samples, and where vectors are filled in part or the padding holds something.
FAMILIES = (
    "border2d",
    "border_last",
    "depthwise_17",
    "groups_6to9",
    "last_5to8",
    "width_17",
    "taps_50",
    "taps_for_9",
    "channels_17to1-",
    "adjacent",
    "wide_padding",
    "phases",
    "geometry2d-p=same-s=3",
)
SPREADS = [
    *SAMPLES,
    *(
        case
        for case in GRADIENTS
        if case.name.startswith(FAMILIES) and case.work < 300_000 and case.x[0] < 5
    ),
]

spreads = each(SPREADS)
odd = pytest.mark.parametrize("value", [np.nan, -np.inf])


def test_every_kind_is_there():
    assert {case.kind for case in SPREADS} == set(KINDS)
    assert len(SPREADS) > 100


def places(array):
    """A few positions: the first, the last, and others between."""
    rng = np.random.default_rng(array.size)
    return sorted({0, array.size - 1, *rng.integers(0, array.size, 3).tolist()})


def assert_equals_oracle(case, arrays):
    for ours, theirs in zip(case.back(convcore, arrays), case.back(reference, arrays), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@odd
@spreads
def test_one_number_of_grad_or_x_reaches_what_the_equation_says(case, value):
    arrays = integer_arrays(case)
    for which in (0, 1):
        for place in places(arrays[which]):
            spoilt = [a if a is None else a.copy() for a in arrays]
            spoilt[which].flat[place] = value
            assert_equals_oracle(case, spoilt)


@spreads
def test_zero_times_nan_is_nan(case):
    # Nothing is skipped because of a zero.
    grad, x, weight, bias = integer_arrays(case)
    for place in places(grad):
        spoilt = grad.copy()
        spoilt.flat[place] = np.nan
        assert_equals_oracle(case, (spoilt, np.zeros_like(x), np.zeros_like(weight), bias))


@spreads
def test_a_kernel_of_nan_stays_in_its_input_channel(case):
    grad, x, weight, _ = integer_arrays(case)
    inputs = 0 if case.kind == "conv_transpose" else -1 - case.axes
    channels = case.x[case.channel_axis]
    groups = case.options.get("groups", 1)
    for channel in {0, weight.shape[inputs] // 2, weight.shape[inputs] - 1}:
        spoilt = weight.copy()
        np.moveaxis(spoilt, inputs, 0)[channel] = np.nan
        dx, dweight, _ = case.back(convcore, (grad, x, spoilt))
        assert np.isfinite(dweight).all()
        # the channel of that number in each group
        touched = (
            {channel}
            if case.kind == "conv_transpose"
            else {channel + g * (channels // groups) for g in range(groups)}
        )
        for other, plane in enumerate(np.moveaxis(dx, case.channel_axis, 0)):
            assert other in touched or np.isfinite(plane).all()
        assert case.arguments().get("connections") is not None or np.isnan(dx).any()


@each([case for case in GRADIENTS if "connections" in case.options and case.work < 10**6])
@odd
def test_what_is_not_connected_is_not_seen(case, value):
    # Absent weights have a gradient of 0.0 and give nothing, whatever is in the arrays.
    grad, x, weight, bias = integer_arrays(case)
    table = case.arguments()["connections"]
    clean = case.back(convcore, (grad, x, weight, bias))
    hidden = weight.copy()
    hidden[~table] = value
    for ours, theirs in zip(case.back(convcore, (grad, x, hidden, bias)), clean, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    _, dweight, _ = case.back(
        convcore, (np.full_like(grad, value), np.full_like(x, value), hidden, bias)
    )
    assert (dweight[~table].view(np.uint32) == 0).all()
    unseen = np.flatnonzero(~table.any(axis=0))  # channels that no map sees
    if unseen.size:
        dx, _, _ = case.back(convcore, (np.full_like(grad, value), x, weight, bias))
        assert (np.take(dx, unseen, case.channel_axis).view(np.uint32) == 0).all()


def test_cells_that_no_output_sees_get_zero():
    grad = np.full((1, 1, 2), np.nan, np.float32)
    x, weight = np.ones((1, 1, 8), np.float32), np.ones((1, 1, 2), np.float32)
    dx, _, _ = convcore.conv1d_backward(grad, x, weight, stride=5)
    assert np.isnan(dx[0, 0, [0, 1, 5, 6]]).all()
    assert (dx[0, 0, [2, 3, 4, 7]].view(np.uint32) == 0).all()
    for op, w in (("local_conv1d", weight[None, :].repeat(2, 1)), ("tiled_conv1d", weight[None])):
        dx, _, _ = getattr(convcore, f"{op}_backward")(grad, x, w, stride=5)
        assert (dx[0, 0, [2, 3, 4, 7]].view(np.uint32) == 0).all()


# Nothing outside the arrays is read or written.


@pytest.mark.skipif(os.name != "posix", reason="needs mprotect")
@every_level
def test_nothing_outside_the_arrays_is_touched(level, run_python):
    assert_gradients_stay_inside(run_python, level, 4000)
