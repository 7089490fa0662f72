"""Adaptive average pooling, and its gradient."""

from __future__ import annotations

from functools import partial

from numpy.typing import ArrayLike

from convcore.engine.averages import avg_gradient
from convcore.engine.calls import Calls, adaptive
from convcore.engine.pooling import Adaptive, pool
from convcore.spec.operands import Array
from convcore.spec.pooling import OutputSize

__all__ = [
    "adaptive_avg_pool1d",
    "adaptive_avg_pool1d_backward",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool2d_backward",
    "adaptive_avg_pool3d",
    "adaptive_avg_pool3d_backward",
]

# What layers call.
CALLS = {"adaptive_avg_pool": Calls(partial(adaptive(pool), kind="mean"), adaptive(avg_gradient))}


def adaptive_avg_pool1d(
    x: ArrayLike,
    output_size: OutputSize,
    *,
    layout: str = "NCW",
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    r"""Average a given number of windows of nearly equal size.

    .. math::

        Y_o = \operatorname{mean} V_i, \quad
        \lfloor o n / m \rfloor \le i < \lceil (o + 1) n / m \rceil

    along each axis, for n input cells and m outputs.

    Parameters
    ----------
    x : array_like, shape (N, C, W) or (C, W)
        Input V; ``layout="NWC"``: channels last.
    output_size, layout, threads, out
        As in :func:`adaptive_avg_pool2d`, for one axis; layouts are ``"NCW"`` and
        ``"NWC"``.

    Returns
    -------
    ndarray, shape (N, C, OW) or (C, OW), as ``layout`` says

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`adaptive_avg_pool2d`.

    See Also
    --------
    adaptive_avg_pool1d_backward, avg_pool1d, adaptive_max_pool1d

    Notes
    -----
    Derivation: :ref:`Adaptive pooling: one size from any size <note-f18>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import adaptive_avg_pool1d
    >>> x = np.arange(5.0).reshape(1, 5)
    >>> adaptive_avg_pool1d(x, 2).ravel().tolist()
    [1.0, 3.0]
    >>> adaptive_avg_pool1d(x, 1).ravel().tolist()
    [2.0]
    """
    windows = Adaptive(output_size)
    return pool(
        "adaptive_avg_pool1d", x, windows, axes=1, kind="mean", layout=layout, threads=threads,
        out=out,
    )  # fmt: skip


def adaptive_avg_pool2d(
    x: ArrayLike,
    output_size: OutputSize,
    *,
    layout: str = "NCHW",
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    r"""Average a given number of windows of nearly equal size.

    .. math::

        Y_o = \operatorname{mean} V_i, \quad
        \lfloor o n / m \rfloor \le i < \lceil (o + 1) n / m \rceil

    along each axis, for n input cells and m outputs.

    Parameters
    ----------
    x : array_like, shape (N, C, H, W) or (C, H, W)
        Input V; ``layout="NHWC"``: channels last.
    output_size : int, None or a pair of these
        Outputs m along each axis, at least 1. None keeps the input's size.
    layout, threads, out
        As in :func:`avg_pool2d`.

    Returns
    -------
    ndarray, shape (N, C, OH, OW) or (C, OH, OW), as ``layout`` says
        As in :func:`avg_pool2d`.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`avg_pool2d`, and for an input without cells.

    See Also
    --------
    adaptive_avg_pool2d_backward, avg_pool2d, adaptive_max_pool2d

    Notes
    -----
    PyTorch: the same name; ONNX: ``GlobalAveragePool`` for one output. Neighbouring windows share a
    cell if their boundary lies inside it. Derivation: :ref:`Adaptive pooling: one size from any
    size <note-f18>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import adaptive_avg_pool2d
    >>> x = np.arange(5.0).reshape(1, 1, 5)
    >>> adaptive_avg_pool2d(x, [1, 2]).ravel().tolist()
    [1.0, 3.0]
    >>> adaptive_avg_pool2d(x, 1).ravel().tolist()
    [2.0]
    """
    windows = Adaptive(output_size)
    return pool(
        "adaptive_avg_pool2d", x, windows, axes=2, kind="mean", layout=layout, threads=threads,
        out=out,
    )  # fmt: skip


def adaptive_avg_pool3d(
    x: ArrayLike,
    output_size: OutputSize,
    *,
    layout: str = "NCDHW",
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    r"""Average a given number of windows of nearly equal size.

    .. math::

        Y_o = \operatorname{mean} V_i, \quad
        \lfloor o n / m \rfloor \le i < \lceil (o + 1) n / m \rceil

    along each axis, for n input cells and m outputs.

    Parameters
    ----------
    x : array_like, shape (N, C, D, H, W) or (C, D, H, W)
        Input V; ``layout="NDHWC"``: channels last.
    output_size, layout, threads, out
        As in :func:`adaptive_avg_pool2d`, for three axes; layouts are ``"NCDHW"`` and
        ``"NDHWC"``.

    Returns
    -------
    ndarray, shape (N, C, OD, OH, OW) or (C, OD, OH, OW), as ``layout`` says

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`adaptive_avg_pool2d`.

    See Also
    --------
    adaptive_avg_pool3d_backward, avg_pool3d, adaptive_max_pool3d

    Notes
    -----
    Derivation: :ref:`Adaptive pooling: one size from any size <note-f18>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import adaptive_avg_pool3d
    >>> x = np.arange(5.0).reshape(1, 1, 1, 5)
    >>> adaptive_avg_pool3d(x, [1, 1, 2]).ravel().tolist()
    [1.0, 3.0]
    >>> adaptive_avg_pool3d(x, 1).ravel().tolist()
    [2.0]
    """
    windows = Adaptive(output_size)
    return pool(
        "adaptive_avg_pool3d", x, windows, axes=3, kind="mean", layout=layout, threads=threads,
        out=out,
    )  # fmt: skip


def adaptive_avg_pool1d_backward(
    grad: ArrayLike,
    x: ArrayLike,
    output_size: OutputSize,
    *,
    layout: str = "NCW",
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    r"""Gradient of :func:`adaptive_avg_pool1d` with respect to x: each window divides it equally.

    The formula is that of :func:`adaptive_avg_pool2d_backward`, for one axis.

    Parameters
    ----------
    grad, x, output_size, layout, threads, out
        As in :func:`adaptive_avg_pool2d_backward`, for one axis; layouts are ``"NCW"`` and
        ``"NWC"``.

    Returns
    -------
    ndarray, shape of ``x``

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`adaptive_avg_pool2d_backward`.

    See Also
    --------
    adaptive_avg_pool1d

    Notes
    -----
    Derivation: :ref:`Adaptive pooling: one size from any size <note-f18>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import adaptive_avg_pool1d_backward
    >>> adaptive_avg_pool1d_backward(np.full((1, 2), 6.0), np.zeros((1, 5)), 2).ravel().tolist()
    [2.0, 2.0, 4.0, 2.0, 2.0]
    """
    windows = Adaptive(output_size)
    return avg_gradient(
        "adaptive_avg_pool1d_backward", grad, x, windows, axes=1, layout=layout, threads=threads,
        out=out,
    )  # fmt: skip


def adaptive_avg_pool2d_backward(
    grad: ArrayLike,
    x: ArrayLike,
    output_size: OutputSize,
    *,
    layout: str = "NCHW",
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    r"""Gradient of :func:`adaptive_avg_pool2d` with respect to x: each window divides it equally.

    .. math:: \bar V_i = \sum_{o:\, i \in R(o)} \frac{\bar Y_o}{n_o}

    Parameters
    ----------
    grad : array_like
        Gradient with respect to the result, of its shape.
    x, output_size, layout, threads
        As passed to the forward function.
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
        As :func:`adaptive_avg_pool2d`, and for a ``grad`` of another shape than the result.

    See Also
    --------
    adaptive_avg_pool2d

    Notes
    -----
    Cell i of n is in the windows from floor(i m / n) to ceil((i + 1) m / n) - 1 of m: the adjoint
    is again an adaptive pooling, from m to n cells. Derivation: :ref:`Adaptive pooling: one size
    from any size <note-f18>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import adaptive_avg_pool2d_backward
    >>> adaptive_avg_pool2d_backward(np.full((1, 1, 2), 6.0), np.zeros((1, 1, 5)), [1, 2]).ravel().tolist()
    [2.0, 2.0, 4.0, 2.0, 2.0]
    """  # noqa: E501
    windows = Adaptive(output_size)
    return avg_gradient(
        "adaptive_avg_pool2d_backward", grad, x, windows, axes=2, layout=layout, threads=threads,
        out=out,
    )  # fmt: skip


def adaptive_avg_pool3d_backward(
    grad: ArrayLike,
    x: ArrayLike,
    output_size: OutputSize,
    *,
    layout: str = "NCDHW",
    threads: int | None = None,
    out: Array | None = None,
) -> Array:
    r"""Gradient of :func:`adaptive_avg_pool3d` with respect to x: each window divides it equally.

    The formula is that of :func:`adaptive_avg_pool2d_backward`, for three axes.

    Parameters
    ----------
    grad, x, output_size, layout, threads, out
        As in :func:`adaptive_avg_pool2d_backward`, for three axes; layouts are ``"NCDHW"``
        and ``"NDHWC"``.

    Returns
    -------
    ndarray, shape of ``x``

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`adaptive_avg_pool2d_backward`.

    See Also
    --------
    adaptive_avg_pool3d

    Notes
    -----
    Derivation: :ref:`Adaptive pooling: one size from any size <note-f18>`.

    Examples
    --------
    >>> import numpy as np
    >>> from convcore import adaptive_avg_pool3d_backward
    >>> adaptive_avg_pool3d_backward(np.full((1, 1, 1, 2), 6.0), np.zeros((1, 1, 1, 5)), [1, 1, 2]).ravel().tolist()
    [2.0, 2.0, 4.0, 2.0, 2.0]
    """  # noqa: E501
    windows = Adaptive(output_size)
    return avg_gradient(
        "adaptive_avg_pool3d_backward", grad, x, windows, axes=3, layout=layout, threads=threads,
        out=out,
    )  # fmt: skip
