"""f35: how many weights each layer of AlexNet has and how often it uses them, by nn.summary."""

import matplotlib.pyplot as plt
import numpy as np

from convcore import nn

NUDGES = {
    "Conv-4": (8, 6),
    "Conv-3, Conv-5": (-98, -5),
    "FC-1": (-12, 9),
    "FC-2": (-30, -16),
    "FC-3": (-36, 8),
}


def draw():
    """Return the figure."""
    numbers = nn.summary(nn.models.alexnet(rng=0, dtype=np.float16), (3, 227, 227))
    figure, axes = plt.subplots(figsize=(7.4, 4.4), layout="constrained")
    weights = np.array([1e4, 1e8])
    for products in 10.0 ** np.arange(6, 10):
        axes.plot(weights, products / weights, color="0.5", linewidth=0.8, linestyle=":")
        axes.text(
            products / 54,
            60,
            f"{products / 1e6:,.0f} million products",
            fontsize=9,
            rotation=-28,
            rotation_mode="anchor",
            alpha=0.8,
        )
    places = {}  # layers with the same two numbers are one point
    for row in numbers.rows:
        if row.weights:
            place = row.weights, row.multiply_adds / row.weights
            places.setdefault(place, []).append(row.name)
    for place, layers in places.items():
        name, dense = ", ".join(layers), layers[0].startswith("FC")
        axes.loglog(*place, "s" if dense else "o", color="C1" if dense else "C0", markersize=8)
        axes.annotate(
            name, place, NUDGES.get(name, (8, 5)), textcoords="offset points", fontsize=10
        )
    axes.set(xlim=(1e4, 1e8), ylim=(0.5, 8e3), xlabel="weights", ylabel="uses of each for an image")
    return figure
