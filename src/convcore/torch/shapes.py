"""Shapes of results, of sizes that may be symbols of PyTorch's compiler."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from convcore.spec.axis import padding_pair, span, transposed_size
from convcore.spec.layer import LayerSpec
from convcore.torch.call import Call

Shape = tuple[Any, ...]


def result_shape(call: Call, x: Sequence[Any], operand: Sequence[Any] | None = None) -> Shape:
    """Return the shape of a result for an input of this shape.

    ``operand`` is the shape of the weight, or of a pooling's window of weights.
    """
    sizes = tuple(operand or ())
    batched = len(x) == call.axes + 2
    if all(type(size) is int for size in (*x[batched:], *sizes)):
        # nothing but the batch is a symbol: the spec checks the call
        fixed = (1, *x[1:]) if batched and type(x[0]) is not int else tuple(x)
        y = _checked(call, fixed, sizes)
        return (x[0], *y[1:]) if batched else y
    return _symbolic(call, tuple(x), sizes)


def _checked(call: Call, x: tuple[int, ...], operand: tuple[int, ...]) -> tuple[int, ...]:
    options = call.normal()
    if "window" in call.kind.names:
        options["window"] = operand
    weight = operand if call.kind.has_weight else None
    return LayerSpec(call.kind, call.axes, weight, None, options).on(call.op, x, "x").y_shape


def _symbolic(call: Call, x: Shape, operand: Shape) -> Shape:
    options, axes = call.normal(), call.axes
    batch = x[: len(x) - axes - 1]
    rest = list(x[len(batch) :])
    channels = rest.pop(-1 if call.channels_last else 0)
    if "output_size" in options:
        sizes = [
            n if size is None else size
            for n, size in zip(rest, options["output_size"], strict=True)
        ]
    else:
        sizes = _sliding(call, options, rest, operand)
    if call.kind.transposed:
        channels = operand[1] * options["groups"]
    elif call.kind.has_weight:
        channels = operand[0]
    return (*batch, *sizes, channels) if call.channels_last else (*batch, channels, *sizes)


def _sliding(call: Call, options: dict[str, Any], cells: list[Any], operand: Shape) -> list[Any]:
    kernel = options["kernel_size"] if "kernel_size" in options else operand[-call.axes :]
    strides = options["stride"] or kernel
    more = options.get("output_padding") or (0,) * call.axes
    sizes = []
    for n, taps, stride, padding, dilation, extra in zip(
        cells, kernel, strides, options["padding"], options["dilation"], more, strict=True
    ):
        if call.kind.transposed:
            size, _ = transposed_size(
                call.op, n, taps, stride, padding, dilation, output_padding=extra
            )
        else:
            ceil_mode = options.get("ceil_mode", False)
            size = _outputs(n, taps, stride, padding, dilation, ceil_mode=ceil_mode)
        sizes.append(size)
    return sizes


def _outputs(
    n: Any, kernel: int, stride: int, padding: Any, dilation: int, *, ceil_mode: bool
) -> Any:
    """Return the outputs along an axis as one formula, which holds for any n.

    A condition would bind the compiler to sizes that fulfil it.
    """
    if padding in ("same", "same_lower"):
        return -(-n // stride)
    before, after = padding_pair(0, kernel, stride, padding, dilation)
    room = n + before + after - span(kernel, dilation)
    if not ceil_mode:
        return room // stride + 1
    # all windows that start before the padding after the input
    return torch.sym_min(-(-room // stride) + 1, -(-(n + before) // stride))
