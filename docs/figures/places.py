"""f21, f22, f23: every place of a kernel for "valid", "same" and "full", by geometry.windows."""

from boxes import box, canvas

from convcore import geometry

CELLS, KERNEL = 7, 3
PADDINGS = ["valid", "same", "full"]
ROW = 1.15  # from a place to the next


def draw():
    """Return the figure."""
    side = KERNEL - 1
    figure, axes = canvas(3 * (CELLS + 2 * side + 1), 2.6 + ROW * (CELLS + side) + 1, unit=0.3)
    for number, padding in enumerate(PADDINGS):
        left = number * (CELLS + 2 * side + 1) + side + 0.5
        windows = geometry.windows(CELLS, KERNEL, padding=padding)
        before = KERNEL - windows[0].cells if padding != "valid" else 0
        after = len(windows) + KERNEL - 1 - CELLS - before
        axes.text(
            left + CELLS / 2,
            0.6,
            f'"{padding}": {len(windows)} outputs',
            ha="center",
            va="center",
            fontsize=12,
        )
        for zero in [*range(-before, 0), *range(CELLS, CELLS + after)]:
            axes.plot(
                [
                    left + zero + 0.08,
                    left + zero + 0.92,
                    left + zero + 0.92,
                    left + zero + 0.08,
                    left + zero + 0.08,
                ],
                [1.3, 1.3, 2.14, 2.14, 1.3],
                color="C3",
                linestyle=":",
                linewidth=1,
            )
            axes.text(left + zero + 0.5, 1.74, "0", ha="center", va="center", fontsize=10)
        for cell in range(CELLS):
            box(axes, left + cell, 1.2, "", fill=0.3)
        for o in range(len(windows)):
            for tap in range(KERNEL):
                cell = o - before + tap
                real = windows[o].first <= cell <= windows[o].last
                box(
                    axes,
                    left + cell,
                    2.6 + ROW * o,
                    "",
                    color="C1",
                    fill=0.45 if real else 0.0,
                    line=0.8,
                )
    return figure
