"""Fingerprints: one number for any value, to compare what two runs of fit were given.

A function is its code, its defaults, its closure and the global values that it names. Code of
installed packages and modules counts by name, everything else by its parts, as pickle sees them.
"""

from __future__ import annotations

import builtins
import dis
import hashlib
import inspect
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any

import numpy as np

from convcore.spec.errors import short_repr
from convcore.spec.operands import Array

# Entries of a class that its behaviour does not depend on.
NO_MATTER = frozenset({
    "__annotate__", "__annotate_func__", "__annotations__", "__annotations_cache__", "__dict__",
    "__doc__", "__firstlineno__", "__module__", "__static_attributes__", "__weakref__",
    "__abstractmethods__", "_abc_impl",
})  # fmt: skip


class IncomparableError(Exception):
    """A value has a part that cannot be compared."""


def fingerprint(value: object, known: Iterable[object] = ()) -> str:
    """Return hexadecimal digits: equal for equal values, in another process too.

    Objects in ``known`` count as their index there.
    """
    reader = _Reader(known)
    try:
        reader.read(value)
    except RecursionError:
        raise IncomparableError("values nested too deep") from None
    return reader.hash.hexdigest()


class _Reader:
    """Hashes the parts of a value, each with its kind and length."""

    def __init__(self, known: Iterable[object] = ()) -> None:
        self.hash = hashlib.sha256()
        self.seen: dict[int, tuple[int, object]] = {}  # the objects, too: ids are reused
        for item in known:
            self.seen[id(item)] = len(self.seen), item

    def add(self, kind: str, data: Any = b"") -> None:
        data = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
        self.hash.update(f"{kind} {len(data)} ".encode())
        self.hash.update(data)

    def read(self, value: Any) -> None:
        if id(value) in self.seen:
            self.add("again", str(self.seen[id(value)][0]))
        elif value is None or isinstance(value, (bool, type(...))):
            self.add("constant", repr(value))
        elif type(value) is int:
            self.add("int", hex(value))
        elif type(value) is float:
            self.add("float", value.hex())
        elif type(value) is complex:
            self.add("complex", f"{value.real.hex()} {value.imag.hex()}")
        elif type(value) is str:
            self.add("str", value)
        elif type(value) in (bytes, bytearray):
            self.add("bytes", value)
        elif isinstance(value, np.generic):
            self._array(np.asarray(value))
        elif isinstance(value, np.dtype):
            self.add("dtype", repr(value))
        elif isinstance(value, np.ndarray):
            self._array(value)
        elif isinstance(value, CodeType):
            self._code(value)
        elif type(value) is tuple:
            self.all("tuple", value)
        elif type(value) is frozenset:  # an order that is the same in every process
            self.all("frozenset", sorted(fingerprint(item) for item in value))
        else:  # may contain itself; whether constants are one object depends on the compiler
            self.seen[id(value)] = len(self.seen), value
            self._parts(value)

    def all(self, kind: str, values: Iterable[Any]) -> None:
        values = list(values)
        self.add(kind, str(len(values)))
        for value in values:
            self.read(value)

    def _parts(self, value: Any) -> None:
        if type(value) is list:
            self.all("list", value)
        elif type(value) is dict:
            self.all("dict", (part for item in value.items() for part in item))
        elif type(value) is set:
            self.all("set", sorted(fingerprint(item) for item in value))
        elif isinstance(value, ModuleType):
            self.add("module", value.__name__)
        elif isinstance(value, FunctionType):
            self._function(value)
        elif isinstance(value, MethodType):
            self.all("method", (value.__func__, value.__self__))
        elif isinstance(value, BuiltinFunctionType):
            owner = value.__self__
            self.add("builtin", f"{value.__module__}.{value.__qualname__}")
            self.read(None if isinstance(owner, (ModuleType, type)) else owner)
        elif isinstance(value, type):
            self._class(value)
        elif isinstance(value, (staticmethod, classmethod)):
            self.all(type(value).__name__, (value.__func__,))
        elif isinstance(value, property):
            self.all("property", (value.fget, value.fset, value.fdel))
        elif isinstance(value, (MemberDescriptorType, GetSetDescriptorType)):
            self.add("slot", value.__name__)
        elif isinstance(value, (inspect.Signature, inspect.Parameter)):
            self.add("signature")  # of a function that is read itself
        else:
            self._object(value)

    def _array(self, array: Array) -> None:
        self.add("array", f"{array.dtype!r} {array.shape}")
        if array.dtype.hasobject:
            self.read(array.tolist())
        elif array.size:
            self.add("values", np.ascontiguousarray(array).reshape(-1).view(np.uint8))

    def _code(self, code: CodeType) -> None:
        self.add("code", code.co_code)
        self.add("jumps", code.co_exceptiontable)
        self.all("names", (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars))
        self.all("form", (code.co_flags, code.co_argcount, code.co_posonlyargcount,
                          code.co_kwonlyargcount))  # fmt: skip
        self.all("constants", code.co_consts)

    def _function(self, function: FunctionType) -> None:
        if _is_library(function) and not function.__closure__:
            self.add("function", f"{function.__module__}.{function.__qualname__}")
            return
        self.read(function.__code__)
        self.all("defaults", (function.__defaults__, function.__kwdefaults__))
        for cell in function.__closure__ or ():
            try:
                self.read(cell.cell_contents)
            except ValueError:  # not set yet
                self.add("empty")
        for name in sorted(set(_globals(function.__code__))):
            self.add("global", name)
            if name in function.__globals__:
                self.read(function.__globals__[name])
        self.read(vars(function))

    def _class(self, kind: type) -> None:
        self.add("class", f"{kind.__module__}.{kind.__qualname__}")
        if _is_library(kind):
            return
        self.all("bases", kind.__bases__)
        for name, value in vars(kind).items():
            if name not in NO_MATTER:
                self.add("entry", name)
                self.read(value)

    def _object(self, value: object) -> None:
        try:
            parts = value.__reduce_ex__(4)
        except Exception:  # objects refuse in their own ways
            raise IncomparableError(f"an object of {type(value).__name__}") from None
        if isinstance(parts, str):
            self.add("object", f"{type(value).__module__}.{parts}")
            self.read(getattr(value, "__wrapped__", None))  # by lru_cache, say
            return
        made, state, items = parts[:2], parts[2:3], parts[3:5]
        self.all("object", (*made, *state))
        for iterator in items:
            self.all("items", iterator or ())


def _globals(code: CodeType) -> Iterator[str]:
    """Names of the global values that code reads."""
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield step.argval
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _globals(constant)


def _is_library(thing: Any) -> bool:
    """Whether a function or class is an installed package's, and so known by its name."""
    name = thing.__module__
    if not isinstance(name, str) or name == "__main__" or "<locals>" in thing.__qualname__:
        return False
    if name == "builtins":  # or code without a module, as exec runs it
        return getattr(builtins, thing.__qualname__, None) is thing
    if name.partition(".")[0] in ("convcore", "numpy", *sys.stdlib_module_names):
        return True
    file = getattr(sys.modules.get(name), "__file__", None)
    return bool({"site-packages", "dist-packages"} & set(Path(file or "").parts))


def called(value: object) -> str:
    """What an error calls a function or an object."""
    return short_repr(getattr(value, "__name__", type(value).__name__))[1:-1]
