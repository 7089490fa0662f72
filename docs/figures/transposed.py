"""A transposed convolution of stride 2 by its phases, by convcore.conv_transpose1d."""

import numpy as np
from boxes import box, canvas

from convcore import conv_transpose1d

INPUTS, TAPS, STRIDE = "abcd", "xyz", 2
SIDE, STEP, LEFT = 1.9, 2.1, 2.9  # of an output's box, from one to the next, and of the first


def middle(place):
    """Return where the middle of an output is."""
    return LEFT + STEP * place + SIDE / 2


def products():
    """Return for each output the (input, tap) pairs in it: one input 1, one tap 1 at a time."""
    inputs, taps = np.eye(len(INPUTS)), np.eye(len(TAPS))
    found = [
        [conv_transpose1d(value[None], tap[None, None], stride=STRIDE)[0] for tap in taps]
        for value in inputs
    ]
    return [list(zip(*np.nonzero(seen), strict=True)) for seen in np.moveaxis(found, 2, 0)]


def draw():
    """Return the figure."""
    outputs = products()
    figure, axes = canvas(LEFT + STEP * len(outputs) + 0.2, 9.4, unit=0.42)
    words = [("inputs", 0.9), ("phase 0:\nx, z", 4.6), ("phase 1:\ny", 6.3), ("outputs", 8.3)]
    for text, height in words:
        axes.text(0.1, height, text, va="center", fontsize=12)
    above = [middle(STRIDE * o + (len(TAPS) - 1) / 2) for o in range(len(INPUTS))]
    for u, seen in enumerate(outputs):
        phase = u % STRIDE
        color, top = f"C{1 + phase}", 4.1 + 1.7 * phase
        for o, m in seen:
            start, end = np.array([above[o], 1.4]), np.array([middle(u), top])
            axes.plot(*zip(start, end, strict=True), color=color, linewidth=1.6)
            beside = [-0.25 if end[0] < start[0] else 0.25, 0]
            axes.text(
                *(start + 0.3 * (end - start) + beside),
                TAPS[m],
                ha="center",
                va="center",
                fontsize=11,
            )
        axes.plot([middle(u)] * 2, [top + 1, 7.8], color=color, linewidth=1.6, linestyle=":")
        text = " + ".join(INPUTS[o] + TAPS[m] for o, m in seen)
        box(axes, middle(u) - SIDE / 2, top, text, color=color, fill=0.3, width=SIDE, size=10)
        box(axes, middle(u) - SIDE / 2, 7.8, u, color=color, fill=0.15, width=SIDE)
    for o, value in enumerate(INPUTS):
        box(axes, above[o] - 0.6, 0.4, value, fill=0.2, width=1.2, size=12)
    return figure
