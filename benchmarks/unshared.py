"""Local and tiled layers as the users of PyTorch and JAX write them.

Each function takes the library's module, the layer and its operands as NumPy arrays, prepares what
a user can do once, and returns the call. The weights, constant like those of a network that has
been trained, lie in the order that suits the call best: the fastest of those tried, and so are the
layouts of JAX.
"""

from functools import partial
from itertools import product

import numpy as np


def torch_local(torch, layer, x, weight, memory_format):
    """Patches of all outputs (unfold), then one product of matrices for each output (bmm)."""
    outputs = layer.output_shape
    x = torch.from_numpy(x)
    # (outputs of a channel, weights of an output, output channels)
    matrices = torch.from_numpy(weight).reshape(layer.k, outputs[2] * outputs[3], -1)
    matrices = matrices.permute(1, 2, 0).contiguous()
    window = {"padding": layer.padding, "stride": layer.stride}
    unfold = partial(torch.nn.functional.unfold, kernel_size=layer.kernel, **window)

    def call():
        patches = unfold(x).permute(2, 0, 1)  # (outputs of a channel, n, weights of an output)
        if layer.n == 1:
            patches = patches.contiguous()  # by a third faster; slower with sixteen images
        return torch.bmm(patches, matrices).permute(1, 2, 0).reshape(outputs)

    return call


def torch_tiled(torch, layer, x, weight, memory_format):
    """One convolution for each set of weights, its stride the period, woven into the result."""
    period, stride = layer.period, layer.stride
    x = torch.from_numpy(x).contiguous(memory_format=memory_format)
    sides = (layer.padding,) * 4
    turns = [
        (
            (..., slice(i * stride, None), slice(j * stride, None)),
            torch.from_numpy(weight[:, i, j]).contiguous(memory_format=memory_format),
            (..., slice(i, None, period), slice(j, None, period)),
        )
        for i, j in product(*(range(min(period, size)) for size in layer.output_shape[2:]))
    ]
    conv2d, pad = torch.nn.functional.conv2d, torch.nn.functional.pad

    def call():
        padded = pad(x, sides) if layer.padding else x
        y = torch.empty(layer.output_shape, dtype=x.dtype, memory_format=memory_format)
        for seen, kernels, outputs in turns:
            y[outputs] = conv2d(padded[seen], kernels, None, period * stride)
        return y

    return call


TORCH_UNSHARED = {"local": torch_local, "tiled": torch_tiled}


def jax_local(jax, layer, x, weight, device):
    """`conv_general_dilated_local`, compiled for these shapes, NHWC."""
    k, (oh, ow) = layer.k, layer.output_shape[2:]
    # (output rows, output columns, weights of an output, output channels)
    matrices = weight.reshape(k, oh, ow, -1).transpose(1, 2, 3, 0)
    function = partial(
        jax.lax.conv_general_dilated_local,
        window_strides=(layer.stride,) * 2,
        padding=((layer.padding,) * 2,) * 2,
        filter_shape=layer.kernel,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    compiled = jax.jit(function)
    arrays = x.transpose(0, 2, 3, 1), matrices
    operands = [jax.device_put(np.ascontiguousarray(array), device) for array in arrays]
    return lambda: compiled(*operands).block_until_ready()
