"""What `import convcore` loads, and what it leaves until it is used."""

import importlib
import json
import subprocess
import sys
from importlib.util import find_spec

import pytest

import convcore
from convcore import geometry, nn
from tests.tables.bridges import LIBRARIES

LAZY = ("connections", "geometry", "matrix", "ndimage", "nn", "onnx", "reference")
# Those of libraries that are installed; others are not listed.
BRIDGES = tuple(name for name in LIBRARIES if find_spec(name))
NOT_LOADED = (
    "convcore.nn",
    "convcore.matrix",
    "convcore.reference",
    "convcore.geometry._counting",
    "convcore.geometry._fields",
    "scipy",
    "pathlib._local",
    *(f"convcore.{name}" for name in LIBRARIES),
    *LIBRARIES,
)


def python(code):
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    return json.loads(done.stdout)


def test_what_is_not_loaded():
    before = python("import json, sys, numpy; print(json.dumps(sorted(sys.modules)))")
    after = python("import json, sys, numpy, convcore; print(json.dumps(sorted(sys.modules)))")
    new = set(after) - set(before)
    assert "convcore._core" in new
    assert not [name for name in new if name.startswith(NOT_LOADED)]


@pytest.mark.parametrize("name", [*LAZY, *BRIDGES])
def test_a_module_is_loaded_when_used(name):
    code = f"import json, convcore; print(json.dumps(convcore.{name}.__name__))"
    assert python(code) == f"convcore.{name}"
    assert getattr(convcore, name) is importlib.import_module(f"convcore.{name}")
    assert name in dir(convcore)


def test_names():
    for module in (convcore, geometry):
        assert set(module.__all__) <= set(dir(module))
        assert all(getattr(module, name) is not None for name in dir(module))
        assert len(set(module.__all__)) == len(module.__all__)
        with pytest.raises(AttributeError, match=f"'{module.__name__}' has no .* 'nonsense'"):
            module.nonsense  # noqa: B018


@pytest.mark.parametrize("module", [convcore, convcore.connections, geometry, convcore.matrix, nn])
def test_public_names_are_of_the_public_module(module):
    for name in module.__all__:
        assert getattr(module, name).__module__ == module.__name__
    assert sorted(dir(module)) == dir(module)
    extra = {"convcore": {*LAZY, *BRIDGES, "__version__"},
             "convcore.geometry": {"Window"}, "convcore.nn": {"data", "models"}}  # fmt: skip
    assert set(dir(module)) == {*module.__all__, *extra.get(module.__name__, ())}


def test_no_name_hides_a_module():
    for name in ("api", "engine", "spec"):
        assert getattr(convcore, name) is importlib.import_module(f"convcore.{name}")
