"""f03: fig. 9.1 of the book, its letters and, below them, numbers computed by convcore.conv2d."""

import numpy as np
from boxes import arrow, box, canvas, grid

from convcore import conv2d

LETTERS = np.array([list("abcd"), list("efgh"), list("ijkl")])
SYMBOLS = np.array([list("wx"), list("yz")])
IMAGE = np.array([[3, 1, 4, 1], [5, 9, 2, 6], [5, 3, 5, 8]])
KERNEL = np.array([[1, 2], [0, -1]])


def formula(i, j):
    """Return the sum of output (i, j) in letters, without the flip."""
    terms = [LETTERS[i + m, j + n] + SYMBOLS[m, n] for m in range(2) for n in range(2)]
    return " + ".join(terms)


def labelled(letters, numbers):
    """Return labels such as ``a = 3``."""
    return [
        [f"{a} = {b}" for a, b in zip(*row, strict=True)]
        for row in zip(letters, numbers, strict=True)
    ]


def draw():
    """Return the figure."""
    output = conv2d(IMAGE[None], KERNEL[None, None])[0].astype(int)
    figure, axes = canvas(15.4, 9.7)
    left = 1.4
    window = np.zeros(IMAGE.shape)
    window[:2, :2] = 0.3
    axes.text(left, 0.5, "input, 3 x 4", va="center")
    grid(axes, left, 1, labelled(LETTERS, IMAGE), fills=window, width=1.7)
    axes.text(11.6, 0.5, "kernel, 2 x 2", va="center")
    grid(axes, 11.6, 1, labelled(SYMBOLS, KERNEL), color="C1", fills=0.3, width=1.7)
    for i, j in np.ndindex(output.shape):
        fill = 0.3 if (i, j) == (0, 0) else 0.0
        label = f"{formula(i, j)}\n= {output[i, j]}"
        box(
            axes,
            left + 4.65 * j,
            6 + 1.4 * i,
            label,
            color="C2",
            fill=fill,
            width=4.3,
            size=11,
            height=1.2,
        )
    axes.text(left, 9.3, "output, 2 x 3: not flipped, only where the kernel fits", va="center")
    arrow(axes, (left - 0.05, 2.0), (left - 0.05, 6.6), color="C0", bend=0.3)
    arrow(axes, (13.3, 3.08), (left + 4.0, 5.95), bend=-0.15)
    axes.text(left + 0.2, 4.9, "the window ...", va="center", color="C0")
    axes.text(11.3, 5.0, "... times the kernel,\nadded up", va="center", color="C1")
    return figure
