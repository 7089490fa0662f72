"""f02: every pixel stamps the kernel; without the flip the stamp is rotated by half a turn."""

import numpy as np
from boxes import canvas, grid

from convcore import convolve, correlate

LETTER = np.array([[1, 1, 1], [1, 0, 0], [1, 1, 0], [1, 0, 0], [1, 0, 0]])


def panel(axes, column, row, name, values, color):
    """Draw one array below its name, deeper in colour where the number is larger."""
    labels = np.where(values != 0, values.astype(int).astype(str), "")
    axes.text(column, row + 0.7, name, va="center", fontsize=13)
    grid(axes, column, row + 1.6, labels, color=color, fills=values * 0.17, size=11, line=0.5)


def draw():
    """Return the figure."""
    image = np.zeros((9, 11))
    image[1, 1], image[2, 6], image[7, 9] = 1, 2, 3
    figure, axes = canvas(28.4, 26.4, unit=0.3)
    panel(axes, 0.2, 0, "image I, 9 x 11", image, "C0")
    panel(axes, 14.8, 0, "kernel K, 5 x 3", LETTER, "C1")
    panel(axes, 0.2, 11.4, "convolve(I, K), 13 x 13", convolve(image, LETTER), "C2")
    panel(axes, 14.8, 11.4, "correlate(I, K), 13 x 13", correlate(image, LETTER), "C3")
    return figure
