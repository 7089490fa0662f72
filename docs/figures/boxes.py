"""Rows and grids of labelled boxes, the drawing that most figures of the site are made of."""

from colorsys import hls_to_rgb

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgb
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


def outlined(axes, kind, *place, color, fill, line=0.9):
    """Draw a shape, a kind of matplotlib's patches, filled so that any background shows through.

    ``fill`` is the opacity of its colour; the outline has all of it.
    """
    axes.add_patch(kind(*place, facecolor=color, alpha=fill, linewidth=0))
    axes.add_patch(kind(*place, facecolor="none", edgecolor=color, linewidth=line))


def box(
    axes, column, row, label, *, color="C0", fill=0.0, width=1.0, height=1.0, size=11, line=1.0
):
    """Draw one box with its label."""
    outlined(axes, Rectangle, (column, row), width, height, color=color, fill=fill, line=line)
    axes.text(
        column + width / 2, row + height / 2 + 0.02, label, ha="center", va="center", fontsize=size
    )


def grid(axes, column, row, labels, *, color="C0", fills=None, width=1.0, **options):
    """Draw a 2-D array of labels as boxes from (column, row) to the right and downwards."""
    labels = np.asarray(labels)
    fills = np.broadcast_to(0.0 if fills is None else fills, labels.shape)
    for i, j in np.ndindex(labels.shape):
        box(
            axes,
            column + width * j,
            row + i,
            labels[i, j],
            color=color,
            fill=fills[i, j],
            width=width,
            **options,
        )


def arrow(axes, start, end, *, color="C1", bend=0.0, width=1.4):
    """Draw an arrow between two points given in boxes."""
    axes.add_patch(
        FancyArrowPatch(
            start,
            end,
            color=color,
            arrowstyle="-|>",
            mutation_scale=13,
            linewidth=width,
            connectionstyle=f"arc3,rad={bend}",
            shrinkA=0,
            shrinkB=0,
        )
    )


def hues(number):
    """As many colours, all as bright, so that each shows on a light and on a dark page."""
    for i in range(number):
        turn = (0.58 + 0.45 * (i % 2) + i / (2 * number)) % 1.0  # neighbours far apart
        shades = np.array(
            [hls_to_rgb(turn, lightness, 0.75) for lightness in np.arange(0.2, 0.8, 0.005)]
        )
        luminance = shades**2.2 @ [0.2126, 0.7152, 0.0722]
        yield shades[np.argmin(np.abs(luminance - 0.22))]


def tinted(numbers, colors, fill=0.75):
    """Return a picture of an array of integers: ``colors[number - 1]``, and 0 left open."""
    numbers = np.asarray(numbers).astype(int)
    palette = [(0, 0, 0, 0), *[(*to_rgb(color), fill) for color in colors]]
    return np.array(palette)[numbers]


def signed(values, largest):
    """Return a picture of an array: C0 where positive, C1 where negative, open where 0."""
    values = np.asarray(values)
    picture = np.where(values[..., np.newaxis] > 0, to_rgb("C0"), to_rgb("C1"))
    return np.concatenate([picture, np.minimum(1, np.abs(values) / largest)[..., np.newaxis]], -1)


def bare(axes, title="", *, frame=False, size=11):
    """Leave an axes without ticks, and without its frame unless that is asked for."""
    axes.set_title(title, fontsize=size)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(frame)
