"""The entries of a matrix, as lists of indices of outputs, inputs and weights."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from convcore.spec.axis import Axis
from convcore.spec.border import ZEROS, Pair
from convcore.spec.operands import FLOAT32, Array, DType, as_contiguous, check_dtype
from convcore.spec.options import MAX_SIZE
from convcore.spec.pooling import PoolSpec
from convcore.spec.problem import ConvSpec
from convcore.spec.windows import held_cells, seen_cells

Indices = NDArray[np.int64]
Matrix = Any  # scipy.sparse.csr_array


class Plane(NamedTuple):
    """The entries between one output channel and one input channel, as flat indices."""

    output: Indices
    cell: Indices
    tap: Indices
    phase: Indices  # which kernel of the period


class Maps(NamedTuple):
    """The memory layout of all channels of one element of a batch."""

    channels: int
    cells: int
    last: bool

    @property
    def size(self) -> int:
        """Cells of all channels."""
        return self.channels * self.cells

    def flat(self, channel: Indices, cell: Indices) -> Indices:
        """Return the index of each cell of each channel, one row for each channel."""
        if self.last:
            return cell * self.channels + channel[:, np.newaxis]
        return channel[:, np.newaxis] * self.cells + cell


def tables_of_sums(
    op: str, axes: Sequence[Axis], border: Sequence[Pair] = ()
) -> list[NDArray[np.int64]]:
    """Return the input cells that outputs see along each axis; -1: a constant in the padding."""
    sides = border or (ZEROS,) * len(axes)
    return [seen_cells(op, axis, pair) for axis, pair in zip(axes, sides, strict=True)]


def tables_of_windows(op: str, spec: PoolSpec) -> list[NDArray[np.int64]]:
    """Return the same for a pooling, whose windows may hold cells of the padding."""
    along = zip(spec.axes, spec.held, spec.border or (ZEROS,) * len(spec.axes), strict=True)
    return [held_cells(op, *axis) for axis in along]


def plane(
    op: str, axes: Sequence[Axis], period: Sequence[int], tables: Sequence[NDArray[np.int64]]
) -> Plane:
    """Combine the taps of all axes, whose cells the tables have; those of none are left out."""
    check_memory(op, prod(int(np.count_nonzero(table >= 0)) for table in tables))
    output = cell = tap = phase = np.zeros(1, np.int64)
    for axis, t, table in zip(axes, period, tables, strict=True):
        o, m = np.nonzero(table >= 0)
        output = _joined(output, axis.outputs, o)
        cell = _joined(cell, axis.cells, table[o, m])
        tap = _joined(tap, axis.kernel, m)
        phase = _joined(phase, t, o % t)
    return Plane(output, cell, tap, phase)


def _joined(index: Indices, size: int, along: Indices) -> Indices:
    """Return flat indices with one more axis, for every pair of entries."""
    return np.add.outer(index * size, along).ravel()


def weighted_sums(op: str, layer: ConvSpec, weight: Array) -> Matrix:
    """Return the matrix of a layer whose weight's axes are (out, *period, in / groups, *kernel)."""
    dtype = matrix_type(op, "weight", weight.dtype)
    kernels = as_contiguous(op, "weight", weight, dtype).reshape(
        layer.out_channels, prod(layer.period), layer.group_channels, prod(layer.kernel)
    )
    k, _, c_of_group, _ = kernels.shape
    if layer.connections is None:
        output, channel = map(np.ravel, np.indices((k, c_of_group)))
    else:
        output, channel = np.nonzero(layer.connections.array)
    seen = plane(
        op,
        layer.axes,
        layer.period or (1,) * len(layer.axes),
        tables_of_sums(op, layer.axes, layer.border),
    )
    check_memory(op, layer.batch * len(output) * len(seen.output))
    values = kernels[output[:, np.newaxis], seen.phase, channel[:, np.newaxis], seen.tap]
    first = output // max(k // layer.groups, 1) * c_of_group  # channel of the output's group
    outputs = Maps(k, prod(layer.outputs), layer.layout.channels_last)
    inputs = Maps(layer.channels, prod(layer.cells), layer.layout.channels_last)
    pairs = ChannelPairs(outputs, inputs, output, first + channel)
    return assembled(op, layer.batch, pairs, seen, values)


class ChannelPairs(NamedTuple):
    """The connected pairs of an output channel and an input channel."""

    outputs: Maps
    inputs: Maps
    output: Indices  # channel of each pair
    input: Indices


def assembled(op: str, batch: int, pairs: ChannelPairs, seen: Plane, values: Array) -> Matrix:
    """Return the matrix that connects each pair of channels by the entries of a plane.

    ``values`` has a row for each pair and a column for each entry. Each element of a batch is
    connected only to itself.
    """
    check_memory(op, batch * values.size)
    outputs, inputs = pairs.outputs, pairs.inputs
    shape = (batch * outputs.size, batch * inputs.size)
    sparse = scipy_sparse(op)
    element = np.arange(batch)
    rows = np.add.outer(element * outputs.size, outputs.flat(pairs.output, seen.output)).ravel()
    columns = np.add.outer(element * inputs.size, inputs.flat(pairs.input, seen.cell)).ravel()
    entries = np.broadcast_to(values, (batch, *values.shape)).ravel()
    return sparse.csr_array((entries, (rows, columns)), shape=shape)  # sums repeated ones


def matrix_type(op: str, name: str, dtype: DType) -> DType:
    """Return the dtype in which the operator computes for an input that does not widen it."""
    check_dtype(op, name, dtype)
    result = dtype if dtype.kind == "f" else np.result_type(dtype, FLOAT32)
    return np.result_type(result.newbyteorder("="), FLOAT32)  # float16: in float32


def check_memory(op: str, entries: int) -> None:
    """Refuse a matrix that no memory can hold."""
    if 8 * entries > MAX_SIZE:
        raise ValueError(f"{op}: matrix must have fewer than 2**60 entries, got {entries}")


def scipy_sparse(op: str) -> Any:
    """Import SciPy's module of sparse arrays."""
    try:
        return import_module("scipy.sparse")
    except ImportError as error:
        raise ImportError(
            f"{op}: matrices need SciPy: pip install convcore[matrix] ({error})"
        ) from error
