"""Overlap-save: two tiles of a signal, their circular outputs, and which of them are kept."""

from boxes import arrow, box, canvas

N, K = 8, 3
KEPT = N - K + 1
LENGTH = N + KEPT


def tile(axes, number):
    """Draw a tile's inputs and its circular outputs below them."""
    start, row = KEPT * number, 1.7 + 1.25 * number
    color = ("C0", "C1")[number]
    for n in range(N):
        box(axes, 4.3 + start + n, row, f"x{start + n}", color=color, fill=0.2, size=15)
    axes.text(0.1, row + 0.5, f"tile {number}", va="center", fontsize=16, color=color)
    row += 3.7
    for t in range(N):
        left = 4.3 + start + t
        if t < KEPT:
            box(axes, left, row, f"z{start + t}", color="C2", fill=0.35, size=15)
        else:
            box(axes, left, row, "", color=color, size=15)
            for ends in (0.15, 0.85), (0.85, 0.15):
                axes.plot([left + 0.15, left + 0.85], [row + ends[0], row + ends[1]], color=color)
    axes.text(0.1, row + 0.5, f"of tile {number}", va="center", fontsize=16, color=color)


def draw():
    """Return the figure."""
    figure, axes = canvas(LENGTH + 4.6, 7.9)
    axes.text(0.1, 0.6, "inputs", va="center", fontsize=16)
    for n in range(LENGTH):
        shared = KEPT <= n < N
        box(axes, 4.3 + n, 0.1, f"x{n}", color="C3", fill=0.3 * shared, size=15)
    for number in range(2):
        tile(axes, number)
    arrow(axes, (4.3 + LENGTH / 2, 4.2), (4.3 + LENGTH / 2, 5.3), color="C2")
    axes.text(4.8 + LENGTH / 2, 4.75, "circular correlation, K = 3", va="center", fontsize=15)
    return figure
