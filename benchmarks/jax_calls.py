"""Layers and their gradients in JAX, compiled for their shapes, channels last.

Each function takes `jax.lax` and the layer, and returns (function of x and the weight, how the
weight's array gets the order that this function wants, how one of that order gets the weight's).
Channels last was the fastest of the layouts tried, and so was the order of the local weights.
"""

from functools import partial

import numpy as np

from .passes import GRADIENTS

AXES = ("NHWC", "HWIO", "NHWC")


def jax_conv(lax, layer):
    """`conv_general_dilated` with as many groups of features as the layer has."""
    function = partial(
        lax.conv_general_dilated,
        window_strides=(layer.stride,) * 2,
        padding=((layer.padding,) * 2,) * 2,
        dimension_numbers=AXES,
        feature_group_count=layer.groups,
    )
    return function, lambda weight: weight.transpose(2, 3, 1, 0), lambda w: w.transpose(3, 2, 0, 1)


def jax_transposed(lax, layer):
    """`conv_general_dilated` on an input spread by the stride, the kernel flipped."""
    rims = [
        (size - 1 - layer.padding, size - 1 - layer.padding + layer.more) for size in layer.kernel
    ]
    function = partial(
        lax.conv_general_dilated,
        window_strides=(1, 1),
        padding=rims,
        lhs_dilation=(layer.stride,) * 2,
        dimension_numbers=AXES,
    )
    return (
        function,
        lambda weight: weight[:, :, ::-1, ::-1].transpose(2, 3, 0, 1),
        lambda w: w[::-1, ::-1].transpose(2, 3, 0, 1),
    )


def jax_local(lax, layer):
    """`conv_general_dilated_local`."""
    k, (oh, ow) = layer.k, layer.output_shape[2:]
    function = partial(
        lax.conv_general_dilated_local,
        window_strides=(layer.stride,) * 2,
        padding=((layer.padding,) * 2,) * 2,
        filter_shape=layer.kernel,
        dimension_numbers=AXES,
    )
    return (
        function,
        # (output rows, output columns, weights of an output, output channels)
        lambda weight: weight.reshape(k, oh, ow, -1).transpose(1, 2, 3, 0),
        lambda w: w.transpose(3, 0, 1, 2).reshape(layer.weight_shape),
    )


JAX_FUNCTIONS = {"conv": jax_conv, "local": jax_local, "transposed": jax_transposed}


def jax_call(jax, layer, operands, device):
    """Return (call, to_numpy) of a layer or a gradient; XLA leaves out what is not asked for."""
    function, arrange, restore = JAX_FUNCTIONS[layer.base.op](jax.lax, layer.base)
    if layer.op in GRADIENTS:
        compiled = jax.jit(lambda grad, *values: layer.pick(jax.vjp(function, *values)[1](grad)))
    else:
        compiled = jax.jit(function)
    *planes, weight = operands
    arrays = [*(array.transpose(0, 2, 3, 1) for array in planes), arrange(weight)]
    arrays = [jax.device_put(np.ascontiguousarray(array), device) for array in arrays]
    to_nchw = (lambda y: y.transpose(0, 3, 1, 2)) if layer.gives_planes else restore
    return lambda: compiled(*arrays).block_until_ready(), lambda y: to_nchw(np.asarray(y))
