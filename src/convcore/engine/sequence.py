"""Tasks that the core does one after another, in one call, on arrays as they are."""

from __future__ import annotations

from typing import Any, NamedTuple

from convcore._core import Conv, PackedWeights, Pool
from convcore._core import Sequence as Sequence
from convcore.engine.pooling import PoolPlan
from convcore.spec.layer import layer_spec
from convcore.spec.operands import FLOAT32, FLOAT64, Array
from convcore.spec.pooling import PoolSpec


class LayerTask(NamedTuple):
    """A layer with its weights, and the activation that follows, as the core takes them."""

    core: Conv
    weight: Array | PackedWeights
    bias: Array | None
    activation: tuple[str | None, float, float]
    itemsize: int

    def add(self, to: Sequence, x: int, residual: int | None, y: int) -> None:
        """Add it to a sequence, with arrays in these places."""
        places = x, residual, y
        to.add_layer(self.core, self.weight, self.bias, self.activation, self.itemsize, places)


class PoolTask(NamedTuple):
    """A pooling."""

    core: Pool
    itemsize: int

    def add(self, to: Sequence, x: int, residual: int | None, y: int) -> None:
        """Add it to a sequence, with arrays in these places; there is no residual."""
        to.add_pool(self.core, self.itemsize, (x, y))


Task = LayerTask | PoolTask


def pool_task(operator: str, x: Array, options: dict[str, Any]) -> PoolTask | None:
    """A pooling of arrays like x, by its public name and options; None: the core is not enough."""
    if x.dtype not in (FLOAT32, FLOAT64):
        return None
    layer = layer_spec(operator, operator, options=options)
    spec = layer.on(operator, x.shape)
    if (
        not isinstance(spec, PoolSpec)
        or layer.operator.kind == "weighted_pool"  # which is a convolution
        or layer.options.get("return_indices")
    ):
        return None
    core = PoolPlan(spec).core
    return None if core is None else PoolTask(core, x.itemsize)
