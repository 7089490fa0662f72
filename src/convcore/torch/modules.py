"""Operators as PyTorch's modules, made from the layers of ``convcore.nn``."""

from __future__ import annotations

import inspect
from copy import copy, deepcopy
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from convcore import nn
from convcore.nn.layers.operator import OperatorLayer
from convcore.spec.errors import short_repr
from convcore.spec.missing import IGNORE
from convcore.spec.registry import AXES, OPERATORS, class_name, layer_name
from convcore.torch.documents import indented
from convcore.torch.functions import FUNCTIONS
from convcore.torch.tensors import DTYPES

ARRAYS = ("window", "connections")  # options that are arrays: buffers of a module
LOCAL = tuple(layer_name("local_conv", axes) for axes in AXES)  # their layers know x's cells


class OperatorModule(torch.nn.Module):
    """A module that computes an operator; each class names its own in ``operator``."""

    operator: ClassVar[str]
    layer: ClassVar[type[OperatorLayer]]  # reads the options, and draws the weight
    weighted: ClassVar[bool]  # whether it has a weight

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__()
        self._take(_layer(type(self), arguments, options))
        dtype = options.get("dtype")
        if isinstance(dtype, torch.dtype) and self.weighted:
            self.to(dtype)

    @classmethod
    def of(cls, layer: OperatorLayer) -> OperatorModule:
        """Return the module of a layer, with copies of its arrays."""
        module = cls.__new__(cls)
        torch.nn.Module.__init__(module)
        module._take(layer)
        return module

    def _take(self, layer: OperatorLayer) -> None:
        self._shown = repr(layer).partition("(")[2][:-1]
        self._layer: Any = copy(layer)
        self._layer._frozen = False
        for name in layer.arrays:
            setattr(self._layer, name, None)
        options = {**layer.options, **layer.missing}
        known = inspect.signature(FUNCTIONS[self.operator]).parameters
        self.options = {
            name: value
            for name, value in options.items()
            if name not in ARRAYS and not _is_default(value, known[name].default)
        }
        if layer.missing.get("nan") != IGNORE:
            for name in ("fill", *(["normalize"] if "normalize" in layer.missing else [])):
                self.options.pop(name, None)
        for name in ARRAYS:
            value = options.get(name)
            array = None if value is None else torch.from_numpy(np.array(value))
            # not in a state_dict: convcore.nn has it not in its files
            self.register_buffer(name, array, persistent=False)
        for name in layer.arrays:
            value = getattr(layer, name)
            parameter = None if value is None else torch.nn.Parameter(torch.tensor(value))
            self.register_parameter(name, parameter)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the operator."""
        options = dict(self.options)
        if self.operator in LOCAL and isinstance(x, Tensor) and x.dim() > self._layer.spatial:
            self._layer.check_cells(tuple(x.shape[-self._layer.spatial - 1 :]))
        if self.weighted:
            if self.connections is not None:
                options["connections"] = self.connections
            found = FUNCTIONS[self.operator](x, self.weight, self.bias, **options)
        elif self.window is not None:
            found = FUNCTIONS[self.operator](x, self.window, **options)
        else:
            found = FUNCTIONS[self.operator](x, **options)
        assert isinstance(found, Tensor)
        return found

    def extra_repr(self) -> str:
        """Return what stands between the brackets."""
        return self._shown

    def to_layer(self) -> OperatorLayer:
        """Return the layer of ``convcore.nn``, with copies of weight and bias."""
        layer = deepcopy(self._layer)
        for name in layer.arrays:
            tensor = getattr(self, name)
            if tensor is not None:
                tensor = tensor.float() if tensor.dtype is torch.bfloat16 else tensor
                setattr(layer, name, np.array(tensor.numpy(force=True)))
        return layer


def _is_default(value: object, default: object) -> bool:
    return value is default or (type(value) is type(default) and value == default)


def _layer(
    cls: type[OperatorModule], arguments: tuple[Any, ...], options: dict[str, Any]
) -> OperatorLayer:
    """Make the layer of a module's arguments."""
    given = dict(options)
    for name in ARRAYS:
        if isinstance(given.get(name), Tensor):
            given[name] = given[name].numpy(force=True)
    if arguments and isinstance(arguments[0], Tensor):
        arguments = (arguments[0].numpy(force=True), *arguments[1:])
    if cls.layer.kind.has_weight:
        given["dtype"] = _dtype(cls.__name__, given.get("dtype"))
        given["rng"] = _generator(given.get("rng"))
    return cls.layer(*arguments, **given)


def _dtype(op: str, dtype: object) -> object:
    """Return the dtype in which a weight is drawn."""
    if dtype is None:
        dtype = torch.get_default_dtype()
    if not isinstance(dtype, torch.dtype):
        return dtype
    if not dtype.is_floating_point or dtype not in DTYPES:
        raise TypeError(
            f"{op}: dtype must be bfloat16, float16, float32 or float64, got {short_repr(dtype)}"
        )
    return DTYPES[dtype]


def _generator(rng: object) -> object:
    """Return what a weight is drawn from: without one, a seed of PyTorch's generator."""
    if rng is None or isinstance(rng, torch.Generator):
        return int(torch.randint(2**62, (), generator=rng).item())
    return rng


def _make(kind: str, axes: int) -> type[OperatorModule]:
    name = class_name(kind, axes)
    layer: type[OperatorLayer] = getattr(nn, name)
    return type(
        name,
        (OperatorModule,),
        {
            "operator": layer_name(kind, axes),
            "layer": layer,
            "weighted": OPERATORS[kind].has_weight,
            "__module__": "convcore.torch.nn",
            "__signature__": _signature(layer),
            "__doc__": _document(kind, axes, layer),
        },
    )


def _signature(layer: type[OperatorLayer]) -> inspect.Signature:
    found = inspect.signature(layer)
    return found.replace(
        parameters=[
            each.replace(default=None) if name == "dtype" else each
            for name, each in found.parameters.items()
        ]
    )


def _document(kind: str, axes: int, layer: type[OperatorLayer]) -> str:
    name, operator = class_name(kind, axes), OPERATORS[kind]
    summary = (layer.__doc__ or "").strip().partition("\n")[0].rstrip()
    summary = summary.partition(": :func:")[0].rstrip(".")
    words = list(_signature(layer).parameters)
    lines = [
        f"{summary}: :class:`convcore.nn.{name}` as a module.", "",
        f"It computes :func:`convcore.torch.{layer_name(kind, axes)}`.", "",
        "Parameters", "----------", ", ".join(words),
        f"    As :class:`convcore.nn.{name}` takes them.",
    ]  # fmt: skip
    if operator.has_weight:
        lines += [
            "    ``rng`` may be a :class:`torch.Generator`, None is PyTorch's own. ``dtype`` is",
            "    one of PyTorch's, None its default.",
            "", "Attributes", "----------",
            "weight, bias : torch.nn.Parameter",
            f"    Of the shapes of :class:`convcore.nn.{name}`. ``bias`` may be None.",
        ]  # fmt: skip
    lines += [
        "", "Raises", "------", "ValueError, TypeError", f"    As :class:`convcore.nn.{name}`.",
        "", "Examples", "--------", ">>> import torch", ">>> from convcore.torch import nn",
        *_example(kind, axes),
    ]  # fmt: skip
    return indented(lines)


def _example(kind: str, axes: int) -> list[str]:
    name, weighted = class_name(kind, axes), OPERATORS[kind].has_weight
    given = {
        "local_conv": "2, 4, 3, input_size=6", "tiled_conv": "2, 4, 3, period=2",
        "weighted_pool": f"torch.ones({', '.join(['2'] * axes)})",
    }.get(kind, "2, 4, 3" if weighted else "2")  # fmt: skip
    sizes = {"conv_transpose": 8, "adaptive_avg_pool": 2, "adaptive_max_pool": 2}
    size = sizes.get(kind, 4 if weighted else 3)
    shape = ", ".join(["1", "4" if weighted else "2", *[str(size)] * axes])
    return [f">>> nn.{name}({given})(torch.ones(1, 2, {', '.join(['6'] * axes)})).shape",
            f"torch.Size([{shape}])"]  # fmt: skip


MODULES = {class_name(kind, axes): _make(kind, axes) for kind in OPERATORS for axes in AXES}
