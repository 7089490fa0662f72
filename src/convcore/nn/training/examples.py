"""Examples and their targets, checked before anything is computed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convcore.nn.layers.base import Layer
from convcore.nn.training.losses import Losses, check_loss
from convcore.spec.errors import short_repr
from convcore.spec.operands import Array, as_array, check_dtype


def check_examples(
    op: str,
    model: Layer,
    data: tuple[ArrayLike, ArrayLike],
    *,
    loss: Losses,
    batch_size: int,
    of: str = "",
) -> tuple[Array, Array]:
    """The examples and their targets, checked before anything is computed."""
    x, y = data
    examples, wanted = as_array(op, f"{of}x", x), as_array(op, f"{of}y", y)
    for name, array in ((f"{of}x", examples), (f"{of}y", wanted)):
        check_dtype(op, name, array.dtype)
        if array.ndim == 0 or array.size == 0:
            raise ValueError(f"{op}: {name} must not be empty, got shape {array.shape}")
        bad = ~np.isfinite(array)
        if bad.any():
            place = tuple(int(i) for i in np.argwhere(bad)[0])
            raise ValueError(f"{op}: {name} must be finite, got {array[place]} at {list(place)}")
    if len(examples) != len(wanted):
        raise ValueError(
            f"{op}: {of}x and {of}y must have equally many examples, got {len(examples)} and "
            f"{len(wanted)}"
        )
    if model.axes is not None and examples.ndim != model.axes + 1:
        raise ValueError(
            f"{op}: {of}x must have {model.axes + 1} axes, the batch first, got shape "
            f"{examples.shape}"
        )
    shape = model.output_shape(examples.shape[1:])
    for begin in range(0, len(wanted), batch_size):  # only the loss knows its targets
        part = wanted[begin : begin + batch_size]
        result = np.zeros((len(part), *shape), np.float32)
        where = f"{op}: {of}y, from example {begin} on"
        try:
            found = loss(result, part)
        except TypeError as error:
            raise TypeError(f"{where}: {error}") from error
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from error
        check_loss(op, found, result)
    return examples, wanted


def check_validation(
    op: str, model: Layer, data: Any, loss: Losses, batch_size: int
) -> tuple[Array, Array]:
    """The validation data, checked likewise."""
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        raise TypeError(f"{op}: validation must be a pair (x, y), got {short_repr(data)}")
    x, y = data
    return check_examples(op, model, (x, y), loss=loss, batch_size=batch_size, of="validation ")
