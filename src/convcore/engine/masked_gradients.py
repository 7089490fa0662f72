"""Gradients of convolutions of inputs with missing cells.

With the names of :mod:`convcore.engine.masked_conv`, G the gradient of y, 0 where y is ``fill``,
and z = y - b = N T / P:

    dx = m * adjoint(G T / P)
    dw = wgrad(m x, G T / P) + sum(G z / T) - wgrad(m, G z / P)
    db = sum(G)

The second term of dw is one number for each kernel, from dT/dw = 1. The third is from dP/dw = m.
Where nothing of a window is missing the two cancel, so they are computed for the box alone.
Without normalisation T / P is 1, and dw is its first term.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convcore.engine.backward import (
    NAMES,
    Gradients,
    as_needs,
    as_outs,
    bias_gradient,
    conv_gradients,
)
from convcore.engine.buffers import prepare_out, quiet
from convcore.engine.masked import find_cells, in_layout, put, read_input
from convcore.engine.masked_conv import ALL, MaskedLayer, Presence
from convcore.spec.errors import memory_errors
from convcore.spec.missing import Given
from convcore.spec.operands import (
    Array,
    as_array,
    as_contiguous,
    check_bias,
    check_grad,
    result_dtypes,
)
from convcore.spec.options import LAYOUTS


def masked_conv_gradients(
    given: Given,
    op: str,
    operands: tuple[ArrayLike, ArrayLike, ArrayLike],
    bias: ArrayLike | None,
    *,
    axes: int,
    flip: bool,
    layout: str,
    algorithm: str,
    threads: int | None,
    needs: object,
    out: object,
    **options: Any,
) -> Gradients:
    """Return the gradients of a convolution of present cells for (grad, x, weight)."""
    grad, x, weight = operands
    x, missing = read_input(op, x, given)
    options |= {"axes": axes, "layout": layout}
    how: dict[str, Any] = {"flip": flip, "algorithm": algorithm, "threads": threads}
    if not missing.applies:
        return conv_gradients(op, (grad, x, weight), bias, needs=needs, out=out, **how, **options)
    layer = MaskedLayer(
        op, x, weight, axes=axes, options=options, ignores_nan=missing.ignores_nan, **how
    )
    with memory_errors(op, x=x, weight=layer.weight):
        layer.set_weights(missing.normalize)
        layer.cells = find_cells(op, x, missing, axes, layout)
        if not layer.find_box():
            return conv_gradients(
                op, (grad, x, weight), bias, needs=needs, out=out, **how, **layer.options
            )
        grad = as_array(op, "grad", grad)
        dtypes = result_dtypes(op, layer.dtypes.result, grad.dtype, "grad")
        check_grad(op, grad, layer.plan.y_shape, x=x, weight=layer.weight)
        wanted = as_needs(op, needs)
        wanted[2] = wanted[2] and bias is not None
        if bias is not None:
            check_bias(op, as_array(op, "bias", bias), layer.plan.bias_shape)
        outs = as_outs(op, out, wanted)
        shapes = (x.shape, layer.weight.shape, layer.plan.bias_shape)
        reads = (grad, x, layer.weight)
        targets = [
            prepare_out(op, array, shape, dtypes, reads, f"out, for {name},") if need else None
            for name, need, array, shape in zip(NAMES, wanted, outs, shapes, strict=True)
        ]
        layer.dtypes = dtypes
        with quiet():
            call = _Gradients(layer, as_contiguous(op, "grad", grad, dtypes.compute))
            arrays = [None if target is None else target.array for target in targets]
            call.fill(arrays, missing.normalize)
        dx, dweight, dbias = (target.finalize() if target else None for target in targets)
    return dx, dweight, dbias


class _Gradients:
    """A call whose input has missing cells."""

    def __init__(self, layer: MaskedLayer, grad: Array) -> None:
        self.layer = layer
        self.grad = grad.copy()
        self.cells = layer.cells.filled(layer.op, layer.dtypes.compute, 0, layer.last)

    def fill(self, targets: list[Array | None], normalize: bool) -> None:
        """Compute the gradients that have a target."""
        layer, (dx, dweight, dbias) = self.layer, targets
        layer.set_weights(normalize)  # in the dtype of all operands together
        found = layer.presence(layer.box, ALL, normalize)
        inside = layer.view(self.grad)
        put(inside, found.blank, 0)
        if dbias is not None:
            dbias[...] = bias_gradient(self.grad, layer.spec)
        extra = None
        if normalize:
            extra = self._of_shares(found) if dweight is not None else None
            inside *= found.ratio
        needs = (dx is not None, dweight is not None, False)
        weight = layer.weight.astype(layer.dtypes.compute, copy=False)
        conv_gradients(
            layer.op, (self.grad, self.cells, weight), None, flip=layer.flip,
            algorithm=layer.algorithm, threads=layer.threads, needs=needs, out=(dx, dweight, None),
            **layer.options,
        )  # fmt: skip
        if dx is not None:
            layer.cells.clear(dx, layer.last)
        if dweight is not None and extra is not None:
            dweight += extra

    def _of_shares(self, found: Presence) -> Array:
        """Return what the weights' share adds to the gradient of the weight."""
        layer, spec, axes = self.layer, self.layer.spec, self.layer.axes
        y = np.empty(layer.plan.y_shape, layer.dtypes.compute)
        layer.run(y)
        product = layer.view(self.grad) * layer.view(y)  # G z
        # In the units of the scaled kernels: the weights of the mask are theirs.
        unit = layer.kernels.unit.reshape(1, -1, *(1,) * axes)
        per_kernel = bias_gradient(
            in_layout(product / found.total, self.grad.ndim, layer.last), spec
        )
        shares = product * (found.ratio / found.total)
        if len(found.mask) < len(shares):
            shares = shares.sum(axis=0, keepdims=True)
        apart = found.mask.shape[1] > 1
        channels = spec.group_channels if apart else 1
        _, by_tap, _ = conv_gradients(
            layer.op, (shares, found.mask.astype(shares.dtype),
                       np.zeros((spec.out_channels, channels, *spec.kernel), shares.dtype)),
            None, axes=axes, layout=LAYOUTS[axes][0], groups=spec.groups if apart else 1,
            connections=spec.connections if apart else None, flip=layer.flip,
            threads=layer.threads, needs=(False, True, False), **layer.steps,
        )  # fmt: skip
        assert by_tap is not None
        shape = (-1, *(1,) * (axes + 1))
        extra = (per_kernel.reshape(shape) - by_tap) / unit.reshape(shape)
        extra = np.broadcast_to(extra, layer.weight.shape)
        if spec.connections is not None:
            extra = np.where(spec.connections.array[(..., *(None,) * axes)], extra, 0)
        return extra
