"""Tables of connected channels: which input channels each output channel of a convolution sees.

A table is a bool array of shape (out, in); ``conv1d``, ``conv2d`` and ``conv3d`` take it as
``connections``. The functions here make the usual ones.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convcore import _args
from convcore._args import Array

__all__ = ["full", "lenet5_c3", "one_to_one", "random", "show"]

Table = NDArray[np.bool_]


def full(out: int, in_: int) -> Table:
    """Connect every output channel to every input channel: what a convolution without a table does.

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
        For sizes below 1, that are no integers, or beyond all memory.

    See Also
    --------
    one_to_one, random

    Notes
    -----
    Lua Torch: ``nn.tables.full``. Item f33 of the study notes.

    Examples
    --------
    >>> full(2, 3).tolist()
    [[True, True, True], [True, True, True]]
    """
    table = _empty("full", out, in_)
    table[...] = True
    return table


def one_to_one(channels: int) -> Table:
    """Connect each output channel to the input channel of its number: a depthwise convolution.

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
    Lua Torch: ``nn.tables.oneToOne``. ``groups=channels`` says the same with a smaller weight.

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
        Where the draws come from, or the seed of a new generator; the same seed gives the same
        table.

    Returns
    -------
    ndarray of bool, shape (out, in)
        ``fan_in`` True in each row. An input channel may be seen by any number of outputs, also by
        none.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`full`, for a ``fan_in`` out of range, and for an ``rng`` that is neither.

    See Also
    --------
    lenet5_c3

    Notes
    -----
    Lua Torch: ``nn.tables.random(in, out, fan_in)``. Item f33 of the study notes: different inputs
    break the symmetry between the outputs.

    Examples
    --------
    >>> table = random(16, 6, fan_in=3, rng=0)
    >>> table.shape, set(table.sum(axis=1).tolist())
    ((16, 6), {3})
    """
    op = "random"
    table = _empty(op, out, in_)
    fan_in = _args.whole(op, "fan_in", fan_in, 1, table.shape[1])
    rng = _args.generator(op, rng)
    for row in table:
        row[rng.choice(len(row), fan_in, replace=False)] = True
    return table


def lenet5_c3() -> Table:
    """Return the table of LeNet-5's layer C3: which of the 6 maps of S2 each of its 16 maps sees.

    The maps of S2 are taken as a ring. 6 maps see three neighbours, 6 see four neighbours, 3 see
    two pairs of neighbours with a gap between them, and the last one sees all.

    Returns
    -------
    ndarray of bool, shape (16, 6)

    See Also
    --------
    show, random

    Notes
    -----
    Table I of LeCun, Bottou, Bengio and Haffner, *Gradient-based learning applied to document
    recognition*, Proceedings of the IEEE 86 (1998). Item f33 of the study notes: with kernels of
    25 weights and a bias for each map, 1,516 parameters.

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
    seen += [(pairs, i) for i in range(3)]  # three steps further on they are the same again
    table = np.zeros((16, 6), np.bool_)
    for row, (maps, first) in zip(table, seen, strict=False):
        row[[(first + m) % 6 for m in maps]] = True
    table[15] = True
    return table


def show(table: ArrayLike) -> str:
    """Draw a table as the literature prints them: a column for each output, an X where it sees.

    Parameters
    ----------
    table : array_like of bool, shape (out, in)
        Which output channel sees which input channel.

    Returns
    -------
    str
        A line of output channels, then a line for each input channel; counted from 0.

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
    checked = check(op, table, name="table")
    out, in_ = checked.shape
    numbers = [str(i) for i in range(out)]
    lines = [("", numbers)]
    lines += [(str(i), ["X" if seen else "" for seen in checked[:, i]]) for i in range(in_)]
    margin = len(lines[-1][0])
    return "\n".join(
        " ".join([first.rjust(margin), *map(str.rjust, cells, map(len, numbers))]).rstrip()
        for first, cells in lines
    )


def check(
    op: str,
    table: object,
    out: int | None = None,
    in_: int | None = None,
    groups: int = 1,
    name: str = "connections",
) -> Array:
    """Return the table as an array; refuse what is none, or none of these channels."""
    checked = _args.array(op, name, table)
    if checked.dtype != np.bool_:
        raise TypeError(f"{op}: {name} has dtype {checked.dtype}, expected bool")
    if groups != 1:
        raise ValueError(
            f"{op}: {name} cannot be combined with groups = {groups}, expected 1: the table says "
            "what groups say"
        )
    if checked.ndim != 2 or (out is not None and checked.shape != (out, in_)):
        expected = "(out, in)" if out is None else f"(out, in) = {(out, in_)}"
        raise ValueError(f"{op}: {name} has shape {checked.shape}, expected {expected}")
    if checked.size == 0:
        raise ValueError(f"{op}: {name} of shape {checked.shape} has no pairs, expected some")
    return checked


def _empty(op: str, out: object, in_: object, out_name: str = "out", in_name: str = "in_") -> Table:
    """A table without connections."""
    shape = _args.whole(op, out_name, out, 1), _args.whole(op, in_name, in_, 1)
    if 8 * shape[0] * shape[1] > _args.MOST:
        raise ValueError(f"{op}: a table of shape {shape} is too large for any memory")
    try:
        return np.zeros(shape, np.bool_)
    except MemoryError:
        raise MemoryError(f"{op}: no memory for a table of shape {shape}") from None
