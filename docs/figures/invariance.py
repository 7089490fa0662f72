"""f15: a photograph moved by one pixel: which detectors change, and which of their maxima."""

import numpy as np
from boxes import canvas, grid
from skimage import data

from convcore import conv1d, max_pool1d

LINE, FIRST, CELLS = 70, 30, 20  # the line of the photograph, its first pixel, the cells shown
WIDTH = 5


def detectors(pixels):
    """Return the size of each pixel's difference from its left neighbour, as integers."""
    difference = np.array([[[-1.0, 1.0]]])
    return np.abs(conv1d(pixels[np.newaxis], difference)).astype(int)


def rows(start):
    """Return the detectors and their maxima, for the cells that are shown."""
    reach = WIDTH // 2
    line = data.coins()[LINE, start - reach - 1 : start + CELLS + reach].astype(float)
    found = detectors(line)
    return found[0, reach:-reach], max_pool1d(found, WIDTH, stride=1)[0]


def draw():
    """Return the figure."""
    before, after = rows(FIRST), rows(FIRST - 1)  # one pixel to the right: begin one earlier
    figure, axes = canvas(26.2, 7.6, unit=0.36)
    top = 1.0
    for kind, color in enumerate(["C0", "C1"]):
        changed = before[kind] != after[kind]
        name = ["detectors", f"largest of {WIDTH} detectors"][kind]
        axes.text(3.0, top - 0.5, name, va="center", fontsize=11)
        for values, fills, label in [
            (before[kind], None, "before"),
            (after[kind], 0.4 * changed[np.newaxis], "after"),
        ]:
            axes.text(0.1, top + 0.5, label, va="center", fontsize=10)
            grid(axes, 3.0, top, values[np.newaxis], color=color, fills=fills, size=9, line=0.8)
            top += 1.25
        axes.text(23.3, top - 1.4, f"{changed.sum()} of {CELLS}\nchanged", va="center", fontsize=11)
        top += 1.6
    return figure
