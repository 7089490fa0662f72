"""
What moves in a film, and which way
===================================

A film is a volume: frames, rows, columns. A kernel of :func:`convcore.conv3d` reaches over a few
frames as well as over a few pixels, and so can answer to movement in one direction and to nothing
else. The film is made here from a photograph, over which two spots move.
"""

import matplotlib.pyplot as plt
import numpy as np
from skimage import data

from convcore import conv3d, max_pool3d

# %%
# The film
# --------
#
# The photograph stands still. One spot moves to the right by two pixels a frame, another one to the
# left.

FRAMES, SPEED = 48, 2
ground = data.gravel()[:120, :160].astype(np.float32) / 255
down, right = np.mgrid[:120, :160]


def spot(row, column):
    """Return a round spot of three pixels' width."""
    return np.exp(-((down - row) ** 2 + (right - column) ** 2) / 18)


film = np.array(
    [
        ground + 0.4 * spot(40, 30 + SPEED * t) + 0.4 * spot(80, 130 - SPEED * t)
        for t in range(FRAMES)
    ]
)[np.newaxis].astype(np.float32)  # channel, frame, row, column

# %%
# A kernel for each direction
# ---------------------------
#
# The kernel is a short film itself: a spot that moves through seven frames. From each of its pixels
# the mean over the frames is taken away. What stands still is multiplied by seven weights whose sum
# is zero, and gives zero, whatever it looks like.


def moving_spot(speed, frames=7, size=25):
    """Return a kernel for spots that move by ``speed`` pixels a frame, (frame, row, column)."""
    rows, columns = np.mgrid[:size, :size] - size // 2
    kernel = np.array(
        [
            np.exp(-(rows**2 + (columns - speed * t) ** 2) / 18)
            for t in range(-(frames // 2), frames // 2 + 1)
        ]
    )
    kernel -= kernel.mean(axis=0)
    return kernel / np.abs(kernel).sum()


weight = np.array([moving_spot(SPEED), moving_spot(-SPEED)])[:, np.newaxis].astype(np.float32)
answers = conv3d(film, weight, padding="same", border="edge")
still = conv3d(np.repeat(ground[np.newaxis, np.newaxis], 7, axis=1), weight)
print("film", film.shape, " weight", weight.shape, " answers", answers.shape)
print(f"largest answer to the film: {answers.max():.3f}, to a still one: {np.abs(still).max():.1e}")

figure, axes = plt.subplots(2, 7, figsize=(8, 2.8))
figure.suptitle("The two kernels, frame by frame: to the right, above, and to the left, below")
for row, kernel in zip(axes, weight[:, 0], strict=True):
    for panel, frame in zip(row, kernel, strict=True):
        panel.imshow(frame, cmap="PuOr_r", vmin=-0.0016, vmax=0.0016)
        panel.set_axis_off()

# %%
# What they found
# ---------------
#
# A maximum over all frames, by :func:`convcore.max_pool3d`, draws the path of what moved. Each
# kernel answers to its own spot, and much less to the other one.

paths = max_pool3d(np.maximum(answers, 0), (FRAMES, 1, 1))[:, 0]

figure, axes = plt.subplots(2, 2, figsize=(8, 6.4))
figure.suptitle("Two frames of a film in which two spots move, and what each kernel found in it")
for panel, frame in zip(axes[0], [8, 32], strict=True):
    panel.imshow(film[0, frame], vmin=0, vmax=1)
    panel.set_title(f"frame {frame}")
for panel, path, way in zip(axes[1], paths, ["right", "left"], strict=True):
    panel.imshow(path, cmap="Blues")
    panel.set_title(f"what moves to the {way}")
for panel in axes.flat:
    panel.set_axis_off()
plt.show()

# sphinx_gallery_thumbnail_number = 2
