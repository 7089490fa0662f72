"""Weighted pooling and its gradient."""

from __future__ import annotations

from numpy.typing import ArrayLike

from convcore.engine.calls import Calls
from convcore.engine.masked import by_name, select
from convcore.engine.masked_weighted import masked_weighted_gradient, masked_weighted_pool
from convcore.engine.weighted import weighted_gradient, weighted_pool
from convcore.spec.border import AnyBorder
from convcore.spec.missing import NAN, PROPAGATE
from convcore.spec.operands import Array
from convcore.spec.options import Paddings, Sizes

__all__ = [
    "weighted_pool1d",
    "weighted_pool1d_backward",
    "weighted_pool2d",
    "weighted_pool2d_backward",
    "weighted_pool3d",
    "weighted_pool3d_backward",
]

# What layers call.
CALLS = {
    "weighted_pool": Calls(
        by_name(weighted_pool, masked_weighted_pool, own_normalize=True),
        by_name(weighted_gradient, masked_weighted_gradient, own_normalize=True),
    )
}


def weighted_pool1d(
    x: ArrayLike,
    window: ArrayLike,
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    normalize: bool = True,
    ceil_mode: bool = False,
    border: AnyBorder = "zeros",
    layout: str = "NCW",
    mask: ArrayLike | None = None,
    nan: str = PROPAGATE,
    fill: float = NAN,
    return_weight: bool = False,
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    r"""Replace each window by a weighted average of its cells.

    .. math::

        Y_o = \frac{\sum_{t:\, o s + t d \in R(o)} w_t \, V_{o s + t d}}
                   {\sum_{t:\, o s + t d \in R(o)} w_t}

    with :math:`R(o)` the input cells that window o holds, s the stride and d the dilation. Weights
    on the padding are left out of both sums, so that borders are not darkened.

    Parameters
    ----------
    x : array_like, shape (N, C, W) or (C, W)
        Input V; ``layout="NWC"``: channels last.
    window : array_like, shape (S,)
        Weights w, real numbers, the same for every channel. Not flipped; converted to float64.
    stride, padding, dilation, ceil_mode, border, layout, threads, out, normalize
        As in :func:`weighted_pool2d`, for one axis; layouts are ``"NCW"`` and ``"NWC"``.
    mask, nan, fill, return_weight
        As in :func:`weighted_pool2d`.

    Returns
    -------
    ndarray, shape (N, C, OW) or (C, OW), as ``layout`` says

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`weighted_pool2d`.

    See Also
    --------
    weighted_pool1d_backward, distance_window, avg_pool1d

    Notes
    -----
    Derivation: :ref:`Weighted pooling: by distance from the centre <note-f14>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import weighted_pool1d
    >>> x = np.array([4.0, 0.0, 8.0]).reshape(1, 3)
    >>> window = np.array([1.0, 2.0, 1.0])
    >>> weighted_pool1d(x, window, stride=1, padding="same").ravel().tolist()[1]
    3.0
    """
    call = select(weighted_pool, masked_weighted_pool, x, (mask, nan, True, fill, return_weight))
    return call(
        "weighted_pool1d", x, window, axes=1, stride=stride, padding=padding, dilation=dilation,
        normalize=normalize, ceil_mode=ceil_mode, border=border, layout=layout, threads=threads,
        out=out,
    )  # fmt: skip


def weighted_pool2d(
    x: ArrayLike,
    window: ArrayLike,
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    normalize: bool = True,
    ceil_mode: bool = False,
    border: AnyBorder = "zeros",
    layout: str = "NCHW",
    mask: ArrayLike | None = None,
    nan: str = PROPAGATE,
    fill: float = NAN,
    return_weight: bool = False,
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    r"""Replace each window by a weighted average of its cells.

    .. math::

        Y_o = \frac{\sum_{t:\, o s + t d \in R(o)} w_t \, V_{o s + t d}}
                   {\sum_{t:\, o s + t d \in R(o)} w_t}

    with :math:`R(o)` the input cells that window o holds, s the stride and d the dilation. Weights
    on the padding are left out of both sums, so that borders are not darkened.

    Parameters
    ----------
    x : array_like, shape (N, C, H, W) or (C, H, W)
        Input V; ``layout="NHWC"``: channels last.
    window : array_like, shape (R, S)
        Weights w, real numbers, the same for every channel. Not flipped; converted to float64.
    stride : int or (int, int), optional
        Cells from one window to the next. Default: the window's size.
    padding, dilation, ceil_mode, border, layout, threads, out
        As in :func:`avg_pool2d`.
    mask : array_like of bool, optional
        True where a cell of ``x`` counts, as in :func:`convcore.conv2d`. A masked array ``x`` has
        its own mask, where True is missing.
    nan : {"propagate", "ignore"}
        Whether a NaN in ``x`` or ``border`` reaches all outputs that see it, or is a missing cell.
    fill : float
        Outputs that see no present cell, or with ``normalize`` present weights that sum to 0.
    return_weight : bool
        Whether to return ``(y, share)``: also the sum of the weights on present
        cells over that of all cells.
    normalize : bool
        Divide by the sum of the weights used. If False, return the weighted sum.

    Returns
    -------
    ndarray, shape (N, C, OH, OW) or (C, OH, OW), as ``layout`` says
        The dtype of ``x`` if that is float16, float32 or float64; integers and bools give
        ``np.result_type(x, np.float32)``. The window's dtype has no effect. Sums are formed in
        float64 and rounded once, so that a float32 average of equal cells is that cell.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`avg_pool2d`, and with ``normalize`` if the weights used sum to 0.

    See Also
    --------
    weighted_pool2d_backward, distance_window, avg_pool2d

    Notes
    -----
    No other library has this pooling. With ``stride=1`` it is a normalised convolution. With a
    binomial window and stride 2 it is the blur of anti-aliased networks. Derivation: :ref:`Weighted
    pooling: by distance from the centre <note-f14>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import weighted_pool2d
    >>> x = np.array([4.0, 0.0, 8.0]).reshape(1, 1, 3)
    >>> window = np.array([1.0, 2.0, 1.0]).reshape(1, 3)
    >>> weighted_pool2d(x, window, stride=1, padding="same").ravel().tolist()[1]
    3.0
    """
    call = select(weighted_pool, masked_weighted_pool, x, (mask, nan, True, fill, return_weight))
    return call(
        "weighted_pool2d", x, window, axes=2, stride=stride, padding=padding, dilation=dilation,
        normalize=normalize, ceil_mode=ceil_mode, border=border, layout=layout, threads=threads,
        out=out,
    )  # fmt: skip


def weighted_pool3d(
    x: ArrayLike,
    window: ArrayLike,
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    normalize: bool = True,
    ceil_mode: bool = False,
    border: AnyBorder = "zeros",
    layout: str = "NCDHW",
    mask: ArrayLike | None = None,
    nan: str = PROPAGATE,
    fill: float = NAN,
    return_weight: bool = False,
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    r"""Replace each window by a weighted average of its cells.

    .. math::

        Y_o = \frac{\sum_{t:\, o s + t d \in R(o)} w_t \, V_{o s + t d}}
                   {\sum_{t:\, o s + t d \in R(o)} w_t}

    with :math:`R(o)` the input cells that window o holds, s the stride and d the dilation. Weights
    on the padding are left out of both sums, so that borders are not darkened.

    Parameters
    ----------
    x : array_like, shape (N, C, D, H, W) or (C, D, H, W)
        Input V; ``layout="NDHWC"``: channels last.
    window : array_like, shape (Q, R, S)
        Weights w, real numbers, the same for every channel. Not flipped; converted to float64.
    stride, padding, dilation, ceil_mode, border, layout, threads, out, normalize
        As in :func:`weighted_pool2d`, for three axes; layouts are ``"NCDHW"`` and
        ``"NDHWC"``.
    mask, nan, fill, return_weight
        As in :func:`weighted_pool2d`.

    Returns
    -------
    ndarray, shape (N, C, OD, OH, OW) or (C, OD, OH, OW), as ``layout`` says

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`weighted_pool2d`.

    See Also
    --------
    weighted_pool3d_backward, distance_window, avg_pool3d

    Notes
    -----
    Derivation: :ref:`Weighted pooling: by distance from the centre <note-f14>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import weighted_pool3d
    >>> x = np.array([4.0, 0.0, 8.0]).reshape(1, 1, 1, 3)
    >>> window = np.array([1.0, 2.0, 1.0]).reshape(1, 1, 3)
    >>> weighted_pool3d(x, window, stride=1, padding="same").ravel().tolist()[1]
    3.0
    """
    call = select(weighted_pool, masked_weighted_pool, x, (mask, nan, True, fill, return_weight))
    return call(
        "weighted_pool3d", x, window, axes=3, stride=stride, padding=padding, dilation=dilation,
        normalize=normalize, ceil_mode=ceil_mode, border=border, layout=layout, threads=threads,
        out=out,
    )  # fmt: skip


def weighted_pool1d_backward(
    grad: ArrayLike,
    x: ArrayLike,
    window: ArrayLike,
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    normalize: bool = True,
    ceil_mode: bool = False,
    border: AnyBorder = "zeros",
    layout: str = "NCW",
    mask: ArrayLike | None = None,
    nan: str = PROPAGATE,
    fill: float = NAN,
    return_weight: bool = False,
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    r"""Gradient of :func:`weighted_pool1d` with respect to x: each window divides it by weight.

    The formula is that of :func:`weighted_pool2d_backward`, for one axis.

    Parameters
    ----------
    grad, x, window, stride, padding, dilation, normalize, ceil_mode, border, layout, threads, out
        As in :func:`weighted_pool2d_backward`, for one axis; layouts are ``"NCW"`` and
        ``"NWC"``.
    mask, nan, fill, return_weight
        As in :func:`weighted_pool2d_backward`.

    Returns
    -------
    ndarray, shape of ``x``

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`weighted_pool2d_backward`.

    See Also
    --------
    weighted_pool1d

    Notes
    -----
    Derivation: :ref:`Weighted pooling: by distance from the centre <note-f14>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import weighted_pool1d_backward
    >>> window = np.array([1.0, 2.0, 1.0])
    >>> x = np.zeros((1, 3))
    >>> weighted_pool1d_backward(np.full((1, 1), 8.0), x, window).ravel().tolist()
    [2.0, 4.0, 2.0]
    """
    call = select(
        weighted_gradient, masked_weighted_gradient, x, (mask, nan, True, fill, return_weight)
    )
    return call(
        "weighted_pool1d_backward", grad, x, window, axes=1, stride=stride, padding=padding,
        dilation=dilation, normalize=normalize, ceil_mode=ceil_mode, border=border, layout=layout,
        threads=threads, out=out,
    )  # fmt: skip


def weighted_pool2d_backward(
    grad: ArrayLike,
    x: ArrayLike,
    window: ArrayLike,
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    normalize: bool = True,
    ceil_mode: bool = False,
    border: AnyBorder = "zeros",
    layout: str = "NCHW",
    mask: ArrayLike | None = None,
    nan: str = PROPAGATE,
    fill: float = NAN,
    return_weight: bool = False,
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    r"""Gradient of :func:`weighted_pool2d` with respect to x: each window divides it by weight.

    .. math:: \bar V_i = \sum_{o, t:\, o s + t d = i} w_t \frac{\bar Y_o}{W_o}

    with :math:`W_o` the sum of the weights that window o uses (1 without ``normalize``).

    Parameters
    ----------
    grad : array_like
        Gradient with respect to the result, of its shape.
    x, window, stride, padding, dilation, normalize, ceil_mode, border, layout, threads
        As passed to the forward function; of ``x`` only the shape, the dtype and, if
        it is ignored, NaN matter.
    mask, nan, fill, return_weight
        As passed to :func:`convcore.weighted_pool2d`. An output that is filled in has gradient 0;
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
        As :func:`weighted_pool2d`, and for a ``grad`` of another shape than the result.

    See Also
    --------
    weighted_pool2d

    Notes
    -----
    Derivation: :ref:`Weighted pooling: by distance from the centre <note-f14>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import weighted_pool2d_backward
    >>> window = np.array([1.0, 2.0, 1.0]).reshape(1, 3)
    >>> x = np.zeros((1, 1, 3))
    >>> weighted_pool2d_backward(np.full((1, 1, 1), 8.0), x, window).ravel().tolist()
    [2.0, 4.0, 2.0]
    """
    call = select(
        weighted_gradient, masked_weighted_gradient, x, (mask, nan, True, fill, return_weight)
    )
    return call(
        "weighted_pool2d_backward", grad, x, window, axes=2, stride=stride, padding=padding,
        dilation=dilation, normalize=normalize, ceil_mode=ceil_mode, border=border, layout=layout,
        threads=threads, out=out,
    )  # fmt: skip


def weighted_pool3d_backward(
    grad: ArrayLike,
    x: ArrayLike,
    window: ArrayLike,
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    normalize: bool = True,
    ceil_mode: bool = False,
    border: AnyBorder = "zeros",
    layout: str = "NCDHW",
    mask: ArrayLike | None = None,
    nan: str = PROPAGATE,
    fill: float = NAN,
    return_weight: bool = False,
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    r"""Gradient of :func:`weighted_pool3d` with respect to x: each window divides it by weight.

    The formula is that of :func:`weighted_pool2d_backward`, for three axes.

    Parameters
    ----------
    grad, x, window, stride, padding, dilation, normalize, ceil_mode, border, layout, threads, out
        As in :func:`weighted_pool2d_backward`, for three axes; layouts are ``"NCDHW"`` and
        ``"NDHWC"``.
    mask, nan, fill, return_weight
        As in :func:`weighted_pool2d_backward`.

    Returns
    -------
    ndarray, shape of ``x``

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`weighted_pool2d_backward`.

    See Also
    --------
    weighted_pool3d

    Notes
    -----
    Derivation: :ref:`Weighted pooling: by distance from the centre <note-f14>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import weighted_pool3d_backward
    >>> window = np.array([1.0, 2.0, 1.0]).reshape(1, 1, 3)
    >>> x = np.zeros((1, 1, 1, 3))
    >>> weighted_pool3d_backward(np.full((1, 1, 1, 1), 8.0), x, window).ravel().tolist()
    [2.0, 4.0, 2.0]
    """
    call = select(
        weighted_gradient, masked_weighted_gradient, x, (mask, nan, True, fill, return_weight)
    )
    return call(
        "weighted_pool3d_backward", grad, x, window, axes=3, stride=stride, padding=padding,
        dilation=dilation, normalize=normalize, ceil_mode=ceil_mode, border=border, layout=layout,
        threads=threads, out=out,
    )  # fmt: skip
