"""Convolution in one, two and three dimensions."""

import numpy as np
from numpy.typing import ArrayLike

from convcore import _args, _linear, _runtime
from convcore._args import Array
from convcore._linear import Paddings, Sizes

__all__ = ["conv1d", "conv2d", "conv3d"]


def convolution(
    op: str,
    axes: int,
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    groups: int = 1,
    connections: ArrayLike | None = None,
    flip: bool = False,
    border: str = "zeros",
    layout: str = "NCHW",
    algorithm: str = "auto",
    threads: int | None = None,
    out: Array | None = None,
    sharing: str = "shared",
    kernel: str = "auto",
) -> Array:
    """Convolve over ``axes`` spatial axes; ``op`` is the name that errors carry.

    ``sharing`` is one of ``_linear.FORMS``. ``kernel`` names the inner loop (``_core.MODES``);
    tests use it, results do not depend on it.
    """
    x = _args.array(op, "x", x)
    weight = _args.array(op, "weight", weight)
    dtype, work = _args.result_type(op, x.dtype, weight.dtype)
    if type(flip) is not bool:
        flip = _args.flag(op, "flip", flip)
    count = _runtime.threads_for(op, threads)
    sizes = _linear.read(
        op, axes, x, weight, stride, padding, dilation, groups, connections, border, layout,
        algorithm, sharing,
    )  # fmt: skip
    offset = _args.ready_bias(op, bias, sizes.bias, dtype, work)
    target, place = _args.target(
        op, out, sizes.shape, dtype, work, (x, weight, offset), x=x, weight=weight, padding=padding
    )
    if sizes.core is None:
        _linear.fill_with_bias(target, offset, axes, sizes.channel_axis)
    else:
        if flip:
            weight = np.flip(weight, tuple(range(2, axes + 2)))
        x, weight = _args.ready(op, "x", x, work), _args.ready(op, "weight", weight, work)
        try:
            sizes.core.forward(x, weight, offset, target, count, kernel)
        except MemoryError as error:
            raise MemoryError(
                f"{op}: {error}; x has shape {x.shape}, weight {weight.shape}"
            ) from None
    return _args.delivered(target, place, out, dtype)


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
    border: str = "zeros",
    layout: str = "NCW",
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

    Returns
    -------
    ndarray, shape (N, out, OW) or (out, OW), as ``layout`` says

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`conv2d`.

    See Also
    --------
    conv2d, conv3d, convcore.convolve, convcore.correlate

    Notes
    -----
    PyTorch: ``torch.nn.functional.conv1d``; Keras: ``keras.ops.conv``. Item f01 of the study notes.

    Examples
    --------
    >>> from convcore import conv1d
    >>> conv1d([[1, 2, 4, 8]], [[[-1, 1]]]).tolist()
    [[1.0, 2.0, 4.0]]
    >>> conv1d([[1, 2, 4, 8]], [[[1, 1]]], stride=2, padding=((1, 0),)).tolist()
    [[1.0, 6.0]]
    """
    return convolution(
        "conv1d", 1, x, weight, bias, stride, padding, dilation, groups, connections, flip, border,
        layout, algorithm, threads, out,
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
    border: str = "zeros",
    layout: str = "NCHW",
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
        Input, any strides; ``layout="NHWC"``: (N, H, W, C) or (H, W, C).
    weight : array_like, shape (out, C / groups, R, S)
        Kernels K, in every layout.
    bias : array_like, shape (out,), optional
        Added to each output channel; taken in the dtype of the result.
    stride : int or (int, int)
        Cells from one output's window to the next, at least 1.
    padding : int, word, or a pair with an int, a word or (before, after) for each axis
        Cells added around the input: on all sides, on both sides of an axis, or side by side;
        ``"valid"``: none; ``"same"``: as few as give ``ceil(n / stride)`` outputs, the odd cell
        after; ``"same_lower"``: the odd cell before; ``"full"``: ``dilation * (kernel - 1)`` on
        both sides.
    dilation : int or (int, int)
        Cells from one kernel tap to the next, at least 1 (dense).
    groups : int
        Channels are dealt into this many groups that do not see each other; C groups of one
        channel are a depthwise convolution.
    connections : array_like of bool, shape (out, C), optional
        Which input channels each output channel sees; the weights and inputs of other pairs are
        never read. Excludes ``groups``; see ``convcore.connections``.
    flip : bool
        Flip the kernel along its spatial axes: convolution in the mathematical sense.
    border : {"zeros", "edge", "reflect", "symmetric", "wrap"}
        What the padding holds, in the words and the meaning of :func:`numpy.pad`.
    layout : {"NCHW", "NHWC"}
        Order of the axes of ``x`` and of the result.
    algorithm : {"auto", "direct"}
        How the sums are computed. Both give equal bits in this version.
    threads : int, optional
        Use at most so many; default :func:`convcore.get_num_threads`. Results do not depend on it.
    out : ndarray, optional
        Where to put the result: its very shape and dtype, writeable; any strides; may overlap the
        operands.

    Returns
    -------
    ndarray, shape (N, out, OH, OW) or (out, OH, OW), as ``layout`` says
        ``out`` if given. float32 and float64 are computed as they are, float16 in float32;
        integers and bools give ``np.result_type(x, weight, np.float32)``.

    Raises
    ------
    ValueError
        For shapes that do not go together, options out of range, and a kernel larger than the
        padded input.
    TypeError
        For operands that are not real numbers, and options of the wrong type.
    MemoryError
        If there is no memory for the result or the scratch.

    See Also
    --------
    conv1d, conv3d, convcore.geometry.output_size

    Notes
    -----
    PyTorch: ``torch.nn.functional.conv2d``; ONNX: ``Conv``; Keras: ``keras.ops.conv``; SciPy:
    ``scipy.signal.correlate2d`` for one channel. An empty batch gives an empty result, an input
    without channels the bias alone. Every output is one fixed chain of multiply-adds, so bits
    do not depend on threads, layout or tile. Items f02, f03, f05 and f19 of the study notes.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import conv2d
    >>> x = np.arange(12.0).reshape(1, 3, 4)
    >>> conv2d(x, [[[[0, 1], [1, 0]]]]).tolist()
    [[[5.0, 7.0, 9.0], [13.0, 15.0, 17.0]]]
    >>> conv2d(np.ones((8, 3, 32, 32)), np.ones((6, 3, 5, 5)), stride=2, padding="same").shape
    (8, 6, 16, 16)
    """
    return convolution(
        "conv2d", 2, x, weight, bias, stride, padding, dilation, groups, connections, flip, border,
        layout, algorithm, threads, out,
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
    border: str = "zeros",
    layout: str = "NCDHW",
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

    Returns
    -------
    ndarray, shape (N, out, OD, OH, OW) or (out, OD, OH, OW), as ``layout`` says

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`conv2d`.

    See Also
    --------
    conv1d, conv2d

    Notes
    -----
    PyTorch: ``torch.nn.functional.conv3d``. Item f02 of the study notes.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import conv3d
    >>> conv3d(np.ones((1, 2, 2, 2)), np.ones((1, 1, 2, 2, 2))).tolist()
    [[[[8.0]]]]
    >>> conv3d(np.ones((1, 4, 4, 4)), np.ones((5, 1, 3, 3, 3)), padding=(1, 0, 0)).shape
    (5, 4, 2, 2)
    """  # noqa: E501
    return convolution(
        "conv3d", 3, x, weight, bias, stride, padding, dilation, groups, connections, flip, border,
        layout, algorithm, threads, out,
    )  # fmt: skip
