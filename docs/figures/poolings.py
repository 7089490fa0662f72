"""f11-f14: four poolings of a photograph, and of a detector's answers, which have both signs."""

import matplotlib.pyplot as plt
import numpy as np
from skimage import data

from convcore import avg_pool2d, conv2d, distance_window, l2_pool2d, max_pool2d, weighted_pool2d

STRIDE = 8


def poolings(image):
    """Return the names and the four pooled images of one."""
    window = distance_window((2 * STRIDE, 2 * STRIDE))
    weighted = weighted_pool2d(image, window, stride=STRIDE, padding=STRIDE // 2)
    return {
        "maximum": max_pool2d(image, STRIDE),
        "average": avg_pool2d(image, STRIDE),
        "L2 norm / 8": l2_pool2d(image, STRIDE) / STRIDE,
        "weighted average": weighted,
    }


def show(axes, name, image, lowest, highest):
    """Show one image in grey."""
    axes.imshow(image[0], cmap="gray", vmin=lowest, vmax=highest, interpolation="none")
    axes.set_title(name, fontsize=10)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


def draw():
    """Return the figure."""
    colours = data.astronaut()[:256, 96:352].transpose(2, 0, 1) / 255
    grey = np.reshape((0.299, 0.587, 0.114), (1, 3, 1, 1))
    photo = conv2d(colours, grey)
    edges = conv2d(photo, np.reshape((-1.0, 1.0), (1, 1, 1, 2)), padding=[0, (1, 0)], border="edge")
    figure, axes = plt.subplots(2, 5, figsize=(10, 4.5), layout="constrained")
    show(axes[0, 0], "photograph", photo, 0, 1)
    for panel, (name, image) in zip(axes[0, 1:], poolings(photo).items(), strict=True):
        show(panel, name, image, 0, 1)
    show(axes[1, 0], "pixel - left neighbour", edges, -0.2, 0.2)
    for panel, (name, image) in zip(axes[1, 1:], poolings(edges).items(), strict=True):
        show(panel, name, image, -0.4, 0.4)
    return figure
