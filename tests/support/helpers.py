"""What several test modules share: exact comparison, and runs at each instruction-set level."""

import hashlib
import json
from itertools import product

import numpy as np
import pytest

import convcore
from convcore import reference
from tests.support.borders import without_signs

LEVELS = list(convcore.build_info()["isa_available"])
FUSED = ("x86-64-v3", "x86-64-v4")  # these have fused multiply-add


def assert_equal(got, want, case):
    """The same shape, dtype and numbers; names the first differences if not."""
    assert (got.shape, got.dtype) == (want.shape, want.dtype), case
    wrong = np.argwhere(got != want)
    if len(wrong):
        first = tuple(wrong[0])
        pytest.fail(
            f"{case}: {len(wrong)} of {want.size} outputs differ, the first at "
            f"{tuple(map(int, first))}: {got[first]} instead of {want[first]}"
        )


def assert_near(got, case, arrays, terms):
    """The sums of `terms` products, whatever their order: `got` is the case's result on `arrays`.

    The error of a sum is at most (terms + 2) * epsilon * sum of |products|.
    """
    wide = [a if a is None else a.astype(np.float64) for a in arrays]
    exact = case.call(reference, wide)
    size = without_signs(case).call(reference, [a if a is None else abs(a) for a in wide])
    assert (got.shape, got.dtype) == (exact.shape, arrays[0].dtype)
    assert (abs(got - exact) <= (terms + 2) * np.finfo(got.dtype).eps * size).all()


def digest(array):
    """A hash of the values of an array: equal for arrays that are equal by `==`."""
    return bits(array + 0.0)  # -0.0 + 0.0 is 0.0


def bits(*arrays):
    """A hash of the bits of arrays."""
    total = hashlib.sha256()
    for array in arrays:
        total.update(array.tobytes())
    return total.hexdigest()


def print_digests(cases, source, dtypes):
    """Prints, for every case and dtype, a hash of its results on integers and on other numbers.

    `source` is the module of the table; it makes the arrays.
    """
    table = {}
    for case, dtype in product(cases, dtypes):
        exact = case.call(convcore, source.integer_arrays(case, dtype))
        rounded = case.call(convcore, source.random_arrays(case, dtype))
        table[f"{case} {dtype.__name__}"] = digest(exact), bits(rounded)
    print(json.dumps(table))


def assert_exact(table, cases, source, dtypes):
    """What `print_digests` has printed are the hashes of the oracle's results."""
    assert len(table) == len(cases) * len(dtypes)
    wrong = [
        f"{case} {dtype.__name__}"
        for case, dtype in product(cases, dtypes)
        if table[f"{case} {dtype.__name__}"][0]
        != digest(case.call(reference, source.integer_arrays(case, dtype)))
    ]
    assert not wrong


def at_level(level, answers, run_python, code, *arguments):
    """The JSON that `code` prints at one instruction-set level; each level runs once.

    `answers` keeps it for the next test. The level is chosen at import, so the code runs in a
    process of its own.
    """
    if level not in answers:
        done = run_python(
            code + "\nimport convcore\nprint(convcore.build_info()['isa'])",
            *arguments,
            timeout=600,
            CONVCORE_ISA=level,
        )
        *_, answer, isa = done.stdout.splitlines()
        assert isa == level
        answers[level] = json.loads(answer)
    return answers[level]
