"""f22, f23: how often each pixel is used and how many each output sees, for three paddings."""

import numpy as np
from boxes import canvas, grid

from convcore import geometry

N, KERNEL = 6, 3
PADDINGS = ["valid", "same", "full"]
LEFT, GAP = 3.2, 1.0  # of the first grid, and between grids


def draw():
    """Return the figure."""
    figure, axes = canvas(LEFT + 22 + 2 * GAP, 17.4, unit=0.4)
    axes.text(0.1, 4.4, "how often\na pixel\nis used", va="center", fontsize=12)
    axes.text(0.1, 12.8, "how many\nan output\nsees", va="center", fontsize=12)
    left = LEFT
    for padding in PADDINGS:
        usage = geometry.input_usage(N, KERNEL, padding=padding)
        cells = [window.cells for window in geometry.windows(N, KERNEL, padding=padding)]
        width = max(N, len(cells))
        axes.text(left + width / 2, 0.6, f'"{padding}"', ha="center", va="center", fontsize=12)
        for row, middle, counts in (0, 4.4, usage), (1, 12.8, cells):
            numbers = np.outer(counts, counts)
            side = len(counts)
            grid(
                axes,
                left + (width - side) / 2,
                middle - side / 2,
                numbers,
                color=f"C{row}",
                fills=0.06 + 0.5 * numbers / KERNEL**2,
                line=0.7,
                size=10,
            )
        left += width + GAP
    return figure
