"""Arrays of other libraries come in and go out: what ``set_array_api`` switches on.

Every function of ``api`` ends in a call of a function of the engine, by a name of its module. The
switch gives these names another function, which converts arrays on both sides of the call. So calls
take no longer while it is off.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from types import FunctionType
from typing import Any, NamedTuple, cast

import numpy as np

from convcore.engine.pooling import Adaptive, Sliding
from convcore.spec.foreign import as_tensor, refuse, to_ndarray
from convcore.spec.operands import Array
from convcore.spec.options import as_bool

Function = Callable[..., Any]

# Arguments that are arrays. Tables of connections and windows may be of NumPy where the operands
# are not: convcore makes them as ndarrays.
OPERANDS = ("grad", "x", "weight", "bias", "window", "indices", "mask", "w", "connections")
GRADIENT = ("grad", "x", "weight")  # what "operands" holds
# Types of arguments that are no arrays of other libraries: a call of these alone is let through.
PLAIN = {np.ndarray, type(None), bool, int, float, str, list, Sliding, Adaptive}
CPU = 1  # DLPack's number of main memory


class Library(NamedTuple):
    """A library of arrays, and a first array of it in a call."""

    name: str
    from_dlpack: Function
    argument: str
    device: object


def library_of(name: str, value: object) -> Library | None:
    """Return the library of an array, if the results of a call are to be of it."""
    if isinstance(value, (np.ndarray, np.generic)):
        return None
    torch = as_tensor(value)
    if torch is not None:
        return Library("torch", torch.from_dlpack, name, getattr(value, "device", None))
    namespace = getattr(type(value), "__array_namespace__", None)
    if not callable(namespace):
        return None
    found = cast("Any", value).__array_namespace__()
    word = found.__name__.partition(".")[0]
    return Library(word, found.from_dlpack, name, getattr(value, "device", None))


def check_device(op: str, name: str, value: Any) -> None:
    """Refuse an array in the memory of a device."""
    device = getattr(value, "device", "cpu")
    try:
        kind = value.__dlpack_device__()[0]
    except Exception:  # it has no memory at all, or several
        kind = None
    if kind != CPU or "cpu" not in str(device).lower():
        raise TypeError(f"{op}: {name} must be in main memory (CPU), got an array on {device}")


class Arrays:
    """The arrays of one call: all of one library, read as plain arrays."""

    def __init__(self, op: str) -> None:
        self.op = op
        self.library: Library | None = None
        self.plain = ""  # the first operand of NumPy

    def read(self, name: str, value: object) -> object:
        """Return an argument as the engine takes it; note its library."""
        if type(value) is tuple:
            if name == "operands":
                return tuple(map(self.read, GRADIENT, value))
            if name == "given":  # of missing cells: the mask comes first
                return (self.read("mask", value[0]), *value[1:])
        if name not in OPERANDS or value is None:
            return value
        library = library_of(name, value)
        if library is None:
            if isinstance(value, np.ndarray) and name not in ("connections", "window"):
                self.plain = self.plain or name
            return value
        refuse(self.op, name, value)
        check_device(self.op, name, value)
        if self.library is None:
            self.library = library
        elif self.library.name != library.name:
            raise self._mixed(self.library.argument, self.library.name, name, library.name)
        return to_ndarray(self.op, name, value)

    def check(self) -> None:
        """Refuse arrays of NumPy beside those of another library."""
        if self.library is not None and self.plain:
            raise self._mixed(self.library.argument, self.library.name, self.plain, "numpy")

    def _mixed(self, first: str, library: str, name: str, other: str) -> TypeError:
        return TypeError(
            f"{self.op}: {name} must be an array of {library}, as {first} is, got one of {other}"
        )

    def give(self, result: object, out: object) -> object:
        """Return a result, or several, as arrays of the library; the caller's own as they are."""
        if type(result) is tuple:
            outs = out if isinstance(out, (tuple, list)) else (out,) * len(result)
            return tuple(map(self.give, result, outs))
        if self.library is None or result is None or result is out:
            return result
        array: Array = np.asarray(result)
        if not array.flags.writeable:  # DLPack cannot say so to everyone
            array = array.copy()
        _, from_dlpack, _, device = self.library
        given = from_dlpack(array)
        if getattr(given, "device", device) != device:
            given = from_dlpack(array, device=device)
        return given


def converting(function: Function) -> Function:
    """Return a function of the engine that takes and gives arrays of other libraries."""
    names = cast("FunctionType", function).__code__.co_varnames
    place = names.index("op")

    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        if PLAIN.issuperset(map(type, (*args, *options.values()))):
            return function(*args, **options)
        arrays = Arrays(args[place])
        read = [arrays.read(name, value) for name, value in zip(names, args, strict=False)]
        options = {name: arrays.read(name, value) for name, value in options.items()}
        if arrays.library is None:
            return function(*args, **options)
        arrays.check()
        return arrays.give(function(*read, **options), options.get("out"))

    return call


class _Place(NamedTuple):
    """A name of a module of ``api``, and what it stands for while the switch is off and on."""

    module: dict[str, Any]
    name: str
    off: Function
    on: Function


_places: list[_Place] = []
_is_on = False


def serve(module: dict[str, Any]) -> None:
    """Note the functions that a module of ``api`` calls: its own and the engine's."""
    for name, value in module.items():
        if not isinstance(value, FunctionType) or "op" not in value.__code__.co_varnames[:2]:
            continue
        if value.__module__.startswith("convcore.engine") or value.__module__ == module["__name__"]:
            _places.append(_Place(module, name, value, converting(value)))


def _switch(on: bool) -> None:
    global _is_on
    _is_on = on
    for place in _places:
        place.module[place.name] = place.on if on else place.off


class set_array_api:
    """Set whether later calls in this process return arrays of the library that theirs are of.

    When it is on, tensors of PyTorch give tensors, arrays of JAX give arrays of JAX, and so do
    those of every library with ``__array_namespace__`` and ``from_dlpack``. In a ``with``
    statement the setting before comes back at the end of the block. An object may be entered again.

    Parameters
    ----------
    on : bool
        False, as at the start: every result is an ndarray.

    Raises
    ------
    TypeError
        If ``on`` is no bool. Calls refuse arrays of two libraries, and arrays that are not in main
        memory.

    See Also
    --------
    set_algorithm

    Notes
    -----
    It holds for the operators, their gradients, ``convolve`` and ``correlate``. Prepared layers,
    ``convcore.nn``, ``convcore.matrix`` and ``convcore.reference`` return ndarrays. The first array
    among the operands says which library it is; lists belong to any, and a table of connections
    or a window may be an ndarray. An object with ``__dlpack__`` alone is read, and gives ndarrays.
    ``out`` must be an ndarray, and is returned as it is. JAX without 64 bits makes float32 and
    int32 of results. The environment variable ``CONVCORE_ARRAY_API`` (0 or 1) sets it when convcore
    is imported. Array API standard, 2024.12: ``from_dlpack``.

    Examples
    --------
    >>> import convcore
    >>> with convcore.set_array_api(True):
    ...     y = convcore.conv1d([[1.0, 2.0, 3.0]], [[[1.0, 1.0]]])
    >>> y.tolist()
    [[3.0, 5.0]]
    """

    def __init__(self, on: bool) -> None:
        self._chosen = as_bool("set_array_api", "on", on)
        self._before = [_is_on]  # of each block that has not ended, and of this call
        self._is_called = True
        _switch(self._chosen)

    def __enter__(self) -> None:
        """Begin the block."""
        if not self._is_called:
            self._before.append(_is_on)
        self._is_called = False
        _switch(self._chosen)

    def __exit__(self, *exception: object) -> None:
        """End the block."""
        _switch(self._before.pop())
