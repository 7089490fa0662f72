"""f31-f34: the layers of LeNet-5 with their maps, to scale, and their numbers by nn.summary."""

import matplotlib.pyplot as plt
from boxes import outlined
from matplotlib.patches import Rectangle

from convcore import nn

GAP = 9.0  # between layers, in cells of a map
STEP = 1.1  # from a map to the next one behind it
COLORS = {"C": "C0", "S": "C1", "F": "C2", "o": "C2", "i": "C3"}


def maps(axes, left, number, side, color):
    """Draw maps behind each other, the first one in front; return how wide they are."""
    depth = STEP * (number - 1)
    for i in reversed(range(number)):
        corner = left + STEP * i, -(side + depth) / 2 + STEP * (number - 1 - i)
        outlined(axes, Rectangle, corner, side, side, color=color, fill=0.16)
    return side + depth


def draw():
    """Return the figure."""
    figure, axes = plt.subplots(figsize=(10.4, 4.4))
    figure.subplots_adjust(0, 0, 1, 1)
    numbers = nn.summary(nn.models.lenet5(rng=0), (1, 32, 32))
    rows = [("input", numbers.input_shape, None)]
    rows += [(row.name, row.output_shape, row) for row in numbers.rows if row.parameters]
    left = 11.0
    for name, shape, row in rows:
        color = COLORS[name[0]]
        if len(shape) == 3 and shape[1] > 1:
            width = maps(axes, left, shape[0], shape[1], color)
            words = f"{shape[0]} x {shape[1]} x {shape[2]}"
        else:
            width, tall = 2.4, shape[0] / 2  # one bar, half a cell for each unit
            outlined(axes, Rectangle, (left, -tall / 2), width, tall, color=color, fill=0.3)
            words = str(shape[0])
        middle = left + width / 2
        axes.text(middle, -39, name, ha="center", va="center", fontsize=12)
        axes.text(middle, -34, words, ha="center", va="center", fontsize=10)
        if row:
            axes.text(middle, 36, f"{row.parameters:,}", ha="center", va="center", fontsize=10)
            axes.text(middle, 41, f"{row.connections:,}", ha="center", va="center", fontsize=10)
        left += max(width, 6.5) + GAP
    axes.text(0, 36, "parameters", va="center", fontsize=10)
    axes.text(0, 41, "connections", va="center", fontsize=10)
    axes.set(xlim=(-0.5, left - GAP + 1.5), ylim=(44, -43), aspect="equal")
    axes.axis("off")
    return figure
