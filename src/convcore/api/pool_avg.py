"""Average pooling, and its gradient."""

from __future__ import annotations

from functools import partial

from numpy.typing import ArrayLike

from convcore.engine.averages import avg_gradient
from convcore.engine.calls import Calls, sliding
from convcore.engine.masked import by_name, select
from convcore.engine.masked_pool import masked_avg_gradient, masked_avg_pool
from convcore.engine.pooling import Sliding, pool
from convcore.spec.border import AnyBorder
from convcore.spec.missing import NAN, PROPAGATE
from convcore.spec.operands import Array
from convcore.spec.options import Paddings, Sizes

__all__ = [
    "avg_pool1d",
    "avg_pool1d_backward",
    "avg_pool2d",
    "avg_pool2d_backward",
    "avg_pool3d",
    "avg_pool3d_backward",
]

# What layers call.
CALLS = {
    "avg_pool": Calls(
        partial(sliding(by_name(pool, masked_avg_pool)), kind="mean"),
        sliding(by_name(avg_gradient, masked_avg_gradient)),
    )
}


def avg_pool1d(
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    ceil_mode: bool = False,
    count_include_pad: bool = False,
    border: AnyBorder = "zeros",
    layout: str = "NCW",
    mask: ArrayLike | None = None,
    nan: str = PROPAGATE,
    normalize: bool = True,
    fill: float = NAN,
    return_weight: bool = False,
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    r"""Replace each window by the average of its cells.

    .. math:: Y_o = \frac{1}{n_o} \sum_{i \in R(o)} V_i

    with :math:`R(o)` the input cells that window o holds and :math:`n_o` their number.

    Parameters
    ----------
    x : array_like, shape (N, C, W) or (C, W)
        Input V, any strides; ``layout="NWC"``: channels last.
    kernel_size, stride, padding, dilation, ceil_mode, count_include_pad
        As in :func:`avg_pool2d`.
    border, layout, threads, out
        As in :func:`avg_pool2d`, for one axis; layouts are ``"NCW"`` and ``"NWC"``.
    mask, nan, normalize, fill, return_weight
        As in :func:`avg_pool2d`.

    Returns
    -------
    ndarray, shape (N, C, OW) or (C, OW), as ``layout`` says

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`avg_pool2d`.

    See Also
    --------
    avg_pool1d_backward, adaptive_avg_pool1d, weighted_pool1d

    Notes
    -----
    Derivation: :ref:`Average pooling <note-f12>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import avg_pool1d
    >>> x = np.array([1.0, 3.0, 5.0, 7.0, 9.0]).reshape(1, 5)
    >>> avg_pool1d(x, 2).ravel().tolist()
    [2.0, 6.0]
    >>> avg_pool1d(x, 2, ceil_mode=True).ravel().tolist()
    [2.0, 6.0, 9.0]
    """
    windows = Sliding(kernel_size, stride, padding, dilation, ceil_mode, border)
    call = select(pool, masked_avg_pool, x, (mask, nan, normalize, fill, return_weight))
    return call(
        "avg_pool1d", x, windows, axes=1, kind="mean", layout=layout, threads=threads, out=out,
        count_include_pad=count_include_pad,
    )  # fmt: skip


def avg_pool2d(
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    ceil_mode: bool = False,
    count_include_pad: bool = False,
    border: AnyBorder = "zeros",
    layout: str = "NCHW",
    mask: ArrayLike | None = None,
    nan: str = PROPAGATE,
    normalize: bool = True,
    fill: float = NAN,
    return_weight: bool = False,
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    r"""Replace each window by the average of its cells.

    .. math:: Y_o = \frac{1}{n_o} \sum_{i \in R(o)} V_i

    with :math:`R(o)` the input cells that window o holds and :math:`n_o` their number.

    Parameters
    ----------
    x : array_like, shape (N, C, H, W) or (C, H, W)
        Input V, any strides; ``layout="NHWC"``: channels last.
    kernel_size : int or (int, int)
        Cells of a window along each axis, at least 1.
    stride : int or (int, int), optional
        Cells from one window to the next. Default: ``kernel_size``.
    padding, dilation
        As in :func:`convcore.conv2d`. The padding adds nothing to the sums, unless ``border`` says
        what it holds.
    ceil_mode : bool
        Round the number of outputs up: keep a partial last window, unless it would start in the
        padding after the input.
    count_include_pad : bool
        Count cells of the padding in the divisor, but not cells beyond the padding. Borders are
        darkened.
    border : word or number, or one of these or a (before, after) pair for each axis
        What the padding holds, as in :func:`convcore.conv2d`. ``"zeros"``: nothing, and
        ``count_include_pad`` says whether it is counted. Any other word or number makes its cells
        cells of a window, which are summed and counted whatever ``count_include_pad`` says. Of two
        axes with different borders, a side with ``"zeros"`` holds nothing along its whole length.
    layout : {"NCHW", "NHWC"}
        Order of the axes of ``x`` and of the result.
    mask : array_like of bool, optional
        True where a cell of ``x`` counts, as in :func:`convcore.conv2d`. A masked array ``x`` has
        its own mask, where True is missing.
    nan : {"propagate", "ignore"}
        Whether a NaN in ``x`` or ``border`` reaches all outputs that see it, or is a missing cell.
    normalize : bool
        Where cells are missing: whether to divide by the number of present cells alone. False:
        missing cells count as zeros. Cells of the padding are present with ``count_include_pad``.
    fill : float
        Outputs that see no present cell.
    return_weight : bool
        Whether to return ``(y, share)``: also the share of the counted cells that are present.
    threads : int, optional
        Maximum number of threads. Default: :func:`convcore.get_num_threads`. Results do not depend
        on it.
    out : ndarray, optional
        Array to write the result to. Must have the result's shape, and its dtype or one of the
        integers of 8 and 16 bits, to which sums are rounded once (of two to the even one) and
        clipped; NaN becomes 0. Any strides; may overlap the operands.

    Returns
    -------
    ndarray, shape (N, C, OH, OW) or (C, OH, OW), as ``layout`` says
        float32 and float64 are computed in that dtype, float16 in float32. Integers and bools give
        ``np.result_type(x, np.float32)``.

    Raises
    ------
    ValueError
        For sizes out of range, a window larger than the padded input, and a window that holds
        no input cell.
    TypeError
        For arrays that do not hold real numbers, and options of the wrong type.
    MemoryError
        If there is no memory for the result or for temporary arrays.

    See Also
    --------
    avg_pool2d_backward, adaptive_avg_pool2d, weighted_pool2d

    Notes
    -----
    PyTorch's ``avg_pool2d`` counts the padding unless told otherwise; ONNX's ``AveragePool`` and
    TensorFlow do not. Long windows are summed pairwise, so that the error does not grow with their
    length. Derivation: :ref:`Average pooling <note-f12>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import avg_pool2d
    >>> x = np.array([1.0, 3.0, 5.0, 7.0, 9.0]).reshape(1, 1, 5)
    >>> avg_pool2d(x, [1, 2]).ravel().tolist()
    [2.0, 6.0]
    >>> avg_pool2d(x, [1, 2], ceil_mode=True).ravel().tolist()
    [2.0, 6.0, 9.0]
    """
    windows = Sliding(kernel_size, stride, padding, dilation, ceil_mode, border)
    call = select(pool, masked_avg_pool, x, (mask, nan, normalize, fill, return_weight))
    return call(
        "avg_pool2d", x, windows, axes=2, kind="mean", layout=layout, threads=threads, out=out,
        count_include_pad=count_include_pad,
    )  # fmt: skip


def avg_pool3d(
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    ceil_mode: bool = False,
    count_include_pad: bool = False,
    border: AnyBorder = "zeros",
    layout: str = "NCDHW",
    mask: ArrayLike | None = None,
    nan: str = PROPAGATE,
    normalize: bool = True,
    fill: float = NAN,
    return_weight: bool = False,
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    r"""Replace each window by the average of its cells.

    .. math:: Y_o = \frac{1}{n_o} \sum_{i \in R(o)} V_i

    with :math:`R(o)` the input cells that window o holds and :math:`n_o` their number.

    Parameters
    ----------
    x : array_like, shape (N, C, D, H, W) or (C, D, H, W)
        Input V, any strides; ``layout="NDHWC"``: channels last.
    kernel_size, stride, padding, dilation, ceil_mode, count_include_pad
        As in :func:`avg_pool2d`.
    border, layout, threads, out
        As in :func:`avg_pool2d`, for three axes; layouts are ``"NCDHW"`` and ``"NDHWC"``.
    mask, nan, normalize, fill, return_weight
        As in :func:`avg_pool2d`.

    Returns
    -------
    ndarray, shape (N, C, OD, OH, OW) or (C, OD, OH, OW), as ``layout`` says

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`avg_pool2d`.

    See Also
    --------
    avg_pool3d_backward, adaptive_avg_pool3d, weighted_pool3d

    Notes
    -----
    Derivation: :ref:`Average pooling <note-f12>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import avg_pool3d
    >>> x = np.array([1.0, 3.0, 5.0, 7.0, 9.0]).reshape(1, 1, 1, 5)
    >>> avg_pool3d(x, [1, 1, 2]).ravel().tolist()
    [2.0, 6.0]
    >>> avg_pool3d(x, [1, 1, 2], ceil_mode=True).ravel().tolist()
    [2.0, 6.0, 9.0]
    """
    windows = Sliding(kernel_size, stride, padding, dilation, ceil_mode, border)
    call = select(pool, masked_avg_pool, x, (mask, nan, normalize, fill, return_weight))
    return call(
        "avg_pool3d", x, windows, axes=3, kind="mean", layout=layout, threads=threads, out=out,
        count_include_pad=count_include_pad,
    )  # fmt: skip


def avg_pool1d_backward(
    grad: ArrayLike,
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    ceil_mode: bool = False,
    count_include_pad: bool = False,
    border: AnyBorder = "zeros",
    layout: str = "NCW",
    mask: ArrayLike | None = None,
    nan: str = PROPAGATE,
    normalize: bool = True,
    fill: float = NAN,
    return_weight: bool = False,
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    r"""Gradient of :func:`avg_pool1d` with respect to x: each window divides it equally.

    The formula is that of :func:`avg_pool2d_backward`, for one axis.

    Parameters
    ----------
    grad, x, kernel_size, stride, padding, dilation, ceil_mode, count_include_pad, border, layout
        As in :func:`avg_pool2d_backward`.
    mask, nan, normalize, fill, return_weight
        As in :func:`avg_pool2d_backward`.
    threads, out
        As in :func:`avg_pool2d_backward`, for one axis; layouts are ``"NCW"`` and
        ``"NWC"``.

    Returns
    -------
    ndarray, shape of ``x``

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`avg_pool2d_backward`.

    See Also
    --------
    avg_pool1d

    Notes
    -----
    Derivation: :ref:`Average pooling <note-f12>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import avg_pool1d_backward
    >>> x = np.zeros((1, 5))
    >>> avg_pool1d_backward(np.full((1, 2), 2.0), x, 2).ravel().tolist()
    [1.0, 1.0, 1.0, 1.0, 0.0]
    """
    windows = Sliding(kernel_size, stride, padding, dilation, ceil_mode, border)
    call = select(avg_gradient, masked_avg_gradient, x, (mask, nan, normalize, fill, return_weight))
    return call(
        "avg_pool1d_backward", grad, x, windows, axes=1, layout=layout, threads=threads, out=out,
        count_include_pad=count_include_pad,
    )  # fmt: skip


def avg_pool2d_backward(
    grad: ArrayLike,
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    ceil_mode: bool = False,
    count_include_pad: bool = False,
    border: AnyBorder = "zeros",
    layout: str = "NCHW",
    mask: ArrayLike | None = None,
    nan: str = PROPAGATE,
    normalize: bool = True,
    fill: float = NAN,
    return_weight: bool = False,
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    r"""Gradient of :func:`avg_pool2d` with respect to x: each window divides it equally.

    .. math:: \bar V_i = \sum_{o:\, i \in R(o)} \frac{\bar Y_o}{n_o}

    Parameters
    ----------
    grad : array_like
        Gradient with respect to the result, of its shape.
    x, kernel_size, stride, padding, dilation, ceil_mode, count_include_pad, border, layout, threads
        As passed to the forward function; of ``x`` only the shape, the dtype and, if
        it is ignored, NaN matter.
    mask, nan, normalize, fill, return_weight
        As passed to :func:`convcore.avg_pool2d`. An output that is filled in has gradient 0;
        ``fill`` and ``return_weight`` have no effect.
    out : ndarray, optional
        Array to write the gradient to. Must have the gradient's shape and dtype; any strides; may
        overlap the operands.

    Returns
    -------
    ndarray, shape of ``x``
        In the common dtype of ``grad`` and ``x``; with integers, at least float32.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`avg_pool2d`, and for a ``grad`` of another shape than the result.

    See Also
    --------
    avg_pool2d

    Notes
    -----
    The outputs that see a cell form a window; their gradients are summed like the cells of a
    window. Derivation: :ref:`Average pooling <note-f12>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import avg_pool2d_backward
    >>> x = np.zeros((1, 1, 5))
    >>> avg_pool2d_backward(np.full((1, 1, 2), 2.0), x, [1, 2]).ravel().tolist()
    [1.0, 1.0, 1.0, 1.0, 0.0]
    """
    windows = Sliding(kernel_size, stride, padding, dilation, ceil_mode, border)
    call = select(avg_gradient, masked_avg_gradient, x, (mask, nan, normalize, fill, return_weight))
    return call(
        "avg_pool2d_backward", grad, x, windows, axes=2, layout=layout, threads=threads, out=out,
        count_include_pad=count_include_pad,
    )  # fmt: skip


def avg_pool3d_backward(
    grad: ArrayLike,
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    ceil_mode: bool = False,
    count_include_pad: bool = False,
    border: AnyBorder = "zeros",
    layout: str = "NCDHW",
    mask: ArrayLike | None = None,
    nan: str = PROPAGATE,
    normalize: bool = True,
    fill: float = NAN,
    return_weight: bool = False,
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    r"""Gradient of :func:`avg_pool3d` with respect to x: each window divides it equally.

    The formula is that of :func:`avg_pool2d_backward`, for three axes.

    Parameters
    ----------
    grad, x, kernel_size, stride, padding, dilation, ceil_mode, count_include_pad, border, layout
        As in :func:`avg_pool2d_backward`.
    mask, nan, normalize, fill, return_weight
        As in :func:`avg_pool2d_backward`.
    threads, out
        As in :func:`avg_pool2d_backward`, for three axes; layouts are ``"NCDHW"`` and
        ``"NDHWC"``.

    Returns
    -------
    ndarray, shape of ``x``

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`avg_pool2d_backward`.

    See Also
    --------
    avg_pool3d

    Notes
    -----
    Derivation: :ref:`Average pooling <note-f12>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import avg_pool3d_backward
    >>> x = np.zeros((1, 1, 1, 5))
    >>> avg_pool3d_backward(np.full((1, 1, 1, 2), 2.0), x, [1, 1, 2]).ravel().tolist()
    [1.0, 1.0, 1.0, 1.0, 0.0]
    """
    windows = Sliding(kernel_size, stride, padding, dilation, ceil_mode, border)
    call = select(avg_gradient, masked_avg_gradient, x, (mask, nan, normalize, fill, return_weight))
    return call(
        "avg_pool3d_backward", grad, x, windows, axes=3, layout=layout, threads=threads, out=out,
        count_include_pad=count_include_pad,
    )  # fmt: skip
