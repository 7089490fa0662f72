"""f37: the maps of AlexNet as blocks, sides to scale, by nn.summary."""

import matplotlib.pyplot as plt
import numpy as np
from boxes import outlined
from matplotlib.patches import Polygon, Rectangle

from convcore import nn

COLORS = {"i": "C3", "C": "C0", "M": "C1", "F": "C2"}
SLANT = 0.5  # of the edges that lead to the back


def block(axes, left, channels, side, color):
    """Draw ``channels`` maps of ``side`` x ``side`` as one block; return how wide it is."""
    long, deep = channels / 12, SLANT * side / 2
    front = [(0, -side / 2), (long, -side / 2), (long, side / 2), (0, side / 2)]
    top = [
        (0, -side / 2),
        (deep, -side / 2 - deep),
        (long + deep, -side / 2 - deep),
        (long, -side / 2),
    ]
    end = [
        (long, -side / 2),
        (long + deep, -side / 2 - deep),
        (long + deep, side / 2 - deep),
        (long, side / 2),
    ]
    for corners, fill in (front, 0.30), (top, 0.15), (end, 0.22):
        outlined(axes, Polygon, np.add(corners, (left, deep / 2)), color=color, fill=fill)
    return long + deep


def draw():
    """Return the figure."""
    numbers = nn.summary(nn.models.alexnet(rng=0, dtype=np.float16), (3, 227, 227))
    rows = [("input", numbers.input_shape)]
    rows += [
        (row.name, row.output_shape)
        for row in numbers.rows
        if row.parameters or row.name.startswith("MaxPool")
    ]
    figure, axes = plt.subplots(figsize=(10.4, 4.0))
    figure.subplots_adjust(0, 0, 1, 1)
    left = 8.0
    for name, shape in rows:
        color = COLORS[name[0]]
        if len(shape) == 3:
            channels, side, _ = shape
            scale = side / 3 if name == "input" else side  # the input would dwarf the rest
            width, words = block(axes, left, channels, scale, color), f"{side} x {side}\n{channels}"
        else:
            width, tall, words = 3, shape[0] / 45, f"{shape[0]:,}\nunits"
            outlined(axes, Rectangle, (left, -tall / 2), width, tall, color=color, fill=0.3)
        middle = left + width / 2
        axes.text(
            middle, -58, name.replace("-", "\n"), ha="center", va="center", fontsize=10, color=color
        )
        axes.text(middle, 54, words, ha="center", va="center", fontsize=10)
        left += max(width, 19) + 9
    axes.set(xlim=(0, left - 4), ylim=(64, -68), aspect="equal")
    axes.axis("off")
    return figure
