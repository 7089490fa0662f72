"""Element types: the numbers that ONNX gives them, and NumPy's dtypes."""

from __future__ import annotations

import numpy as np

from convcore.spec.operands import DType

# TensorProto.DataType. NumPy has those before the empty line.
NAMES = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
    14: "complex64",
    15: "complex128",
    #
    8: "string",
    16: "bfloat16",
    17: "float8e4m3fn",
    18: "float8e4m3fnuz",
    19: "float8e5m2",
    20: "float8e5m2fnuz",
    21: "uint4",
    22: "int4",
    23: "float4e2m1",
    24: "float8e8m0",
    25: "uint2",
    26: "int2",
    27: "float6e2m3",
    28: "float6e3m2",
}
DTYPES: dict[int, DType] = {
    number: np.dtype(name) for number, name in NAMES.items() if number < 16 and name != "string"
}
# Names that ONNX had for them before opset 6.
NUMBERS = {name.upper(): number for number, name in NAMES.items()}
NUMBERS |= {"FLOAT": 1, "DOUBLE": 11}


def dtype_of(number: int | str) -> DType:
    """Return NumPy's dtype of an element type of ONNX: a number, or an old name as in ``"FLOAT"``.

    A ValueError says that the number means nothing, or that NumPy has no such dtype.
    """
    code = NUMBERS.get(number, 0) if isinstance(number, str) else int(number)
    if code in DTYPES:
        return DTYPES[code]
    if code in NAMES:
        raise ValueError(f"element type {number} ({NAMES[code]}) has no NumPy dtype")
    raise ValueError(f"element type must be a number of ONNX's TensorProto, got {number!r}")


def number_of(dtype: DType) -> int:
    """Return ONNX's number of a dtype."""
    for number, known in DTYPES.items():
        if known == dtype:
            return number
    raise ValueError(f"element type must be one that ONNX has, got {dtype}")
