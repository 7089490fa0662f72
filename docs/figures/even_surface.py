"""f12: the average of an even surface, with and without the padding counted, by avg_pool2d."""

import numpy as np
from boxes import box, canvas, grid

from convcore import avg_pool2d

SIDE, WIDTH, VALUE = 4, 3, 36


def draw():
    """Return the figure."""
    even = np.full((1, SIDE, SIDE), VALUE)
    more = {"stride": 1, "padding": 1}
    # sums of ones, so the number of cells that a window sees
    cells = avg_pool2d(np.ones((1, SIDE, SIDE)), WIDTH, count_include_pad=True, **more) * WIDTH**2
    panels = [
        ("cells that a window sees", np.rint(cells), "C2", WIDTH**2),
        ("what is there: sum / cells", avg_pool2d(even, WIDTH, **more), "C0", VALUE),
        (
            f"padding counted: sum / {WIDTH**2}",
            avg_pool2d(even, WIDTH, count_include_pad=True, **more),
            "C1",
            VALUE,
        ),
    ]
    figure, axes = canvas(27.2, 7.6, unit=0.34)
    axes.text(3.2, 0.6, "input and padding", ha="center", va="center", fontsize=11)
    for row, column in np.ndindex(SIDE + 2, SIDE + 2):
        inside = 1 <= row <= SIDE and 1 <= column <= SIDE
        if inside:
            box(axes, 0.2 + column, 1.2 + row, VALUE, fill=0.35, size=10)
        else:
            axes.plot(0.7 + column, 1.7 + row, ".", color="C3", markersize=4)
    window = np.array([[0, 0], [WIDTH, 0], [WIDTH, WIDTH], [0, WIDTH], [0, 0]])
    axes.plot(*np.add(window, (0.2, 1.2)).T, color="C3", linewidth=2)
    left = 8.6
    for title, values, color, most in panels:
        axes.text(left + SIDE / 2, 0.6, title, ha="center", va="center", fontsize=11)
        grid(
            axes,
            left,
            2.2,
            values[0].astype(int),
            color=color,
            size=10,
            fills=0.05 + 0.45 * values[0] / most,
        )
        left += SIDE + 2.7
    return figure
