"""What networks are built of: layers that share a generator and a dtype."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from convcore.nn.layers.base import Layer
from convcore.nn.layers.batch_norm import BatchNorm2d
from convcore.nn.layers.conv import Conv2d
from convcore.nn.layers.dense import Linear
from convcore.nn.layers.parameters import floating
from convcore.spec.operands import DType
from convcore.spec.options import as_generator

HE = 2**0.5  # the gain before a ReLU, which halves the variance


class Maker(NamedTuple):
    """Makes the layers of one network, in order: each draws its weights from one generator."""

    generator: np.random.Generator
    dtype: DType

    @classmethod
    def of(cls, op: str, rng: object, dtype: object) -> Maker:
        """Read a network's arguments."""
        return cls(as_generator(op, rng, fresh=True), floating(op, dtype))

    def conv(
        self, in_: int, out: int, size: int, stride: int = 1, *, groups: int = 1, gain: float = HE
    ) -> Layer:
        """A convolution without a bias, which the normalisation after it has, padded by half."""
        return Conv2d(
            in_, out, size, stride, size // 2, groups=groups, bias=False, rng=self.generator,
            gain=gain, dtype=self.dtype,
        )  # fmt: skip

    def norm(self, channels: int) -> Layer:
        """The batch normalisation after it."""
        return BatchNorm2d(channels, dtype=self.dtype)

    def dense(self, in_: int, out: int) -> Layer:
        """The last layer, which gives scores."""
        return Linear(in_, out, rng=self.generator, dtype=self.dtype)
