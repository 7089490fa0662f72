"""What every test module relies on: the table of cases, and how hypothesis searches."""

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from hypothesis import settings

import convcore
from tests.support import sweeps
from tests.support.browser import ARGUMENTS, Opened, executable

ROOT = Path(__file__).resolve().parents[1]

# The same examples in every run, so that a red run can be repeated; a wider search is
# `pytest --hypothesis-profile=explore`. No deadlines: nothing in the tests is timed.
settings.register_profile(
    "repeatable", deadline=None, database=None, derandomize=True, max_examples=200
)
settings.register_profile("explore", deadline=None, database=None, max_examples=2000)
settings.load_profile("repeatable")


def pytest_addoption(parser):
    parser.addoption(
        "--case",
        action="append",
        default=[],
        metavar="TEXT",
        help="of tests over tables, only the cases whose names hold TEXT",
    )


def pytest_configure(config):
    sweeps.WANTED.extend(config.getoption("--case"))
    config.addinivalue_line("markers", "quick: one of each kind, for every edit: pytest -m quick")
    config.addinivalue_line(
        "markers", "sweep: the rest of a table; CI runs it at every instruction set: pytest -m ''"
    )
    config.addinivalue_line(
        "markers", "auto: results as users get them; other tests pin direct sums, which are exact"
    )
    config.addinivalue_line("markers", "large: takes GiB of memory; runs if CONVCORE_LARGE_TESTS=1")
    config.addinivalue_line(
        "markers",
        "item(*ids): items of the notes that the test proves, f00 "
        "to f38; the site's table of proofs lists and shows it",
    )


# What `pytest -m quick` runs beside the tests that say so themselves: one of each kind.
QUICK = (
    "tests/architecture/",
    "tests/engine/test_import.py",
    "tests/nn/test_nn_layers.py",
    "tests/operators/test_bad_inputs.py",
    "tests/operators/test_signal.py::test_every_small_size",
    "tests/site/test_doctests.py::test_docstring",
    "tests/spec/test_connections.py",
    "tests/spec/test_geometry.py",
    "tests/test_cli.py::test_version",
    "tests/test_golden.py::test_bits[layers-0]",
    "tests/test_golden.py::test_bits[poolings-0]",
    "tests/test_minimal.py",
)


def pytest_collection_modifyitems(items):
    for item in items:
        if item.nodeid.startswith(QUICK):
            item.add_marker(pytest.mark.quick)
    if os.environ.get("CONVCORE_LARGE_TESTS") == "1":
        return
    for item in items:
        if "large" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="runs if CONVCORE_LARGE_TESTS=1"))


@pytest.fixture(autouse=True)
def pinned_sums(request, monkeypatch):
    """Tests compare with sums of integers, bit for bit, unless marked ``auto`` or the site's.

    Programs that a test starts are pinned too.
    """
    if "auto" in request.keywords or request.node.nodeid.startswith("tests/site/"):
        yield
        return
    monkeypatch.setenv("CONVCORE_ALGORITHM", "direct")
    with convcore.set_algorithm("direct"):
        yield


@pytest.fixture(scope="session")
def run_python():
    """Runs a piece of Python in an interpreter of its own: a crash is a failed test there.

    `run_python(code, timeout=120, **environment)` returns the finished process; its `stdout` is
    what the code printed. A variable given as None is removed. A nonzero exit fails the test.
    """

    def run(code, *arguments, timeout=120, check=True, **environment):
        variables = {**os.environ, **{k: v for k, v in environment.items() if v is not None}}
        for name in [k for k, v in environment.items() if v is None]:
            variables.pop(name, None)
        prelude = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"  # to import tests.tables
        done = subprocess.run(
            [sys.executable, "-c", prelude + code, *arguments],
            env=variables,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        if check and done.returncode != 0:
            pytest.fail(
                f"exit status {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}",
                pytrace=False,
            )
        return done

    return run


DOCS_NEED = [
    "sphinx",
    "pydata-sphinx-theme",
    "numpydoc",
    "matplotlib",
    "sphinx-design",
    "sphinx-copybutton",
    "sphinx-mathjax-offline",
    "sphinx-gallery",
    "ziglang",
    "scikit-image",
    "mlxtend",
    "scipy",
    "scikit-learn",
    "xarray",
]


def missing():
    """Return the distributions that the build needs and that aren't installed."""
    names = []
    for name in DOCS_NEED:
        try:
            distribution(name)
        except PackageNotFoundError:
            names.append(name)
    return names


@pytest.fixture(scope="session")
def build_site(tmp_path_factory):
    """Builds the site from a copy of its sources, so that what is generated stays out of them.

    `build_site(builder, *options)` returns the folder with the result; a warning is an error.
    """
    if missing():
        pytest.skip(f"the docs need {', '.join(missing())}")
    root = tmp_path_factory.mktemp("site")
    unwanted = shutil.ignore_patterns("_build", "generated", "gallery", "__pycache__", "*.so")
    for part in "docs", "examples", "tests", "src/convcore":
        shutil.copytree(ROOT / part, root / part, ignore=unwanted)
    for file in "CHANGELOG.md", "CITATION.cff", "LICENSE", "pyproject.toml":  # pages show them
        shutil.copy(ROOT / file, root)

    def build(builder, *options):
        command = [
            sys.executable,
            "-m",
            "sphinx",
            "-n",
            "-W",
            "--keep-going",
            "-q",
            *options,
            "-b",
            builder,
            "docs",
            builder,
        ]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return root / builder

    return build


@pytest.fixture(scope="session")
def site(request):
    """The folder of the built site: what CONVCORE_SITE names (.ci/site built it), or a new one."""
    built = os.environ.get("CONVCORE_SITE")
    return Path(built).resolve() if built else request.getfixturevalue("build_site")("html")


@pytest.fixture(scope="session")
def browser():
    """Chromium, driven by playwright."""
    playwright = pytest.importorskip("playwright.sync_api", reason="pages are opened by playwright")
    if executable() is None:
        pytest.skip("there is no chromium to open pages in")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=executable(), args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser, site):
    """Opens a page of the site as a file: `open_page("learn/sizes.html", width=380)`.

    Returns a `browser.Opened`. When the test ends, no page may have met an error, and none may have
    asked for anything but files.
    """
    opened = []

    def open_one(name, **options):
        path, mark, more = re.match(r"([^?#]*)([?#]?)(.*)", name).groups()
        address = (site / path).as_uri() + mark + more
        opened.append(Opened(browser, address, **options))
        return opened[-1]

    yield open_one
    for one in opened:
        one.context.close()
    assert [fault for one in opened for fault in one.faults] == []
    assert [
        url
        for one in opened
        for url in one.requests
        if not url.startswith(("file:", "data:", "blob:"))
    ] == []
