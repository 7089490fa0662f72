"""What one element of a layer's arrays may touch: as test_conv_isolation.py does it."""

import os

import numpy as np
import pytest

import convcore
from convcore import reference
from tests.support.fences import assert_stays_inside
from tests.support.spreads import assert_reaches_what_sees_it, assert_zero_times_nan_is_nan
from tests.support.sweeps import each, every_level
from tests.tables.layer_cases import LAYERS, SAMPLES, integer_arrays

# The samples, and where rows of weights are multiplied with patches, or fill vectors in part.

SPREADS = [
    *SAMPLES,
    *(
        case
        for case in LAYERS
        if case.name.startswith(
            (
                "taps_50",
                "taps_in",
                "taps_for_9",
                "channels_17to1-",
                "adjacent",
                "width_17",
                "wide_padding",
                "phases",
            )
        )
        and case.x[0] < 5
    ),
]

spreads = each(SPREADS)


def test_every_kind_is_there():
    assert {case.kind for case in SPREADS} == {case.kind for case in LAYERS}
    assert len(SPREADS) > 50


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@spreads
def test_one_input_reaches_exactly_the_outputs_that_see_it(case, value):
    assert_reaches_what_sees_it(case, integer_arrays(case), value)


@spreads
def test_zero_times_nan_is_nan(case):
    assert_zero_times_nan_is_nan(case, integer_arrays(case))


@pytest.mark.parametrize("case", [case for case in SPREADS if case.unshared], ids=str)
def test_a_kernel_of_nan_is_seen_where_its_turn_comes(case):
    x, weight, bias = integer_arrays(case)
    for turn in {(0,) * case.axes, tuple(t - 1 for t in weight.shape[1 : 1 + case.axes])}:
        for which in (1, 2):
            arrays = [x, weight.copy(), bias.copy()]
            arrays[which][(-1, *turn)] = np.nan
            got = case.call(convcore, arrays)
            np.testing.assert_array_equal(got, case.call(reference, arrays))
            channels = np.moveaxis(got, case.channel_axis, 0)
            assert np.isfinite(channels[:-1]).all()


@pytest.mark.parametrize(
    "case", [case for case in SPREADS if case.kind == "conv_transpose"], ids=str
)
def test_nan_in_weight_or_bias_stays_in_its_output_channel(case):
    x, weight, bias = integer_arrays(case)
    k, of_group = len(bias), weight.shape[1]
    for channel in {0, k // 2, k - 1}:
        group = channel // of_group * (len(weight) // (k // of_group))  # its first input channel
        for which, place in ((1, (group, channel % of_group)), (2, channel)):
            arrays = [x, weight.copy(), bias.copy()]
            arrays[which][place] = np.nan
            channels = np.moveaxis(case.call(convcore, arrays), case.channel_axis, 0)
            for other, plane in enumerate(channels):
                assert np.isnan(plane).any() if other == channel else np.isfinite(plane).all()


# Nothing outside the arrays is read or written.


@pytest.mark.skipif(os.name != "posix", reason="needs mprotect")
@every_level
def test_nothing_outside_the_arrays_is_touched(level, run_python):
    assert_stays_inside(run_python, level, "tests.tables.layer_cases", "LAYERS", 4500)
