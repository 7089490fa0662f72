"""f20: fig. 9.10 of the book, max pooling whose last window is partial, by convcore.max_pool1d."""

import numpy as np
from boxes import box, canvas

from convcore import geometry, max_pool1d

DETECTORS = np.array([[0.1, 1.0, 0.2, 0.1, 0.0, 0.1]])
WIDTH, STRIDE = 3, 2
SIDE = 1.3  # of a box


def middle(cell):
    """Return where the middle of a detector's box is."""
    return 4.4 + 2 * cell


def draw():
    """Return the figure."""
    n = DETECTORS.size
    pooled = max_pool1d(DETECTORS, WIDTH, STRIDE, ceil_mode=True)[0]
    assert len(pooled) == geometry.output_size(n, WIDTH, STRIDE, ceil_mode=True)
    figure, axes = canvas(17.6, 6.4, unit=0.42)
    axes.text(0.2, 1.35, "pooled", va="center", fontsize=12)
    axes.text(0.2, 5.15, "detectors", va="center", fontsize=12)
    for o, value in enumerate(pooled):
        color = f"C{o + 1}"
        cells = range(o * STRIDE, o * STRIDE + WIDTH)
        seen = [cell for cell in cells if cell < n]
        largest = max(seen, key=lambda cell: DETECTORS[0, cell])
        top = middle(o * STRIDE + 1)
        for cell in cells:
            style = {"linestyle": "-", "linewidth": 2.4 if cell == largest else 1.2}
            if cell not in seen:
                style = {"linestyle": ":", "linewidth": 1.2}
            axes.plot([top, middle(cell)], [2.0, 4.5], color=color, **style)
        box(
            axes,
            top - SIDE / 2,
            0.7,
            f"{value:.1f}",
            color=color,
            fill=0.3,
            width=SIDE,
            height=SIDE,
            size=12,
        )
        axes.text(top, 0.35, f"sees {len(seen)}", ha="center", va="center", fontsize=10)
    for cell, value in enumerate(DETECTORS[0]):
        box(
            axes,
            middle(cell) - SIDE / 2,
            4.5,
            f"{value:.1f}",
            fill=0.15,
            width=SIDE,
            height=SIDE,
            size=12,
        )
        axes.text(middle(cell), 6.15, f"cell {cell}", ha="center", va="center", fontsize=10)
    left = middle(n) - SIDE / 2
    axes.plot(
        [left, left + SIDE, left + SIDE, left, left],
        [4.5, 4.5, 4.5 + SIDE, 4.5 + SIDE, 4.5],
        color="C0",
        linestyle=":",
        linewidth=1.2,
    )
    axes.text(middle(n), 6.15, "not there", ha="center", va="center", fontsize=10)
    return figure
