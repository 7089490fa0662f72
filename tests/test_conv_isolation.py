"""What one element may touch: NaN and infinity spread as the equation says, and no call reads or
writes memory outside its arrays.
"""

import os
from itertools import product

import numpy as np
import pytest
from cases import SAMPLES, Case, integer_arrays

import convcore
from convcore import reference

# NaN and infinity go where the equation takes them and nowhere else.

SPREADS = [
    *SAMPLES,
    Case("strip", "conv2d", (1, 1, 40, 150), (1, 1, 3, 3), options={"padding": "same"}),
    Case("dilated", "conv2d", (1, 5, 20, 21), (3, 5, 3, 2), options={"dilation": (3, 4)}),
    Case("groups", "conv2d", (2, 6, 8, 9), (10, 3, 3, 3), options={"groups": 2, "stride": 2}),
    Case("odd", "conv2d", (1, 17, 9, 19), (33, 17, 3, 3), options={"padding": 1}),
    Case("mirrored", "conv2d", (1, 2, 8, 9), (3, 2, 3, 3),
         options={"padding": 2, "border": "reflect"}),
    Case("last_odd", "conv2d", (1, 9, 19, 17), (33, 17, 3, 3),
         options={"padding": 1, "layout": "NHWC"}),
    Case("last_depthwise", "conv2d", (1, 9, 13, 17), (17, 1, 3, 3),
         options={"padding": 1, "groups": 17, "layout": "NHWC"}),
    Case("long", "conv1d", (1, 1, 300), (1, 1, 7)),
]


def _places(size):
    """Up to 40 positions in a flat array: the first, the last, and others between."""
    return sorted({0, size - 1, *np.random.default_rng(0).integers(0, size, 38).tolist()})


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("case", SPREADS, ids=str)
def test_one_input_reaches_exactly_the_outputs_that_see_it(case, value):
    x, weight, bias = integer_arrays(case)
    weight[weight == 0] = 1                                # 0 * inf is another matter: see below
    clean = case.call(convcore, (x, weight, bias))
    for place in _places(x.size):
        spoilt = x.copy()
        spoilt.flat[place] = value
        seen = np.zeros_like(x)
        seen.flat[place] = 1
        reached = case.call(reference, (seen, np.ones_like(weight), None)) > 0
        got = case.call(convcore, (spoilt, weight, bias))
        assert (np.isfinite(got) == ~reached).all()
        assert (got[~reached] == clean[~reached]).all()
        np.testing.assert_array_equal(got, case.call(reference, (spoilt, weight, bias)))


@pytest.mark.parametrize("case", SPREADS, ids=str)
def test_zero_times_nan_is_nan(case):
    # A weight of zero is a number like others: nothing is skipped.
    x, weight, bias = integer_arrays(case)
    place = x.size // 2
    x.flat[place] = np.nan
    seen = np.zeros_like(x)
    seen.flat[place] = 1
    reached = case.call(reference, (seen, np.ones_like(weight), None)) > 0
    got = case.call(convcore, (x, np.zeros_like(weight), bias))
    assert (np.isnan(got) == reached).all()


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
        got, wide.call(reference, (np.full_like(x, np.nan), weight, bias)))


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

GUARDED = """
import numpy as np
import convcore
from convcore import reference
from cases import CASES, integer_arrays
from fences import Fenced

places = [Fenced() for _ in range(4)]
done = 0
for case in CASES:
    for dtype in (np.float32, np.float64):
        arrays = integer_arrays(case, dtype)
        want = case.call(reference, arrays)
        if min(want.size, arrays[0].size) == 0:
            continue
        for end, threads in ((True, 1), (True, 2), (False, 1), (False, 2)):
            print(f"last: {case} {dtype.__name__} {end} {threads}", flush=True)
            *here, out = [a if a is None else place.copy(a, end)
                          for a, place in zip((*arrays, np.full_like(want, np.nan)), places)]
            case.call(convcore, here, out=out, threads=threads)
            assert (out == want).all()
            for array, plain in zip(here, arrays):
                assert array is None or (array == plain).all()
            done += 1
print("done", done)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs mprotect")
@pytest.mark.parametrize("level", convcore.build_info()["isa_available"])
def test_nothing_outside_the_arrays_is_touched(level, run_python):
    done = run_python(GUARDED, check=False, timeout=300, CONVCORE_ISA=level)
    lines = done.stdout.strip().splitlines() or [""]
    assert done.returncode == 0, f"status {done.returncode} at {lines[-1]}\n{done.stderr[-3000:]}"
    assert int(lines[-1].removeprefix("done ")) > 7000
