"""A function of plain arrays over the data of labelled ones: in memory, or block by block."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from xarray import DataArray, Dataset, Variable

from convcore import api
from convcore.spec.errors import short_repr
from convcore.spec.operands import Array, check_dtype
from convcore.spec.options import LAYOUTS
from convcore.xarray.options import Windows

# Takes an array (N, C, *windowed) or (N, *windowed, C), its layout and its channels.
Function = Callable[[Array, str, int], Array]


# Makes the function of one variable, whose windows span these of its dimensions, in its order. The
# text is what errors call the variable.
Maker = Callable[[Variable, tuple[Hashable, ...], str], Function]


@dataclass(frozen=True, slots=True)
class Core:
    """A function of ``convcore``, whose errors name the operation that calls it.

    Its array is a block in other axes, so that the errors do not tell its shape.
    """

    op: str
    name: str

    def __call__(self, x: Any, *arrays: Any, **options: Any) -> Any:
        """Call the function, or that of dask arrays."""
        room: Any = api
        if _is_lazy(x):
            from convcore import dask as room  # it needs dask, which xarray does not
        try:
            return getattr(room, self.name)(x, *arrays, **options)
        except (ValueError, TypeError) as error:
            own, text = f"{self.name}: ", str(error).removeprefix("dask.")
            if not text.startswith(own):
                raise
            text = text.removeprefix(own).partition("; x has shape")[0]
            raise type(error)(f"{self.op}: {text}") from None


def _is_lazy(data: Any) -> bool:
    return hasattr(data, "__dask_graph__")


def check_object(op: str, x: object) -> None:
    """Refuse what has no named dimensions."""
    if not isinstance(x, (DataArray, Dataset)):
        raise TypeError(
            f"{op}: x must be an xarray.DataArray or xarray.Dataset, got {short_repr(x)}"
        )


def slide(op: str, x: Any, windows: Windows, make: Maker, coords: Dataset) -> Any:
    """Return x with each of its variables slid over; others and all attributes are kept."""
    if isinstance(x, DataArray):
        data = _slid(op, x.variable, windows, make, "x")
        return DataArray(data, coords=coords.coords, name=x.name)
    found = {
        name: _slid(op, each.variable, windows, make, f"x[{name!r}]")
        for name, each in x.data_vars.items()
    }
    return Dataset(found, coords=coords.coords, attrs=x.attrs)


def _slid(op: str, variable: Variable, windows: Windows, make: Maker, name: str) -> Variable:
    dims = tuple(dim for dim in variable.dims if dim in windows)
    if not dims:
        return variable
    check_dtype(op, name, variable.dtype)
    function = make(variable, dims, name)
    ordered = _together(variable, dims)
    data = ordered.data
    first = ordered.dims.index(dims[0])

    def block(array: Array) -> Array:
        return _arranged(function, array, first, len(dims))

    if isinstance(data, np.ndarray):
        result = block(data)
    elif _is_lazy(data) and any(len(each) > 1 for each in data.chunks[first : first + len(dims)]):
        result = block(data)  # windows cross chunks
    elif _is_lazy(data):
        # A call without an image checks all options now, and tells the result's dtype.
        cells = tuple(windows[dim].axis.cells for dim in dims)
        none = np.empty((0, 1, *cells), data.dtype)
        dtype = function(none, LAYOUTS[len(dims)][0], 1).dtype
        chunks = list(data.chunks)
        chunks[first : first + len(dims)] = [(windows[dim].axis.outputs,) for dim in dims]
        meta = np.empty((0,) * data.ndim, dtype)
        result = data.map_blocks(block, chunks=tuple(chunks), dtype=dtype, meta=meta)
    else:
        raise TypeError(f"{op}: {name} must hold a NumPy or dask array, got {type(data).__name__}")
    slid = Variable(ordered.dims, result, variable.attrs)
    return slid.transpose(*variable.dims)


def _together(variable: Variable, dims: tuple[Hashable, ...]) -> Variable:
    """Return the variable with these dimensions side by side: as it is, if they are."""
    first = variable.dims.index(dims[0])
    if variable.dims[first : first + len(dims)] == dims:
        return variable
    others = [dim for dim in variable.dims if dim not in dims]
    return variable.transpose(*others, *dims)


def _arranged(function: Function, array: Array, first: int, number: int) -> Array:
    """Return a function of an array whose windowed axes are ``number`` ones from ``first`` on.

    Axes before them are the batch and those after them channels, so nothing is moved.
    """
    last = first + number
    before, core, after = array.shape[:first], array.shape[first:last], array.shape[last:]
    channels = prod(after)
    flat, layout = (prod(before), 1, *core), LAYOUTS[number][0]
    if channels != 1:
        flat, layout = (prod(before), *core, channels), LAYOUTS[number][1]
    y = function(array.reshape(flat), layout, channels)
    sizes = y.shape[2:] if channels == 1 else y.shape[1:-1]
    return y.reshape(*before, *sizes, *after)
