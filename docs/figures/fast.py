"""The error of Winograd's algorithm and of direct sums against the number of channels."""

import matplotlib.pyplot as plt
import numpy as np

from convcore import conv2d

CHANNELS = 16, 32, 64, 128, 256
STATED = 1e-6  # what the accuracy page states


def errors(algorithm):
    """The relative error in float32 for each number of channels."""
    rng = np.random.default_rng(0)
    for channels in CHANNELS:
        x = rng.standard_normal((channels, 26, 26))
        weight = rng.standard_normal((16, channels, 3, 3))
        x, weight = x.astype(np.float32), weight.astype(np.float32)
        exact = conv2d(x.astype(float), weight.astype(float), algorithm="direct")
        y = conv2d(x, weight, algorithm=algorithm)
        yield np.linalg.norm(y - exact) / np.linalg.norm(exact)


def draw():
    """Return the figure."""
    figure, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    for algorithm, color, mark in ("winograd", "C1", "o"), ("direct", "C0", "s"):
        axes.plot(CHANNELS, list(errors(algorithm)), color=color, marker=mark, label=algorithm)
    axes.axhline(STATED, color="C3", linestyle="--", label="stated")
    axes.set_xscale("log", base=2)
    axes.set(
        title="standard normal data, float32, a kernel of 3 x 3",
        xlabel="input channels",
        ylabel="relative error",
        xticks=CHANNELS,
        xticklabels=map(str, CHANNELS),
        ylim=(0, 1.15 * STATED),
    )
    axes.legend(frameon=False, loc="center right")
    return figure
