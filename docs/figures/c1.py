"""f31: a handwritten digit under six kernels of 5 x 5, as in C1, by convcore.conv2d."""

import matplotlib.pyplot as plt
import numpy as np
from boxes import bare
from matplotlib.patches import Rectangle

from convcore import conv2d
from convcore.nn.data import PAPER, digits

UNIT = 13, 12  # row and column of the unit that is marked in each map


def kernels():
    """Return six kernels of LeNet-5's size: four edges, a centre, a blur."""
    offsets = np.arange(5) - 2.0
    right, down = np.meshgrid(offsets, offsets)
    bell = np.exp(-(right**2 + down**2) / 4)
    edges = [
        bell * (right * np.cos(turn) + down * np.sin(turn)) for turn in np.radians([0, 45, 90, 135])
    ]
    blur = bell / bell.sum()
    centre = np.zeros((5, 5))
    centre[2, 2] = 1
    found = np.stack([*edges, centre - blur, blur])[:, np.newaxis]
    return found / np.abs(found).sum((1, 2, 3), keepdims=True)


def draw():
    """Return the figure."""
    image = digits().test_images[582] - PAPER
    weight = kernels()
    maps = conv2d(image.astype(float), weight)
    figure = plt.figure(figsize=(9.8, 3.9), layout="constrained")
    grid = figure.add_gridspec(2, 7, width_ratios=[2.2, *[1] * 6], height_ratios=[1, 1.6])
    axes = figure.add_subplot(grid[:, 0])
    axes.imshow(image[0], cmap="gray_r", interpolation="none")
    row, column = UNIT
    axes.add_patch(
        Rectangle((column - 0.5, row - 0.5), 5, 5, fill=False, edgecolor="#e05a00", linewidth=2.5)
    )
    bare(axes, "input, 32 x 32", frame=True)
    for i in range(6):
        axes = figure.add_subplot(grid[0, i + 1])
        axes.imshow(weight[i, 0], cmap="PuOr_r", vmin=-0.12, vmax=0.12, interpolation="none")
        bare(axes, f"kernel {i}", frame=True, size=10)
        axes = figure.add_subplot(grid[1, i + 1])
        axes.imshow(maps[i], cmap="PuOr_r", vmin=-0.6, vmax=0.6, interpolation="none")
        axes.plot(
            column, row, "s", color="black", markersize=7, fillstyle="none", markeredgewidth=1.6
        )
        bare(axes, f"map {i}, {maps.shape[1]} x {maps.shape[2]}", frame=True, size=10)
    return figure
