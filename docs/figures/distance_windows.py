"""f14: the four windows of convcore.distance_window, and the weights along their middle rows."""

import matplotlib.pyplot as plt
import numpy as np

from convcore import distance_window

SIZE = 9
KINDS = ["gaussian", "inverse", "linear", "binomial"]


def draw():
    """Return the figure."""
    figure, axes = plt.subplots(
        2, 4, figsize=(9.2, 4.4), height_ratios=[2, 1], sharex="col", layout="constrained"
    )
    offsets = np.arange(SIZE) - SIZE // 2
    edges = -SIZE / 2, SIZE / 2
    for column, kind in enumerate(KINDS):
        window = distance_window((SIZE, SIZE), kind)
        above, below = axes[:, column]
        above.imshow(
            window / window.max(),
            cmap="viridis",
            vmin=0,
            vmax=1,
            extent=edges + edges,
            interpolation="none",
        )
        above.set_title(f"{kind}\nlargest weight {window.max():.3f}", fontsize=10)
        above.set_yticks([])
        above.tick_params(bottom=False)
        above.spines[:].set_visible(False)
        below.bar(offsets, window[SIZE // 2], width=0.8, color=f"C{column}")
        below.set(
            xlabel="cells from the centre",
            xticks=[-4, -2, 0, 2, 4],
            ylim=(0, 0.085),
            yticks=[0, 0.04, 0.08],
        )
        below.label_outer()
    axes[1, 0].set_ylabel("weight")
    return figure
