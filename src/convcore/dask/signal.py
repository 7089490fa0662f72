"""Correlation and convolution of a dask array with a NumPy array."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from convcore.api import conv_parts
from convcore.api.signal import MODES
from convcore.dask.arrays import DaskArray, as_dask, check_plain
from convcore.dask.layers import run_parts
from convcore.spec.operands import as_array, result_dtypes
from convcore.spec.options import LAYOUTS, as_threads, check_choice
from convcore.spec.problem import conv_spec


def correlate(x: DaskArray, w: ArrayLike, mode: str = "full", *, threads: int = 1) -> DaskArray:
    """Cross-correlate a dask array with a NumPy array, as :func:`convcore.correlate`.

    Parameters
    ----------
    x : dask.array.Array
        Real numbers, in 1 to 3 axes, not empty.
    w : array_like
        As many axes, with at most as many elements as ``x``, all finite.
    mode : {"full", "same", "valid"}
        As in :func:`convcore.correlate`.
    threads : int
        Maximum number of threads of a block. Default: 1, for dask runs blocks side by side.

    Returns
    -------
    dask.array.Array
        In the dtype of :func:`convcore.correlate`, with its bits.

    Raises
    ------
    ValueError, TypeError
        As :func:`convcore.correlate`; and for a ``w`` that is larger or not finite.

    See Also
    --------
    convolve, conv2d, convcore.correlate

    Examples
    --------
    >>> import dask.array as da
    >>> from convcore.dask import correlate
    >>> correlate(da.arange(1, 7, chunks=4), [1, 10], mode="same").compute().tolist()
    [10.0, 21.0, 32.0, 43.0, 54.0, 65.0]
    """
    return _slide("dask.correlate", x, w, mode, threads, flip=False)


def convolve(x: DaskArray, w: ArrayLike, mode: str = "full", *, threads: int = 1) -> DaskArray:
    """Convolve a dask array with a NumPy array, as :func:`convcore.convolve`.

    Parameters
    ----------
    x, w, mode, threads
        As in :func:`correlate`.

    Returns
    -------
    dask.array.Array
        In the dtype of :func:`convcore.convolve`, with its bits.

    Raises
    ------
    ValueError, TypeError
        As :func:`correlate`.

    See Also
    --------
    correlate, convcore.convolve

    Examples
    --------
    >>> import dask.array as da
    >>> from convcore.dask import convolve
    >>> convolve(da.arange(1, 4, chunks=2), [1, 10]).compute().tolist()
    [1.0, 12.0, 23.0, 30.0]
    """
    return _slide("dask.convolve", x, w, mode, threads, flip=True)


def _slide(op: str, x: DaskArray, w: Any, mode: str, threads: int, *, flip: bool) -> DaskArray:
    x = as_dask(op, "x", x)
    check_plain(op, "w", w)
    w = as_array(op, "w", w)
    check_choice(op, "mode", mode, MODES)
    count = as_threads(op, threads)
    if not 1 <= x.ndim <= 3 or x.ndim != w.ndim:
        raise ValueError(
            f"{op}: x and w must have the same 1, 2 or 3 dimensions, got shapes {x.shape} and "
            f"{w.shape}"
        )
    if x.size == 0 or w.size == 0:
        raise ValueError(f"{op}: x and w must not be empty, got shapes {x.shape} and {w.shape}")
    if w.size > x.size:
        raise ValueError(
            f"{op}: w must have at most as many elements as x, got shapes {x.shape} and {w.shape}"
        )
    shapes = list(zip(x.shape, w.shape, strict=True))
    if mode == "valid" and any(n < m for n, m in shapes):
        raise ValueError(
            f"{op}: x must contain w along every axis with mode 'valid', got shapes {x.shape} and "
            f"{w.shape}"
        )
    dtypes = result_dtypes(op, x.dtype, w.dtype, "w")
    if not np.isfinite(w).all():
        raise ValueError(f"{op}: w must be finite, got an infinity or NaN")
    axes = x.ndim
    pairs = {
        "full": tuple((m - 1, m - 1) for m in w.shape),
        "same": tuple((m - 1 - (m - 1) // 2, (m - 1) // 2) for m in w.shape),
        "valid": ((0, 0),) * axes,
    }[mode]
    weight = (np.flip(w) if flip else w)[np.newaxis, np.newaxis]
    layout = LAYOUTS[axes][0]
    spec = conv_spec(
        op, (1, *x.shape), weight.shape, axes=axes, padding=pairs, layout=layout, name="x"
    )
    # integers are floats from the beginning, as in convcore's
    parts = conv_parts(op, spec, weight, None, dtypes, integers=False)
    return run_parts(op, x[np.newaxis], parts, count)[0]
