"""A field on a globe, smoothed with zeros around its map and as a globe."""

import matplotlib.pyplot as plt
import numpy as np

from convcore import conv2d

SIDE = 13  # cells of the kernel


def draw():
    """Return the figure."""
    latitude = np.radians(np.arange(-88.75, 90, 2.5))[:, None]
    longitude = np.radians(np.arange(0, 360, 2.5))
    field = 15 * np.cos(latitude) * (2 + np.sin(3 * longitude + 2 * latitude))
    kernel = np.full((1, 1, SIDE, SIDE), 1 / SIDE**2)
    pictures = [field]
    for border in "zeros", ("symmetric", "wrap"):
        pictures.append(conv2d(field[None], kernel, padding="same", border=border)[0])
    figure, panels = plt.subplots(1, 3, figsize=(9.6, 2.3), layout="constrained")
    words = ["field", "zeros", "symmetric rows, wrapped columns"]
    for axes, picture, text in zip(panels, pictures, words, strict=True):
        axes.imshow(
            np.roll(picture, picture.shape[1] // 2, axis=1),
            origin="lower",
            cmap="viridis",
            vmin=0,
            vmax=45,
            interpolation="none",
        )
        axes.set_title(text, fontsize=11)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    return figure
