"""A photograph with lost lines and lost cells, blurred in three ways."""

import matplotlib.pyplot as plt
import numpy as np
from boxes import bare
from skimage import data

from convcore import conv2d


def spoilt():
    """Return a photograph of the Moon, of which a third is missing: NaN."""
    moon = data.moon()[80:280, 60:360].astype(np.float32)
    rng = np.random.default_rng(0)
    moon[rng.random(moon.shape) < 0.2] = np.nan
    moon[rng.random(len(moon)) < 0.1] = np.nan
    moon[60:110, 180:230] = np.nan
    return moon


def bell(sigma):
    """Return a Gaussian that sums to 1, three sigma on each side."""
    away = np.arange(-round(3 * sigma), round(3 * sigma) + 1)
    line = np.exp(-0.5 * (away / sigma) ** 2)
    return (np.outer(line, line) / line.sum() ** 2).astype(np.float32)


def draw():
    """Return the figure."""
    moon, weight = spoilt(), bell(2)[None, None]
    options = {"padding": "same", "border": "edge"}
    pictures = {
        "as it came": moon,
        "NaN reaches all that see it": conv2d(moon[None], weight, **options)[0],
        "gaps as zeros": conv2d(np.nan_to_num(moon)[None], weight, **options)[0],
        'nan="ignore"': conv2d(moon[None], weight, nan="ignore", **options)[0],
    }
    figure, places = plt.subplots(2, 2, figsize=(8.4, 6), layout="constrained")
    colours = plt.get_cmap("gray").copy()
    colours.set_bad("#a8470b")
    for axes, (title, picture) in zip(places.flat, pictures.items(), strict=True):
        axes.imshow(np.ma.masked_invalid(picture), cmap=colours, vmin=60, vmax=190)
        bare(axes, title)
    return figure
