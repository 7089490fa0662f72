"""ONNX's numbers for element types, and NumPy's dtypes."""

from __future__ import annotations

import numpy as np

from convcore.spec.operands import DType

# TensorProto.DataType. NumPy has no bfloat16 (16), float8 (17 to 20) and int4 (21 to 23).
NUMBERS: dict[int, DType] = {
    1: np.dtype(np.float32),
    2: np.dtype(np.uint8),
    3: np.dtype(np.int8),
    4: np.dtype(np.uint16),
    5: np.dtype(np.int16),
    6: np.dtype(np.int32),
    7: np.dtype(np.int64),
    8: np.dtype(object),  # text
    9: np.dtype(np.bool_),
    10: np.dtype(np.float16),
    11: np.dtype(np.float64),
    12: np.dtype(np.uint32),
    13: np.dtype(np.uint64),
    14: np.dtype(np.complex64),
    15: np.dtype(np.complex128),
}
BY_DTYPE = {dtype: number for number, dtype in NUMBERS.items()}


def dtype_of(number: int) -> DType:
    """The dtype that an element type's number stands for."""
    if number not in NUMBERS:
        raise ValueError(f"element type must be one that NumPy has, got ONNX's number {number}")
    return NUMBERS[number]


def number_of(dtype: DType) -> int:
    """ONNX's number for a dtype."""
    if dtype not in BY_DTYPE:
        raise ValueError(f"dtype must be one that ONNX has, got {dtype}")
    return BY_DTYPE[dtype]
