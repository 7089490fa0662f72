"""Local and tiled layers as matrices."""

from numpy.typing import ArrayLike

from convcore import _args
from convcore.geometry import _layers
from convcore.geometry._layers import Paddings, Sizes
from convcore.matrix._entries import Matrix, memory, weighted_sums


def local_conv_matrix(
    weight: ArrayLike,
    input_shape: tuple[int, ...],
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    layout: str | None = None,
) -> Matrix:
    r"""Return a local layer as a sparse matrix: that of a convolution, with no two entries tied.

    .. math::

        A_{(i,j,k),\,(l,y,x)} = w_{i,j,k,l,m,n} \quad
        \text{where } j s + m d - p = y \text{ and } k s + n d - p = x

    Parameters
    ----------
    weight : array_like, shape (out, \*out_spatial, C, \*kernel)
        A kernel for each output, with one to three axes.
    input_shape : tuple of ints
        Shape of the operator's ``x``, with or without a batch.
    stride, padding, dilation
        As in :func:`convcore.conv2d`.
    layout : str, optional
        As in :func:`convcore.conv2d`; default: channels first.

    Returns
    -------
    scipy.sparse.csr_array, shape (outputs, inputs)
        As :func:`convcore.matrix.conv_matrix`.

    Raises
    ------
    ValueError, TypeError, MemoryError, ImportError
        As :func:`convcore.matrix.conv_matrix`; and for a weight whose ``out_spatial`` is not the
        size of the output.

    See Also
    --------
    tiled_conv_matrix, convcore.matrix.conv_matrix

    Notes
    -----
    Eq. 9.9 of *Deep Learning*; items f04 and f27 of the study notes.

    Examples
    --------
    >>> from convcore.matrix import local_conv_matrix
    >>> local_conv_matrix([[[[1.0, 2.0]], [[3.0, 4.0]]]], (1, 3)).toarray()
    array([[1., 2., 0.],
           [0., 3., 4.]])
    """
    return _matrix(
        "local_conv_matrix", True, weight, input_shape, stride, padding, dilation, layout
    )


def tiled_conv_matrix(
    weight: ArrayLike,
    input_shape: tuple[int, ...],
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
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
    input_shape, stride, padding, dilation, layout
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
    Eq. 9.10 of *Deep Learning*; items f04 and f28 of the study notes.

    Examples
    --------
    >>> from convcore.matrix import tiled_conv_matrix
    >>> tiled_conv_matrix([[[[1.0, 2.0]], [[3.0, 4.0]]]], (1, 4)).toarray()
    array([[1., 2., 0., 0.],
           [0., 3., 4., 0.],
           [0., 0., 1., 2.]])
    """
    return _matrix(
        "tiled_conv_matrix", False, weight, input_shape, stride, padding, dilation, layout
    )


def _matrix(
    op: str, local: bool, weight: ArrayLike, input_shape: tuple[int, ...], stride: Sizes,
    padding: Paddings, dilation: Sizes, layout: str | None,
) -> Matrix:  # fmt: skip
    kernels = _args.array(op, "weight", weight)
    if kernels.ndim not in (4, 6, 8):
        period = "*out_spatial" if local else "*period"
        raise ValueError(
            f"{op}: weight must have 4, 6 or 8 axes (out, {period}, in, *kernel), got shape "
            f"{kernels.shape}"
        )
    axes = kernels.ndim // 2 - 1
    layer = _layers.unshared(
        op, axes, kernels.shape, input_shape, stride, padding, dilation, local=local, layout=layout
    )
    with memory(op, input_shape):
        return weighted_sums(op, layer, kernels)
