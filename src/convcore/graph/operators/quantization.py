"""Floats as small integers with a scale and a zero point, and back."""

from __future__ import annotations

import numpy as np

from convcore.graph.operators.arguments import as_axis, as_dtype
from convcore.graph.operators.linear import centred, product
from convcore.graph.operators.registry import operator
from convcore.spec.operands import Array, DType


def _spread(op: str, x: Array, value: Array, axis: int, block_size: int) -> Array:
    """Return scales or zero points as they broadcast with x: one, of an axis, or of blocks."""
    if value.size == 1 and value.ndim <= 1:
        return value.reshape(())
    place = as_axis(op, axis, x.ndim)
    if block_size:
        return value.repeat(block_size, place).take(range(x.shape[place]), place)
    if value.shape != (x.shape[place],):
        raise ValueError(
            f"{op}: scale and zero point must have shape {(x.shape[place],)}, got {value.shape}"
        )
    return value.reshape(-1, *(1,) * (x.ndim - 1 - place))


def _rounded(op: str, x: Array, zero_point: Array | None, dtype: DType) -> Array:
    """Return the nearest integers, shifted, cut to the range of a type. It may change x."""
    if dtype.kind not in "iu":
        raise TypeError(f"{op}: the result must be of an integer type, got {dtype}")
    y: Array = np.rint(x, out=x)
    if zero_point is not None:
        y += zero_point
    limits = np.iinfo(dtype)
    return np.clip(y, limits.min, limits.max, out=y).astype(dtype)


@operator("QuantizeLinear")
def quantize_linear(
    x: Array,
    y_scale: Array,
    y_zero_point: Array | None = None,
    *,
    axis: int = 1,
    saturate: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
    precision: int = 0,
) -> Array:
    """``round(x / y_scale) + y_zero_point``, cut to the range of the result."""
    op = "QuantizeLinear"
    if precision:
        x, y_scale = (array.astype(as_dtype(op, precision)) for array in (x, y_scale))
    scaled = np.asarray(x / _spread(op, x, y_scale, axis, block_size))
    if scaled.dtype == np.float16:  # it does not hold all integers of 16 bits
        scaled = scaled.astype(np.float32)
    dtype: DType = np.dtype(np.uint8)
    if y_zero_point is not None:
        dtype, y_zero_point = y_zero_point.dtype, _spread(op, x, y_zero_point, axis, block_size)
    elif output_dtype:
        dtype = as_dtype(op, output_dtype)
    return _rounded(op, scaled, y_zero_point, dtype)


@operator("DequantizeLinear")
def dequantize_linear(
    x: Array,
    x_scale: Array,
    x_zero_point: Array | None = None,
    *,
    axis: int = 1,
    block_size: int = 0,
    output_dtype: int = 0,
) -> Array:
    """``(x - x_zero_point) * x_scale``."""
    op = "DequantizeLinear"
    dtype = as_dtype(op, output_dtype) if output_dtype else x_scale.dtype
    # float32 holds the differences of integers of up to 16 bits
    compute = np.float64 if x.dtype.itemsize > 2 else np.result_type(dtype, np.float32)
    y = x.astype(compute)
    if x_zero_point is not None:
        y -= _spread(op, x, x_zero_point, axis, block_size)
    y *= _spread(op, x, x_scale, axis, block_size)
    return y.astype(dtype, copy=False)


@operator("DynamicQuantizeLinear")
def dynamic_quantize_linear(x: Array) -> tuple[Array, Array, Array]:
    """The array as uint8 with a scale and a zero point that fit its range, which includes 0."""
    low, high = (np.float32(end(initial=0)) for end in (x.min, x.max))
    scale = (high - low) / np.float32(255) or np.float32(1)
    zero_point = np.rint(np.clip(-low / scale, 0, 255)).astype(np.uint8)
    y = _rounded("DynamicQuantizeLinear", np.asarray(x / scale), zero_point, np.dtype(np.uint8))
    return y, np.asarray(scale, np.float32), np.asarray(zero_point)


@operator("QLinearMatMul")
def q_linear_mat_mul(a: Array, a_scale: Array, a_zero_point: Array, *b_and_y: Array) -> Array:
    """The product of two quantized matrices, quantized.

    The inputs are a, its scale and zero point, the same of b, and the result's scale and zero
    point.
    """
    if len(b_and_y) != 5:
        raise ValueError(f"QLinearMatMul: there must be 8 inputs, got {3 + len(b_and_y)}")
    b, b_scale, b_zero_point, y_scale, y_zero_point = b_and_y
    rows = a_scale[:, None] if a_scale.ndim == 1 and a_scale.size > 1 else a_scale
    y = product(centred(a, a_zero_point, False), centred(b, b_zero_point, True))
    y = y * (rows.astype(np.float64) * b_scale / y_scale)
    return _rounded("QLinearMatMul", np.asarray(y), y_zero_point, y_zero_point.dtype)
