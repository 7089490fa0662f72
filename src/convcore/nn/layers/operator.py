"""Layers that are an operator of the package: its options are read once, by the registry."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from convcore import api
from convcore.graph.tracer import Tracer
from convcore.nn.layers.base import Layer, Shape
from convcore.nn.layers.parameters import Start, constant
from convcore.nn.layers.portable import trace_operator
from convcore.spec.layer import LayerSpec
from convcore.spec.missing import IGNORE
from convcore.spec.operands import Array, short_array
from convcore.spec.options import LAYOUTS, as_int, plain
from convcore.spec.pooling import PoolSpec
from convcore.spec.problem import ConvSpec
from convcore.spec.registry import EXECUTION, REQUIRED, Operator, Option, find

# How a layer calls its operator: on the threads of the process, for a new array.
ALONE: dict[str, Any] = {"threads": None, "out": None}


class OperatorLayer(Layer):
    """A layer that computes an operator; each class names its own in ``operator``."""

    axes: int
    kind: ClassVar[Operator]  # what the registry says of the operator
    spatial: ClassVar[int]  # its number of axes
    _calls: ClassVar[api.Calls]
    missing: dict[str, Any]
    _ignores: dict[str, Any]  # these options if it ignores NaN, else none

    def __init_subclass__(cls, **options: Any) -> None:
        """Look the operator up."""
        super().__init_subclass__(**options)
        name = vars(cls).get("operator")
        if name is not None:
            cls.kind, cls.spatial = find(cls.__name__, name)
            cls.axes = cls.spatial + 1
            cls._calls = api.CALLS[cls.kind.kind]

    def _read(self, **given: object) -> None:
        """Read the options, all that the registry has; every call gets them as they are now."""
        read = self.kind.read_layer(self.op, self.spatial, given)
        missing = {option.name: read.pop(option.name) for option in self.kind.layer_missing}
        self.options = {name: plain(value) for name, value in read.items()}
        self._call = self.options
        self.missing = missing  # what it does with missing cells; sizes do not depend on it
        self._ignores = missing if missing.get("nan") == IGNORE else {}

    def _spec(self, shape: Shape) -> ConvSpec | PoolSpec:
        """Lay the layer over an example of this shape; ValueError where it does not fit."""
        weight = None if self.weight is None else self.weight.shape
        bias = None if self.bias is None else self.bias.shape
        options = {name: value for name, value in self._call.items() if name not in EXECUTION}
        return LayerSpec(self.kind, self.spatial, weight, bias, options).on(self.op, shape)

    def _shape(self, shape: Shape) -> Shape:
        return self._spec(shape).y_shape

    def _parts(self, shape: Shape) -> tuple[int, Shape]:
        """Channels and cells of an example's shape, in the layer's layout."""
        if self.options["layout"] == LAYOUTS[self.spatial][1]:
            return shape[-1], shape[:-1]
        return shape[0], shape[1:]

    def _trace(self, to: Tracer, x: str) -> str:
        if to.portable:
            if self._ignores:
                to.refuse(f"{self.op} with nan={IGNORE!r}")
            return trace_operator(self, to, x)
        arrays = [to.optional(self.weight, "weight"), to.optional(self.bias, "bias")]
        return to.own(
            str(self.operator), x, *(arrays if self.kind.has_weight else ()), **self._call,
            **self._ignores,
        )  # fmt: skip

    def _leading(self) -> list[str]:
        """What stands before the options where the layer is shown."""
        return []

    def _more(self) -> list[str]:
        """What stands after them."""
        return []

    def __repr__(self) -> str:
        """Return the call that makes it."""
        values = {**self.options, **self.missing}
        shown = {option: values[option.name] for option in self.kind.layer_options}
        words = self._leading()
        for option, value in shown.items():
            if option.default is REQUIRED:
                words.append(short(value))
            elif not self._is_default(option, value):
                words.append(f"{option.name}={short(value)}")
        return f"{self.op}({', '.join([*words, *self._more()])})"

    def _is_default(self, option: Option, value: object) -> bool:
        if isinstance(value, np.ndarray):
            return False
        default = plain(option.read(self.op, option.default, self.spatial))
        return value is default or value == default or (option.name == "padding" and value == 0)


class Weighted(OperatorLayer):
    """An operator with a weight and a bias."""

    arrays = ("weight", "bias")
    in_channels: int
    out_channels: int

    def _read_channels(self, in_channels: object, out_channels: object) -> None:
        self.in_channels = as_int(self.op, "in_channels", in_channels, 1)
        self.out_channels = as_int(self.op, "out_channels", out_channels, 1)

    def _group(self, channels: int) -> int:
        """Channels of a group, which all groups have as many of."""
        groups: int = self.options["groups"]
        if channels % groups:
            raise ValueError(
                f"{self.op}: groups = {groups} must divide in_channels = {self.in_channels} and "
                f"out_channels = {self.out_channels}"
            )
        return channels // groups

    def _begin(self, start: Start, shape: Shape, fan_in: Array | float, biases: Shape) -> None:
        """Draw the weight; biases begin at zero."""
        self.weight = start.weight(self.op, shape, fan_in)
        self.bias = constant(self.op, "bias", biases, 0, start.dtype) if start.bias else None

    def _shape(self, shape: Shape) -> Shape:
        channels, _ = self._parts(shape)
        if channels != self.in_channels:
            raise ValueError(
                f"{self.op}: x must have {self.in_channels} channels, got {channels} in shape "
                f"{shape}"
            )
        return super()._shape(shape)

    def _forward(self, x: Array) -> tuple[Array, Any]:
        y = self._calls.forward(
            self.op, x, self.weight, self.bias, axes=self.spatial, **ALONE, **self._call,
            **self._ignores,
        )  # fmt: skip
        return y, x

    def _backward(self, grad: Array, kept: Any, need_dx: bool) -> Array | None:
        needs = (need_dx, True, self.bias is not None)
        dx, dweight, dbias = self._calls.backward(
            self.op, (grad, kept, self.weight), self.bias, axes=self.spatial, needs=needs, **ALONE,
            **self._call, **self._ignores,
        )  # fmt: skip
        return keep_gradients(self, dx, dweight, dbias)

    def _leading(self) -> list[str]:
        assert self.weight is not None
        kernel = self.weight.shape[-self.spatial :]
        return [f"{self.in_channels}, {self.out_channels}, {short(kernel)}"]

    def _more(self) -> list[str]:
        return [] if self.bias is not None else ["bias=False"]


class Pooling(OperatorLayer):
    """An operator without parameters."""

    def _forward(self, x: Array) -> tuple[Array, Any]:
        y = self._calls.forward(
            self.op, x, axes=self.spatial, **ALONE, **self._call, **self._ignores
        )
        return y, x

    def _backward(self, grad: Array, kept: Any, need_dx: bool) -> Array | None:
        if not need_dx:
            return None
        dx: Array = self._calls.backward(
            self.op, grad, kept, axes=self.spatial, **ALONE, **self._call, **self._ignores
        )
        return dx


def keep_gradients(
    layer: Layer, dx: Array | None, dweight: Array | None, dbias: Array | None
) -> Array | None:
    """Put the gradients of a layer's parameters where they belong; return that of x."""
    gradients = {"weight": dweight, "bias": dbias}
    layer.gradients = {name: g for name, g in gradients.items() if g is not None}
    return dx


def short(value: object) -> str:
    """An option as a repr shows it: one number for equal ones, large arrays by their shape."""
    if isinstance(value, np.ndarray):
        return short_array(value)
    if isinstance(value, tuple) and value and not isinstance(value[0], tuple):
        return repr(value[0] if all(entry == value[0] for entry in value) else value)
    return repr(value)
