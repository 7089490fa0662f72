"""Arrays as kernels read and write them: contiguous operands, and where results go."""

from typing import NamedTuple

import numpy as np

from convcore._core import read_integers, round_to
from convcore.spec.operands import Array, DType, DTypes, as_array, as_contiguous, check_bias

# Integers that results may be rounded to.
ROUNDED = tuple(np.dtype(kind) for kind in (np.uint8, np.int8, np.uint16, np.int16))


def bias_as_contiguous(
    op: str, bias: object, shape: tuple[int, ...], dtypes: DTypes
) -> Array | None:
    """Return the bias as kernels read it: rounded to the result's dtype first."""
    if bias is None:
        return None
    array = as_array(op, "bias", bias)
    check_bias(op, array, shape)
    array = as_contiguous(op, "bias", array, dtypes.result)
    if dtypes.result is dtypes.compute:
        return array
    return as_contiguous(op, "bias", array, dtypes.compute)


def copy_cells(cells: Array, to: Array) -> None:
    """Copy an array into a contiguous one of real numbers, small integers by kernels."""
    if cells.dtype not in ROUNDED or (cells.ndim <= 2 and not cells.flags.carray):
        np.copyto(to, cells)
    elif cells.flags.carray:
        read_integers(cells, to)
    else:  # rows of several planes: each plane's are contiguous
        for part, own in zip(cells, to, strict=True):
            copy_cells(part, own)


class Out(NamedTuple):
    """Where a result goes: the array that kernels write, and the caller's, if it gave one."""

    array: Array  # contiguous, in the dtype that is computed in
    plain: Array | None  # the caller's, as a plain ndarray
    given: Array | None  # the caller's own object
    dtype: DType  # of the result

    def finalize(self) -> Array:
        """Return the result as the caller wants it: in the dtype, in the array that it gave."""
        if self.given is None or self.plain is None:
            return self.array if self.array.dtype == self.dtype else self.array.astype(self.dtype)
        if self.plain.dtype in ROUNDED and self.array.dtype != self.plain.dtype:
            self._round(self.plain)
        elif self.array is not self.plain:
            np.copyto(self.plain, self.array, casting="same_kind")
        return self.given

    def _round(self, plain: Array) -> None:
        """Give integers to the caller: rounded to the nearest, and clipped."""
        integers = plain if plain.flags.carray else np.empty(plain.shape, plain.dtype)
        if plain.size:
            round_to(self.array, integers)
        if integers is not plain:
            np.copyto(plain, integers)


def wanted_dtype(out: object, dtypes: DTypes) -> DType:
    """Return the dtype of a result that may be rounded: the array's, or its own."""
    given = getattr(out, "dtype", None)
    given = given if isinstance(given, np.dtype) else None  # of NumPy
    return given if given in ROUNDED else dtypes.result


def prepare_out(
    op: str,
    out: Array | None,
    shape: tuple[int, ...],
    dtypes: DTypes,
    reads: tuple[Array | None, ...],
    name: str = "out",
    *,
    rounds: bool = False,
) -> Out:
    """Check the caller's array for a result, and choose the array that kernels write.

    They are one where that is possible: where the kernels' dtype and order fit, and none of the
    operands that kernels read shares its memory. With ``rounds`` it may be one of small integers.
    """
    if out is None:
        return Out(np.empty(shape, dtypes.compute), None, None, dtypes.result)
    compute = dtypes.compute
    # nearly every array that callers keep for results is ready for them
    if (
        type(out) is np.ndarray
        and out.dtype is compute
        and dtypes.result is compute
        and out.shape == shape
        and out.flags.carray
    ):
        plain = out
    else:
        result = wanted_dtype(out, dtypes) if rounds else dtypes.result
        plain = check_out(op, out, shape, result, name, rounds=rounds)
    array = plain if _is_writable_by_kernels(plain, compute, reads) else np.empty(shape, compute)
    return Out(array, plain, out, dtypes.result)


def finalized(y: Array, target: Out | None, dtypes: DTypes) -> Array:
    """Return what kernels wrote as the caller wants it; ``target`` is None if it gave no array."""
    if target is not None:
        return target.finalize()
    return y if dtypes.result is dtypes.compute else y.astype(dtypes.result)


def _is_writable_by_kernels(out: Array, compute: DType, reads: tuple[Array | None, ...]) -> bool:
    if out.dtype != compute or not out.flags.c_contiguous or not out.flags.aligned:
        return False
    return not any(operand is not None and may_share(out, operand) for operand in reads)


def check_out(
    op: str,
    out: object,
    shape: tuple[int, ...],
    dtype: DType,
    name: str = "out",
    *,
    rounds: bool = False,
) -> Array:
    """Return the caller's array as a plain one; refuse another shape or dtype, or no room.

    ``rounds``: it may also be one of small integers, which ``dtype`` is then.
    """
    if not isinstance(out, np.ndarray):
        raise TypeError(f"{op}: {name} must be a NumPy array, got {type(out).__name__}")
    if isinstance(out, np.ma.MaskedArray):
        raise TypeError(
            f"{op}: {name} must be a plain array, such as {name}.data, got a masked array, whose "
            "mask would not change"
        )
    plain: Array = out.view(np.ndarray)
    if plain.shape != shape:
        raise ValueError(f"{op}: {name} must have shape {shape}, got {plain.shape}")
    if plain.dtype != dtype:
        words = ", ".join(map(str, (dtype, *ROUNDED))) if rounds else str(dtype)
        raise TypeError(f"{op}: {name} must have dtype {words}, got {plain.dtype}")
    if not plain.flags.writeable:
        raise ValueError(f"{op}: {name} must be writeable, got a read-only array")
    if overlaps_itself(plain):
        raise ValueError(
            f"{op}: {name} must not have two elements in the same memory, got strides "
            f"{plain.strides}"
        )
    return plain


def overlaps_itself(array: Array) -> bool:
    """Whether two elements of an array share a byte."""
    if array.flags.c_contiguous or not array.size:
        return False
    steps = sorted((abs(step), n) for n, step in zip(array.shape, array.strides, strict=True)
                   if n > 1)  # fmt: skip
    reach = array.itemsize  # bytes that the axes before this one cover
    apart = True
    for step, n in steps:
        apart = apart and step >= reach
        reach += (n - 1) * step
    if apart:  # each step leads over all that lies inside it: nearly every array
        return False
    if array.size * array.itemsize > reach:  # more elements than there is room for
        return True
    offsets = np.zeros(1, np.int64)
    for step, n in steps:
        offsets = np.add.outer(offsets, np.arange(n) * step).ravel()
    offsets.sort()
    return bool((np.diff(offsets) < array.itemsize).any())


def may_share(array: Array, other: Array) -> bool:
    """Whether two arrays may share memory; False is certain."""
    if array is other or not (array.flags.owndata and other.flags.owndata):
        return np.may_share_memory(array, other)
    return False


def apart(array: Array, out: object) -> Array:
    """Return an array that is read, or a copy if the array for the result may share its memory."""
    return array.copy() if isinstance(out, np.ndarray) and may_share(array, out) else array


def quiet() -> np.errstate:
    """Return a block in which NumPy's arithmetic does not warn, as kernels do not.

    Not for making a result of another dtype: there NumPy says that a number was too large.
    """
    return np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore")
