"""Operators of PyTorch: one for each kind and each thing that is computed of it, its *role*.

A role is registered once: how it is computed, what its result looks like, its derivative, and what
``torch.vmap`` makes of it. Derivatives are roles themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor
from torch._functorch.autograd_function import enable_single_level_autograd_function
from torch.autograd import forward_ad
from torch.autograd.function import _SingleLevelFunction

from convcore.torch.call import Call, decode
from convcore.torch.tensors import PLAIN

NAMESPACE = "convcore"
LIBRARY = torch.library.Library(NAMESPACE, "DEF")  # as long as the module lives
ROLES: dict[str, Role] = {}

Function = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Saved:
    """What a derivative is computed from: the tensors of a role, and its other arguments."""

    call: Call
    tensors: tuple[Tensor | None, ...]  # None: none was given, or the derivative needs it not
    shapes: tuple[tuple[Any, ...] | None, ...]  # of all tensors
    shape: tuple[Any, ...]  # of the role that takes one
    needs: tuple[bool, ...]


@dataclass(frozen=True)
class Role:
    """One operator, ``name(*tensors, [shape], call)``."""

    name: str
    tensors: tuple[str, ...]  # their names; those that may be None end with "?"
    run: Function  # the results, of tensors in main memory
    fake: Function  # empty tensors like the results
    derive: Function  # of what was saved and the results' gradients: those of the tensors
    results: int = 1
    takes_shape: bool = False  # whether a shape follows the tensors
    batched: tuple[int, ...] = ()  # tensors with the batch as their first axis; (): results add up
    unsaved: tuple[int, ...] = ()  # tensors of which a derivative needs the shape alone
    saves: tuple[int, ...] = ()  # results that a derivative needs, after the tensors
    tangent: Function | None = None  # of what was saved and the tangents of the tensors
    recorded: type[_SingleLevelFunction] = field(init=False)
    op: Any = field(init=False)

    def __call__(self, call: Call, *arguments: Any) -> Any:
        """Compute the role, recorded by whatever records."""
        if torch.compiler.is_compiling() or is_followed() or is_dispatched(arguments):
            return self.op(*arguments, call.op, call.text)
        if torch.is_grad_enabled() and needs_grad(arguments):
            return self.recorded.apply(*arguments, call)
        return self.compute(call, *arguments)

    def compute(self, call: Call, *arguments: Any) -> Any:
        """Compute the role of tensors in main memory."""
        try:
            return self.run(call, *arguments)
        except (TypeError, ValueError):
            if not any(map(_is_permuted, arguments)):
                raise
        # Channels that lie last in memory were read as the last axis. An error must show the axes
        # of the tensors.
        plain = [given.contiguous() if _is_permuted(given) else given for given in arguments]
        return self.run(call, *plain)

    def register(self) -> Role:
        """Tell PyTorch of the role."""
        ROLES[self.name] = self
        words = [f"Tensor{'?' if name.endswith('?') else ''} {name.rstrip('?')}"
                 for name in self.tensors]  # fmt: skip
        words += ["SymInt[] shape"] * self.takes_shape + ["str op", "str options"]
        result = "Tensor" if self.results == 1 else f"({', '.join(['Tensor'] * self.results)})"
        name = f"{NAMESPACE}::{self.name}"
        LIBRARY.define(
            f"{self.name}({', '.join(words)}) -> {result}", tags=(torch.Tag.pt2_compliant_tag,)
        )
        LIBRARY.impl(self.name, _decoded(self.compute), "CPU")
        torch.library.register_fake(name, _decoded(self.fake), lib=LIBRARY)
        torch.library.register_vmap(name, self._vmap, lib=LIBRARY)
        object.__setattr__(self, "op", getattr(getattr(torch.ops, NAMESPACE), self.name).default)
        object.__setattr__(self, "recorded", _recorded(self))
        LIBRARY.impl(self.name, _dispatched(self), "Autograd")
        return self

    # Derivatives

    def setup(self, ctx: Any, inputs: tuple[Any, ...], call: Call, output: Any) -> None:
        """Save what the derivative needs."""
        count = len(self.tensors)
        tensors = inputs[:count]
        kept = [None if place in self.unsaved else given for place, given in enumerate(tensors)]
        kept += [output[place] for place in self.saves]
        ctx.call = call
        ctx.shape = tuple(inputs[count]) if self.takes_shape else ()
        ctx.shapes = tuple(None if given is None else tuple(given.shape) for given in tensors)
        ctx.set_materialize_grads(False)
        if self.results > 1:
            ctx.mark_non_differentiable(*output[1:])
        ctx.save_for_backward(*kept)
        if self.tangent is not None and is_followed():
            ctx.save_for_forward(*kept)

    def saved(self, ctx: Any) -> Saved:
        """Return what was saved."""
        tensors = ctx.saved_tensors
        needs = tuple(ctx.needs_input_grad[: len(self.tensors)])
        return Saved(ctx.call, tensors, ctx.shapes, ctx.shape, needs)

    def gradients(self, ctx: Any, grads: tuple[Tensor | None, ...]) -> tuple[Any, ...]:
        """Return the gradients of the tensors; indices and shares have none."""
        if grads[0] is None:
            return (None,) * len(self.tensors)
        found = self.derive(self.saved(ctx), grads[0])
        return (*found, *(None,) * (len(self.tensors) - len(found)))

    def push_forward(self, ctx: Any, *tangents: Tensor | None) -> Any:
        """Return the tangents of the results.

        They are computed of values without the tangents of this level, and with those of levels
        outside it, which PyTorch's nodes switch off.
        """
        assert self.tangent is not None
        saved = self.saved(ctx)
        primal = tuple(
            None if each is None else forward_ad.unpack_dual(each).primal for each in saved.tensors
        )
        with forward_ad._set_fwd_grad_enabled(True):
            return self.tangent(replace(saved, tensors=primal), *tangents[: len(self.tensors)])

    # vmap

    def _vmap(self, info: Any, in_dims: tuple[int | None, ...], *arguments: Any) -> tuple[Any, Any]:
        """Fold the mapped axis into the batch if only images have it, else go through it."""
        call = decode(*arguments[-2:])
        count = len(self.tensors)
        dims = 0 if self.results == 1 else (0,) * self.results
        mapped = {place for place in range(count) if in_dims[place] is not None}
        if self.batched and mapped <= set(self.batched):
            return self._folded(info.batch_size, in_dims, arguments, call), dims
        if not info.batch_size:
            return self._of_none(in_dims, arguments), dims
        columns = [
            given.unbind(dim) if isinstance(dim, int) else (given,) * info.batch_size
            for given, dim in zip(arguments, in_dims, strict=True)
        ]
        rows = [self.op(*row) for row in zip(*columns, strict=True)]
        if self.results == 1:
            return torch.stack(rows), dims
        return tuple(torch.stack(each) for each in zip(*rows, strict=True)), dims

    def _of_none(self, in_dims: tuple[int | None, ...], arguments: tuple[Any, ...]) -> Any:
        """Return the results for no examples: none of those for one example.

        The cells of that example are sums over none. So results have the right shapes, and
        derivatives with respect to what was mapped.
        """
        row = [
            # 1 where cells are floats: weights of a window must not add up to 0
            given.sum(dim, dtype=given.dtype) + given.is_floating_point()
            if isinstance(dim, int)
            else given
            for given, dim in zip(arguments, in_dims, strict=True)
        ]
        found = self.op(*row)
        if self.results == 1:
            return found[None][:0]
        return tuple(each[None][:0] for each in found)

    def _folded(
        self, size: int, in_dims: tuple[int | None, ...], given: tuple[Any, ...], call: Call
    ) -> Any:
        arguments, count, single, each = list(given), len(self.tensors), False, 0
        for place in self.batched:
            dim, tensor = in_dims[place], arguments[place]
            tensor = tensor.expand(size, *tensor.shape) if dim is None else tensor.movedim(dim, 0)
            single = tensor.dim() == call.axes + 2  # an image is one example
            each = tensor.shape[1]
            arguments[place] = tensor if single else tensor.flatten(0, 1)
        if self.takes_shape:
            shape = tuple(given[count])
            arguments[count] = (size, *shape) if single else (size * shape[0], *shape[1:])
        found = self.op(*arguments)
        if single:
            return found
        if self.results == 1:
            return found.unflatten(0, (size, each))
        return tuple(result.unflatten(0, (size, each)) for result in found)


def _is_permuted(given: Any) -> bool:
    """Return whether the axes of a dense tensor may lie in another order in memory."""
    return (
        isinstance(given, Tensor)
        and given.layout is torch.strided
        and not given.is_nested
        and not given.is_contiguous()
    )


def _decoded(function: Function) -> Function:
    """Return the function of a call for the arguments of an op, whose last two are its text."""

    def decoded(*arguments: Any) -> Any:
        return function(decode(*arguments[-2:]), *arguments[:-2])

    return decoded


class _Derived(_SingleLevelFunction):
    """A node of PyTorch's graph of derivatives.

    It knows no transform of ``torch.func``: they see the operator, as they see PyTorch's own.
    """

    role: Role
    words: int  # arguments after the tensors

    @classmethod
    def of(cls, role: Role, words: int) -> type[_Derived]:
        """Return the node of a role."""
        more: dict[str, Any] = {"role": role, "words": words + role.takes_shape}
        if role.tangent is not None:
            more["jvp"] = staticmethod(role.push_forward)
        return type(f"{role.name}_{cls.__name__}", (cls,), more)

    @classmethod
    def backward(cls, ctx: Any, *grads: Any) -> Any:
        found = cls.role.gradients(ctx, grads)
        return (*found, *(None,) * cls.words)


def _recorded(role: Role) -> type[_SingleLevelFunction]:
    """Return the node that computes a role itself: it costs less than PyTorch's dispatcher."""

    class Recorded(_Derived):
        @staticmethod
        def forward(ctx: Any, *arguments: Any) -> Any:
            call = arguments[-1]
            found = role.compute(call, *arguments[:-1])
            role.setup(ctx, arguments, call, found)
            return found

    return Recorded.of(role, 1)


def _dispatched(role: Role) -> Function:
    """Return what records an operator for the dispatcher, which goes on below derivatives."""

    class Dispatched(_Derived):
        @staticmethod
        def forward(ctx: Any, *arguments: Any) -> Any:
            # A node computes without gradients, but the transforms outside this one have their own.
            with (
                torch.enable_grad(),
                forward_ad._set_fwd_grad_enabled(True),
                torch._C._AutoDispatchBelowAutograd(),
            ):
                found = role.op(*arguments)
            role.setup(ctx, arguments, decode(*arguments[-2:]), found)
            return found

    node = Dispatched.of(role, 2)

    def record(*arguments: Any) -> Any:
        with enable_single_level_autograd_function():
            return node.apply(*arguments)

    return record


def needs_grad(arguments: Sequence[Any]) -> bool:
    """Return whether any tensor requires a gradient."""
    return any(isinstance(given, Tensor) and given.requires_grad for given in arguments)


def is_followed() -> bool:
    """Return whether anything but autograd follows what is computed: it must see operators."""
    return bool(
        torch._C._are_functorch_transforms_active()
        or torch._C._len_torch_dispatch_stack()
        or torch._C._get_tracing_state() is not None
        or forward_ad._current_level >= 0
    )


def is_dispatched(arguments: Sequence[Any]) -> bool:
    """Return whether PyTorch's dispatcher must see a call: of subclasses, or without memory."""
    for given in arguments:
        if isinstance(given, Tensor) and (
            type(given) not in PLAIN
            or given.is_meta
            or torch._C._functorch.is_legacy_batchedtensor(given)  # is_grads_batched=True
        ):
            return True
    return False
