"""Convolutions."""

from __future__ import annotations

from typing import Any

import numpy as np

from convcore.graph.operators.arguments import check_word
from convcore.graph.operators.registry import Call, operator
from convcore.graph.operators.windows import SAME, Ints, axes_of, padding, pairs, public, sizes
from convcore.spec.operands import Array


@operator("Conv", call=True)
def conv(call: Call, x: Array, w: Array, b: Array | None = None, **attributes: Any) -> Array:
    """Convolution, as :func:`convcore.conv2d`."""
    result: Array = public("conv", axes_of("Conv", x))(
        x, w, b, **conv_options(w, **attributes), threads=call.threads
    )
    return result


def conv_options(
    w: Array,
    *,
    auto_pad: str = "NOTSET",
    dilations: Ints = None,
    group: int = 1,
    kernel_shape: Ints = None,
    pads: Ints = None,
    strides: Ints = None,
    layout: str | None = None,
) -> dict[str, Any]:
    """The options of a convolution; its layout is a word of this library's own."""
    axes = w.ndim - 2
    check_kernel("Conv", w, kernel_shape)
    return {
        "stride": sizes(strides, axes, "Conv: strides"),
        "padding": padding(auto_pad, pads, axes),
        "dilation": sizes(dilations, axes, "Conv: dilations"),
        "groups": group,
        **({} if layout is None else {"layout": layout}),
    }


def check_kernel(op: str, w: Array, kernel_shape: Ints) -> None:
    """Whether a kernel's size is what the attribute says."""
    if kernel_shape is not None and tuple(kernel_shape) != w.shape[2:]:
        raise ValueError(
            f"{op}: kernel_shape must be that of W, {w.shape[2:]}, got {tuple(kernel_shape)}"
        )


@operator("ConvTranspose", call=True)
def conv_transpose(
    call: Call, x: Array, w: Array, b: Array | None = None, **attributes: Any
) -> Array:
    """Transposed convolution, as :func:`convcore.conv_transpose2d`."""
    axes = axes_of("ConvTranspose", x)
    options = transpose_options(x.shape, w, **attributes)
    result: Array = public("conv_transpose", axes)(x, w, b, **options, threads=call.threads)
    return result


def transpose_options(
    shape: tuple[int, ...],
    w: Array,
    *,
    auto_pad: str = "NOTSET",
    dilations: Ints = None,
    group: int = 1,
    kernel_shape: Ints = None,
    output_padding: Ints = None,
    output_shape: Ints = None,
    pads: Ints = None,
    strides: Ints = None,
) -> dict[str, Any]:
    """The options of a transposed convolution of an input of a shape."""
    op, axes = "ConvTranspose", w.ndim - 2
    check_kernel(op, w, kernel_shape)
    stride = sizes(strides, axes, f"{op}: strides")
    dilation = sizes(dilations, axes, f"{op}: dilations")
    more = (0,) * axes if output_padding is None else tuple(output_padding)
    edges = pairs(pads, axes)
    check_word(op, "auto_pad", auto_pad or "NOTSET", ("NOTSET", *SAME))
    if output_shape is not None or auto_pad not in ("NOTSET", "", "VALID"):
        whole = [
            s * (n - 1) + d * (k - 1) + 1 + extra
            for n, k, s, d, extra in zip(
                shape[2:], w.shape[2:], stride, dilation, more, strict=True
            )
        ]
        if output_shape is not None:
            wanted = list(output_shape)[-axes:]
        else:
            wanted = [n * s for n, s in zip(shape[2:], stride, strict=True)]
        totals = [n - out for n, out in zip(whole, wanted, strict=True)]
        # What lies beyond the whole result is zeros, as output_padding is.
        more = tuple(e + max(0, -t) for e, t in zip(more, totals, strict=True))
        totals = [max(0, t) for t in totals]
        halves = [t // 2 for t in totals]
        edges = tuple(
            (h, t - h) if auto_pad == "SAME_UPPER" else (t - h, h)
            for h, t in zip(halves, totals, strict=True)
        )
    return {
        "stride": stride, "padding": edges, "dilation": dilation, "groups": group,
        "output_padding": more,
    }  # fmt: skip


@operator("ConvInteger", call=True)
def conv_integer(
    call: Call,
    x: Array,
    w: Array,
    x_zero_point: Array | None = None,
    w_zero_point: Array | None = None,
    **attributes: Any,
) -> Array:
    """Convolution of integers less their zero points, summed exactly in int32."""
    wide = x.astype(np.int32) - _zero_point(x_zero_point, 1, 0)
    weight = w.astype(np.int32) - _zero_point(w_zero_point, w.ndim, 0)
    # Convolutions of integers are computed in float64, in which these sums are exact.
    return conv(call, wide, weight, **attributes).astype(np.int32)


def _zero_point(value: Array | None, ndim: int, axis: int) -> Array:
    """A zero point, or one for each index of an axis, for NumPy's broadcasting."""
    if value is None:
        return np.zeros((), np.int32)
    if value.ndim == 0 or value.size == 1:
        return value.reshape(()).astype(np.int32)
    return np.expand_dims(value.astype(np.int32), tuple(a for a in range(ndim) if a != axis))


@operator("QLinearConv", call=True)
def qlinear_conv(
    call: Call,
    *arrays: Array | None,
    **attributes: Any,
) -> Array:
    """Convolution of quantized numbers: exact sums in int32, scaled and rounded to even.

    Takes x, its scale and zero point, w and its, the scale and zero point of y, and a bias.
    """
    given: list[Any] = [*arrays, *(None,) * (9 - len(arrays))]
    x, x_scale, x_zero_point, w, w_scale, w_zero_point, y_scale, y_zero_point, b = given
    sums = conv_integer(call, x, w, x_zero_point, w_zero_point, **attributes)
    channel = (-1, *(1,) * (sums.ndim - 2))
    if b is not None:
        sums = sums + b.reshape(channel)
    scale = x_scale.astype(np.float64) * w_scale.astype(np.float64) / y_scale
    if scale.size > 1:
        scale = scale.reshape(channel)
    limits = np.iinfo(y_zero_point.dtype)
    scaled = np.rint(sums * scale) + y_zero_point.astype(np.float64)
    y: Array = np.clip(scaled, limits.min, limits.max).astype(y_zero_point.dtype)
    return y
