"""A second implementation of every operator, in plain NumPy: the reference of the tests.

The functions have the names, signatures and results of those in `convcore`, and no code in common
with them. They are written to be easy to read, not to be fast:

- The padding of a convolution is really added (`numpy.pad`); the equation is summed over the padded
  array. Local and tiled layers compute one output after the other, each with its kernel. A
  transposed convolution scatters its input, kernel by kernel. A pooling has a list of cells for
  each window. A gradient has two terms for each product of an input cell and a weight.
- Small functions of this package read strides, paddings, layouts and dtypes. They are not those of
  the compiled operators, so that the two do not share a mistake.
- Sums are formed in float64 and rounded to the result's dtype once, at the end.

`algorithm` and `threads` are accepted and ignored. Bad arguments raise ValueError or TypeError,
with shorter messages than those of the compiled operators.

>>> import numpy as np
>>> from convcore import reference
>>> x = np.arange(12.0).reshape(1, 3, 4)
>>> reference.conv2d(x, np.array([[[[1.0, 0.0], [0.0, -1.0]]]]))
array([[[-5., -5., -5.],
        [-5., -5., -5.]]])
"""

from convcore.reference.conv import conv1d, conv2d, conv3d
from convcore.reference.gradients import (
    conv1d_backward,
    conv2d_backward,
    conv3d_backward,
    conv_transpose1d_backward,
    conv_transpose2d_backward,
    conv_transpose3d_backward,
    local_conv1d_backward,
    local_conv2d_backward,
    local_conv3d_backward,
    tiled_conv1d_backward,
    tiled_conv2d_backward,
    tiled_conv3d_backward,
)
from convcore.reference.local import (
    local_conv1d,
    local_conv2d,
    local_conv3d,
    tiled_conv1d,
    tiled_conv2d,
    tiled_conv3d,
)
from convcore.reference.pool_avg import (
    adaptive_avg_pool1d,
    adaptive_avg_pool1d_backward,
    adaptive_avg_pool2d,
    adaptive_avg_pool2d_backward,
    adaptive_avg_pool3d,
    adaptive_avg_pool3d_backward,
    avg_pool1d,
    avg_pool1d_backward,
    avg_pool2d,
    avg_pool2d_backward,
    avg_pool3d,
    avg_pool3d_backward,
)
from convcore.reference.pool_max import (
    adaptive_max_pool1d,
    adaptive_max_pool1d_backward,
    adaptive_max_pool2d,
    adaptive_max_pool2d_backward,
    adaptive_max_pool3d,
    adaptive_max_pool3d_backward,
    max_pool1d,
    max_pool1d_backward,
    max_pool2d,
    max_pool2d_backward,
    max_pool3d,
    max_pool3d_backward,
)
from convcore.reference.pool_norm import (
    l2_pool1d,
    l2_pool1d_backward,
    l2_pool2d,
    l2_pool2d_backward,
    l2_pool3d,
    l2_pool3d_backward,
    lp_pool1d,
    lp_pool1d_backward,
    lp_pool2d,
    lp_pool2d_backward,
    lp_pool3d,
    lp_pool3d_backward,
)
from convcore.reference.pool_weighted import (
    weighted_pool1d,
    weighted_pool1d_backward,
    weighted_pool2d,
    weighted_pool2d_backward,
    weighted_pool3d,
    weighted_pool3d_backward,
)
from convcore.reference.signal import convolve, correlate
from convcore.reference.transpose import conv_transpose1d, conv_transpose2d, conv_transpose3d

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool1d_backward",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool2d_backward",
    "adaptive_avg_pool3d",
    "adaptive_avg_pool3d_backward",
    "adaptive_max_pool1d",
    "adaptive_max_pool1d_backward",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_backward",
    "adaptive_max_pool3d",
    "adaptive_max_pool3d_backward",
    "avg_pool1d",
    "avg_pool1d_backward",
    "avg_pool2d",
    "avg_pool2d_backward",
    "avg_pool3d",
    "avg_pool3d_backward",
    "conv1d",
    "conv1d_backward",
    "conv2d",
    "conv2d_backward",
    "conv3d",
    "conv3d_backward",
    "conv_transpose1d",
    "conv_transpose1d_backward",
    "conv_transpose2d",
    "conv_transpose2d_backward",
    "conv_transpose3d",
    "conv_transpose3d_backward",
    "convolve",
    "correlate",
    "l2_pool1d",
    "l2_pool1d_backward",
    "l2_pool2d",
    "l2_pool2d_backward",
    "l2_pool3d",
    "l2_pool3d_backward",
    "local_conv1d",
    "local_conv1d_backward",
    "local_conv2d",
    "local_conv2d_backward",
    "local_conv3d",
    "local_conv3d_backward",
    "lp_pool1d",
    "lp_pool1d_backward",
    "lp_pool2d",
    "lp_pool2d_backward",
    "lp_pool3d",
    "lp_pool3d_backward",
    "max_pool1d",
    "max_pool1d_backward",
    "max_pool2d",
    "max_pool2d_backward",
    "max_pool3d",
    "max_pool3d_backward",
    "tiled_conv1d",
    "tiled_conv1d_backward",
    "tiled_conv2d",
    "tiled_conv2d_backward",
    "tiled_conv3d",
    "tiled_conv3d_backward",
    "weighted_pool1d",
    "weighted_pool1d_backward",
    "weighted_pool2d",
    "weighted_pool2d_backward",
    "weighted_pool3d",
    "weighted_pool3d_backward",
]
