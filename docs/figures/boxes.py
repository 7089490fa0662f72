"""Rows and grids of labelled boxes, the drawing that most figures of the site are made of."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyArrowPatch, Rectangle


def canvas(width, height, unit=0.55):
    """Return a figure and bare axes of ``width`` x ``height`` boxes, row 0 at the top.

    ``unit`` is the side of a box in inches.
    """
    figure, axes = plt.subplots(figsize=(width * unit, height * unit))
    figure.subplots_adjust(0, 0, 1, 1)
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.set_aspect("equal")
    axes.axis("off")
    return figure, axes


def box(axes, column, row, label, *, color="C0", fill=0.0, width=1.0, height=1.0, size=11,
        line=1.0):
    """Draw one box; ``fill`` is the opacity of its colour, so that any background shows through."""
    shape = (column, row), width, height
    axes.add_patch(Rectangle(*shape, facecolor=color, alpha=fill, linewidth=0))
    axes.add_patch(Rectangle(*shape, facecolor="none", edgecolor=color, linewidth=line))
    axes.text(column + width / 2, row + height / 2 + 0.02, label, ha="center", va="center",
              fontsize=size)


def grid(axes, column, row, labels, *, color="C0", fills=None, width=1.0, **options):
    """Draw a 2-D array of labels as boxes from (column, row) to the right and downwards."""
    labels = np.asarray(labels)
    fills = np.broadcast_to(0.0 if fills is None else fills, labels.shape)
    for i, j in np.ndindex(labels.shape):
        box(axes, column + width * j, row + i, labels[i, j], color=color, fill=fills[i, j],
            width=width, **options)


def arrow(axes, start, end, *, color="C1", bend=0.0, width=1.4):
    """Draw an arrow between two points given in boxes."""
    axes.add_patch(
        FancyArrowPatch(
            start, end, color=color, arrowstyle="-|>", mutation_scale=13, linewidth=width,
            connectionstyle=f"arc3,rad={bend}", shrinkA=0, shrinkB=0,
        )
    )
