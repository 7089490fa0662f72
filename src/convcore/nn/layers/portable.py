"""Operators as ONNX has them: a layer's nodes for other programs, where the sizes are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from convcore.graph.tracer import Shape, Tracer
from convcore.spec.axis import Axis
from convcore.spec.border import Side
from convcore.spec.operands import Array
from convcore.spec.options import LAYOUTS, per_axis
from convcore.spec.pooling import PoolSpec
from convcore.spec.problem import ConvSpec

MODES = {"edge": "edge", "reflect": "reflect", "wrap": "wrap"}  # of Pad; "symmetric" it has not
POOLS = {"max_pool": "MaxPool", "avg_pool": "AveragePool", "lp_pool": "LpPool", "l2_pool": "LpPool"}
GLOBAL = {"adaptive_avg_pool": "GlobalAveragePool", "adaptive_max_pool": "GlobalMaxPool"}


def trace_operator(layer: Any, to: Tracer, x: str) -> str:
    """The nodes of a layer that is an operator, with channels first inside."""
    options, axes = layer._call, layer.spatial
    last = options["layout"] == LAYOUTS[axes][1]
    shape = to.shapes.get(x)
    if shape is None:
        to.refuse(f"{layer.op} for inputs of any shape")
    assert shape is not None
    if last:
        x = to.node("Transpose", x, perm=[0, axes + 1, *range(1, axes + 1)])
    y = _TRACES[layer.kind.kind](layer, to, x, shape)
    return to.node("Transpose", y, perm=[0, *range(2, axes + 2), 1]) if last else y


def _steps(axes: Sequence[Axis]) -> dict[str, Any]:
    return {
        "kernel_shape": [axis.kernel for axis in axes],
        "strides": [axis.stride for axis in axes],
        "dilations": [axis.dilation for axis in axes],
        "pads": [axis.pair[0] for axis in axes] + [axis.pair[1] for axis in axes],
    }


def _arrays(layer: Any, to: Tracer, weight: Array) -> list[str]:
    names = [to.constant(weight, "weight")]
    return names if layer.bias is None else [*names, to.constant(layer.bias, "bias")]


def _conv(layer: Any, to: Tracer, x: str, shape: Shape) -> str:
    options, weight = layer._call, layer.weight
    spec: ConvSpec = layer._spec(shape)
    if options["flip"]:
        weight = np.flip(weight, tuple(range(2, weight.ndim)))
    if options["connections"] is not None:
        weight = np.where(options["connections"].array[(..., *(None,) * layer.spatial)], weight, 0)
    steps = _steps(spec.axes)
    if spec.border:
        x = _padded(to, x, [axis.pair for axis in spec.axes], spec.border)
        steps["pads"] = [0] * len(steps["pads"])
    arrays = _arrays(layer, to, np.ascontiguousarray(weight))
    return to.node("Conv", x, *arrays, group=options["groups"], **steps)


def _padded(
    to: Tracer,
    x: str,
    pads: Sequence[tuple[int, int]],
    border: Sequence[tuple[Side, Side]],
) -> str:
    """Pad x: all axes at once where they are alike, else one side after the other."""
    around = [(0, 0), (0, 0), *pads]
    first = border[0][0]
    if all(side == first for sides in border for side in sides):
        return _pad(to, x, around, first)
    for axis, (pair, (before, after)) in enumerate(zip(pads, border, strict=True), 2):
        sides = [(before, (pair[0], 0)), (after, (0, pair[1]))]
        if before == after:
            sides = [(before, pair)]
        elif after == "wrap":  # before the other side is there, which it would copy
            sides.reverse()
        for side, cells in sides:
            if any(cells):
                only = [(0, 0)] * len(around)
                only[axis] = cells
                x = _pad(to, x, only, side)
    return x


def _pad(to: Tracer, x: str, around: Sequence[tuple[int, int]], side: Side) -> str:
    """Pad all axes with the same."""
    pads = to.integers((*(before for before, _ in around), *(after for _, after in around)), "pads")
    if isinstance(side, str) and side != "zeros":
        if side not in MODES:
            to.refuse(f"the border {side!r}")
        return to.node("Pad", x, pads, mode=MODES[side])
    value = to.constant(np.array(0 if side == "zeros" else side, to.dtype), "value")
    return to.node("Pad", x, pads, value, mode="constant")


def _transposed(layer: Any, to: Tracer, x: str, shape: Shape) -> str:
    options, more = layer._call, layer._call["output_padding"]
    spec: ConvSpec = layer._spec(shape)
    if spec.border:
        to.refuse(f"a transposed convolution with the border {options['border']!r}")
    return to.node(
        "ConvTranspose", x, *_arrays(layer, to, layer.weight), group=options["groups"],
        output_padding=list(per_axis(layer.op, "output_padding", more, layer.spatial, 0)),
        **_steps(spec.axes),
    )  # fmt: skip


def _pool(layer: Any, to: Tracer, x: str, shape: Shape) -> str:
    options, kind = layer._call, layer.kind.kind
    more: dict[str, Any] = {"ceil_mode": int(options["ceil_mode"])}
    if kind == "avg_pool":
        more["count_include_pad"] = int(options["count_include_pad"])
    if kind in ("lp_pool", "l2_pool"):
        p = options.get("p", 2)
        if p != int(p):
            to.refuse(f"a norm with p = {p}")
        more["p"] = int(p)
    spec: PoolSpec = layer._spec(shape)
    if spec.border:
        if options["ceil_mode"]:  # sizes would be those of the padded input
            to.refuse(f"a pooling with ceil_mode and the border {options['border']!r}")
        x = _padded(to, x, spec.held, spec.border)
    return to.node(POOLS[kind], x, **_steps(spec.window_axes), **more)


def _adaptive(layer: Any, to: Tracer, x: str, shape: Shape) -> str:
    spec = layer._spec(shape)
    if any(axis.outputs != 1 for axis in spec.axes):
        to.refuse(f"{layer!r}, which gives more than one cell")
    return to.node(GLOBAL[layer.kind.kind], x)


def _refused(layer: Any, to: Tracer, x: str, shape: Shape) -> str:
    to.refuse(layer.op)
    raise AssertionError


_TRACES = {
    "conv": _conv,
    "conv_transpose": _transposed,
    **dict.fromkeys(POOLS, _pool),
    **dict.fromkeys(GLOBAL, _adaptive),
    **dict.fromkeys(("local_conv", "tiled_conv", "weighted_pool"), _refused),
}
