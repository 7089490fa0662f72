"""Products of matrices, of floats and of integers, and Einsum."""

from __future__ import annotations

from math import prod

import numpy as np

from convcore.graph.operators.registry import operator
from convcore.spec.operands import Array


def product(a: Array, b: Array) -> Array:
    """Return the products of matrices as ``numpy.matmul`` has them, but in one where it can be.

    ``numpy.matmul`` of shapes (197, 1, 768) and (768, n) multiplies 197 vectors by the matrix.
    """
    if a.dtype == np.float16:  # NumPy has no fast product of it
        return product(a.astype(np.float32), b.astype(np.float32)).astype(np.float16)
    if a.ndim > 2 and b.ndim >= 2 and prod(b.shape[:-2]) == 1 and b.ndim <= a.ndim:
        rows = a.reshape(prod(a.shape[:-1]), a.shape[-1])
        y: Array = np.matmul(rows, b.reshape(b.shape[-2:]))
        return y.reshape(*a.shape[:-1], b.shape[-1])
    return np.asarray(np.matmul(a, b))


def _check(op: str, a: Array, b: Array) -> None:
    if not a.ndim or not b.ndim or a.shape[-1] != b.shape[max(b.ndim - 2, 0)]:
        raise ValueError(
            f"{op}: inputs must be matrices that can be multiplied, got shapes {a.shape} and "
            f"{b.shape}"
        )


@operator("MatMul")
def mat_mul(a: Array, b: Array) -> Array:
    """The product of matrices, or of stacks of them, as ``numpy.matmul`` has it."""
    _check("MatMul", a, b)
    return product(a, b)


@operator("Gemm")
def gemm(
    a: Array,
    b: Array,
    c: Array | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,
    transB: int = 0,
    broadcast: int = 1,
) -> Array:
    """``alpha * a @ b + beta * c`` of matrices, each transposed if wanted."""
    if a.ndim != 2 or b.ndim != 2:
        raise ValueError(f"Gemm: A and B must be matrices, got shapes {a.shape} and {b.shape}")
    left, right = a.T if transA else a, b.T if transB else b
    _check("Gemm", left, right)
    y = product(left, right)
    if alpha != 1:
        y = (y * alpha).astype(y.dtype, copy=False)
    if c is not None and beta:
        y += c if beta == 1 else (c * beta).astype(c.dtype, copy=False)
    return y


@operator("Einsum")
def einsum(*arrays: Array, equation: str) -> Array:
    """The sum of products that an equation such as ``"bij,bjk->bik"`` says."""
    if any(array.dtype == np.float16 for array in arrays):
        wide = (array.astype(np.float32) for array in arrays)
        return einsum(*wide, equation=equation).astype(np.float16)
    try:
        return np.asarray(np.einsum(equation, *arrays, optimize=len(arrays) > 1))
    except ValueError as error:
        raise ValueError(
            f"Einsum: equation must fit the inputs, got {equation!r}: {error}"
        ) from None


def centred(x: Array, zero_point: Array | None, column: bool) -> Array:
    """Return x less its zero point as floats, in which sums of such products are exact.

    The zero point is one number, or one of each row, or of each ``column``.
    """
    y = x.astype(np.float64)
    if zero_point is not None:
        each = zero_point.ndim == 1 and zero_point.size > 1 and not column
        y -= zero_point[:, None] if each else zero_point
    return y


@operator("MatMulInteger")
def mat_mul_integer(
    a: Array,
    b: Array,
    a_zero_point: Array | None = None,
    b_zero_point: Array | None = None,
) -> Array:
    """``(a - a_zero_point) @ (b - b_zero_point)`` in int32."""
    _check("MatMulInteger", a, b)
    y = product(centred(a, a_zero_point, False), centred(b, b_zero_point, True))
    return y.astype(np.int64).astype(np.int32)  # wraps where it is too large
