"""Which input channels each output channel sees, as a hashable value."""

from dataclasses import dataclass

import numpy as np

from convcore.spec.operands import Array, as_array, short_array


@dataclass(frozen=True, slots=True, repr=False)
class Connections:
    """A table of connections, (outputs, inputs): True where an output channel sees an input."""

    outputs: int
    inputs: int
    table: bytes

    def __repr__(self) -> str:
        """Return the table as :func:`short_array` shows it."""
        return f"Connections({short_array(self.array)})"

    @property
    def array(self) -> Array:
        """The table as a read-only array of bool."""
        return np.frombuffer(self.table, np.bool_).reshape(self.outputs, self.inputs)

    @property
    def pairs(self) -> int:
        """Connected pairs of channels."""
        return self.table.count(1)

    @property
    def transposed(self) -> "Connections":
        """The connections of the adjoint, whose inputs are these outputs."""
        return Connections(self.inputs, self.outputs, self.array.T.tobytes())

    @property
    def lists(self) -> tuple[Array, Array]:
        """The inputs of each output, concatenated, after the offsets at which each list begins."""
        starts = np.concatenate(([0], np.cumsum(self.array.sum(axis=1)))).astype(np.int64)
        return starts, np.nonzero(self.array)[1].astype(np.int64)

    @property
    def nbytes(self) -> int:
        """Bytes of the table and its lists."""
        return len(self.table) + 8 * (self.pairs + self.outputs)


def as_connections(
    op: str, connections: object, shape: tuple[int, int] | None, groups: int = 1
) -> Connections:
    """Return a table as a value; refuse one of another shape than (outputs, inputs)."""
    if groups != 1:
        raise ValueError(
            f"{op}: connections and groups are mutually exclusive, got groups = {groups}"
        )
    if isinstance(connections, Connections):
        read = connections
    else:
        table = check_table(op, connections, "connections", shape)
        outputs, inputs = table.shape
        read = Connections(outputs, inputs, table.tobytes())
    found = read.outputs, read.inputs
    if shape is not None and found != shape:
        raise ValueError(f"{op}: connections must have shape (out, in) = {shape}, got {found}")
    return read


def check_table(op: str, table: object, name: str, shape: tuple[int, int] | None = None) -> Array:
    """Return a table of connections as an array; refuse other types, and other shapes if given."""
    checked = as_array(op, name, table)
    if checked.dtype != np.bool_:
        raise TypeError(f"{op}: {name} must have dtype bool, got {checked.dtype}")
    if shape is not None and checked.shape != shape:
        raise ValueError(f"{op}: {name} must have shape (out, in) = {shape}, got {checked.shape}")
    if checked.ndim != 2 or checked.size == 0:
        raise ValueError(
            f"{op}: {name} must have 2 axes (out, in) and at least one pair, got shape "
            f"{checked.shape}"
        )
    return checked
