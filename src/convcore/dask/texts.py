"""The docstrings of the operators of dask arrays: what differs from those of ``convcore``."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from convcore.spec.options import LAYOUTS
from convcore.spec.registry import OPERATORS, layer_name

# Of each operator that is served the first sentence. Windows slide: adaptive ones depend on the
# whole input, and adjoints have none.
FIRST = {
    "conv": "Slide kernels along a dask array",
    "local_conv": "Slide a kernel of its own for each output along a dask array",
    "tiled_conv": "Slide kernels that repeat along a dask array",
    "max_pool": "Replace each window of a dask array by its largest cell",
    "avg_pool": "Replace each window of a dask array by its mean",
    "lp_pool": "Replace each window of a dask array by its p-norm",
    "l2_pool": "Replace each window of a dask array by its 2-norm",
    "weighted_pool": "Replace each window of a dask array by its weighted mean",
}

TEXT = """{first}.

    As :func:`convcore.{name}`, block by block. Nothing is computed until the result is asked for.

    Parameters
    ----------
    x : dask.array.Array
        Input, in the axes of ``layout`` ({layouts}), of any chunks of known sizes.
    {others}
        As in :func:`convcore.{name}`. Arrays are NumPy's and are copied into the graph.{mask}
    threads : int
        Maximum number of threads of a block. Default: 1, for dask runs blocks side by side.
    dtype : dtype, optional
        Of the result{rounds}. Default: that of
        :func:`convcore.{name}`.

    Returns
    -------
    dask.array.Array{more}

    Raises
    ------
    ValueError, TypeError
        As :func:`convcore.{name}`; for an ``x`` that is no dask array of NumPy arrays; for chunks
        of unknown sizes. What elements decide is refused when a block is computed.

    See Also
    --------
    convcore.{name}, map_windows, store

    Notes
    -----
    {bits} An output belongs to the chunk of ``x`` in
    which the middle of its window lies. Small chunks may be joined, so that chunks of the result
    are whole tiles of the algorithm.{missing}

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> from convcore.dask import {name}
    >>> x = da.ones({x_shape}, chunks={x_chunks})
    >>> y = {name}(x, {argument})
    >>> y.shape, y.numblocks
    {answer}
    >>> round(y.compute().max().item(), 6)
    {value}
    """

MASK = """
    mask : array_like or dask.array.Array of bool, optional
        True where a cell of ``x`` counts."""
INDICES = "\n    indices : dask.array.Array of int64, with ``return_indices``"
SHARE = "\n    share : dask.array.Array, with ``return_weight``"
ROUNDS = ", or uint8, int8, uint16 or int16, to which it is rounded"
BITS = "Bits are those of one call on the whole array."
MISSING = {
    True: """

    With ``mask``, ``nan`` or ``return_weight`` sums are direct: the result is that of one call with
    ``algorithm="direct"``, to rounding.""",
    False: """

    With ``mask``, ``nan`` or ``return_weight`` the result is that of one call to rounding.""",
}


class Example(NamedTuple):
    """A call with an array of ones, and what it gives."""

    argument: str
    channels: int
    outputs: int  # along each axis, for 12 cells
    value: float


def example(kind: str, axes: int) -> Example:
    """Return the example of an operator; kernels and windows have two cells along each axis."""
    taps = 2**axes
    twos = ", ".join(["2"] * axes)
    window = f"({twos},)" if axes == 1 else f"({twos})"
    if OPERATORS[kind].has_weight:
        elevens = ", ".join(["11"] * axes)
        period = {"conv": "", "local_conv": f"{elevens}, ", "tiled_conv": f"{twos}, "}[kind]
        return Example(f"np.ones((3, {period}2, {twos}))", 3, 11, 2.0 * taps)
    argument = {"weighted_pool": f"np.ones({window})", "lp_pool": "2, p=1"}.get(kind, "2")
    value = {"lp_pool": float(taps), "l2_pool": round(taps**0.5, 6)}.get(kind, 1.0)
    return Example(argument, 2, 6, value)


def docstring(kind: str, axes: int, parameters: Collection[str]) -> str:
    """Return the docstring of an operator with these parameters."""
    operator = OPERATORS[kind]
    shown = example(kind, axes)
    own = ("x", "mask", "threads", "dtype")
    has_mask = "mask" in parameters
    chunk = 4 if axes < 3 else 6
    answer = ((shown.channels, *[shown.outputs] * axes), (1, *[12 // chunk] * axes))
    more = INDICES if "return_indices" in parameters else ""
    return TEXT.format(
        first=FIRST[kind],
        name=layer_name(kind, axes),
        layouts=" or ".join(LAYOUTS[axes]),
        others=", ".join(each for each in parameters if each not in own),
        mask=MASK if has_mask else "",
        rounds="" if operator.pools == "max" else ROUNDS,
        more=more + (SHARE if "return_weight" in parameters else ""),
        bits=BITS,
        missing=MISSING[operator.has_weight] if has_mask else "",
        x_shape=(2, *[12] * axes),
        x_chunks=(2, *[chunk] * axes),
        argument=shown.argument,
        answer=answer,
        value=shown.value,
    )
