"""
Kernels that change with the place
==================================

A convolution uses one kernel everywhere, a tiled layer a few kernels in turn, a local layer a
kernel of its own at every place. Networks learn such kernels. Here they are given, for three tasks
on photographs in which it can be seen what each kind is good for.
"""

import matplotlib.pyplot as plt
import numpy as np
from skimage import data

from convcore import conv2d, local_conv2d, tiled_conv2d

# %%
# One kernel: a blur
# ------------------
#
# The same bell-shaped average at each place, for every colour by itself (``groups=3``).


def bell(sigma, size=9):
    """Return a square window of weights whose sum is 1, wider for a larger sigma."""
    line = np.exp(-0.5 * ((np.arange(size) - size // 2) / sigma) ** 2)
    window = np.outer(line, line)
    return window / window.sum()


cat = data.chelsea()[10:250, 100:340].transpose(2, 0, 1) / 255  # channel, row, column
one = np.tile(bell(2.0), (3, 1, 1, 1))  # map, channel, row, column
blurred = conv2d(cat, one, padding="same", border="edge", groups=3)

# %%
# Four kernels in turn: the colours of a camera
# ---------------------------------------------
#
# A camera's sensor sees one colour a pixel: in each square of 2 x 2 one pixel sees red, two see
# green, one sees blue. The missing colours are averages of the neighbours that have them, and where
# those are depends on the place in the square. That is a tiled layer of period 2, with kernels of
# 3 x 3. (A convolution would need the same neighbours everywhere.)

SENSOR = np.array([["red", "green"], ["green", "blue"]])
COLOURS = ("red", "green", "blue")
NEAR = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]])  # the middle counts most, the corners least

tiles = np.zeros((3, 2, 2, 1, 3, 3))  # map, row and column in the square, channel, row, column
for (i, colour), j, k in [(c, j, k) for c in enumerate(COLOURS) for j in (0, 1) for k in (0, 1)]:
    rows, columns = np.mgrid[j - 1 : j + 2, k - 1 : k + 2] % 2
    has_it = SENSOR[rows, columns] == colour
    own = SENSOR[j, k] == colour
    kernel = np.where(has_it, NEAR, 0) if not own else np.eye(3)[:, 1:2] * np.eye(3)[1]
    tiles[i, j, k, 0] = kernel / kernel.sum()

rocket = data.rocket()[100:340, 210:450].transpose(2, 0, 1) / 255
rows, columns = np.mgrid[:240, :240] % 2
sensor = sum(rocket[i] * (SENSOR[rows, columns] == colour) for i, colour in enumerate(COLOURS))
developed = tiled_conv2d(sensor[np.newaxis], tiles, padding="same")
print(f"largest mean error of a colour: {np.abs(developed - rocket).mean(axis=(1, 2)).max():.3f}")

# %%
# A kernel for each place: sharp in the middle
# --------------------------------------------
#
# A lens for portraits is sharp in the middle and blurs towards the border. As a layer: at each of
# the 240 x 240 places another bell, wider the farther from the middle. The weight of
# :func:`convcore.local_conv2d` has the place in its shape.

FRAME = np.linspace(-1, 1, 240)
distance = np.hypot(*np.meshgrid(FRAME, FRAME))
steps = np.array([bell(0.3 + 0.3 * step) for step in range(8)])
places = steps[np.clip(8 * (distance - 0.3), 0, 7).astype(int)]  # row, column, kernel
places = places[np.newaxis, :, :, np.newaxis]  # map, row, column, channel, kernel row and column
print(
    "weights:",
    one[:1].size,
    "of the convolution,",
    tiles[:1].size,
    "of a tiled map,",
    f"{places.size:,} of the local layer",
)
portrait = np.concatenate([local_conv2d(channel[np.newaxis], places, padding=4) for channel in cat])

# %%
# The kernels and what they do
# ----------------------------
#
# The left column shows the kernels, the blur's one, the four for green, and a sample of the local
# layer's 57,600. The rest shows input and output.


def mosaic(kernels):
    """Put kernels, (row, column, kernel row, kernel column), into one image with gaps of zeros."""
    spaced = np.pad(kernels / kernels.max(axis=(2, 3), keepdims=True), [(0, 0)] * 2 + [(1, 1)] * 2)
    height, width = (spaced.shape[axis] * spaced.shape[axis + 2] for axis in (0, 1))
    return spaced.swapaxes(1, 2).reshape(height, width)


sensor_colours = np.stack([sensor * (SENSOR[rows, columns] == colour) for colour in COLOURS])
shown = {
    "convolution": (mosaic(one[:1]), cat, blurred),
    "tiled, period 2": (mosaic(tiles[1, :, :, 0]), sensor_colours, developed),
    "local": (mosaic(places[0, 20::50, 20::50, 0]), cat, portrait),
}
figure, axes = plt.subplots(3, 3, figsize=(8, 8.3))
figure.suptitle("Kernels of a convolution, a tiled and a local layer; their input; their output")
for row, (name, (kernels, before, after)) in zip(axes, shown.items(), strict=True):
    row[0].imshow(kernels, cmap="Blues")
    row[0].set_title(f"{name}: kernels")
    row[1].imshow(before.transpose(1, 2, 0))
    row[1].set_title("input")
    row[2].imshow(np.clip(after.transpose(1, 2, 0), 0, 1))
    row[2].set_title("output")
    for panel in row:
        panel.set_axis_off()
plt.show()
