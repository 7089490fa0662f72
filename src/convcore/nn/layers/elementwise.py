"""The base of layers that change values, not shapes."""

from __future__ import annotations

from typing import Any

from convcore.nn.layers.base import Layer, quiet
from convcore.spec.operands import Array, result_dtypes


class Elementwise(Layer):
    """A layer that changes values, not shapes; integers become floats first."""

    pointwise = True

    @quiet
    def _forward(self, x: Array) -> tuple[Array, Any]:
        dtype, work = result_dtypes(self.op, x.dtype, x.dtype)
        y, kept = self._mapped(x if x.dtype == work else x.astype(work))
        return y.astype(dtype, copy=False), kept

    def _mapped(self, x: Array) -> tuple[Array, Any]:
        """The result, and what its gradient needs: by default the result itself."""
        y = self._map(x)
        return y, y

    def _map(self, x: Array) -> Array:
        raise NotImplementedError

    @quiet
    def _backward(self, grad: Array, kept: Any, need_dx: bool) -> Array | None:
        if not need_dx:
            return None
        dtype, work = result_dtypes(self.op, grad.dtype, grad.dtype, "grad")
        return self._slope(grad.astype(work, copy=False), kept).astype(dtype, copy=False)

    def _slope(self, grad: Array, y: Any) -> Array:
        """The gradient of x, from that of the result and what ``_mapped`` kept."""
        raise NotImplementedError


class OfInput(Elementwise):
    """An elementwise layer whose slope follows from its input."""

    def _mapped(self, x: Array) -> tuple[Array, Any]:
        return self._map(x), x
