"""Networks whose layers slide or are pointwise, over dask arrays: a dask layer for each step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import dask.array as da
import numpy as np

from convcore.api import Activation, conv_parts
from convcore.dask.arrays import DaskArray, as_dask, in_one_chunk
from convcore.dask.functions import FUNCTIONS
from convcore.dask.layers import run_parts
from convcore.graph.network import Network
from convcore.graph.node import Node
from convcore.graph.operators import Call, find
from convcore.graph.operators.conv import conv_options
from convcore.graph.operators.layer import LAYER, MATRIX, LayerCall, axes_after
from convcore.graph.operators.pool import pool_options
from convcore.graph.receptive import ELEMENTWISE, SAME
from convcore.nn.layers.base import Layer
from convcore.nn.layers.tree import network_of
from convcore.spec.errors import short_repr
from convcore.spec.layer import LayerSpec
from convcore.spec.operands import Array, result_dtypes
from convcore.spec.options import as_threads
from convcore.spec.registry import find as find_operator

OP = "dask.map_network"
# Of the operators that give each cell what is in its place, those that look no further and keep
# the dtype.
POINTWISE = (ELEMENTWISE | SAME) - {
    "And", "BitwiseNot", "Cast", "CastLike", "DequantizeLinear", "Equal", "Expand", "Greater",
    "GreaterOrEqual", "IsInf", "IsNaN", "LRN", "Less", "LessOrEqual", "Not", "Or", "QuantizeLinear",
    "Trilu", "Where", "Xor",
}  # fmt: skip
# A layer as it is: of a model's layers those whose steps depend on the input's shape.
CALL = "convcore.Call"
POOLINGS = {"MaxPool": "max_pool", "AveragePool": "avg_pool", "LpPool": "lp_pool"}


def map_network(model: Any, x: DaskArray, *, threads: int = 1) -> DaskArray:
    """Run a network on a dask array, as one run of it on the whole array.

    Parameters
    ----------
    model : convcore.nn.Layer or convcore.onnx.Network
        Convolutions, local and tiled layers, poolings that slide, activations, normalisations of
        batches, sums and concatenations of branches. A network has one input and one output.
    x : dask.array.Array, shape (N, C, ...)
        Input, of any chunks of known sizes.
    threads : int
        Maximum number of threads of a block. Default: 1, for dask runs blocks side by side.

    Returns
    -------
    dask.array.Array
        What the frozen model gives for the whole array, bit for bit. Activations with an
        exponential are within 4 units of the last place after a sum of branches. In a model with
        layers whose steps depend on the input's shape, such as PReLU, they are so too after a
        normalisation that follows no layer with weights.

    Raises
    ------
    ValueError
        For a layer that sees the whole input, such as a fully connected one; and as the model.
    TypeError
        For other objects, and an ``x`` of another dtype than the network's.

    See Also
    --------
    conv2d, map_windows, convcore.nn.Sequential

    Notes
    -----
    Parameters are copied into the graph. Each layer is a layer of it, so that an output is computed
    from its neighbours, and nothing is computed twice.

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> from convcore import nn
    >>> from convcore.dask import map_network
    >>> model = nn.Sequential(nn.Conv2d(1, 4, 3, padding="same", rng=0), nn.ReLU(), nn.MaxPool2d(2))
    >>> x = da.ones((1, 1, 90, 80), chunks=(1, 1, 32, 32), dtype=np.float32)
    >>> y = map_network(model, x)
    >>> y.shape, bool((y.compute() == model.forward(x.compute())).all())
    ((1, 4, 45, 40), True)
    """
    x = as_dask(OP, "x", x)
    count = as_threads(OP, threads)
    network = _network(model, x)
    if len(network.inputs) != 1 or len(network.outputs) != 1:
        raise ValueError(
            f"{OP}: model must have one input and one output, got {len(network.inputs)} and "
            f"{len(network.outputs)}"
        )
    if network.dtype is not None and x.dtype != network.dtype:
        raise TypeError(f"{OP}: x must have the network's dtype {network.dtype}, got {x.dtype}")
    graph = network.optimized
    values: dict[str, Any] = {**graph.constants, graph.inputs[0].name: x, "": None}
    for node in graph.nodes:
        arguments = [values[name] for name in node.inputs]
        values[node.outputs[0]] = _step(node, arguments, graph.opset, count)
    y: DaskArray = values[graph.outputs[0].name]
    return y


def _network(model: Any, x: DaskArray) -> Network:
    if isinstance(model, Network):
        return model
    if not isinstance(model, Layer):
        raise TypeError(f"{OP}: model must be a layer or a Network, got {short_repr(model)}")
    if x.ndim < 2:
        raise ValueError(f"{OP}: x must have a batch axis and channels, got shape {x.shape}")
    try:
        model.output_shape(x.shape[1:])
    except ValueError as error:  # it names the layer that does not fit
        raise ValueError(
            f"{OP}: x must be a batch of inputs of the model, got shape {x.shape}: {error}"
        ) from None
    network = network_of(model, x.dtype)  # as a frozen model compiles itself: for any shape
    if any(node.key == CALL for node in network.optimized.nodes):
        network = network_of(model, x.dtype, x.shape[1:])
    return network


def _step(node: Node, arguments: list[Any], opset: int, threads: int) -> Any:
    """Compute a node; of constants alone as it is, of dask arrays by what the table here says."""
    lazy = [each for each in arguments if isinstance(each, da.Array)]
    key, attributes = node.key, node.attributes
    if key in ("Identity", "Dropout"):
        return arguments[0]
    if lazy and key in POINTWISE:
        return _pointwise(node, arguments, opset)
    if lazy and key == LAYER.key:
        return _layer(attributes["layer"], arguments, threads)
    if lazy and key in POOLINGS and not any(node.outputs[1:]):
        return _pooling(key, arguments[0], attributes, threads)
    if key.startswith("convcore.") and key.removeprefix("convcore.") in FUNCTIONS:
        function = FUNCTIONS[key.removeprefix("convcore.")]
        given = [each for each in arguments if each is not None]
        return function(*given, **attributes, threads=threads)
    if lazy and key == "Concat":
        return da.concatenate(arguments, axis=attributes["axis"])
    if lazy and key == "Transpose":
        return da.transpose(arguments[0], attributes.get("perm"))
    raise ValueError(
        f"{OP}: layers must slide or be pointwise, got {key} in node "
        f"{short_repr(node.name or node.outputs[0])}"
    )


def _pointwise(node: Node, arguments: list[Any], opset: int) -> DaskArray:
    """Apply an operator to blocks that have all channels; constants may have one for each."""
    row = find(node.key, opset)
    assert row is not None
    function: Callable[..., Any] = partial(row.function, **node.attributes)
    if row.wants_call:
        wanted = tuple(bool(name) for name in node.outputs)
        function = partial(function, Call(opset, wanted, _no_graph, 1, None))
    places = [i for i, each in enumerate(arguments) if isinstance(each, da.Array)]
    lazy = [arguments[i] for i in places]
    lazy = [in_one_chunk(each, 1) if each.ndim > 1 else each for each in lazy]
    others = tuple(None if i in places else each for i, each in enumerate(arguments))
    job = partial(_apply, function, others, tuple(places))
    return da.core.elemwise(job, *lazy, dtype=lazy[0].dtype)


def _apply(
    function: Callable[..., Any], arguments: tuple[Any, ...], places: tuple[int, ...], *blocks: Any
) -> Array:
    given = list(arguments)
    for place, block in zip(places, blocks, strict=True):
        given[place] = block
    with np.errstate(all="ignore"):
        found = function(*given)
    return np.asarray(found[0] if isinstance(found, tuple) else found)


def _no_graph(*_: Any) -> Any:
    raise AssertionError("pointwise operators have no graphs")


def _pooling(key: str, x: DaskArray, attributes: dict[str, Any], threads: int) -> DaskArray:
    axes = x.ndim - 2
    given = dict(attributes)
    kernel = given.pop("kernel_shape", None)
    more = {}
    if "count_include_pad" in given:
        more["count_include_pad"] = bool(given.pop("count_include_pad"))
    if "p" in given:
        more["p"] = given.pop("p")
    given.pop("storage_order", None)
    options = pool_options(key, kernel, axes, **given)
    return FUNCTIONS[f"{POOLINGS[key]}{axes}d"](x, **options, **more, threads=threads)


def _layer(layer: LayerCall, arguments: list[Any], threads: int) -> DaskArray:
    """Compute a layer of a frozen network: its sums, then what follows them."""
    x, *others = arguments
    weight, axes, name = layer.weight, layer.weight.ndim - 2, layer.kind
    if name in (MATRIX, "ConvTranspose") or name.startswith("conv_transpose"):
        raise ValueError(f"{OP}: layers must slide or be pointwise, got {name}")
    options: dict[str, Any] = dict(layer.attributes)
    if name == "Conv":
        options, name = conv_options(weight, **layer.attributes), f"conv{axes}d"
    operator, axes = find_operator(OP, name)
    asked = options.pop("algorithm", "auto")
    read = operator.read(OP, axes, options)
    spec: Any = LayerSpec(operator, axes, weight.shape, None, read).on(OP, x.shape, "x")
    x = in_one_chunk(x, spec.layout.channel_axis)
    if read.get("flip"):
        weight = np.flip(weight, tuple(range(2, axes + 2)))
    residual = next((each for each in others if each is not None), None)
    follows = layer.activation if residual is None else None
    dtypes = result_dtypes(OP, x.dtype, weight.dtype)
    parts = conv_parts(
        OP, replace(spec, algorithm=asked), weight, layer.bias, dtypes,
        integers=x.dtype.kind != "f", activation=follows,
    )  # fmt: skip
    y = run_parts(OP, x, parts, threads)
    if residual is None:
        return y
    if residual.shape != y.shape:
        raise ValueError(
            f"{OP}: branches must have one shape, got {y.shape} and {tuple(residual.shape)}"
        )
    channel = spec.layout.channel_axis
    after = axes_after(layer.kind, layer.weight, layer.attributes)
    job = partial(_add, layer.activation, after, channel)
    operands = [in_one_chunk(each, channel) if isinstance(each, da.Array) else each
                for each in (y, residual)]  # fmt: skip
    return da.core.elemwise(job, *operands, dtype=y.dtype)


def _add(activation: Any, after: int, channel: int, y: Array, residual: Array) -> Array:
    """Add a residual and apply an activation, as the layer does where the core does not."""
    with np.errstate(all="ignore"):
        total: Array = np.add(y, residual)
        if activation is not None:
            Activation(OP, activation, y.shape[channel])(total, after)
    return total
