"""f24: what each padding from "valid" to "full" does for the cells and for the outputs."""

import matplotlib.pyplot as plt

from convcore import geometry

CELLS, KERNEL = 20, 7
PADDINGS = {0: '0, "valid"', 1: "1", 2: "2", 3: '3, "same"', 6: '6, "full"'}
STYLES = ["-o", "--^", ":D", "-s", "-v"]
COLORS = ["C1", "C3", "0.55", "C0", "C2"]  # grey is no colour of the cycle, and shows on both pages


def draw():
    """Return the figure."""
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(9.6, 3.7), sharey=True, layout="constrained"
    )
    for (p, name), style, color in zip(PADDINGS.items(), STYLES, COLORS, strict=True):
        usage = geometry.input_usage(CELLS, KERNEL, padding=p)
        seen = [window.cells for window in geometry.windows(CELLS, KERNEL, padding=p)]
        for axes, counts in (left, usage), (right, seen):
            axes.plot(range(len(counts)), counts, style, color=color, markersize=4, label=name)
    left.set(
        title="how many outputs use a cell",
        xlabel="cell",
        ylabel="outputs",
        ylim=(0, KERNEL + 0.6),
        xticks=range(0, 20, 5),
    )
    right.set(title="how many cells an output sees", xlabel="output", xticks=range(0, 26, 5))
    right.set(ylabel="cells")
    left.legend(title="zeros on each side", frameon=False, fontsize=10, loc="lower center")
    return figure
