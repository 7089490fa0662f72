"""What training asks of a layer: its result, and the gradients of its input and of its weight."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np


@dataclass(frozen=True)
class Pass:
    """The layer's result, measured beside its gradients; the runner takes each for a layer.

    All of them have the direct sum's multiply-adds and move the same arrays: two of input, weight
    and result (or their gradients) are read, the third is written.
    """

    kind: ClassVar[str] = "gradients"
    op: ClassVar[str] = "forward"
    suffix: ClassVar[str] = "forward"  # of names and groups
    is_image: ClassVar[bool] = False
    is_signal: ClassVar[bool] = False
    planes: ClassVar[int] = 1
    gives_planes: ClassVar[bool] = True

    base: Any  # a layer of `layers.py` that has a weight

    @property
    def name(self):
        return f"{self.base.name}-{self.suffix}"

    @property
    def group(self):
        return f"{self.base.group}-{self.suffix}"

    @property
    def rate(self):
        return self.base.rate

    @property
    def roof(self):
        return self.base.roof

    @property
    def flops(self):
        return self.base.flops

    @property
    def work(self):
        return self.base.work

    @property
    def bytes_moved(self):
        return self.base.bytes_moved

    @property
    def bytes_seen_once(self):
        return self.base.bytes_seen_once

    @property
    def shape_text(self):
        return self.base.shape_text

    @property
    def operand_shapes(self):
        return self.base.operand_shapes

    def data(self):
        """Return the layer's operands."""
        return self.base.data()

    def call(self):
        """Return convcore's function, its arguments after the operands, and its options."""
        return self.base.call()

    def pick(self, result):
        """Return the array that is asked for, of what the function returned."""
        return result

    def record(self):
        """Return what the JSON file says of it: as of the layer, with the words of its own."""
        return {
            **self.base.record(),
            "name": self.name,
            "group": self.group,
            "op": self.op,
            "of": self.base.op,
            "kind": self.kind,
        }


@dataclass(frozen=True)
class Gradient(Pass):
    """One of the gradients; the operands are the result's gradient, x and weight."""

    planes = 2
    index: ClassVar[int]  # of it among those of x, weight and bias

    @property
    def needs(self):
        """Which of the gradients of x, weight and bias are asked for: this one."""
        return tuple(self.index == number for number in range(3))

    @property
    def operand_shapes(self):
        return self.base.output_shape, *self.base.operand_shapes

    def data(self):
        """Return (gradient of the result, x, weight), the first of normal numbers."""
        grad = np.random.default_rng(1).standard_normal(self.base.output_shape, np.float32)
        return grad, *self.base.data()

    def call(self):
        name, arguments, options = self.base.call()
        return f"{name}_backward", arguments, {**options, "needs": self.needs}

    def pick(self, result):
        return result[self.index]


@dataclass(frozen=True)
class InputGradient(Gradient):
    op = "input gradient"
    suffix = "input"
    index = 0


@dataclass(frozen=True)
class WeightGradient(Gradient):
    """That of the weight, which is written, not read."""

    op = "weight gradient"
    suffix = "weight"
    index = 1
    gives_planes = False
    bytes_seen_once = 0


GRADIENTS = {kind.op: kind for kind in (InputGradient, WeightGradient)}
PASSES = {Pass.op: Pass, **GRADIENTS}
