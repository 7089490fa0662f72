"""Roles of operators with missing cells: the operator, and its first derivative."""

from __future__ import annotations

import torch
from torch import Tensor

from convcore import api
from convcore.spec.operands import Array
from convcore.spec.registry import OPERATORS
from convcore.torch.call import Call
from convcore.torch.linear import Gradients, cast
from convcore.torch.pooling import like
from convcore.torch.roles import ROLES, Role, Saved
from convcore.torch.run import Run, moves_channels
from convcore.torch.shapes import result_shape
from convcore.torch.tensors import (
    empty,
    result_dtype,
    to_tensor,
)

OPERANDS = ("x", "weight?", "bias?", "extra?", "mask?")  # extra: connections or a window


class _Run(Run):
    """A call on arrays with missing cells."""

    def __init__(self, call: Call, x: Tensor, extra: Tensor | None, mask: Tensor | None) -> None:
        super().__init__(
            call, x, **{"window" if "window" in call.kind.names else "connections": extra}
        )
        if mask is not None:
            self.options["mask"] = self.array("mask", mask, mask.dim() == x.dim())


def _rounds(x: Tensor, weight: Tensor | None) -> torch.dtype | None:
    if x.dtype is not torch.bfloat16:
        return None
    return result_dtype("", x, x if weight is None else weight)


def _arrays(
    run: _Run, x: Tensor, weight: Tensor | None, bias: Tensor | None
) -> tuple[Array | None, ...]:
    arrays: tuple[Array | None, ...] = (run.array("x", x),)
    if weight is not None:
        arrays += (run.array("weight", weight, False),)
        arrays += (None if bias is None else run.array("bias", bias, False),)
    return arrays


def _forward(
    call: Call,
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    extra: Tensor | None,
    mask: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor]:
    run = _Run(call, x, extra, mask)
    found = getattr(api, call.op)(*_arrays(run, x, weight, bias), **run.options)
    each = list(found) if isinstance(found, tuple) else [found]
    y = run.tensor(each.pop(0), _rounds(x, weight))
    indices = y.new_empty(0, dtype=torch.int64)
    if call.options.get("return_indices", False):
        indices = run.tensor(each.pop(0))
    return y, indices, run.tensor(each.pop(0)) if each else y.new_empty(0)


def _like(
    call: Call,
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    extra: Tensor | None,
    mask: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor]:
    if weight is None:
        y = like(call, x, extra)
    else:
        last = moves_channels(call, x)
        dtype = result_dtype(call.op, x, weight)
        y = empty(x, result_shape(call, x.shape, weight.shape), dtype, last)
    real = y.dtype if y.is_floating_point() else torch.float64
    if y.dtype is torch.bfloat16:
        real = torch.float32
    indices = y.new_empty(0, dtype=torch.int64)
    if call.options.get("return_indices", False):
        indices = torch.empty_like(y, dtype=torch.int64)
    wanted = call.options.get("return_weight", False)
    return y, indices, torch.empty_like(y, dtype=real) if wanted else y.new_empty(0)


def _gradients(
    call: Call,
    grad: Tensor,
    x: Tensor,
    weight: Tensor | None,
    extra: Tensor | None,
    mask: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor]:
    run = _Run(call, x, extra, mask)
    function = getattr(api, f"{call.op}_backward")
    rounds = _rounds(x, weight)
    given, none = run.array("grad", grad), grad.new_empty(0)
    if weight is None:
        dx = function(given, *_arrays(run, x, None, None), **run.options)
        return run.tensor(dx, rounds), none, none.clone()
    bias = weight.new_zeros(len(weight))  # read for its shape: outputs that are filled have none
    dx, dweight, dbias = function(given, *_arrays(run, x, weight, bias), **run.options)
    return run.tensor(dx, rounds), to_tensor(dweight, rounds), to_tensor(dbias, rounds)


def _like_gradients(
    call: Call,
    grad: Tensor,
    x: Tensor,
    weight: Tensor | None,
    extra: Tensor | None,
    mask: Tensor | None,
) -> tuple[Tensor, Tensor, Tensor]:
    last = moves_channels(call, x)
    dtype = result_dtype(call.op, x, x if weight is None else weight)
    dx, none = empty(x, x.shape, dtype, last), grad.new_empty(0)
    if weight is None:
        return dx, none, none.clone()
    return dx, empty(weight, weight.shape, dtype), empty(weight, weight.shape[:1], dtype)


def _derive(kind: str, saved: Saved, grad: Tensor) -> Gradients:
    call, (x, weight, _, extra, mask) = saved.call, saved.tensors
    assert x is not None
    if saved.needs[3] and weight is None:
        raise ValueError(f"{call.op}: window must not require a gradient, got one that does")
    found = ROLES[f"{kind}_masked_dx"](call, grad, x, weight, extra, mask)
    if weight is None:
        return (cast(found[0], x),)
    dbias = None if saved.shapes[2] is None else cast(found[2], weight)
    return cast(found[0], x), cast(found[1], weight), dbias


def _derive_again(saved: Saved, grad: Tensor) -> Gradients:
    raise ValueError(
        f"{saved.call.op}: gradients must be of the first order with missing cells, got a gradient "
        "of a gradient; fill the cells first"
    )


def _register(kind: str) -> None:
    Role(
        f"{kind}_masked", OPERANDS, _forward, _like, lambda *given: _derive(kind, *given),
        results=3, unsaved=(2,),
    ).register()  # fmt: skip
    Role(
        f"{kind}_masked_dx", ("grad", "x", "weight?", "extra?", "mask?"), _gradients,
        _like_gradients, _derive_again, results=3,
    ).register()  # fmt: skip


for _kind, _operator in OPERATORS.items():
    if _operator.missing:
        _register(_kind)
