"""Roles of layers with weights: the layer, its input gradient, its weight gradient.

Each is linear in each of its operands, and the derivatives of each are the other two. So gradients
of every order are the operators themselves.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import torch
from torch import Tensor

from convcore import api
from convcore.spec.registry import OPERATORS
from convcore.torch.call import Call
from convcore.torch.roles import ROLES, Role, Saved
from convcore.torch.run import Run, moves_channels, shape_only
from convcore.torch.shapes import result_shape
from convcore.torch.tensors import (
    check_tensor,
    empty,
    result_dtype,
    to_array,
    to_tensor,
)

Gradients: TypeAlias = "tuple[Tensor | None, ...]"


def _forward(
    call: Call, x: Tensor, weight: Tensor, bias: Tensor | None, connections: Tensor | None
) -> Tensor:
    run = Run(call, x, connections=connections)
    y = getattr(api, call.op)(
        run.array("x", x),
        to_array(call.op, "weight", weight),
        None if bias is None else to_array(call.op, "bias", bias),
        **run.options,
    )
    return run.tensor(y, _rounded(x, weight))


def _rounded(*tensors: Tensor) -> torch.dtype | None:
    """Return bfloat16 if a result must be rounded to it."""
    if all(tensor.dtype is not torch.bfloat16 for tensor in tensors):
        return None
    found = result_dtype("", *tensors)
    return found if found is torch.bfloat16 else None


def _input_gradient(
    call: Call, grad: Tensor, weight: Tensor, connections: Tensor | None, shape: Any
) -> Tensor:
    run = Run(call, grad, connections=connections)
    given = run.array("grad", grad)
    dx, _, _ = getattr(api, f"{call.op}_backward")(
        given, run.only_shape(shape, given), to_array(call.op, "weight", weight),
        needs=(True, False, False), **run.options,
    )  # fmt: skip
    return run.tensor(dx, _rounded(grad, weight))


def _weight_gradient(
    call: Call, grad: Tensor, x: Tensor, connections: Tensor | None, shape: Any
) -> Tensor:
    run = Run(call, x, connections=connections)
    given = run.array("grad", grad)
    _, dweight, _ = getattr(api, f"{call.op}_backward")(
        given, run.array("x", x), shape_only(shape, given), needs=(False, True, False),
        **run.options,
    )  # fmt: skip
    return to_tensor(dweight, _rounded(grad, x))


# What results look like


def _like_forward(
    call: Call, x: Tensor, weight: Tensor, bias: Tensor | None, connections: Tensor | None
) -> Tensor:
    dtype = result_dtype(call.op, x, weight)
    if bias is not None:
        check_tensor(call.op, "bias", bias)
    last = moves_channels(call, x)
    return empty(x, result_shape(call, x.shape, weight.shape), dtype, last)


def _like_input(
    call: Call, grad: Tensor, weight: Tensor, connections: Tensor | None, shape: Any
) -> Tensor:
    last = moves_channels(call, grad)
    return empty(grad, shape, result_dtype(call.op, grad, weight), last)


def _like_weight(
    call: Call, grad: Tensor, x: Tensor, connections: Tensor | None, shape: Any
) -> Tensor:
    return empty(grad, shape, result_dtype(call.op, grad, x, "grad"))


# Derivatives


def cast(gradient: Tensor, like: Tensor | torch.dtype) -> Tensor:
    """Return a gradient in the dtype of its operand."""
    dtype = like.dtype if isinstance(like, Tensor) else like
    return gradient if gradient.dtype is dtype else gradient.to(dtype)


def bias_gradient(call: Call, grad: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return the sum of the gradients of all outputs that share a bias."""
    if call.channels_last:
        grad = grad.movedim(-1, -1 - call.axes)
    if len(shape) == 1:
        channels = grad.dim() - 1 - call.axes
        return grad.sum([axis for axis in range(grad.dim()) if axis != channels])
    if grad.dim() == call.axes + 2:
        grad = grad.sum(0)
    for axis, period in enumerate(shape[1:], 1):
        n = grad.shape[axis]
        if n != period:
            place = torch.arange(n, device=grad.device) % period
            sums = list(grad.shape)
            sums[axis] = period
            grad = grad.new_zeros(sums).index_add(axis, place, grad)
    return grad


def add_bias(call: Call, y: Tensor, bias: Tensor) -> Tensor:
    """Add a bias to a result, as its tangent."""
    for axis, n in enumerate(_outputs(call, y), 1):
        if bias.dim() > 1 and bias.shape[axis] != n:
            place = torch.arange(n, device=y.device) % bias.shape[axis]
            bias = bias.index_select(axis, place)
    bias = bias.reshape(*bias.shape, *(1,) * (call.axes + 1 - bias.dim()))
    return y + (bias.movedim(0, -1) if call.channels_last else bias)


def _outputs(call: Call, y: Tensor) -> tuple[int, ...]:
    end = -1 if call.channels_last else None
    return tuple(y.shape[-call.axes - (end is not None) : end])


def _derive_forward(kind: str, saved: Saved, grad: Tensor) -> Gradients:
    call, (x, weight, _, connections) = saved.call, saved.tensors
    assert x is not None
    assert weight is not None
    dx = dweight = dbias = None
    if saved.needs[0]:
        dx = cast(ROLES[f"{kind}_dx"](call, grad, weight, connections, x.shape), x)
    if saved.needs[1]:
        dweight = cast(ROLES[f"{kind}_dw"](call, grad, x, connections, weight.shape), weight)
    if saved.needs[2]:
        assert saved.shapes[2] is not None
        dbias = bias_gradient(call, grad, saved.shapes[2])
    return dx, dweight, dbias


def _derive_input(kind: str, saved: Saved, grad: Tensor) -> Gradients:
    call, (before, weight, connections) = saved.call.linear, saved.tensors
    assert before is not None
    assert weight is not None
    dgrad = dweight = None
    if saved.needs[0]:
        dgrad = cast(ROLES[kind](call, grad, weight, None, connections), before)
    if saved.needs[1]:
        dweight = ROLES[f"{kind}_dw"](call, before, grad, connections, weight.shape)
        dweight = cast(dweight, weight)
    return dgrad, dweight


def _derive_weight(kind: str, saved: Saved, grad: Tensor) -> Gradients:
    call, (before, x, connections) = saved.call, saved.tensors
    assert before is not None
    assert x is not None
    dgrad = dx = None
    if saved.needs[0]:
        dgrad = cast(ROLES[kind](call, x, grad, None, connections), before)
    if saved.needs[1]:
        dx = cast(ROLES[f"{kind}_dx"](call, before, grad, connections, x.shape), x)
    return dgrad, dx


# Forward mode


def _sum(found: list[Tensor]) -> Tensor:
    return found[0] if len(found) == 1 else found[0] + found[1]


def _tangent_forward(kind: str, saved: Saved, *tangents: Tensor | None) -> Tensor:
    call, (x, weight, _, connections) = saved.call, saved.tensors
    of_x, of_weight, of_bias, _ = tangents
    assert x is not None
    assert weight is not None
    found = []
    if of_x is not None:
        found.append(ROLES[kind](call.linear, of_x, weight, None, connections))
    if of_weight is not None or not found:
        other = torch.zeros_like(weight) if of_weight is None else of_weight
        found.append(ROLES[kind](call, x, other, None, connections))
    y = _sum(found)
    return y if of_bias is None else add_bias(call, y, of_bias)


def _tangent_input(kind: str, saved: Saved, *tangents: Tensor | None) -> Tensor:
    call, (grad, weight, connections) = saved.call, saved.tensors
    role, found = ROLES[f"{kind}_dx"], []
    if tangents[0] is not None:
        found.append(role(call, tangents[0], weight, connections, saved.shape))
    if tangents[1] is not None:
        found.append(role(call, grad, tangents[1], connections, saved.shape))
    return _sum(found)


def _tangent_weight(kind: str, saved: Saved, *tangents: Tensor | None) -> Tensor:
    call, (grad, x, connections) = saved.call, saved.tensors
    role, found = ROLES[f"{kind}_dw"], []
    if tangents[0] is not None:
        found.append(role(call, tangents[0], x, connections, saved.shape))
    if tangents[1] is not None:
        found.append(role(call.linear, grad, tangents[1], connections, saved.shape))
    return _sum(found)


def _register(kind: str) -> None:
    def of(function: Any) -> Any:
        return lambda *arguments: function(kind, *arguments)

    Role(
        kind, ("x", "weight", "bias?", "connections?"), _forward, _like_forward,
        of(_derive_forward), batched=(0,), unsaved=(2,), tangent=of(_tangent_forward),
    ).register()  # fmt: skip
    Role(
        f"{kind}_dx", ("grad", "weight", "connections?"), _input_gradient, _like_input,
        of(_derive_input), takes_shape=True, batched=(0,), tangent=of(_tangent_input),
    ).register()  # fmt: skip
    Role(
        f"{kind}_dw", ("grad", "x", "connections?"), _weight_gradient, _like_weight,
        of(_derive_weight), takes_shape=True, tangent=of(_tangent_weight),
    ).register()  # fmt: skip


for _kind, _operator in OPERATORS.items():
    if _operator.has_weight:
        _register(_kind)
