"""The picture of the first page and of the README: a photograph, and what six layers make of it.

Each is shown with its call, options left out. ``tools/readme_picture.py`` writes the README's.
"""

import matplotlib.pyplot as plt
import numpy as np
from boxes import bare
from focus import bells
from oriented import oriented_kernel
from skimage import data

from convcore import (
    avg_pool2d,
    conv2d,
    conv2d_backward,
    conv_transpose2d,
    local_conv2d,
    max_pool2d,
    tiled_conv2d,
)

SIGNED = {"cmap": "PuOr_r", "vmin": -0.25, "vmax": 0.25}
GRAY = {"cmap": "gray", "vmin": 0, "vmax": 1}


def linear(times):
    """Return the kernel that interpolates linearly between cells ``times`` apart."""
    line = np.interp(np.arange(2 * times) + 0.5, [0, times, 2 * times], [0, 1, 0])
    return np.outer(line, line)[np.newaxis, np.newaxis].astype(np.float32)


def panels():
    """Return the photograph and, of each layer, its call, its result and how to show it."""
    photo = avg_pool2d(data.camera().astype(np.float32)[np.newaxis] / 255, 2)
    edges = np.stack([oriented_kernel(angle) for angle in (0, 45, 90, 135)])[:, np.newaxis]
    maps = conv2d(photo, edges, padding="same", border="reflect")
    turns = edges.reshape(1, 2, 2, 1, 7, 7)  # (out, phase of rows, of columns, in, rows, columns)
    largest = max_pool2d(photo, 8)
    kernels = bells((116, 116))[np.newaxis, :, :, np.newaxis].astype(np.float32)
    back, _, _ = conv2d_backward(maps, photo, edges, padding="same", border="reflect")
    return photo, [
        ("conv2d(x, edges)", maps[0], SIGNED),
        ("max_pool2d(x, 8)", largest[0], GRAY),
        ("local_conv2d(x, kernels)", local_conv2d(avg_pool2d(photo, 2), kernels)[0], GRAY),
        ("tiled_conv2d(x, edges)", tiled_conv2d(photo, turns)[0, 30:110, 70:150], SIGNED),
        (
            "conv_transpose2d(y, w)",
            conv_transpose2d(largest, linear(8), stride=8, padding=4)[0],
            GRAY,
        ),
        ("conv2d_backward(g, x, w)", back[0], SIGNED),
    ]


def draw():
    """Return the figure."""
    photo, results = panels()
    figure = plt.figure(figsize=(9.6, 4.1), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[3.85, 5.75])
    shown = [(left.subplots(), "x: a photograph, 256 x 256", photo[0], GRAY)]
    for axes, (call, picture, how) in zip(right.subplots(2, 3).flat, results, strict=True):
        shown.append((axes, call, picture, how))
    for axes, title, picture, how in shown:
        axes.imshow(picture, interpolation="none", **how)
        bare(axes, title, size=8.5)
        axes.title.set_family("monospace")
    return figure
