"""f11: max pooling of a row, and where its gradients go, by convcore.max_pool1d."""

import numpy as np
from boxes import box, canvas

from convcore import max_pool1d, max_pool1d_backward

CELLS = np.array([[5, 7, 7, 2, 0, 7]])
GRADIENTS = np.array([[1, 10, 100, 1000]])
WIDTH = 3
WIDE = 1.7  # of a box


def draw():
    """Return the figure."""
    pooled, places = (found[0] for found in max_pool1d(CELLS, WIDTH, stride=1, return_indices=True))
    back = max_pool1d_backward(GRADIENTS, CELLS, WIDTH, stride=1)[0].astype(int)
    middle = [4.6 + 2.5 * cell for cell in range(CELLS.size)]
    figure, axes = canvas(20, 9.6, unit=0.4)
    for height, words in (1.1, "gradients"), (2.5, "maxima"), (7.1, "cells"), (8.5, "gradients"):
        axes.text(0.2, height, words, va="center", fontsize=12)
    for o, value in enumerate(pooled):
        top, color = middle[o + 1], f"C{o}"
        for cell in range(o, o + WIDTH):
            largest = cell == places[o]
            axes.plot(
                [top, middle[cell]],
                [3.0, 6.6],
                color=color,
                linestyle="-" if largest else ":",
                linewidth=2.6 if largest else 1.2,
            )
        box(axes, top - WIDE / 2, 0.6, GRADIENTS[0, o], color=color, width=WIDE)
        box(axes, top - WIDE / 2, 2.0, value, color=color, fill=0.3, width=WIDE)
    for cell, value in enumerate(CELLS[0]):
        box(axes, middle[cell] - WIDE / 2, 6.6, value, color="0.5", fill=0.2, width=WIDE)
        box(axes, middle[cell] - WIDE / 2, 8.0, back[cell], color="0.5", width=WIDE)
    return figure
