"""The same five cells and four outputs as a dense, a local, a tiled layer and a convolution."""

import numpy as np
from boxes import box, canvas, hues

from convcore import matrix
from convcore.geometry import Layer, count

CELLS, OUTPUTS, KERNEL = 5, 4, 2
LETTERS = "abcdefghijklmnopqrst"
PANEL = 6.7  # boxes from a panel to the next


def numbered(*shape):
    """Weights that tell who is who: 1, 2, ..."""
    return np.arange(1.0, np.prod(shape) + 1).reshape(shape)


def layers():
    """Yield each layer's title, its matrix of numbered weights and the layer."""
    shape = (1, CELLS)
    dense = numbered(OUTPUTS, 1, CELLS)  # kernels that cover the row: one window, four channels
    yield "dense", matrix.conv_matrix(dense, shape), Layer("conv1d", dense)
    local = numbered(1, OUTPUTS, 1, KERNEL)
    yield "local", matrix.local_conv_matrix(local, shape), Layer("local_conv1d", local)
    tiled = numbered(1, 2, 1, KERNEL)
    yield "tiled, t = 2", matrix.tiled_conv_matrix(tiled, shape), Layer("tiled_conv1d", tiled)
    shared = numbered(1, 1, KERNEL)
    yield "convolution", matrix.conv_matrix(shared, shape), Layer("conv1d", shared)


def graph(axes, left, weights, colors):
    """Draw the outputs above the cells and an edge for each connection."""
    for output, cell in zip(*np.nonzero(weights), strict=True):
        axes.plot(
            [left + output + 1, left + cell + 0.5],
            [2.1, 5.0],
            linewidth=2,
            color=colors[weights[output, cell] - 1],
        )
    for output in range(OUTPUTS):
        box(axes, left + output + 0.55, 1.2, "", fill=0.2, width=0.9, height=0.9)
    for cell in range(CELLS):
        box(axes, left + cell + 0.05, 5.0, "", fill=0.2, width=0.9, height=0.9)


def table(axes, left, weights, colors):
    """Draw the matrix: a letter for each weight, 0 where there is no connection."""
    for output, cell in np.ndindex(weights.shape):
        weight = weights[output, cell]
        if weight:
            box(
                axes,
                left + cell,
                6.8 + output,
                LETTERS[weight - 1],
                color=colors[weight - 1],
                fill=0.4,
            )
        else:
            axes.text(
                left + cell + 0.5,
                7.32 + output,
                "0",
                ha="center",
                va="center",
                fontsize=10,
                alpha=0.7,
            )


def draw():
    """Return the figure."""
    figure, axes = canvas(4 * PANEL + 2.4, 12.2, unit=0.33)
    for text, height in ("outputs", 1.65), ("cells", 5.45), ("matrix", 8.8):
        axes.text(0.1, height, text, va="center", fontsize=11)
    for panel, (title, sparse, layer) in enumerate(layers()):
        left = panel * PANEL + 3.2
        weights = sparse.toarray().astype(int)
        number = count(layer, (1, CELLS)).weights
        colors = list(hues(number))
        axes.text(left + CELLS / 2, 0.5, title, ha="center", va="center", fontsize=13)
        graph(axes, left, weights, colors)
        table(axes, left, weights, colors)
        axes.text(
            left + CELLS / 2, 11.6, f"{number} weights", ha="center", va="center", fontsize=12
        )
    return figure
