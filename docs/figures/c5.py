"""f34: C5 on a map of 5 x 5 is a dense layer, on one of 6 x 6 it isn't, by convcore.matrix."""

import matplotlib.pyplot as plt
import numpy as np
from boxes import bare, hues, tinted
from matplotlib.patches import Rectangle

from convcore import matrix

KERNEL = np.arange(1.0, 26).reshape(1, 1, 5, 5)
LABELLED = 1, 13, 25  # weights that are named by their number, so that one can follow them


def draw():
    """Return the figure."""
    figure, axes = plt.subplots(
        2, 2, figsize=(9.4, 4.4), width_ratios=[1.35, 4], layout="constrained"
    )
    colors = list(hues(25))
    for (left, right), side in zip(axes, [5, 6], strict=True):
        entries = matrix.conv_matrix(KERNEL, (1, side, side))
        outputs, cells = entries.shape
        places = side - 4
        left.set(xlim=(-0.2, side + 0.2), ylim=(side + 0.2, -0.2), aspect="equal")
        for row, column in np.ndindex(side, side):
            left.add_patch(
                Rectangle((column, row), 1, 1, fill=False, edgecolor="0.5", linewidth=0.6)
            )
        for number, (row, column) in enumerate(np.ndindex(places, places)):
            inset = 0.12 + 0.12 * number
            left.add_patch(
                Rectangle(
                    (column + inset, row + inset),
                    5 - 2 * inset,
                    5 - 2 * inset,
                    fill=False,
                    edgecolor=f"C{number}",
                    linewidth=2,
                )
            )
        bare(left, f"a map of {side} x {side}: {outputs} place{'s' * (outputs > 1)}")
        right.imshow(tinted(entries.toarray(), colors), interpolation="none", aspect="auto")
        zeros = outputs * cells - entries.nnz
        bare(
            right,
            f"{outputs} x {cells} entries, {zeros} of them zero, {KERNEL.size} weights",
            frame=True,
        )
        right.set(xlabel=f"{cells} cells, row by row")
        right.set_yticks(range(outputs), [f"place {o}" for o in range(outputs)])
        for o, label in enumerate(right.get_yticklabels()):
            label.set_color(f"C{o}")
        for weight in LABELLED:
            for o, cell in np.argwhere(entries.toarray() == weight):
                right.text(
                    cell, o, f"{weight}", ha="center", va="center", fontsize=10, color="black"
                )
        for line in np.arange(1, outputs):
            right.axhline(line - 0.5, color="0.5", linewidth=0.6)
        for line in np.arange(side, cells, side):
            right.axvline(line - 0.5, color="0.5", linewidth=0.6)
    return figure
