"""Local and tiled layers as matrices."""

from __future__ import annotations

from numpy.typing import ArrayLike

from convcore.matrix._entries import Matrix, weighted_sums
from convcore.spec.border import AnyBorder
from convcore.spec.errors import memory_errors
from convcore.spec.layout import as_shape
from convcore.spec.operands import as_array
from convcore.spec.options import Paddings, Sizes
from convcore.spec.problem import LOCAL, TILED, WEIGHTS, conv_spec


def local_conv_matrix(
    weight: ArrayLike,
    input_shape: tuple[int, ...],
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    border: AnyBorder = "zeros",
    layout: str | None = None,
) -> Matrix:
    r"""Return a local layer as a sparse matrix: a convolution's, in which no entries are tied.

    .. math::

        A_{(i,j,k),\,(l,y,x)} = w_{i,j,k,l,m,n} \quad
        \text{where } j s + m d - p = y \text{ and } k s + n d - p = x

    Parameters
    ----------
    weight : array_like, shape (out, \*out_spatial, C, \*kernel)
        A kernel for each output, with one to three axes.
    input_shape : tuple of ints
        Shape of the operator's ``x``, with or without a batch.
    stride, padding, dilation, border
        As in :func:`convcore.conv2d`; a constant as in :func:`convcore.matrix.conv_matrix`.
    layout : str, optional
        As in :func:`convcore.conv2d`. Default: channels first.

    Returns
    -------
    scipy.sparse.csr_array, shape (outputs, inputs)
        As :func:`convcore.matrix.conv_matrix`.

    Raises
    ------
    ValueError, TypeError, MemoryError, ImportError
        As :func:`convcore.matrix.conv_matrix`, and if the weight's ``out_spatial`` is not the size
        of the output.

    See Also
    --------
    tiled_conv_matrix, convcore.matrix.conv_matrix

    Notes
    -----
    Eq. 9.9 of *Deep Learning*; derivation: :ref:`A layer is a matrix <note-f04>` and :ref:`No
    sharing: the locally connected layer <note-f27>`.

    Examples
    --------
    >>> from convcore.matrix import local_conv_matrix
    >>> local_conv_matrix([[[[1.0, 2.0]], [[3.0, 4.0]]]], (1, 3)).toarray()
    array([[1., 2., 0.],
           [0., 3., 4.]])
    """
    return _matrix(
        "local_conv_matrix", LOCAL, weight, input_shape, stride=stride, padding=padding,
        dilation=dilation, border=border, layout=layout,
    )  # fmt: skip


def tiled_conv_matrix(
    weight: ArrayLike,
    input_shape: tuple[int, ...],
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    border: AnyBorder = "zeros",
    layout: str | None = None,
) -> Matrix:
    r"""Return a tiled convolution as a sparse matrix: rows t outputs apart have equal weights.

    .. math::

        A_{(i,j,k),\,(l,y,x)} = K_{i,\, j \bmod t,\, k \bmod t,\, l,m,n} \quad
        \text{where } j s + m d - p = y \text{ and } k s + n d - p = x

    Parameters
    ----------
    weight : array_like, shape (out, \*period, C, \*kernel)
        Kernels used in turn, with one to three axes.
    input_shape, stride, padding, dilation, border, layout
        As in :func:`local_conv_matrix`.

    Returns
    -------
    scipy.sparse.csr_array, shape (outputs, inputs)
        As :func:`convcore.matrix.conv_matrix`.

    Raises
    ------
    ValueError, TypeError, MemoryError, ImportError
        As :func:`convcore.matrix.conv_matrix`.

    See Also
    --------
    local_conv_matrix, convcore.matrix.conv_matrix

    Notes
    -----
    Eq. 9.10 of *Deep Learning*; derivation: :ref:`A layer is a matrix <note-f04>` and :ref:`A
    little sharing: tiled convolution <note-f28>`.

    Examples
    --------
    >>> from convcore.matrix import tiled_conv_matrix
    >>> tiled_conv_matrix([[[[1.0, 2.0]], [[3.0, 4.0]]]], (1, 4)).toarray()
    array([[1., 2., 0., 0.],
           [0., 3., 4., 0.],
           [0., 0., 1., 2.]])
    """
    return _matrix(
        "tiled_conv_matrix", TILED, weight, input_shape, stride=stride, padding=padding,
        dilation=dilation, border=border, layout=layout,
    )  # fmt: skip


def _matrix(
    op: str,
    sharing: str,
    weight: ArrayLike,
    input_shape: tuple[int, ...],
    *,
    stride: Sizes,
    padding: Paddings,
    dilation: Sizes,
    border: AnyBorder,
    layout: str | None,
) -> Matrix:
    kernels = as_array(op, "weight", weight)
    if kernels.ndim not in (4, 6, 8):
        raise ValueError(
            f"{op}: weight must have 4, 6 or 8 axes {WEIGHTS[sharing]}, got shape {kernels.shape}"
        )
    layer = conv_spec(
        op, as_shape(op, "input_shape", input_shape), kernels.shape, axes=kernels.ndim // 2 - 1,
        stride=stride, padding=padding, dilation=dilation, border=border, layout=layout,
        sharing=sharing, name="input_shape",
    )  # fmt: skip
    with memory_errors(op, input_shape=input_shape):
        return weighted_sums(op, layer, kernels)
