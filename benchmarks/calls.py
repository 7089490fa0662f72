"""What a layer is called in the words of each library.

The adapters in `peers.py` know how a library is driven: its threads, its arrays, its sessions.
Here is the rest, the one thing in which a convolution and a pooling differ: the function, its
arguments, the name of a node.
"""

from functools import partial

import numpy as np

from .network_calls import onnx_network
from .passes import GRADIENTS

CONV2D = ("conv", "gauss", "table")  # what is a plain convolution to other libraries


def torch_call(torch, layer):
    """Return (function of PyTorch, its arguments after the operands)."""
    functional = torch.nn.functional
    if layer.op in GRADIENTS:
        arguments = torch_gradient_arguments(layer.base, layer.needs)
        return torch.ops.aten.convolution_backward, arguments
    layer = layer.base
    if layer.op in CONV2D:
        return functional.conv2d, (None, layer.stride, layer.padding, 1, layer.groups)
    if layer.op == "transposed":
        return functional.conv_transpose2d, (None, layer.stride, layer.padding, layer.more)
    if layer.is_global:
        return getattr(functional, f"adaptive_{layer.function}_pool2d"), (1,)
    window = (layer.kernel, layer.stride)
    if layer.op == "max":
        return functional.max_pool2d, (*window, layer.padding)
    if layer.op == "l2":
        lp_pool2d, sides = functional.lp_pool2d, (layer.padding,) * 4
        if layer.padding == 0:
            return lp_pool2d, (2.0, *window)
        # It has no padding of its own; zeros around the input are what a user has to add.
        return lambda x: lp_pool2d(functional.pad(x, sides), 2.0, *window), ()
    count_include_pad = layer.op == "box"
    return functional.avg_pool2d, (*window, layer.padding, False, count_include_pad)


def torch_gradient_arguments(layer, needs):
    """Return the arguments of `aten.convolution_backward` after the operands."""
    transposed = layer.op == "transposed"
    stride, padding, dilation = ((size,) * 2 for size in (layer.stride, layer.padding, 1))
    more = (layer.more if transposed else 0,) * 2
    return None, stride, padding, dilation, transposed, more, layer.groups, needs


def onnx_nodes(layer, constants):
    """Return the ONNX nodes, opset 13: (operator, constants, attributes), one after the other."""
    if layer.op == "network":
        return onnx_network(layer, constants)
    operator, attributes = onnx_node(layer)
    return [(operator, constants, attributes)]


def onnx_node(layer):
    """Return (operator, attributes) of the only node."""
    if layer.kind == "pool" and layer.is_global:
        return {"max": "GlobalMaxPool", "avg": "GlobalAveragePool"}[layer.function], {}
    attributes = {
        "kernel_shape": layer.kernel,
        "strides": (layer.stride,) * 2,
        "pads": (layer.padding,) * 4,
    }
    if layer.op in CONV2D:
        return "Conv", {**attributes, "group": layer.groups}
    if layer.op == "transposed":
        return "ConvTranspose", {**attributes, "output_padding": (layer.more,) * 2}
    if layer.op == "max":
        return "MaxPool", attributes
    if layer.op == "l2":
        return "LpPool", {**attributes, "p": 2}
    return "AveragePool", {**attributes, "count_include_pad": int(layer.op == "box")}


def ncnn_layer(layer):
    """Return (layer type, numbered parameters) of ncnn."""
    r, s = layer.kernel
    if layer.kind == "pool":
        kind = {"max": 0, "avg": 1}[layer.function]
        if layer.is_global:
            return "Pooling", {0: kind, 4: 1}
        counted = int(layer.op == "box")
        window = {1: s, 11: r, 2: layer.stride, 3: layer.padding}
        return "Pooling", {0: kind, **window, 5: 1, 6: counted}  # 5: sizes are rounded down
    weights = layer.k * layer.c // layer.groups * r * s
    window = {1: s, 11: r, 3: layer.stride, 4: layer.padding}
    parameters = {0: layer.k, **window, 5: 0, 6: weights}
    if layer.groups == 1:
        return "Convolution", parameters
    return "ConvolutionDepthWise", {**parameters, 7: layer.groups}


# Image filters: each takes the library's module, the layer, the operands as single planes and the
# buffer for the result, and returns the call, whose outside is zeros (of a maximum: the lowest).


def opencv_conv(cv2, layer, image, weight, y):
    return partial(cv2.filter2D, image, -1, weight, y, borderType=cv2.BORDER_CONSTANT)


def opencv_box(cv2, layer, image, y):
    return partial(cv2.blur, image, layer.kernel[::-1], y, borderType=cv2.BORDER_CONSTANT)


def opencv_max(cv2, layer, image, y):
    return partial(cv2.dilate, image, np.ones(layer.kernel, np.uint8), y)


def opencv_gauss(cv2, layer, image, weight, y):
    border = {"borderType": cv2.BORDER_CONSTANT}
    return partial(cv2.GaussianBlur, image, layer.kernel, layer.sigma, y, **border)


def opencv_separable(cv2, layer, image, weight, y):
    taps = layer.taps.astype(np.float32)
    return partial(cv2.sepFilter2D, image, -1, taps, taps, y, borderType=cv2.BORDER_CONSTANT)


OPENCV_FILTERS = {"conv": opencv_conv, "gauss": opencv_conv, "box": opencv_box, "max": opencv_max}


def ndimage_conv(ndimage, layer, image, weight, y):
    return partial(ndimage.correlate, image, weight, output=y, mode="constant")


def ndimage_box(ndimage, layer, image, y):
    return partial(ndimage.uniform_filter, image, layer.kernel, output=y, mode="constant")


def ndimage_max(ndimage, layer, image, y):
    size = {"size": layer.kernel, "mode": "constant", "cval": -np.inf}
    return partial(ndimage.maximum_filter, image, output=y, **size)


def ndimage_gauss(ndimage, layer, image, weight, y):
    size = {"mode": "constant", "truncate": 4.0}
    return partial(ndimage.gaussian_filter, image, layer.sigma, output=y, **size)


NDIMAGE_FILTERS = {
    "conv": ndimage_conv,
    "gauss": ndimage_conv,
    "box": ndimage_box,
    "max": ndimage_max,
}
