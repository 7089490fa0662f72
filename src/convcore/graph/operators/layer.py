"""Layers that own their weights: what products with constant weights become."""

from __future__ import annotations

from typing import Any, NamedTuple

from convcore import api
from convcore.graph.operators.conv import conv_options, transpose_options
from convcore.graph.operators.registry import Call, operator
from convcore.spec.operands import Array
from convcore.spec.options import LAYOUTS


class _Name(NamedTuple):
    op: str
    domain: str

    @property
    def key(self) -> str:
        return f"{self.domain}.{self.op}"


LAYER = _Name("Layer", "convcore")
MATRIX = "MatMul"  # the kind of a product of matrices; others are kinds of convolutions
OPERATORS = {"Conv": "conv", "ConvTranspose": "conv_transpose", MATRIX: "conv"}


def axes_after(kind: str, weight: Array, attributes: dict[str, Any]) -> int:
    """Axes of a layer's result after that of its channels."""
    if kind == MATRIX:
        return 0
    axes = weight.ndim - 2 if kind in OPERATORS else int(kind[-2])
    return 0 if attributes.get("layout") == LAYOUTS[axes][1] else axes


class LayerCall:
    """A prepared layer, with the options that ONNX's attributes mean.

    A product of matrices is a convolution whose kernels have one cell, along the rows. A transposed
    layer's options may depend on the input's shape: then there is a layer for each.
    """

    def __init__(
        self,
        kind: str,
        weight: Array,
        bias: Array | None,
        activation: tuple[Any, ...] | None,
        attributes: dict[str, Any],
    ) -> None:
        self.kind, self.weight, self.bias = kind, weight, bias
        self.activation, self.attributes = activation, attributes
        self._layers: dict[Any, api.PreparedLayer] = {}
        self._shapes: dict[Any, tuple[int, ...]] = {}
        self._by_shape = kind == "ConvTranspose" and (
            "output_shape" in attributes
            or attributes.get("auto_pad", "NOTSET") not in ("", "NOTSET", "VALID")
        )

    def prepared(self, shape: tuple[int, ...], active: bool = True) -> api.PreparedLayer:
        """The layer for inputs of a shape; if not active, without what follows."""
        key = shape if self._by_shape else None, active
        if key not in self._layers:
            self._layers[key] = self._make(shape, active)
        return self._layers[key]

    def _make(self, shape: tuple[int, ...], active: bool) -> api.PreparedLayer:
        options: dict[str, Any] = self.attributes
        if self.kind == MATRIX:
            options = {"layout": "NWC"}
        elif self.kind == "Conv":
            options = conv_options(self.weight, **self.attributes)
        elif self.kind == "ConvTranspose":
            options = transpose_options(shape, self.weight, **self.attributes)
        name = self.kind  # a public one
        if name in OPERATORS:
            name = f"{OPERATORS[name]}{self.weight.ndim - 2}d"
        then = self.activation if active else None
        return api.PreparedLayer(name, self.weight, self.bias, then, options)

    def output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of the result for an input of a shape."""
        if shape not in self._shapes:
            if self.kind == MATRIX:
                self._shapes[shape] = (*shape[:-1], len(self.weight))
            else:
                self._shapes[shape] = self.prepared(shape).output_shape(shape)
        return self._shapes[shape]

    def run(self, call: Call, x: Array, residual: Array | None, active: bool = True) -> Array:
        """Compute it; the residual has the result's shape."""
        layer = self.prepared(x.shape, active)
        out = call.out if active else None
        if self.kind != MATRIX:
            return layer(x, residual, out, threads=call.threads)
        shape = (*x.shape[:-1], len(self.weight))
        rows, to = (None if a is None else a.reshape(1, -1, shape[-1]) for a in (residual, out))
        y = layer(x.reshape(1, -1, x.shape[-1]), rows, to, threads=call.threads)
        return y.reshape(shape)

    def task(self, x: Array, residual: Array | None) -> api.Task | None:
        """The same as a task of the core."""
        if self.kind == MATRIX:
            x = x.reshape(1, -1, x.shape[-1])
        return self.prepared(x.shape).task(x)

    def activate(self, y: Array) -> None:
        """The activation alone, in place."""
        if self.activation is not None:
            after = axes_after(self.kind, self.weight, self.attributes)
            op, channels = self.kind, y.shape[y.ndim - 1 - after]
            api.Activation(op, self.activation, channels)(y, after)

    @property
    def nbytes(self) -> int:
        """Bytes that it owns: its weights, and what has been made of them so far."""
        made = sum(layer.nbytes for layer in list(self._layers.values()))
        return self.weight.nbytes + (0 if self.bias is None else self.bias.nbytes) + made


def layer_task(x: Array, residual: Array | None = None, *, layer: LayerCall) -> api.Task | None:
    """The layer as a task of the core, unless NumPy does a part of it."""
    return layer.task(x, residual) if _is_whole(x, residual, layer) else None


@operator(LAYER.key, call=True, out=True, task=layer_task)
def layer(call: Call, x: Array, residual: Array | None = None, *, layer: LayerCall) -> Array:
    """A convolution or a product of matrices, then a sum, then an activation."""
    if _has_nothing(x, layer):
        return _plain(call, x, residual, layer)
    if _is_whole(x, residual, layer):
        return layer.run(call, x, residual)
    # ONNX's sum may make either of its operands larger.
    y = layer.run(call, x, None, active=False) + residual
    layer.activate(y)
    return y


def _has_nothing(x: Array, layer: LayerCall) -> bool:
    """Whether there is nothing that a prepared layer takes."""
    return not x.size or (layer.kind == MATRIX and x.ndim < 2)


def _is_whole(x: Array, residual: Array | None, layer: LayerCall) -> bool:
    """Whether one prepared layer computes all of it."""
    return not _has_nothing(x, layer) and (
        residual is None
        or (residual.shape == layer.output_shape(x.shape) and residual.dtype == x.dtype)
    )


def _plain(call: Call, x: Array, residual: Array | None, layer: LayerCall) -> Array:
    """The same without a prepared layer: of nothing, and of a vector."""
    if layer.kind == MATRIX:
        y: Array = x @ layer.weight[..., 0].T
        y = y if layer.bias is None else y + layer.bias
    else:
        y = layer.run(call, x, None, active=False)
    y = y if residual is None else y + residual
    layer.activate(y)
    return y
