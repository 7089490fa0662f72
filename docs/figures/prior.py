"""f16: a dense layer's learned weights as the prior of the convolution's form gets stronger."""

import matplotlib.pyplot as plt
import numpy as np
from boxes import bare, signed

from convcore import conv1d

CELLS, KERNEL = 6, np.array([2.0, 3, 4])
OUTPUTS = CELLS - KERNEL.size + 1
STRENGTHS = [0, 1, 100, 1_000_000]


def matrices():
    """Return the learned matrix for each strength of the prior, and the learned convolution's."""
    ones = np.eye(CELLS)[:, np.newaxis]
    form = [conv1d(ones, tap[np.newaxis, np.newaxis])[:, 0].T for tap in np.eye(KERNEL.size)]
    basis = np.stack([one.ravel() for one in form], axis=1)
    away = np.eye(OUTPUTS * CELLS) - basis @ np.linalg.pinv(basis)
    normal = np.random.default_rng(1).normal
    inputs = normal(size=(8, CELLS))
    outputs = conv1d(inputs[:, np.newaxis], KERNEL[np.newaxis, np.newaxis])[:, 0]
    wanted = (outputs + 0.5 * normal(size=outputs.shape)).ravel()
    data = np.concatenate([np.kron(np.eye(OUTPUTS), x) for x in inputs])
    found = []
    for strength in STRENGTHS:
        system = np.concatenate([data, np.sqrt(strength) * away])
        found.append(np.linalg.lstsq(system, np.append(wanted, np.zeros(len(away))))[0])
    found.append(basis @ np.linalg.lstsq(data @ basis, wanted)[0])
    return [weights.reshape(OUTPUTS, CELLS) for weights in found]


def draw():
    """Return the figure."""
    learned = matrices()
    titles = [rf"$\lambda$ = {strength:,}" for strength in STRENGTHS] + ["convolution"]
    figure, panels = plt.subplots(2, 3, figsize=(8.4, 4.2), layout="constrained")
    panels[1, 2].axis("off")
    largest = max(np.abs(weights).max() for weights in learned)
    for axes, title, weights in zip(panels.flat[:5], titles, learned, strict=True):
        axes.imshow(signed(weights, 1.6 * largest), interpolation="none")
        for (row, column), weight in np.ndenumerate(weights):
            text = f"{weight:.1f}".replace("-0.0", "0.0")
            axes.text(column, row, text, ha="center", va="center", fontsize=11)
        bare(axes, title, frame=True)
    return figure
