"""Every local, tiled, transposed and connected layer of the table against the oracle.

As test_conv_reference.py does it for convolutions: `==` on integers; on other numbers equal bits,
whatever the threads, the layout, the addresses and the instruction set (of those with fused
multiply-add).
"""

import numpy as np
import pytest

import convcore
from convcore import reference
from tests.support import helpers
from tests.support.helpers import FUSED, assert_equal, assert_exact, assert_near, at_level
from tests.support.sweeps import both_levels, each, every_level
from tests.tables import layer_cases
from tests.tables.layer_cases import LAYERS, LAYOUTS, integer_arrays, random_arrays

DTYPES = (np.float32, np.float64)

every_dtype = pytest.mark.parametrize("dtype", DTYPES)


@pytest.mark.item("f27", "f28", "f33")
@every_dtype
@each(LAYERS, quick=True)
def test_equals_reference(case, dtype):
    arrays = integer_arrays(case, dtype)
    assert_equal(case.call(convcore, arrays), case.call(reference, arrays), case)


@every_dtype
@each(LAYERS, of=4)
def test_random_data_is_close(case, dtype):
    arrays = random_arrays(case, dtype)
    assert_near(case.call(convcore, arrays), case, arrays, case.terms)


@every_dtype
@each(LAYERS, of=4)
def test_bits_do_not_depend_on_threads(case, dtype):
    arrays = random_arrays(case, dtype)
    one = case.call(convcore, arrays, threads=1)
    for threads in (2, 3, 7):
        more = case.call(convcore, arrays, threads=threads)
        assert more.tobytes() == one.tobytes(), f"{threads} threads"


@each([case for case in LAYERS if not case.last])
def test_bits_do_not_depend_on_the_layout(case):
    x, weight, bias = random_arrays(case)
    first = case.call(convcore, (x, weight, bias))
    x = np.ascontiguousarray(np.moveaxis(x, case.channel_axis, -1))
    last = case.call(convcore, (x, weight, bias), layout=LAYOUTS[case.axes][1])
    assert np.moveaxis(last, -1, case.channel_axis).tobytes() == first.tobytes()


@every_dtype
@each([case for case in LAYERS if case.batched and case.x[0] > 1], of=4)
def test_bits_of_an_image_do_not_depend_on_its_batch(case, dtype):
    x, weight, bias = random_arrays(case, dtype)
    together = case.call(convcore, (x, weight, bias))
    for image, result in zip(x, together, strict=True):
        assert case.call(convcore, (image, weight, bias)).tobytes() == result.tobytes()
    some = case.call(convcore, (x[1:], weight, bias))
    assert some.tobytes() == together[1:].tobytes()


@each(LAYERS[::5])
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
    helpers.print_digests(LAYERS, layer_cases, DTYPES)


@pytest.fixture(scope="module")
def tables():
    """The tables of the levels that have run so far: each level runs once."""
    return {}


def table_of(level, tables, run_python):
    return at_level(
        level,
        tables,
        run_python,
        "import tests.operators.test_layers_reference as t; t.print_digests()",
    )


@every_level
def test_every_level_equals_reference(level, tables, run_python):
    assert_exact(table_of(level, tables, run_python), LAYERS, layer_cases, DTYPES)


@both_levels(*FUSED)
def test_fused_levels_give_equal_bits(tables, run_python):
    one, other = (table_of(level, tables, run_python) for level in FUSED)
    assert not [name for name in one if one[name][1] != other[name][1]]
