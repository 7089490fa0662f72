"""Tiled layers, convolutions whose outputs use several kernels in turn, and their gradients."""

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
    "tiled_conv1d",
    "tiled_conv1d_backward",
    "tiled_conv2d",
    "tiled_conv2d_backward",
    "tiled_conv3d",
    "tiled_conv3d_backward",
]

# What layers call.
CALLS = {
    "tiled_conv": Calls(
        partial(convolve, sharing="tiled"), partial(conv_gradients, sharing="tiled")
    )
}


def tiled_conv1d(
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
    r"""Convolve with several kernels in turn: outputs a period t apart share their weights.

    .. math::

        Z_{i,o} = b_{i,\,o \bmod t} + \sum_{l,m} V_{l,\; o s + m d} \, K_{i,\,o \bmod t,\,l,m}

    with V the padded input, i the output channel, l the input channel, o the position of the output
    and m the tap of the kernel along each axis, s the stride and d the dilation, all counted from 0
    (eq. 9.10 of *Deep Learning*, which counts from 1). Period 1 is convolution, a period of the
    output's size is a local layer.

    Parameters
    ----------
    x : array_like, shape (N, C, W) or (C, W)
        Input V, any strides; ``layout="NWC"``: channels last.
    weight : array_like, shape (out, \*period, C, S)
        Kernels K, in every layout, with a period along each axis. Kernels that no output uses are
        not read.
    bias, stride, padding, dilation, border, layout, threads, out
        As in :func:`tiled_conv2d`, for one axis; layouts are ``"NCW"`` and ``"NWC"``.

    Returns
    -------
    ndarray, shape (N, out, OW) or (out, OW), as ``layout`` says

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`tiled_conv2d`.

    See Also
    --------
    tiled_conv1d_backward, local_conv1d, conv1d, convcore.matrix.tiled_conv_matrix

    Notes
    -----
    Derivation: :ref:`A little sharing: tiled convolution <note-f28>` and :ref:`Biases follow the
    weights <note-f29>`.

    Examples
    --------
    Two kernels in turn, which repeat or negate their cell:

    >>> import numpy as np
    >>> from convcore import tiled_conv1d
    >>> x = np.arange(1.0, 6.0).reshape(1, 5)
    >>> weight = np.array([1.0, -1.0]).reshape(1, 2, 1, 1)
    >>> tiled_conv1d(x, weight).ravel().tolist()
    [1.0, -2.0, 3.0, -4.0, 5.0]
    """
    return convolve(
        "tiled_conv1d", x, weight, bias, axes=1, stride=stride, padding=padding, dilation=dilation,
        border=border, layout=layout, sharing="tiled", threads=threads, out=out,
    )  # fmt: skip


def tiled_conv2d(
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
    r"""Convolve with several kernels in turn: outputs a period t apart share their weights.

    .. math::

        Z_{i,o} = b_{i,\,o \bmod t} + \sum_{l,m} V_{l,\; o s + m d} \, K_{i,\,o \bmod t,\,l,m}

    with V the padded input, i the output channel, l the input channel, o the position of the output
    and m the tap of the kernel along each axis, s the stride and d the dilation, all counted from 0
    (eq. 9.10 of *Deep Learning*, which counts from 1). Period 1 is convolution, a period of the
    output's size is a local layer.

    Parameters
    ----------
    x : array_like, shape (N, C, H, W) or (C, H, W)
        Input V, any strides; ``layout="NHWC"``: channels last.
    weight : array_like, shape (out, \*period, C, R, S)
        Kernels K, in every layout, with a period along each axis. Kernels that no output uses are
        not read.
    bias : array_like, shape (out, \*period), optional
        Added to the outputs of each kernel.
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
    ValueError, TypeError, MemoryError
        As :func:`convcore.local_conv2d`.

    See Also
    --------
    tiled_conv2d_backward, local_conv2d, conv2d, convcore.matrix.tiled_conv_matrix

    Notes
    -----
    Tiled convolution (Gregor and LeCun 2010, Le et al. 2010). Derivation: :ref:`A little sharing:
    tiled convolution <note-f28>` and :ref:`Biases follow the weights <note-f29>`.

    Examples
    --------
    Two kernels in turn, which repeat or negate their cell:

    >>> import numpy as np
    >>> from convcore import tiled_conv2d
    >>> x = np.arange(1.0, 6.0).reshape(1, 1, 5)
    >>> weight = np.array([1.0, -1.0]).reshape(1, 1, 2, 1, 1, 1)
    >>> tiled_conv2d(x, weight).ravel().tolist()
    [1.0, -2.0, 3.0, -4.0, 5.0]
    """
    return convolve(
        "tiled_conv2d", x, weight, bias, axes=2, stride=stride, padding=padding, dilation=dilation,
        border=border, layout=layout, sharing="tiled", threads=threads, out=out,
    )  # fmt: skip


def tiled_conv3d(
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
    r"""Convolve with several kernels in turn: outputs a period t apart share their weights.

    .. math::

        Z_{i,o} = b_{i,\,o \bmod t} + \sum_{l,m} V_{l,\; o s + m d} \, K_{i,\,o \bmod t,\,l,m}

    with V the padded input, i the output channel, l the input channel, o the position of the output
    and m the tap of the kernel along each axis, s the stride and d the dilation, all counted from 0
    (eq. 9.10 of *Deep Learning*, which counts from 1). Period 1 is convolution, a period of the
    output's size is a local layer.

    Parameters
    ----------
    x : array_like, shape (N, C, D, H, W) or (C, D, H, W)
        Input V, any strides; ``layout="NDHWC"``: channels last.
    weight : array_like, shape (out, \*period, C, Q, R, S)
        Kernels K, in every layout, with a period along each axis. Kernels that no output uses are
        not read.
    bias, stride, padding, dilation, border, layout, threads, out
        As in :func:`tiled_conv2d`, for three axes; layouts are ``"NCDHW"`` and ``"NDHWC"``.

    Returns
    -------
    ndarray, shape (N, out, OD, OH, OW) or (out, OD, OH, OW), as ``layout`` says

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`tiled_conv2d`.

    See Also
    --------
    tiled_conv3d_backward, local_conv3d, conv3d, convcore.matrix.tiled_conv_matrix

    Notes
    -----
    Derivation: :ref:`A little sharing: tiled convolution <note-f28>` and :ref:`Biases follow the
    weights <note-f29>`.

    Examples
    --------
    Two kernels in turn, which repeat or negate their cell:

    >>> import numpy as np
    >>> from convcore import tiled_conv3d
    >>> x = np.arange(1.0, 6.0).reshape(1, 1, 1, 5)
    >>> weight = np.array([1.0, -1.0]).reshape(1, 1, 1, 2, 1, 1, 1, 1)
    >>> tiled_conv3d(x, weight).ravel().tolist()
    [1.0, -2.0, 3.0, -4.0, 5.0]
    """
    return convolve(
        "tiled_conv3d", x, weight, bias, axes=3, stride=stride, padding=padding, dilation=dilation,
        border=border, layout=layout, sharing="tiled", threads=threads, out=out,
    )  # fmt: skip


def tiled_conv1d_backward(
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
    r"""Gradients of :func:`convcore.tiled_conv1d` with respect to x, weight and bias.

    The formulas are those of :func:`tiled_conv2d_backward`, for one axis.

    Parameters
    ----------
    grad, x, weight, bias, stride, padding, dilation, border, layout, threads, needs, out
        As in :func:`tiled_conv2d_backward`, for one axis; layouts are ``"NCW"`` and
        ``"NWC"``.

    Returns
    -------
    dx, dweight, dbias : ndarray or None

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`tiled_conv2d_backward`.

    See Also
    --------
    tiled_conv1d, local_conv1d_backward, conv1d_backward

    Notes
    -----
    Derivation: :ref:`A layer is a matrix <note-f04>` and :ref:`A little sharing: tiled convolution
    <note-f28>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import tiled_conv1d_backward
    >>> x = np.arange(4.0).reshape(1, 4)
    >>> weight = np.array([1.0, -1.0]).reshape(1, 2, 1, 1)
    >>> dx, dweight, _ = tiled_conv1d_backward(np.ones((1, 4)), x, weight)
    >>> dx.ravel().tolist(), dweight.ravel().tolist()
    ([1.0, -1.0, 1.0, -1.0], [2.0, 4.0])
    """
    return conv_gradients(
        "tiled_conv1d_backward", (grad, x, weight), bias, axes=1, stride=stride, padding=padding,
        dilation=dilation, border=border, layout=layout, sharing="tiled", threads=threads,
        needs=needs, out=out,
    )  # fmt: skip


def tiled_conv2d_backward(
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
    r"""Gradients of :func:`convcore.tiled_conv2d` with respect to x, weight and bias.

    .. math::

        \bar V_{l,u} = \sum_i \; \sum_{o,\,m:\; o s + m d - p = u}
            G_{i,o} \, K_{i,\,o \bmod t,\,l,m}, \quad
        \bar K_{i,a,l,m} = \sum_{o:\; o \bmod t = a} G_{i,o} \, V_{l,\; o s + m d - p}, \quad
        \bar b_{i,a} = \sum_{o:\; o \bmod t = a} G_{i,o}

    summed over the images of the batch, with the letters of :func:`convcore.conv2d_backward`, the
    period t and the index a of a kernel in it.

    Parameters
    ----------
    grad : array_like
        Gradient G of a number with respect to the result, of the result's shape.
    x, weight, bias, stride, padding, dilation, border, layout, threads
        As passed to :func:`convcore.tiled_conv2d`.
    needs, out
        As in :func:`convcore.conv2d_backward`.

    Returns
    -------
    dx, dweight, dbias : ndarray or None
        As in :func:`convcore.conv2d_backward`; zero for kernels that no output uses.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`convcore.tiled_conv2d`, and for a ``grad`` of another shape than the result.

    See Also
    --------
    tiled_conv2d, local_conv2d_backward, conv2d_backward

    Notes
    -----
    The gradient of x is again a tiled layer, with the kernels in another order. Derivation: :ref:`A
    layer is a matrix <note-f04>` and :ref:`A little sharing: tiled convolution <note-f28>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import tiled_conv2d_backward
    >>> x = np.arange(4.0).reshape(1, 1, 4)
    >>> weight = np.array([1.0, -1.0]).reshape(1, 1, 2, 1, 1, 1)
    >>> dx, dweight, _ = tiled_conv2d_backward(np.ones((1, 1, 4)), x, weight)
    >>> dx.ravel().tolist(), dweight.ravel().tolist()
    ([1.0, -1.0, 1.0, -1.0], [2.0, 4.0])
    """
    return conv_gradients(
        "tiled_conv2d_backward", (grad, x, weight), bias, axes=2, stride=stride, padding=padding,
        dilation=dilation, border=border, layout=layout, sharing="tiled", threads=threads,
        needs=needs, out=out,
    )  # fmt: skip


def tiled_conv3d_backward(
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
    r"""Gradients of :func:`convcore.tiled_conv3d` with respect to x, weight and bias.

    The formulas are those of :func:`tiled_conv2d_backward`, for three axes.

    Parameters
    ----------
    grad, x, weight, bias, stride, padding, dilation, border, layout, threads, needs, out
        As in :func:`tiled_conv2d_backward`, for three axes; layouts are ``"NCDHW"`` and
        ``"NDHWC"``.

    Returns
    -------
    dx, dweight, dbias : ndarray or None

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`tiled_conv2d_backward`.

    See Also
    --------
    tiled_conv3d, local_conv3d_backward, conv3d_backward

    Notes
    -----
    Derivation: :ref:`A layer is a matrix <note-f04>` and :ref:`A little sharing: tiled convolution
    <note-f28>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import tiled_conv3d_backward
    >>> x = np.arange(4.0).reshape(1, 1, 1, 4)
    >>> weight = np.array([1.0, -1.0]).reshape(1, 1, 1, 2, 1, 1, 1, 1)
    >>> dx, dweight, _ = tiled_conv3d_backward(np.ones((1, 1, 1, 4)), x, weight)
    >>> dx.ravel().tolist(), dweight.ravel().tolist()
    ([1.0, -1.0, 1.0, -1.0], [2.0, 4.0])
    """
    return conv_gradients(
        "tiled_conv3d_backward", (grad, x, weight), bias, axes=3, stride=stride, padding=padding,
        dilation=dilation, border=border, layout=layout, sharing="tiled", threads=threads,
        needs=needs, out=out,
    )  # fmt: skip
