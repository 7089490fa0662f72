"""f01: the same kernel slid over one pulse, not flipped and flipped, by convcore.conv1d."""

import numpy as np
from boxes import box, canvas, grid

from convcore import conv1d

PULSE = np.array([0, 0, 0, 1, 0, 0, 0])
KERNEL = np.array([1, 2, 3])


def slide(axes, column, flip):
    """Draw every place of the kernel under the pulse and the output that it gives."""
    output = conv1d(PULSE[None], KERNEL[None, None], flip=flip)[0].astype(int)
    seen = KERNEL[::-1] if flip else KERNEL
    name = "flip=True: convolution" if flip else "flip=False: cross-correlation"
    axes.text(column, 0.4, name, va="center", fontsize=17)
    grid(axes, column, 1, [PULSE], fills=[PULSE * 0.35], size=15)
    axes.text(column + 8.5, 1.5, "output", ha="center", va="center", fontsize=15)
    for t, value in enumerate(output):
        for j, weight in enumerate(seen):
            hit = PULSE[t + j] == 1
            box(axes, column + t + j, 2.3 + 1.15 * t, weight, color="C1", fill=0.45 * hit, size=15)
        box(axes, column + 8, 2.3 + 1.15 * t, value, color="C2", fill=0.35 * (value != 0), size=15)


def draw():
    """Return the figure."""
    figure, axes = canvas(20.4, 8.2)
    slide(axes, 0.2, flip=True)
    slide(axes, 11.2, flip=False)
    return figure
