"""The public functions, made from those of arrays: their signatures, options and errors."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from operator import index
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from convcore import api
from convcore.spec.errors import short_repr
from convcore.spec.made import present
from convcore.spec.missing import IGNORE
from convcore.spec.registry import AXES, OPERATORS, Operator, layer_name
from convcore.torch import linear, masked, pooling  # noqa: F401  # they register their roles
from convcore.torch.call import ARRAYS, Call, encode
from convcore.torch.documents import document
from convcore.torch.roles import ROLES, is_followed, needs_grad
from convcore.torch.tensors import PLAIN, check_tensor, is_channels_last

Function = Callable[..., Any]

# Options of missing cells but the mask.
OF_GAPS = ("nan", "normalize", "fill", "return_weight")


def make(kind: str, axes: int) -> Function:
    """Return the function of tensors of an operator."""
    operator, op = OPERATORS[kind], layer_name(kind, axes)
    of_arrays = getattr(api, op)
    function = _with_weight(op, of_arrays) if operator.has_weight else _pooling(op, of_arrays)
    signature = _signature(of_arrays)
    doc = document(operator, axes, signature, of_arrays.__doc__)
    return present(function, "convcore.torch", op, signature, doc)


def _signature(of_arrays: Function) -> inspect.Signature:
    """Return the signature of the function of arrays, without ``out``, for tensors."""
    signature = inspect.signature(of_arrays)
    tensors = {"x": "Tensor", "weight": "Tensor", "bias": "Tensor | None", "window": "Tensor",
               "connections": "Tensor | None", "mask": "Tensor | None"}  # fmt: skip
    parameters = [
        each.replace(annotation=tensors.get(name, each.annotation))
        for name, each in signature.parameters.items()
        if name != "out"
    ]
    several = {"return_indices", "return_weight"} & set(signature.parameters)
    result = "Tensor | tuple[Tensor, ...]" if several else "Tensor"
    return signature.replace(parameters=parameters, return_annotation=result)


def _with_weight(op: str, of_arrays: Function) -> Function:
    def function(x: Any, weight: Any, bias: Any = None, *positional: Any, **options: Any) -> Any:
        if not _is_plain(x) or not _is_plain(weight) or (bias is not None and not _is_plain(bias)):
            return _general(op, (x, weight, bias, *positional), options)
        if torch.is_grad_enabled() and (
            x.requires_grad or weight.requires_grad or (bias is not None and bias.requires_grad)
        ):
            return _general(op, (x, weight, bias, *positional), options)
        y = _direct(of_arrays, x, (weight, bias, *positional), options)
        return _general(op, (x, weight, bias, *positional), options) if y is None else y

    return function


def _pooling(op: str, of_arrays: Function) -> Function:
    def function(x: Any, *positional: Any, **options: Any) -> Any:
        if not _is_plain(x) or (torch.is_grad_enabled() and needs_grad((x, *positional))):
            return _general(op, (x, *positional), options)
        y = _direct(of_arrays, x, positional, options)
        return _general(op, (x, *positional), options) if y is None else y

    return function


# Nearly every call: tensors in memory, with nothing that records or traces


def _is_plain(tensor: Any) -> bool:
    return type(tensor) in PLAIN


def _direct(
    of_arrays: Function, x: Tensor, others: tuple[Any, ...], options: dict[str, Any]
) -> Any:
    """Return the result of the function of arrays; None: the call takes more than that."""
    if torch.compiler.is_compiling() or is_followed():
        return None
    if not x.is_contiguous() and is_channels_last(x, x.dim() - 2):
        return None
    try:
        arrays = [
            (given.detach() if given.requires_grad else given).numpy()
            if type(given) in PLAIN
            else given
            for given in (x, *others)
        ]
    except (AttributeError, TypeError, RuntimeError):
        return None  # bfloat16, another device or layout: told apart later
    given = {"threads": torch.get_num_threads()}
    for name, value in options.items():
        if isinstance(value, Tensor) or name == "out":
            return None
        if value is not None or name != "threads":
            given[name] = value
    return _tensors(of_arrays(*arrays, **given))


def _tensors(found: Any) -> Any:
    if isinstance(found, tuple):
        return tuple(_tensors(each) for each in found)
    return torch.from_numpy(found if found.flags.writeable else found.copy())


# Every other call


def _general(op: str, positional: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Compute a call by its role."""
    kind = OPERATORS[op[:-2]]
    given = _bound(op, positional, options)
    names = ("x", "weight", "bias") if kind.has_weight else ("x",)
    tensors = [given.pop(name, None) for name in names]
    for name, tensor in zip(names, tensors, strict=True):
        if type(tensor) not in PLAIN and (tensor is not None or name != "bias"):
            check_tensor(op, name, tensor)
    arrays = {
        name: _array(op, name, given.pop(name), tensors[0]) for name in ARRAYS if name in given
    }
    call = _call(op, given)
    has_gaps = "mask" in arrays
    if not has_gaps and any(name in given for name in OF_GAPS):
        has_gaps = _has_gaps(call)
        call = call if has_gaps else _without_gaps(call)
    function = _masked if has_gaps else _present
    return function(kind, call, tensors, arrays)


def _call(op: str, given: dict[str, Any]) -> Call:
    """Return the call; while PyTorch compiles, its text is a constant of the graph."""
    call = Call(op, given)
    if torch.compiler.is_compiling():
        call._text = _encoded(op, tuple((name, _constant(each)) for name, each in given.items()))
    return call


def _constant(value: Any) -> Any:
    """Return an option with symbols of PyTorch's compiler as the integers that they stand for."""
    if isinstance(value, (tuple, list)):
        return tuple(_constant(each) for each in value)
    return index(value) if isinstance(value, int) and not isinstance(value, bool) else value


_encoded = torch.compiler.assume_constant_result(encode)


def _bound(op: str, positional: tuple[Any, ...], options: dict[str, Any]) -> dict[str, Any]:
    """Return arguments by their names, those that are not None or the default alone."""
    names, most, defaults, required = PARAMETERS[op]
    if len(positional) > most:
        raise TypeError(f"{op}: arguments must be at most {most} without a name, got "
                        f"{len(positional)}")  # fmt: skip
    given = dict(zip(names, positional, strict=False))
    for name, value in options.items():
        if name not in names:
            raise TypeError(f"{op}: arguments must be among {names}, got {short_repr(name)}")
        if name in given:
            raise TypeError(f"{op}: {name} must be given once, got it by place and by name")
        given[name] = value
    for name in required:
        if name not in given:
            raise TypeError(f"{op}: {name} must be given, got {tuple(given)}")
    return {
        name: value
        for name, value in given.items()
        if name not in defaults or (value is not None and value is not defaults[name])
    }


def _array(op: str, name: str, value: Any, x: Tensor) -> Tensor:
    """Return an option that is an array as a tensor."""
    if isinstance(value, Tensor):
        if value.requires_grad and torch.is_grad_enabled():
            raise ValueError(
                f"{op}: {name} must not require a gradient, got a tensor that does; a depthwise "
                "convolution has a weight that learns"
            )
        return check_tensor(op, name, value)
    value = getattr(value, "array", value)  # a table of connections
    try:
        return torch.as_tensor(np.array(value), device=x.device)
    except (TypeError, ValueError):
        raise TypeError(
            f"{op}: {name} must be a tensor or an array, got {short_repr(value)}"
        ) from None


def _has_gaps(call: Call) -> bool:
    """Return whether cells may be missing without a mask, or their share is asked for."""
    options = call.options
    return bool(options.get("nan") == IGNORE or options.get("return_weight", False) is not False)


def _without_gaps(call: Call) -> Call:
    """Return the call without options that mean nothing where no cell is missing."""
    own = call.kind.names  # a weighted pooling normalises whether or not cells are missing
    names = [name for name in call.options if name in OF_GAPS and name not in own]
    for name in names:
        call.option(name)  # refuses what makes no sense
    return _call(call.op, {k: v for k, v in call.options.items() if k not in names})


def _present(kind: Operator, call: Call, tensors: list[Any], arrays: dict[str, Tensor]) -> Any:
    """Compute a call in which no cell is missing."""
    if kind.has_weight:
        return ROLES[kind.kind](call, *tensors, arrays.get("connections"))
    if kind.pools == "mean":
        return ROLES[kind.kind](call, *tensors, arrays.get("window"))
    if kind.pools == "norm":
        return ROLES[kind.kind](call, *tensors)
    x, wanted = tensors[0], False
    if "return_indices" in call.options:
        wanted = call.option("return_indices")
        call = _call(call.op, {k: v for k, v in call.options.items() if k != "return_indices"})
    if (
        wanted
        or (x.requires_grad and torch.is_grad_enabled())
        or (not torch.compiler.is_compiling() and is_followed())
    ):
        values, indices = ROLES[kind.kind](call, x)
        return (values, indices) if wanted else values
    return ROLES[f"{kind.kind}_values"](call, x)


def _masked(kind: Operator, call: Call, tensors: list[Any], arrays: dict[str, Tensor]) -> Any:
    """Compute a call in which cells may be missing."""
    operands = tensors if kind.has_weight else [*tensors, None, None]
    extra = arrays.get("window", arrays.get("connections"))
    y, indices, share = ROLES[f"{kind.kind}_masked"](call, *operands, extra, arrays.get("mask"))
    found = [y]
    if call.options.get("return_indices", False):
        found.append(indices)
    if call.options.get("return_weight", False):
        found.append(share)
    return found[0] if len(found) == 1 else tuple(found)


class _Parameters(NamedTuple):
    """What a signature says."""

    names: tuple[str, ...]
    most: int  # that may have no name
    defaults: dict[str, Any]
    required: tuple[str, ...]

    @classmethod
    def of(cls, signature: inspect.Signature) -> _Parameters:
        """Read a signature."""
        every = signature.parameters
        most = sum(each.kind is each.POSITIONAL_OR_KEYWORD for each in every.values())
        defaults = {
            name: each.default for name, each in every.items() if each.default is not each.empty
        }
        return cls(tuple(every), most, defaults, tuple(n for n in every if n not in defaults))


NAMES = [layer_name(kind, axes) for kind in OPERATORS for axes in AXES]
PARAMETERS = {op: _Parameters.of(_signature(getattr(api, op))) for op in NAMES}
FUNCTIONS = {layer_name(kind, axes): make(kind, axes) for kind in OPERATORS for axes in AXES}
