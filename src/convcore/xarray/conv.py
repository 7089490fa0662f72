"""Convolution along named dimensions."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike
from xarray import DataArray, Dataset, Variable

from convcore.spec.missing import IGNORE, NAN, PROPAGATE, as_fill
from convcore.spec.operands import Array, as_array, check_dtype
from convcore.spec.options import ALGORITHMS, as_bool, as_int, check_choice
from convcore.xarray.coordinates import window_centres
from convcore.xarray.options import (
    Borders,
    Paddings,
    Sizes,
    core_options,
    find_dims,
    read_windows,
)
from convcore.xarray.run import Core, Function, check_object, slide

if TYPE_CHECKING:
    X = TypeVar("X", DataArray, Dataset)


def conv(
    x: X,
    weight: ArrayLike | DataArray,
    dims: Hashable | Sequence[Hashable] | None = None,
    stride: Sizes = 1,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    flip: bool = False,
    border: Borders = "zeros",
    skipna: bool = False,
    normalize: bool = True,
    fill: float = NAN,
    algorithm: str = "auto",
    threads: int | None = None,
) -> X:
    r"""Slide a kernel along named dimensions and sum the products.

    .. math:: Z_o = \sum_n V_{o s + n d} \, K_n

    for each index along the other dimensions.

    Parameters
    ----------
    x : xarray.DataArray or xarray.Dataset
        Input V. Of a Dataset, each variable that has the dimensions is slid over; those that have
        none of them are kept.
    weight : array_like or xarray.DataArray, one axis a dimension
        Kernel K, of 1 to 3 axes.
    dims : name, or list or tuple of names, optional
        The dimension of each axis of the weight. Default: those of a weight that is a DataArray.
    stride, dilation : int, or a mapping of dimensions to ints
        As in :func:`convcore.conv2d`. Dimensions that a mapping leaves out have 1.
    padding : int or word, or a mapping of dimensions to ints, words or (before, after) pairs
        As in :func:`convcore.conv2d`. Dimensions that a mapping leaves out have ``"valid"``.
    flip : bool
        Whether to flip the kernel, as mathematics has it.
    border : word or number, or a mapping of dimensions to these or to (before, after) pairs
        What the padding holds, as in :func:`convcore.conv2d`. Dimensions that a mapping leaves out
        have ``"zeros"``. Where different constants meet, that of the later dimension of x counts.
    skipna : bool
        Whether a NaN is a missing cell. False: it reaches all outputs that see it.
    normalize : bool
        Where cells are missing: whether to scale the sum to all the kernel's weights.
    fill : float
        Outputs that see no present cell.
    algorithm : str
        As in :func:`convcore.conv2d`.
    threads : int, optional
        Maximum number of threads. Default: :func:`convcore.get_num_threads`, or 1 in each block of
        a dask array.

    Returns
    -------
    xarray.DataArray or xarray.Dataset
        With the dimensions, name and attributes of x. Coordinates along ``dims`` are those of the
        windows' centres, the mean of the two middle cells if a window is even. Beyond the ends
        they go on with the last step there. An even window drops those that have no mean, texts
        for example.

    Raises
    ------
    ValueError
        For unknown dimensions and sizes out of range.
    TypeError
        For an x without named dimensions, data that are no real numbers, and options of the wrong
        type.

    See Also
    --------
    pool, convcore.conv2d

    Notes
    -----
    Data are computed as they lie: dimensions before the windows' are a batch, those after them
    channels. Windows along dimensions that do not lie side by side need a copy. dtypes are those
    of :func:`convcore.conv2d`: a weight of float64 gives float64. Windows may cross the chunks of a
    dask array, as in ``convcore.dask``.

    Examples
    --------
    >>> import xarray as xr
    >>> x = xr.DataArray(np.arange(5.0), dims="time", coords={"time": [0, 10, 20, 30, 40]})
    >>> y = conv(x, [-1, 1], "time")
    >>> y.values.tolist(), y.time.values.tolist()
    ([1.0, 1.0, 1.0, 1.0], [5.0, 15.0, 25.0, 35.0])
    """
    op = "xarray.conv"
    check_object(op, x)
    kernel, names = _weight(op, weight, dims, x)
    windows = read_windows(
        op, x, dict(zip(names, kernel.shape, strict=True)), stride=stride, padding=padding,
        dilation=dilation, border=border,
    )  # fmt: skip
    options = {
        "flip": as_bool(op, "flip", flip),
        "nan": IGNORE if as_bool(op, "skipna", skipna) else PROPAGATE,
        "normalize": as_bool(op, "normalize", normalize),
        "fill": as_fill(op, fill),
        "algorithm": check_choice(op, "algorithm", algorithm, ALGORITHMS),
    }

    def make(variable: Variable, dims: tuple[Hashable, ...], name: str) -> Function:
        if len(dims) < len(names):
            raise ValueError(
                f"{op}: {name} must have the dimensions {tuple(names)} or none of them, got "
                f"{variable.dims}"
            )
        ordered = kernel.transpose([names.index(dim) for dim in dims])
        given: dict[str, Any] = {**options, **core_options(windows, dims)}
        given["threads"] = threads_in(op, variable, threads)
        function = Core(op, f"conv{len(dims)}d")

        def run(block: Array, layout: str, channels: int) -> Array:
            one: Array = np.ascontiguousarray(ordered)
            each = np.broadcast_to(one, (channels, 1, *one.shape))
            y: Array = function(block, each, groups=channels, layout=layout, **given)
            return y

        return run

    return slide(op, x, windows, make, window_centres(x.coords, windows))


def threads_in(op: str, variable: Variable, threads: int | None) -> int | None:
    """Return the threads of each call: one in the blocks of dask, which has threads of its own."""
    if threads is not None:
        return as_int(op, "threads", threads, 1)
    return None if variable.chunks is None else 1


def _weight(
    op: str, weight: Any, dims: Any, x: DataArray | Dataset
) -> tuple[Array, list[Hashable]]:
    """Return the kernel and the dimension of each of its axes."""
    if isinstance(weight, DataArray):
        names: Any = weight.dims if dims is None else dims
        kernel = as_array(op, "weight", weight.values)
    else:
        names, kernel = dims, as_array(op, "weight", weight)
    check_dtype(op, "weight", kernel.dtype)
    if names is None:
        raise TypeError(f"{op}: dims must name the dimension of each axis of weight, got None")
    found = find_dims(op, "dims", names if isinstance(names, (list, tuple)) else [names], x.sizes)
    if kernel.ndim != len(found):
        raise ValueError(
            f"{op}: weight must have one axis for each of the dimensions {tuple(found)}, got shape "
            f"{kernel.shape}"
        )
    if not kernel.size:
        raise ValueError(
            f"{op}: weight must have at least 1 cell along each dimension, got shape {kernel.shape}"
        )
    return kernel, found
