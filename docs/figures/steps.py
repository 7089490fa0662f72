"""f30: the size of a map against the size of its input, by geometry.output_size."""

import matplotlib.pyplot as plt
import numpy as np

from convcore.geometry import output_size

KERNEL = 3
SIZES = np.arange(KERNEL, 25)


def draw():
    """Return the figure."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.0), layout="constrained")
    for stride, color in (1, "C0"), (2, "C1"), (3, "C2"):
        sizes = [output_size(int(n), KERNEL, stride) for n in SIZES]
        left.step(SIZES, sizes, where="post", color=color, label=f"stride {stride}")
        left.plot(SIZES, (SIZES - KERNEL) / stride + 1, color=color, linewidth=0.8, linestyle=":")
    left.set(
        title="a kernel of width 3; dotted: not rounded",
        xlabel="cells of the input",
        ylabel="outputs",
        xticks=range(3, 25, 3),
    )
    left.legend(frameon=False)
    stride = 3
    for ceil_mode, color, mark, words in [
        (False, "C2", "o", "rounded down"),
        (True, "C3", "x", "rounded up, ceil_mode"),
    ]:
        sizes = [output_size(int(n), KERNEL, stride, ceil_mode=ceil_mode) for n in SIZES]
        right.plot(
            SIZES,
            sizes,
            mark,
            color=color,
            label=words,
            markersize=6,
            fillstyle="none",
            markeredgewidth=1.6,
        )
    right.plot(SIZES, (SIZES - KERNEL) / stride + 1, color="C2", linewidth=0.8, linestyle=":")
    right.set(
        title="a pooling of width 3 and stride 3",
        xlabel="cells of the input",
        xticks=range(3, 25, 3),
        yticks=range(1, 9),
    )
    right.grid(axis="y", linewidth=0.4)
    right.legend(frameon=False)
    return figure
