"""How the same values can lie in memory."""

import mmap
from math import prod
from random import Random

import numpy as np
from numpy.lib.stride_tricks import as_strided

FILL = 0xFF  # a NaN where a float is read
_far = []


def lay(values, kind="plain", seed=0):
    """An array of `values` that lies in memory as `kind` says, in one of several such ways.

    "broadcast" and "windows" have several places share one cell, so the values there are others.
    The memory around the array holds NaN.
    """
    return LAID[kind](np.asarray(values), Random(seed))


def spread(shape, dtype, steps, order=None):
    """An array in a memory of its own: `steps[i]` cells of axis i for each one that it has.

    Axes are nested in `order`, the last innermost; a negative step is a reversed axis.
    """
    order = range(len(shape)) if order is None else order
    pitch, strides, offset = np.dtype(dtype).itemsize, [0] * len(shape), 0
    for axis in reversed(order):
        strides[axis] = pitch * steps[axis]
        if steps[axis] < 0:
            offset -= strides[axis] * max(shape[axis] - 1, 0)
        pitch *= max(shape[axis], 1) * max(abs(steps[axis]), 1)
    buffer = np.full(pitch, FILL, np.uint8)
    return np.ndarray(shape, dtype, buffer, offset, strides)


def _filled(view, values):
    view[...] = values
    return view


def _steps(values, random, choices, order=None):
    steps = [random.choice(choices) for _ in values.shape]
    return _filled(spread(values.shape, values.dtype, steps, order), values)


def _permuted(values, random):
    order = list(range(values.ndim))
    random.shuffle(order)
    return _steps(values, random, (1,), order)


def _inside(values, random):
    margins = [(random.randrange(3), random.randrange(3)) for _ in values.shape]
    wide = spread(
        [
            before + size + after
            for size, (before, after) in zip(values.shape, margins, strict=True)
        ],
        values.dtype,
        [1] * values.ndim,
    )
    return _filled(
        wide[
            tuple(
                slice(before, before + size)
                for size, (before, _) in zip(values.shape, margins, strict=True)
            )
        ],
        values,
    )


def _broadcast(values, random):
    one = tuple(slice(0, 1) if random.random() < 0.5 else slice(None) for _ in values.shape)
    return np.broadcast_to(values[one], values.shape)


def _windows(values, random):
    """Rows that begin a cell or two after each other, as sliding windows do."""
    strides, reach = [], 1
    for size in reversed(values.shape):
        strides.append(random.choice((1, 1, 2, reach)) * values.itemsize)
        reach += max(size - 1, 0) * strides[-1] // values.itemsize
    memory = np.resize(values.ravel(), reach) if values.size else np.zeros(reach, values.dtype)
    return as_strided(memory, values.shape, strides[::-1], writeable=False)


def _odd_ones(values, random):
    """Strides that no one may trust: those of axes with one place, or of an array with none."""
    values = np.array(values, order=random.choice("CF"))
    free = [size <= 1 or values.size == 0 for size in values.shape]
    strides = [
        random.choice((0, 1, -1, 3, -values.itemsize, 2**31 + 1, 2**40, 2**62, -(2**62)))
        if loose
        else stride
        for loose, stride in zip(free, values.strides, strict=True)
    ]
    return as_strided(values, values.shape, strides)


def _unaligned(values, random):
    memory = np.full(values.nbytes + 8, FILL, np.uint8)
    offset = random.randrange(1, 8)
    return _filled(np.ndarray(values.shape, values.dtype, memory, offset), values)


def _swapped(values, random):
    return _steps(values.astype(values.dtype.newbyteorder()), random, (1, 1, 1, -1))


def _spelled(values, random):
    """The machine's own byte order, spelled out in the dtype."""
    order = "<" if np.little_endian else ">"
    return values.astype(values.dtype.newbyteorder(order))


def _read_only(values, random):
    values = values.copy()
    values.flags.writeable = False
    return values


def _fields(values, random):
    records = np.zeros(values.shape, [("skipped", "i1"), ("value", values.dtype)])
    return _filled(records["value"], values)


def _reach(values, random):
    """An axis whose places are more than 2**31 bytes apart, in memory that is hardly ever there."""
    axis = next((i for i, size in enumerate(values.shape) if size == 2), None)
    if axis is None or prod(values.shape) > 10_000:
        return values.copy()
    if not _far:
        _far.append(
            mmap.mmap(
                -1,
                2**31 + 2**20,
                flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0),
            )
        )
    strides, pitch = [0] * values.ndim, values.itemsize
    for i in reversed(range(values.ndim)):
        strides[i] = pitch
        if i == axis:
            strides[i] = 2**31 + 64
        else:
            pitch *= values.shape[i]
    return _filled(np.ndarray(values.shape, values.dtype, _far[0], 0, strides), values)


LAID = {
    "plain": lambda values, random: values.copy(),
    "fortran": lambda values, random: np.array(values, order="F"),
    "permuted": _permuted,
    "reversed": lambda values, random: _steps(values, random, (1, -1)),
    "spaced": lambda values, random: _steps(values, random, (1, 2, 3, -2)),
    "inside": _inside,
    "broadcast": _broadcast,
    "windows": _windows,
    "odd_ones": _odd_ones,
    "unaligned": _unaligned,
    "swapped": _swapped,
    "spelled": _spelled,
    "read_only": _read_only,
    "fields": _fields,
    "far": _reach,
    # a list does not say which axes an empty array has
    "list": lambda values, random: values.tolist() if values.size else values.copy(),
}
