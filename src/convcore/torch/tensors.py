"""Tensors as arrays that kernels read, and results as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from convcore.spec.errors import short_repr
from convcore.spec.operands import Array, DType, result_dtypes

# PyTorch's layouts in memory with the channels last, by the number of axes of a tensor.
CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}
PLAIN = (Tensor, torch.nn.Parameter)

DTYPES: dict[torch.dtype, DType] = {
    torch.bfloat16: np.dtype(np.float32),  # what it is computed in
    **{
        getattr(torch, name): np.dtype(name)
        for name in ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32",
                     "float64", "complex64", "complex128")
    },
}  # fmt: skip
BACK = {dtype: name for name, dtype in DTYPES.items() if name is not torch.bfloat16}


def to_array(op: str, name: str, tensor: Tensor) -> Array:
    """Return a tensor's numbers as an array, without a copy but of bfloat16."""
    try:  # nearly every tensor
        return (tensor.detach() if tensor.requires_grad else tensor).numpy()
    except (AttributeError, TypeError, RuntimeError):
        check_tensor(op, name, tensor)
    if tensor.dtype is torch.bfloat16:
        tensor = tensor.float()
    if tensor._is_zerotensor():  # zeros without memory, as derivatives have them
        tensor = torch.zeros_like(tensor)
    array: Array = tensor.detach().resolve_conj().resolve_neg().numpy()
    return array


def check_tensor(op: str, name: str, value: object) -> Tensor:
    """Return a tensor whose numbers kernels can read; refuse all others by name."""
    if not isinstance(value, Tensor):
        raise TypeError(f"{op}: {name} must be a tensor, got {short_repr(value)}")
    if value.layout is not torch.strided or value.is_nested:
        kind = "nested" if value.is_nested else str(value.layout).removeprefix("torch.")
        raise TypeError(f"{op}: {name} must be a dense tensor, got one with layout {kind}")
    if value.device.type not in ("cpu", "meta"):
        raise TypeError(f"{op}: {name} must be a tensor in main memory, got device {value.device}")
    check_dtype(op, name, value)
    return value


def dtype_of(op: str, name: str, tensor: Tensor) -> DType:
    """Return the dtype in which the numbers of a tensor that kernels can read are read."""
    return check_dtype(op, name, check_tensor(op, name, tensor))


def check_dtype(op: str, name: str, tensor: Tensor) -> DType:
    """Return the dtype in which a tensor's numbers are read."""
    found = DTYPES.get(tensor.dtype)
    if found is None or found.kind == "c":
        raise TypeError(
            f"{op}: {name} must have dtype bfloat16, float16, float32, float64, an integer type or "
            f"bool, got {str(tensor.dtype).removeprefix('torch.')}"
        )
    return found


def result_dtype(op: str, x: Tensor, other: Tensor, name: str = "weight") -> torch.dtype:
    """Return the dtype of a result of two tensors: bfloat16 if all that are floats are."""
    given = (dtype_of(op, "x", x), dtype_of(op, name, other))
    found = BACK[result_dtypes(op, *given, name).result]
    floats = {tensor.dtype for tensor in (x, other) if tensor.is_floating_point()}
    return torch.bfloat16 if floats == {torch.bfloat16} else found


def to_tensor(array: Array, dtype: torch.dtype | None = None) -> Tensor:
    """Return an array that nobody else holds as a tensor."""
    if not array.flags.writeable or not array.flags.c_contiguous:  # a share that repeats
        array = np.array(array, order="C")
    tensor = torch.from_numpy(array)
    return tensor if dtype is None or tensor.dtype is dtype else tensor.to(dtype)


def is_channels_last(tensor: Tensor, axes: int) -> bool:
    """Return whether a batch of images or volumes lies in memory with its channels last."""
    if tensor.dim() != axes + 2 or axes < 2 or tensor.is_contiguous():
        return False
    return tensor.is_contiguous(memory_format=CHANNELS_LAST[axes + 2])


def to_last(tensor: Tensor) -> Tensor:
    """Return a view with the channels as the last axis."""
    return tensor.movedim(1, -1)


def to_first(tensor: Tensor) -> Tensor:
    """Return a view with the channels after the batch."""
    return tensor.movedim(-1, 1)


def shape_to_last(shape: Sequence[int]) -> tuple[int, ...]:
    """Return the shape of :func:`to_last`."""
    return (shape[0], *shape[2:], shape[1])


def empty(like: Tensor, shape: Sequence[int], dtype: torch.dtype, last: bool = False) -> Tensor:
    """Return a tensor that only shows what a result will be."""
    form: Any = CHANNELS_LAST[len(shape)] if last else torch.contiguous_format
    return torch.empty(shape, dtype=dtype, device=like.device, memory_format=form)
