"""The toys of the page "To add something": they apply, touch the files it counts, and work."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = next(folder for folder in Path(__file__).parents if (folder / "pyproject.toml").exists())
PAGE = ROOT / "docs" / "design" / "extending.rst"
DIFFS = {
    "algorithm": PAGE.parent / "extending" / "toy_algorithm.diff",
    "operator": PAGE.parent / "extending" / "toy_operator.diff",
}
COPIED = ("src", "tests", "tools", "docs/reference/index.rst", "pyproject.toml")

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="git applies the diffs")

# An editable install puts a finder before the path, and would import the project's own files.
FROM_PATH = """
import sys
sys.meta_path[:] = [one for one in sys.meta_path if "Redirecting" not in type(one).__name__]
"""
PYTEST = "import pytest; sys.exit(pytest.main(sys.argv[1:]))"

# What a reader of the diff would try: each row of the table against the reference, there and back.
TRIAL = """
import numpy as np
import convcore
from convcore import reference
from tests.tables.pool_cases import RANGES, integer_x, positive_grad

assert len({case.op for case in RANGES}) == 3
for case in RANGES:
    for dtype in (np.float32, np.float64):
        x = integer_x(case, dtype)
        y, want = (case.call(where, x) for where in (convcore, reference))
        assert y.dtype == want.dtype == dtype and (y == want).all(), case.name
        assert want.any()
        grad = positive_grad(case, y.shape, dtype)
        dx, back = (case.back(where, grad, x) for where in (convcore, reference))
        assert dx.dtype == back.dtype == dtype and (dx == back).all(), case.name
        assert back.any()
print(convcore.__file__, len(RANGES))
"""


def counted(what):
    """The number of files that the page's table gives."""
    (number,) = re.findall(rf"^an {what} +(\d+) ", PAGE.read_text("utf-8"), re.MULTILINE)
    return int(number)


def touched(text):
    """The files that a diff adds or changes."""
    return sorted(re.findall(r"^diff --git a/(\S+) b/\1$", text, re.MULTILINE))


def assert_counted(what, text):
    files = touched(text)
    assert len(files) == len(set(files)) == counted(what), "\n".join(files)


def copy_with(diff, folder):
    """A copy of what the diffs touch, with one of them applied."""
    folder.mkdir(exist_ok=True)
    skip = shutil.ignore_patterns("__pycache__", "*.so", "*.pyd")
    for name in COPIED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=skip)
        else:
            shutil.copy(ROOT / name, folder / name)
    # the folder is no repository, and is not to be taken for a part of one
    done = subprocess.run(
        ["git", "apply", "--whitespace=error", str(diff)],
        cwd=folder, capture_output=True, text=True,
        env={**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


def run_in(folder, code, *arguments):
    """What a program prints that imports the copy."""
    done = subprocess.run(
        [sys.executable, "-c", FROM_PATH + code, *arguments],
        cwd=folder, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(folder / "src"), str(folder)))},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def operator(tmp_path_factory):
    """A copy with the toy operator, beside the compiled core that runs."""
    from convcore import _core

    folder = copy_with(DIFFS["operator"], tmp_path_factory.mktemp("operator") / "copy")
    core = Path(_core.__file__)
    shutil.copy(core, folder / "src" / "convcore" / core.name)
    return folder


@pytest.mark.parametrize("what", DIFFS)
def test_the_page_counts_the_files(what):
    assert_counted(what, DIFFS[what].read_text("utf-8"))


@pytest.mark.parametrize("what", DIFFS)
def test_one_file_more_is_noticed(what):
    more = DIFFS[what].read_text("utf-8") + "diff --git a/src/more.py b/src/more.py\n"
    with pytest.raises(AssertionError, match=r"src/more\.py"):
        assert_counted(what, more)


def test_the_operator_is_its_reference(operator):
    where, rows = run_in(operator, TRIAL).split()
    assert Path(where).is_relative_to(operator.resolve())
    assert int(rows) >= 6


def test_the_registry_and_its_tests_know_the_operator(operator):
    said = run_in(
        operator, PYTEST, "-v", "-p", "no:cacheprovider", "-k", "range_pool",
        "tests/spec/test_registry.py", "tests/nn/test_nn_arguments.py",
    )  # fmt: skip
    for test in ("test_functions", "test_gradients", "test_layers"):
        for axes in (1, 2, 3):
            assert re.search(rf"{test}\[range_pool-{axes}\] PASSED", said), said


def test_the_examples_of_the_operator_run(operator):
    said = run_in(
        operator, PYTEST, "-v", "-p", "no:cacheprovider", "-k", "range_pool or RangePool",
        "tests/site/test_doctests.py",
    )  # fmt: skip
    for axes in (1, 2, 3):
        for name in (f"range_pool{axes}d", f"range_pool{axes}d_backward", f"nn.RangePool{axes}d"):
            assert re.search(rf"\[convcore\.{name}\] PASSED", said), said


def test_the_operator_has_golden_sums(operator):
    said = run_in(operator, PYTEST, "-q", "-p", "no:cacheprovider",
                  "tests/test_golden.py", "-k", "each_case")  # fmt: skip
    assert "1 passed" in said


def test_the_algorithm_compiles(tmp_path):
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if not compiler:
        pytest.skip("there is no C compiler")
    folder = copy_with(DIFFS["algorithm"], tmp_path / "copy")
    csrc = folder / "src" / "convcore" / "csrc"
    for name in ("narrow", "select"):
        done = subprocess.run(
            [compiler, "-fsyntax-only", "-std=c11", "-Wall", "-Wextra", "-Werror", "-I", csrc,
             csrc / "conv" / f"{name}.c"],
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
