"""Convolutions and transposed convolutions as matrices."""

import numpy as np
from numpy.typing import ArrayLike

from convcore import _args
from convcore._args import Array
from convcore.geometry import _layers
from convcore.geometry._layers import Paddings, Sizes
from convcore.matrix._entries import Matrix, memory, weighted_sums


def conv_matrix(
    weight: ArrayLike,
    input_shape: tuple[int, ...],
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
    *,
    connections: ArrayLike | None = None,
    flip: bool = False,
    border: str = "zeros",
    layout: str | None = None,
) -> Matrix:
    r"""Return a convolution as a sparse matrix.

    .. math::

        A_{(i,j,k),\,(l,y,x)} = \sum_{m,n:\; j s + m d - p = y,\; k s + n d - p = x} K_{i,l,m,n}

    with i output channel, j row, k column, l input channel, y and x its row and column, s stride, d
    dilation and p the padding before; the sum has more than one term only where a border repeats
    cells. In one dimension it is a Toeplitz matrix, each row the one above moved by s; in two it is
    doubly block Toeplitz, and with ``border="wrap"`` doubly block circulant.

    Parameters
    ----------
    weight : array_like, shape (out, C / groups, \*kernel)
        Kernels K with one to three axes; their number is that of the convolution.
    input_shape : tuple of ints
        Shape of the operator's ``x``, with or without a batch.
    stride, padding, dilation, groups, connections, flip, border
        As in :func:`convcore.conv2d`. Pairs that a table of connections leaves out, and zeros of
        the padding, have no entries.
    layout : str, optional
        As in :func:`convcore.conv2d`; default: channels first.

    Returns
    -------
    scipy.sparse.csr_array, shape (outputs, inputs)
        Both flattened in C order, in the weight's dtype (integers and bool as the operator promotes
        them, float16 as float32). Weights of 0 are entries too.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`convcore.conv2d`.
    ImportError
        If SciPy is not installed.

    See Also
    --------
    conv_transpose_matrix, local_conv_matrix, convcore.conv2d

    Notes
    -----
    SciPy: ``scipy.linalg.convolution_matrix`` for one channel in one dimension, dense. Item f04
    of the study notes.

    Examples
    --------
    >>> from convcore.matrix import conv_matrix
    >>> conv_matrix([[[1.0, 2.0, 3.0]]], (1, 5)).toarray()
    array([[1., 2., 3., 0., 0.],
           [0., 1., 2., 3., 0.],
           [0., 0., 1., 2., 3.]])
    >>> conv_matrix([[[1.0, 2.0]]], (1, 3), padding=((1, 0),), border="wrap").toarray()
    array([[2., 0., 1.],
           [1., 2., 0.],
           [0., 1., 2.]])
    """
    op = "conv_matrix"
    kernels = _args.array(op, "weight", weight)
    axes = spatial_axes(op, kernels, "(out, in / groups, *kernel)")
    if _args.flag(op, "flip", flip):
        kernels = np.flip(kernels, tuple(range(2, axes + 2)))
    layer = _layers.convolution(
        op, axes, kernels.shape, input_shape, stride, padding, dilation, groups,
        connections=connections, border=border, layout=layout,
    )  # fmt: skip
    with memory(op, input_shape):
        return weighted_sums(op, layer, kernels)


def conv_transpose_matrix(
    weight: ArrayLike,
    input_shape: tuple[int, ...],
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
    *,
    output_padding: Sizes = 0,
    layout: str | None = None,
) -> Matrix:
    r"""Return a transposed convolution as a sparse matrix: that of the convolution, transposed.

    .. math::

        A_{(j,y,x),\,(i,o,q)} = w_{i,j,m,n} \quad
        \text{where } o s + m d - p = y \text{ and } q s + n d - p = x

    Parameters
    ----------
    weight : array_like, shape (C, out / groups, \*kernel)
        Kernels w with one to three axes; their number is that of the convolution.
    input_shape : tuple of ints
        Shape of the operator's ``x``, with or without a batch.
    stride, padding, dilation, groups
        As in :func:`convcore.conv2d`: those of the convolution that this is the adjoint of.
    output_padding : int or a tuple of these
        Cells more after the output, less than the stride.
    layout : str, optional
        As in :func:`convcore.conv2d`; default: channels first.

    Returns
    -------
    scipy.sparse.csr_array, shape (outputs, inputs)
        As :func:`conv_matrix`.

    Raises
    ------
    ValueError, TypeError, MemoryError, ImportError
        As :func:`conv_matrix`; and for an output without cells.

    See Also
    --------
    conv_matrix

    Notes
    -----
    The gradient of a convolution's input is a product with this matrix. Item f04 of the study
    notes.

    Examples
    --------
    >>> from convcore.matrix import conv_matrix, conv_transpose_matrix
    >>> conv_transpose_matrix([[[1.0, 2.0, 3.0]]], (1, 2), stride=2).toarray()
    array([[1., 0.],
           [2., 0.],
           [3., 1.],
           [0., 2.],
           [0., 3.]])
    >>> forward = conv_matrix([[[1.0, 2.0, 3.0]]], (1, 5), stride=2)
    >>> bool((forward.T != conv_transpose_matrix([[[1.0, 2.0, 3.0]]], (1, 2), stride=2)).nnz)
    False
    """
    op = "conv_transpose_matrix"
    kernels = _args.array(op, "weight", weight)
    axes = spatial_axes(op, kernels, "(in, out / groups, *kernel)")
    layer = _layers.transposed(
        op, axes, kernels.shape, input_shape, stride, padding, dilation, groups,
        output_padding=output_padding, layout=layout,
    )  # fmt: skip
    with memory(op, input_shape):
        return weighted_sums(op, layer, kernels).T.tocsr()


def spatial_axes(op: str, weight: Array, words: str) -> int:
    """How many axes the kernels of a weight have: all but two."""
    axes = weight.ndim - 2
    if axes not in (1, 2, 3):
        raise ValueError(f"{op}: weight must have 3, 4 or 5 axes {words}, got shape {weight.shape}")
    return axes
