"""Transposed convolution, the adjoint of a convolution, and its gradients."""

from __future__ import annotations

from numpy.typing import ArrayLike

from convcore.engine.backward import Gradients, Needs, Outs, transposed_gradients
from convcore.engine.calls import Calls
from convcore.engine.execute import transpose
from convcore.spec.border import AnyBorder
from convcore.spec.operands import Array
from convcore.spec.options import Paddings, Sizes

__all__ = [
    "conv_transpose1d",
    "conv_transpose1d_backward",
    "conv_transpose2d",
    "conv_transpose2d_backward",
    "conv_transpose3d",
    "conv_transpose3d_backward",
]

# What layers call.
CALLS = {"conv_transpose": Calls(transpose, transposed_gradients)}


def conv_transpose1d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
    *,
    output_padding: Sizes = 0,
    border: AnyBorder = "zeros",
    layout: str = "NCW",
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    r"""Apply the adjoint (the transposed matrix) of a convolution.

    .. math:: Y_{j,u} = b_j + \sum_i \;\sum_{o,\,m:\; o s + m d - p = u} V_{i,o} \, K_{i,j,m}

    with V the input, i its channels and o its positions, j the output channel, u the output
    position and m the tap of the kernel along each axis. The stride s, the dilation d and the
    padding before p belong to the convolution whose adjoint this is: :func:`convcore.conv1d` with
    the same weight and options, from ``out`` to ``in`` channels. An axis of n cells gives
    :math:`(n - 1) s + (k - 1) d + 1 - p - p' + e` outputs, with p' the padding after and e the
    output padding.

    Parameters
    ----------
    x : array_like, shape (N, in, W) or (in, W)
        Input V, any strides; ``layout="NWC"``: channels last.
    weight : array_like, shape (in, out / groups, S)
        Kernels K, in every layout: the array that the convolution takes.
    bias, stride, dilation, groups, padding, output_padding, border, layout, threads, out
        As in :func:`conv_transpose2d`, for one axis; layouts are ``"NCW"`` and ``"NWC"``.

    Returns
    -------
    ndarray, shape (N, out, OW) or (out, OW), as ``layout`` says

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`conv_transpose2d`.

    See Also
    --------
    conv_transpose1d_backward, conv1d, convcore.matrix.conv_transpose_matrix

    Notes
    -----
    Derivation: :ref:`A layer is a matrix <note-f04>` and :ref:`The stride: eq. 9.8 <note-f19>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import conv_transpose1d
    >>> x = np.array([1.0, 10.0]).reshape(1, 2)
    >>> conv_transpose1d(x, np.ones((1, 1, 3)), stride=2).ravel().tolist()
    [1.0, 1.0, 11.0, 10.0, 10.0]
    """
    return transpose(
        "conv_transpose1d", x, weight, bias, axes=1, stride=stride, padding=padding,
        dilation=dilation, groups=groups, output_padding=output_padding, border=border,
        layout=layout, threads=threads, out=out,
    )  # fmt: skip


def conv_transpose2d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
    *,
    output_padding: Sizes = 0,
    border: AnyBorder = "zeros",
    layout: str = "NCHW",
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    r"""Apply the adjoint (the transposed matrix) of a convolution.

    .. math:: Y_{j,u} = b_j + \sum_i \;\sum_{o,\,m:\; o s + m d - p = u} V_{i,o} \, K_{i,j,m}

    with V the input, i its channels and o its positions, j the output channel, u the output
    position and m the tap of the kernel along each axis. The stride s, the dilation d and the
    padding before p belong to the convolution whose adjoint this is: :func:`convcore.conv2d` with
    the same weight and options, from ``out`` to ``in`` channels. An axis of n cells gives
    :math:`(n - 1) s + (k - 1) d + 1 - p - p' + e` outputs, with p' the padding after and e the
    output padding.

    Parameters
    ----------
    x : array_like, shape (N, in, H, W) or (in, H, W)
        Input V, any strides; ``layout="NHWC"``: channels last.
    weight : array_like, shape (in, out / groups, R, S)
        Kernels K, in every layout: the array that the convolution takes.
    bias : array_like, shape (out,), optional
        Added to each output channel.
    stride, dilation, groups
        Options of the convolution.
    padding
        Padding of the convolution, as in :func:`convcore.conv2d`; it removes cells from the result.
        ``"same"`` gives ``(n - 1) * stride + 1 + output_padding`` outputs.
    output_padding : int or (int, int)
        Cells added at the end of the result, fewer than the stride. As in PyTorch, a larger
        dilation allows up to ``dilation - 1``, but not with ``"same"``; the convolution of such a
        result has more than n outputs, of which the first n are meant.
    border : word or number, or one of these or a (before, after) pair for each axis
        Border of the convolution whose adjoint this is, as in :func:`convcore.conv2d`: what outputs
        in its padding receive goes to the cells that the padding repeats. A constant is dropped,
        like zeros: the adjoint is that of the convolution's linear part.
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
        For shapes that do not fit together, options out of range, and a result that would be empty
        along an axis.
    TypeError
        For operands that are not real numbers, and options of the wrong type.
    MemoryError
        If there is no memory for the result or for temporary arrays.

    See Also
    --------
    conv_transpose2d_backward, conv2d, convcore.matrix.conv_transpose_matrix

    Notes
    -----
    PyTorch: ``conv_transpose2d``, the same definition. Keras: ``keras.ops.conv_transpose``, whose
    ``"same"`` gives ``n * stride`` outputs (here with ``output_padding = stride - 1``). Also called
    fractionally strided convolution or, wrongly, deconvolution. The outputs of each remainder
    modulo the stride are a convolution with a part of the kernel; no zeros are inserted.
    Derivation: :ref:`A layer is a matrix <note-f04>` and :ref:`The stride: eq. 9.8 <note-f19>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import conv_transpose2d
    >>> x = np.array([1.0, 10.0]).reshape(1, 1, 2)
    >>> conv_transpose2d(x, np.ones((1, 1, 1, 3)), stride=(1, 2)).ravel().tolist()
    [1.0, 1.0, 11.0, 10.0, 10.0]
    """
    return transpose(
        "conv_transpose2d", x, weight, bias, axes=2, stride=stride, padding=padding,
        dilation=dilation, groups=groups, output_padding=output_padding, border=border,
        layout=layout, threads=threads, out=out,
    )  # fmt: skip


def conv_transpose3d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
    *,
    output_padding: Sizes = 0,
    border: AnyBorder = "zeros",
    layout: str = "NCDHW",
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    r"""Apply the adjoint (the transposed matrix) of a convolution.

    .. math:: Y_{j,u} = b_j + \sum_i \;\sum_{o,\,m:\; o s + m d - p = u} V_{i,o} \, K_{i,j,m}

    with V the input, i its channels and o its positions, j the output channel, u the output
    position and m the tap of the kernel along each axis. The stride s, the dilation d and the
    padding before p belong to the convolution whose adjoint this is: :func:`convcore.conv3d` with
    the same weight and options, from ``out`` to ``in`` channels. An axis of n cells gives
    :math:`(n - 1) s + (k - 1) d + 1 - p - p' + e` outputs, with p' the padding after and e the
    output padding.

    Parameters
    ----------
    x : array_like, shape (N, in, D, H, W) or (in, D, H, W)
        Input V, any strides; ``layout="NDHWC"``: channels last.
    weight : array_like, shape (in, out / groups, Q, R, S)
        Kernels K, in every layout: the array that the convolution takes.
    bias, stride, dilation, groups, padding, output_padding, border, layout, threads, out
        As in :func:`conv_transpose2d`, for three axes; layouts are ``"NCDHW"`` and
        ``"NDHWC"``.

    Returns
    -------
    ndarray, shape (N, out, OD, OH, OW) or (out, OD, OH, OW), as ``layout`` says

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`conv_transpose2d`.

    See Also
    --------
    conv_transpose3d_backward, conv3d, convcore.matrix.conv_transpose_matrix

    Notes
    -----
    Derivation: :ref:`A layer is a matrix <note-f04>` and :ref:`The stride: eq. 9.8 <note-f19>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import conv_transpose3d
    >>> x = np.array([1.0, 10.0]).reshape(1, 1, 1, 2)
    >>> conv_transpose3d(x, np.ones((1, 1, 1, 1, 3)), stride=(1, 1, 2)).ravel().tolist()
    [1.0, 1.0, 11.0, 10.0, 10.0]
    """
    return transpose(
        "conv_transpose3d", x, weight, bias, axes=3, stride=stride, padding=padding,
        dilation=dilation, groups=groups, output_padding=output_padding, border=border,
        layout=layout, threads=threads, out=out,
    )  # fmt: skip


def conv_transpose1d_backward(
    grad: ArrayLike,
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
    *,
    output_padding: Sizes = 0,
    border: AnyBorder = "zeros",
    layout: str = "NCW",
    threads: int | None = None,
    needs: Needs = (True, True, True),
    out: Outs | None = None,
) -> Gradients:
    r"""Gradients of :func:`convcore.conv_transpose1d` with respect to x, weight and bias.

    The formulas are those of :func:`conv_transpose2d_backward`, for one axis.

    Parameters
    ----------
    grad, x, weight, bias, stride, padding, dilation, groups, output_padding, border, layout
        As in :func:`conv_transpose2d_backward`.
    threads, needs, out
        As in :func:`conv_transpose2d_backward`, for one axis; layouts are ``"NCW"`` and
        ``"NWC"``.

    Returns
    -------
    dx, dweight, dbias : ndarray or None

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`conv_transpose2d_backward`.

    See Also
    --------
    conv_transpose1d, conv1d_backward

    Notes
    -----
    Derivation: :ref:`A layer is a matrix <note-f04>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import conv_transpose1d_backward
    >>> x = np.array([1.0, 10.0]).reshape(1, 2)
    >>> grad = np.arange(4.0).reshape(1, 4)
    >>> dx, dweight, _ = conv_transpose1d_backward(grad, x, np.ones((1, 1, 3)))
    >>> dx.ravel().tolist(), dweight.ravel().tolist()
    ([3.0, 6.0], [10.0, 21.0, 32.0])
    """
    return transposed_gradients(
        "conv_transpose1d_backward", (grad, x, weight), bias, axes=1, stride=stride,
        padding=padding, dilation=dilation, groups=groups, output_padding=output_padding,
        border=border, layout=layout, threads=threads, needs=needs, out=out,
    )  # fmt: skip


def conv_transpose2d_backward(
    grad: ArrayLike,
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
    *,
    output_padding: Sizes = 0,
    border: AnyBorder = "zeros",
    layout: str = "NCHW",
    threads: int | None = None,
    needs: Needs = (True, True, True),
    out: Outs | None = None,
) -> Gradients:
    r"""Gradients of :func:`convcore.conv_transpose2d` with respect to x, weight and bias.

    .. math::

        \bar V_{i,o} = \sum_{j,m} G_{j,\; o s + m d - p} \, K_{i,j,m}, \quad
        \bar K_{i,j,m} = \sum_o V_{i,o} \, G_{j,\; o s + m d - p}, \quad
        \bar b_j = \sum_u G_{j,u}

    with G the gradient of the result, j its channels and u its positions, o the position of an
    input cell, i its channel and m the tap of the kernel along each axis, s, d and p the stride,
    dilation and padding before of the convolution whose adjoint the forward function is.

    Parameters
    ----------
    grad : array_like
        Gradient G of a number with respect to the result, of the result's shape.
    x, weight, bias, stride, padding, dilation, groups, output_padding, border, layout, threads
        As passed to :func:`convcore.conv_transpose2d`.
    needs, out
        As in :func:`convcore.conv2d_backward`.

    Returns
    -------
    dx, dweight, dbias : ndarray or None
        As in :func:`convcore.conv2d_backward`.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`convcore.conv_transpose2d`, and for a ``grad`` of another shape than the result.

    See Also
    --------
    conv_transpose2d, conv2d_backward

    Notes
    -----
    The gradient of x is the convolution of ``grad``. The gradient of the weight is that of the
    convolution with ``x`` and ``grad`` exchanged. Derivation: :ref:`A layer is a matrix
    <note-f04>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import conv_transpose2d_backward
    >>> x = np.array([1.0, 10.0]).reshape(1, 1, 2)
    >>> grad = np.arange(4.0).reshape(1, 1, 4)
    >>> dx, dweight, _ = conv_transpose2d_backward(grad, x, np.ones((1, 1, 1, 3)))
    >>> dx.ravel().tolist(), dweight.ravel().tolist()
    ([3.0, 6.0], [10.0, 21.0, 32.0])
    """
    return transposed_gradients(
        "conv_transpose2d_backward", (grad, x, weight), bias, axes=2, stride=stride,
        padding=padding, dilation=dilation, groups=groups, output_padding=output_padding,
        border=border, layout=layout, threads=threads, needs=needs, out=out,
    )  # fmt: skip


def conv_transpose3d_backward(
    grad: ArrayLike,
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
    *,
    output_padding: Sizes = 0,
    border: AnyBorder = "zeros",
    layout: str = "NCDHW",
    threads: int | None = None,
    needs: Needs = (True, True, True),
    out: Outs | None = None,
) -> Gradients:
    r"""Gradients of :func:`convcore.conv_transpose3d` with respect to x, weight and bias.

    The formulas are those of :func:`conv_transpose2d_backward`, for three axes.

    Parameters
    ----------
    grad, x, weight, bias, stride, padding, dilation, groups, output_padding, border, layout
        As in :func:`conv_transpose2d_backward`.
    threads, needs, out
        As in :func:`conv_transpose2d_backward`, for three axes; layouts are ``"NCDHW"`` and
        ``"NDHWC"``.

    Returns
    -------
    dx, dweight, dbias : ndarray or None

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`conv_transpose2d_backward`.

    See Also
    --------
    conv_transpose3d, conv3d_backward

    Notes
    -----
    Derivation: :ref:`A layer is a matrix <note-f04>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import conv_transpose3d_backward
    >>> x = np.array([1.0, 10.0]).reshape(1, 1, 1, 2)
    >>> grad = np.arange(4.0).reshape(1, 1, 1, 4)
    >>> dx, dweight, _ = conv_transpose3d_backward(grad, x, np.ones((1, 1, 1, 1, 3)))
    >>> dx.ravel().tolist(), dweight.ravel().tolist()
    ([3.0, 6.0], [10.0, 21.0, 32.0])
    """
    return transposed_gradients(
        "conv_transpose3d_backward", (grad, x, weight), bias, axes=3, stride=stride,
        padding=padding, dilation=dilation, groups=groups, output_padding=output_padding,
        border=border, layout=layout, threads=threads, needs=needs, out=out,
    )  # fmt: skip
