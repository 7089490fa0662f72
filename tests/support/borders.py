"""Padding by hand: one axis after the other, each side by numpy.pad."""

from dataclasses import replace

import numpy as np


def sides(border, axes):
    """A (before, after) pair for each axis."""
    entries = border if isinstance(border, tuple) else (border,) * axes
    return [entry if isinstance(entry, tuple) else (entry, entry) for entry in entries]


def side(x, axis, cells, what, after):
    """The cells that numpy.pad puts on one side of an axis."""
    width = [(0, 0)] * x.ndim
    width[axis] = (0, cells) if after else (cells, 0)
    if what == "zeros":
        what = 0.0
    more = {"mode": what} if isinstance(what, str) else {"constant_values": what}
    n = x.shape[axis]
    return np.take(np.pad(x, width, **more), range(n, n + cells) if after else range(cells), axis)


def padded(x, pads, border, first=2):
    """x with its padding along the axes from `first` on."""
    for axis, (pair, words) in enumerate(zip(pads, sides(border, len(pads)), strict=True), first):
        before = side(x, axis, pair[0], words[0], after=False)
        behind = side(x, axis, pair[1], words[1], after=True)
        x = np.concatenate([before, x, behind], axis)
    return x


def has_constant(border):
    """Whether a border has a number."""
    if isinstance(border, tuple):
        return any(map(has_constant, border))
    return not isinstance(border, str)


def magnitudes(border):
    """The border with the sizes of its numbers."""
    if isinstance(border, tuple):
        return tuple(map(magnitudes, border))
    return border if isinstance(border, str) else abs(border)


def without_numbers(border):
    """The border whose numbers are 0."""
    if isinstance(border, tuple):
        return tuple(map(without_numbers, border))
    return border if isinstance(border, str) else 0.0


def linear(case):
    """The case whose operator is linear in x: its border has no constants."""
    if "border" not in case.options:
        return case
    return replace(
        case, options={**case.options, "border": without_numbers(case.options["border"])}
    )


def without_signs(case):
    """The case with the sizes of the numbers in its border."""
    if "border" not in case.options:
        return case
    return replace(case, options={**case.options, "border": magnitudes(case.options["border"])})
