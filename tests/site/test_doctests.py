"""Every example in a docstring, in the README and in the documentation is run.

Docstrings see `np` and `convcore` and the names of their own module, as a reader of that page
does; the README and each page of the documentation start with nothing and import what they use.
"""

import doctest
import importlib
import importlib.util
import pkgutil
import re
import types
from pathlib import Path

import numpy as np
import pytest

import convcore
from tests.tables.bridges import LIBRARIES

ROOT = Path(__file__).resolve().parents[2]
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


# What some modules are for: where it is missing they are not run. A page says so itself, by
# ".. needs library" in a comment.
NEEDS = {
    "convcore.onnx.backend": ("onnx",),
    "convcore.cli.demo_gigapixel": ("dask", "zarr", "PIL"),
    **{f"convcore.{name}": (name,) for name in LIBRARIES},
}


def lacks(name):
    """What a module or page is for and is not installed."""
    if name.endswith(".rst"):
        text = (ROOT / name).read_text("utf-8")
        libraries = re.findall(r"^\.\. needs (\w+)$", text, re.MULTILINE)
    else:
        parts = [part for part in NEEDS if name == part or name.startswith(f"{part}.")]
        libraries = [each for part in parts for each in NEEDS[part]]
    return [each for each in libraries if importlib.util.find_spec(each) is None]


def public_modules():
    """`convcore` and its modules whose names have no underscore, at every depth."""
    modules = [convcore]
    for found in pkgutil.walk_packages(convcore.__path__, "convcore."):
        if lacks(found.name):
            continue
        if not any(part.startswith("_") for part in found.name.split(".")):
            modules.append(importlib.import_module(found.name))
    return modules


def docstring_tests():
    """One test a docstring: of what `__all__` names, of the modules, of what they define."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    found, seen = {}, set()

    def add(item, name, home):
        for test in finder.find(item, name, module=home, globs=vars(home)):
            private = any(part.startswith("_") for part in test.name.split("."))
            if test.examples and not private and test.docstring not in seen:
                seen.add(test.docstring)  # a name may be exported twice
                test.globs = {"np": np, "convcore": convcore, **test.globs}
                found[test.name] = test

    for module in public_modules():
        for name in getattr(module, "__all__", ()):
            item = getattr(module, name)
            if not isinstance(item, types.ModuleType):
                home = getattr(item, "__module__", None) or module.__name__
                add(item, f"{module.__name__}.{name}", importlib.import_module(home))
        add(module, module.__name__, module)
    return found


def page_tests():
    """One test a page: README.md and the .rst files under docs."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.rst"))]
    parser = doctest.DocTestParser()
    found = {}
    for page in pages:
        if page.is_file():
            name = page.relative_to(ROOT).as_posix()
            text = page.read_text(encoding="utf-8")
            if page.suffix == ".md":  # a fence ends an example's output
                text = "\n".join(
                    "" if line.startswith("```") else line for line in text.splitlines()
                )
            test = parser.get_doctest(text, {}, name, str(page), 0)
            if test.examples:
                found[name] = test
    return found


DOCSTRINGS, PAGES = docstring_tests(), page_tests()


def run(test):
    report = []
    runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
    results = runner.run(test, out=report.append, clear_globs=False)
    assert results.attempted == len(test.examples)  # none is skipped
    if report:
        pytest.fail("".join(report), pytrace=False)


@pytest.mark.parametrize("name", DOCSTRINGS)
def test_docstring(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # an example may write a file
    run(DOCSTRINGS[name])


WITH_BOXES = [
    name
    for name in PAGES
    if name.endswith(".rst") and "\n.. include::" in (ROOT / name).read_text("utf-8")
]


@pytest.mark.parametrize(
    "name",
    [  # a page that includes boxes is run with them below, the boxes themselves here
        pytest.param(name, marks=[pytest.mark.sweep] if name in WITH_BOXES else [])
        for name in PAGES
    ],
)
def test_page(name, tmp_path, monkeypatch):
    if lacks(name):
        pytest.skip(f"the page needs {', '.join(lacks(name))}")
    monkeypatch.chdir(tmp_path)
    run(PAGES[name])


def as_read(name):
    """A page as one test, with the boxes that it includes where the reader meets them."""
    page = ROOT / name
    text = re.sub(
        r"^\.\. include:: (\S+)$",
        lambda found: (page.parent / found[1]).read_text(encoding="utf-8"),
        page.read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
    return doctest.DocTestParser().get_doctest(text, {}, name, str(page), 0)


@pytest.mark.parametrize("name", WITH_BOXES)
def test_page_with_its_boxes(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(as_read(name))


def test_examples_were_found():
    """As many as the sources have prompts; and not fewer than once, but for those taken out."""

    def prompts(path):
        return len(re.findall(r"^ *>>> ", path.read_text(encoding="utf-8"), re.MULTILINE))

    assert sum(len(test.examples) for test in PAGES.values()) == sum(
        prompts(path) for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.rst")]
    )
    on_pages = sum(
        len(test.examples) for name, test in PAGES.items() if name.startswith("docs/learn/")
    )
    assert on_pages >= 1070
    assert sum(len(test.examples) for test in DOCSTRINGS.values()) >= 400
    assert len(PAGES["README.md"].examples) > 7


@pytest.mark.parametrize(
    "module",
    [
        "convcore",
        "convcore.connections",
        "convcore.geometry",
        "convcore.matrix",
        "convcore.ndimage",
        "convcore.nn",
        "convcore.nn.models",
        "convcore.reference",
        *[f"convcore.{name}" for name in LIBRARIES if not lacks(f"convcore.{name}")],
        *([] if lacks("convcore.torch") else ["convcore.torch.nn"]),
    ],
)
def test_every_public_callable_has_an_example(module):
    if lacks(module):
        pytest.skip("its library is not installed")
    module = importlib.import_module(module)
    callables = [name for name in module.__all__ if callable(getattr(module, name))]
    assert callables
    assert not [
        name
        for name in callables
        if not doctest.DocTestParser().get_examples(getattr(module, name).__doc__ or "")
    ]
