"""No function has more than six positional parameters, but for public ones: C, Cython, Python."""

import ast
import inspect
import re
from pathlib import Path

import convcore
from convcore import geometry, matrix, ndimage, nn, reference
from tests.support import c_source

SOURCE = Path(__file__).resolve().parents[2] / "src" / "convcore"
MOST = 6

# Functions whose users see their signature; methods of the layers are public, too, and those that
# layers inherit: Conv1d, Conv2d and Conv3d have one constructor.
PUBLIC = {
    name for module in (convcore, geometry, matrix, ndimage, reference) for name in module.__all__
}
PUBLIC |= {re.sub(r"\dd", "", name) for name in PUBLIC}  # reference defines all ranks at once
PUBLIC_CLASSES = {
    base.__name__
    for name in nn.__all__
    if inspect.isclass(getattr(nn, name))
    for base in getattr(nn, name).__mro__
}

C, CYTHON, PYTHON = (".c", ".h", ".def"), (".pyx", ".pxi"), (".py",)


def sources(kinds):
    """The files of a kind, with the names that the list has for them."""
    for path in sorted(SOURCE.rglob("*")):
        if path.suffix in kinds:
            yield path, path.relative_to(SOURCE).as_posix()


def assert_none(found):
    assert not found, f"more than {MOST} positional parameters:\n" + "\n".join(sorted(found))


def test_c():
    found, functions = set(), 0
    for path, name in sources(C):
        parameters = c_source.read(path).parameters
        functions += len(parameters)
        found |= {f"{name}:{one}" for one, number in parameters.items() if number > MOST}
    assert functions > 300
    assert_none(found)


FUNCTION = re.compile(r"^[ \t]*(?:def|cdef|cpdef)\b[^\n(=]*?\b(\w+)\(", re.MULTILINE)


def test_cython():
    found, functions = set(), 0
    for path, name in sources(CYTHON):
        text = re.sub(r"#[^\n]*", "", path.read_text(encoding="utf-8"))
        for function in FUNCTION.finditer(text):
            functions += 1
            end = c_source.closing(text, function.end() - 1)
            parameters = re.split(r",\s*\*\s*,", text[function.end() : end - 1])[0]
            if c_source.count(re.sub(r"\bself\s*,?", "", parameters)) > MOST:
                found.add(f"{name}:{function[1]}")
    assert functions > 20
    assert_none(found)


def positional(function, method):
    parameters = function.args.posonlyargs + function.args.args
    static = any("staticmethod" in ast.unparse(mark) for mark in function.decorator_list)
    return len(parameters) - (method and not static)


def functions_of(node, classes=()):
    """All functions of a module with the classes that they stand in, at every depth."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            yield child, classes, isinstance(node, ast.ClassDef)
        inner = (*classes, child.name) if isinstance(child, ast.ClassDef) else classes
        yield from functions_of(child, inner)


def test_python():
    found, number = set(), 0
    for path, name in sources(PYTHON):
        for function, classes, method in functions_of(ast.parse(path.read_text("utf-8"))):
            number += 1
            public = function.name in PUBLIC or PUBLIC_CLASSES & set(classes)
            if positional(function, method) > MOST and not public:
                found.add(f"{name}:{'.'.join((*classes, function.name))}")
    assert number > 500
    assert_none(found)
