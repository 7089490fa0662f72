"""What several test modules share: exact comparison, and runs at each instruction-set level."""

import hashlib
import json

import numpy as np
import pytest

import convcore

LEVELS = list(convcore.build_info()["isa_available"])
FUSED = ("x86-64-v3", "x86-64-v4")                         # these have fused multiply-add


def assert_equal(got, want, case):
    """The same shape, dtype and numbers; names the first differences if not."""
    assert (got.shape, got.dtype) == (want.shape, want.dtype), case
    wrong = np.argwhere(got != want)
    if len(wrong):
        first = tuple(wrong[0])
        pytest.fail(f"{case}: {len(wrong)} of {want.size} outputs differ, the first at "
                    f"{tuple(map(int, first))}: {got[first]} instead of {want[first]}")


def digest(array):
    """A hash of the values of an array: equal for arrays that are equal by `==`."""
    return bits(array + 0.0)                               # -0.0 + 0.0 is 0.0


def bits(*arrays):
    """A hash of the bits of arrays."""
    total = hashlib.sha256()
    for array in arrays:
        total.update(array.tobytes())
    return total.hexdigest()


def at_level(level, answers, run_python, code, *arguments):
    """The JSON that `code` prints at one instruction-set level; each level runs once.

    `answers` keeps it for the next test. The level is chosen at import, so the code runs in a
    process of its own.
    """
    if level not in answers:
        done = run_python(code + "\nimport convcore\nprint(convcore.build_info()['isa'])",
                          *arguments, timeout=600, CONVCORE_ISA=level)
        *_, answer, isa = done.stdout.splitlines()
        assert isa == level
        answers[level] = json.loads(answer)
    return answers[level]
