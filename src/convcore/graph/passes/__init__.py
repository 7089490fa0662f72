"""What is done to a graph once, so that its runs need not do it: a file for each pass."""

from dataclasses import replace

import numpy as np

from convcore.graph.node import Graph, Node
from convcore.graph.passes.channels_last import put_channels_last
from convcore.graph.passes.epilogues import fuse_epilogues
from convcore.graph.passes.folding import fold_constants
from convcore.graph.passes.layers import prepare_layers, take_layers
from convcore.graph.passes.linear import fold_linear, take_scales
from convcore.graph.passes.patterns import name_activations
from convcore.graph.passes.pruning import prune

__all__ = ["optimize"]

PASSES = (
    prune,
    fold_constants,
    name_activations,
    take_layers,
    fold_linear,
    take_scales,
    fuse_epilogues,
    prune,
    put_channels_last,
    prepare_layers,
)


def optimize(graph: Graph) -> Graph:
    """A graph that computes the same, faster. Needs no input's shape."""
    with np.errstate(all="ignore"):  # constants may be anything
        for each in PASSES:
            graph = each(graph)
    return replace(graph, nodes=[_optimize_inside(node, graph) for node in graph.nodes])


def _optimize_inside(node: Node, outer: Graph) -> Node:
    """A node whose graphs are optimised; they know the constants of the graph around them."""
    if next(node.graphs(), None) is None:
        return node
    attributes = dict(node.attributes)
    for key, value in attributes.items():
        if isinstance(value, Graph):
            known = {n: outer.constants[n] for n in value.needs() if n in outer.constants}
            attributes[key] = optimize(replace(value, constants=value.constants | known))
    return replace(node, attributes=attributes)
