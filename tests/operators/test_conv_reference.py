"""Every case of the table against the oracle, for every real type, thread count and ISA level.

With integer data every sum is exact, so results are compared with `==`. With random data the
order of the sums shows, and there the bits themselves have to agree: between numbers of threads,
and between the instruction-set levels that have fused multiply-add.
"""

import numpy as np
import pytest

import convcore
from convcore import reference
from tests.support import helpers
from tests.support.helpers import FUSED, LEVELS, assert_equal, assert_exact, assert_near, at_level
from tests.support.kernels import EXACT, convolve_by
from tests.support.sweeps import both_levels, each, every_level
from tests.tables import cases
from tests.tables.cases import CASES, integer_arrays, random_arrays

DTYPES = (np.float32, np.float64)


def test_names_are_unique():
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    assert len(names) > 900


@pytest.mark.parametrize("dtype", DTYPES)
@each(CASES, quick=True)
def test_equals_reference(case, dtype):
    arrays = integer_arrays(case, dtype)
    assert_equal(case.call(convcore, arrays), case.call(reference, arrays), case)


@pytest.mark.parametrize("dtype", DTYPES)
@each(CASES, of=4)
def test_random_data_is_close(case, dtype):
    arrays = random_arrays(case, dtype)
    assert_near(case.call(convcore, arrays), case, arrays, np.prod(case.weight[1:]))


@pytest.mark.parametrize("dtype", DTYPES)
@each(CASES, of=4)
def test_bits_do_not_depend_on_threads(case, dtype):
    arrays = random_arrays(case, dtype)
    one = case.call(convcore, arrays, threads=1)
    for threads in (2, 3, 7):
        more = case.call(convcore, arrays, threads=threads)
        assert more.tobytes() == one.tobytes(), f"{threads} threads"


@pytest.mark.parametrize("dtype", DTYPES)
@each(CASES, of=4)
def test_bits_do_not_depend_on_the_inner_loop(case, dtype):
    # The plan chooses one for each problem; here each of them has to solve every problem.
    exact, rounded = integer_arrays(case, dtype), random_arrays(case, dtype)
    want = case.call(reference, exact)
    bits = case.call(convcore, rounded).tobytes()
    for mode in EXACT:
        assert_equal(convolve_by(mode, case.op, exact, **case.options), want, f"{case} by {mode}")
        for threads in (1, 2):
            by_mode = convolve_by(mode, case.op, rounded, threads=threads, **case.options)
            assert by_mode.tobytes() == bits, f"{mode}, {threads} threads"


@each([case for case in CASES if "layout" not in case.options], of=4)
def test_bits_do_not_depend_on_the_layout(case):
    x, weight, bias = random_arrays(case)
    axes = len(case.weight) - 2
    first = case.call(convcore, (x, weight, bias))
    last = case.call(
        convcore,
        (np.ascontiguousarray(np.moveaxis(x, -1 - axes, -1)), weight, bias),
        layout="N" + "DHW"[3 - axes :] + "C",
    )
    assert np.moveaxis(last, -1, -1 - axes).tobytes() == first.tobytes()


@pytest.mark.parametrize("case", CASES[::10], ids=str)
def test_direct_is_what_the_table_says_too(case):
    arrays = integer_arrays(case)
    got = case.call(convcore, arrays, algorithm="direct")
    assert_equal(got, case.call(reference, arrays), case)


@pytest.mark.parametrize("case", CASES[::10], ids=str)
def test_equal_calls_give_equal_bits(case):
    # At other addresses too: alignment must not change the order of a sum.
    arrays = random_arrays(case)
    first = case.call(convcore, arrays).tobytes()
    for shift in (1, 3, 8):
        moved = [
            a
            if a is None
            else np.frombuffer(bytearray(4 * shift) + a.tobytes(), a.dtype)[shift:].reshape(a.shape)
            for a in arrays
        ]
        assert case.call(convcore, moved).tobytes() == first


# The levels. Each runs the table in a process of its own.


def print_digests():
    """What the processes below run: for every case, hashes of its results."""
    helpers.print_digests(CASES, cases, DTYPES)


@pytest.fixture(scope="module")
def tables():
    """The tables of the levels that have run so far: each level runs once."""
    return {}


def table_of(level, tables, run_python):
    return at_level(
        level,
        tables,
        run_python,
        "import tests.operators.test_conv_reference as t; t.print_digests()",
    )


@every_level
def test_every_level_equals_reference(level, tables, run_python):
    assert_exact(table_of(level, tables, run_python), CASES, cases, DTYPES)


@both_levels(*FUSED)
def test_fused_levels_give_equal_bits(tables, run_python):
    one, other = (table_of(level, tables, run_python) for level in FUSED)
    assert not [name for name in one if one[name][1] != other[name][1]]


def assert_refused(level, run_python):
    done = run_python("import convcore", check=False, CONVCORE_ISA=level)
    error = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1
    assert error.startswith("ValueError")
    assert "CONVCORE_ISA" in error
    assert level in error
    for available in LEVELS:
        assert available in error


def test_the_level_chosen_by_itself_is_available(run_python):
    done = run_python("import convcore; print(convcore.build_info()['isa'])", CONVCORE_ISA=None)
    assert done.stdout.strip() in LEVELS


@pytest.mark.parametrize("level", ["x86-64-v9", "avx2", "BASELINE "])
def test_unknown_level_raises_and_lists_the_available(level, run_python):
    assert_refused(level, run_python)


@pytest.mark.skipif({"x86-64-v4", "neon"} <= set(LEVELS), reason="every level is available")
def test_unavailable_level_raises_and_lists_the_available(run_python):
    assert_refused(next(one for one in ("neon", "x86-64-v4") if one not in LEVELS), run_python)


# The oracle itself, against the equation with a loop for every index.


def by_loops(x, weight, bias, stride, dilation):
    """Equation 9.8 for one image and 'valid', with Python's own numbers."""
    k, c, r, s = weight.shape
    h, w = x.shape[1:]
    oh = (h - (r - 1) * dilation[0] - 1) // stride[0] + 1
    ow = (w - (s - 1) * dilation[1] - 1) // stride[1] + 1
    z = np.zeros((k, oh, ow))
    for i, j, q in np.ndindex(k, oh, ow):
        z[i, j, q] = bias[i]
        for channel, m, n in np.ndindex(c, r, s):
            z[i, j, q] += (
                weight[i, channel, m, n]
                * x[channel, j * stride[0] + m * dilation[0], q * stride[1] + n * dilation[1]]
            )
    return z


@pytest.mark.parametrize(
    ("stride", "dilation"), [((1, 1), (1, 1)), ((2, 3), (1, 1)), ((1, 2), (3, 2))]
)
def test_the_reference_is_the_equation(stride, dilation):
    rng = np.random.default_rng(0)
    x = rng.integers(-9, 10, (2, 8, 9)).astype(float)
    weight = rng.integers(-9, 10, (3, 2, 3, 2)).astype(float)
    bias = rng.integers(-9, 10, 3).astype(float)
    got = reference.conv2d(x, weight, bias, stride, dilation=dilation)
    assert (got == by_loops(x, weight, bias, stride, dilation)).all()
