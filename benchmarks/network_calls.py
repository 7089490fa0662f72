"""The layers of a network in the words of PyTorch and of ONNX, by the class of convcore's layer."""

from functools import partial

import numpy as np

from convcore import nn

from .networks import flat


def _each(option):
    """An option of a layer, once for each axis."""
    return option if isinstance(option, tuple) else (option,) * 2


def _sides(padding):
    """Cells of padding on each axis, of a layer's option."""
    return tuple(0 if side == "valid" else side for side in _each(padding))


# PyTorch: each function takes the module, the layer and its tensors, and returns a function of x.


def torch_conv(torch, layer, weight, bias):
    # without the table of connections: absent weights are zeros
    options = {name: layer.options[name] for name in ("stride", "dilation", "groups")}
    options["padding"] = _sides(layer.options["padding"])
    return lambda x: torch.nn.functional.conv2d(x, weight, bias, **options)


def torch_linear(torch, layer, weight, bias):
    return lambda x: torch.nn.functional.linear(x, weight, bias)


def torch_subsample(torch, layer, weight, bias):
    """A depthwise convolution: up to four times as fast as pooling, product and sum."""
    windows = layer.pooling().options
    stride, channels = windows["stride"], layer.channels

    def kernels():
        return weight[:, None, None, None].expand(-1, 1, *windows["kernel_size"])

    conv2d = torch.nn.functional.conv2d
    if weight.requires_grad:
        return lambda x: conv2d(x, kernels(), bias, stride, groups=channels)
    constant = kernels().contiguous()
    return lambda x: conv2d(x, constant, bias, stride, groups=channels)


def torch_tanh(torch, layer):
    steepness, height = layer._steepness, layer._height

    def function(x):
        y = (x * steepness).tanh_()
        return y * height if y.requires_grad else y.mul_(height)

    return function


def torch_max_pool(torch, layer):
    names = ("kernel_size", "stride", "dilation", "ceil_mode")
    options = {name: layer.options[name] for name in names}
    options["padding"] = _sides(layer.options["padding"])
    return lambda x: torch.nn.functional.max_pool2d(x, **options)


TORCH = {
    nn.Conv2d: torch_conv,
    nn.Linear: torch_linear,
    nn.Subsample2d: torch_subsample,
    nn.Tanh: torch_tanh,
    nn.MaxPool2d: torch_max_pool,
    nn.ReLU: lambda torch, layer: torch.relu_,
    nn.Flatten: lambda torch, layer: partial(torch.flatten, start_dim=1),
}


def torch_network(torch, layer, operands, memory_format):
    """Return (call, to_numpy) of a network in use, or of a step of its training."""

    def tensor(array, copy):
        made = torch.tensor(array) if copy else torch.from_numpy(array)
        return made.contiguous(memory_format=memory_format) if array.ndim == 4 else made

    x, *arrays = operands
    training = layer.op == "step"
    with torch.inference_mode(False):  # autograd takes none of the tensors made in that mode
        x, labels = tensor(x, copy=False), torch.from_numpy(layer.labels)
        functions, parameters, tables = [], [], []
        for part in layer.model(arrays):
            if isinstance(part, nn.Dropout) and not training:
                continue
            own = [tensor(a, training).requires_grad_(training) for a in part.parameters().values()]
            functions.append(TORCH[type(part)](torch, part, *own))
            parameters += own
            table = part.options.get("connections")
            if table is not None:
                tables.append((own[0].detach(), torch.tensor(table)[:, :, None, None]))

    def forward():
        y = x
        for function in functions:
            y = function(y)
        return y

    if not training:
        return forward, lambda y: y.numpy()
    cross_entropy = torch.nn.functional.cross_entropy
    optimizer = torch.optim.SGD(parameters, layer.learning_rate, layer.momentum, fused=True)

    def call():
        with torch.inference_mode(False):
            optimizer.zero_grad()
            cross_entropy(forward(), labels).backward()
            optimizer.step()
            for weight, table in tables:  # the cheapest way to leave weights out
                weight.mul_(table)

    return call, lambda _: flat(parameter.detach().numpy() for parameter in parameters)


# ONNX: each function takes the layer and returns nodes, (operator, constants, attributes), each of
# which takes the result of the one before.


def onnx_conv(layer):
    attributes = {
        "kernel_shape": layer.weight.shape[2:],
        "strides": _each(layer.options["stride"]),
        "pads": _sides(layer.options["padding"]) * 2,
        "group": layer.options["groups"],
    }
    return [("Conv", [layer.weight, layer.bias], attributes)]


def onnx_linear(layer):
    return [("Gemm", [layer.weight, layer.bias], {"transB": 1})]


def onnx_subsample(layer):
    """The same depthwise convolution."""
    windows = layer.pooling().options
    size = layer.channels, 1, *windows["kernel_size"]
    kernels = np.broadcast_to(layer.weight[:, None, None, None], size)
    attributes = {
        "kernel_shape": windows["kernel_size"],
        "strides": windows["stride"],
        "group": layer.channels,
    }
    return [("Conv", [kernels, layer.bias], attributes)]


def onnx_tanh(layer):
    factors = np.float32(layer._steepness), np.float32(layer._height)
    return [("Mul", [factors[0]], {}), ("Tanh", [], {}), ("Mul", [factors[1]], {})]


def onnx_max_pool(layer):
    kernel, stride = layer.options["kernel_size"], layer.options["stride"]
    attributes = {
        "kernel_shape": _each(kernel),
        "strides": _each(kernel if stride is None else stride),
        "pads": _sides(layer.options["padding"]) * 2,
    }
    return [("MaxPool", [], attributes)]


ONNX = {
    nn.Conv2d: onnx_conv,
    nn.Linear: onnx_linear,
    nn.Subsample2d: onnx_subsample,
    nn.Tanh: onnx_tanh,
    nn.MaxPool2d: onnx_max_pool,
    nn.ReLU: lambda layer: [("Relu", [], {})],
    nn.Flatten: lambda layer: [("Flatten", [], {"axis": 1})],
    nn.Dropout: lambda layer: [],
}


def onnx_network(layer, parameters):
    """Return the nodes of a network in use."""
    return [node for part in layer.model(parameters) for node in ONNX[type(part)](part)]
