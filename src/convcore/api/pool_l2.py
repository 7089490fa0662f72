"""L2 pooling and its gradient."""

from __future__ import annotations

from functools import partial

from numpy.typing import ArrayLike

from convcore.engine.calls import Calls, sliding
from convcore.engine.masked import by_name, select
from convcore.engine.masked_pool import masked_norm_gradient, masked_norm_pool
from convcore.engine.norms import norm_gradient, norm_pool
from convcore.engine.pooling import Sliding
from convcore.spec.border import AnyBorder
from convcore.spec.missing import NAN, PROPAGATE
from convcore.spec.operands import Array
from convcore.spec.options import Paddings, Sizes

__all__ = [
    "l2_pool1d",
    "l2_pool1d_backward",
    "l2_pool2d",
    "l2_pool2d_backward",
    "l2_pool3d",
    "l2_pool3d_backward",
]

# What layers call.
CALLS = {
    "l2_pool": Calls(
        partial(sliding(by_name(norm_pool, masked_norm_pool)), p=2.0),
        partial(sliding(by_name(norm_gradient, masked_norm_gradient)), p=2.0),
    )
}


def l2_pool1d(
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
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
    r"""Replace each window by the square root of the sum of its squared cells.

    .. math:: Y_o = \sqrt{\sum_{i \in R(o)} V_i^2}

    Parameters
    ----------
    x : array_like, shape (N, C, W) or (C, W)
        Input V; ``layout="NWC"``: channels last.
    kernel_size, stride, padding, dilation, ceil_mode, border, layout, threads, out
        As in :func:`l2_pool2d`, for one axis; layouts are ``"NCW"`` and ``"NWC"``.
    mask, nan, fill, return_weight
        As in :func:`l2_pool2d`.

    Returns
    -------
    ndarray, shape (N, C, OW) or (C, OW), as ``layout`` says

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`l2_pool2d`.

    See Also
    --------
    l2_pool1d_backward, lp_pool1d

    Notes
    -----
    Derivation: :ref:`Lp pooling: the norm <note-f13>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import l2_pool1d
    >>> x = np.array([3.0, -4.0, 0.0, 1.0]).reshape(1, 4)
    >>> l2_pool1d(x, 2).ravel().tolist()
    [5.0, 1.0]
    """
    windows = Sliding(kernel_size, stride, padding, dilation, ceil_mode, border)
    call = select(norm_pool, masked_norm_pool, x, (mask, nan, True, fill, return_weight))
    return call("l2_pool1d", x, windows, axes=1, p=2.0, layout=layout, threads=threads, out=out)


def l2_pool2d(
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
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
    r"""Replace each window by the square root of the sum of its squared cells.

    .. math:: Y_o = \sqrt{\sum_{i \in R(o)} V_i^2}

    Parameters
    ----------
    x : array_like, shape (N, C, H, W) or (C, H, W)
        Input V; ``layout="NHWC"``: channels last.
    kernel_size, stride, padding, dilation, ceil_mode, border, layout, threads, out
        As in :func:`avg_pool2d`.
    mask, nan, fill, return_weight
        As in :func:`lp_pool2d`.

    Returns
    -------
    ndarray, shape (N, C, OH, OW) or (C, OH, OW), as ``layout`` says
        As in :func:`lp_pool2d` with p = 2.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`avg_pool2d`.

    See Also
    --------
    l2_pool2d_backward, lp_pool2d

    Notes
    -----
    Derivation: :ref:`Lp pooling: the norm <note-f13>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import l2_pool2d
    >>> x = np.array([3.0, -4.0, 0.0, 1.0]).reshape(1, 1, 4)
    >>> l2_pool2d(x, [1, 2]).ravel().tolist()
    [5.0, 1.0]
    """
    windows = Sliding(kernel_size, stride, padding, dilation, ceil_mode, border)
    call = select(norm_pool, masked_norm_pool, x, (mask, nan, True, fill, return_weight))
    return call("l2_pool2d", x, windows, axes=2, p=2.0, layout=layout, threads=threads, out=out)


def l2_pool3d(
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
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
    r"""Replace each window by the square root of the sum of its squared cells.

    .. math:: Y_o = \sqrt{\sum_{i \in R(o)} V_i^2}

    Parameters
    ----------
    x : array_like, shape (N, C, D, H, W) or (C, D, H, W)
        Input V; ``layout="NDHWC"``: channels last.
    kernel_size, stride, padding, dilation, ceil_mode, border, layout, threads, out
        As in :func:`l2_pool2d`, for three axes; layouts are ``"NCDHW"`` and ``"NDHWC"``.
    mask, nan, fill, return_weight
        As in :func:`l2_pool2d`.

    Returns
    -------
    ndarray, shape (N, C, OD, OH, OW) or (C, OD, OH, OW), as ``layout`` says

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`l2_pool2d`.

    See Also
    --------
    l2_pool3d_backward, lp_pool3d

    Notes
    -----
    Derivation: :ref:`Lp pooling: the norm <note-f13>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import l2_pool3d
    >>> x = np.array([3.0, -4.0, 0.0, 1.0]).reshape(1, 1, 1, 4)
    >>> l2_pool3d(x, [1, 1, 2]).ravel().tolist()
    [5.0, 1.0]
    """
    windows = Sliding(kernel_size, stride, padding, dilation, ceil_mode, border)
    call = select(norm_pool, masked_norm_pool, x, (mask, nan, True, fill, return_weight))
    return call("l2_pool3d", x, windows, axes=3, p=2.0, layout=layout, threads=threads, out=out)


def l2_pool1d_backward(
    grad: ArrayLike,
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
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
    r"""Gradient of :func:`l2_pool1d` with respect to x.

    The formula is that of :func:`l2_pool2d_backward`, for one axis.

    Parameters
    ----------
    grad, x, kernel_size, stride, padding, dilation, ceil_mode, border, layout, threads, out
        As in :func:`l2_pool2d_backward`, for one axis; layouts are ``"NCW"`` and ``"NWC"``.
    mask, nan, fill, return_weight
        As in :func:`l2_pool2d_backward`.

    Returns
    -------
    ndarray, shape of ``x``

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`l2_pool2d_backward`.

    See Also
    --------
    l2_pool1d

    Notes
    -----
    Derivation: :ref:`Lp pooling: the norm <note-f13>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import l2_pool1d_backward
    >>> x = np.array([3.0, -4.0, 0.0, 1.0]).reshape(1, 4)
    >>> l2_pool1d_backward(np.full((1, 2), 5.0), x, 2).ravel().tolist()
    [3.0, -4.0, 0.0, 5.0]
    """
    windows = Sliding(kernel_size, stride, padding, dilation, ceil_mode, border)
    call = select(norm_gradient, masked_norm_gradient, x, (mask, nan, True, fill, return_weight))
    return call(
        "l2_pool1d_backward", grad, x, windows, axes=1, p=2.0, layout=layout, threads=threads,
        out=out,
    )  # fmt: skip


def l2_pool2d_backward(
    grad: ArrayLike,
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
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
    r"""Gradient of :func:`l2_pool2d` with respect to x.

    .. math:: \bar V_i = \sum_{o:\, i \in R(o)} \bar Y_o \frac{V_i}{Y_o}

    A window with :math:`Y_o = 0` contributes 0.

    Parameters
    ----------
    grad : array_like
        Gradient with respect to the result, of its shape.
    x, kernel_size, stride, padding, dilation, ceil_mode, border, layout, threads, out
        As in :func:`lp_pool2d_backward`.
    mask, nan, fill, return_weight
        As passed to :func:`convcore.l2_pool2d`. An output that is filled in has gradient 0;
        ``fill`` and ``return_weight`` have no effect.

    Returns
    -------
    ndarray, shape of ``x``
        In the common dtype of ``grad`` and ``x``; with integers, at least float32.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`l2_pool2d`, and for a ``grad`` of another shape than the result.

    See Also
    --------
    l2_pool2d

    Notes
    -----
    Derivation: :ref:`Lp pooling: the norm <note-f13>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import l2_pool2d_backward
    >>> x = np.array([3.0, -4.0, 0.0, 1.0]).reshape(1, 1, 4)
    >>> l2_pool2d_backward(np.full((1, 1, 2), 5.0), x, [1, 2]).ravel().tolist()
    [3.0, -4.0, 0.0, 5.0]
    """
    windows = Sliding(kernel_size, stride, padding, dilation, ceil_mode, border)
    call = select(norm_gradient, masked_norm_gradient, x, (mask, nan, True, fill, return_weight))
    return call(
        "l2_pool2d_backward", grad, x, windows, axes=2, p=2.0, layout=layout, threads=threads,
        out=out,
    )  # fmt: skip


def l2_pool3d_backward(
    grad: ArrayLike,
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
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
    r"""Gradient of :func:`l2_pool3d` with respect to x.

    The formula is that of :func:`l2_pool2d_backward`, for three axes.

    Parameters
    ----------
    grad, x, kernel_size, stride, padding, dilation, ceil_mode, border, layout, threads, out
        As in :func:`l2_pool2d_backward`, for three axes; layouts are ``"NCDHW"`` and
        ``"NDHWC"``.
    mask, nan, fill, return_weight
        As in :func:`l2_pool2d_backward`.

    Returns
    -------
    ndarray, shape of ``x``

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`l2_pool2d_backward`.

    See Also
    --------
    l2_pool3d

    Notes
    -----
    Derivation: :ref:`Lp pooling: the norm <note-f13>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import l2_pool3d_backward
    >>> x = np.array([3.0, -4.0, 0.0, 1.0]).reshape(1, 1, 1, 4)
    >>> l2_pool3d_backward(np.full((1, 1, 1, 2), 5.0), x, [1, 1, 2]).ravel().tolist()
    [3.0, -4.0, 0.0, 5.0]
    """
    windows = Sliding(kernel_size, stride, padding, dilation, ceil_mode, border)
    call = select(norm_gradient, masked_norm_gradient, x, (mask, nan, True, fill, return_weight))
    return call(
        "l2_pool3d_backward", grad, x, windows, axes=3, p=2.0, layout=layout, threads=threads,
        out=out,
    )  # fmt: skip
