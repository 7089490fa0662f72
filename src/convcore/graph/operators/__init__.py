"""The operators of graphs, a file for each kind. Importing this fills the table.

A result may be infinite or not a number, as in IEEE arithmetic. Whoever calls an operator decides
whether NumPy warns of it: ``numpy.errstate(all="ignore")`` keeps it quiet.
"""

from convcore.graph.operators import (
    activations,
    control,
    elementwise,
    grid_sample,
    indexing,
    linear,
    logic,
    normalization,
    quantization,
    random,
    rearranging,
    recurrent,
    reduce,
    resize,
    shape,
    slicing,
)
from convcore.graph.operators.registry import Call, Operator, find, names, operator

__all__ = [
    "Call",
    "Operator",
    "activations",
    "control",
    "elementwise",
    "find",
    "grid_sample",
    "indexing",
    "linear",
    "logic",
    "names",
    "normalization",
    "operator",
    "quantization",
    "random",
    "rearranging",
    "recurrent",
    "reduce",
    "resize",
    "shape",
    "slicing",
]
