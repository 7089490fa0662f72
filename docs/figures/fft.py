"""Operations for each output against the edge of a square kernel: direct sums and the FFT."""

import matplotlib.pyplot as plt
import numpy as np

EDGES = np.arange(3, 64, 2)


def tiled(edge):
    """Return the operations for each output with the best tile of N x N inputs."""
    tiles = [n for n in 2 ** np.arange(1, 13) if n >= edge]
    return min((8.5 * n**2 * np.log2(n**2) + 6 * n**2) / (2 * (n - edge + 1) ** 2) for n in tiles)


def draw():
    """Return the figure."""
    figure, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    axes.loglog(EDGES, 2 * EDGES**2, color="C0", label="direct")
    axes.loglog(EDGES, [tiled(edge) for edge in EDGES], color="C1", label="fft")
    axes.text(40, 2.3 * 40**2, "direct", color="C0", ha="right", va="bottom")
    axes.text(40, 125, "FFT", color="C1", ha="center", va="bottom")
    ticks = 3, 5, 7, 11, 15, 31, 63
    axes.set(
        title="one channel, a kernel of K x K taps",
        xlabel="K",
        ylabel="operations for each output",
        xticks=ticks,
        xticklabels=map(str, ticks),
        ylim=(10, 15000),
    )
    axes.minorticks_off()
    return figure
