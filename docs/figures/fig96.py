"""Fig. 9.6: a photograph, and each of its pixels minus its left neighbour."""

import matplotlib.pyplot as plt
import numpy as np
from skimage import data

from convcore import conv2d


def draw():
    """Return the figure."""
    photo = data.camera()[100:380, 100:420].astype(float)
    difference = conv2d(photo[np.newaxis], np.array([[[[-1.0, 1.0]]]]))[0]
    figure, axes = plt.subplots(1, 2, figsize=(7.2, 3.5))
    pictures = (photo, 0, 255, "V, 280 x 320"), (difference, -60, 60, "Z, 280 x 319")
    for place, (values, low, high, title) in zip(axes, pictures, strict=True):
        place.imshow(values, cmap="gray", vmin=low, vmax=high)
        place.set_title(title, fontsize=11)
        place.axis("off")
    figure.tight_layout()
    return figure
