"""Local and tiled layers as the users of PyTorch write them, and their gradients.

Each function takes the module, the layer, its weight as a NumPy array and a memory format, and
returns (function of x and of the weights' tensors, these tensors, how tensors like them are put
together to the weight again). The weights lie in the order that suits the function best, the
fastest of those tried: a user can bring them there once, like those of a network that has been
trained, or can keep them there while it is.
"""

from functools import partial
from itertools import product

import numpy as np

from .passes import GRADIENTS


def torch_local(torch, layer, weight, memory_format):
    """Patches of all outputs (unfold), then one product of matrices for each output (bmm)."""
    outputs = layer.output_shape
    # (outputs of a channel, weights of an output, output channels)
    matrices = torch.from_numpy(weight).reshape(layer.k, outputs[2] * outputs[3], -1)
    matrices = matrices.permute(1, 2, 0).contiguous()
    window = {"padding": layer.padding, "stride": layer.stride}
    unfold = partial(torch.nn.functional.unfold, kernel_size=layer.kernel, **window)

    def function(x, matrices):
        patches = unfold(x).permute(2, 0, 1)  # (outputs of a channel, n, weights of an output)
        if layer.n == 1:
            patches = patches.contiguous()  # by a third faster; slower with sixteen images
        return torch.bmm(patches, matrices).permute(1, 2, 0).reshape(outputs)

    def join(matrices):
        return matrices.permute(2, 0, 1).reshape(layer.weight_shape).numpy()

    return function, (matrices,), join


def torch_tiled(torch, layer, weight, memory_format):
    """One convolution for each set of weights, its stride the period, woven into the result."""
    period, stride = layer.period, layer.stride
    sides = (layer.padding,) * 4
    # Of a result with fewer rows or columns than the period, some sets have no output.
    turns = list(product(*(range(min(period, size)) for size in layer.output_shape[2:])))
    kernels = [
        torch.from_numpy(weight[:, i, j]).contiguous(memory_format=memory_format) for i, j in turns
    ]
    seen = [(..., slice(i * stride, None), slice(j * stride, None)) for i, j in turns]
    outputs = [(..., slice(i, None, period), slice(j, None, period)) for i, j in turns]
    conv2d, pad = torch.nn.functional.conv2d, torch.nn.functional.pad

    def function(x, *kernels):
        padded = pad(x, sides) if layer.padding else x
        y = torch.empty(layer.output_shape, dtype=x.dtype, memory_format=memory_format)
        for cells, kernel, places in zip(seen, kernels, outputs, strict=True):
            y[places] = conv2d(padded[cells], kernel, None, period * stride)
        return y

    def join(*kernels):
        joined = np.zeros_like(weight)
        for (i, j), kernel in zip(turns, kernels, strict=True):
            joined[:, i, j] = kernel.numpy()
        return joined

    return function, kernels, join


TORCH_UNSHARED = {"local": torch_local, "tiled": torch_tiled}


def torch_unshared(torch, layer, operands, memory_format):
    """Return (call, to_numpy) of a layer, or of the gradient that autograd finds.

    The graph of a gradient is recorded once, so the forward direction is not timed with it.
    """
    *grad, x, weight = operands
    with torch.inference_mode(False):  # autograd takes none of the tensors made in that mode
        grad = [torch.from_numpy(array).contiguous(memory_format=memory_format) for array in grad]
        x = torch.from_numpy(x).contiguous(memory_format=memory_format)
        compose = TORCH_UNSHARED[layer.base.op]
        function, weights, join = compose(torch, layer.base, weight, memory_format)
        if layer.op not in GRADIENTS:
            return partial(function, x, *weights), lambda y: y.numpy()
        wanted = layer.pick(((x,), weights))
        for tensor in wanted:
            tensor.requires_grad_()
        gradients = partial(
            torch.autograd.grad, function(x, *weights), wanted, grad, retain_graph=True
        )

    def call():
        with torch.inference_mode(False):
            return gradients()

    if layer.gives_planes:
        return call, lambda tensors: tensors[0].numpy()
    return call, lambda tensors: join(*tensors)
