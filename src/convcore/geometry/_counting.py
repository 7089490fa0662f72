"""Counts of a layer: parameters, connections, multiply-adds."""

from collections.abc import Mapping
from math import prod
from typing import Any, NamedTuple

import numpy as np

from convcore.spec.axis import Axis
from convcore.spec.border import ZEROS, Pair, is_word
from convcore.spec.errors import short_repr
from convcore.spec.layer import described
from convcore.spec.operands import short_array
from convcore.spec.pooling import PoolSpec
from convcore.spec.problem import ConvSpec
from convcore.spec.windows import cells_seen, floor_sum, held_cells, seen_cells

MAX_PAIRS = 2**27  # of an output and a tap, an array of 1 GiB


class Count(NamedTuple):
    """The counts of one layer.

    Parameters
    ----------
    parameters : int
        Weights and biases together.
    weights, biases : int
        Numbers that the layer learns. Pairs that are not in a table of connections have none.
    connections : int
        Pairs of an output and an input cell that it sees, plus one for each output with a bias.
    multiply_adds : int
        Products in the sums of all outputs, including those with the padding.

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
    """An operator of this library with its weight, bias and options.

    Parameters
    ----------
    operator : str
        A public name: ``"conv2d"``, ``"local_conv1d"``, ``"max_pool3d"`` ...
    weight, bias : array or shape, optional
        Arguments of the operator, or their shapes; poolings have none.
    **options
        Options of the operator.

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
            if name == "connections" and isinstance(value, np.ndarray):
                words.append(f"{name}={short_array(value)}")
            elif isinstance(value, np.ndarray):  # a list would be taken for a shape
                words.append(f"{name}=<{value.dtype} array of shape {value.shape}>")
            elif value is not None:
                words.append(f"{name}={short_repr(value)}")
        return f"Layer({', '.join(words)})"


def count(layer: Any, input_shape: tuple[int, ...]) -> Count:
    r"""Count what a layer learns, connects and multiplies.

    With k output channels, c input channels in g groups, kernels of r cells and m outputs a
    channel, a convolution has :math:`k (c / g) r` weights and k biases, and
    :math:`k (c / g) r m` multiply-adds. A local layer has a kernel and a bias for each of the
    :math:`k m` outputs, a tiled layer for each of the first t along each axis.

    Parameters
    ----------
    layer : Layer, or any object with its attributes
        ``operator``, the name of an operator of this library; ``weight`` and ``bias``, arrays,
        shapes or None; ``options``, a mapping of the operator's other arguments. Layers of
        ``convcore.nn`` are such objects; their own method ``count`` is used.
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
        For unknown operators and options, and shapes that do not fit together.

    See Also
    --------
    Layer, output_size, convcore.matrix.conv_matrix

    Notes
    -----
    Connections are counted as by LeCun et al. (1998): an output is connected to the input cells
    that it sees and to its bias. Constants in the padding do not count. With a border that repeats
    cells, each cell counts once per output. With a table of connections, only its pairs have
    weights. Multiply-adds are what PyTorch's counters call MACs (half of their FLOPs): biases and
    the sums of poolings are left out. Derivation: :ref:`Sparse connectivity: few connections
    <note-f06>`, :ref:`Parameter sharing: equal weights everywhere <note-f08>`, :ref:`What both
    save: an edge detector <note-f10>`, :ref:`Biases follow the weights <note-f29>`, :ref:`C1: six
    kernels on one image <note-f31>` and :ref:`Fewer channels: tables of connections <note-f33>`.

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
    found = described(op, layer)
    text = f"{op}: {found.name}"
    spec = found.on(text, input_shape)
    if isinstance(spec, PoolSpec):
        return _pooling(text, spec, found.operator.kind == "weighted_pool")
    return _linear(text, spec, _biases(text, found.bias, spec.bias_shape))


def _linear(op: str, spec: ConvSpec, biases: int) -> Count:
    """Count a layer with weights; a transposed layer counts as its adjoint convolution."""
    pairs = spec.out_channels * spec.group_channels
    if spec.connections is not None:
        pairs = spec.connections.pairs
    border = spec.border or (ZEROS,) * len(spec.axes)
    seen = prod(_seen(op, axis, pair) for axis, pair in zip(spec.axes, border, strict=True))
    units = prod(spec.y_shape) if biases else 0
    return _counted(
        weights=pairs * prod(spec.period) * prod(spec.kernel),
        biases=biases,
        connections=spec.batch * pairs * seen + units,
        multiply_adds=spec.multiply_adds,
    )


def _biases(op: str, bias: tuple[int, ...] | None, expected: tuple[int, ...]) -> int:
    if bias is None:
        return 0
    if bias != expected:
        raise ValueError(f"{op}: bias must have shape {expected}, got {bias}")
    return prod(bias)


def _counted(weights: int, biases: int, connections: int, multiply_adds: int) -> Count:
    return Count(weights + biases, weights, biases, connections, multiply_adds)


def _seen(op: str, axis: Axis, sides: Pair, held: tuple[int, int] | None = None) -> int:
    """Return the pairs of an output and an input cell that it sees, along one axis.

    Of the padding a pooling sees no more cells than it holds.
    """
    if not any(map(is_word, sides)):
        return cells_seen(axis)
    if axis.outputs * axis.kernel > MAX_PAIRS:  # repeated cells are found in a list of all pairs
        border = sides[0] if sides[0] == sides[1] else sides
        raise ValueError(
            f"{op}: outputs times taps must be at most {MAX_PAIRS} along an axis with border "
            f"{border!r}, got {axis.outputs} outputs of {axis.kernel} taps"
        )
    cells = seen_cells(op, axis, sides) if held is None else held_cells(op, axis, held, sides)
    cells = np.sort(cells)
    first = np.count_nonzero(cells[:, 0] >= 0)
    return int(first + np.count_nonzero((np.diff(cells) != 0) & (cells[:, 1:] >= 0)))


def _pooling(op: str, spec: PoolSpec, weighted: bool) -> Count:
    """Count a pooling; only weighted poolings have products."""
    if spec.border:
        along = zip(spec.axes, spec.border, spec.held, strict=True)
        cells = prod(_seen(op, *axis) for axis in along)
    else:
        cells = prod(map(_adaptive_cells if spec.adaptive else cells_seen, spec.axes))
    planes = spec.batch * spec.channels
    products = prod(axis.kernel * axis.outputs for axis in spec.axes) if weighted else 0
    return _counted(0, 0, planes * cells, planes * products)


def _adaptive_cells(axis: Axis) -> int:
    """Return the cells in all windows of an adaptive pooling along one axis."""
    n, m = axis.cells, axis.outputs
    # from each window's last cell, rounded up, to its first, rounded down
    return floor_sum(m, m, n, n + m - 1) - floor_sum(m, m, n, 0)
