"""Coordinates of results: where the windows have their centres."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
from xarray import Dataset, Variable

from convcore.spec.operands import Array
from convcore.xarray.options import Windows

NUMBERS = "iufmM"  # kinds of dtypes that have means


def window_centres(coords: Any, windows: Windows) -> Dataset:
    """Return coordinates with, along each dimension of windows, those of the windows' centres."""
    found: Dataset = coords.to_dataset()
    for dim, (axis, _) in windows.items():
        if dim not in found.dims:  # it has no coordinates
            continue
        first = np.arange(axis.outputs) * axis.stride - axis.pair[0]
        low = first + (axis.kernel - 1) // 2 * axis.dilation
        high = first + axis.kernel // 2 * axis.dilation
        if axis.kernel % 2 and low[0] >= 0 and low[-1] < axis.cells:  # any type can be selected
            found = found.isel({dim: low})
        else:
            found = _computed(found, dim, low, high)
    return found


def numbers_alone(coords: Dataset, dims: Any) -> Dataset:
    """Return coordinates without those along these dimensions that have no mean."""
    return coords.drop_vars(
        [
            name
            for name, variable in coords.variables.items()
            if variable.dtype.kind not in NUMBERS and not set(variable.dims).isdisjoint(dims)
        ]
    )


def _computed(coords: Dataset, dim: Hashable, low: Array, high: Array) -> Dataset:
    """Return coordinates half-way between cells, those that have no mean left out."""
    along = {name: each for name, each in coords.variables.items() if dim in each.dims}
    means = {}
    for name, variable in along.items():
        if variable.dtype.kind in NUMBERS:
            means[name] = _mean(variable.to_base_variable(), dim, low, high)
    return coords.drop_vars(list(along)).assign_coords(means)


def _mean(variable: Variable, dim: Hashable, low: Array, high: Array) -> Variable:
    values = variable.astype(np.float64) if variable.dtype.kind in "iu" else variable
    begin = _at(values, dim, low)
    mean: Variable = begin + (_at(values, dim, high) - begin) / 2
    mean.attrs = variable.attrs
    return mean


def _at(variable: Variable, dim: Hashable, index: Array) -> Variable:
    """Return the values at these cells; beyond the ends they go on with the last step there."""
    n = variable.sizes[dim]
    inside = np.clip(index, 0, n - 1)
    found: Variable = variable.isel({dim: inside})
    beyond = Variable((dim,), index - inside)
    if not beyond.any():
        return found
    if n == 1:  # there is no step
        return found.where(beyond == 0)
    after = index >= n
    step = variable.isel({dim: np.where(after, n - 1, 1)}) - variable.isel(
        {dim: np.where(after, n - 2, 0)}
    )
    return found + step * beyond
