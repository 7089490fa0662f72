"""A call of an operator: its name and options, as objects and as text in PyTorch's graphs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from convcore.spec.border import as_border, on_sides
from convcore.spec.options import LAYOUTS, as_threads
from convcore.spec.registry import AXES, OPERATORS, Operator, Option, layer_name

# Options that are tensors or arrays in a call. A graph has them as inputs.
ARRAYS = ("connections", "mask", "window")


def _read_threads(op: str, value: object, axes: int) -> int | None:
    return None if value is None else as_threads(op, value)


class Call:
    """An operator and its options but arrays, for any input; those with defaults are left out."""

    __slots__ = ("_linear", "_text", "axes", "kind", "op", "options")

    def __init__(self, op: str, options: dict[str, Any]) -> None:
        self.op, self.options = op, options
        self.kind, self.axes = FOUND[op]
        self._linear: Call | None = None
        self._text: str | None = None

    @property
    def channels_last(self) -> bool:
        """Whether the channels are the last axis of x and of the result."""
        return self.options.get("layout") == LAYOUTS[self.axes][1]

    @property
    def text(self) -> str:
        """The options as text."""
        if self._text is None:
            self._text = encode(self.op, tuple(self.options.items()))
        return self._text

    @property
    def linear(self) -> Call:
        """The linear part of the operator: constants in the padding are 0."""
        if self._linear is None:
            border = self.options.get("border", "zeros")
            if isinstance(border, str):
                self._linear = self
            else:
                read = on_sides(
                    as_border(self.op, border, self.axes),
                    lambda side: side if isinstance(side, str) else 0.0,
                )
                self._linear = self.with_options(border=read)
        return self._linear

    def with_options(self, **options: Any) -> Call:
        """Return the call with other values of some options."""
        return Call(self.op, {**self.options, **options})

    def option(self, name: str) -> Any:
        """Return an option in normal form, the default if it is not given."""
        option = KNOWN[self.op][name]
        return option.read(self.op, self.options.get(name, option.default), self.axes)

    def normal(self) -> dict[str, Any]:
        """Return all options that sizes depend on, in normal form; arrays are left out."""
        names = [name for name in self.kind.names if name not in ARRAYS]
        return {name: self.option(name) for name in names}


def _known(kind: Operator) -> dict[str, Option]:
    """All options of an operator but ``out``, by name."""
    algorithm = [option for option in kind.layer_options if option.name == "algorithm"]
    every = (*kind.options, *kind.missing, *algorithm, Option("threads", None, _read_threads))
    return {option.name: option for option in every}


# By the public name. They are no cached functions, of which PyTorch's compiler would warn.
FOUND = {layer_name(kind, axes): (OPERATORS[kind], axes) for kind in OPERATORS for axes in AXES}
KNOWN = {op: _known(kind) for op, (kind, _) in FOUND.items()}


def encode(op: str, items: Iterable[tuple[str, Any]]) -> str:
    """Return options as text: JSON of their normal forms, without those that are the default."""
    known, (_, axes) = KNOWN[op], FOUND[op]
    found = {}
    for name, value in items:
        option = known[name]
        if value is not option.default:
            found[name] = option.read(op, value, axes)
    return json.dumps(found, separators=(",", ":"), sort_keys=True)


@lru_cache(maxsize=4096)
def decode(op: str, text: str) -> Call:
    """Return the call that an operator's name and :func:`encode`'s text mean."""
    call = Call(op, {name: _tuples(value) for name, value in json.loads(text).items()})
    call._text = text
    return call


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
