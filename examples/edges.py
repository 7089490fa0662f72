"""
Edges in a photograph
=====================

Twelve kernels, one rotated copy after the other, find the edges of twelve directions in a single
call of :func:`convcore.conv2d`. Together they tell for each pixel how strong the edge there is and
which way it runs, which the last picture shows in colours.
"""

import matplotlib.pyplot as plt
import numpy as np
from skimage import data

from convcore import conv2d

photo = data.coffee()  # rows, columns, colours: 400 x 600 x 3, from 0 to 255
image = photo.transpose(2, 0, 1).astype(np.float32) / 255  # channel, row, column

# %%
# A bank of kernels
# -----------------
#
# A kernel that finds an edge is a slope under a bell: positive on one side, negative on the other,
# fading with the distance from the middle. Its weights sum to zero, so that an even surface gives
# zero, however bright it is.

ANGLES = np.arange(0, 180, 15)  # the direction in which the brightness rises, in degrees
SIZE = 9


def edge_kernel(degrees):
    """Return the kernel for one direction."""
    right, down = np.meshgrid(*[np.arange(SIZE) - SIZE // 2] * 2)
    slope = right * np.cos(np.radians(degrees)) + down * np.sin(np.radians(degrees))
    kernel = slope * np.exp(-(right**2 + down**2) / 6)
    return kernel / np.abs(kernel).sum()


kernels = np.array([edge_kernel(angle) for angle in ANGLES], np.float32)

figure, axes = plt.subplots(2, 6, figsize=(8, 3.2))
figure.suptitle("The twelve kernels: orange is positive, violet negative")
for panel, kernel, angle in zip(axes.flat, kernels, ANGLES, strict=True):
    panel.imshow(kernel, cmap="PuOr_r", vmin=-0.04, vmax=0.04)
    panel.set_title(f"{angle}°")
    panel.set_axis_off()

# %%
# All of them at once
# -------------------
#
# The weight of a layer is ordered (map, channel, row, column). Each map here uses the same kernel
# for red, green and blue, and so adds up what they answer. ``padding="same"`` keeps the size of the
# photograph, ``border="edge"`` continues it beyond its border, where zeros would look like edges.

weight = np.repeat(kernels[:, np.newaxis], 3, axis=1)
maps = conv2d(image, weight, padding="same", border="edge")
print("image", image.shape, " weight", weight.shape, " maps", maps.shape)

figure, axes = plt.subplots(2, 2, figsize=(8, 5.6))
figure.suptitle("Four of the twelve maps: where the brightness rises in one direction or falls")
for panel, number in zip(axes.flat, [0, 3, 6, 9], strict=True):
    panel.imshow(maps[number], cmap="PuOr_r", vmin=-0.6, vmax=0.6)
    panel.set_title(f"{ANGLES[number]}°")
    panel.set_axis_off()

# %%
# Strength and direction
# ----------------------
#
# For each pixel the map with the largest answer, positive or negative, wins. Its number is the
# direction, shown as a hue; its answer is the strength, shown as brightness. Around the cup all
# hues follow one another: its rim has every direction once, and then once more.

answers = np.abs(maps)
winner, strength = answers.argmax(axis=0), answers.max(axis=0)
hue = plt.get_cmap("hsv")(winner / len(ANGLES))[..., :3]
colours = hue * np.clip(strength / 0.6, 0, 1)[..., np.newaxis]

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3))
figure.suptitle("A cup of coffee, and the direction of its edges as colours")
left.imshow(photo)
left.set_title("photograph")
right.imshow(colours)
right.set_title("hue: direction, brightness: strength")
for panel in (left, right):
    panel.set_axis_off()
plt.show()

# sphinx_gallery_thumbnail_number = 3
