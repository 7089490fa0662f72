"""Convolution in one, two and three dimensions, and its gradients."""

from __future__ import annotations

from numpy.typing import ArrayLike

from convcore.engine.backward import Gradients, Needs, Outs, conv_gradients
from convcore.engine.calls import Calls
from convcore.engine.execute import convolve
from convcore.engine.masked import by_name, select
from convcore.engine.masked_conv import masked_convolve
from convcore.engine.masked_gradients import masked_conv_gradients
from convcore.spec.border import AnyBorder
from convcore.spec.missing import NAN, PROPAGATE
from convcore.spec.operands import Array
from convcore.spec.options import Paddings, Sizes

__all__ = [
    "conv1d",
    "conv1d_backward",
    "conv2d",
    "conv2d_backward",
    "conv3d",
    "conv3d_backward",
]

# What layers call.
CALLS = {
    "conv": Calls(
        by_name(convolve, masked_convolve), by_name(conv_gradients, masked_conv_gradients)
    )
}


def conv1d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
    *,
    connections: ArrayLike | None = None,
    flip: bool = False,
    border: AnyBorder = "zeros",
    layout: str = "NCW",
    mask: ArrayLike | None = None,
    nan: str = PROPAGATE,
    normalize: bool = True,
    fill: float = NAN,
    return_weight: bool = False,
    algorithm: str = "auto",
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    r"""Slide kernels along a signal of several channels and sum the products.

    .. math:: Z_{i,k} = b_i + \sum_{l,n} V_{l,\, k s + n d} \, K_{i,l,n}

    Parameters
    ----------
    x : array_like, shape (N, C, W) or (C, W)
        Signals V; ``layout="NWC"``: (N, W, C) or (W, C).
    weight : array_like, shape (out, C / groups, S)
        Kernels K, in every layout.
    padding : int, word, or ((before, after),)
        As in :func:`conv2d`, for one axis.
    bias, stride, dilation, groups, connections, flip, border, layout, algorithm, threads, out
        As in :func:`conv2d`, for one axis; layouts are ``"NCW"`` and ``"NWC"``.
    mask, nan, normalize, fill, return_weight
        As in :func:`conv2d`.

    Returns
    -------
    ndarray, shape (N, out, OW) or (out, OW), as ``layout`` says

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`conv2d`.

    See Also
    --------
    conv1d_backward, conv2d, conv3d, convcore.convolve, convcore.correlate

    Notes
    -----
    PyTorch: ``torch.nn.functional.conv1d``; Keras: ``keras.ops.conv``. Derivation: :ref:`One
    dimension: a weighted average that moves <note-f01>`.

    Examples
    --------
    >>> from convcore import conv1d
    >>> conv1d([[1, 2, 4, 8]], [[[-1, 1]]]).tolist()
    [[1.0, 2.0, 4.0]]
    >>> conv1d([[1, 2, 4, 8]], [[[1, 1]]], stride=2, padding=((1, 0),)).tolist()
    [[1.0, 6.0]]
    """
    call = select(convolve, masked_convolve, x, (mask, nan, normalize, fill, return_weight))
    return call(
        "conv1d", x, weight, bias, axes=1, stride=stride, padding=padding, dilation=dilation,
        groups=groups, connections=connections, flip=flip, border=border, layout=layout,
        algorithm=algorithm, threads=threads, out=out,
    )  # fmt: skip


def conv2d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
    *,
    connections: ArrayLike | None = None,
    flip: bool = False,
    border: AnyBorder = "zeros",
    layout: str = "NCHW",
    mask: ArrayLike | None = None,
    nan: str = PROPAGATE,
    normalize: bool = True,
    fill: float = NAN,
    return_weight: bool = False,
    algorithm: str = "auto",
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    r"""Slide kernels over images of several channels and sum the products.

    .. math::

        Z_{i,j,k} = b_i + \sum_{l,m,n} V_{l,\; j s + m d,\; k s + n d} \, K_{i,l,m,n}

    with V the padded input, indices from 0; i output channel, j row, k column, l input channel, m
    and n kernel row and column, s stride, d dilation (eq. 9.8 of *Deep Learning*, which counts
    from 1). The kernel is not flipped: mathematicians call this a cross-correlation.

    Parameters
    ----------
    x : array_like, shape (N, C, H, W) or (C, H, W)
        Input V, any strides; ``layout="NHWC"``: (N, H, W, C) or (H, W, C).
    weight : array_like, shape (out, C / groups, R, S)
        Kernels K, in every layout.
    bias : array_like, shape (out,), optional
        Added to each output channel, after conversion to the result's dtype.
    stride : int or (int, int)
        Cells from one window to the next, at least 1.
    padding : int, word, or a pair with an int, a word or (before, after) for each axis
        Cells added before and after each axis. ``"valid"``: none. ``"same"``: the fewest that give
        ``ceil(n / stride)`` outputs, an odd cell after. ``"same_lower"``: an odd cell before.
        ``"full"``: ``dilation * (kernel - 1)`` on both sides.
    dilation : int or (int, int)
        Cells from one kernel tap to the next, at least 1 (dense).
    groups : int
        Number of groups of channels that do not see each other. C groups of one channel are a
        depthwise convolution.
    connections : array_like of bool, shape (out, C), optional
        Which input channels each output channel sees. Weights and inputs of other pairs are not
        used. Excludes ``groups``. See ``convcore.connections``.
    flip : bool
        Flip the kernel along its spatial axes: convolution in the mathematical sense.
    border : word or number, or one of these or a (before, after) pair for each axis
        What the padding holds. ``"zeros"``, ``"edge"``, ``"reflect"``, ``"symmetric"`` and
        ``"wrap"`` have the meanings of :func:`numpy.pad`, a number is a constant, and ``"zeros"``
        is 0. ``("edge", "wrap")`` is a word for each axis, ``(("edge", 0.0), "wrap")`` has one for
        each side of the first. Where two axes meet, the padding is what :func:`numpy.pad` makes of
        one axis after the other.
    layout : {"NCHW", "NHWC"}
        Order of the axes of ``x`` and of the result.
    mask : array_like of bool, optional
        True where a cell of ``x`` counts: of x's spatial shape, for all images and channels, or
        with the axes of ``x``, each of size 1 or as long. Values of missing cells are not used. A
        masked array ``x`` has its own mask, where True is missing. Constants of the padding count.
    nan : {"propagate", "ignore"}
        Whether a NaN in ``x`` or ``border`` reaches all outputs that see it, or is a missing cell.
    normalize : bool
        Where cells are missing: whether the sum of products is multiplied by the sum of the
        kernel's weights and divided by that of the weights on present cells. The bias is added
        afterwards. A kernel whose weights sum to 0 needs False.
    fill : float
        Outputs that see no present cell, or with ``normalize`` present weights that sum to 0.
    return_weight : bool
        Whether to return ``(y, share)``: also the sum of the weights on present cells over that of
        all, or of their absolute values for a kernel that sums to 0.
    algorithm : {"auto", "direct", "winograd", "fft", "separable"}
        How the sums are computed. ``"direct"``: each output is one fixed chain of multiply-adds.
        ``"winograd"``: fewer multiplications, for kernels of 3, 3 x 3, 3 x 1 and 1 x 3 taps without
        stride and dilation, with at least 16 channels on both sides of each group. ``"fft"``:
        Fourier transforms of tiles, for large kernels without stride. ``"separable"``: a pass along
        each axis, where each channel has a kernel of its own that is a sum of few outer products.
        ``"auto"``: the one that the sizes of an image, and for passes the kernel's values, say is
        faster. The relative error of fast ones is at most 1e-6 in float32 and 1e-14 in float64, on
        standard normal data. Integers and bools are computed directly. See :doc:`/learn/fast`.
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
        ``out`` if given. float32 and float64 are computed in that dtype, float16 in float32.
        Integers and bools give ``np.result_type(x, weight, np.float32)``.

    Raises
    ------
    ValueError
        For shapes that do not fit together, options out of range, a kernel larger than the padded
        input, integers beyond 2**53, which float64 would round, and with ``mask`` or
        ``nan="ignore"`` for a kernel that sums to 0, unless ``normalize=False``.
    TypeError
        For operands that are not real numbers, options of the wrong type, and arrays of other
        libraries that need a gradient, are traced or lazy.
    MemoryError
        If there is no memory for the result or for temporary arrays.

    See Also
    --------
    conv2d_backward, conv1d, conv3d, convcore.geometry.output_size

    Notes
    -----
    PyTorch: ``torch.nn.functional.conv2d``; ONNX: ``Conv``; Keras: ``keras.ops.conv``; SciPy:
    ``scipy.signal.correlate2d`` for one channel. An empty batch gives an empty result; an input
    without channels gives the bias alone. Bits depend neither on threads nor on the layout nor on
    the batch. Cells are missing: :doc:`/use/measurements-with-gaps`. A kernel for each image: take
    the images as groups, ``x.reshape(1, N * C, H, W)``. Derivation: :ref:`Two dimensions, and one,
    and three <note-f02>`, :ref:`Fig. 9.1, letter by letter <note-f03>`, :ref:`Channels, kernels,
    filters <note-f05>` and :ref:`The stride: eq. 9.8 <note-f19>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import conv2d
    >>> x = np.arange(12.0).reshape(1, 3, 4)
    >>> conv2d(x, [[[[0, 1], [1, 0]]]]).tolist()
    [[[5.0, 7.0, 9.0], [13.0, 15.0, 17.0]]]
    >>> conv2d(np.ones((8, 3, 32, 32)), np.ones((6, 3, 5, 5)), stride=2, padding="same").shape
    (8, 6, 16, 16)
    >>> gap = [[[1.0, np.nan, 3.0]]]
    >>> y, share = conv2d(gap, [[[[2.0, 2.0]]]], nan="ignore", return_weight=True)
    >>> y.tolist(), share.tolist()
    ([[[4.0, 12.0]]], [[[0.5, 0.5]]])
    """
    call = select(convolve, masked_convolve, x, (mask, nan, normalize, fill, return_weight))
    return call(
        "conv2d", x, weight, bias, axes=2, stride=stride, padding=padding, dilation=dilation,
        groups=groups, connections=connections, flip=flip, border=border, layout=layout,
        algorithm=algorithm, threads=threads, out=out,
    )  # fmt: skip


def conv3d(
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
    *,
    connections: ArrayLike | None = None,
    flip: bool = False,
    border: AnyBorder = "zeros",
    layout: str = "NCDHW",
    mask: ArrayLike | None = None,
    nan: str = PROPAGATE,
    normalize: bool = True,
    fill: float = NAN,
    return_weight: bool = False,
    algorithm: str = "auto",
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    r"""Slide kernels through volumes of several channels and sum the products.

    .. math::

        Z_{i,h,j,k} = b_i + \sum_{l,q,m,n}
            V_{l,\; h s + q d,\; j s + m d,\; k s + n d} \, K_{i,l,q,m,n}

    Parameters
    ----------
    x : array_like, shape (N, C, D, H, W) or (C, D, H, W)
        Volumes or films V; ``layout="NDHWC"``: (N, D, H, W, C) or (D, H, W, C).
    weight : array_like, shape (out, C / groups, Q, R, S)
        Kernels K, in every layout.
    bias, stride, padding, dilation, groups, connections, flip, border, layout, algorithm, threads, out
        As in :func:`conv2d`, for three axes; layouts are ``"NCDHW"`` and ``"NDHWC"``.
    mask, nan, normalize, fill, return_weight
        As in :func:`conv2d`.

    Returns
    -------
    ndarray, shape (N, out, OD, OH, OW) or (out, OD, OH, OW), as ``layout`` says

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`conv2d`.

    See Also
    --------
    conv3d_backward, conv1d, conv2d

    Notes
    -----
    PyTorch: ``torch.nn.functional.conv3d``. Derivation: :ref:`Two dimensions, and one, and three
    <note-f02>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import conv3d
    >>> conv3d(np.ones((1, 2, 2, 2)), np.ones((1, 1, 2, 2, 2))).tolist()
    [[[[8.0]]]]
    >>> conv3d(np.ones((1, 4, 4, 4)), np.ones((5, 1, 3, 3, 3)), padding=(1, 0, 0)).shape
    (5, 4, 2, 2)
    """  # noqa: E501
    call = select(convolve, masked_convolve, x, (mask, nan, normalize, fill, return_weight))
    return call(
        "conv3d", x, weight, bias, axes=3, stride=stride, padding=padding, dilation=dilation,
        groups=groups, connections=connections, flip=flip, border=border, layout=layout,
        algorithm=algorithm, threads=threads, out=out,
    )  # fmt: skip


def conv1d_backward(
    grad: ArrayLike,
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
    *,
    connections: ArrayLike | None = None,
    flip: bool = False,
    border: AnyBorder = "zeros",
    layout: str = "NCW",
    mask: ArrayLike | None = None,
    nan: str = PROPAGATE,
    normalize: bool = True,
    fill: float = NAN,
    return_weight: bool = False,
    algorithm: str = "auto",
    threads: int | None = None,
    needs: Needs = (True, True, True),
    out: Outs | None = None,
) -> Gradients:
    r"""Gradients of :func:`convcore.conv1d` with respect to x, weight and bias.

    The formulas are those of :func:`conv2d_backward`, for one axis.

    Parameters
    ----------
    grad, x, weight, bias, stride, padding, dilation, groups, connections, flip, border
        As in :func:`conv2d_backward`.
    layout, algorithm, threads, needs, out
        As in :func:`conv2d_backward`, for one axis; layouts are ``"NCW"`` and ``"NWC"``.
    mask, nan, normalize, fill, return_weight
        As in :func:`conv2d_backward`.

    Returns
    -------
    dx, dweight, dbias : ndarray or None

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`conv2d_backward`.

    See Also
    --------
    conv1d, convcore.conv_transpose1d, convcore.matrix.conv_matrix

    Notes
    -----
    Derivation: :ref:`A layer is a matrix <note-f04>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import conv1d_backward
    >>> x = np.array([1.0, 2.0, 4.0]).reshape(1, 3)
    >>> weight = np.array([-1.0, 1.0]).reshape(1, 1, 2)
    >>> grad = np.array([1.0, 10.0]).reshape(1, 2)
    >>> dx, dweight, dbias = conv1d_backward(grad, x, weight, bias=[0.0])
    >>> dx.ravel().tolist(), dweight.ravel().tolist(), dbias.tolist()
    ([-1.0, -9.0, 10.0], [21.0, 42.0], [11.0])
    """
    call = select(
        conv_gradients, masked_conv_gradients, x, (mask, nan, normalize, fill, return_weight)
    )
    return call(
        "conv1d_backward", (grad, x, weight), bias, axes=1, stride=stride, padding=padding,
        dilation=dilation, groups=groups, connections=connections, flip=flip, border=border,
        layout=layout, algorithm=algorithm, threads=threads, needs=needs, out=out,
    )  # fmt: skip


def conv2d_backward(
    grad: ArrayLike,
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
    *,
    connections: ArrayLike | None = None,
    flip: bool = False,
    border: AnyBorder = "zeros",
    layout: str = "NCHW",
    mask: ArrayLike | None = None,
    nan: str = PROPAGATE,
    normalize: bool = True,
    fill: float = NAN,
    return_weight: bool = False,
    algorithm: str = "auto",
    threads: int | None = None,
    needs: Needs = (True, True, True),
    out: Outs | None = None,
) -> Gradients:
    r"""Gradients of :func:`convcore.conv2d` with respect to x, weight and bias.

    .. math::

        \bar V_{l,u} = \sum_i \; \sum_{o,\,m:\; o s + m d - p = u} G_{i,o} \, K_{i,l,m}, \quad
        \bar K_{i,l,m} = \sum_o G_{i,o} \, V_{l,\; o s + m d - p}, \quad
        \bar b_i = \sum_o G_{i,o}

    with G the gradient of the result, i its channels and o its positions, l the input channel, u
    the position of an input cell, m the tap of the kernel along each axis, s the stride, d the
    dilation and p the padding before; the sums of the weight and the bias also run over the images
    of the batch (eq. 9.11 and 9.13 of *Deep Learning*).

    Parameters
    ----------
    grad : array_like
        Gradient G of a number with respect to the result, of the result's shape.
    x, weight, bias, stride, padding, dilation, groups, connections, flip, border, layout
        As passed to :func:`convcore.conv2d`. The values of ``x`` are read only for the gradient of
        the weight, those of ``weight`` only for that of x, those of ``bias`` never.
    mask, nan, normalize, fill, return_weight
        As passed to :func:`convcore.conv2d`. ``fill`` and ``return_weight`` have no effect: the
        gradient of an output that is filled in is 0.
    algorithm, threads
        As in :func:`convcore.conv2d`; ``algorithm`` is that of the gradient of x, a convolution
        too. Passes of separable kernels are not taken in gradients: what ``"auto"`` takes, is.
    needs : (bool, bool, bool)
        Which of the gradients of x, weight and bias to compute.
    out : (ndarray, ndarray, ndarray), optional
        Arrays to write the gradients to, None for new ones. They must have the gradients' shapes
        and dtype. They may overlap the operands, but not each other.

    Returns
    -------
    dx, dweight, dbias : ndarray or None
        Gradients of the shapes of ``x``, ``weight`` and ``bias``. None where ``needs`` is False,
        and for ``bias=None``. In the dtype that :func:`convcore.conv2d` has for ``grad``, ``x`` and
        ``weight`` together.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`convcore.conv2d`, and for a ``grad`` of another shape than the result.

    See Also
    --------
    conv2d, convcore.conv_transpose2d, convcore.matrix.conv_matrix

    Notes
    -----
    PyTorch: ``aten::convolution_backward``, by autograd. The gradient of x is one convolution for
    each remainder of a cell's position modulo the stride; no zeros are inserted and no sums
    scattered. The gradient of a padding cell goes to the cell that the border repeats; with
    ``"zeros"`` it is dropped. Weights of pairs that are not connected have gradient zero. Results
    do not depend on the number of threads. Derivation: :ref:`A layer is a matrix <note-f04>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import conv2d_backward
    >>> x = np.array([1.0, 2.0, 4.0]).reshape(1, 1, 3)
    >>> weight = np.array([-1.0, 1.0]).reshape(1, 1, 1, 2)
    >>> grad = np.array([1.0, 10.0]).reshape(1, 1, 2)
    >>> dx, dweight, dbias = conv2d_backward(grad, x, weight, bias=[0.0])
    >>> dx.ravel().tolist(), dweight.ravel().tolist(), dbias.tolist()
    ([-1.0, -9.0, 10.0], [21.0, 42.0], [11.0])
    """
    call = select(
        conv_gradients, masked_conv_gradients, x, (mask, nan, normalize, fill, return_weight)
    )
    return call(
        "conv2d_backward", (grad, x, weight), bias, axes=2, stride=stride, padding=padding,
        dilation=dilation, groups=groups, connections=connections, flip=flip, border=border,
        layout=layout, algorithm=algorithm, threads=threads, needs=needs, out=out,
    )  # fmt: skip


def conv3d_backward(
    grad: ArrayLike,
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
    *,
    connections: ArrayLike | None = None,
    flip: bool = False,
    border: AnyBorder = "zeros",
    layout: str = "NCDHW",
    mask: ArrayLike | None = None,
    nan: str = PROPAGATE,
    normalize: bool = True,
    fill: float = NAN,
    return_weight: bool = False,
    algorithm: str = "auto",
    threads: int | None = None,
    needs: Needs = (True, True, True),
    out: Outs | None = None,
) -> Gradients:
    r"""Gradients of :func:`convcore.conv3d` with respect to x, weight and bias.

    The formulas are those of :func:`conv2d_backward`, for three axes.

    Parameters
    ----------
    grad, x, weight, bias, stride, padding, dilation, groups, connections, flip, border
        As in :func:`conv2d_backward`.
    layout, algorithm, threads, needs, out
        As in :func:`conv2d_backward`, for three axes; layouts are ``"NCDHW"`` and
        ``"NDHWC"``.
    mask, nan, normalize, fill, return_weight
        As in :func:`conv2d_backward`.

    Returns
    -------
    dx, dweight, dbias : ndarray or None

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`conv2d_backward`.

    See Also
    --------
    conv3d, convcore.conv_transpose3d, convcore.matrix.conv_matrix

    Notes
    -----
    Derivation: :ref:`A layer is a matrix <note-f04>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import conv3d_backward
    >>> x = np.array([1.0, 2.0, 4.0]).reshape(1, 1, 1, 3)
    >>> weight = np.array([-1.0, 1.0]).reshape(1, 1, 1, 1, 2)
    >>> grad = np.array([1.0, 10.0]).reshape(1, 1, 1, 2)
    >>> dx, dweight, dbias = conv3d_backward(grad, x, weight, bias=[0.0])
    >>> dx.ravel().tolist(), dweight.ravel().tolist(), dbias.tolist()
    ([-1.0, -9.0, 10.0], [21.0, 42.0], [11.0])
    """
    call = select(
        conv_gradients, masked_conv_gradients, x, (mask, nan, normalize, fill, return_weight)
    )
    return call(
        "conv3d_backward", (grad, x, weight), bias, axes=3, stride=stride, padding=padding,
        dilation=dilation, groups=groups, connections=connections, flip=flip, border=border,
        layout=layout, algorithm=algorithm, threads=threads, needs=needs, out=out,
    )  # fmt: skip
