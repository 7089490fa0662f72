"""A Gaussian as a column times a row, and how many outer products other kernels need."""

import matplotlib.pyplot as plt
import numpy as np
from boxes import bare, signed

T = np.arange(-7, 8)
UNIT = 2.0**-24  # rounding of float32


def bell(sigma):
    """Return a Gaussian of one axis, its taps adding up to 1."""
    taps = np.exp(-(T**2) / (2 * sigma**2))
    return taps / taps.sum()


def kernels():
    """Return kernels of 15 x 15 taps by name."""
    wide, narrow = bell(3), bell(1.5)
    disk = np.hypot(*np.meshgrid(T, T)) <= 7
    return {
        "random": np.random.default_rng(0).standard_normal((15, 15)),
        "disk": disk / disk.sum(),
        "difference of Gaussians": np.outer(narrow, narrow) - np.outer(wide, wide),
        "Gaussian": np.outer(wide, wide),
    }


def draw_factors(figure, place):
    """Draw the Gaussian with its column and its row."""
    inside = place.subgridspec(2, 2, width_ratios=(1, 4), height_ratios=(1, 4))
    taps = bell(3)
    picture = figure.add_subplot(inside[1, 1])
    picture.imshow(signed(np.outer(taps, taps), taps.max() ** 2), aspect="auto")
    row, column = figure.add_subplot(inside[0, 1]), figure.add_subplot(inside[1, 0])
    row.bar(range(15), taps, 0.8, color="C1")
    row.set_xlim(picture.get_xlim())
    column.barh(range(15), -taps, 0.8, color="C1")
    column.set_ylim(picture.get_ylim())
    for axes, title in (picture, ""), (row, "K(p, q) = a(p) b(q)"), (column, ""):
        bare(axes, title)
    picture.spines[:].set_visible(True)


def draw_values(axes):
    """Draw the singular values of each kernel."""
    for (name, kernel), color, mark in zip(
        kernels().items(), ("C3", "C2", "C1", "C0"), "D^so", strict=True
    ):
        values = np.linalg.svd(kernel.astype(np.float32).astype(float), compute_uv=False)
        relative = np.maximum(values / values[0], 1e-17)
        axes.semilogy(range(1, 16), relative, color=color, marker=mark, ms=5, lw=0.8, label=name)
    axes.axhline(UNIT, color=plt.rcParams["grid.color"], linestyle="--")
    axes.text(15, 0.6 * UNIT, "rounding", ha="right", va="top", fontsize=9)
    axes.set(
        title="singular values over the largest",
        xlabel="number of the value",
        xticks=range(1, 16, 2),
        ylim=(3e-10, 3),
    )
    axes.title.set_fontsize(11)
    axes.legend(frameon=False, fontsize=9, loc="center right")


def draw():
    """Return the figure."""
    figure = plt.figure(figsize=(8.4, 3.7), layout="constrained")
    places = figure.add_gridspec(1, 2, width_ratios=(1, 1.35))
    draw_factors(figure, places[0])
    draw_values(figure.add_subplot(places[1]))
    return figure
