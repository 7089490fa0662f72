"""f25: a smoothed photograph with zeros around it, with one bias and with one for each place."""

import matplotlib.pyplot as plt
import numpy as np
from skimage import data

from convcore import conv2d

SIDE = 31  # pixels of the kernel


def draw():
    """Return the figure."""
    photo = data.camera()[::2, ::2][None] / 255
    kernel = np.full((1, 1, SIDE, SIDE), 1 / SIDE**2)
    plain = conv2d(photo, kernel, padding="same")
    on_a_pixel = conv2d(np.ones_like(photo), kernel, padding="same")
    gap = photo.mean() * (kernel.sum() - on_a_pixel)
    figure, panels = plt.subplots(1, 3, figsize=(9.4, 3.5), layout="constrained")
    for axes, picture, words in zip(
        panels,
        [photo, plain, plain + gap],
        ["input", "one bias, zero", "a bias for each place"],
        strict=True,
    ):
        axes.imshow(picture[0], cmap="gray", vmin=0, vmax=1, interpolation="none")
        axes.set_title(words, fontsize=11)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    return figure
