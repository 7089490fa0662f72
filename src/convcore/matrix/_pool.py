"""Average and weighted pooling as matrices."""

from __future__ import annotations

from math import prod

import numpy as np
from numpy.typing import ArrayLike

from convcore.matrix._entries import (
    ChannelPairs,
    Maps,
    Matrix,
    Plane,
    assembled,
    plane,
    tables_of_sums,
    tables_of_windows,
)
from convcore.spec.border import AnyBorder
from convcore.spec.errors import memory_errors, short_repr
from convcore.spec.layout import as_shape
from convcore.spec.operands import FLOAT64, Array, as_array, as_contiguous, check_dtype
from convcore.spec.options import LAYOUTS, Paddings, Sizes, as_bool, check_choice, to_list
from convcore.spec.pooling import PoolSpec, as_kernel, sliding_spec
from convcore.spec.windows import each_window, scaled


def avg_pool_matrix(
    kernel_size: Sizes,
    input_shape: tuple[int, ...],
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    ceil_mode: bool = False,
    count_include_pad: bool = False,
    border: AnyBorder = "zeros",
    layout: str | None = None,
) -> Matrix:
    r"""Return an average pooling as a sparse matrix.

    .. math:: A_{(c,o),\,(c,i)} = \frac{1}{n_o} \quad \text{for the cells i that window o holds}

    with :math:`n_o` their number. Channels are not connected to each other.

    Parameters
    ----------
    kernel_size : int or tuple of ints
        Cells of a window along each axis. A tuple has one entry for each axis. With an int, the
        number of axes follows from ``layout``, or from an ``input_shape`` with 2 or 5 entries; with
        3 or 4 entries it is ambiguous, because the batch may be absent.
    input_shape : tuple of ints
        Shape of the operator's ``x``, with or without a batch.
    stride, padding, dilation, ceil_mode, count_include_pad, border
        As in :func:`convcore.avg_pool2d`. A constant is counted but has no entry: the operator's
        result for zeros is what it adds.
    layout : str, optional
        As in :func:`convcore.avg_pool2d`. Default: channels first.

    Returns
    -------
    scipy.sparse.csr_array of float64, shape (outputs, inputs)
        Rows and columns are flattened in C order.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`convcore.avg_pool2d`, and if the number of axes is ambiguous.
    ImportError
        If SciPy is not installed.

    See Also
    --------
    weighted_pool_matrix, convcore.avg_pool2d

    Notes
    -----
    Derivation: :ref:`A layer is a matrix <note-f04>` and :ref:`Average pooling <note-f12>`.

    Examples
    --------
    >>> from convcore.matrix import avg_pool_matrix
    >>> avg_pool_matrix((2,), (1, 5), ceil_mode=True).toarray()
    array([[0.5, 0.5, 0. , 0. , 0. ],
           [0. , 0. , 0.5, 0.5, 0. ],
           [0. , 0. , 0. , 0. , 1. ]])
    >>> avg_pool_matrix(2, (8, 6, 28, 28), layout="NCHW").shape
    (9408, 37632)
    """
    op = "avg_pool_matrix"
    kernel = as_kernel(op, kernel_size, _axes(op, kernel_size, input_shape, layout))
    spec = sliding_spec(
        op, as_shape(op, "input_shape", input_shape), kernel, kind="mean", stride=stride,
        padding=padding, dilation=dilation, ceil_mode=ceil_mode, border=border, layout=layout,
        count_padding=as_bool(op, "count_include_pad", count_include_pad), name="input_shape",
    )  # fmt: skip
    with memory_errors(op, input_shape=input_shape):
        seen = plane(op, spec.axes, (1,) * len(kernel), tables_of_windows(op, spec))
        divisors = _divisors(op, spec)
        return _each_channel(op, spec, seen, 1 / divisors[seen.output])


def weighted_pool_matrix(
    window: ArrayLike,
    input_shape: tuple[int, ...],
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    normalize: bool = True,
    ceil_mode: bool = False,
    border: AnyBorder = "zeros",
    layout: str | None = None,
) -> Matrix:
    r"""Return a weighted pooling as a sparse matrix.

    .. math::

        A_{(c,o),\,(c,i)} = \frac{w_t}{\sum_{u:\, o s + u d \in R(o)} w_u} \quad
        \text{where } o s + t d = i \in R(o)

    with :math:`R(o)` the input cells that window o holds, s the stride and d the dilation. Channels
    are not connected to each other.

    Parameters
    ----------
    window : array_like
        Weights w, with one to three axes, as many as the pooling has.
    input_shape : tuple of ints
        Shape of the operator's ``x``, with or without a batch.
    stride, padding, dilation, normalize, ceil_mode, border
        As in :func:`convcore.weighted_pool2d`; a constant as in :func:`avg_pool_matrix`.
    layout : str, optional
        As in :func:`convcore.weighted_pool2d`. Default: channels first.

    Returns
    -------
    scipy.sparse.csr_array of float64, shape (outputs, inputs)
        Rows and columns are flattened in C order. With ``normalize`` every row sums to 1.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`convcore.weighted_pool2d`.
    ImportError
        If SciPy is not installed.

    See Also
    --------
    avg_pool_matrix, convcore.weighted_pool2d, convcore.distance_window

    Notes
    -----
    Derivation: :ref:`A layer is a matrix <note-f04>` and :ref:`Weighted pooling: by distance from
    the centre <note-f14>`.

    Examples
    --------
    >>> from convcore.matrix import weighted_pool_matrix
    >>> weighted_pool_matrix([1.0, 2.0, 1.0], (1, 4), 2, padding=((0, 1),)).toarray().round(2)
    array([[0.25, 0.5 , 0.25, 0.  ],
           [0.  , 0.  , 0.33, 0.67]])
    """
    op = "weighted_pool_matrix"
    weights = as_array(op, "window", window)
    check_dtype(op, "window", weights.dtype)
    if weights.ndim not in (1, 2, 3) or weights.size == 0:
        raise ValueError(
            f"{op}: window must have 1, 2 or 3 axes and at least one weight, got shape "
            f"{weights.shape}"
        )
    normalize = as_bool(op, "normalize", normalize)
    spec = sliding_spec(
        op, as_shape(op, "input_shape", input_shape), weights.shape, kind="mean", stride=stride,
        padding=padding, dilation=dilation, ceil_mode=ceil_mode, border=border, layout=layout,
        name="input_shape",
    )  # fmt: skip
    with memory_errors(op, input_shape=input_shape):
        period = (1,) * weights.ndim
        seen = plane(op, spec.axes, period, tables_of_windows(op, spec))
        taps = as_contiguous(op, "window", weights, FLOAT64)
        taps = (scaled(taps) if normalize else taps).ravel()
        values = taps[seen.tap]
        if normalize:  # by the weights on constants too
            used = seen
            if spec.border:
                used = plane(op, spec.window_axes, period, tables_of_sums(op, spec.window_axes))
            values /= _sums(op, spec, used, taps[used.tap])[seen.output]
        return _each_channel(op, spec, seen, values)


def _axes(op: str, kernel_size: object, input_shape: object, layout: str | None) -> int:
    """Return a pooling's number of axes, from its kernel, its layout or its input's shape."""
    sizes = to_list(kernel_size)
    if isinstance(sizes, (list, tuple)):
        if len(sizes) not in LAYOUTS:
            raise ValueError(
                f"{op}: kernel_size must have 1, 2 or 3 axes, got {short_repr(kernel_size)}"
            )
        return len(sizes)
    if layout is not None:
        words = {word: axes for axes, pair in LAYOUTS.items() for word in pair}
        check_choice(op, "layout", layout, tuple(words))
        return words[layout]
    shape = as_shape(op, "input_shape", input_shape)
    if len(shape) in (3, 4):
        raise ValueError(
            f"{op}: kernel_size must be a tuple, one size for each axis, or layout be given, got "
            f"{short_repr(kernel_size)}; input_shape {shape} has {len(shape) - 2} axes with a "
            f"batch or {len(shape) - 1} without"
        )
    return 1 if len(shape) < 3 else 3


def _divisors(op: str, spec: PoolSpec) -> Array:
    """Return the divisor of an average, for each output of a plane."""
    result = np.ones(1)
    for axis in spec.window_axes:
        found = [window.divisor for window in each_window(op, axis, spec.count_padding)]
        result = np.multiply.outer(result, found).ravel()
    return result


def _sums(op: str, spec: PoolSpec, seen: Plane, values: Array) -> Array:
    """Return the sum of the weights that each output of a plane uses."""
    sums: Array = np.bincount(seen.output, values, prod(spec.outputs))
    if not sums.all():
        at = tuple(int(i) for i in np.unravel_index(np.argmin(sums != 0), spec.outputs))
        raise ValueError(
            f"{op}: weights of window on input cells must not sum to 0, got 0 at output {at}; "
            "normalize=False does not divide by the sum"
        )
    return sums


def _each_channel(op: str, spec: PoolSpec, seen: Plane, values: Array) -> Matrix:
    """Connect every channel to itself by the same values."""
    outputs = Maps(spec.channels, prod(spec.outputs), spec.layout.channels_last)
    inputs = Maps(spec.channels, prod(spec.cells), spec.layout.channels_last)
    same = np.arange(spec.channels)
    each = np.broadcast_to(values, (spec.channels, len(values)))
    return assembled(op, spec.batch, ChannelPairs(outputs, inputs, same, same), seen, each)
