"""Texts of errors: how they show values, operations and operands."""

import numpy as np

LONGEST_REPR = 200
FEW = 8  # elements of an array


def short_repr(value: object) -> str:
    """Return the repr of a value, cut to one line of at most 200 characters.

    Of an array with more than a few elements it is the shape and the dtype.
    """
    if isinstance(value, np.ndarray) and value.size > FEW:
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    try:
        text = " ".join(line.strip() for line in repr(value).splitlines())
    except Exception:  # the caller's object must not hide our error about it
        return f"a value of type {type(value).__name__}"
    return text if len(text) <= LONGEST_REPR else f"{text[:LONGEST_REPR]}..."


def describe(**given: object) -> str:
    """Describe arguments: arrays by their shape, other values by their repr."""
    return ", ".join(
        f"{name} has shape {value.shape}"
        if isinstance(value, np.ndarray)
        else f"{name} is {short_repr(value)}"
        for name, value in given.items()
    )


class OutOfMemory(MemoryError):
    """A MemoryError that already names the operation and its operands."""


def out_of_memory(op: str, error: MemoryError, **given: object) -> MemoryError:
    """Return a MemoryError that names the operation and what it was given."""
    if isinstance(error, OutOfMemory):
        return error
    reason = f": {error}" if str(error) else ""
    return OutOfMemory(f"{op}: no memory{reason}; {describe(**given)}")


class memory_errors:
    """Name the operation and its operands in every MemoryError that leaves the block."""

    __slots__ = ("given", "op")

    def __init__(self, op: str, **given: object) -> None:
        self.op, self.given = op, given

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Name the operation in a MemoryError."""
        if isinstance(error, MemoryError):
            raise out_of_memory(self.op, error, **self.given) from None
