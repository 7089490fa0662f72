"""What the padding holds, as numpy.pad makes it: one axis after the other."""

from numbers import Real

import numpy as np

WORDS = ("zeros", "edge", "reflect", "symmetric", "wrap")


def sides(border, nd):
    """Return a (before, after) pair for every spatial axis, each a word or a number."""
    entries = border if isinstance(border, (list, tuple)) else [border] * nd
    if len(entries) != nd:
        raise ValueError(f"border must be one for each of {nd} axes, got {border!r}")
    pairs = [tuple(e) if isinstance(e, (list, tuple)) else (e, e) for e in entries]
    for pair in pairs:
        if len(pair) != 2:
            raise ValueError(f"border must have a (before, after) pair, got {pair!r}")
        for side in pair:
            if isinstance(side, str) and side not in WORDS:
                raise ValueError(f"border must be one of {WORDS} or a number, got {side!r}")
            if isinstance(side, (bool, np.bool_)) or not isinstance(side, (str, Real)):
                raise TypeError(f"border must be one of {WORDS} or a number, got {side!r}")
    return pairs


def padded(V, pads, border):
    """Return V, an (n, c, *space) array, with its padding."""
    for axis, (pair, words) in enumerate(zip(pads, sides(border, len(pads)), strict=True), 2):
        # each side by itself, from the cells of the axis without the other
        before, after = (
            _pad(V, axis, (pair[0], 0), words[0]),
            _pad(V, axis, (0, pair[1]), words[1]),
        )
        first = np.take(before, range(pair[0]), axis)
        V = np.concatenate([first, after], axis)
    return V


def _pad(V, axis, pair, side):
    width = [(0, 0)] * V.ndim
    width[axis] = pair
    if not isinstance(side, str) or side == "zeros":
        return np.pad(V, width, constant_values=0 if side == "zeros" else side)
    return np.pad(V, width, side)


def shown_cells(space, pads, border):
    """Return the flat position of the cell that each cell of the padded plane shows; -1: none."""
    plane = np.arange(np.prod(space, dtype=int)).reshape(1, 1, *space)
    words = [
        tuple(s if isinstance(s, str) and s != "zeros" else -1 for s in pair)
        for pair in sides(border, len(space))
    ]
    return padded(plane, pads, words)[0, 0]


def summed(dV, space, pads, border):
    """Return the gradient of the input from that of the padded input, (n, c, *padded)."""
    shown = shown_cells(space, pads, border).ravel()
    rows = dV.reshape(*dV.shape[:2], shown.size)
    result = np.zeros((*dV.shape[:2], np.prod(space, dtype=int)))
    for cell, padded_cell in zip(shown, np.moveaxis(rows, 2, 0), strict=True):
        if cell >= 0:
            result[..., cell] += padded_cell
    return result.reshape(*dV.shape[:2], *space)


def linear(border, nd):
    """Return the border without its constants."""
    return [tuple(s if isinstance(s, str) else "zeros" for s in pair) for pair in sides(border, nd)]
