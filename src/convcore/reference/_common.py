"""Reading of arguments and returning of results in the reference.

Nothing here is shared with the compiled operators, so that none of their mistakes is repeated here.
"""

import operator
from math import prod
from string import Template

import numpy as np

LAYOUTS = {1: "NCW", 2: "NCHW", 3: "NCDHW"}  # channels first, by number of axes


class Batch:
    """An array of any layout as (n, c, *space); results are put back into that layout."""

    def __init__(self, array, nd, layout):
        self.last = channels_last(layout, nd)
        self.batched = array.ndim == nd + 2
        if array.ndim not in (nd + 1, nd + 2):
            raise ValueError(f"arrays must have {nd + 1} or {nd + 2} axes, got shape {array.shape}")
        if not self.batched:
            array = array[np.newaxis]
        if self.last:
            array = np.moveaxis(array, -1, 1)
        self.array = array
        self.space = array.shape[2:]

    @property
    def rows(self):
        """The array with each plane flattened: (n, c, cells)."""
        return self.array.reshape(*self.array.shape[:2], prod(self.space))

    def put_back(self, result):
        """Put an (n, channels, *space) array into the layout; drop the batch if there was none."""
        if self.last:
            result = np.moveaxis(result, 1, -1)
        return result if self.batched else result[0]


def result_dtype(*arrays):
    """Return the common dtype of floats; with an integer or bool, at least float32."""
    for array in arrays:
        if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
            raise TypeError(f"dtype must be a real one of at most 64 bits, got {array.dtype}")
    floats = all(array.dtype.kind == "f" for array in arrays)
    dtype = np.result_type(*(array.dtype for array in arrays), *[] if floats else [np.float32])
    return dtype.newbyteorder("=")


def widened(array, dtype):
    """Return `array` in float64, rounded to the dtype of the result first."""
    return array.astype(dtype).astype(np.float64)


def channels_last(layout, nd):
    """Return whether `layout`, one of the two for `nd` axes, puts the channels last."""
    space = "DHW"[3 - nd :]
    if layout not in ("NC" + space, "N" + space + "C"):
        raise ValueError(f"layout must be NC{space} or N{space}C, got {layout!r}")
    return layout.endswith("C")


def as_bool(value, name):
    """Return a bool; refuse numbers."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def per_axis(value, nd, at_least, name):
    """Return a tuple of `nd` ints, from one int for all axes or a sequence of one for each."""
    one = np.ndim(value) == 0
    values = (operator.index(value),) * nd if one else tuple(map(operator.index, value))
    if isinstance(value, (bool, np.bool_)) or len(values) != nd or min(values) < at_least:
        raise ValueError(f"{name} must be {nd} int(s) of at least {at_least}, got {value!r}")
    return values


def pad_pairs(padding, space, kernel, stride, dilation):
    """Return the (before, after) pair of a padding for every spatial axis."""
    several = isinstance(padding, (list, tuple, np.ndarray))
    entries = list(padding) if several else [padding] * len(space)
    if len(entries) != len(space):
        raise ValueError(f"padding must be one for each of {len(space)} axes, got {padding!r}")
    pairs = []
    for entry, size, r, s, d in zip(entries, space, kernel, stride, dilation, strict=True):
        reach = (r - 1) * d
        if not isinstance(entry, str):
            pairs.append(per_axis(entry, 2, at_least=0, name="padding"))
        elif entry == "valid":
            pairs.append((0, 0))
        elif entry == "full":
            pairs.append((reach, reach))
        elif entry in ("same", "same_lower"):
            wanted = -(-size // s)  # rounded up
            total = max((wanted - 1) * s + reach + 1 - size, 0)
            before = total // 2 if entry == "same" else total - total // 2
            pairs.append((before, total - before))
        else:
            raise ValueError(f"padding must be valid, same, same_lower or full, got {padding!r}")
    return pairs


@np.errstate(over="ignore", invalid="ignore")  # infinity and NaN are results
def deliver(Z, dtype, out):
    """Round the result to its dtype: a new array, or `out`."""
    if out is None:
        out = np.empty(Z.shape, dtype)
    elif not isinstance(out, np.ndarray):
        raise TypeError(f"out must be an array, got {type(out).__name__}")
    elif out.shape != Z.shape or out.dtype != dtype or not out.flags.writeable:
        raise ValueError(
            f"out must be a writeable {dtype} array of shape {Z.shape}, got a "
            f"{out.dtype} array of shape {out.shape}"
        )
    out[...] = Z
    return out


def for_each_rank(define):
    """Make an operator for 1, 2 and 3 axes; its docstring is a template with $name, $axes, $nd."""
    made = []
    for nd in LAYOUTS:
        function = define(nd)
        kind, backward, _ = function.__name__.partition("_backward")
        function.__name__ = function.__qualname__ = f"{kind}{nd}d{backward}"
        function.__doc__ = Template(function.__doc__ or "").substitute(
            name=function.__name__,
            forward=f"{kind}{nd}d",
            nd=nd,
            axes=", ".join(["depth", "h", "w"][3 - nd :]),
            ones="1, " * (nd - 1),
        )
        made.append(function)
    return made
