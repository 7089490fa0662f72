"""The rounding error of float32 convolutions against the number of terms of an output."""

import matplotlib.pyplot as plt
import numpy as np

from convcore import conv2d

CHANNELS = (1, 4, 16, 64, 256, 1024, 2048)
SIZE, MAPS = 16, 16


def terms(x):
    """Return the cells that each output sees, (outputs, terms)."""
    cells = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (1, 2))
    return np.ascontiguousarray(cells.transpose(1, 2, 0, 3, 4).reshape((SIZE - 2) ** 2, -1))


def chain(weights, cells):
    """Return the sums of products in one chain each, (maps, outputs)."""
    sums = np.zeros((len(weights), len(cells)), np.float32)
    for weight, cell in zip(weights.T, cells.T, strict=True):
        sums += weight[:, np.newaxis] * cell
    return sums


def draw():
    """Draw three ways to add."""
    rng = np.random.default_rng(0)
    errors = {"one chain": [], "NumPy's matrix product": [], "conv2d": []}
    for c in CHANNELS:
        x = rng.standard_normal((c, SIZE, SIZE), np.float32)
        weight = rng.standard_normal((MAPS, c, 3, 3), np.float32)
        exact = conv2d(x.astype(np.float64), weight.astype(np.float64)).reshape(MAPS, -1)
        flat, cells = weight.reshape(MAPS, -1), terms(x)
        for name, y in (
            ("one chain", chain(flat, cells)),
            ("NumPy's matrix product", flat @ cells.T),
            ("conv2d", conv2d(x, weight, algorithm="direct").reshape(MAPS, -1)),
        ):
            errors[name].append(np.linalg.norm(y - exact) / np.linalg.norm(exact))
    figure, axes = plt.subplots(figsize=(7, 3.6))
    counts = 9 * np.array(CHANNELS)
    for (name, values), style, color in zip(
        errors.items(), ("o-", "s--", "o-"), ("C1", "C2", "C0"), strict=True
    ):
        axes.loglog(counts, values, style, color=color, label=name)
    axes.set(xlabel="terms of an output", ylabel="relative error")
    axes.legend(frameon=False)
    figure.tight_layout()
