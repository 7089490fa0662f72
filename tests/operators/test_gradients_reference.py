"""The gradients of every case of both tables against the oracle.

As test_conv_reference.py does it: `==` on integers; on other numbers equal bits, whatever the
threads, the layout, the addresses and the instruction set (of those with fused multiply-add).
"""

import inspect
import json

import numpy as np
import pytest

import convcore
from convcore import reference
from tests.support.borders import without_signs
from tests.support.helpers import FUSED, at_level, bits, digest
from tests.support.sweeps import both_levels, each, every_level
from tests.tables.gradient_cases import (
    GRADIENTS,
    assert_gradients,
    integer_arrays,
    plain,
    random_arrays,
)

DTYPES = (np.float32, np.float64)


def test_both_tables_are_there():
    names = [case.name for case in GRADIENTS]
    assert len(set(names)) == len(names)
    assert len(names) > 1500
    kinds = {"conv", "local_conv", "tiled_conv", "conv_transpose"}
    assert {case.kind for case in GRADIENTS} == kinds
    options = {key for case in GRADIENTS for key in case.options}
    assert options == {
        "stride",
        "padding",
        "dilation",
        "groups",
        "connections",
        "flip",
        "border",
        "layout",
        "output_padding",
    }


@pytest.mark.parametrize("name", sorted({case.name_back for case in GRADIENTS}))
def test_the_oracle_has_the_same_signature(name):
    ours, theirs = (
        inspect.signature(getattr(namespace, name)).parameters.values()
        for namespace in (convcore, reference)
    )
    assert [(p.name, p.kind, p.default) for p in ours] == [
        (p.name, p.kind, p.default) for p in theirs
    ]


@each(GRADIENTS, quick=True)
def test_equals_reference(case):
    arrays = integer_arrays(case, np.float64)
    want = case.back(reference, arrays)
    for dtype in DTYPES:
        got = case.back(convcore, plain(arrays, dtype))
        assert_gradients(got, plain(want, dtype), case)


@each(GRADIENTS, of=4)
def test_random_data_is_close(case):
    # Added one after the other, n terms may be wrong by n * epsilon * sum of |products|. Sums are
    # made of shorter sums, so that even the longest are right to a few epsilon.
    arrays = random_arrays(case)
    wide = plain(arrays)
    exact = case.back(reference, wide)
    size = without_signs(case).back(reference, [a if a is None else abs(a) for a in wide])
    for dtype in DTYPES:
        got = case.back(convcore, plain(arrays, dtype))
        for ours, theirs, large in zip(got, exact, size, strict=True):
            if theirs is None:
                assert ours is None
                continue
            assert (ours.shape, ours.dtype) == (theirs.shape, dtype)
            assert (abs(ours - theirs) <= 16 * np.finfo(dtype).eps * large).all()


def bits_of(gradients):
    """A hash of all bits."""
    return bits(*(g for g in gradients if g is not None))


@each(GRADIENTS, of=4)
def test_bits_do_not_depend_on_threads(case):
    for dtype, others in ((np.float32, (2, 3, 7)), (np.float64, (3,))):
        arrays = random_arrays(case, dtype)
        one = bits_of(case.back(convcore, arrays, threads=1))
        for threads in others:
            more = bits_of(case.back(convcore, arrays, threads=threads))
            assert more == one, f"{threads} threads, {dtype.__name__}"


FIRST = [case for case in GRADIENTS if not case.last]


def in_both_layouts(case, dtype):
    """The gradients by channels-first arrays, and by channels-last ones, turned back."""
    grad, x, weight, bias = random_arrays(case, dtype)
    there = [np.ascontiguousarray(np.moveaxis(a, case.channel_axis, -1)) for a in (grad, x)]
    last, *others = case.back(convcore, (*there, weight, bias), layout=case.last_layout, threads=1)
    first = case.back(convcore, (grad, x, weight, bias), threads=1)
    return first, (np.moveaxis(last, -1, case.channel_axis), *others)


@each(FIRST, of=4)
def test_bits_do_not_depend_on_the_layout(case):
    for dtype in DTYPES:
        first, last = in_both_layouts(case, dtype)
        assert bits_of(first) == bits_of(last)


@each([case for case in GRADIENTS if case.batched and case.x[0] > 1], of=4)
def test_bits_of_an_image_do_not_depend_on_its_batch(case):
    grad, x, weight, _ = random_arrays(case)
    needs = (True, False, False)
    together, *_ = case.back(convcore, (grad, x, weight), needs=needs, threads=1)
    for g, image, dx in zip(grad, x, together, strict=True):
        alone, *_ = case.back(convcore, (g, image, weight), needs=needs, threads=1)
        assert alone.tobytes() == dx.tobytes()


@each(GRADIENTS[::7])
def test_equal_calls_give_equal_bits(case):
    # At other addresses too: alignment must not change the order of a sum.
    arrays = random_arrays(case)
    first = bits_of(case.back(convcore, arrays))
    for shift in (1, 3, 8):
        moved = [
            a
            if a is None
            else np.frombuffer(bytearray(4 * shift) + a.tobytes(), a.dtype)[shift:].reshape(a.shape)
            for a in arrays
        ]
        assert bits_of(case.back(convcore, moved)) == first


# The levels. Each runs the tables in a process of its own.


def print_digests():
    """What the processes below run: for every case, hashes of its gradients."""
    table = {}
    for case in GRADIENTS:
        integers, numbers = integer_arrays(case), random_arrays(case)
        for dtype in DTYPES:
            exact = case.back(convcore, plain(integers, dtype), threads=1)
            rounded = case.back(convcore, plain(numbers, dtype), threads=1)
            table[f"{case} {dtype.__name__}"] = digests(exact), bits_of(rounded)
    print(json.dumps(table))


def digests(gradients):
    """A hash of the values of each."""
    return [g if g is None else digest(g) for g in gradients]


@pytest.fixture(scope="module")
def tables():
    """The tables of the levels that have run so far: each level runs once."""
    return {}


def table_of(level, tables, run_python):
    return at_level(
        level,
        tables,
        run_python,
        "import tests.operators.test_gradients_reference as t; t.print_digests()",
    )


@every_level
def test_every_level_is_exact(level, tables, run_python):
    # As exact as the level of this process, which the tests above compare with the oracle.
    table, here = (
        table_of(one, tables, run_python) for one in (level, convcore.build_info()["isa"])
    )
    assert len(table) == len(GRADIENTS) * len(DTYPES)
    assert not [name for name in here if table[name][0] != here[name][0]]


@both_levels(*FUSED)
def test_fused_levels_give_equal_bits(tables, run_python):
    one, other = (table_of(level, tables, run_python) for level in FUSED)
    assert not [name for name in one if one[name][1] != other[name][1]]
