"""Readers of options: each returns one normal form, which the rest of the package uses.

Every error names the operation, the argument, what was expected and what was given.
"""

from collections.abc import Sequence
from operator import index

import numpy as np

from convcore.spec.errors import short_repr

LAYOUTS = {1: ("NCW", "NWC"), 2: ("NCHW", "NHWC"), 3: ("NCDHW", "NDHWC")}
BORDERS = ("zeros", "edge", "reflect", "symmetric", "wrap")
ALGORITHMS = ("auto", "direct", "winograd", "fft", "separable")
PADDING_WORDS = ("valid", "same", "same_lower", "full")

MAX_THREADS = 1024  # of a call
MAX_SIZE = 2**63 - 1  # of an axis, and of the bytes of an array

Padding = str | int | tuple[int, int]
Sizes = int | tuple[int, ...] | list[int]
Paddings = Padding | tuple[Padding, ...] | list[Padding]


def as_bool(op: str, name: str, value: object) -> bool:
    """Return a bool; refuse values that only act like one."""
    if value is True or value is False:
        return value
    if not isinstance(value, (bool, np.bool)):
        raise TypeError(f"{op}: {name} must be True or False, got {short_repr(value)}")
    return bool(value)


def as_int(op: str, name: str, value: object, least: int, most: int | None = None) -> int:
    """Return an int from ``least`` to ``most``."""
    try:
        if isinstance(value, (bool, np.bool)):
            raise TypeError
        number = index(value)  # type: ignore[arg-type]
    except Exception:  # of any class: other libraries have their own
        raise TypeError(f"{op}: {name} must be an integer, got {short_repr(value)}") from None
    if number < least or (most is not None and number > most):
        wanted = f"at least {least}" if most is None else f"from {least} to {most}"
        raise ValueError(f"{op}: {name} must be {wanted}, got {short_repr(number)}")
    if number > MAX_SIZE:
        raise ValueError(f"{op}: {name} must be at most {MAX_SIZE}, got {short_repr(number)}")
    return number


def as_threads(op: str, value: object, name: str = "threads") -> int:
    """Return a number of threads that may be asked for."""
    return as_int(op, name, value, 1, MAX_THREADS)


def as_float(
    op: str, name: str, value: object, low: float, high: float = np.inf, *, above: bool = False
) -> float:
    """Return a finite float from ``low`` to less than ``high``; with ``above``, more than ``low``.

    A ``low`` of minus infinity is no limit.
    """
    try:
        if isinstance(value, (bool, np.bool, str, bytes)):
            raise TypeError
        real = float(value)  # type: ignore[arg-type]
    except Exception:
        raise TypeError(f"{op}: {name} must be a number, got {short_repr(value)}") from None
    if not (low <= real < high) or real == (low if above else -np.inf):
        words = [] if low == -np.inf else [f"{'greater than' if above else 'at least'} {low:g}"]
        words += [] if high == np.inf else [f"less than {high:g}"]
        wanted = " and ".join([*words, "finite"])
        raise ValueError(f"{op}: {name} must be {wanted}, got {short_repr(value)}")
    return real


def as_generator(op: str, rng: object, fresh: bool = False) -> "np.random.Generator":
    """Return a generator, or a new one from a seed; with ``fresh``, None gives an unseeded one.

    Annotations quote ``np.random``: NumPy imports it at its first use, which takes half as long as
    all of NumPy.
    """
    if isinstance(rng, np.random.Generator):
        return rng
    if rng is None and fresh:
        return np.random.default_rng()
    try:
        return np.random.default_rng(as_int(op, "rng", rng, 0))
    except TypeError:
        words = (
            "a numpy.random.Generator, an integer or None"
            if fresh
            else ("a numpy.random.Generator or an integer")
        )
        raise TypeError(f"{op}: rng must be {words}, got {short_repr(rng)}") from None


def check_choice(op: str, name: str, value: object, choices: Sequence[str]) -> str:
    """Return a word as a plain string; refuse one that is not among the choices."""
    if not isinstance(value, str):
        raise TypeError(f"{op}: {name} must be one of {tuple(choices)}, got {short_repr(value)}")
    if value not in choices:
        raise ValueError(f"{op}: {name} must be one of {tuple(choices)}, got {short_repr(value)}")
    return str(value)


def to_list(value: object) -> object:
    """Return a NumPy array as nested lists, anything else unchanged."""
    if not isinstance(value, np.ndarray) or isinstance(value, np.ma.MaskedArray):
        return value  # a list would hold None for a masked element
    return value.tolist()


def per_axis(op: str, name: str, value: object, axes: int, least: int = 1) -> tuple[int, ...]:
    """Return an int of at least ``least`` for each axis, from an int or a sequence."""
    if type(value) is int and least <= value <= MAX_SIZE:  # nearly every call
        return (value,) * axes
    if type(value) is tuple and len(value) == axes:  # nearly all others
        for entry in value:
            if type(entry) is not int or not least <= entry <= MAX_SIZE:
                break
        else:
            return value
    value = to_list(value)
    if not isinstance(value, (list, tuple)):
        return (as_int(op, name, value, least),) * axes
    if len(value) != axes:
        raise ValueError(
            f"{op}: {name} must be an integer or {axes} of them, one for each axis, got "
            f"{short_repr(value)}"
        )
    return tuple(as_int(op, name, v, least) for v in value)


def plain(value: object) -> object:
    """The shortest form of an option that has been read: one int or word for axes that are alike.

    It means the same, and operators take it as it is.
    """
    if type(value) is tuple and value and type(value[0]) in (int, str):
        return value[0] if all(entry == value[0] for entry in value) else value
    return value


def paddings(op: str, padding: object, axes: int) -> tuple[Padding, ...]:
    """Return a word, an int or a (before, after) pair for each axis."""
    if type(padding) is tuple and len(padding) == axes:  # nearly every call with a sequence
        for entry in padding:
            if type(entry) is int and 0 <= entry <= MAX_SIZE:
                continue
            if type(entry) is not tuple or len(entry) != 2:
                break
            before, after = entry
            if type(before) is not int or type(after) is not int:
                break
            if not (0 <= before <= MAX_SIZE and 0 <= after <= MAX_SIZE):
                break
        else:
            return padding
    if isinstance(padding, str):
        if padding not in PADDING_WORDS:
            raise ValueError(
                f"{op}: padding must be an integer, a sequence or one of {PADDING_WORDS}, "
                f"got {short_repr(padding)}"
            )
        return (padding,) * axes
    padding = to_list(padding)
    if not isinstance(padding, (list, tuple)):
        return (as_int(op, "padding", padding, 0),) * axes
    result: list[Padding] = []
    for entry in map(to_list, padding):
        if isinstance(entry, str) and entry in PADDING_WORDS:
            result.append(entry)
        elif not isinstance(entry, (list, tuple)):
            result.append(as_int(op, "padding", entry, 0))
        elif len(entry) == 2:
            result.append((as_int(op, "padding", entry[0], 0), as_int(op, "padding", entry[1], 0)))
        else:
            break
    if len(result) != axes or len(padding) != axes:
        raise ValueError(
            f"{op}: padding must be an integer, {axes} of them, or {axes} (before, after) pairs, "
            f"one for each axis, got {short_repr(padding)}{_pairs_hint(result, axes)}"
        )
    return tuple(result)


def _pairs_hint(padding: list[Padding], axes: int) -> str:
    """Return a hint how to write pairs, if they were given as one flat list of integers."""
    if len(padding) != 2 * axes or not all(type(entry) is int for entry in padding):
        return ""
    pairs = tuple(zip(padding[::2], padding[1::2], strict=True))
    hint = f"; (before, after) for each axis would be {pairs}"
    if axes > 1:
        hint += " (PyTorch's F.pad lists the last axis first, ONNX all befores first)"
    return hint
