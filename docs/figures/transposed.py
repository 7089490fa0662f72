"""A transposed convolution of stride 2 by its phases, by convcore.conv_transpose1d."""

import numpy as np
from boxes import box, canvas

from convcore import conv_transpose1d

INPUTS, TAPS, STRIDE = "abcd", "xyz", 2
SIDE, STEP = 1.7, 2.0  # of an output's box, and from one to the next


def terms(output):
    """The products in an output, found by giving each input and weight a number of its own."""
    seen = []
    for o, value in enumerate(INPUTS):
        for m, weight in enumerate(TAPS):
            one = np.eye(len(INPUTS))[None, o], np.eye(len(TAPS))[None, None, m]
            if conv_transpose1d(*one, stride=STRIDE)[0, output]:
                seen.append(value + weight)
    return " + ".join(seen)


def draw():
    """Return the figure."""
    ones = np.ones((1, len(INPUTS))), np.ones((1, 1, len(TAPS)))
    outputs = conv_transpose1d(*ones, stride=STRIDE).shape[1]
    figure, axes = canvas(outputs * STEP + 2.8, 9.9, unit=0.42)
    for o, value in enumerate(INPUTS):
        box(axes, 5.6 + 1.1 * o, 0.4, value, fill=0.2, size=12)
    for m, weight in enumerate(TAPS):
        box(axes, 13.0 + 1.1 * m, 0.4, weight, color=f"C{1 + m % STRIDE}", fill=0.35, size=12)
    axes.text(5.3, 0.95, "inputs", ha="right", va="center", fontsize=12)
    axes.text(12.7, 0.95, "kernel", ha="right", va="center", fontsize=12)
    for phase in range(STRIDE):
        color, row = f"C{1 + phase}", 2.9 + 2.2 * phase
        weights = ", ".join(TAPS[phase::STRIDE])
        axes.text(0.2, row + 0.5, f"phase {phase}\n({weights})", va="center", fontsize=11)
        for u in range(phase, outputs, STRIDE):
            left = 2.6 + STEP * u
            axes.plot([left + SIDE / 2] * 2, [row + 1.0, 8.2], color=color, linewidth=1.2)
            box(axes, left, row, terms(u), color=color, fill=0.3, width=SIDE, size=10)
    axes.text(0.2, 8.7, "outputs", va="center", fontsize=11)
    for u in range(outputs):
        left = 2.6 + STEP * u
        box(axes, left, 8.2, str(u), color=f"C{1 + u % STRIDE}", fill=0.3, width=SIDE, size=11)
    return figure
