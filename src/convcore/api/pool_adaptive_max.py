"""Adaptive max pooling, and its gradient."""

from __future__ import annotations

from functools import partial

from numpy.typing import ArrayLike

from convcore.engine.calls import Calls, adaptive
from convcore.engine.maxima import max_gradient
from convcore.engine.pooling import Adaptive, max_pool
from convcore.spec.operands import Array
from convcore.spec.pooling import OutputSize

__all__ = [
    "adaptive_max_pool1d",
    "adaptive_max_pool1d_backward",
    "adaptive_max_pool2d",
    "adaptive_max_pool2d_backward",
    "adaptive_max_pool3d",
    "adaptive_max_pool3d_backward",
]

# What layers call.
CALLS = {
    "adaptive_max_pool": Calls(
        partial(adaptive(max_pool), return_indices=False),
        partial(adaptive(max_gradient), return_indices=False, indices=None),
    )
}


def adaptive_max_pool1d(
    x: ArrayLike,
    output_size: OutputSize,
    *,
    return_indices: bool = False,
    layout: str = "NCW",
    threads: int | None = None,
    out: Array | None = None,
) -> Array | tuple[Array, Array]:
    r"""Return the largest cell of each of a given number of windows of nearly equal size.

    .. math::

        Y_o = \max V_i, \quad \lfloor o n / m \rfloor \le i < \lceil (o + 1) n / m \rceil

    along each axis, for n input cells and m outputs.

    Parameters
    ----------
    x : array_like, shape (N, C, W) or (C, W)
        Input V; ``layout="NWC"``: channels last.
    output_size, return_indices, layout, threads, out
        As in :func:`adaptive_max_pool2d`, for one axis; layouts are ``"NCW"`` and
        ``"NWC"``.

    Returns
    -------
    ndarray, shape (N, C, OW) or (C, OW), as ``layout`` says
    indices : ndarray of int64, with ``return_indices``

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`adaptive_max_pool2d`.

    See Also
    --------
    adaptive_max_pool1d_backward, max_pool1d, adaptive_avg_pool1d

    Notes
    -----
    Derivation: :ref:`Adaptive pooling: one size from any size <note-f18>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import adaptive_max_pool1d
    >>> x = np.array([4.0, 1.0, 2.0, 0.0, 3.0]).reshape(1, 5)
    >>> adaptive_max_pool1d(x, 2).ravel().tolist()
    [4.0, 3.0]
    """
    windows = Adaptive(output_size)
    return max_pool(
        "adaptive_max_pool1d", x, windows, axes=1, layout=layout, return_indices=return_indices,
        threads=threads, out=out,
    )  # fmt: skip


def adaptive_max_pool2d(
    x: ArrayLike,
    output_size: OutputSize,
    *,
    return_indices: bool = False,
    layout: str = "NCHW",
    threads: int | None = None,
    out: Array | None = None,
) -> Array | tuple[Array, Array]:
    r"""Return the largest cell of each of a given number of windows of nearly equal size.

    .. math::

        Y_o = \max V_i, \quad \lfloor o n / m \rfloor \le i < \lceil (o + 1) n / m \rceil

    along each axis, for n input cells and m outputs.

    Parameters
    ----------
    x : array_like, shape (N, C, H, W) or (C, H, W)
        Input V; ``layout="NHWC"``: channels last.
    output_size : int, None or a pair of these
        Outputs m along each axis, at least 1. None keeps the input's size.
    return_indices, layout, threads, out
        As in :func:`max_pool2d`.

    Returns
    -------
    ndarray, shape (N, C, OH, OW) or (C, OH, OW), as ``layout`` says
        In the dtype of ``x``. NaN if the window holds a NaN.
    indices : ndarray of int64, with ``return_indices``
        As in :func:`max_pool2d`.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`max_pool2d`, and for an input without cells.

    See Also
    --------
    adaptive_max_pool2d_backward, max_pool2d, adaptive_avg_pool2d

    Notes
    -----
    PyTorch: the same name; ONNX: ``GlobalMaxPool`` for one output. Derivation: :ref:`Adaptive
    pooling: one size from any size <note-f18>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import adaptive_max_pool2d
    >>> x = np.array([4.0, 1.0, 2.0, 0.0, 3.0]).reshape(1, 1, 5)
    >>> adaptive_max_pool2d(x, [1, 2]).ravel().tolist()
    [4.0, 3.0]
    """
    windows = Adaptive(output_size)
    return max_pool(
        "adaptive_max_pool2d", x, windows, axes=2, layout=layout, return_indices=return_indices,
        threads=threads, out=out,
    )  # fmt: skip


def adaptive_max_pool3d(
    x: ArrayLike,
    output_size: OutputSize,
    *,
    return_indices: bool = False,
    layout: str = "NCDHW",
    threads: int | None = None,
    out: Array | None = None,
) -> Array | tuple[Array, Array]:
    r"""Return the largest cell of each of a given number of windows of nearly equal size.

    .. math::

        Y_o = \max V_i, \quad \lfloor o n / m \rfloor \le i < \lceil (o + 1) n / m \rceil

    along each axis, for n input cells and m outputs.

    Parameters
    ----------
    x : array_like, shape (N, C, D, H, W) or (C, D, H, W)
        Input V; ``layout="NDHWC"``: channels last.
    output_size, return_indices, layout, threads, out
        As in :func:`adaptive_max_pool2d`, for three axes; layouts are ``"NCDHW"`` and
        ``"NDHWC"``.

    Returns
    -------
    ndarray, shape (N, C, OD, OH, OW) or (C, OD, OH, OW), as ``layout`` says
    indices : ndarray of int64, with ``return_indices``

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`adaptive_max_pool2d`.

    See Also
    --------
    adaptive_max_pool3d_backward, max_pool3d, adaptive_avg_pool3d

    Notes
    -----
    Derivation: :ref:`Adaptive pooling: one size from any size <note-f18>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import adaptive_max_pool3d
    >>> x = np.array([4.0, 1.0, 2.0, 0.0, 3.0]).reshape(1, 1, 1, 5)
    >>> adaptive_max_pool3d(x, [1, 1, 2]).ravel().tolist()
    [4.0, 3.0]
    """
    windows = Adaptive(output_size)
    return max_pool(
        "adaptive_max_pool3d", x, windows, axes=3, layout=layout, return_indices=return_indices,
        threads=threads, out=out,
    )  # fmt: skip


def adaptive_max_pool1d_backward(
    grad: ArrayLike,
    x: ArrayLike,
    output_size: OutputSize,
    *,
    return_indices: bool = False,
    indices: ArrayLike | None = None,
    layout: str = "NCW",
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    r"""Gradient of :func:`adaptive_max_pool1d` with respect to x: it goes to the first maximum.

    The formula is that of :func:`adaptive_max_pool2d_backward`, for one axis.

    Parameters
    ----------
    grad, x, output_size, layout, threads, return_indices, indices, out
        As in :func:`adaptive_max_pool2d_backward`, for one axis; layouts are ``"NCW"`` and
        ``"NWC"``.

    Returns
    -------
    ndarray, shape of ``x``

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`adaptive_max_pool2d_backward`.

    See Also
    --------
    adaptive_max_pool1d

    Notes
    -----
    Derivation: :ref:`Adaptive pooling: one size from any size <note-f18>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import adaptive_max_pool1d_backward
    >>> x = np.array([4.0, 1.0, 2.0, 0.0, 3.0]).reshape(1, 5)
    >>> adaptive_max_pool1d_backward(np.ones((1, 2)), x, 2).ravel().tolist()
    [1.0, 0.0, 0.0, 0.0, 1.0]
    """
    windows = Adaptive(output_size)
    return max_gradient(
        "adaptive_max_pool1d_backward", grad, x, windows, axes=1, indices=indices,
        return_indices=return_indices, layout=layout, threads=threads, out=out,
    )  # fmt: skip


def adaptive_max_pool2d_backward(
    grad: ArrayLike,
    x: ArrayLike,
    output_size: OutputSize,
    *,
    return_indices: bool = False,
    indices: ArrayLike | None = None,
    layout: str = "NCHW",
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    r"""Gradient of :func:`adaptive_max_pool2d` with respect to x: it goes to the first maximum.

    .. math:: \bar V_i = \sum_{o:\, i = \operatorname{argmax} R(o)} \bar Y_o

    Parameters
    ----------
    grad : array_like
        Gradient with respect to the values, of their shape.
    x, output_size, layout, threads
        As passed to the forward function.
    return_indices, indices, out
        As in :func:`max_pool2d_backward`.

    Returns
    -------
    ndarray, shape of ``x``
        In the common dtype of ``grad`` and ``x``; with integers, at least float32.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`adaptive_max_pool2d`, and for a ``grad`` of another shape than the result.

    See Also
    --------
    adaptive_max_pool2d

    Notes
    -----
    Derivation: :ref:`Adaptive pooling: one size from any size <note-f18>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import adaptive_max_pool2d_backward
    >>> x = np.array([4.0, 1.0, 2.0, 0.0, 3.0]).reshape(1, 1, 5)
    >>> adaptive_max_pool2d_backward(np.ones((1, 1, 2)), x, [1, 2]).ravel().tolist()
    [1.0, 0.0, 0.0, 0.0, 1.0]
    """
    windows = Adaptive(output_size)
    return max_gradient(
        "adaptive_max_pool2d_backward", grad, x, windows, axes=2, indices=indices,
        return_indices=return_indices, layout=layout, threads=threads, out=out,
    )  # fmt: skip


def adaptive_max_pool3d_backward(
    grad: ArrayLike,
    x: ArrayLike,
    output_size: OutputSize,
    *,
    return_indices: bool = False,
    indices: ArrayLike | None = None,
    layout: str = "NCDHW",
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    r"""Gradient of :func:`adaptive_max_pool3d` with respect to x: it goes to the first maximum.

    The formula is that of :func:`adaptive_max_pool2d_backward`, for three axes.

    Parameters
    ----------
    grad, x, output_size, layout, threads, return_indices, indices, out
        As in :func:`adaptive_max_pool2d_backward`, for three axes; layouts are ``"NCDHW"``
        and ``"NDHWC"``.

    Returns
    -------
    ndarray, shape of ``x``

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`adaptive_max_pool2d_backward`.

    See Also
    --------
    adaptive_max_pool3d

    Notes
    -----
    Derivation: :ref:`Adaptive pooling: one size from any size <note-f18>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import adaptive_max_pool3d_backward
    >>> x = np.array([4.0, 1.0, 2.0, 0.0, 3.0]).reshape(1, 1, 1, 5)
    >>> adaptive_max_pool3d_backward(np.ones((1, 1, 1, 2)), x, [1, 1, 2]).ravel().tolist()
    [1.0, 0.0, 0.0, 0.0, 1.0]
    """
    windows = Adaptive(output_size)
    return max_gradient(
        "adaptive_max_pool3d_backward", grad, x, windows, axes=3, indices=indices,
        return_indices=return_indices, layout=layout, threads=threads, out=out,
    )  # fmt: skip
