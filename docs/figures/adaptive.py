"""f18: inputs of three sizes and shapes, and the one size that adaptive pooling makes of them."""

from itertools import product

import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle
from skimage import data

from convcore import adaptive_avg_pool2d

# Of the photograph: one pixel of that many, first row and column, rows and columns that are left.
CUTS = [(3, 0, 0, 133, 199), (3, 0, 40, 115, 115), (4, 0, 40, 99, 67)]
SIZE = 8


def bounds(n):
    """Return the first cell and the number of cells of each window along one axis."""
    first = [o * n // SIZE for o in range(SIZE)]
    return [(a, -(-(o + 1) * n // SIZE) - a) for o, a in enumerate(first)]


def draw():
    """Return the figure."""
    photo = data.coffee() / 255
    figure, axes = plt.subplots(
        2,
        3,
        figsize=(9, 5.2),
        width_ratios=[199, 125, 125],
        height_ratios=[133, 125],
        layout="constrained",
    )
    for column, (step, top, left, rows, columns) in enumerate(CUTS):
        cut = photo[::step, ::step][top : top + rows, left : left + columns]
        assert cut.shape == (rows, columns, 3)
        pooled = adaptive_avg_pool2d(cut, SIZE, layout="NHWC")
        above, below = axes[:, column]
        above.imshow(cut, interpolation="none")
        for (y, height), (x, width) in product(bounds(rows), bounds(columns)):
            above.add_patch(
                Rectangle(
                    (x - 0.5, y - 0.5), width, height, fill=False, edgecolor="white", linewidth=0.7
                )
            )
        room = [199, 125, 125][column]
        above.set_xlim(columns / 2 - room / 2, columns / 2 + room / 2)
        above.set_ylim(rows / 2 + 66.5, rows / 2 - 66.5)  # all three to one scale
        below.imshow(pooled, interpolation="none")
        above.set_title(f"{rows} x {columns} pixels", fontsize=10)
        below.set_title(f"{SIZE} x {SIZE} averages", fontsize=10)
        for panel in above, below:
            panel.set(xticks=[], yticks=[])
            panel.spines[:].set_visible(False)
    return figure
