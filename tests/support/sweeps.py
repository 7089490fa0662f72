"""Tests over whole tables: many cases in one test, a part of them in the default run.

    @each(CASES)
    def test_equals_reference(case): ...

    @each(CASES, of=4)
    def test_bits_do_not_depend_on_threads(case): ...

A test of pytest's costs a millisecond, several times what most cases take, so one test runs many
cases. Each runs whatever becomes of the others, and a failure names all that failed. `--case TEXT`
runs the cases whose names hold that text alone.

`of=4` keeps one case of four in the default run, chosen by its name, so that no period of a table
decides which. The others are marked `sweep`: CI runs them, at every instruction set.
"""

import functools
import os
import zlib
from typing import NamedTuple

import pytest

import convcore

SIZE = 64  # cases in a test
WANTED = []  # --case

# Instruction sets other than the one that runs are a sweep. Where CONVCORE_ISA says which runs, the
# others have runs of their own.
RUNS = convcore.build_info()["isa"]
LEVELS = [
    level
    for level in convcore.build_info()["isa_available"]
    if level == RUNS or "CONVCORE_ISA" not in os.environ
]
every_level = pytest.mark.parametrize(
    "level",
    [pytest.param(one, marks=[pytest.mark.sweep] if one != RUNS else []) for one in LEVELS],
)


def both_levels(*levels):
    """A decorator: the test compares two instruction sets."""

    def marked(test):
        reason = f"{' and '.join(levels)} are not both here"
        missing = pytest.mark.skipif(not {*levels} <= {*LEVELS}, reason=reason)
        return pytest.mark.sweep(missing(test))

    return marked


class Cases(NamedTuple):
    """Some cases of a table."""

    cases: tuple
    text: str

    def __str__(self):
        return self.text


def each(cases, *, of=1, quick=False):
    """A decorator: run a test with each case as its argument `case`.

    `quick`: the first test is one of those of `pytest -m quick`.
    """
    cases = list(cases)
    tests = [
        pytest.param(bundle, marks=[pytest.mark.quick] if quick and not i else [])
        for i, bundle in enumerate(_bundles([case for case in cases if not _key(case) % of]))
    ]
    others = [case for case in cases if _key(case) % of]
    tests += [pytest.param(one, marks=pytest.mark.sweep) for one in _bundles(others, "sweep ")]

    def decorated(test):
        @functools.wraps(test)
        def run(case, **fixtures):
            _run(test, case.cases, fixtures)

        return pytest.mark.parametrize("case", tests, ids=str)(run)

    return decorated


def _key(case):
    return zlib.crc32(str(case).encode())


def _bundles(cases, text=""):
    return [
        Cases(tuple(cases[i : i + SIZE]), f"{text}{i}-{min(i + SIZE, len(cases)) - 1}")
        for i in range(0, len(cases), SIZE)
    ]


def _run(test, cases, fixtures):
    wanted = [case for case in cases if all(text in str(case) for text in WANTED)]
    if not wanted:
        pytest.skip("no case has that name")
    failed, skipped = [], []
    for case in wanted:
        try:
            test(case=case, **fixtures)
        except pytest.skip.Exception as reason:
            skipped.append(reason)
        except (Exception, pytest.fail.Exception) as error:
            failed.append((case, error))
    if failed:
        names = "\n".join(f"  {case}" for case, _ in failed)
        error = failed[0][1]
        error.add_note(f"{len(failed)} of {len(wanted)} cases failed; this is the first:\n{names}")
        raise error
    if len(skipped) == len(wanted):
        raise skipped[0]
