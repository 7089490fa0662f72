"""What one cell may touch: NaN and infinity go to the windows that hold them, at every
instruction-set level; and no call reads or writes memory outside its arrays.
"""

import os
from math import inf

import numpy as np
import pytest

import convcore
from convcore import reference
from tests.support.arrays import LAYOUTS
from tests.support.pool_oracle import fault
from tests.support.sweeps import every_level
from tests.tables.pool_cases import POOLINGS, SAMPLES, Pooling, integer_x, positive_grad

# Cells of the input that are no ordinary numbers. The oracle says what becomes of them.

SPREADS = [
    *SAMPLES,
    Pooling("wide", "max_pool2d", (1, 1, 20, 150), {"kernel_size": 3, "stride": 1}),
    Pooling("wide halved", "max_pool2d", (1, 1, 20, 150), {"kernel_size": 3, "stride": 2}),
    Pooling("wide", "avg_pool2d", (1, 1, 20, 150), {"kernel_size": 2, "padding": "same"}),
    Pooling("dilated", "max_pool2d", (1, 3, 20, 21), {"kernel_size": 3, "dilation": (3, 4)}),
    Pooling(
        "odd",
        "max_pool2d",
        (1, 9, 19, 17),
        {"kernel_size": 2, "stride": 1, "padding": 1, "layout": "NHWC"},
    ),
    Pooling("long", "max_pool1d", (1, 1, 300), {"kernel_size": 70, "stride": 1}),
    Pooling("longer", "max_pool1d", (1, 2, 5000), {"kernel_size": 4500, "stride": 100}),
    Pooling("largest", "lp_pool1d", (2, 3, 60), {"kernel_size": 25, "stride": 1, "p": inf}),
    Pooling("sum", "lp_pool2d", (2, 3, 9, 20), {"kernel_size": 3, "p": 1}),
    Pooling("volume", "max_pool3d", (1, 2, 5, 6, 9), {"kernel_size": (2, 3, 3), "stride": 1}),
]


def spoilt(case):
    """A batch of copies of the input with one or several such cells, at the ends and in between."""
    x = integer_x(case)
    rng = np.random.default_rng(0)
    copies = []
    for place in sorted({0, x.size - 1, *rng.integers(0, x.size, 18).tolist()}):
        for value in (np.nan, inf, -inf):
            copies.append(x.copy())
            copies[-1].flat[place] = value
    for values in ([np.nan, inf], [inf, -inf], [-inf, np.nan, inf], [-np.nan, np.nan]):
        at = rng.random(x.shape) < 0.2
        copies.append(np.where(at, rng.choice(np.float32(values), x.shape), x))
    copies += [np.full_like(x, value) for value in (np.nan, -inf, inf)]
    return np.concatenate(copies)


def special_fault(got, want, tolerance):
    """As `fault`, with NaN and infinities as numbers of their own."""
    names = {"nan": 77, "posinf": 99, "neginf": -99}
    return fault(np.nan_to_num(got, **names), np.nan_to_num(want, **names), tolerance)


def print_spread():
    """What the processes below run: prints what is wrong."""
    wrong = []
    for case in SPREADS:
        x = spoilt(case)
        got, want = case.call(convcore, x), case.call(reference, x)
        faults = [special_fault(got, want, 4 if case.kind in ("lp_pool", "l2_pool") else 0)]
        if case.is_max:
            pairs = zip(
                case.call(convcore, x, return_indices=True),
                case.call(reference, x, return_indices=True),
                strict=True,
            )
            faults += [fault(ours, theirs) for ours, theirs in pairs]
        wrong += [f"{case}: {text}" for text in faults if text]
    print(len(SPREADS), *wrong, sep="\n")


@every_level
def test_special_numbers_reach_exactly_the_windows_that_hold_them(level, run_python):
    done = run_python(
        "import tests.operators.test_pool_isolation as t; t.print_spread()", CONVCORE_ISA=level
    )
    count, *wrong = done.stdout.splitlines()
    assert int(count) > 20
    assert not wrong


@pytest.mark.parametrize("case", SAMPLES, ids=str)
def test_gradients_of_special_numbers(case):
    x = spoilt(case)
    grad = positive_grad(case, case.call(reference, x).shape)
    weird = grad.copy()
    weird.flat[0], weird.flat[weird.size // 2], weird.flat[-1] = np.nan, inf, -inf
    for g in (grad, weird):
        with np.errstate(invalid="ignore", divide="ignore"):
            got, want = case.back(convcore, g, x), case.back(reference, g, x)
        np.testing.assert_allclose(got, want, rtol=2e-5, atol=1e-5)


LOWEST = {
    "float32": -inf,
    "float64": -inf,
    "float16": -inf,
    "int8": -128,
    "uint8": 0,
    "bool": False,
    "int32": -(2**31),
    "int64": -(2**63),
    "uint64": 0,
    "int16": -(2**15),
}


@pytest.mark.parametrize("dtype", LOWEST)
def test_padding_is_never_the_first_maximum(dtype):
    # What stands for the padding inside may be the lowest number; a cell that holds it comes first.
    cases = [case for case in POOLINGS if case.kind == "max_pool" and 0 not in case.x]
    padded = [
        case
        for case in cases
        if case.options.get("padding", "valid") != "valid" and "border" not in case.options
    ]
    assert len(padded) > 20
    for case in padded:
        x = np.full(case.x, LOWEST[dtype], dtype)
        want, index = case.call(reference, x, return_indices=True)
        got, place = case.call(convcore, x, return_indices=True)
        assert fault(got, want) is None, case
        assert fault(place, index) is None, case


@pytest.mark.parametrize("layout", ["reversed", "every_other"])
def test_what_lies_between_the_cells_is_not_read(layout):
    # These layouts hold NaN between their cells.
    for case in SAMPLES:
        strange = LAYOUTS[layout](integer_x(case))
        assert np.isfinite(case.call(convcore, strange)).all()


# Nothing outside the arrays is read or written.

GUARDED = """
import numpy as np
import convcore
from tests.tables.pool_cases import LARGE, POOLINGS, integer_x, of_integers, positive_grad
from tests.support.fences import Fenced

places = [Fenced() for _ in range(4)]
done = 0
for given in [*POOLINGS[:-len(LARGE):2], *LARGE]:
    for dtype in (np.float32, np.float64, *[np.int8, np.uint16] * given.is_max):
        case = of_integers(given, dtype)
        x = integer_x(case, dtype)
        want = case.call(convcore, x)
        if min(want.size, x.size) == 0:
            continue
        real = np.float32 if np.dtype(dtype).kind in "iu" else dtype
        grad = positive_grad(case, want.shape, real)
        back = case.back(convcore, grad, x)
        for end, threads in ((True, 1), (False, 2)):
            print(f"last: {case} {dtype.__name__} {end} {threads}", flush=True)
            here, out, there, result = [
                place.copy(a, end) for place, a in zip(
                    places, (x, np.zeros_like(want), grad, np.zeros_like(back)))]
            options = {"out": out, "threads": threads}
            case.call(convcore, here, **options)
            assert (out == want).all()
            if case.is_max:
                out[...] = 0
                _, index = case.call(convcore, here, return_indices=True, **options)
                assert (out == want).all()
            case.back(convcore, there, here, out=result, threads=threads)
            assert (result == back).all()
            assert (here == x).all()
            assert (there == grad).all()
            done += 1
print("done", done)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs mprotect")
@every_level
def test_nothing_outside_the_arrays_is_touched(level, run_python):
    done = run_python(GUARDED, check=False, timeout=300, CONVCORE_ISA=level)
    lines = done.stdout.strip().splitlines() or [""]
    assert done.returncode == 0, f"status {done.returncode} at {lines[-1]}\n{done.stderr[-3000:]}"
    assert int(lines[-1].removeprefix("done ")) > 2000
