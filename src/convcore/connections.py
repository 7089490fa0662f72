"""Tables of connections: which input channels each output channel of a convolution sees.

A table is a bool array of shape (out, in), the argument ``connections`` of ``conv1d``, ``conv2d``
and ``conv3d``. The functions here make the common tables.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convcore.spec.connections import check_table
from convcore.spec.options import MAX_SIZE, as_generator, as_int

__all__ = ["full", "lenet5_c3", "one_to_one", "random", "show"]

Table = NDArray[np.bool_]


def __dir__() -> list[str]:
    return sorted(__all__)


def full(out: int, in_: int) -> Table:
    """Connect every output channel to every input channel, as a convolution without a table does.

    Parameters
    ----------
    out, in_ : int
        Output and input channels, at least 1.

    Returns
    -------
    ndarray of bool, shape (out, in)

    Raises
    ------
    ValueError, TypeError, MemoryError
        For sizes that are below 1, not integers, or too large for memory.

    See Also
    --------
    one_to_one, random

    Notes
    -----
    Lua Torch: ``nn.tables.full``. Derivation: :ref:`Fewer channels: tables of connections
    <note-f33>`.

    Examples
    --------
    >>> full(2, 3).tolist()
    [[True, True, True], [True, True, True]]
    """
    table = _empty("full", out, in_)
    table[...] = True
    return table


def one_to_one(channels: int) -> Table:
    """Connect output channel i to input channel i: a depthwise convolution.

    Parameters
    ----------
    channels : int
        Output and input channels, at least 1.

    Returns
    -------
    ndarray of bool, shape (channels, channels)

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`full`.

    See Also
    --------
    full, random

    Notes
    -----
    Lua Torch: ``nn.tables.oneToOne``. ``groups=channels`` does the same with a smaller weight.

    Examples
    --------
    >>> one_to_one(3).astype(int).tolist()
    [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    """
    table = _empty("one_to_one", channels, channels, "channels", "channels")
    np.fill_diagonal(table, True)
    return table


def random(out: int, in_: int, fan_in: int, rng: np.random.Generator | int) -> Table:
    """Connect each output channel to ``fan_in`` input channels, drawn without repetition.

    Parameters
    ----------
    out, in_ : int
        Output and input channels, at least 1.
    fan_in : int
        Input channels of each output channel, from 1 to ``in_``.
    rng : numpy.random.Generator or int
        Source of the draws, or the seed of a new generator. Equal seeds give equal tables.

    Returns
    -------
    ndarray of bool, shape (out, in)
        Each row has ``fan_in`` True. An input channel may be connected to any number of outputs,
        including none.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`full`, for ``fan_in`` out of range, and for an ``rng`` of another type.

    See Also
    --------
    lenet5_c3

    Notes
    -----
    Lua Torch: ``nn.tables.random(in, out, fan_in)``. Derivation: :ref:`Fewer channels: tables of
    connections <note-f33>`. Different inputs break the symmetry between the outputs.

    Examples
    --------
    >>> table = random(16, 6, fan_in=3, rng=0)
    >>> table.shape, set(table.sum(axis=1).tolist())
    ((16, 6), {3})
    """
    op = "random"
    table = _empty(op, out, in_)
    fan_in = as_int(op, "fan_in", fan_in, 1, table.shape[1])
    rng = as_generator(op, rng)
    for row in table:
        row[rng.choice(len(row), fan_in, replace=False)] = True
    return table


def lenet5_c3() -> Table:
    """Return the table of LeNet-5's layer C3, which connects its 16 maps to the 6 maps of S2.

    The 6 maps of S2 form a ring. Of the 16 maps of C3, 6 see three neighbours, 6 see four
    neighbours, 3 see two pairs of neighbours with a gap between them, and the last one sees all.

    Returns
    -------
    ndarray of bool, shape (16, 6)

    See Also
    --------
    show, random

    Notes
    -----
    Table I of LeCun, Bottou, Bengio and Haffner, *Gradient-based learning applied to document
    recognition*, Proceedings of the IEEE 86 (1998). Derivation: :ref:`Fewer channels: tables of
    connections <note-f33>`. With kernels of 25 weights and a bias for each map, 1,516 parameters.

    Examples
    --------
    >>> table = lenet5_c3()
    >>> int(table.sum()) * 25 + 16
    1516
    >>> print(show(table))
      0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15
    0 X       X X X     X  X  X  X     X  X
    1 X X       X X X      X  X  X  X     X
    2 X X X       X X X       X     X  X  X
    3   X X X     X X X X        X     X  X
    4     X X X     X X X  X     X  X     X
    5       X X X     X X  X  X     X  X  X
    """
    three, four, pairs = (0, 1, 2), (0, 1, 2, 3), (0, 1, 3, 4)
    seen = [*[(three, i) for i in range(6)], *[(four, i) for i in range(6)]]
    seen += [(pairs, i) for i in range(3)]  # three steps further they repeat
    table = np.zeros((16, 6), np.bool_)
    for row, (maps, first) in zip(table, seen, strict=False):
        row[[(first + m) % 6 for m in maps]] = True
    table[15] = True
    return table


def show(table: ArrayLike) -> str:
    """Draw a table as in the literature: one column for each output, X for a connection.

    Parameters
    ----------
    table : array_like of bool, shape (out, in)
        Which output channel sees which input channel.

    Returns
    -------
    str
        A line of output channels, then a line for each input channel, counted from 0.

    Raises
    ------
    ValueError, TypeError
        For anything but a table of bools with two axes and at least one pair.

    See Also
    --------
    lenet5_c3

    Examples
    --------
    >>> print(show([[True, False], [True, True], [False, True]]))
      0 1 2
    0 X X
    1   X X
    """
    op = "show"
    checked = check_table(op, table, "table")
    out, in_ = checked.shape
    numbers = [str(i) for i in range(out)]
    lines = [("", numbers)]
    lines += [(str(i), ["X" if seen else "" for seen in checked[:, i]]) for i in range(in_)]
    margin = len(lines[-1][0])
    return "\n".join(
        " ".join([first.rjust(margin), *map(str.rjust, cells, map(len, numbers))]).rstrip()
        for first, cells in lines
    )


def _empty(op: str, out: object, in_: object, out_name: str = "out", in_name: str = "in_") -> Table:
    """Return a table without connections."""
    shape = as_int(op, out_name, out, 1), as_int(op, in_name, in_, 1)
    if 8 * shape[0] * shape[1] > MAX_SIZE:
        raise ValueError(f"{op}: table must have fewer than 2**60 entries, got shape {shape}")
    try:
        return np.zeros(shape, np.bool_)
    except MemoryError:
        raise MemoryError(f"{op}: no memory for a table of shape {shape}") from None
