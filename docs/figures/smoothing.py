"""f01: a noisy signal and its weighted average, computed by convcore.convolve."""

import matplotlib.pyplot as plt
import numpy as np

from convcore import convolve

AT = 43  # the second whose average is shown being formed


def draw():
    """Return the figure."""
    rng = np.random.default_rng(4)
    seconds = np.arange(70)
    truth = 17 + 3 * np.sin(seconds / 11)
    x = truth + rng.normal(0, 0.9, seconds.size)
    w = np.arange(8, 0, -1.0)  # the newest reading counts most
    w /= w.sum()
    s = convolve(x, w, mode="valid")  # s[0] belongs to the second w.size - 1

    figure, (left, right) = plt.subplots(
        1, 2, figsize=(9.2, 3.4), width_ratios=[3.4, 1], layout="constrained"
    )
    left.plot(seconds, x, ".", color="C0", label="x(t), the readings")
    left.plot(seconds[w.size - 1 :], s, color="C1", linewidth=2, label="s(t), weighted average")
    window = np.arange(AT - w.size + 1, AT + 1)
    left.axvspan(window[0] - 0.5, AT + 0.5, color="C2", alpha=0.18, linewidth=0)
    left.scatter(
        window,
        x[window],
        s=900 * w[::-1],
        facecolor="none",
        edgecolor="C2",
        label="ring size: the weight",
    )
    left.plot(AT, s[AT - w.size + 1], "D", color="C1", markersize=7, label=f"s({AT})")
    left.set(xlabel="t (seconds)", ylabel="temperature")
    left.legend(loc="lower left", fontsize=9)

    right.vlines(np.arange(w.size), 0, w, color="C2", linewidth=4)
    right.scatter(np.arange(w.size), w, s=900 * w, facecolor="none", edgecolor="C2")
    right.set(
        xlabel="age b (seconds)",
        ylabel="w(b)",
        ylim=(0, 0.26),
        xlim=(-0.9, 7.9),
        xticks=[0, 2, 4, 6],
    )
    return figure
