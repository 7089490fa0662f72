"""The entries of a matrix: which output sees which input by which weight, as lists of indices."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convcore import _args
from convcore._args import Array, DType
from convcore.geometry._layers import Axis, Linear
from convcore.geometry._windows import seen_cells

Indices = NDArray[np.int64]
Matrix = Any  # scipy.sparse.csr_array


class Plane(NamedTuple):
    """The entries between one map of outputs and one of inputs: flat indices, one an entry."""

    output: Indices
    cell: Indices
    tap: Indices
    turn: Indices  # which kernel of the period


class Maps(NamedTuple):
    """How the maps of one element of a batch lie in memory."""

    channels: int
    cells: int
    last: bool

    @property
    def size(self) -> int:
        """Cells of all channels."""
        return self.channels * self.cells

    def flat(self, channel: Indices, cell: Indices) -> Indices:
        """Index of each cell of each channel: a row for a channel."""
        if self.last:
            return cell * self.channels + channel[:, np.newaxis]
        return channel[:, np.newaxis] * self.cells + cell


def plane(op: str, axes: Sequence[Axis], period: Sequence[int], border: str = "zeros") -> Plane:
    """Combine what is seen along each of the axes; zeros of the padding are left out."""
    tables = [
        seen_cells(op, n, kernel, stride, dilation, before, outputs, border)
        for n, kernel, stride, dilation, (before, _), outputs in axes
    ]
    check_memory(op, prod(int(np.count_nonzero(table >= 0)) for table in tables))
    output = cell = tap = turn = np.zeros(1, np.int64)
    for axis, t, table in zip(axes, period, tables, strict=True):
        o, m = np.nonzero(table >= 0)
        output = _joined(output, axis.outputs, o)
        cell = _joined(cell, axis.cells, table[o, m])
        tap = _joined(tap, axis.kernel, m)
        turn = _joined(turn, t, o % t)
    return Plane(output, cell, tap, turn)


def _joined(index: Indices, size: int, along: Indices) -> Indices:
    """Flat indices of one axis more, for every pair of entries."""
    return np.add.outer(index * size, along).ravel()


def weighted_sums(op: str, layer: Linear, weight: Array) -> Matrix:
    """The matrix of a layer whose weight's axes are (out, *period, in / groups, *kernel)."""
    kernels = np.asarray(weight, matrix_type(op, "weight", weight.dtype)).reshape(
        layer.out_channels,
        prod(layer.period),
        layer.channels // layer.groups,
        prod(axis.kernel for axis in layer.axes),
    )
    k, _, c_of_group, _ = kernels.shape
    if layer.table is None:
        output, channel = map(np.ravel, np.indices((k, c_of_group)))
    else:
        output, channel = np.nonzero(layer.table)
    seen = plane(op, layer.axes, layer.period, layer.border)
    check_memory(op, layer.batch * len(output) * len(seen.output))
    values = kernels[output[:, np.newaxis], seen.turn, channel[:, np.newaxis], seen.tap]
    first = output // max(k // layer.groups, 1) * c_of_group  # channel of the output's group
    outputs = Maps(k, prod(axis.outputs for axis in layer.axes), layer.channels_last)
    inputs = Maps(layer.channels, prod(axis.cells for axis in layer.axes), layer.channels_last)
    return assembled(op, layer.batch, outputs, inputs, output, first + channel, seen, values)


def assembled(
    op: str,
    batch: int,
    outputs: Maps,
    inputs: Maps,
    output: Indices,
    channel: Indices,
    seen: Plane,
    values: Array,
) -> Matrix:
    """The matrix that connects pairs of an output and an input channel by the entries of a plane.

    ``values`` has a row for each pair and a column for each entry. Each element of a batch is
    connected to its own.
    """
    check_memory(op, batch * values.size)
    shape = (batch * outputs.size, batch * inputs.size)
    sparse = scipy_sparse(op)
    element = np.arange(batch)
    rows = np.add.outer(element * outputs.size, outputs.flat(output, seen.output)).ravel()
    columns = np.add.outer(element * inputs.size, inputs.flat(channel, seen.cell)).ravel()
    entries = np.broadcast_to(values, (batch, *values.shape)).ravel()
    return sparse.csr_array((entries, (rows, columns)), shape=shape)  # sums those of one place


def matrix_type(op: str, name: str, dtype: DType) -> DType:
    """The dtype that the operator computes in, with an input that does not widen it."""
    _args.check_dtype(op, name, dtype)
    result = dtype if dtype.kind == "f" else np.result_type(dtype, _args.FLOAT32)
    return np.result_type(result.newbyteorder("="), _args.FLOAT32)  # float16: in float32


def check_memory(op: str, entries: int) -> None:
    """Refuse what no memory holds."""
    if 8 * entries > _args.MOST:
        raise ValueError(f"{op}: a matrix of {entries} entries is too large for any memory")


@contextmanager
def memory(op: str, input_shape: object) -> Iterator[None]:
    """Give a MemoryError the name of the operation and what it was for."""
    try:
        yield
    except MemoryError:
        raise MemoryError(
            f"{op}: no memory for the entries of the matrix for input_shape "
            f"{_args.shown(input_shape)}"
        ) from None


def scipy_sparse(op: str) -> Any:
    """SciPy's module of sparse arrays, which nothing else here needs."""
    try:
        return import_module("scipy.sparse")
    except ImportError as error:
        raise ImportError(
            f"{op}: matrices need SciPy: pip install convcore[matrix] ({error})"
        ) from error
