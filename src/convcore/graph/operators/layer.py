"""Layers that own their weights: what convolutions with constant weights become."""

from __future__ import annotations

from typing import Any, NamedTuple

from convcore import api
from convcore.graph.operators.conv import conv_options, transpose_options
from convcore.graph.operators.registry import Call, operator
from convcore.spec.operands import Array

LINEAR = {"Conv": "conv", "ConvTranspose": "conv_transpose"}  # and the kind of operator here


class _Name(NamedTuple):
    op: str
    domain: str

    @property
    def key(self) -> str:
        return f"{self.domain}.{self.op}"


LAYER = _Name("Layer", "convcore")


class LayerCall:
    """A prepared layer, with the options that ONNX's attributes mean.

    A transposed layer's may depend on the input's shape: then there is a layer for each.
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
        self._fits: dict[Any, bool] = {}
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
        options = (
            conv_options(self.weight, **self.attributes) if self.kind == "Conv"
            else transpose_options(shape, self.weight, **self.attributes)
        )  # fmt: skip
        name = f"{LINEAR[self.kind]}{self.weight.ndim - 2}d"
        then = self.activation if active else None
        return api.PreparedLayer(name, self.weight, self.bias, then, options)

    def fits(self, x: Array, residual: Array) -> bool:
        """Whether a residual has the result's shape: ONNX's sum may make either larger."""
        key = x.shape, residual.shape
        if key not in self._fits:
            self._fits[key] = self.prepared(x.shape).output_shape(x.shape) == residual.shape
        return self._fits[key]

    @property
    def nbytes(self) -> int:
        """Bytes that it owns."""
        return sum(layer.nbytes for layer in self._layers.values())


@operator(LAYER.key, call=True)
def layer(call: Call, x: Array, residual: Array | None = None, *, layer: LayerCall) -> Array:
    """A convolution, then a sum, then an activation."""
    if residual is None or (layer.fits(x, residual) and residual.dtype == x.dtype):
        return layer.prepared(x.shape)(x, residual, threads=call.threads)
    y = layer.prepared(x.shape, active=False)(x, threads=call.threads) + residual
    if layer.activation is not None:
        op, channels = layer.prepared(x.shape).operator, y.shape[1]
        api.Activation(op, layer.activation, channels)(y, y.ndim - 2)
    return y
