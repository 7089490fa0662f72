"""Every linear operator as a sparse matrix, for study and as an independent check.

A matrix has a row for each output and a column for each input, both flattened in C order, so that
``matrix @ x.ravel()`` is the operator without its bias, flattened. They are SciPy's CSR arrays
(``pip install convcore[matrix]``), put together from the indices of the cells that each output
sees; none of the operators is called.
"""

from convcore.matrix._conv import conv_matrix, conv_transpose_matrix
from convcore.matrix._pool import avg_pool_matrix, weighted_pool_matrix
from convcore.matrix._unshared import local_conv_matrix, tiled_conv_matrix

__all__ = [
    "avg_pool_matrix",
    "conv_matrix",
    "conv_transpose_matrix",
    "local_conv_matrix",
    "tiled_conv_matrix",
    "weighted_pool_matrix",
]
