"""f09: a layer and a change of its input, in both orders: a shift goes through, a turn doesn't."""

import matplotlib.pyplot as plt
import numpy as np
from skimage import data

from convcore import conv2d

TOP, LEFT, SIZE, SHIFT = 10, 172, 96, 24


def layer(image):
    """Return each pixel minus its left neighbour."""
    difference = np.array([[[[-1.0, 1.0]]]])
    return conv2d(image[np.newaxis], difference, padding=(0, (1, 0)), border="edge")[0]


def draw():
    """Return the figure."""
    # what comes in at the border after the shift is the rest of the photograph
    wide = data.coins()[TOP : TOP + SIZE, LEFT - SHIFT : LEFT + SIZE].astype(float)
    figure, axes = plt.subplots(2, 3, figsize=(7.2, 5.2))
    figure.subplots_adjust(0.09, 0.02, 0.99, 0.93, wspace=0.05, hspace=0.08)
    seen = slice(SHIFT, None)
    rows = {
        "shift": [wide[:, :SIZE], layer(wide[:, :SIZE]), layer(wide)[:, :SIZE]],
        "quarter turn": [
            np.rot90(wide[:, seen]),
            layer(np.rot90(wide[:, seen])),
            np.rot90(layer(wide[:, seen])),
        ],
    }
    for row, (name, pictures) in zip(axes, rows.items(), strict=True):
        for place, values, limits in zip(
            row, pictures, [(0, 255), (-60, 60), (-60, 60)], strict=True
        ):
            place.imshow(values, cmap="gray", vmin=limits[0], vmax=limits[1])
            place.set_xticks([])
            place.set_yticks([])
        row[0].set_ylabel(name)
    for place, title in zip(axes[0], ["g(V)", "f(g(V))", "g(f(V))"], strict=True):
        place.set_title(title, fontsize=11)
    return figure
