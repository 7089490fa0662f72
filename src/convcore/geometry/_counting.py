"""What a layer has and does, counted: parameters, connections, multiply-adds."""

from collections.abc import Callable, Mapping
from functools import partial
from math import prod
from typing import Any, NamedTuple

import numpy as np

from convcore import _args
from convcore.geometry import _layers, _operators
from convcore.geometry._layers import Axis
from convcore.geometry._windows import adaptive_windows, axis_windows, seen_cells


class Count(NamedTuple):
    """The numbers of one layer.

    Parameters
    ----------
    parameters : int
        Weights and biases together.
    weights, biases : int
        Numbers that the layer learns. Pairs that a table of connections leaves out have none.
    connections : int
        Pairs of an output and an input cell that it sees, and one of each output with its bias.
    multiply_adds : int
        Products in the sums of all outputs, those with the padding included.

    Examples
    --------
    >>> from convcore.geometry import Layer, count
    >>> count(Layer("conv1d", weight=(1, 1, 3), bias=(1,)), (1, 5))
    Count(parameters=4, weights=3, biases=1, connections=12, multiply_adds=9)
    """

    parameters: int
    weights: int
    biases: int
    connections: int
    multiply_adds: int


class Layer:
    """An operator of this library with its weight, bias and options, by shapes.

    Parameters
    ----------
    operator : str
        A public name: ``"conv2d"``, ``"local_conv1d"``, ``"max_pool3d"`` ...
    weight, bias : array or shape, optional
        As the operator takes them; poolings have none.
    **options
        As the operator takes them.

    See Also
    --------
    count

    Examples
    --------
    >>> Layer("conv2d", weight=(6, 1, 5, 5), bias=(6,), stride=2)
    Layer('conv2d', weight=(6, 1, 5, 5), bias=(6,), stride=2)
    """

    def __init__(
        self, operator: str, weight: object = None, bias: object = None, **options: object
    ) -> None:
        self.operator = operator
        self.weight = weight
        self.bias = bias
        self.options: Mapping[str, object] = options

    def __repr__(self) -> str:
        words = [repr(self.operator)]
        for name, value in [("weight", self.weight), ("bias", self.bias), *self.options.items()]:
            if isinstance(value, np.ndarray):
                words.append(f"{name}=<{value.dtype} array of shape {value.shape}>")
            elif value is not None:
                words.append(f"{name}={_args.shown(value)}")
        return f"Layer({', '.join(words)})"


def count(layer: Any, input_shape: tuple[int, ...]) -> Count:
    r"""Count what a layer learns, connects and multiplies.

    With k output channels, c input channels in g groups, kernels of r cells and m outputs a
    channel, a convolution has :math:`k (c / g) r` weights and k biases, and
    :math:`k (c / g) r m` multiply-adds; a local layer has a kernel and a bias for each of the
    :math:`k m` outputs, a tiled one for each of the first t along each axis.

    Parameters
    ----------
    layer : Layer, or any object with its attributes
        ``operator``, the name of an operator of this library; ``weight`` and ``bias``, arrays,
        shapes or None; ``options``, a mapping of what else the operator takes. A layer of
        ``convcore.nn`` is one; what it is made of besides, it counts itself.
    input_shape : tuple of ints
        Shape of the operator's input, with or without a batch. Connections and multiply-adds are
        counted for the whole batch.

    Returns
    -------
    Count
        ``parameters``, ``weights``, ``biases``, ``connections``, ``multiply_adds``.

    Raises
    ------
    ValueError, TypeError
        For operators and options that do not exist, and shapes that do not go together.

    See Also
    --------
    Layer, output_size, convcore.matrix.conv_matrix

    Notes
    -----
    Connections are counted as LeCun et al. (1998) do: an output is connected to the input cells
    that it sees and to its bias; zeros of the padding are no cells. A border that repeats cells
    connects to them, to each once. The weights of a table of connections are those of the pairs
    in it. Multiply-adds are what PyTorch's counters call MACs (half of their FLOPs): biases and the
    sums of poolings are left out. Items f06, f08, f10, f29, f31 and f33 of the study notes.

    Examples
    --------
    LeNet-5's first and third layer:

    >>> from convcore.connections import lenet5_c3
    >>> from convcore.geometry import Layer, count
    >>> c1 = count(Layer("conv2d", weight=(6, 1, 5, 5), bias=(6,)), (1, 32, 32))
    >>> c1.parameters, c1.connections
    (156, 122304)
    >>> c3 = Layer("conv2d", weight=(16, 6, 5, 5), bias=(16,), connections=lenet5_c3())
    >>> count(c3, (6, 14, 14))[:4]
    (1516, 1500, 16, 151600)
    """
    op = "count"
    own = getattr(layer, "count", None)
    if callable(own) and hasattr(layer, "operator"):
        return own(input_shape)  # type: ignore[no-any-return]
    read = _operators.read(op, layer)
    text, options = f"{op}: {read.name}", dict(read.options)
    if read.weight is not None:
        counted = LAYERS[read.kind]
        return counted(text, read.axes, read.weight, read.bias, input_shape, options)
    return _pooling(text, read.kind, read.axes, input_shape, options)


# Layers with weights


def _convolution(
    op: str, axes: int, weight: tuple[int, ...], bias: tuple[int, ...] | None, input_shape: object,
    options: dict[str, Any],
) -> Count:  # fmt: skip
    _args.flag(op, "flip", options.pop("flip", False))
    layer = _layers.convolution(op, axes, weight, input_shape, **options)
    pairs = weight[0] * weight[1] if layer.table is None else int(np.count_nonzero(layer.table))
    outputs = prod(axis.outputs for axis in layer.axes)
    biases = _biases(op, bias, weight[:1])
    seen = prod(_seen(op, axis, layer.border) for axis in layer.axes)
    return _counted(
        weights=pairs * prod(weight[2:]),
        biases=biases,
        connections=layer.batch * (pairs * seen + (weight[0] * outputs if biases else 0)),
        multiply_adds=layer.batch * pairs * outputs * prod(weight[2:]),
    )


def _unshared(
    op: str, axes: int, weight: tuple[int, ...], bias: tuple[int, ...] | None, input_shape: object,
    options: dict[str, Any], local: bool,
) -> Count:  # fmt: skip
    layer = _layers.unshared(op, axes, weight, input_shape, local=local, **options)
    outputs = prod(axis.outputs for axis in layer.axes)
    biases = _biases(op, bias, weight[: axes + 1])
    pairs = layer.out_channels * layer.channels
    seen = prod(_seen(op, axis, "zeros") for axis in layer.axes)
    return _counted(
        weights=prod(weight),
        biases=biases,
        connections=layer.batch * (pairs * seen + (weight[0] * outputs if biases else 0)),
        multiply_adds=layer.batch * pairs * outputs * prod(weight[axes + 2 :]),
    )


def _transposed(
    op: str, axes: int, weight: tuple[int, ...], bias: tuple[int, ...] | None, input_shape: object,
    options: dict[str, Any],
) -> Count:  # fmt: skip
    layer = _layers.transposed(op, axes, weight, input_shape, **options)
    biases = _biases(op, bias, (layer.channels,))
    cells = prod(axis.cells for axis in layer.axes)
    seen = prod(_seen(op, axis, "zeros") for axis in layer.axes)
    return _counted(
        weights=prod(weight),
        biases=biases,
        connections=layer.batch
        * (weight[0] * weight[1] * seen + (layer.channels * cells if biases else 0)),
        multiply_adds=layer.batch * prod(weight) * prod(axis.outputs for axis in layer.axes),
    )


def _biases(op: str, bias: tuple[int, ...] | None, expected: tuple[int, ...]) -> int:
    if bias is None:
        return 0
    if bias != expected:
        raise ValueError(f"{op}: bias has shape {bias}, expected {expected}")
    return prod(bias)


def _counted(weights: int, biases: int, connections: int, multiply_adds: int) -> Count:
    return Count(weights + biases, weights, biases, connections, multiply_adds)


def _seen(op: str, axis: Axis, border: str) -> int:
    """Pairs of an output and an input cell that it sees, along one axis."""
    n, kernel, stride, dilation, (before, _), outputs = axis
    if border != "zeros":
        cells = np.sort(seen_cells(op, n, kernel, stride, dilation, before, outputs, border))
        return outputs + int(np.count_nonzero(np.diff(cells)))
    total = 0
    for tap in range(kernel):  # it is on a cell for the outputs from `first` to `last`
        first = max(-((tap * dilation - before) // stride), 0)
        last = min((n - 1 + before - tap * dilation) // stride, outputs - 1)
        total += max(last - first + 1, 0)
    return total


# Poolings


def _pooling(
    op: str, kind: str, axes: int, input_shape: object, options: dict[str, Any]
) -> Count:  # fmt: skip
    x = _layers.read_input(op, axes, input_shape, options.get("layout"))
    if kind.startswith("adaptive"):
        wanted = _operators.given(op, options, "output_size")
        seen, products = _adaptive(op, x.space, wanted), 0
    else:
        kernel = _operators.pooling_kernel(op, kind, axes, options)
        seen, outputs = _sliding(op, x.space, kernel, options)
        products = prod(kernel) * outputs if kind == "weighted_pool" else 0
    planes = x.batch * x.channels
    return _counted(0, 0, planes * seen, planes * products)


def _sliding(
    op: str, space: tuple[int, ...], kernel: tuple[int, ...], options: Mapping[str, Any]
) -> tuple[int, int]:
    """Cells in all windows of a plane, and how many windows there are."""
    rows = _operators.pooling_rows(op, space, kernel, options)
    ceil_mode = bool(options.get("ceil_mode", False))
    found = [
        axis_windows(op, n, size, step, pair, dilation, ceil_mode, False)
        for n, size, step, dilation, pair, _ in rows
    ]
    return prod(sum(window.cells for window in axis) for axis in found), prod(map(len, found))


def _adaptive(op: str, space: tuple[int, ...], output_size: object) -> int:
    """Cells in all windows of a plane."""
    sizes = _operators.adaptive_sizes(op, space, output_size)
    seen = 1
    for n, size in zip(space, sizes, strict=True):
        axis: Any = adaptive_windows(n, size)
        seen *= sum(window.cells for window in axis)
    return seen


# Layers with weights, by the operator's name without the number of axes

LAYERS: dict[str, Callable[..., Count]] = {
    "conv": _convolution,
    "conv_transpose": _transposed,
    "local_conv": partial(_unshared, local=True),
    "tiled_conv": partial(_unshared, local=False),
}
