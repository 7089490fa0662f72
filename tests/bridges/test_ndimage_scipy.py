"""SciPy's own tests of its filters, with convcore's functions in their place."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("scipy", reason="SciPy is not installed: pip install scipy")

ROOT = Path(__file__).resolve().parents[2]
MORE = "convcore takes a sequence of modes where SciPy refuses it"
ROUNDING = "demands the bits of one order of sums; they differ by 1e-16"

# Tests that fail, each with its reason.
LISTED = {
    "TestNdimageFilters::test_correlate_mode_sequence[numpy]": MORE,
    "TestNdimageFilters::test_minimum_filter07[numpy]": MORE,
    "TestNdimageFilters::test_maximum_filter07[numpy]": MORE,
    "TestNdimageFilters::test_rank08[numpy]": MORE,
    "TestNdimageFilters::test_gauss03[numpy]": "the sum of 10,000 float32 of 50, to a unit: we "
    "sum products in float32",
    "test_multiple_modes_sequentially[numpy]": ROUNDING,
}


def run():
    """Run SciPy's tests; return what pytest says."""
    found = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rf", "-p", "tests.bridges.scipy_with_convcore",
         "-p", "no:cacheprovider", "-c", os.devnull, "--pyargs",
         "scipy.ndimage.tests.test_filters"],
        cwd=ROOT, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    return found.stdout


def test_scipys_tests_pass():
    said = run()
    failed = set(re.findall(r"^FAILED \S*?::(\S+)", said, re.MULTILINE))
    assert failed == set(LISTED), said[-3000:]
    passed = int(re.search(r"(\d+) passed", said)[1])
    calls, handed_on = map(int, re.search(r"convcore: (\d+) calls, (\d+) handed on", said).groups())
    assert passed > 2000
    assert calls - handed_on > 3000  # complex numbers are SciPy's
