"""Operands as plain arrays of real numbers, and the dtypes of results."""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convcore.spec import foreign
from convcore.spec.errors import describe, out_of_memory

FLOAT16, FLOAT32, FLOAT64 = (np.dtype(t) for t in (np.float16, np.float32, np.float64))
FLOATS = (FLOAT32, FLOAT64, FLOAT16)
SHOWN_ELEMENTS, SHOWN_WIDTH = 16, 80  # of an array in a repr
MAX_INTEGER = 2**53  # up to it float64 holds every integer

Array = NDArray[Any]
DType = np.dtype[Any]


class DTypes(NamedTuple):
    """The dtype of a result, and the dtype in which it is computed."""

    result: DType
    compute: DType


def as_array(op: str, name: str, value: object) -> Array:
    """Return a plain ndarray of any strides."""
    return value if type(value) is np.ndarray else foreign.to_ndarray(op, name, value)


def short_array(array: Array) -> str:
    """Return an option that is an array as a repr shows it.

    A small one is a list, which operators take for the array; of others the shape is shown, and of
    a table of connections how many pairs it has.
    """
    text = repr(array.tolist()) if array.size <= SHOWN_ELEMENTS else ""
    if text and len(text) <= SHOWN_WIDTH:
        return text
    if array.dtype != np.bool_:
        return f"<{array.dtype} array of shape {array.shape}>"
    return f"<table of shape {array.shape}, {np.count_nonzero(array)} of {array.size} pairs>"


def check_dtype(op: str, name: str, dtype: DType) -> None:
    """Refuse dtypes other than bool, integers, float16, float32 and float64."""
    if dtype.kind not in "biu" and dtype.newbyteorder("=") not in FLOATS:
        raise TypeError(
            f"{op}: {name} must have dtype float16, float32, float64, an integer type or bool, got "
            f"{dtype}"
        )


_FLOAT32S = DTypes(FLOAT32, FLOAT32)
_FLOAT64S = DTypes(FLOAT64, FLOAT64)


def result_dtypes(op: str, x: DType, other: DType, name: str = "weight") -> DTypes:
    """Return the dtypes of a result of x and another operand."""
    if x is other:  # nearly every call, and nothing to decide
        if x is FLOAT32:
            return _FLOAT32S
        if x is FLOAT64:
            return _FLOAT64S
    return _mixed_dtypes(op, x, other, name)


@lru_cache(maxsize=256)
def _mixed_dtypes(op: str, x: DType, other: DType, name: str) -> DTypes:
    check_dtype(op, "x", x)
    check_dtype(op, name, other)
    if x.kind == "f" and other.kind == "f":
        result = np.result_type(x, other)
    else:
        result = np.result_type(x, other, FLOAT32)
    return DTypes(result, FLOAT32 if result == FLOAT16 else result)


@lru_cache(maxsize=256)
def selected_dtypes(op: str, x: DType) -> DTypes:
    """Return the dtypes of a result that only selects elements of x."""
    check_dtype(op, "x", x)
    result: DType = np.dtype(x.type)  # in the machine's byte order
    return DTypes(result, FLOAT32 if result == FLOAT16 else result)


def check_integers(op: str, name: str, value: Array) -> None:
    """Refuse integers that float64 would round."""
    if value.dtype.kind not in "iu" or value.dtype.itemsize < 8 or not value.size:
        return
    least, most = int(value.min()), int(value.max())
    largest = most if most >= -least else least
    if abs(largest) > MAX_INTEGER:
        raise ValueError(
            f"{op}: {name} must hold integers from -2**53 to 2**53, which float64 does not round, "
            f"got {largest}"
        )


def as_contiguous(op: str, name: str, value: Array, dtype: DType) -> Array:
    """Return the array itself where kernels can read it, else a contiguous native copy."""
    if value.dtype is dtype and value.flags.carray:  # nearly every operand
        return value
    flags = value.flags
    if value.dtype == dtype and flags.c_contiguous and flags.aligned:
        return value
    if dtype.kind == "f":
        check_integers(op, name, value)
    try:
        return np.array(value, dtype=dtype, order="C")
    except MemoryError as error:
        raise out_of_memory(op, error, **{name: value}) from None


def check_bias(op: str, bias: Array, shape: tuple[int, ...]) -> None:
    """Refuse a bias other than one real number for each kernel of each output channel."""
    if bias.shape != shape:
        raise ValueError(f"{op}: bias must have shape {shape}, got {bias.shape}")
    if bias.dtype is not FLOAT32:
        check_dtype(op, "bias", bias.dtype)


def check_grad(op: str, grad: Array, shape: tuple[int, ...], **given: Array) -> None:
    """Refuse a gradient of another shape than the result's; errors show the arrays given."""
    if grad.shape != shape:
        raise ValueError(
            f"{op}: grad must have the result's shape {shape}, got {grad.shape}; "
            f"{describe(**given)}"
        )
