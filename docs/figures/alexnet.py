"""f37: where AlexNet's parameters and its multiply-adds are, by nn.summary."""

import matplotlib.pyplot as plt
import numpy as np

from convcore import nn


def draw():
    """Return the figure."""
    model = nn.models.alexnet(rng=0, dtype=np.float16)
    numbers = nn.summary(model, (3, 227, 227))
    rows = [row for row in numbers.rows if row.parameters]
    colors = ["C0" if row.name.startswith("Conv") else "C1" for row in rows]
    figure, panels = plt.subplots(1, 2, figsize=(9.4, 3.4), sharey=True, layout="constrained")
    for axes, of, words in zip(
        panels, ["parameters", "multiply_adds"], ["parameters", "multiply-adds"], strict=True
    ):
        values = [getattr(row, of) / 1e6 for row in rows]
        axes.barh([row.name for row in rows], values, color=colors)
        for place, value in enumerate(values):
            text = f"{value:.2f}" if value < 10 else f"{value:.0f}"
            axes.text(value + max(values) * 0.015, place, text, va="center", fontsize=10)
        total = getattr(numbers, of) / 1e6
        axes.set_title(f"{words}: {total:,.1f} millions", fontsize=12)
        axes.set_xlim(0, max(values) * 1.15)
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        axes.tick_params(left=False)
    panels[0].invert_yaxis()
    return figure
