"""Local layers, convolutions that share no weights, and their gradients."""

from __future__ import annotations

from functools import partial

from numpy.typing import ArrayLike

from convcore.engine.backward import Gradients, Needs, Outs, conv_gradients
from convcore.engine.calls import Calls
from convcore.engine.execute import convolve
from convcore.spec.border import AnyBorder
from convcore.spec.operands import Array
from convcore.spec.options import Paddings, Sizes

__all__ = [
    "local_conv1d",
    "local_conv1d_backward",
    "local_conv2d",
    "local_conv2d_backward",
    "local_conv3d",
    "local_conv3d_backward",
]

# What layers call.
CALLS = {
    "local_conv": Calls(
        partial(convolve, sharing="local"), partial(conv_gradients, sharing="local")
    )
}


def local_conv1d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    border: AnyBorder = "zeros",
    layout: str = "NCW",
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    r"""Convolve with a separate kernel for every output; no weights are shared.

    .. math:: Z_{i,o} = b_{i,o} + \sum_{l,m} V_{l,\; o s + m d} \, w_{i,o,l,m}

    with V the padded input, i the output channel, l the input channel, o the position of the output
    and m the tap of the kernel along each axis, s the stride and d the dilation, all counted from 0
    (eq. 9.9 of *Deep Learning*, which counts from 1).

    Parameters
    ----------
    x : array_like, shape (N, C, W) or (C, W)
        Input V, any strides; ``layout="NWC"``: channels last.
    weight : array_like, shape (out, OW, C, S)
        Kernels w, in every layout. The shape contains the output's size.
    bias, stride, padding, dilation, border, layout, threads, out
        As in :func:`local_conv2d`, for one axis; layouts are ``"NCW"`` and ``"NWC"``.

    Returns
    -------
    ndarray, shape (N, out, OW) or (out, OW), as ``layout`` says

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`local_conv2d`.

    See Also
    --------
    local_conv1d_backward, tiled_conv1d, conv1d, convcore.matrix.local_conv_matrix

    Notes
    -----
    Derivation: :ref:`No sharing: the locally connected layer <note-f27>` and :ref:`Biases follow
    the weights <note-f29>`.

    Examples
    --------
    Two outputs, each with a kernel of one cell, and a bias:

    >>> import numpy as np
    >>> from convcore import local_conv1d
    >>> x = np.array([1.0, 10.0]).reshape(1, 2)
    >>> weight = np.array([2.0, 3.0]).reshape(1, 2, 1, 1)
    >>> local_conv1d(x, weight, bias=np.array([0.5, 0.25]).reshape(1, 2)).ravel().tolist()
    [2.5, 30.25]
    """
    return convolve(
        "local_conv1d", x, weight, bias, axes=1, stride=stride, padding=padding, dilation=dilation,
        border=border, layout=layout, sharing="local", threads=threads, out=out,
    )  # fmt: skip


def local_conv2d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    border: AnyBorder = "zeros",
    layout: str = "NCHW",
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    r"""Convolve with a separate kernel for every output; no weights are shared.

    .. math:: Z_{i,o} = b_{i,o} + \sum_{l,m} V_{l,\; o s + m d} \, w_{i,o,l,m}

    with V the padded input, i the output channel, l the input channel, o the position of the output
    and m the tap of the kernel along each axis, s the stride and d the dilation, all counted from 0
    (eq. 9.9 of *Deep Learning*, which counts from 1).

    Parameters
    ----------
    x : array_like, shape (N, C, H, W) or (C, H, W)
        Input V, any strides; ``layout="NHWC"``: channels last.
    weight : array_like, shape (out, OH, OW, C, R, S)
        Kernels w, in every layout. The shape contains the output's size.
    bias : array_like, shape (out, OH, OW), optional
        Added to each output.
    stride, padding, dilation
        As in :func:`convcore.conv2d`.
    border : word or number, or one of these or a (before, after) pair for each axis
        What the padding holds, as in :func:`convcore.conv2d`.
    layout : {"NCHW", "NHWC"}
        Order of the axes of ``x`` and of the result.
    threads : int, optional
        Maximum number of threads. Default: :func:`convcore.get_num_threads`. Results do not depend
        on it.
    out : ndarray, optional
        Array to write the result to. Must have the result's shape, and its dtype or one of the
        integers of 8 and 16 bits, to which sums are rounded once (of two to the even one) and
        clipped; NaN becomes 0. Any strides; may overlap the operands.

    Returns
    -------
    ndarray, shape (N, out, OH, OW) or (out, OH, OW), as ``layout`` says
        In the dtype that :func:`convcore.conv2d` has for these operands.

    Raises
    ------
    ValueError
        For shapes that do not fit together, a weight for another output size, and options out of
        range.
    TypeError
        For operands that are not real numbers, and options of the wrong type.
    MemoryError
        If there is no memory for the result or for temporary arrays.

    See Also
    --------
    local_conv2d_backward, tiled_conv2d, conv2d, convcore.matrix.local_conv_matrix

    Notes
    -----
    Keras 2: ``LocallyConnected2d``; JAX: ``lax.conv_general_dilated_local``; Lua Torch:
    ``SpatialConvolutionLocal``; also called unshared convolution. Weights are read once for the
    whole batch. Derivation: :ref:`No sharing: the locally connected layer <note-f27>` and
    :ref:`Biases follow the weights <note-f29>`.

    Examples
    --------
    Two outputs, each with a kernel of one cell, and a bias:

    >>> import numpy as np
    >>> from convcore import local_conv2d
    >>> x = np.array([1.0, 10.0]).reshape(1, 1, 2)
    >>> weight = np.array([2.0, 3.0]).reshape(1, 1, 2, 1, 1, 1)
    >>> local_conv2d(x, weight, bias=np.array([0.5, 0.25]).reshape(1, 1, 2)).ravel().tolist()
    [2.5, 30.25]
    """
    return convolve(
        "local_conv2d", x, weight, bias, axes=2, stride=stride, padding=padding, dilation=dilation,
        border=border, layout=layout, sharing="local", threads=threads, out=out,
    )  # fmt: skip


def local_conv3d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    border: AnyBorder = "zeros",
    layout: str = "NCDHW",
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    r"""Convolve with a separate kernel for every output; no weights are shared.

    .. math:: Z_{i,o} = b_{i,o} + \sum_{l,m} V_{l,\; o s + m d} \, w_{i,o,l,m}

    with V the padded input, i the output channel, l the input channel, o the position of the output
    and m the tap of the kernel along each axis, s the stride and d the dilation, all counted from 0
    (eq. 9.9 of *Deep Learning*, which counts from 1).

    Parameters
    ----------
    x : array_like, shape (N, C, D, H, W) or (C, D, H, W)
        Input V, any strides; ``layout="NDHWC"``: channels last.
    weight : array_like, shape (out, OD, OH, OW, C, Q, R, S)
        Kernels w, in every layout. The shape contains the output's size.
    bias, stride, padding, dilation, border, layout, threads, out
        As in :func:`local_conv2d`, for three axes; layouts are ``"NCDHW"`` and ``"NDHWC"``.

    Returns
    -------
    ndarray, shape (N, out, OD, OH, OW) or (out, OD, OH, OW), as ``layout`` says

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`local_conv2d`.

    See Also
    --------
    local_conv3d_backward, tiled_conv3d, conv3d, convcore.matrix.local_conv_matrix

    Notes
    -----
    Derivation: :ref:`No sharing: the locally connected layer <note-f27>` and :ref:`Biases follow
    the weights <note-f29>`.

    Examples
    --------
    Two outputs, each with a kernel of one cell, and a bias:

    >>> import numpy as np
    >>> from convcore import local_conv3d
    >>> x = np.array([1.0, 10.0]).reshape(1, 1, 1, 2)
    >>> weight = np.array([2.0, 3.0]).reshape(1, 1, 1, 2, 1, 1, 1, 1)
    >>> local_conv3d(x, weight, bias=np.array([0.5, 0.25]).reshape(1, 1, 1, 2)).ravel().tolist()
    [2.5, 30.25]
    """
    return convolve(
        "local_conv3d", x, weight, bias, axes=3, stride=stride, padding=padding, dilation=dilation,
        border=border, layout=layout, sharing="local", threads=threads, out=out,
    )  # fmt: skip


def local_conv1d_backward(
    grad: ArrayLike,
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    border: AnyBorder = "zeros",
    layout: str = "NCW",
    threads: int | None = None,
    needs: Needs = (True, True, True),
    out: Outs | None = None,
) -> Gradients:
    r"""Gradients of :func:`convcore.local_conv1d` with respect to x, weight and bias.

    The formulas are those of :func:`local_conv2d_backward`, for one axis.

    Parameters
    ----------
    grad, x, weight, bias, stride, padding, dilation, border, layout, threads, needs, out
        As in :func:`local_conv2d_backward`, for one axis; layouts are ``"NCW"`` and
        ``"NWC"``.

    Returns
    -------
    dx, dweight, dbias : ndarray or None

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`local_conv2d_backward`.

    See Also
    --------
    local_conv1d, tiled_conv1d_backward, conv1d_backward

    Notes
    -----
    Derivation: :ref:`A layer is a matrix <note-f04>` and :ref:`No sharing: the locally connected
    layer <note-f27>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import local_conv1d_backward
    >>> x = np.array([1.0, 10.0]).reshape(1, 2)
    >>> weight = np.array([2.0, 3.0]).reshape(1, 2, 1, 1)
    >>> dx, dweight, _ = local_conv1d_backward(np.full((1, 2), 5.0), x, weight)
    >>> dx.ravel().tolist(), dweight.ravel().tolist()
    ([10.0, 15.0], [5.0, 50.0])
    """
    return conv_gradients(
        "local_conv1d_backward", (grad, x, weight), bias, axes=1, stride=stride, padding=padding,
        dilation=dilation, border=border, layout=layout, sharing="local", threads=threads,
        needs=needs, out=out,
    )  # fmt: skip


def local_conv2d_backward(
    grad: ArrayLike,
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    border: AnyBorder = "zeros",
    layout: str = "NCHW",
    threads: int | None = None,
    needs: Needs = (True, True, True),
    out: Outs | None = None,
) -> Gradients:
    r"""Gradients of :func:`convcore.local_conv2d` with respect to x, weight and bias.

    .. math::

        \bar V_{l,u} = \sum_i \; \sum_{o,\,m:\; o s + m d - p = u} G_{i,o} \, w_{i,o,l,m},
        \quad \bar w_{i,o,l,m} = G_{i,o} \, V_{l,\; o s + m d - p}, \quad
        \bar b_{i,o} = G_{i,o}

    summed over the images of the batch, with the letters of
    :func:`convcore.conv2d_backward`.

    Parameters
    ----------
    grad : array_like
        Gradient G of a number with respect to the result, of the result's shape.
    x, weight, bias, stride, padding, dilation, border, layout, threads
        As passed to :func:`convcore.local_conv2d`.
    needs, out
        As in :func:`convcore.conv2d_backward`.

    Returns
    -------
    dx, dweight, dbias : ndarray or None
        As in :func:`convcore.conv2d_backward`.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`convcore.local_conv2d`, and for a ``grad`` of another shape than the result.

    See Also
    --------
    local_conv2d, tiled_conv2d_backward, conv2d_backward

    Notes
    -----
    Each weight is used in one output of an image, so its gradient is one product. Derivation:
    :ref:`A layer is a matrix <note-f04>` and :ref:`No sharing: the locally connected layer
    <note-f27>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import local_conv2d_backward
    >>> x = np.array([1.0, 10.0]).reshape(1, 1, 2)
    >>> weight = np.array([2.0, 3.0]).reshape(1, 1, 2, 1, 1, 1)
    >>> dx, dweight, _ = local_conv2d_backward(np.full((1, 1, 2), 5.0), x, weight)
    >>> dx.ravel().tolist(), dweight.ravel().tolist()
    ([10.0, 15.0], [5.0, 50.0])
    """
    return conv_gradients(
        "local_conv2d_backward", (grad, x, weight), bias, axes=2, stride=stride, padding=padding,
        dilation=dilation, border=border, layout=layout, sharing="local", threads=threads,
        needs=needs, out=out,
    )  # fmt: skip


def local_conv3d_backward(
    grad: ArrayLike,
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    border: AnyBorder = "zeros",
    layout: str = "NCDHW",
    threads: int | None = None,
    needs: Needs = (True, True, True),
    out: Outs | None = None,
) -> Gradients:
    r"""Gradients of :func:`convcore.local_conv3d` with respect to x, weight and bias.

    The formulas are those of :func:`local_conv2d_backward`, for three axes.

    Parameters
    ----------
    grad, x, weight, bias, stride, padding, dilation, border, layout, threads, needs, out
        As in :func:`local_conv2d_backward`, for three axes; layouts are ``"NCDHW"`` and
        ``"NDHWC"``.

    Returns
    -------
    dx, dweight, dbias : ndarray or None

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`local_conv2d_backward`.

    See Also
    --------
    local_conv3d, tiled_conv3d_backward, conv3d_backward

    Notes
    -----
    Derivation: :ref:`A layer is a matrix <note-f04>` and :ref:`No sharing: the locally connected
    layer <note-f27>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import local_conv3d_backward
    >>> x = np.array([1.0, 10.0]).reshape(1, 1, 1, 2)
    >>> weight = np.array([2.0, 3.0]).reshape(1, 1, 1, 2, 1, 1, 1, 1)
    >>> dx, dweight, _ = local_conv3d_backward(np.full((1, 1, 1, 2), 5.0), x, weight)
    >>> dx.ravel().tolist(), dweight.ravel().tolist()
    ([10.0, 15.0], [5.0, 50.0])
    """
    return conv_gradients(
        "local_conv3d_backward", (grad, x, weight), bias, axes=3, stride=stride, padding=padding,
        dilation=dilation, border=border, layout=layout, sharing="local", threads=threads,
        needs=needs, out=out,
    )  # fmt: skip
