"""The operators of graphs, a file for each kind. Importing this fills the table.

A result may be infinite or not a number, as in IEEE arithmetic. Whoever calls an operator decides
whether NumPy warns of it: ``numpy.errstate(all="ignore")`` keeps it quiet.
"""

from convcore.graph.operators import (  # noqa: F401 (each fills the table)
    activations,
    control,
    conv,
    elementwise,
    grid_sample,
    indexing,
    layer,
    linear,
    logic,
    normalization,
    own,
    pool,
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

__all__ = ["Call", "Operator", "find", "names", "operator"]
