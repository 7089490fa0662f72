"""Which outputs' gradients flow into a cell, and by which weights, for stride 2."""

import numpy as np
from boxes import arrow, box, canvas

from convcore import conv2d_backward

CELLS, KERNEL, STRIDE, OUTPUTS = 7, 3, 2, 3
LETTERS = "abcdefghi"
MARKED = 2  # the cell's row and column within the first phase; the others lie beside it
SIDE, GAP = 1.5, 1.8  # of an output's box, and before the outputs
WIDE, HIGH = 14.8, 9.4  # boxes from a panel to the next


def flows():
    """Return for each (output, weight, cell), all flat, whether the one reaches the other."""
    outputs = np.eye(OUTPUTS**2).reshape(-1, 1, OUTPUTS, OUTPUTS)
    weights = np.eye(KERNEL**2).reshape(-1, 1, 1, KERNEL, KERNEL)
    cells = np.zeros((OUTPUTS**2, 1, CELLS, CELLS))
    found = [conv2d_backward(outputs, cells, weight, stride=STRIDE)[0] for weight in weights]
    return np.moveaxis(found, 0, 1).reshape(OUTPUTS**2, KERNEL**2, CELLS, CELLS) != 0


def draw():
    """Return the figure."""
    reach = flows()
    figure, axes = canvas(2 * WIDE - 0.9, 2 * HIGH + 0.4, unit=0.34)
    for phase, (down, along) in enumerate(np.ndindex(STRIDE, STRIDE)):
        left, top = along * WIDE + 0.3, down * HIGH + 1.5
        color = f"C{phase}"
        marked = MARKED + down, MARKED + along
        inside = reach[:, :, down::STRIDE, along::STRIDE].any(axis=(0, 2, 3))
        used = " ".join(np.array(list(LETTERS))[inside])
        axes.text(
            left, top - 0.75, f"phase ({down}, {along}): weights {used}", va="center", fontsize=12
        )
        for u in np.ndindex(CELLS, CELLS):
            mine = (u[0] % STRIDE, u[1] % STRIDE) == (down, along)
            box(
                axes,
                left + u[1],
                top + u[0],
                "",
                color=color if mine else "C0",
                fill=0.85 if u == marked else 0.25 if mine else 0.0,
                line=0.5,
            )
        corners = []
        for o, at in enumerate(np.ndindex(OUTPUTS, OUTPUTS)):
            x, y = left + CELLS + GAP + SIDE * at[1], top + 1.25 + SIDE * at[0]
            taps = np.flatnonzero(reach[o, :, *marked])
            corners += [(x, y)] * len(taps)
            box(
                axes,
                x,
                y,
                "".join(LETTERS[m] for m in taps),
                color=color,
                size=12,
                width=SIDE,
                height=SIDE,
                fill=0.4 if len(taps) else 0.0,
                line=1.6 if len(taps) else 0.6,
            )
        x, y = np.min(corners, axis=0)
        y = (y + np.max(corners, axis=0)[1] + SIDE) / 2
        arrow(axes, (x, y), (left + marked[1] + 1, top + marked[0] + 0.5), color=color, width=2)
        words = (r"$\bar V$", CELLS / 2), ("$G$", CELLS + GAP + OUTPUTS * SIDE / 2)
        for text, middle in words:
            axes.text(left + middle, top + CELLS + 0.5, text, ha="center", va="center", fontsize=13)
    return figure
