"""f28, f29: which kernel and which bias each output takes, read off convcore.tiled_conv2d."""

import numpy as np
from boxes import box, canvas, hues

from convcore import tiled_conv2d

OUTPUTS = 6
PERIODS = {"convolution, t = 1": 1, "tiled, t = 2": 2, "tiled, t = 3": 3, "local, t = 6": OUTPUTS}


def taken(period):
    """Return the number of the kernel that each output takes; its bias has the same number."""
    number = np.arange(1.0, period**2 + 1).reshape(1, period, period)
    kernels = number[..., np.newaxis, np.newaxis, np.newaxis]  # of one weight each
    ones = np.ones((1, OUTPUTS, OUTPUTS))
    by_weight = tiled_conv2d(ones, kernels)
    by_bias = tiled_conv2d(0 * ones, 0 * kernels, number)
    assert (by_weight == by_bias).all()
    return by_weight[0].astype(int)


def draw():
    """Return the figure."""
    figure, axes = canvas(4 * OUTPUTS + 5.4, OUTPUTS + 2.9, unit=0.33)
    for panel, (title, period) in enumerate(PERIODS.items()):
        left, numbers = 0.3 + panel * (OUTPUTS + 1.5), taken(period)
        colors = list(hues(period**2))
        axes.text(left + OUTPUTS / 2, 0.7, title, ha="center", va="center", fontsize=12)
        for row, column in np.ndindex(numbers.shape):
            number = numbers[row, column]
            box(axes, left + column, 1.4 + row, number, color=colors[number - 1], fill=0.4, size=9)
        words = f"{period**2} kernels, {period**2} biases" if period > 1 else "1 kernel, 1 bias"
        axes.text(left + OUTPUTS / 2, OUTPUTS + 2.1, words, ha="center", va="center", fontsize=11)
    return figure
