"""f00: the maps of four pairs of a convolution and a pooling, to scale, by Sequential.shapes."""

import matplotlib.pyplot as plt
from boxes import outlined
from matplotlib.patches import Rectangle

from convcore import nn


def draw():
    """Return the figure."""
    layers = [
        layer
        for c, k in [(1, 8), (8, 16), (16, 32), (32, 64)]
        for layer in (nn.Conv2d(c, k, 3, rng=0), nn.MaxPool2d(2))
    ]
    shapes = [(1, 46, 46), *nn.Sequential(layers).shapes((1, 46, 46))[-len(layers) :]]
    figure, axes = plt.subplots(figsize=(9.6, 3.0))
    figure.subplots_adjust(0, 0, 1, 1)
    left = 0.0
    for number, (channels, side, _) in enumerate(shapes):
        color = "C3" if number == 0 else "C0" if number % 2 else "C1"
        outlined(axes, Rectangle, (left, -side / 2), side, side, color=color, fill=0.25, line=1.2)
        name = "input" if number == 0 else "conv" if number % 2 else "pool"
        middle = left + side / 2
        axes.text(middle, -29.5, name, ha="center", va="center", fontsize=11, color=color)
        axes.text(middle, 28, f"{side}", ha="center", va="center", fontsize=11)
        axes.text(middle, 34, str(channels), ha="center", va="center", fontsize=10)
        left += max(side, 9) + (9 if side > 9 else 6)
    axes.text(-13, 28, "side", va="center", fontsize=11)
    axes.text(-13, 34, "maps", va="center", fontsize=10)
    axes.set(xlim=(-14, left), ylim=(37, -33), aspect="equal")
    axes.axis("off")
    return figure
