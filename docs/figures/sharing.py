"""The same five cells and four outputs as a dense, a local, a tiled layer and a convolution."""

import numpy as np
from boxes import box, canvas
from matplotlib import colormaps

from convcore import matrix
from convcore.geometry import Layer, count

CELLS, OUTPUTS, KERNEL = 5, 4, 2
LETTERS = "abcdefghijklmnopqrst"
PANEL = 7.0  # boxes from a panel to the next


def numbered(*shape):
    """Weights that tell who is who: 1, 2, ..."""
    return np.arange(1.0, np.prod(shape) + 1).reshape(shape)


def layers():
    """Yield each layer's title, its matrix of numbered weights and how many it has."""
    shape = (1, CELLS)
    dense = numbered(OUTPUTS, 1, CELLS)  # kernels that cover the row: one window, four channels
    yield "dense", matrix.conv_matrix(dense, shape), Layer("conv1d", dense)
    local = numbered(1, OUTPUTS, 1, KERNEL)
    yield "local", matrix.local_conv_matrix(local, shape), Layer("local_conv1d", local)
    tiled = numbered(1, 2, 1, KERNEL)
    yield "tiled, t = 2", matrix.tiled_conv_matrix(tiled, shape), Layer("tiled_conv1d", tiled)
    shared = numbered(1, 1, KERNEL)
    yield "convolution", matrix.conv_matrix(shared, shape), Layer("conv1d", shared)


def draw():
    """Return the figure."""
    figure, axes = canvas(4 * PANEL, 11.8, unit=0.34)
    for panel, (title, sparse, layer) in enumerate(layers()):
        left = panel * PANEL + 0.9
        weights = sparse.toarray().astype(int)
        axes.text(left + CELLS / 2, 0.5, title, ha="center", va="center", fontsize=13)
        for output, cell in zip(*np.nonzero(weights), strict=True):
            color = colormaps["tab20"]((weights[output, cell] * 2 - 2) % 20
                                       + (weights[output, cell] > 10))
            axes.plot([left + output + 1, left + cell + 0.5], [2.1, 4.6], color=color, linewidth=2)
            box(axes, left + cell, 6.3 + output, LETTERS[weights[output, cell] - 1], color=color,
                fill=0.45, size=11)
        for output in range(OUTPUTS):
            box(axes, left + output + 0.55, 1.2, "", fill=0.2, width=0.9, height=0.9)
        for cell in range(CELLS):
            box(axes, left + cell + 0.05, 4.6, "", fill=0.2, width=0.9, height=0.9)
        for output, cell in zip(*np.nonzero(weights == 0), strict=True):
            axes.text(left + cell + 0.5, 6.8 + output, "0", ha="center", va="center", fontsize=10,
                      alpha=0.6)
        found = count(layer, (1, CELLS)).weights
        axes.text(left + CELLS / 2, 11.2, f"{found} weights", ha="center", va="center", fontsize=12)
    return figure
