"""f17: fewer pooling units than detectors, by convcore.max_pool1d with strides of 1, 2 and 3."""

import numpy as np
from boxes import box, canvas

from convcore import geometry, max_pool1d
from convcore.geometry import Layer, count

DETECTORS, WIDTH = 12, 3
STRIDES = [1, 2, 3]
NEXT = Layer("conv2d", weight=(16, 16, 3, 3), padding="same")  # the layer behind the pooling


def draw():
    """Return the figure."""
    figure, axes = canvas(26, 11.4, unit=0.36)
    values = np.random.default_rng(2).integers(1, 10, (1, DETECTORS))
    before = count(NEXT, (16, DETECTORS, DETECTORS)).multiply_adds
    for number, stride in enumerate(STRIDES):
        top, color = 0.3 + 3.9 * number, f"C{number + 1}"
        pooled = max_pool1d(values, WIDTH, stride, padding="same")[0]
        m = len(pooled)
        windows = geometry.windows(DETECTORS, WIDTH, stride, "same")
        axes.text(0.1, top + 0.5, f"stride {stride}", va="center", fontsize=12)
        axes.text(0.1, top + 2.6, "detectors", va="center", fontsize=12)
        for cell, value in enumerate(values[0]):
            box(axes, 3.4 + cell, top + 2.1, value, fill=0.15, line=0.8, size=10)
        for o, window in enumerate(windows):
            middle = 3.9 + (window.first + window.last) / 2
            if window.cells < WIDTH:  # as if the padding were there
                middle = 3.9 + (window.last - 1 if window.first == 0 else window.first + 1)
            for cell in range(window.first, window.last + 1):
                axes.plot([middle, 3.9 + cell], [top + 1, top + 2.1], color=color, linewidth=1.2)
            box(axes, middle - 0.5, top, pooled[o], color=color, fill=0.35, line=0.8, size=10)
        after = count(NEXT, (16, m, m)).multiply_adds
        axes.text(16.2, top + 0.5, f"{m} units, {m * m} in an image", va="center", fontsize=11)
        words = f"products of the next layer: {after:,}"
        if stride > 1:
            words += f",\n1/{before / after:.0f} of those for stride 1"
        axes.text(16.2, top + 1.9, words, va="center", fontsize=10)
    return figure
