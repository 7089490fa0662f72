"""What is linear for each channel, and follows a layer, goes into its weights.

y = a (w * x + b) + c is (a w) * x + (a b + c). It is computed in float64 and rounded once.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from convcore.graph.node import Graph, Node
from convcore.graph.operators.layer import MATRIX, axes_after
from convcore.graph.passes.layers import is_layer, layer_of
from convcore.graph.passes.ranks import ranks_of
from convcore.graph.passes.uses import Uses, without
from convcore.spec.operands import Array
from convcore.spec.registry import AXES

# Kinds of layers that share a kernel among all outputs of a channel.
TRANSPOSED = ("ConvTranspose", *(f"conv_transpose{axes}d" for axes in AXES))
KINDS = ("Conv", *(f"conv{axes}d" for axes in AXES), *TRANSPOSED)

Affine = tuple[Array, Array]  # a factor and a summand, float64, one number or one a channel


def fold_linear(graph: Graph) -> Graph:
    """Fold factors and summands of channels into the layers before them."""
    uses, gone = Uses(graph), []
    for node in graph.nodes:
        while is_layer(node) and (user := uses.only(node.outputs[0])) is not None:
            affine = _affine(user, node, graph)
            if affine is None or not _fold(node, affine):
                break
            node.outputs = user.outputs
            gone.append(user)
    return replace(graph, nodes=without(graph, gone))


def take_scales(graph: Graph) -> Graph:
    """Make layers of the normalizations that are left: a kernel of one cell for each channel.

    Not where float16 goes in: a normalization's numbers may be float32, and its result is not.
    """
    if any(value.dtype == np.float16 for value in graph.inputs):
        return graph
    ranks, nodes = ranks_of(graph), []
    for node in graph.nodes:
        rank = ranks.get(node.inputs[0], 0) if node.inputs else 0
        if node.key == "BatchNormalization" and 3 <= rank <= 5:
            node = _scale(node, graph, rank)
        nodes.append(node)
    return fold_linear(replace(graph, nodes=nodes))


def _scale(node: Node, graph: Graph, rank: int) -> Node:
    affine = _normalization(node, node.inputs[0], graph)
    dtype = graph.constants[node.inputs[1]].dtype if affine else None
    if affine is None or dtype not in (np.float32, np.float64):
        return node
    factor, summand = (each.astype(dtype) for each in affine)
    if not (np.isfinite(factor).all() and np.isfinite(summand).all()):
        return node
    weight = factor.reshape(-1, *(1,) * (rank - 1))
    return layer_of(node, "Conv", weight, summand, {"group": len(factor)})


def _folds(layer: Node) -> bool:
    """Whether a kernel's first axis, or a transposed one's second, is that of the channels."""
    given = layer.attributes
    kind, weight = given["kind"], given["weight"]
    if kind == MATRIX:
        return True
    return kind in KINDS and axes_after(kind, weight, given) == weight.ndim - 2


def _groups(layer: Node) -> int:
    """Groups of a transposed layer; 0 for others."""
    kind, given = layer.attributes["kind"], layer.attributes
    if kind not in TRANSPOSED:
        return 0
    return int(given.get("group" if kind == "ConvTranspose" else "groups", 1))


def _channels(layer: Node) -> int:
    weight, groups = layer.attributes["weight"], _groups(layer)
    return int(weight.shape[1]) * groups if groups else int(weight.shape[0])


def _fold(layer: Node, affine: Affine) -> bool:
    """Fold a factor and a summand into a layer; False: its numbers would be too large."""
    given = layer.attributes
    weight, channels = given["weight"], _channels(layer)
    factor, summand = (np.broadcast_to(each, channels) for each in affine)
    groups = _groups(layer)
    if not groups:
        factors = factor.reshape(-1, *(1,) * (weight.ndim - 1))
    else:  # (inputs, outputs of a group, ...): the group is that of the input
        inputs = np.repeat(factor.reshape(groups, -1), weight.shape[0] // groups, axis=0)
        factors = inputs.reshape(*inputs.shape, *(1,) * (weight.ndim - 2))
    bias = np.zeros(channels) if given["bias"] is None else given["bias"].astype(np.float64)
    new = (weight.astype(np.float64) * factors).astype(weight.dtype)
    shift = (bias * factor + summand).astype(weight.dtype)
    if not (np.isfinite(new).all() and np.isfinite(shift).all()):
        return False
    given["weight"], given["bias"] = new, shift
    return True


def _affine(node: Node, layer: Node, graph: Graph) -> Affine | None:
    """The factor and summand that a node after a layer stands for; None: it is none."""
    name = layer.outputs[0]
    if not _folds(layer):
        return None
    if node.key == "BatchNormalization" and layer.attributes["kind"] != MATRIX:
        return _normalization(node, name, graph)
    if node.key not in ("Add", "Sub", "Mul", "Div") or len(node.inputs) != 2:
        return None
    first = node.inputs[0] == name
    other = graph.constants.get(node.inputs[1 if first else 0])
    if other is None or other.dtype.kind != "f" or not (first or node.op in ("Add", "Mul")):
        return None
    value = _by_channel(other, layer)
    if value is None:
        return None
    one, zero = np.ones(1), np.zeros(1)
    match node.op:
        case "Add":
            return one, value
        case "Sub":
            return one, -value
        case "Mul":
            return value, zero
    return (1 / value, zero) if value.all() else None


def _by_channel(array: Array, layer: Node) -> Array | None:
    """A constant as one number or one for each channel of the result; None: it is neither."""
    channels, rank = _channels(layer), layer.attributes["weight"].ndim
    is_matrix = layer.attributes["kind"] == MATRIX
    if is_matrix:  # channels come last, and nobody knows how many axes come before
        fits = array.shape in ((), (1,), (channels,))
    else:
        whole = (1,) * (rank - array.ndim) + array.shape
        fits = whole[1:2] in ((1,), (channels,)) and array.size == whole[1]
    return array.astype(np.float64).ravel() if fits else None


def _normalization(node: Node, name: str, graph: Graph) -> Affine | None:
    known = [graph.constants.get(each) for each in node.inputs[1:]]
    training = node.attributes.get("training_mode", 0) or any(node.outputs[1:])
    if node.inputs[0] != name or len(known) != 4 or training:
        return None
    arrays = [each.astype(np.float64) for each in known if each is not None]
    if len(arrays) < 4:
        return None
    scale, shift, mean, variance = arrays
    factor = scale / np.sqrt(variance + node.attributes.get("epsilon", 1e-5))
    if not np.isfinite(factor).all():
        return None
    return factor, shift - mean * factor
