"""The bias of a layer, where the kernels do not add it."""

import numpy as np

from convcore.spec.layout import Layout
from convcore.spec.operands import Array


def fill_with_bias(y: Array, bias: Array | None, layout: Layout) -> None:
    """Set a result to the bias alone, where there is nothing to sum."""
    if bias is None:
        y[...] = 0
        return
    axes = layout.axes
    y = np.moveaxis(y, layout.channel_axis, -1 - axes)
    period = bias.shape[1:] or (1,) * axes
    index = [np.arange(n) % p for n, p in zip(y.shape[y.ndim - axes :], period, strict=True)]
    y[...] = bias.reshape(-1, *period)[np.ix_(np.arange(len(bias)), *index)]


def add_bias(y: Array, bias: Array | None, layout: Layout) -> None:
    """Add a number for each channel to a result."""
    if bias is not None:
        y += bias.reshape(-1, *(1,) * (y.ndim - 1 - layout.channel_axis))
