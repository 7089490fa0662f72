"""f38: two pictures whose channels differ, and maps of them that do and don't, by conv2d."""

import matplotlib.pyplot as plt
import numpy as np
from boxes import bare
from skimage import data

from convcore import avg_pool2d, conv2d

KERNEL = 11


def filters():
    """Return two filters: one kernel for all three colours, and one for red minus green."""
    offsets = np.arange(KERNEL) - KERNEL // 2
    line = np.exp(-0.5 * (offsets / 1.5) ** 2)
    bell = np.outer(line, line)
    edge = bell * offsets
    return np.stack([np.stack([edge] * 3), np.stack([bell, -bell, 0 * bell])])


def draw():
    """Return the figure."""
    photo = avg_pool2d(data.coffee()[40:360, 140:460].transpose(2, 0, 1) / 255.0, 2)
    moved = 0.6 * np.minimum(photo[0], 1 - photo[1])  # as much red as green has room for
    other = photo + np.stack([-moved, moved, 0 * moved])
    weight = filters()
    weight /= np.abs(weight).sum((1, 2, 3), keepdims=True)
    figure, panels = plt.subplots(2, 6, figsize=(10.4, 3.7), layout="constrained")
    all_maps = [conv2d(picture, weight) for picture in (photo, other)]
    assert np.allclose(all_maps[0][0], all_maps[1][0])
    for axes, picture, maps, name in zip(
        panels, (photo, other), all_maps, ["a photograph", "red moved to green"], strict=True
    ):
        axes[0].imshow(picture.transpose(1, 2, 0), interpolation="none")
        bare(axes[0], name, size=10)
        for channel, color in enumerate(["red", "green", "blue"]):
            axes[1 + channel].imshow(
                picture[channel], cmap="gray", vmin=0, vmax=1, interpolation="none"
            )
            bare(axes[1 + channel], f"channel {channel}, {color}", size=10)
        for i, words in enumerate(["three equal kernels", "red minus green"]):
            axes[4 + i].imshow(maps[i], cmap="PuOr_r", vmin=-0.2, vmax=0.2, interpolation="none")
            bare(axes[4 + i], f"map {i}:\n{words}", size=10)
    return figure
