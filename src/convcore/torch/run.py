"""A call of tensors on their arrays: in which layout, with which options."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from convcore.spec.operands import Array
from convcore.torch.call import Call
from convcore.torch.tensors import (
    is_channels_last,
    shape_to_last,
    to_array,
    to_first,
    to_last,
    to_tensor,
)


def moves_channels(call: Call, first: Tensor) -> bool:
    """Return whether a call is computed with the channels last, as its first tensor has them."""
    return is_channels_last(first, call.axes) and not call.channels_last


def shape_only(shape: Any, like: Array) -> Array:
    """Return an array of a shape that takes no memory, for gradients that read no number of it."""
    return np.broadcast_to(np.zeros((), like.dtype), tuple(shape))


class Run:
    """A call on arrays: the layout of the first tensor is that of all."""

    def __init__(self, call: Call, first: Tensor, **arrays: Tensor | None) -> None:
        self.call = call
        self.last = moves_channels(call, first)
        self.options: dict[str, Any] = {"threads": None, **call.options}
        if self.options["threads"] is None:
            self.options["threads"] = torch.get_num_threads()
        if self.last:
            self.options["layout"] = "NHWC" if call.axes == 2 else "NDHWC"
        for name, tensor in arrays.items():  # options that are arrays
            if tensor is not None:
                self.options[name] = to_array(call.op, name, tensor)

    def array(self, name: str, tensor: Tensor, images: bool = True) -> Array:
        """Return a tensor as an array; one of images in the layout of the call."""
        moved = to_last(tensor) if images and self.last else tensor
        return to_array(self.call.op, name, moved)

    def only_shape(self, shape: Any, like: Array) -> Array:
        """Return an array of images of which a gradient reads the shape alone."""
        return shape_only(shape_to_last(shape) if self.last else shape, like)

    def tensor(self, array: Array, dtype: torch.dtype | None = None) -> Tensor:
        """Return images as a tensor, rounded to a dtype."""
        found = to_tensor(array, dtype)
        return to_first(found) if self.last else found
