"""f19: fig. 9.12 of the book, a stride in one step and in two, by convcore.conv1d."""

import numpy as np
from boxes import box, canvas

from convcore import conv1d

CELLS, KERNEL, STRIDE, PADDING = 5, 3, 2, 1
SIDE = 1.3  # of a box
WEIGHT = np.ones((1, 1, KERNEL))


def middle(cell):
    """Return where the middle of a cell's box is."""
    return 5.6 + 2.3 * cell


def seen(stride):
    """Return, for each output of ``conv1d``, the cells that it sees."""
    answers = conv1d(np.eye(CELLS)[:, None], WEIGHT, stride=stride, padding=PADDING)[:, 0]
    return [np.flatnonzero(column) for column in answers.T]


def row(axes, top, name, color, places, words, fills=None):
    """Draw a row of units at places counted in cells."""
    axes.text(0.2, top + SIDE / 2, words, va="center", fontsize=12)
    for number, place in enumerate(places):
        fill = 0.2 if fills is None else fills[number]
        box(
            axes,
            middle(place) - SIDE / 2,
            top,
            f"${name}_{number}$",
            color=color,
            fill=fill,
            width=SIDE,
            height=SIDE,
            size=12,
        )


def draw():
    """Return the figure."""
    figure, axes = canvas(17, 15.6, unit=0.42)
    # in one step
    at_once, full = seen(STRIDE), seen(1)
    row(axes, 0.3, "s", "C1", [STRIDE * o for o in range(len(at_once))], "stride 2")
    row(axes, 4.3, "x", "C0", range(CELLS), "input")
    for o, cells in enumerate(at_once):
        for cell in cells:
            axes.plot(
                [middle(STRIDE * o), middle(cell)], [0.3 + SIDE, 4.3], color="C1", linewidth=1.6
            )
    # in two steps
    row(axes, 7.3, "s", "C1", [STRIDE * o for o in range(len(at_once))], "downsampled")
    kept = [o % STRIDE == 0 for o in range(CELLS)]
    row(axes, 10.3, "z", "C2", range(len(full)), "stride 1", [0.2 if k else 0.0 for k in kept])
    row(axes, 14.0, "x", "C0", range(CELLS), "input")
    for o, cells in enumerate(full):
        assert not kept[o] or list(cells) == list(at_once[o // STRIDE])
        style = (
            {"linestyle": "-", "linewidth": 1.6}
            if kept[o]
            else {"linestyle": ":", "linewidth": 1.2}
        )
        for cell in cells:
            axes.plot([middle(o), middle(cell)], [10.3 + SIDE, 14.0], color="C2", **style)
        if kept[o]:
            axes.plot([middle(o)] * 2, [7.3 + SIDE, 10.3], color="C1", linewidth=1.6)
        else:
            left, right = middle(o) - 0.85 * SIDE, middle(o) + 0.85 * SIDE
            axes.plot([left, right], [10.2, 10.4 + SIDE], color="C3", linewidth=1.6)
            axes.plot([left, right], [10.4 + SIDE, 10.2], color="C3", linewidth=1.6)
    return figure
