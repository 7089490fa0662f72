"""use/images: a photograph, blurred, its edges, and its averages."""

import matplotlib.pyplot as plt
import numpy as np
from skimage import data

from convcore import avg_pool2d, conv2d

LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def draw():
    """Return the figure."""
    photo = data.coffee()
    line = np.exp(-0.5 * (np.arange(-6, 7) / 2) ** 2)
    bell = np.repeat((np.outer(line, line) / line.sum() ** 2)[None, None], 3, axis=0)
    same = {"padding": "same", "border": "edge", "layout": "NHWC"}
    blurred = conv2d(photo, bell.astype(np.float32), groups=3, **same)
    grey = conv2d(photo, LUMA.reshape(1, 3, 1, 1), layout="NHWC")
    sobel = np.outer([-1, 0, 1], [1, 2, 1])
    slopes = conv2d(grey, np.stack([sobel, sobel.T])[:, None].astype(np.float32), **same)
    edges = np.repeat(np.hypot(slopes[..., :1], slopes[..., 1:]), 3, axis=2)
    pictures = {
        "the photograph": photo,
        "blurred": blurred,
        "edges": edges,
        "averages of 10 x 10": avg_pool2d(photo, 10, layout="NHWC"),
    }
    figure, all_axes = plt.subplots(2, 2, figsize=(8.4, 6.1), layout="constrained")
    for axes, (name, picture) in zip(all_axes.flat, pictures.items(), strict=True):
        axes.imshow(np.clip(np.rint(picture), 0, 255).astype(np.uint8), interpolation="nearest")
        axes.set_title(name, fontsize=11)
        axes.axis("off")
    return figure
