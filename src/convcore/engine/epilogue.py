"""What follows the sums of a layer, where the kernels do not do it: bias, residual, activation."""

from typing import NamedTuple

import numpy as np

from convcore._core import ACTIVATIONS
from convcore.engine.activation import Activation
from convcore.engine.buffers import quiet
from convcore.spec.layout import Layout
from convcore.spec.operands import Array


class PostOps(NamedTuple):
    """What follows a layer: a residual is added, then comes an activation.

    The residual is contiguous, of the result's shape and the dtype that is computed in.
    """

    residual: Array | None
    activation: Activation | None
    after: int  # axes of the result after that of the channels

    def in_core(self) -> tuple[Array | None, str | None, float, float] | None:
        """What of it the core does, as it takes it; None: nothing."""
        simple = None if self.activation is None else self.activation.simple()
        if simple is not None and simple[0] in ACTIVATIONS:
            return self.residual, *simple
        return None if self.residual is None else (self.residual, None, 0.0, 0.0)

    def do_rest(self, y: Array) -> None:
        """Do, in place, what the core has not done."""
        if self.activation is not None:
            simple = self.activation.simple()
            if simple is None or simple[0] not in ACTIVATIONS:
                self._activate(y)

    def do(self, y: Array) -> None:
        """Do all of it, in place."""
        with quiet():
            if self.residual is not None:
                y += self.residual
        self._activate(y)

    def _activate(self, y: Array) -> None:
        if self.activation is not None:
            with quiet():
                self.activation(y, self.after)


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
