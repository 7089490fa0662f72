"""f27: a local layer whose kernels widen with the distance from one place of a photograph."""

import matplotlib.pyplot as plt
import numpy as np
from boxes import bare
from skimage import data

from convcore import avg_pool2d, conv2d, local_conv2d

SIDE, KERNEL = 128, 13
SHARP = np.array([26, 58])  # row and column of the place that stays as it is
SHOWN = [(26, 58), (60, 80), (104, 20)]  # rows and columns whose kernels are drawn


def bells(size):
    """Return a kernel for each output, (rows, columns, KERNEL, KERNEL), of sum 1."""
    at = np.stack(np.meshgrid(*[np.arange(n) for n in size], indexing="ij"), axis=-1)
    width = 0.2 + np.hypot(*np.moveaxis(at - SHARP, -1, 0)) / 22
    offsets = np.arange(KERNEL) - KERNEL // 2
    line = np.exp(-0.5 * (offsets / width[..., np.newaxis]) ** 2)
    both = line[..., :, np.newaxis] * line[..., np.newaxis, :]
    return both / both.sum((-2, -1), keepdims=True)


def draw():
    """Return the figure."""
    photo = avg_pool2d(data.camera().astype(float)[np.newaxis], 4)
    size = photo.shape[1] - KERNEL + 1, photo.shape[2] - KERNEL + 1
    kernels = bells(size)
    local = local_conv2d(photo, kernels[np.newaxis, :, :, np.newaxis])
    one = kernels[60, 80]
    shared = conv2d(photo, one[np.newaxis, np.newaxis])
    figure = plt.figure(figsize=(9.6, 3.5), layout="constrained")
    grid = figure.add_gridspec(3, 4, width_ratios=[3, 1, 3, 3])
    border = KERNEL // 2
    inner = photo[:, border:-border, border:-border]
    for column, picture, title in [
        (0, inner, "input"),
        (2, local, "local: a kernel for each place"),
        (3, shared, "convolution: one kernel"),
    ]:
        axes = figure.add_subplot(grid[:, column])
        axes.imshow(picture[0], cmap="gray", vmin=0, vmax=255, interpolation="none")
        bare(axes, title)
        if column == 2:
            for number, (row, place) in enumerate(SHOWN):
                axes.plot(
                    place,
                    row,
                    "o",
                    color=f"C{number + 1}",
                    markersize=9,
                    fillstyle="none",
                    markeredgewidth=2,
                )
    for number, at in enumerate(SHOWN):
        axes = figure.add_subplot(grid[number, 1])
        axes.imshow(kernels[at], cmap="gray", vmin=0, interpolation="none")
        bare(axes, f"at {at[0]}, {at[1]}", size=9, frame=True)
        axes.spines[:].set(color=f"C{number + 1}", linewidth=2)
    return figure
