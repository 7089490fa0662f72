"""f13: the Lp norm of a window, and the mean that belongs to it, as p grows, by lp_pool1d."""

import matplotlib.pyplot as plt
import numpy as np

from convcore import avg_pool1d, lp_pool1d, max_pool1d

WINDOW = np.array([[6.0, 1, 3, 2]])
POWERS = np.geomspace(1, 64, 60)


def draw():
    """Return the figure."""
    cells = WINDOW.size
    norm = np.array([lp_pool1d(WINDOW, cells, p=p).item() for p in POWERS])
    mean = norm / cells ** (1 / POWERS)
    largest, average = max_pool1d(WINDOW, cells).item(), avg_pool1d(WINDOW, cells).item()
    figure, axes = plt.subplots(figsize=(7.4, 3.7), layout="constrained")
    axes.plot(POWERS, norm, color="C0", linewidth=2)
    axes.plot(POWERS, mean, color="C1", linewidth=2)
    for height, words in [
        (WINDOW.sum(), f"sum, {WINDOW.sum():g}"),
        (largest, f"maximum, {largest:g}"),
        (average, f"average, {average:g}"),
    ]:
        axes.plot([1, 64], [height, height], color="0.5", linewidth=1, linestyle=":")
        axes.text(70, height, words, va="center", fontsize=10)
    for p in 1, 2:
        axes.plot(p, lp_pool1d(WINDOW, cells, p=p).item(), "o", color="C0")
    axes.text(2.1, 7.3, "L2 norm", fontsize=10)
    axes.text(1.3, 10.2, "norm", color="C0", fontsize=12)
    axes.text(4.2, 3.7, r"norm / $4^{1/p}$", color="C1", fontsize=12)
    axes.set(xscale="log", xlabel="p", ylim=(0, 13), xlim=(0.95, 140))
    axes.set_xticks([1, 2, 4, 8, 16, 32, 64], ["1", "2", "4", "8", "16", "32", "64"])
    axes.minorticks_off()
    return figure
