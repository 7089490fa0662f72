"""The rooms of the package: who imports whom. Most of it are contracts of import-linter."""

import ast
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = next(folder for folder in Path(__file__).parents if (folder / "pyproject.toml").exists())
PACKAGE = ROOT / "src" / "convcore"
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
MODULES = sorted(PACKAGE.rglob("*.py"))
ROOMS = sorted(
    folder.name for folder in PACKAGE.iterdir() if folder.is_dir() and list(folder.rglob("*.py"))
)


def imports(path):
    """The modules that a file imports, and the names that it takes from each (None: itself)."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(name.name, None) for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [("." * node.level + (node.module or ""), name.name) for name in node.names]
    return found


def room(path):
    """The room that a file is in, or the file's own name beside the rooms."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_every_room_is_a_package():
    assert all((PACKAGE / name / "__init__.py").exists() for name in ROOMS)


def test_every_room_has_a_floor():
    (floors,) = (one["layers"] for one in CONTRACTS["contracts"] if one["type"] == "layers")
    named = {name.strip("() ") for floor in floors for name in floor.split("|")}
    assert set(ROOMS) <= named | {"reference"}


def test_the_contracts_hold():
    pytest.importorskip("importlinter", reason="import-linter is of the group lint")
    checked = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; "
         "lint_imports_command()"],
        cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout


def test_only_the_engine_calls_the_core():
    for path in MODULES:
        if room(path) != "engine":
            found = imports(path)
            assert ("convcore", "_core") not in found, path
            assert not [module for module, _ in found if module.startswith("convcore._core")], path


def test_lower_rooms_do_not_import_the_package():
    """It imports all functions: the contracts have to leave it out because of the core."""
    for path in MODULES:
        if room(path) in ("spec", "engine", "reference"):
            names = {name for module, name in imports(path) if module == "convcore"}
            assert names <= {"_core", "reference"}, path


def test_imports_are_absolute():
    for path in MODULES:
        assert not [module for module, _ in imports(path) if module.startswith(".")], path


def test_the_reference_stands_on_numpy_alone():
    for path in (PACKAGE / "reference").rglob("*.py"):
        for module, name in imports(path):
            whole = f"{module}.{name}" if module == "convcore" else module
            allowed = whole.startswith(("numpy", "convcore.reference"))
            assert allowed or whole.split(".")[0] in sys.stdlib_module_names, (path, whole)
