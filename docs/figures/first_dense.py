"""f36: the weights of the first dense layer against the size of the maps before it."""

import matplotlib.pyplot as plt

from convcore.geometry import Layer, count

UNITS, MAPS = 4096, 256
SIDES = range(1, 14)
MARKED = {
    13: ("no last pooling", "right", (-12, 0)),
    6: ("AlexNet's FC-1", "right", (-8, 10)),
    1: ("global pooling", "left", (8, -5)),
}  # words and where they stand


def weights(maps, side):
    """Return the weights of a dense layer behind maps of side x side cells."""
    return count(Layer("conv2d", (UNITS, maps, side, side)), (maps, side, side)).weights


def draw():
    """Return the figure."""
    figure, axes = plt.subplots(figsize=(7.2, 3.7), layout="constrained")
    values = [weights(MAPS, side) / 1e6 for side in SIDES]
    axes.plot(SIDES, values, "o-", color="C0", markersize=4)
    for side, (words, at, offset) in MARKED.items():
        value = values[side - 1]
        axes.plot(side, value, "o", color="C1", markersize=9)
        axes.annotate(
            f"{words}: {value:,.1f} millions",
            (side, value),
            offset,
            textcoords="offset points",
            ha=at,
            va="center",
            fontsize=10,
        )
    pure = weights(UNITS, 1) / 1e6
    axes.axhline(pure, color="C2", linewidth=1.4, linestyle="--")
    axes.text(
        13.4,
        pure - 3,
        f"FC-2, a pure one: {pure:,.1f} millions",
        color="C2",
        fontsize=10,
        ha="right",
        va="top",
    )
    axes.set(
        xlabel="rows and columns K of the maps",
        ylabel="weights, millions",
        ylim=(-12, 190),
        xticks=list(SIDES),
    )
    return figure
