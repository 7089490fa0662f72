"""Every linear operator as a sparse matrix, for study and as an independent check.

A matrix has a row for each output and a column for each input, both flattened in C order:
``matrix @ x.ravel()`` is the operator's flattened result, without its bias. The matrices are CSR
arrays of SciPy (``pip install convcore[matrix]``). They are built from the indices of the cells
that each output sees; no operator is called.
"""

from convcore.matrix._conv import conv_matrix, conv_transpose_matrix
from convcore.matrix._local import local_conv_matrix, tiled_conv_matrix
from convcore.matrix._pool import avg_pool_matrix, weighted_pool_matrix

__all__ = [
    "avg_pool_matrix",
    "conv_matrix",
    "conv_transpose_matrix",
    "local_conv_matrix",
    "tiled_conv_matrix",
    "weighted_pool_matrix",
]

# Users import from here; where a function is defined may change.
for _name in __all__:
    globals()[_name].__module__ = "convcore.matrix"


def __dir__() -> list[str]:
    return sorted(__all__)
