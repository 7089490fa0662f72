"""Max pooling, and its gradient."""

from __future__ import annotations

from functools import partial

from numpy.typing import ArrayLike

from convcore.engine.calls import Calls, sliding
from convcore.engine.masked import by_name, select
from convcore.engine.masked_pool import masked_max_gradient, masked_max_pool
from convcore.engine.maxima import max_gradient
from convcore.engine.pooling import Sliding, max_pool
from convcore.spec.border import AnyBorder
from convcore.spec.missing import NAN, PROPAGATE
from convcore.spec.operands import Array
from convcore.spec.options import Paddings, Sizes

__all__ = [
    "max_pool1d",
    "max_pool1d_backward",
    "max_pool2d",
    "max_pool2d_backward",
    "max_pool3d",
    "max_pool3d_backward",
]

# What layers call.
CALLS = {
    "max_pool": Calls(
        partial(sliding(by_name(max_pool, masked_max_pool)), return_indices=False),
        partial(
            sliding(by_name(max_gradient, masked_max_gradient)), return_indices=False, indices=None
        ),
    )
}


def max_pool1d(
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    ceil_mode: bool = False,
    return_indices: bool = False,
    border: AnyBorder = "zeros",
    layout: str = "NCW",
    mask: ArrayLike | None = None,
    nan: str = PROPAGATE,
    fill: float = NAN,
    return_weight: bool = False,
    threads: int | None = None,
    out: Array | None = None,
) -> Array | tuple[Array, Array]:
    r"""Replace each window by its largest cell.

    .. math:: Y_o = \max_{i \in R(o)} V_i

    with :math:`R(o)` the input cells that window o holds; padding is left out unless ``border``
    says what it holds.

    Parameters
    ----------
    x : array_like, shape (N, C, W) or (C, W)
        Input V, any strides; ``layout="NWC"``: channels last.
    kernel_size, stride, padding, dilation, ceil_mode, return_indices, border, layout, threads, out
        As in :func:`max_pool2d`, for one axis; layouts are ``"NCW"`` and ``"NWC"``.
    mask, nan, fill, return_weight
        As in :func:`max_pool2d`.

    Returns
    -------
    ndarray, shape (N, C, OW) or (C, OW), as ``layout`` says
    indices : ndarray of int64, with ``return_indices``

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`max_pool2d`.

    See Also
    --------
    max_pool1d_backward, adaptive_max_pool1d

    Notes
    -----
    Derivation: :ref:`Max pooling <note-f11>` and :ref:`The last window: fig. 9.10 <note-f20>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import max_pool1d
    >>> x = np.array([0.1, 1.0, 0.2, 0.1, 0.0, 0.1]).reshape(1, 6)
    >>> max_pool1d(x, 3, stride=2, ceil_mode=True).ravel().tolist()
    [1.0, 0.2, 0.1]
    >>> values, indices = max_pool1d(x, 3, return_indices=True)
    >>> indices.ravel().tolist()
    [1, 3]
    """
    windows = Sliding(kernel_size, stride, padding, dilation, ceil_mode, border)
    call = select(max_pool, masked_max_pool, x, (mask, nan, True, fill, return_weight))
    return call(
        "max_pool1d", x, windows, axes=1, layout=layout, return_indices=return_indices,
        threads=threads, out=out,
    )  # fmt: skip


def max_pool2d(
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    ceil_mode: bool = False,
    return_indices: bool = False,
    border: AnyBorder = "zeros",
    layout: str = "NCHW",
    mask: ArrayLike | None = None,
    nan: str = PROPAGATE,
    fill: float = NAN,
    return_weight: bool = False,
    threads: int | None = None,
    out: Array | None = None,
) -> Array | tuple[Array, Array]:
    r"""Replace each window by its largest cell.

    .. math:: Y_o = \max_{i \in R(o)} V_i

    with :math:`R(o)` the input cells that window o holds; padding is left out.

    Parameters
    ----------
    x : array_like, shape (N, C, H, W) or (C, H, W)
        Input V, any strides; ``layout="NHWC"``: channels last.
    kernel_size : int or (int, int)
        Cells of a window along each axis, at least 1.
    stride : int or (int, int), optional
        Cells from one window to the next. Default: ``kernel_size``.
    padding, dilation
        As in :func:`convcore.conv2d`.
    ceil_mode : bool
        Round the number of outputs up: keep a partial last window, unless it would start in the
        padding after the input.
    return_indices : bool
        Also return the index of each maximum.
    border : word or number, or one of these or a (before, after) pair for each axis
        What the padding holds, as in :func:`convcore.conv2d`. ``"zeros"``: nothing, so that no
        window sees it. Any other word or number makes its cells cells of a window. Of a cell that
        repeats an input cell the index is that cell's, of a constant -1. A constant must be a
        number that the dtype of integers has.
    layout : {"NCHW", "NHWC"}
        Order of the axes of ``x`` and of the result.
    mask : array_like of bool, optional
        True where a cell of ``x`` counts, as in :func:`convcore.conv2d`. A masked array ``x`` has
        its own mask, where True is missing.
    nan : {"propagate", "ignore"}
        Whether a NaN in ``x`` or ``border`` reaches all outputs that see it, or is a missing cell.
    fill : float
        Outputs that see no present cell; their index is -1. Integers need an integer.
    return_weight : bool
        Whether to return the share of cells that are present too, last: ``(y, share)`` or
        ``(y, indices, share)``.
    threads : int, optional
        Maximum number of threads. Default: :func:`convcore.get_num_threads`. Results do not depend
        on it.
    out : ndarray, optional
        Array to write the values to. Must have the result's shape and dtype; any strides; may
        overlap the operands.

    Returns
    -------
    ndarray, shape (N, C, OH, OW) or (C, OH, OW), as ``layout`` says
        In the dtype of ``x``, also for integers and bools. NaN if the window holds a NaN.
    indices : ndarray of int64, with ``return_indices``
        Index of the first maximum, in reading order, in the flattened plane (H, W) without padding.
        If there is a NaN, index of the first NaN.

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
    max_pool2d_backward, adaptive_max_pool2d

    Notes
    -----
    PyTorch: the same name and indices, but of the last NaN. ONNX: ``MaxPool``. SciPy:
    ``ndimage.maximum_filter`` for stride 1. Image processing calls it dilation. From nine cells per
    stride on, the time does not depend on the window's size. Derivation: :ref:`Max pooling
    <note-f11>` and :ref:`The last window: fig. 9.10 <note-f20>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import max_pool2d
    >>> x = np.array([0.1, 1.0, 0.2, 0.1, 0.0, 0.1]).reshape(1, 1, 6)
    >>> max_pool2d(x, [1, 3], stride=2, ceil_mode=True).ravel().tolist()
    [1.0, 0.2, 0.1]
    >>> values, indices = max_pool2d(x, [1, 3], return_indices=True)
    >>> indices.ravel().tolist()
    [1, 3]
    """
    windows = Sliding(kernel_size, stride, padding, dilation, ceil_mode, border)
    call = select(max_pool, masked_max_pool, x, (mask, nan, True, fill, return_weight))
    return call(
        "max_pool2d", x, windows, axes=2, layout=layout, return_indices=return_indices,
        threads=threads, out=out,
    )  # fmt: skip


def max_pool3d(
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    ceil_mode: bool = False,
    return_indices: bool = False,
    border: AnyBorder = "zeros",
    layout: str = "NCDHW",
    mask: ArrayLike | None = None,
    nan: str = PROPAGATE,
    fill: float = NAN,
    return_weight: bool = False,
    threads: int | None = None,
    out: Array | None = None,
) -> Array | tuple[Array, Array]:
    r"""Replace each window by its largest cell.

    .. math:: Y_o = \max_{i \in R(o)} V_i

    with :math:`R(o)` the input cells that window o holds; padding is left out.

    Parameters
    ----------
    x : array_like, shape (N, C, D, H, W) or (C, D, H, W)
        Input V, any strides; ``layout="NDHWC"``: channels last.
    kernel_size, stride, padding, dilation, ceil_mode, return_indices, border, layout, threads, out
        As in :func:`max_pool2d`, for three axes; layouts are ``"NCDHW"`` and ``"NDHWC"``.
    mask, nan, fill, return_weight
        As in :func:`max_pool2d`.

    Returns
    -------
    ndarray, shape (N, C, OD, OH, OW) or (C, OD, OH, OW), as ``layout`` says
    indices : ndarray of int64, with ``return_indices``

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`max_pool2d`.

    See Also
    --------
    max_pool3d_backward, adaptive_max_pool3d

    Notes
    -----
    Derivation: :ref:`Max pooling <note-f11>` and :ref:`The last window: fig. 9.10 <note-f20>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import max_pool3d
    >>> x = np.array([0.1, 1.0, 0.2, 0.1, 0.0, 0.1]).reshape(1, 1, 1, 6)
    >>> max_pool3d(x, [1, 1, 3], stride=2, ceil_mode=True).ravel().tolist()
    [1.0, 0.2, 0.1]
    >>> values, indices = max_pool3d(x, [1, 1, 3], return_indices=True)
    >>> indices.ravel().tolist()
    [1, 3]
    """
    windows = Sliding(kernel_size, stride, padding, dilation, ceil_mode, border)
    call = select(max_pool, masked_max_pool, x, (mask, nan, True, fill, return_weight))
    return call(
        "max_pool3d", x, windows, axes=3, layout=layout, return_indices=return_indices,
        threads=threads, out=out,
    )  # fmt: skip


def max_pool1d_backward(
    grad: ArrayLike,
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    ceil_mode: bool = False,
    return_indices: bool = False,
    indices: ArrayLike | None = None,
    border: AnyBorder = "zeros",
    layout: str = "NCW",
    mask: ArrayLike | None = None,
    nan: str = PROPAGATE,
    fill: float = NAN,
    return_weight: bool = False,
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    r"""Gradient of :func:`max_pool1d` with respect to x: it goes to the first maximum.

    The formula is that of :func:`max_pool2d_backward`, for one axis.

    Parameters
    ----------
    grad, x, kernel_size, stride, padding, dilation, ceil_mode, border, layout, threads
        As in :func:`max_pool2d_backward`.
    mask, nan, fill, return_weight
        As in :func:`max_pool2d_backward`.
    return_indices, indices, out
        As in :func:`max_pool2d_backward`, for one axis; layouts are ``"NCW"`` and
        ``"NWC"``.

    Returns
    -------
    ndarray, shape of ``x``

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`max_pool2d_backward`.

    See Also
    --------
    max_pool1d

    Notes
    -----
    Derivation: :ref:`Max pooling <note-f11>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import max_pool1d_backward
    >>> x = np.array([1.0, 3.0, 2.0, 3.0, 3.0]).reshape(1, 5)
    >>> grad = np.array([1.0, 10.0, 100.0]).reshape(1, 3)
    >>> max_pool1d_backward(grad, x, 3, stride=1).ravel().tolist()
    [0.0, 11.0, 0.0, 100.0, 0.0]
    """
    windows = Sliding(kernel_size, stride, padding, dilation, ceil_mode, border)
    call = select(max_gradient, masked_max_gradient, x, (mask, nan, True, fill, return_weight))
    return call(
        "max_pool1d_backward", grad, x, windows, axes=1, indices=indices,
        return_indices=return_indices, layout=layout, threads=threads, out=out,
    )  # fmt: skip


def max_pool2d_backward(
    grad: ArrayLike,
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    ceil_mode: bool = False,
    return_indices: bool = False,
    indices: ArrayLike | None = None,
    border: AnyBorder = "zeros",
    layout: str = "NCHW",
    mask: ArrayLike | None = None,
    nan: str = PROPAGATE,
    fill: float = NAN,
    return_weight: bool = False,
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    r"""Gradient of :func:`max_pool2d` with respect to x: it goes to the first maximum.

    .. math:: \bar V_i = \sum_{o:\, i = \operatorname{argmax} R(o)} \bar Y_o

    Parameters
    ----------
    grad : array_like
        Gradient with respect to the values, of their shape.
    x, kernel_size, stride, padding, dilation, ceil_mode, border, layout, threads
        As passed to the forward function.
    mask, nan, fill, return_weight
        As passed to :func:`convcore.max_pool2d`. An output that is filled in has gradient 0;
        ``fill`` and ``return_weight`` have no effect.
    return_indices : bool
        Ignored. Accepted so that the forward function's options can be passed unchanged.
    indices : array_like of int, optional
        Indices that the forward function returned. Default: they are computed again. Each must be a
        cell of its window.
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
        As :func:`max_pool2d`, and for a ``grad`` of another shape than the result.

    See Also
    --------
    max_pool2d

    Notes
    -----
    This is the derivative wherever the maximum has one. Among equal maxima the first gets all, so
    that no gradient is lost or counted twice. With values as ``grad``, an ``x`` of the wanted shape
    and the ``indices`` of the maxima this is PyTorch's ``max_unpool2d``. Derivation: :ref:`Max
    pooling <note-f11>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import max_pool2d_backward
    >>> x = np.array([1.0, 3.0, 2.0, 3.0, 3.0]).reshape(1, 1, 5)
    >>> grad = np.array([1.0, 10.0, 100.0]).reshape(1, 1, 3)
    >>> max_pool2d_backward(grad, x, [1, 3], stride=1).ravel().tolist()
    [0.0, 11.0, 0.0, 100.0, 0.0]
    """
    windows = Sliding(kernel_size, stride, padding, dilation, ceil_mode, border)
    call = select(max_gradient, masked_max_gradient, x, (mask, nan, True, fill, return_weight))
    return call(
        "max_pool2d_backward", grad, x, windows, axes=2, indices=indices,
        return_indices=return_indices, layout=layout, threads=threads, out=out,
    )  # fmt: skip


def max_pool3d_backward(
    grad: ArrayLike,
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    ceil_mode: bool = False,
    return_indices: bool = False,
    indices: ArrayLike | None = None,
    border: AnyBorder = "zeros",
    layout: str = "NCDHW",
    mask: ArrayLike | None = None,
    nan: str = PROPAGATE,
    fill: float = NAN,
    return_weight: bool = False,
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    r"""Gradient of :func:`max_pool3d` with respect to x: it goes to the first maximum.

    The formula is that of :func:`max_pool2d_backward`, for three axes.

    Parameters
    ----------
    grad, x, kernel_size, stride, padding, dilation, ceil_mode, border, layout, threads
        As in :func:`max_pool2d_backward`.
    mask, nan, fill, return_weight
        As in :func:`max_pool2d_backward`.
    return_indices, indices, out
        As in :func:`max_pool2d_backward`, for three axes; layouts are ``"NCDHW"`` and
        ``"NDHWC"``.

    Returns
    -------
    ndarray, shape of ``x``

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`max_pool2d_backward`.

    See Also
    --------
    max_pool3d

    Notes
    -----
    Derivation: :ref:`Max pooling <note-f11>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import max_pool3d_backward
    >>> x = np.array([1.0, 3.0, 2.0, 3.0, 3.0]).reshape(1, 1, 1, 5)
    >>> grad = np.array([1.0, 10.0, 100.0]).reshape(1, 1, 1, 3)
    >>> max_pool3d_backward(grad, x, [1, 1, 3], stride=1).ravel().tolist()
    [0.0, 11.0, 0.0, 100.0, 0.0]
    """
    windows = Sliding(kernel_size, stride, padding, dilation, ceil_mode, border)
    call = select(max_gradient, masked_max_gradient, x, (mask, nan, True, fill, return_weight))
    return call(
        "max_pool3d_backward", grad, x, windows, axes=3, indices=indices,
        return_indices=return_indices, layout=layout, threads=threads, out=out,
    )  # fmt: skip
