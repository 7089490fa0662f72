"""Lp pooling and its gradient."""

from __future__ import annotations

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
    "lp_pool1d",
    "lp_pool1d_backward",
    "lp_pool2d",
    "lp_pool2d_backward",
    "lp_pool3d",
    "lp_pool3d_backward",
]

# What layers call.
CALLS = {
    "lp_pool": Calls(
        sliding(by_name(norm_pool, masked_norm_pool)),
        sliding(by_name(norm_gradient, masked_norm_gradient)),
    )
}


def lp_pool1d(
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    p: float = 2.0,
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
    r"""Replace each window by the p-norm of its cells.

    .. math:: Y_o = \Bigl( \sum_{i \in R(o)} |V_i|^p \Bigr)^{1/p}

    with :math:`R(o)` the input cells that window o holds.

    Parameters
    ----------
    x : array_like, shape (N, C, W) or (C, W)
        Input V; ``layout="NWC"``: channels last.
    kernel_size, stride, padding, dilation, ceil_mode, border, layout, threads, out, p
        As in :func:`lp_pool2d`, for one axis; layouts are ``"NCW"`` and ``"NWC"``.
    mask, nan, fill, return_weight
        As in :func:`lp_pool2d`.

    Returns
    -------
    ndarray, shape (N, C, OW) or (C, OW), as ``layout`` says

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`lp_pool2d`.

    See Also
    --------
    lp_pool1d_backward, l2_pool1d

    Notes
    -----
    Derivation: :ref:`Lp pooling: the norm <note-f13>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import lp_pool1d
    >>> x = np.array([1.0, -1.0, 2.0, -2.0]).reshape(1, 4)
    >>> round(float(lp_pool1d(x, 4, p=3).ravel()[0]), 4)  # the cube root of 18
    2.6207
    >>> lp_pool1d(x, 2, p=np.inf).ravel().tolist()
    [1.0, 2.0]
    """
    windows = Sliding(kernel_size, stride, padding, dilation, ceil_mode, border)
    call = select(norm_pool, masked_norm_pool, x, (mask, nan, True, fill, return_weight))
    return call("lp_pool1d", x, windows, axes=1, p=p, layout=layout, threads=threads, out=out)


def lp_pool2d(
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    p: float = 2.0,
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
    r"""Replace each window by the p-norm of its cells.

    .. math:: Y_o = \Bigl( \sum_{i \in R(o)} |V_i|^p \Bigr)^{1/p}

    with :math:`R(o)` the input cells that window o holds.

    Parameters
    ----------
    x : array_like, shape (N, C, H, W) or (C, H, W)
        Input V; ``layout="NHWC"``: channels last.
    kernel_size, stride, padding, dilation, ceil_mode, border, layout, threads, out
        As in :func:`avg_pool2d`.
    mask : array_like of bool, optional
        True where a cell of ``x`` counts, as in :func:`convcore.conv2d`. A masked array ``x`` has
        its own mask, where True is missing.
    nan : {"propagate", "ignore"}
        Whether a NaN in ``x`` or ``border`` reaches all outputs that see it, or is a missing cell.
    fill : float
        Outputs that see no present cell.
    return_weight : bool
        Whether to return ``(y, share)``: also the share of cells that are present.
    p : float
        Exponent, at least 1. 1 gives the sum of absolute values, ``inf`` the largest absolute
        value.

    Returns
    -------
    ndarray, shape (N, C, OH, OW) or (C, OH, OW), as ``layout`` says
        float32 and float64 are computed in that dtype, float16 in float32. Integers and bools give
        ``np.result_type(x, np.float32)``. Powers neither overflow nor underflow: where they would,
        the window is scaled by its largest cell.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`avg_pool2d`, and for a p below 1.

    See Also
    --------
    lp_pool2d_backward, l2_pool2d

    Notes
    -----
    PyTorch's ``lp_pool2d`` takes the power of the cells, not of their absolute values: results
    differ for odd p and negative cells. ONNX: ``LpPool``. Derivation: :ref:`Lp pooling: the norm
    <note-f13>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import lp_pool2d
    >>> x = np.array([1.0, -1.0, 2.0, -2.0]).reshape(1, 1, 4)
    >>> round(float(lp_pool2d(x, [1, 4], p=3).ravel()[0]), 4)  # the cube root of 18
    2.6207
    >>> lp_pool2d(x, [1, 2], p=np.inf).ravel().tolist()
    [1.0, 2.0]
    """
    windows = Sliding(kernel_size, stride, padding, dilation, ceil_mode, border)
    call = select(norm_pool, masked_norm_pool, x, (mask, nan, True, fill, return_weight))
    return call("lp_pool2d", x, windows, axes=2, p=p, layout=layout, threads=threads, out=out)


def lp_pool3d(
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    p: float = 2.0,
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
    r"""Replace each window by the p-norm of its cells.

    .. math:: Y_o = \Bigl( \sum_{i \in R(o)} |V_i|^p \Bigr)^{1/p}

    with :math:`R(o)` the input cells that window o holds.

    Parameters
    ----------
    x : array_like, shape (N, C, D, H, W) or (C, D, H, W)
        Input V; ``layout="NDHWC"``: channels last.
    kernel_size, stride, padding, dilation, ceil_mode, border, layout, threads, out, p
        As in :func:`lp_pool2d`, for three axes; layouts are ``"NCDHW"`` and ``"NDHWC"``.
    mask, nan, fill, return_weight
        As in :func:`lp_pool2d`.

    Returns
    -------
    ndarray, shape (N, C, OD, OH, OW) or (C, OD, OH, OW), as ``layout`` says

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`lp_pool2d`.

    See Also
    --------
    lp_pool3d_backward, l2_pool3d

    Notes
    -----
    Derivation: :ref:`Lp pooling: the norm <note-f13>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import lp_pool3d
    >>> x = np.array([1.0, -1.0, 2.0, -2.0]).reshape(1, 1, 1, 4)
    >>> round(float(lp_pool3d(x, [1, 1, 4], p=3).ravel()[0]), 4)  # the cube root of 18
    2.6207
    >>> lp_pool3d(x, [1, 1, 2], p=np.inf).ravel().tolist()
    [1.0, 2.0]
    """
    windows = Sliding(kernel_size, stride, padding, dilation, ceil_mode, border)
    call = select(norm_pool, masked_norm_pool, x, (mask, nan, True, fill, return_weight))
    return call("lp_pool3d", x, windows, axes=3, p=p, layout=layout, threads=threads, out=out)


def lp_pool1d_backward(
    grad: ArrayLike,
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    p: float = 2.0,
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
    r"""Gradient of :func:`lp_pool1d` with respect to x.

    The formula is that of :func:`lp_pool2d_backward`, for one axis.

    Parameters
    ----------
    grad, x, kernel_size, stride, padding, dilation, p, ceil_mode, border, layout, threads, out
        As in :func:`lp_pool2d_backward`, for one axis; layouts are ``"NCW"`` and ``"NWC"``.
    mask, nan, fill, return_weight
        As in :func:`lp_pool2d_backward`.

    Returns
    -------
    ndarray, shape of ``x``

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`lp_pool2d_backward`.

    See Also
    --------
    lp_pool1d

    Notes
    -----
    Derivation: :ref:`Lp pooling: the norm <note-f13>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import lp_pool1d_backward
    >>> x = np.array([3.0, -4.0, 0.0, 0.0]).reshape(1, 4)
    >>> lp_pool1d_backward(np.full((1, 2), 5.0), x, 2).ravel().tolist()
    [3.0, -4.0, 0.0, 0.0]
    """
    windows = Sliding(kernel_size, stride, padding, dilation, ceil_mode, border)
    call = select(norm_gradient, masked_norm_gradient, x, (mask, nan, True, fill, return_weight))
    return call(
        "lp_pool1d_backward", grad, x, windows, axes=1, p=p, layout=layout, threads=threads, out=out
    )


def lp_pool2d_backward(
    grad: ArrayLike,
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    p: float = 2.0,
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
    r"""Gradient of :func:`lp_pool2d` with respect to x.

    .. math::

        \bar V_i = \sum_{o:\, i \in R(o)} \bar Y_o \, \operatorname{sign}(V_i)
            \Bigl( \frac{|V_i|}{Y_o} \Bigr)^{p-1}

    A window with :math:`Y_o = 0` contributes 0. For infinite p, all goes to the first cell with the
    largest absolute value.

    Parameters
    ----------
    grad : array_like
        Gradient with respect to the result, of its shape.
    x, kernel_size, stride, padding, dilation, p, ceil_mode, border, layout, threads
        As passed to the forward function.
    mask, nan, fill, return_weight
        As passed to :func:`convcore.lp_pool2d`. An output that is filled in has gradient 0;
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
        As :func:`lp_pool2d`, for a ``grad`` of another shape than the result, and for a finite p
        above 2**26.

    See Also
    --------
    lp_pool2d

    Notes
    -----
    The norm has no derivative at a window of zeros; 0 is the smallest of its subgradients. A
    rounding error of the quotient counts p - 1 times in its power, so that a finite p costs the
    gradient up to ``p * 2**-52`` of its value: at 2**26, half of float64's digits. Larger ones are
    refused; ``inf`` is exact. Derivation: :ref:`Lp pooling: the norm <note-f13>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import lp_pool2d_backward
    >>> x = np.array([3.0, -4.0, 0.0, 0.0]).reshape(1, 1, 4)
    >>> lp_pool2d_backward(np.full((1, 1, 2), 5.0), x, [1, 2]).ravel().tolist()
    [3.0, -4.0, 0.0, 0.0]
    """
    windows = Sliding(kernel_size, stride, padding, dilation, ceil_mode, border)
    call = select(norm_gradient, masked_norm_gradient, x, (mask, nan, True, fill, return_weight))
    return call(
        "lp_pool2d_backward", grad, x, windows, axes=2, p=p, layout=layout, threads=threads, out=out
    )


def lp_pool3d_backward(
    grad: ArrayLike,
    x: ArrayLike,
    kernel_size: Sizes,
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    p: float = 2.0,
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
    r"""Gradient of :func:`lp_pool3d` with respect to x.

    The formula is that of :func:`lp_pool2d_backward`, for three axes.

    Parameters
    ----------
    grad, x, kernel_size, stride, padding, dilation, p, ceil_mode, border, layout, threads, out
        As in :func:`lp_pool2d_backward`, for three axes; layouts are ``"NCDHW"`` and
        ``"NDHWC"``.
    mask, nan, fill, return_weight
        As in :func:`lp_pool2d_backward`.

    Returns
    -------
    ndarray, shape of ``x``

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`lp_pool2d_backward`.

    See Also
    --------
    lp_pool3d

    Notes
    -----
    Derivation: :ref:`Lp pooling: the norm <note-f13>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import lp_pool3d_backward
    >>> x = np.array([3.0, -4.0, 0.0, 0.0]).reshape(1, 1, 1, 4)
    >>> lp_pool3d_backward(np.full((1, 1, 1, 2), 5.0), x, [1, 1, 2]).ravel().tolist()
    [3.0, -4.0, 0.0, 0.0]
    """
    windows = Sliding(kernel_size, stride, padding, dilation, ceil_mode, border)
    call = select(norm_gradient, masked_norm_gradient, x, (mask, nan, True, fill, return_weight))
    return call(
        "lp_pool3d_backward", grad, x, windows, axes=3, p=p, layout=layout, threads=threads, out=out
    )
