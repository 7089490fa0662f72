"""f04: matrices of convolutions, equal weights in equal colours, by convcore.matrix."""

import matplotlib.pyplot as plt
import numpy as np
from boxes import bare, hues, tinted

from convcore import matrix

ROW, IMAGE = (1, 12), (1, 5, 5)


def numbered(*shape):
    """Return a kernel whose weights tell who is who: 1, 2, ..."""
    return np.arange(1.0, np.prod(shape) + 1).reshape(1, 1, *shape)


def draw():
    """Return the figure."""
    panels = {
        "Toeplitz: 3 weights, 12 cells": (numbered(3), ROW, {}),
        "stride 2, a zero on each side": (numbered(3), ROW, {"stride": 2, "padding": 1}),
        'doubly block Toeplitz:\n3 x 3 weights, 5 x 5 pixels, "same"': (
            numbered(3, 3),
            IMAGE,
            {"padding": "same"},
        ),
        'doubly block circulant:\nthe same on a ring, "wrap"': (
            numbered(3, 3),
            IMAGE,
            {"padding": "same", "border": "wrap"},
        ),
    }
    figure, all_axes = plt.subplots(
        2, 2, figsize=(8.2, 8.2), height_ratios=[1, 1.25], layout="constrained"
    )
    for axes, (title, (kernel, shape, more)) in zip(all_axes.flat, panels.items(), strict=True):
        entries = matrix.conv_matrix(kernel, shape, **more)
        outputs, cells = entries.shape
        axes.imshow(tinted(entries.toarray(), list(hues(kernel.size))), interpolation="none")
        bare(axes, title, frame=True)
        axes.set(xlabel=f"{cells} cells", ylabel=f"{outputs} outputs")
        # lines between the entries of a row of the image, or between all entries of a short one
        step = shape[-1] if len(shape) == 3 else 1
        for line in np.arange(step, cells, step):
            axes.axvline(line - 0.5, color="0.5", linewidth=0.5)
        for line in np.arange(step, outputs, step):
            axes.axhline(line - 0.5, color="0.5", linewidth=0.5)
    return figure
