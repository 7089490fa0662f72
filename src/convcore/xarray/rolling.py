"""Rolling means along named dimensions."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from math import prod
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from xarray import DataArray, Dataset, Variable

from convcore.spec.missing import IGNORE, NAN
from convcore.spec.operands import Array
from convcore.spec.options import LAYOUTS, as_bool, as_int
from convcore.xarray.conv import threads_in
from convcore.xarray.options import Borders, core_options, each, read_windows, window_sizes
from convcore.xarray.run import Core, Function, check_object, slide

if TYPE_CHECKING:
    X = TypeVar("X", DataArray, Dataset)


def rolling_mean(
    x: X,
    /,  # a dimension may have its name
    dim: Mapping[Hashable, int] | None = None,
    *,
    min_periods: int | None = None,
    center: bool | Mapping[Hashable, bool] = True,
    skipna: bool = True,
    border: Borders = "zeros",
    threads: int | None = None,
    **sizes: int,
) -> X:
    r"""Mean of the cells of a window around each cell, as ``x.rolling(...).mean()`` has it.

    .. math:: Y_i = \frac{1}{n_i} \sum_{j \in R(i)} V_j

    with :math:`R(i)` the present cells of the window of cell i and :math:`n_i` their number.

    Parameters
    ----------
    x : xarray.DataArray or xarray.Dataset
        Input V. Of a Dataset, each variable is averaged along the dimensions that it has.
    dim : mapping of dimensions to ints, optional
        Cells of a window along each of 1 to 3 dimensions. Or give them by keyword: ``lat=5``.
    min_periods : int, optional
        Results of fewer present cells are NaN. Default: all cells of a window must be present.
    center : bool, or a mapping of dimensions to bools
        Whether a cell is in the middle of its window. False: it is the last one. The middle of an
        even window is the later of the two middle cells. xarray's default is False.
    skipna : bool
        Whether a NaN is a missing cell. False: a window with a NaN, or with cells outside, is NaN.
    border : word or number, or a mapping of dimensions to these or to (before, after) pairs
        What lies outside, as in :func:`pool`. ``"zeros"``, the default, is nothing: these cells
        are missing. ``{"lon": "wrap"}`` is a globe.
    threads : int, optional
        As in :func:`conv`.
    **sizes : int
        As ``dim``.

    Returns
    -------
    xarray.DataArray or xarray.Dataset
        Of the shape of x, with its coordinates, name and attributes.

    Raises
    ------
    ValueError, TypeError
        As :func:`pool`.

    See Also
    --------
    pool, coarsen, convcore.avg_pool2d

    Notes
    -----
    ``skipna=False`` is ``x.rolling(...).reduce(np.mean)``: xarray's mean skips NaN always. float32
    and float64 stay. Integers give floats as :func:`convcore.avg_pool2d` does, where
    xarray has float64.

    Examples
    --------
    >>> import xarray as xr
    >>> x = xr.DataArray([1.0, 2.0, 6.0, np.nan, 5.0], dims="time")
    >>> rolling_mean(x, time=3).values.tolist()
    [nan, 3.0, nan, nan, nan]
    >>> rolling_mean(x, time=3, min_periods=2).values.tolist()
    [1.5, 3.0, 4.0, 5.5, nan]
    """
    op = "xarray.rolling_mean"
    check_object(op, x)
    cells = window_sizes(op, "dim", dim, sizes, x)
    least = None if min_periods is None else as_int(op, "min_periods", min_periods, 1)
    dims = list(cells)
    padding = {}
    for name, middle in zip(dims, each(op, "center", center, dims, False), strict=True):
        before = cells[name] // 2 if as_bool(op, "center", middle) else cells[name] - 1
        padding[name] = (before, cells[name] - 1 - before)
    windows = read_windows(op, x, cells, padding=padding, border=border)
    skips = as_bool(op, "skipna", skipna)

    def make(variable: Variable, dims: tuple[Hashable, ...], name: str) -> Function:
        kernel = tuple(cells[dim] for dim in dims)
        whole = prod(kernel)
        wanted = whole if least is None else least
        options = core_options(windows, dims)
        options |= {"kernel_size": kernel, "threads": threads_in(op, variable, threads)}
        function = Core(op, f"avg_pool{len(dims)}d")
        outside = _outside(options)
        counts = wanted > whole or (skips and wanted < whole)
        if counts and wanted > 1:
            # Cells outside are NaN, so that the share of present ones is that of the whole window.
            options["border"] = tuple(
                tuple(NAN if side == "zeros" else side for side in pair)
                for pair in options["border"]
            )

        def run(block: Array, layout: str, channels: int) -> Array:
            # Blocks of one array may have different layouts, and run at once.
            given = {**options, "layout": layout}
            if counts:
                return _counted(function, block, given, wanted, whole)
            y: Array = function(block, **given)
            first = 2 if layout == LAYOUTS[len(dims)][0] else 1
            for axis, parts in enumerate(outside, first):
                for part in parts:  # their windows are not whole
                    y[(slice(None),) * axis + (part,)] = NAN
            return y

        return run

    return slide(op, x, windows, make, x.coords.to_dataset())


def _outside(options: Mapping[str, Any]) -> list[tuple[slice, slice]]:
    """Return the outputs along each axis whose windows reach beyond the ends, to no cell."""
    found = []
    for (before, after), sides in zip(options["padding"], options["border"], strict=True):
        first = before if sides[0] == "zeros" else 0
        last = after if sides[1] == "zeros" else 0
        found.append((slice(0, first), slice(-last, None) if last else slice(0, 0)))
    return found


def _counted(
    function: Any, block: Array, options: Mapping[str, Any], wanted: int, whole: int
) -> Array:
    """Return means of present cells; NaN where there are too few of them."""
    y: Array
    if wanted == 1:
        y = function(block, nan=IGNORE, **options)
    else:
        y, share = function(block, nan=IGNORE, return_weight=True, **options)
        y[np.rint(share * whole) < wanted] = NAN
    return y
