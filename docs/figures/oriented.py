"""f05: a photograph through oriented filters: a map is the sum of its kernels' responses."""

import matplotlib.pyplot as plt
import numpy as np
from skimage import data

from convcore import conv2d

ANGLES = [0, 45, 90, 135]  # the direction in which the brightness changes, in degrees


def oriented_kernel(degrees, size=7):
    """Return a kernel that answers to an edge: a bell-shaped window times a slope."""
    offsets = np.arange(size) - size // 2
    right, down = np.meshgrid(offsets, offsets)
    slope = right * np.cos(np.radians(degrees)) + down * np.sin(np.radians(degrees))
    kernel = slope * np.exp(-(right**2 + down**2) / 4.0)
    return kernel / np.abs(kernel).sum()


def show(axes, values, title, scale):
    """Show a response: orange where it is positive, violet where negative, white where zero."""
    axes.imshow(values, cmap="PuOr_r", vmin=-scale, vmax=scale, interpolation="none")
    axes.set_title(title, fontsize=10)


def point(axes, degrees, length=34, center=(26, 128)):
    """Draw an arrow in the direction in which the brightness rises where the answer is positive."""
    half = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))]) * length / 2
    style = {"arrowstyle": "-|>", "color": "#0f7040", "linewidth": 2.2, "mutation_scale": 16}
    axes.annotate(
        "", center + half, center - half, arrowprops={**style, "shrinkA": 0, "shrinkB": 0}
    )


def draw():
    """Return the figure."""
    photo = data.coffee()[60:380, 120:560] / 255
    photo = photo.reshape(160, 2, 220, 2, 3).mean(axis=(1, 3))  # half the size is enough to see it
    image = photo.transpose(2, 0, 1).astype(np.float32)  # (channel, row, column)
    kernels = np.array([oriented_kernel(angle) for angle in ANGLES], np.float32)
    weight = np.repeat(kernels[:, None], 3, axis=1)  # (filter, channel, row, column)
    maps = conv2d(image, weight)
    # One kernel at a time: filter 0 has a kernel of its own for every channel.
    parts = [conv2d(image[c : c + 1], weight[:1, c : c + 1])[0] for c in range(3)]

    figure, axes = plt.subplots(2, 4, figsize=(10, 4.15), layout="constrained")
    axes[0, 0].imshow(photo, interpolation="none")
    axes[0, 0].set_title("photograph, 3 channels", fontsize=10)
    scale = np.abs(maps).max() * 0.6
    for c, name in enumerate(["red", "green", "blue"]):
        show(axes[0, 1 + c], parts[c], f"filter 0, {name} kernel", scale / 3)
    for i, angle in enumerate(ANGLES):
        title = "map 0: the three above, added" if i == 0 else f"map {i}: {angle} degrees"
        show(axes[1, i], maps[i], title, scale)
        point(axes[1, i], angle)
    for c in range(3):
        point(axes[0, 1 + c], ANGLES[0])
    for panel in axes.flat:
        panel.set(xticks=[], yticks=[])
        panel.spines[:].set_visible(False)
    return figure
