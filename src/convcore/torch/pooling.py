"""Roles of poolings: the pooling and its input gradient, whose derivative is a pooling again."""

from __future__ import annotations

from math import inf, prod
from typing import Any

import torch
from torch import Tensor

from convcore import api
from convcore.spec.border import on_sides
from convcore.spec.operands import Array
from convcore.spec.registry import OPERATORS
from convcore.torch.call import Call
from convcore.torch.linear import Gradients, cast
from convcore.torch.roles import ROLES, Role, Saved
from convcore.torch.run import Run, moves_channels
from convcore.torch.shapes import result_shape
from convcore.torch.tensors import (
    check_tensor,
    empty,
    result_dtype,
)


class _Run(Run):
    """A pooling of arrays, which may have a window of weights."""

    def __init__(self, call: Call, first: Tensor, window: Tensor | None = None) -> None:
        super().__init__(call, first, window=window)
        self.rounds = torch.bfloat16 if first.dtype is torch.bfloat16 else None

    def result(self, array: Array) -> Tensor:
        """Return a result, rounded if the first tensor is."""
        return self.tensor(array, self.rounds)

    def gradient(self, grad: Tensor, shape: Any, **more: Any) -> Tensor:
        """Call the gradient of a pooling that reads x's shape alone."""
        given = self.array("grad", grad)
        function = getattr(api, f"{self.call.op}_backward")
        return self.result(function(given, self.only_shape(shape, given), **more, **self.options))


def like(call: Call, x: Tensor, window: Tensor | None = None) -> Tensor:
    """Return an empty tensor like the result of a pooling."""
    dtype = x.dtype if call.kind.pools == "max" else result_dtype(call.op, x, x)
    check_tensor(call.op, "x", x)
    last = moves_channels(call, x)
    return empty(
        x, result_shape(call, x.shape, None if window is None else window.shape), dtype, last
    )


def _like_input(call: Call, grad: Tensor, other: Tensor | None, shape: Any) -> Tensor:
    last = moves_channels(call, grad)
    return empty(grad, shape, result_dtype(call.op, grad, grad), last)


# Averages


def _average(call: Call, x: Tensor, window: Tensor | None) -> Tensor:
    run = _Run(call, x, window)
    return run.result(getattr(api, call.op)(run.array("x", x), **run.options))


def _average_dx(call: Call, grad: Tensor, window: Tensor | None, shape: Any) -> Tensor:
    run = _Run(call, grad, window)
    return run.gradient(grad, shape)


def _derive_average(kind: str, saved: Saved, grad: Tensor) -> Gradients:
    _refuse_window(saved)
    found = ROLES[f"{kind}_dx"](saved.call, grad, saved.tensors[1], saved.shapes[0])
    return (found,)


def _derive_average_dx(kind: str, saved: Saved, grad: Tensor) -> Gradients:
    _refuse_window(saved)
    return (ROLES[kind](saved.call.linear, grad, saved.tensors[1]),)


def _refuse_window(saved: Saved) -> None:
    if saved.needs[1]:
        raise ValueError(
            f"{saved.call.op}: window must not require a gradient, got a tensor that does; a "
            "depthwise convolution has a weight that learns"
        )


def _tangent_average(kind: str, saved: Saved, *tangents: Tensor | None) -> Tensor:
    found: Tensor = ROLES[kind](saved.call.linear, tangents[0], saved.tensors[1])
    return found


def _tangent_average_dx(kind: str, saved: Saved, *tangents: Tensor | None) -> Tensor:
    role = ROLES[f"{kind}_dx"]
    found: Tensor = role(saved.call, tangents[0], saved.tensors[1], saved.shape)
    return found


# Maxima


def _maximum(call: Call, x: Tensor) -> tuple[Tensor, Tensor]:
    run = _Run(call, x)
    values, indices = getattr(api, call.op)(run.array("x", x), return_indices=True, **run.options)
    return run.result(values), run.tensor(indices)


def _maximum_values(call: Call, x: Tensor) -> Tensor:
    run = _Run(call, x)
    return run.result(getattr(api, call.op)(run.array("x", x), **run.options))


def _maximum_dx(call: Call, grad: Tensor, indices: Tensor, shape: Any) -> Tensor:
    run = _Run(call, grad)
    return run.gradient(grad, shape, indices=run.array("indices", indices))


def _like_maximum(call: Call, x: Tensor) -> tuple[Tensor, Tensor]:
    values = like(call, x)
    return values, torch.empty_like(values, dtype=torch.int64)


def gather(call: Call, cells: Tensor, indices: Tensor) -> Tensor:
    """Return the cell of each output's index; the index -1 is a constant, whose slope is 0."""
    last = call.channels_last
    if last:
        cells, indices = cells.movedim(-1, -1 - call.axes), indices.movedim(-1, -1 - call.axes)
    at = _plane(indices, call.axes)
    found = _plane(cells, call.axes).gather(-1, at.clamp(min=0))
    if not isinstance(call.options.get("border", "zeros"), str):
        found = torch.where(at < 0, 0, found)
    found = found.reshape(indices.shape)
    return found.movedim(-1 - call.axes, -1) if last else found


def _plane(tensor: Tensor, axes: int) -> Tensor:
    """Return a tensor whose last axes are one; ``flatten`` knows no mapped gradients."""
    return tensor.reshape(*tensor.shape[:-axes], prod(tensor.shape[-axes:]))


def _derive_maximum(kind: str, saved: Saved, grad: Tensor) -> Gradients:
    _, indices = saved.tensors
    return (ROLES[f"{kind}_dx"](saved.call, grad, indices, saved.shapes[0]),)


def _derive_maximum_values(kind: str, saved: Saved, grad: Tensor) -> Gradients:
    with torch.no_grad():
        _, indices = ROLES[kind](saved.call, saved.tensors[0])
    return (ROLES[f"{kind}_dx"](saved.call, grad, indices, saved.shapes[0]),)


def _derive_maximum_dx(kind: str, saved: Saved, grad: Tensor) -> Gradients:
    indices = saved.tensors[1]
    assert indices is not None
    return (gather(saved.call, grad, indices),)


def _tangent_maximum(kind: str, saved: Saved, *tangents: Tensor | None) -> Any:
    assert tangents[0] is not None
    indices = saved.tensors[1]
    assert indices is not None
    return gather(saved.call, tangents[0], indices), None


def _tangent_maximum_dx(kind: str, saved: Saved, *tangents: Tensor | None) -> Tensor:
    role = ROLES[f"{kind}_dx"]
    found: Tensor = role(saved.call, tangents[0], saved.tensors[1], saved.shape)
    return found


# Norms


def _norm(call: Call, x: Tensor) -> Tensor:
    run = _Run(call, x)
    return run.result(getattr(api, call.op)(run.array("x", x), **run.options))


def _norm_dx(call: Call, grad: Tensor, x: Tensor) -> Tensor:
    run = _Run(call, grad)
    function = getattr(api, f"{call.op}_backward")
    return run.result(function(run.array("grad", grad), run.array("x", x), **run.options))


def _like_norm_dx(call: Call, grad: Tensor, x: Tensor) -> Tensor:
    last = moves_channels(call, grad)
    return empty(grad, x.shape, result_dtype(call.op, x, grad, "grad"), last)


class _Norm:
    """The norm y = (sum of |x| ** p) ** (1 / p) in sums over windows, which have derivatives."""

    def __init__(self, call: Call, x: Tensor, dtype: torch.dtype) -> None:
        self.p = float(call.options.get("p", 2.0))
        self.dtype = dtype
        names = ("stride", "padding", "dilation", "ceil_mode", "layout", "threads")
        options = {name: call.options[name] for name in names if name in call.options}
        p = 1.0 if self.p == inf else self.p
        border = on_sides(
            call.option("border"), lambda side: side if isinstance(side, str) else abs(side) ** p
        )
        self.x = x.to(dtype)
        if self.p == inf:
            options["kernel_size"] = call.options["kernel_size"]
            self.call = Call(f"max_pool{call.axes}d", {**options, "border": border})
            with torch.no_grad():
                _, self.indices = ROLES["max_pool"](self.call, self.x.abs())
            return
        self.call = Call(
            f"weighted_pool{call.axes}d", {**options, "border": border, "normalize": False}
        )
        self.window = torch.ones(call.option("kernel_size"), dtype=dtype, device=x.device)
        self.slope = self.x.sign() * self._power(self.x.abs(), self.p - 1)
        total = ROLES["weighted_pool"](self.call, self.x.abs() ** self.p, self.window)
        self.y = self._power(total, 1 / self.p)

    @staticmethod
    def _power(base: Tensor, exponent: float) -> Tensor:
        """Return a power, 0 for the base 0, where those of a negative exponent are infinite."""
        if exponent == 0:
            return torch.ones_like(base)
        none = base == 0
        return torch.where(none, 0, torch.where(none, 1, base) ** exponent)

    def sums(self, cells: Tensor) -> Tensor:
        """Return the sum of each window, of constants in the padding none."""
        found: Tensor = ROLES["weighted_pool"](self.call.linear, cells, self.window)
        return found

    def spread(self, outputs: Tensor) -> Tensor:
        """Return the sum of all outputs that see a cell: the adjoint of :meth:`sums`."""
        found: Tensor = ROLES["weighted_pool_dx"](
            self.call, outputs, self.window, tuple(self.x.shape)
        )
        return found

    def tangent(self, cells: Tensor) -> Tensor:
        """Return the change of y with a change of x."""
        if self.p == inf:
            return gather(self.call, self.x.sign() * cells, self.indices)
        return self._power(self.y, 1 - self.p) * self.sums(self.slope * cells)

    def second(self, grad: Tensor, cells: Tensor) -> Tensor:
        """Return the gradient, with respect to x, of the sum of grad times :meth:`tangent`."""
        if self.p == inf:
            return torch.zeros_like(self.x)
        p, y = self.p, self.y
        bend = (p - 1) * self._power(self.x.abs(), p - 2)
        first = cells * bend * self.spread(grad * self._power(y, 1 - p))
        of_y = (1 - p) * grad * self._power(y, 1 - 2 * p) * self.sums(self.slope * cells)
        return first + self.slope * self.spread(of_y)


def _derive_norm(kind: str, saved: Saved, grad: Tensor) -> Gradients:
    return (ROLES[f"{kind}_dx"](saved.call, grad, saved.tensors[0]),)


def _derive_norm_dx(kind: str, saved: Saved, grad: Tensor) -> Gradients:
    before, x = saved.tensors
    assert before is not None
    assert x is not None
    norm = _Norm(saved.call, x, grad.dtype)
    dgrad = norm.tangent(grad) if saved.needs[0] else None
    dx = norm.second(before.to(grad.dtype), grad) if saved.needs[1] else None
    return None if dgrad is None else cast(dgrad, before), None if dx is None else cast(dx, x)


def _tangent_norm(kind: str, saved: Saved, *tangents: Tensor | None) -> Tensor:
    x = saved.tensors[0]
    assert x is not None
    assert tangents[0] is not None
    return _Norm(saved.call, x, x.dtype).tangent(tangents[0])


def _tangent_norm_dx(kind: str, saved: Saved, *tangents: Tensor | None) -> Tensor:
    grad, x = saved.tensors
    assert grad is not None
    assert x is not None
    found = []
    if tangents[0] is not None:
        found.append(ROLES[f"{kind}_dx"](saved.call, tangents[0], x))
    if tangents[1] is not None:  # the matrix of second derivatives is symmetric
        found.append(_Norm(saved.call, x, x.dtype).second(grad, tangents[1]))
    return found[0] if len(found) == 1 else found[0] + found[1]


def _register(kind: str, pools: str) -> None:
    def of(function: Any) -> Any:
        return lambda *arguments: function(kind, *arguments)

    if pools == "mean":
        Role(
            kind, ("x", "window?"), _average, like, of(_derive_average), batched=(0,),
            unsaved=(0,), tangent=of(_tangent_average),
        ).register()  # fmt: skip
        Role(
            f"{kind}_dx", ("grad", "window?"), _average_dx, _like_input, of(_derive_average_dx),
            takes_shape=True, batched=(0,), unsaved=(0,), tangent=of(_tangent_average_dx),
        ).register()  # fmt: skip
    elif pools == "max":
        Role(
            kind, ("x",), _maximum, _like_maximum, of(_derive_maximum), results=2, batched=(0,),
            unsaved=(0,), saves=(1,), tangent=of(_tangent_maximum),
        ).register()  # fmt: skip
        Role(
            f"{kind}_values", ("x",), _maximum_values, like, of(_derive_maximum_values),
            batched=(0,),
        ).register()  # fmt: skip
        Role(
            f"{kind}_dx", ("grad", "indices"), _maximum_dx, _like_input, of(_derive_maximum_dx),
            takes_shape=True, batched=(0, 1), unsaved=(0,), tangent=of(_tangent_maximum_dx),
        ).register()  # fmt: skip
    else:
        Role(
            kind, ("x",), _norm, like, of(_derive_norm), batched=(0,), tangent=of(_tangent_norm)
        ).register()
        Role(
            f"{kind}_dx", ("grad", "x"), _norm_dx, _like_norm_dx, of(_derive_norm_dx),
            batched=(0, 1), tangent=of(_tangent_norm_dx),
        ).register()  # fmt: skip


for _kind, _operator in OPERATORS.items():
    if not _operator.has_weight:
        _register(_kind, _operator.pools)
