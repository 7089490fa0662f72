"""Average and weighted pooling as matrices."""

from collections.abc import Sequence
from math import prod

import numpy as np
from numpy.typing import ArrayLike

from convcore import _args
from convcore._args import Array
from convcore.geometry import _layers
from convcore.geometry._layers import Axis, Input, Paddings, Sizes
from convcore.geometry._windows import axis_windows
from convcore.matrix._entries import Maps, Matrix, Plane, assembled, memory, plane


def avg_pool_matrix(
    kernel_size: Sizes,
    input_shape: tuple[int, ...],
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    ceil_mode: bool = False,
    count_include_pad: bool = False,
    layout: str | None = None,
) -> Matrix:
    r"""Return an average pooling as a sparse matrix.

    .. math:: A_{(c,o),\,(c,i)} = \frac{1}{n_o} \quad \text{for the cells i that window o holds}

    with :math:`n_o` how many they are; channels are not connected to each other.

    Parameters
    ----------
    kernel_size : int or tuple of ints
        Cells of a window along each axis; a tuple says how many axes there are. With an int,
        ``layout`` says it, or else ``input_shape`` if it has 2 or 5 axes; with 3 or 4 it could
        have a batch or not.
    input_shape : tuple of ints
        Shape of the operator's ``x``, with or without a batch.
    stride, padding, dilation, ceil_mode, count_include_pad
        As in :func:`convcore.avg_pool2d`.
    layout : str, optional
        As in :func:`convcore.avg_pool2d`; default: channels first.

    Returns
    -------
    scipy.sparse.csr_array of float64, shape (outputs, inputs)
        Both flattened in C order.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As :func:`convcore.avg_pool2d`, and for a number of axes that nothing says.
    ImportError
        If SciPy is not installed.

    See Also
    --------
    weighted_pool_matrix, convcore.avg_pool2d

    Notes
    -----
    Items f04 and f12 of the study notes.

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
    kernel = _args.per_axis(
        op, "kernel_size", kernel_size, _axes(op, kernel_size, input_shape, layout)
    )
    x = _layers.read_input(op, len(kernel), input_shape, layout)
    ceil_mode = _args.flag(op, "ceil_mode", ceil_mode)
    include = _args.flag(op, "count_include_pad", count_include_pad)
    axes = _layers.read_windows(
        op, x.space, kernel, kernel if stride is None else stride, padding, dilation, ceil_mode
    )
    with memory(op, input_shape):
        seen = plane(op, axes, (1,) * len(axes))
        divisors = _divisors(op, axes, ceil_mode, include)
        return _each_channel(op, x, axes, seen, 1 / divisors[seen.output])


def weighted_pool_matrix(
    window: ArrayLike,
    input_shape: tuple[int, ...],
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    normalize: bool = True,
    ceil_mode: bool = False,
    layout: str | None = None,
) -> Matrix:
    r"""Return a weighted pooling as a sparse matrix.

    .. math::

        A_{(c,o),\,(c,i)} = \frac{w_t}{\sum_{u:\, o s + u d \in R(o)} w_u} \quad
        \text{where } o s + t d = i \in R(o)

    with :math:`R(o)` the input cells that window o holds, s the stride and d the dilation; channels
    are not connected to each other.

    Parameters
    ----------
    window : array_like
        Weights w, with one to three axes; their number is that of the pooling.
    input_shape : tuple of ints
        Shape of the operator's ``x``, with or without a batch.
    stride, padding, dilation, normalize, ceil_mode
        As in :func:`convcore.weighted_pool2d`.
    layout : str, optional
        As in :func:`convcore.weighted_pool2d`; default: channels first.

    Returns
    -------
    scipy.sparse.csr_array of float64, shape (outputs, inputs)
        Both flattened in C order. Every row sums to 1 if normalised.

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
    Items f04 and f14 of the study notes.

    Examples
    --------
    >>> from convcore.matrix import weighted_pool_matrix
    >>> weighted_pool_matrix([1.0, 2.0, 1.0], (1, 4), 2, padding=((0, 1),)).toarray().round(2)
    array([[0.25, 0.5 , 0.25, 0.  ],
           [0.  , 0.  , 0.33, 0.67]])
    """
    op = "weighted_pool_matrix"
    weights = _args.array(op, "window", window)
    _args.check_dtype(op, "window", weights.dtype)
    if weights.ndim not in (1, 2, 3) or weights.size == 0:
        raise ValueError(
            f"{op}: window must have 1, 2 or 3 axes and at least one weight, got shape "
            f"{weights.shape}"
        )
    x = _layers.read_input(op, weights.ndim, input_shape, layout)
    normalize = _args.flag(op, "normalize", normalize)
    ceil_mode = _args.flag(op, "ceil_mode", ceil_mode)
    step = weights.shape if stride is None else stride
    axes = _layers.read_windows(op, x.space, weights.shape, step, padding, dilation, ceil_mode)
    with memory(op, input_shape):
        seen = plane(op, axes, (1,) * len(axes))
        outputs = _divisors(op, axes, ceil_mode, False).size  # refuses windows without a cell
        values = weights.astype(np.float64).ravel()[seen.tap]
        if normalize:
            values /= _sums(op, axes, seen, values, outputs)[seen.output]
        return _each_channel(op, x, axes, seen, values)


def _axes(op: str, kernel_size: object, input_shape: object, layout: str | None) -> int:
    """How many axes a pooling has, by its kernel, its layout or the shape of its input."""
    sizes = _args.listed(kernel_size)
    if isinstance(sizes, (list, tuple)):
        if len(sizes) not in _args.LAYOUTS:
            raise ValueError(
                f"{op}: kernel_size must have 1, 2 or 3 axes, got {_args.shown(kernel_size)}"
            )
        return len(sizes)
    if layout is not None:
        words = {word: axes for axes, pair in _args.LAYOUTS.items() for word in pair}
        _args.choice(op, "layout", layout, tuple(words))
        return words[layout]
    shape = _layers.read_shape(op, "input_shape", input_shape)
    if len(shape) in (3, 4):
        raise ValueError(
            f"{op}: kernel_size must be a tuple, one size an axis, or layout be given, got "
            f"{_args.shown(kernel_size)}: input_shape {shape} has {len(shape) - 2} axes with a "
            f"batch or {len(shape) - 1} without"
        )
    return 1 if len(shape) < 3 else 3


def _divisors(op: str, axes: Sequence[Axis], ceil_mode: bool, include: bool) -> Array:
    """What an average divides by, for each output of a plane."""
    result = np.ones(1)
    for n, kernel, stride, dilation, pair, _ in axes:
        found = axis_windows(op, n, kernel, stride, pair, dilation, ceil_mode, include)
        result = np.multiply.outer(result, [window.divisor for window in found]).ravel()
    return result


def _sums(op: str, axes: Sequence[Axis], seen: Plane, values: Array, outputs: int) -> Array:
    """Sum of the weights that each output of a plane uses."""
    sums: Array = np.bincount(seen.output, values, outputs)
    if not sums.all():
        sizes = [axis.outputs for axis in axes]
        place = [int(i) for i in np.unravel_index(np.argmin(sums != 0), sizes)]
        raise ValueError(
            f"{op}: the weights of window that fall on input cells sum to 0 at output {place}; "
            "expected another sum, or normalize=False"
        )
    return sums


def _each_channel(op: str, x: Input, axes: Sequence[Axis], seen: Plane, values: Array) -> Matrix:
    """Connect every channel to itself by the same values."""
    outputs = Maps(x.channels, prod(axis.outputs for axis in axes), x.channels_last)
    inputs = Maps(x.channels, prod(x.space), x.channels_last)
    same = np.arange(x.channels)
    each = np.broadcast_to(values, (x.channels, len(values)))
    return assembled(op, x.batch, outputs, inputs, same, same, seen, each)
