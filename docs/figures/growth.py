"""f06: connections of a dense and of a sparse layer as the input grows, by geometry.count."""

import matplotlib.pyplot as plt

from convcore.geometry import Layer, count

SIZES = [16, 32, 64, 128, 256, 512, 1024]
KERNELS = [3, 9]


def draw():
    """Return the figure."""
    figure, axes = plt.subplots(figsize=(7, 3.8), layout="constrained")
    dense = [count(Layer("conv1d", weight=(n, 1, n)), (1, n)).connections for n in SIZES]
    lines = [(dense, "dense: each output sees every cell", "C1", "s-")]
    for kernel, color, style in zip(KERNELS, ["C0", "C2"], ["o-", "^-"], strict=True):
        layer = Layer("conv1d", weight=(1, 1, kernel), padding="same")
        few = [count(layer, (1, n)).connections for n in SIZES]
        lines.append((few, f"each output sees {kernel} cells", color, style))
    for numbers, words, color, style in lines:
        axes.loglog(SIZES, numbers, style, color=color, label=words)
        axes.text(SIZES[-1] * 1.12, numbers[-1], f"{numbers[-1]:,}", va="center", fontsize=10)
    axes.set(xlabel="cells, and outputs", ylabel="connections", xlim=(14, 2600))
    axes.set_xticks(SIZES, [str(n) for n in SIZES])
    axes.minorticks_off()
    axes.grid(linewidth=0.4)
    axes.legend(frameon=False, fontsize=10)
    return figure
