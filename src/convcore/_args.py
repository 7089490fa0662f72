"""The one place that reads operands and options, and refuses bad ones.

Every error names the operation, the argument, what it was and what was expected. Nothing here is
allocated for a call that will be refused, but for copies that turn an operand into an array.
"""

from collections.abc import Sequence
from functools import lru_cache
from operator import index
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convcore import _core

LAYOUTS = {1: ("NCW", "NWC"), 2: ("NCHW", "NHWC"), 3: ("NCDHW", "NDHWC")}
BORDERS = _core.BORDERS
ALGORITHMS = ("auto", "direct")
PADDING_WORDS = ("valid", "same", "same_lower", "full")

FLOAT16, FLOAT32, FLOAT64 = (np.dtype(t) for t in (np.float16, np.float32, np.float64))
FLOATS = (FLOAT32, FLOAT64, FLOAT16)
MOST = 2**63 - 1  # of any size, and of the bytes of any array

Array = NDArray[Any]
DType = np.dtype[Any]
Padding = str | int | tuple[int, int]


def shown(value: object) -> str:
    """A value as an error quotes it: its repr, if it has one, and not more than a line of it."""
    try:
        text = repr(value)
    except Exception:  # whatever the caller's object does, the error about it is ours
        return f"a value of type {type(value).__name__}"
    return text if len(text) <= 200 else f"{text[:200]}..."


def array(op: str, name: str, value: object) -> Array:
    """A real, plain ndarray of any strides."""
    if type(value) is not np.ndarray:
        if isinstance(value, np.ma.MaskedArray):
            raise TypeError(f"{op}: {name} is a masked array, expected a plain one")
        try:
            value = np.asarray(value)
        except (ValueError, TypeError) as error:
            raise type(error)(f"{op}: {name} cannot be made an array: {error}") from None
    return value


def check_dtype(op: str, name: str, dtype: DType) -> None:
    """Refuse anything that is not a real number that can be computed with."""
    if dtype.kind not in "biu" and dtype.newbyteorder("=") not in FLOATS:
        raise TypeError(
            f"{op}: {name} has dtype {dtype}, expected float16, float32, float64, an integer type "
            "or bool"
        )


def result_type(op: str, x: DType, other: DType, name: str = "weight") -> tuple[DType, DType]:
    """The dtype of a result of x and another operand, and the one it is computed in."""
    if x is other and (x is FLOAT32 or x is FLOAT64):  # nearly every call, and nothing to decide
        return x, x
    return _mixed_result_type(op, x, other, name)


@lru_cache(maxsize=256)
def _mixed_result_type(op: str, x: DType, other: DType, name: str) -> tuple[DType, DType]:
    check_dtype(op, "x", x)
    check_dtype(op, name, other)
    if x.kind == "f" and other.kind == "f":
        result = np.result_type(x, other)
    else:
        result = np.result_type(x, other, FLOAT32)
    return result, FLOAT32 if result == FLOAT16 else result


@lru_cache(maxsize=256)
def kept_type(op: str, x: DType) -> tuple[DType, DType]:
    """The dtype of a result that only selects from x, and the one it is selected in."""
    check_dtype(op, "x", x)
    result = x.newbyteorder("=")
    return result, FLOAT32 if result == FLOAT16 else result


def ready(op: str, name: str, value: Array, dtype: DType) -> Array:
    """The array itself where kernels can read it, else a contiguous native copy."""
    flags = value.flags
    if (value.dtype is dtype or value.dtype == dtype) and flags.c_contiguous and flags.aligned:
        return value
    try:
        return np.array(value, dtype=dtype, order="C")
    except MemoryError:
        raise MemoryError(
            f"{op}: no memory to make {name}, a {value.dtype} array of shape {value.shape}, a "
            f"contiguous one of {dtype}"
        ) from None


def whole(op: str, name: str, value: object, least: int, most: int | None = None) -> int:
    """An int from ``least`` to ``most``."""
    try:
        if isinstance(value, (bool, np.bool)):
            raise TypeError
        number = index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{op}: {name} must be an integer, got {shown(value)}") from None
    if number < least or (most is not None and number > most):
        wanted = f"at least {least}" if most is None else f"from {least} to {most}"
        raise ValueError(f"{op}: {name} must be {wanted}, got {shown(number)}")
    if number > MOST:
        raise ValueError(f"{op}: {name} must be at most {MOST}, got {shown(number)}")
    return number


def generator(op: str, rng: object, fresh: bool = False) -> np.random.Generator:
    """The generator itself, or a new one from a seed; ``fresh``: None is one of its own."""
    if isinstance(rng, np.random.Generator):
        return rng
    if rng is None and fresh:
        return np.random.default_rng()
    try:
        return np.random.default_rng(whole(op, "rng", rng, 0))
    except TypeError:
        words = "a numpy.random.Generator, an integer or None" if fresh else (
            "a numpy.random.Generator or an integer"
        )
        raise TypeError(f"{op}: rng must be {words}, got {shown(rng)}") from None


def number(op: str, name: str, value: object, low: float, high: float = np.inf) -> float:
    """A finite float from ``low`` to less than ``high``."""
    try:
        if isinstance(value, (bool, np.bool, str, bytes)):
            raise TypeError
        real = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"{op}: {name} must be a number, got {shown(value)}") from None
    if not (low <= real < high):
        wanted = f"at least {low:g}" + ("" if high == np.inf else f" and less than {high:g}")
        raise ValueError(f"{op}: {name} must be {wanted} and finite, got {shown(value)}")
    return real


def listed(value: object) -> object:
    """A NumPy array as nested lists, anything else as it is."""
    return value.tolist() if isinstance(value, np.ndarray) else value


def per_axis(op: str, name: str, value: object, axes: int, least: int = 1) -> tuple[int, ...]:
    """One int of at least ``least`` for each axis, from an int or a sequence."""
    if type(value) is int and least <= value <= MOST:  # nearly every call
        return (value,) * axes
    value = listed(value)
    if not isinstance(value, (list, tuple)):
        return (whole(op, name, value, least),) * axes
    if len(value) != axes:
        raise ValueError(
            f"{op}: {name} must be an integer or {axes} of them, one an axis, got {shown(value)}"
        )
    return tuple(whole(op, name, v, least) for v in value)


def paddings(op: str, padding: object, axes: int) -> tuple[Padding, ...]:
    """One word, int or (before, after) pair for each axis."""
    if isinstance(padding, str):
        if padding not in PADDING_WORDS:
            raise ValueError(
                f"{op}: padding must be an integer, a sequence or one of {PADDING_WORDS}, "
                f"got {shown(padding)}"
            )
        return (padding,) * axes
    padding = listed(padding)
    if not isinstance(padding, (list, tuple)):
        return (whole(op, "padding", padding, 0),) * axes
    result: list[Padding] = []
    for entry in map(listed, padding):
        if isinstance(entry, str) and entry in PADDING_WORDS:
            result.append(entry)
        elif not isinstance(entry, (list, tuple)):
            result.append(whole(op, "padding", entry, 0))
        elif len(entry) == 2:
            result.append((whole(op, "padding", entry[0], 0), whole(op, "padding", entry[1], 0)))
        else:
            break
    if len(result) != axes or len(padding) != axes:
        raise ValueError(
            f"{op}: padding must be an integer, {axes} of them, or {axes} (before, after) pairs, "
            f"one an axis, got {shown(padding)}"
        )
    return tuple(result)


def flag(op: str, name: str, value: object) -> bool:
    """True or False, and nothing that only acts like one."""
    if not isinstance(value, (bool, np.bool)):
        raise TypeError(f"{op}: {name} must be True or False, got {shown(value)}")
    return bool(value)


def choice(op: str, name: str, value: object, choices: Sequence[str]) -> None:
    """Refuse a word that is none of the choices."""
    if not isinstance(value, str):
        raise TypeError(f"{op}: {name} must be one of {tuple(choices)}, got {shown(value)}")
    if value not in choices:
        raise ValueError(f"{op}: {name} must be one of {tuple(choices)}, got {shown(value)}")


def check_bias(op: str, bias: Array, shape: tuple[int, ...]) -> None:
    """Refuse a bias that is not one real number for each kernel of each output channel."""
    if bias.shape != shape:
        what = "one an output channel" if len(shape) == 1 else "one for each kernel of weight"
        raise ValueError(f"{op}: bias has shape {bias.shape}, expected {shape}, {what}")
    if bias.dtype is not FLOAT32:
        check_dtype(op, "bias", bias.dtype)


def ready_bias(
    op: str, bias: object, shape: tuple[int, ...], dtype: DType, work: DType
) -> Array | None:
    """The bias as kernels read it: rounded to the result's dtype, in the one computed in."""
    if bias is None:
        return None
    offset = array(op, "bias", bias)
    check_bias(op, offset, shape)
    return ready(op, "bias", ready(op, "bias", offset, dtype), work)


def check_grad(op: str, grad: Array, shape: tuple[int, ...], **given: Array) -> None:
    """Refuse a gradient that has not the shape of the result for the arrays given."""
    if grad.shape != shape:
        words = " and ".join(f"{name} of shape {value.shape}" for name, value in given.items())
        raise ValueError(
            f"{op}: grad has shape {grad.shape}, expected {shape}, that of the result for {words}"
        )


def check_out(
    op: str, out: object, shape: tuple[int, ...], dtype: DType, name: str = "out"
) -> Array:
    """The caller's array for the result, plain: of this very shape and dtype, writeable."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"{op}: {name} must be a NumPy array, got {type(out).__name__}")
    plain: Array = out.view(np.ndarray)
    if plain.shape != shape:
        raise ValueError(f"{op}: {name} has shape {plain.shape}, expected {shape}")
    if plain.dtype != dtype:
        raise TypeError(f"{op}: {name} has dtype {plain.dtype}, expected {dtype}")
    if not plain.flags.writeable:
        raise ValueError(f"{op}: {name} is read-only, expected a writeable array")
    steps = zip(plain.shape, plain.strides, strict=True)
    if plain.size and any(step == 0 and n > 1 for n, step in steps):
        raise ValueError(f"{op}: {name} has elements in the same memory, strides {plain.strides}")
    return plain


def new_result(op: str, shape: tuple[int, ...], dtype: DType, **given: object) -> Array:
    """Room for a result; errors name the arguments that it comes from."""
    try:
        return np.empty(shape, dtype)
    except MemoryError:
        words = [
            f"{name} has shape {value.shape}" if isinstance(value, np.ndarray)
            else f"{name} is {shown(value)}"
            for name, value in given.items()
        ]  # fmt: skip
        raise MemoryError(
            f"{op}: no memory for a {dtype} result of shape {shape}: {', '.join(words)}"
        ) from None


def computes_into(out: Array, work: DType, operands: tuple[Array | None, ...]) -> bool:
    """Whether kernels may write the result straight into ``out`` while they read the operands."""
    if out.dtype != work or not out.flags.c_contiguous or not out.flags.aligned:
        return False
    return not any(o is not None and np.may_share_memory(out, o) for o in operands)


def target(
    op: str,
    out: object,
    shape: tuple[int, ...],
    dtype: DType,
    work: DType,
    operands: tuple[Array | None, ...],
    name: str = "out",
    **given: object,
) -> tuple[Array, Array | None]:
    """Where kernels write a result that is computed in ``work``, and the caller's array, plain.

    They are one where that is possible; ``given`` is what a MemoryError tells of the call.
    """
    place = None if out is None else check_out(op, out, shape, dtype, name)
    if place is not None and computes_into(place, work, operands):
        return place, place
    return new_result(op, shape, work, **given), place


def delivered(target: Array, place: Array | None, out: Array | None, dtype: DType) -> Array:
    """The result as the caller wants it: in the dtype, and in ``out`` (as ``place``) if given."""
    if out is None or place is None:
        return target if target.dtype == dtype else target.astype(dtype)
    if target is not place:
        np.copyto(place, target, casting="same_kind")
    return out
