"""f26: fig. 9.13 of the book, a stack that shrinks and one that doesn't, by convcore.conv1d."""

import matplotlib.pyplot as plt
import numpy as np
from boxes import outlined
from matplotlib.patches import Rectangle

from convcore import conv1d, geometry

CELLS, KERNEL, LAYERS = 16, 6, 3
RISE = 3.4  # from a row to the next


def stack(axes, padding):
    """Draw the rows of one stack, each output above the middle of what it sees."""
    x = np.ones((1, CELLS))
    first = 0.0  # place of the row's first cell
    widths = [CELLS]
    for layer in range(LAYERS):
        before, after = padding
        x = conv1d(x, np.ones((1, 1, KERNEL)), padding=(padding,))
        below, top = -RISE * layer, -RISE * (layer + 1)
        for zero in [*range(-before, 0), *range(widths[-1], widths[-1] + after)]:
            place = (first + zero + 0.08, below + 0.08), 0.84, 0.84
            axes.add_patch(Rectangle(*place, facecolor="C3", alpha=0.25, linewidth=0))
            axes.add_patch(
                Rectangle(*place, fill=False, edgecolor="C3", linestyle="--", linewidth=1.2)
            )
        start = first - before + (KERNEL - 1) / 2
        if before:  # the rows stand above one another
            start = first
        for o in {0, x.shape[1] - 1}:
            for cell in o - before, o - before + KERNEL - 1:
                axes.plot(
                    [start + o + 0.5, first + cell + 0.5],
                    [top + 1, below],
                    color="C1",
                    linewidth=1.0,
                )
        widths.append(x.shape[1])
        first = start
        draw_row(axes, first, top, x.shape[1])
    draw_row(axes, 0, 0, CELLS)
    return widths


def draw_row(axes, first, top, width):
    """Draw one row of cells with its number."""
    for cell in range(width):
        outlined(
            axes,
            Rectangle,
            (first + cell + 0.08, top + 0.08),
            0.84,
            0.84,
            color="C0",
            fill=0.3,
            line=1.0,
        )
    axes.text(-4.4, top + 0.5, str(width), ha="center", va="center", fontsize=12)


def draw():
    """Return the figure."""
    figure, panels = plt.subplots(1, 2, figsize=(9.4, 3.1), layout="constrained")
    same = geometry.padding_for(CELLS, KERNEL, 1, 1, CELLS)
    for axes, padding, words in [
        (panels[0], (0, 0), "no padding"),
        (panels[1], same, "five zeros a layer"),
    ]:
        widths = stack(axes, padding)
        assert widths[-1] == (CELLS if sum(padding) else 1)
        axes.set_title(words, fontsize=12)
        axes.set(xlim=(-5.2, CELLS + 3.4), ylim=(1.4, -RISE * LAYERS - 0.6), aspect="equal")
        axes.axis("off")
    return figure
