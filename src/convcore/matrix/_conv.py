"""Convolutions and transposed convolutions as matrices."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from convcore.matrix._entries import Matrix, weighted_sums
from convcore.spec.border import AnyBorder
from convcore.spec.errors import memory_errors
from convcore.spec.layout import as_shape
from convcore.spec.operands import Array, as_array
from convcore.spec.options import Paddings, Sizes, as_bool
from convcore.spec.problem import TRANSPOSED_WEIGHT, WEIGHTS, conv_spec, transposed_spec


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
    border: AnyBorder = "zeros",
    layout: str | None = None,
) -> Matrix:
    r"""Return a convolution as a sparse matrix.

    .. math::

        A_{(i,j,k),\,(l,y,x)} = \sum_{m,n:\; j s + m d - p = y,\; k s + n d - p = x} K_{i,l,m,n}

    with i output channel, j row, k column, l input channel, y and x its row and column, s stride, d
    dilation and p the padding before. The sum has more than one term only if a border repeats
    cells. In one dimension it is a Toeplitz matrix: each row is the row above moved by s. In two
    dimensions it is doubly block Toeplitz, and with ``border="wrap"`` doubly block circulant.

    Parameters
    ----------
    weight : array_like, shape (out, C / groups, \*kernel)
        Kernels K with one to three axes, as many as the convolution has.
    input_shape : tuple of ints
        Shape of the operator's ``x``, with or without a batch.
    stride, padding, dilation, groups, connections, flip, border
        As in :func:`convcore.conv2d`. Pairs that are not in a table of connections, and constants
        in the padding, have no entries: the matrix is that of the linear part. What constants add
        to each output is the operator's result for an input of zeros.
    layout : str, optional
        As in :func:`convcore.conv2d`. Default: channels first.

    Returns
    -------
    scipy.sparse.csr_array, shape (outputs, inputs)
        Rows and columns are flattened in C order. The dtype is the weight's; float16 becomes
        float32, and integers and bool are promoted as by the operator. Weights of 0 are entries.

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
    SciPy: ``scipy.linalg.convolution_matrix`` for one channel in one dimension, dense. Derivation:
    :ref:`A layer is a matrix <note-f04>`.

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
    kernels = as_array(op, "weight", weight)
    axes = spatial_axes(op, kernels, WEIGHTS["shared"])
    if as_bool(op, "flip", flip):
        kernels = np.flip(kernels, tuple(range(2, axes + 2)))
    layer = conv_spec(
        op, as_shape(op, "input_shape", input_shape), kernels.shape, axes=axes, stride=stride,
        padding=padding, dilation=dilation, groups=groups, connections=connections, border=border,
        layout=layout, name="input_shape",
    )  # fmt: skip
    with memory_errors(op, input_shape=input_shape):
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
    border: AnyBorder = "zeros",
    layout: str | None = None,
) -> Matrix:
    r"""Return a transposed convolution as a sparse matrix, the transpose of the convolution's.

    .. math::

        A_{(j,y,x),\,(i,o,q)} = w_{i,j,m,n} \quad
        \text{where } o s + m d - p = y \text{ and } q s + n d - p = x

    Parameters
    ----------
    weight : array_like, shape (C, out / groups, \*kernel)
        Kernels w with one to three axes, as many as the convolution has.
    input_shape : tuple of ints
        Shape of the operator's ``x``, with or without a batch.
    stride, padding, dilation, groups, border
        Options of the convolution whose adjoint this is, as in :func:`convcore.conv2d`.
    output_padding : int or tuple of ints
        Cells added at the end of the output, fewer than the stride or the dilation, as in
        :func:`convcore.conv_transpose2d`.
    layout : str, optional
        As in :func:`convcore.conv2d`. Default: channels first.

    Returns
    -------
    scipy.sparse.csr_array, shape (outputs, inputs)
        As :func:`conv_matrix`.

    Raises
    ------
    ValueError, TypeError, MemoryError, ImportError
        As :func:`conv_matrix`, and for an output without cells.

    See Also
    --------
    conv_matrix

    Notes
    -----
    The gradient of a convolution's input is a product with this matrix. Derivation: :ref:`A layer
    is a matrix <note-f04>`.

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
    kernels = as_array(op, "weight", weight)
    axes = spatial_axes(op, kernels, TRANSPOSED_WEIGHT)
    layer = transposed_spec(
        op, as_shape(op, "input_shape", input_shape), kernels.shape, axes=axes, stride=stride,
        padding=padding, dilation=dilation, groups=groups, output_padding=output_padding,
        border=border, layout=layout, name="input_shape",
    )  # fmt: skip
    with memory_errors(op, input_shape=input_shape):
        return weighted_sums(op, layer, kernels).T.tocsr()


def spatial_axes(op: str, weight: Array, words: str) -> int:
    """Return the number of axes of a weight's kernels: all but two."""
    axes = weight.ndim - 2
    if axes not in (1, 2, 3):
        hint = "; weight[None, None] adds the channel axes" if weight.ndim in (1, 2) else ""
        raise ValueError(
            f"{op}: weight must have 3, 4 or 5 axes {words}, got shape {weight.shape}{hint}"
        )
    return axes
