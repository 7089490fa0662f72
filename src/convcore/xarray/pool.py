"""Pooling along named dimensions."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from xarray import DataArray, Dataset, Variable

from convcore.spec.border import Pair, Side, check_exact
from convcore.spec.errors import short_repr
from convcore.spec.missing import IGNORE, NAN, PROPAGATE, as_fill
from convcore.spec.operands import Array, DType
from convcore.spec.options import as_bool, check_choice
from convcore.spec.registry import COUNT_INCLUDE_PAD, EXPONENT, NORMALIZE, OPERATORS
from convcore.xarray.conv import threads_in
from convcore.xarray.coordinates import numbers_alone, window_centres
from convcore.xarray.options import (
    Borders,
    Paddings,
    Sizes,
    Windows,
    core_options,
    each,
    read_windows,
    window_sizes,
)
from convcore.xarray.run import Core, Function, Maker, check_object, slide

if TYPE_CHECKING:
    X = TypeVar("X", DataArray, Dataset)

# What users call it, and the operator. A minimum is the maximum of what is in reverse order.
KINDS = {"mean": "avg_pool", "max": "max_pool", "min": "max_pool", "l2": "l2_pool", "lp": "lp_pool"}
OF_SOME_KINDS = (COUNT_INCLUDE_PAD, EXPONENT, NORMALIZE)
FUNCS = ("mean", "max", "min")
COORD_FUNCS = ("mean", "median", "min", "max")
BOUNDARIES = ("exact", "trim", "pad")


def pool(
    x: X,
    kernel_size: Mapping[Hashable, int],
    kind: str = "mean",
    stride: Sizes | None = None,
    padding: Paddings = "valid",
    dilation: Sizes = 1,
    *,
    ceil_mode: bool = False,
    count_include_pad: bool = False,
    p: float = 2.0,
    border: Borders = "zeros",
    skipna: bool = False,
    normalize: bool = True,
    fill: float = NAN,
    threads: int | None = None,
) -> X:
    """Replace each window along named dimensions by one number.

    Parameters
    ----------
    x : xarray.DataArray or xarray.Dataset
        Input. Of a Dataset, each variable is pooled along the dimensions that it has.
    kernel_size : mapping of dimensions to ints
        Cells of a window along each of 1 to 3 dimensions.
    kind : {"mean", "max", "min", "l2", "lp"}
        What it makes of a window, as :func:`convcore.avg_pool2d` and the others do. ``"min"`` is
        the least cell.
    stride : int, or a mapping of dimensions to ints, optional
        Cells from one window to the next. Default: ``kernel_size``, also for dimensions that a
        mapping leaves out.
    padding, dilation, border
        As in :func:`conv`. ``"zeros"``, the default border, holds nothing.
    ceil_mode : bool
        Whether to keep a partial last window.
    count_include_pad : bool
        Whether a mean counts cells of the padding; see :func:`convcore.avg_pool2d`.
    p : float
        Exponent of ``"lp"``, at least 1.
    skipna : bool
        Whether a NaN is a missing cell. False: it reaches all outputs that see it.
    normalize : bool
        Where cells are missing: whether a mean is divided by the number of present cells.
    fill : float
        Outputs that see no present cell.
    threads : int, optional
        As in :func:`conv`.

    Returns
    -------
    xarray.DataArray or xarray.Dataset
        As :func:`conv` returns it.

    Raises
    ------
    ValueError, TypeError
        As :func:`conv`, and for options that the kind has not.

    See Also
    --------
    coarsen, rolling_mean, convcore.avg_pool2d, convcore.max_pool2d

    Notes
    -----
    Maxima and minima of integers are integers. Means are floats, as in :func:`convcore.avg_pool2d`.

    Examples
    --------
    >>> import xarray as xr
    >>> x = xr.DataArray(np.arange(12.0).reshape(2, 6), dims=("lat", "lon"),
    ...                  coords={"lon": [0, 60, 120, 180, 240, 300]})
    >>> y = pool(x, {"lon": 3}, "max", stride=1, padding="same", border={"lon": "wrap"})
    >>> y.values.tolist()
    [[5.0, 2.0, 3.0, 4.0, 5.0, 5.0], [11.0, 8.0, 9.0, 10.0, 11.0, 11.0]]
    """
    op = "xarray.pool"
    check_object(op, x)
    word = check_choice(op, "kind", kind, tuple(KINDS))
    sizes = window_sizes(op, "kernel_size", kernel_size, {}, x)
    steps = dict(sizes)
    if stride is not None:
        dims = list(sizes)
        given = each(op, "stride", stride, dims, None)
        steps |= {dim: step for dim, step in zip(dims, given, strict=True) if step is not None}
    windows = read_windows(
        op, x, sizes, stride=steps, padding=padding, dilation=dilation, border=border,
        ceil_mode=as_bool(op, "ceil_mode", ceil_mode),
    )  # fmt: skip
    options = {
        "ceil_mode": ceil_mode,
        "nan": IGNORE if as_bool(op, "skipna", skipna) else PROPAGATE,
        "fill": as_fill(op, fill),
        **_own(op, word, count_include_pad=count_include_pad, p=p, normalize=normalize),
    }
    make = maker(op, windows, word, options, threads)
    return slide(op, x, windows, make, window_centres(x.coords, windows))


def coarsen(
    x: X,
    /,  # a dimension may have its name
    dim: Mapping[Hashable, int] | None = None,
    func: str = "mean",
    boundary: str | Mapping[Hashable, str] = "exact",
    *,
    skipna: bool = True,
    coord_func: Any = "mean",
    threads: int | None = None,
    **sizes: int,
) -> X:
    """Replace blocks of cells along named dimensions by one number each, as ``x.coarsen`` does.

    Parameters
    ----------
    x : xarray.DataArray or xarray.Dataset
        Input. Of a Dataset, each variable is coarsened along the dimensions that it has.
    dim : mapping of dimensions to ints, optional
        Cells of a block along each of 1 to 3 dimensions. Or give them by keyword: ``lat=4``.
    func : {"mean", "max", "min"}
        What it makes of a block.
    boundary : {"exact", "trim", "pad"}, or a mapping of dimensions to these
        What happens to cells left over at the end: an error, they are dropped, or they are a
        partial block, filled up with missing cells.
    skipna : bool
        Whether a NaN is a missing cell. False: a block with one is NaN, and so is a partial block
        of ``"pad"``, but for maxima and minima of integers.
    coord_func : {"mean", "median", "min", "max"}, function, or mapping of coordinates to these
        What xarray makes of a block of a coordinate.
    threads : int, optional
        As in :func:`conv`.
    **sizes : int
        As ``dim``.

    Returns
    -------
    xarray.DataArray or xarray.Dataset
        With the dimensions, name and attributes of x. Coordinates are those of ``x.coarsen``;
        those that have no mean are dropped.

    Raises
    ------
    ValueError, TypeError
        As :func:`pool`, and for cells left over with ``"exact"``.

    See Also
    --------
    pool

    Notes
    -----
    Integers give floats as :func:`convcore.avg_pool2d` does, where xarray has float64. Maxima and
    minima of integers stay integers, also with ``"pad"``.

    Examples
    --------
    >>> import xarray as xr
    >>> x = xr.DataArray([1.0, 3.0, np.nan, 7.0, 9.0], dims="time",
    ...                  coords={"time": [0.0, 1.0, 2.0, 3.0, 4.0]})
    >>> y = coarsen(x, time=2, boundary="pad")
    >>> y.values.tolist(), y.time.values.tolist()
    ([2.0, 7.0, 9.0], [0.5, 2.5, 4.0])
    """
    op = "xarray.coarsen"
    check_object(op, x)
    word = check_choice(op, "func", func, FUNCS)
    blocks = window_sizes(op, "dim", dim, sizes, x)
    dims = list(blocks)
    read = [
        check_choice(op, "boundary", one, BOUNDARIES)
        for one in each(op, "boundary", boundary, dims, "exact")
    ]
    skips = as_bool(op, "skipna", skipna)
    none = [
        name
        for name, how in zip(dims, read, strict=True)
        if how == "trim" and blocks[name] > x.sizes[name]
    ]
    if none:  # all cells are dropped: what has one block for each cell, without these
        ones = blocks | dict.fromkeys(none, 1)
        given = {"skipna": skips, "coord_func": coord_func, "threads": threads}
        return coarsen(x, ones, func, boundary, **given).isel({name: slice(0) for name in none})
    padding: dict[Hashable, tuple[int, int]] = {}
    for name, how in zip(dims, read, strict=True):
        left = x.sizes[name] % blocks[name]
        if left and how == "exact":
            raise ValueError(
                f"{op}: boundary must be 'trim' or 'pad' for {x.sizes[name]} cells along {name!r} "
                f"in blocks of {blocks[name]}, got 'exact'"
            )
        padding[name] = (0, blocks[name] - left if left and how == "pad" else 0)
    windows = read_windows(op, x, blocks, stride=blocks, padding=padding)
    options: dict[str, Any] = {"nan": IGNORE if skips else PROPAGATE}
    make = maker(op, windows, word, options, threads, lost=not skips)
    coords = numbers_alone(x.coords.to_dataset(), dims)
    for how in coord_func.values() if isinstance(coord_func, Mapping) else [coord_func]:
        if not callable(how):
            check_choice(op, "coord_func", how, COORD_FUNCS)
    have = {name: size for name, size in blocks.items() if name in coords.sizes}
    if have:
        how_along = {name: how for name, how in zip(dims, read, strict=True) if name in have}
        coords = coords.coarsen(have, boundary=how_along, coord_func=coord_func).mean()
    return slide(op, x, windows, make, coords)


def _own(op: str, kind: str, **given: Any) -> dict[str, Any]:
    """Return the options of a kind; refuse others that were set."""
    operator, found = OPERATORS[KINDS[kind]], {}
    for option in OF_SOME_KINDS:
        value = option.read(op, given[option.name], 1)
        if option in operator.options or option in operator.missing:
            found[option.name] = value
        elif value != option.default:
            raise TypeError(
                f"{op}: {option.name} must be {option.default} for kind {kind!r}, got "
                f"{short_repr(value)}"
            )
    return found


def maker(
    op: str, windows: Windows, kind: str, options: Mapping[str, Any], threads: int | None,
    lost: bool = False,
) -> Maker:  # fmt: skip
    """Return what makes a variable's pooling; ``lost``: partial windows of floats are NaN."""

    def make(variable: Variable, dims: tuple[Hashable, ...], name: str) -> Function:
        dtype = variable.dtype
        given: dict[str, Any] = {**options, **core_options(windows, dims)}
        if lost and (dtype.kind == "f" or kind == "mean"):
            given["border"] = ((NAN, NAN),) * len(dims)
        given["threads"] = threads_in(op, variable, threads)
        size = tuple(windows[dim].axis.kernel for dim in dims)
        function = Core(op, f"{KINDS[kind]}{len(dims)}d")
        if KINDS[kind] == "max_pool":
            check_exact(op, given["border"], dtype)
        if kind == "min":
            given["border"] = tuple(_reversed_pair(pair, dtype) for pair in given["border"])
            if dtype.kind == "f" and "fill" in given:
                given["fill"] = -given["fill"]

        def run(block: Array, layout: str, channels: int) -> Array:
            if kind == "min":
                block = reversed_order(block)
            y: Array = function(block, size, layout=layout, **given)
            return reversed_order(y) if kind == "min" else y

        return run

    return make


def reversed_order(array: Array) -> Array:
    """Return numbers in reverse order, exactly: their maximum is the minimum."""
    return np.negative(array) if array.dtype.kind == "f" else np.invert(array)


def _reversed_pair(pair: Pair, dtype: DType) -> Pair:
    return _reversed_side(pair[0], dtype), _reversed_side(pair[1], dtype)


def _reversed_side(side: Side, dtype: DType) -> Side:
    """Return a constant of the dtype in reverse order."""
    if isinstance(side, str):
        return side
    if dtype.kind == "f":
        return -side
    if dtype.kind == "b":
        return 1 - side
    limits = np.iinfo(dtype)
    return limits.min + limits.max - int(side)
