"""f08: what a layer stores and what it multiplies, from dense to shared, by geometry.count."""

import matplotlib.pyplot as plt
import numpy as np

from convcore.geometry import Layer, count

SIZE = (64, 56, 56)
MORE = {"padding": "same"}
LAYERS = {
    "dense": Layer("conv2d", weight=(64 * 56 * 56, *SIZE)),
    "local": Layer("local_conv2d", weight=(64, 56, 56, 64, 3, 3), **MORE),
    "tiled, t = 4": Layer("tiled_conv2d", weight=(64, 4, 4, 64, 3, 3), **MORE),
    "tiled, t = 2": Layer("tiled_conv2d", weight=(64, 2, 2, 64, 3, 3), **MORE),
    "convolution": Layer("conv2d", weight=(64, 64, 3, 3), **MORE),
}


def draw():
    """Return the figure."""
    figure, axes = plt.subplots(figsize=(8.4, 3.6), layout="constrained")
    counts = [count(layer, SIZE) for layer in LAYERS.values()]
    places = np.arange(len(counts))
    for shift, of, color in (-0.2, "weights", "C0"), (0.2, "multiply_adds", "C1"):
        values = [getattr(one, of) for one in counts]
        axes.barh(places + shift, values, 0.36, color=color, label=of.replace("_", "-"))
        for place, value in zip(places + shift, values, strict=True):
            axes.text(value * 1.3, place, f"{value:,}", va="center", fontsize=9)
    axes.set(xscale="log", xlim=(1e3, 3e13), xlabel="number, each line ten times the one before")
    axes.set_yticks(places, list(LAYERS))
    axes.set_xticks(10.0 ** np.arange(3, 12))
    axes.minorticks_off()
    axes.grid(axis="x", linewidth=0.4)
    axes.set_axisbelow(True)
    axes.tick_params(left=False)
    axes.invert_yaxis()
    axes.legend(frameon=False, fontsize=10, loc="lower right")
    return figure
