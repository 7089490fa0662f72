"""f32: what a trainable subsampling can become, by convcore.nn.Subsample2d."""

import matplotlib.pyplot as plt
import numpy as np
from boxes import bare

from convcore import nn
from convcore.nn.data import PAPER, digits

# the weight and the bias of each, and what it then does
KINDS = {"blurs": (0.12, 0.0), "some of the four": (4.0, -2.0), "all of the four": (4.0, -14.0)}


def squash(x):
    """Return LeNet-5's squashing function."""
    return 1.7159 * np.tanh(2 * x / 3)


def subsampled(cells, weight, bias):
    """Return the squashed subsampling of one map, (rows, columns)."""
    layer = nn.Subsample2d(1, 2, dtype=np.float64)
    layer.weight[...], layer.bias[...] = weight, bias
    return squash(layer.forward(cells[np.newaxis, np.newaxis]))[0, 0]


def draw():
    """Return the figure."""
    digit = digits().test_images[582][0, 2:-2, 2:-2].astype(float) - PAPER  # 28 x 28, as C1's maps
    digit /= digit.max()
    sums = np.linspace(0, 4, 81)
    one_window = np.zeros((2, 2 * sums.size))
    one_window[:, ::2] = one_window[:, 1::2] = sums / 4  # windows whose four cells have each sum
    figure, panels = plt.subplots(
        1, 5, figsize=(10.4, 3.0), layout="constrained", width_ratios=[1.5, 1, 1, 1, 1]
    )
    for number, (name, (weight, bias)) in enumerate(KINDS.items()):
        panels[0].plot(sums, subsampled(one_window, weight, bias)[0], color=f"C{number}")
        axes = panels[2 + number]
        axes.imshow(
            subsampled(digit, weight, bias),
            cmap="gray_r",
            vmin=squash(bias),
            vmax=squash(4 * weight + bias),
            interpolation="none",
        )
        bare(axes, f"{name}\nw = {weight:g}, b = {bias:g}", frame=True, size=10)
        axes.spines[:].set(color=f"C{number}", linewidth=2)
    panels[1].imshow(digit, cmap="gray_r", interpolation="none")
    bare(panels[1], "a map, 28 x 28", frame=True, size=10)
    panels[0].set(
        xlabel="sum of the four cells", xticks=range(5), ylim=(-2, 2), yticks=[-1.7, 0, 1.7]
    )
    panels[0].set_title("output", fontsize=10)
    return figure
