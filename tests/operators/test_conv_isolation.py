"""What one element may touch: NaN and infinity spread as the equation says, and no call reads or
writes memory outside its arrays.
"""

import os
from itertools import product

import numpy as np
import pytest

import convcore
from convcore import reference
from tests.support.fences import assert_stays_inside
from tests.support.spreads import assert_reaches_what_sees_it, assert_zero_times_nan_is_nan
from tests.tables.cases import SAMPLES, Case, integer_arrays

# NaN and infinity go where the equation takes them and nowhere else.

SPREADS = [
    *SAMPLES,
    Case("strip", "conv2d", (1, 1, 40, 150), (1, 1, 3, 3), options={"padding": "same"}),
    Case("dilated", "conv2d", (1, 5, 20, 21), (3, 5, 3, 2), options={"dilation": (3, 4)}),
    Case("groups", "conv2d", (2, 6, 8, 9), (10, 3, 3, 3), options={"groups": 2, "stride": 2}),
    Case("odd", "conv2d", (1, 17, 9, 19), (33, 17, 3, 3), options={"padding": 1}),
    Case(
        "mirrored",
        "conv2d",
        (1, 2, 8, 9),
        (3, 2, 3, 3),
        options={"padding": 2, "border": "reflect"},
    ),
    Case(
        "last_odd",
        "conv2d",
        (1, 9, 19, 17),
        (33, 17, 3, 3),
        options={"padding": 1, "layout": "NHWC"},
    ),
    Case(
        "last_depthwise",
        "conv2d",
        (1, 9, 13, 17),
        (17, 1, 3, 3),
        options={"padding": 1, "groups": 17, "layout": "NHWC"},
    ),
    Case("long", "conv1d", (1, 1, 300), (1, 1, 7)),
]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("case", SPREADS, ids=str)
def test_one_input_reaches_exactly_the_outputs_that_see_it(case, value):
    assert_reaches_what_sees_it(case, integer_arrays(case), value)


@pytest.mark.parametrize("case", SPREADS, ids=str)
def test_zero_times_nan_is_nan(case):
    assert_zero_times_nan_is_nan(case, integer_arrays(case))


@pytest.mark.parametrize("case", SPREADS, ids=str)
def test_all_nan_input_leaves_outputs_on_padding_alone(case):
    # Padding holds zeros, so what sees no cell of the input is its bias, exactly.
    space = case.x[1:-1] if case.options.get("layout") == "NHWC" else case.x[2:]
    options = {**case.options, "padding": tuple((9, 8) for _ in space), "border": "zeros"}
    wide = Case(case.name, case.op, case.x, case.weight, options=options)
    x, weight, bias = integer_arrays(wide)
    reached = wide.call(reference, (np.ones_like(x), np.ones_like(weight), None)) > 0
    got = wide.call(convcore, (np.full_like(x, np.nan), weight, bias))
    assert not reached.all()
    assert (np.isnan(got) == reached).all()
    np.testing.assert_array_equal(
        got, wide.call(reference, (np.full_like(x, np.nan), weight, bias))
    )


@pytest.mark.parametrize("case", SPREADS, ids=str)
def test_nan_in_weight_or_bias_stays_in_its_output_channel(case):
    plain = {**case.options, "padding": "valid"}
    case = Case(case.name, case.op, case.x, case.weight, options=plain)
    axis = -1 if plain.get("layout") == "NHWC" else 1
    x, weight, bias = integer_arrays(case)
    for channel, spoil_bias in product({0, len(weight) // 2, len(weight) - 1}, (False, True)):
        spoilt, offset = weight.copy(), bias.copy()
        if spoil_bias:
            offset[channel] = np.nan
        else:
            spoilt[channel].flat[-1] = np.nan
        got = np.moveaxis(case.call(convcore, (x, spoilt, offset)), axis, 0)
        for other, plane in enumerate(got):
            assert np.isnan(plane).all() if other == channel else np.isfinite(plane).all()


# Nothing outside the arrays is read or written.


@pytest.mark.skipif(os.name != "posix", reason="needs mprotect")
@pytest.mark.parametrize("level", convcore.build_info()["isa_available"])
def test_nothing_outside_the_arrays_is_touched(level, run_python):
    assert_stays_inside(run_python, level, "tests.tables.cases", "CASES", 7000)
