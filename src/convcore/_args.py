"""The one place that reads operands and options, and refuses bad ones.

Every error names the operation, the argument, what it was and what was expected. Nothing here is
allocated for a call that will be refused, but for copies that turn an operand into an array.
"""

from collections.abc import Sequence
from functools import lru_cache
from operator import index
from typing import NamedTuple

import numpy as np

from convcore import _core, _runtime
from convcore.geometry import PADDING_WORDS, Padding, axis_size, padding_pair, span

LAYOUTS = {1: ("NCW", "NWC"), 2: ("NCHW", "NHWC"), 3: ("NCDHW", "NDHWC")}
BORDERS = _core.BORDERS
ALGORITHMS = ("auto", "direct")

FLOAT16, FLOAT32, FLOAT64 = (np.dtype(t) for t in (np.float16, np.float32, np.float64))
FLOATS = (FLOAT32, FLOAT64, FLOAT16)
MOST_BYTES = 2**63 - 1


def array(op: str, name: str, value: object) -> np.ndarray:
    """A real, plain ndarray of any strides."""
    if type(value) is not np.ndarray:
        if isinstance(value, np.ma.MaskedArray):
            raise TypeError(f"{op}: {name} is a masked array, expected a plain one")
        try:
            value = np.asarray(value)
        except (ValueError, TypeError) as error:
            raise type(error)(f"{op}: {name} cannot be made an array: {error}") from None
    return value


def check_dtype(op: str, name: str, dtype: np.dtype) -> None:
    """Refuse anything that is not a real number that can be computed with."""
    if dtype.kind not in "biu" and dtype.newbyteorder("=") not in FLOATS:
        raise TypeError(
            f"{op}: {name} has dtype {dtype}, expected float16, float32, float64, an integer type "
            "or bool"
        )


def result_type(op: str, x: np.dtype, weight: np.dtype) -> tuple[np.dtype, np.dtype]:
    """The dtype of the result, and the one it is computed in."""
    if x is weight and (x is FLOAT32 or x is FLOAT64):  # nearly every call, and nothing to decide
        return x, x
    return _mixed_result_type(op, x, weight)


@lru_cache(maxsize=256)
def _mixed_result_type(op: str, x: np.dtype, weight: np.dtype) -> tuple[np.dtype, np.dtype]:
    check_dtype(op, "x", x)
    check_dtype(op, "weight", weight)
    if x.kind == "f" and weight.kind == "f":
        result = np.result_type(x, weight)
    else:
        result = np.result_type(x, weight, FLOAT32)
    return result, FLOAT32 if result == FLOAT16 else result


def ready(op: str, name: str, value: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The array itself where kernels can read it, else a contiguous native copy."""
    flags = value.flags
    if (value.dtype is dtype or value.dtype == dtype) and flags.c_contiguous and flags.aligned:
        return value
    try:
        return np.array(value, dtype=dtype, order="C")
    except MemoryError:
        raise MemoryError(
            f"{op}: no memory to make {name}, a {value.dtype} array of shape {value.shape}, a "
            f"contiguous one of {dtype}"
        ) from None


def whole(op: str, name: str, value: object, least: int) -> int:
    """An int of at least ``least``."""
    try:
        if isinstance(value, (bool, np.bool)):
            raise TypeError
        number = index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{op}: {name} must be an integer, got {value!r}") from None
    if number < least:
        raise ValueError(f"{op}: {name} must be at least {least}, got {number}")
    return number


def listed(value: object) -> object:
    """A NumPy array as nested lists, anything else as it is."""
    return value.tolist() if isinstance(value, np.ndarray) else value


def per_axis(op: str, name: str, value: object, axes: int) -> tuple[int, ...]:
    """One int of at least 1 for each axis, from an int or a sequence."""
    value = listed(value)
    if not isinstance(value, (list, tuple)):
        return (whole(op, name, value, 1),) * axes
    if len(value) != axes:
        raise ValueError(
            f"{op}: {name} must be an integer or {axes} of them, one an axis, got {value!r}"
        )
    return tuple(whole(op, name, v, 1) for v in value)


def paddings(op: str, padding: object, axes: int) -> tuple[Padding, ...]:
    """One word, int or (before, after) pair for each axis."""
    if isinstance(padding, str):
        if padding not in PADDING_WORDS:
            raise ValueError(
                f"{op}: padding must be an integer, a sequence or one of {PADDING_WORDS}, "
                f"got {padding!r}"
            )
        return (padding,) * axes
    padding = listed(padding)
    if not isinstance(padding, (list, tuple)):
        return (whole(op, "padding", padding, 0),) * axes
    result: list[Padding] = []
    for entry in map(listed, padding):
        if isinstance(entry, str) and entry in PADDING_WORDS:
            result.append(entry)
        elif not isinstance(entry, (list, tuple)):
            result.append(whole(op, "padding", entry, 0))
        elif len(entry) == 2:
            result.append((whole(op, "padding", entry[0], 0), whole(op, "padding", entry[1], 0)))
        else:
            break
    if len(result) != axes or len(padding) != axes:
        raise ValueError(
            f"{op}: padding must be an integer, {axes} of them, or {axes} (before, after) pairs, "
            f"one an axis, got {padding!r}"
        )
    return tuple(result)


def choice(op: str, name: str, value: object, choices: Sequence[str]) -> None:
    """Refuse a word that is none of the choices."""
    if not isinstance(value, str):
        raise TypeError(f"{op}: {name} must be one of {tuple(choices)}, got {value!r}")
    if value not in choices:
        raise ValueError(f"{op}: {name} must be one of {tuple(choices)}, got {value!r}")


def check_bias(op: str, bias: np.ndarray, channels: int) -> None:
    """Refuse a bias that is not one real number for each output channel."""
    if bias.shape != (channels,):
        raise ValueError(
            f"{op}: bias has shape {bias.shape}, expected ({channels},), one an output channel"
        )
    if bias.dtype is not FLOAT32:
        check_dtype(op, "bias", bias.dtype)


class Problem(NamedTuple):
    """A convolution's sizes, checked: what to run, or None where there is nothing to sum."""

    core: _core.Conv | None
    shape: tuple[int, ...]  # of the result, as the caller sees it
    bias_axis: int  # the channel axis of that shape


@lru_cache(maxsize=4096)
def problem(
    op: str,
    axes: int,
    x: tuple[int, ...],
    weight: tuple[int, ...],
    stride: int | tuple[int, ...],
    padding: Padding | tuple[Padding, ...],
    dilation: int | tuple[int, ...],
    groups: int,
    border: str,
    layout: str,
) -> Problem:
    """Check shapes against options and prepare the convolution; calls alike share the work.

    The options are numbers, words and tuples that per_axis() and paddings() have passed.
    """
    choice(op, "layout", layout, LAYOUTS[axes])
    choice(op, "border", border, BORDERS)
    channels_last = layout == LAYOUTS[axes][1]
    if len(x) not in (axes + 1, axes + 2):
        raise ValueError(
            f"{op}: x must have {axes + 2} axes ({layout}), or {axes + 1} without a batch, "
            f"got shape {x}"
        )
    if len(weight) != axes + 2:
        raise ValueError(
            f"{op}: weight must have {axes + 2} axes (out, in / groups, *kernel), got shape "
            f"{weight}"
        )
    batched = x if len(x) == axes + 2 else (1, *x)
    n = batched[0]
    spatial = batched[1:-1] if channels_last else batched[2:]
    channels = batched[-1] if channels_last else batched[1]
    groups = whole(op, "groups", groups, 1)
    out_channels, group_channels, kernel = weight[0], weight[1], weight[2:]
    if channels % groups or out_channels % groups:
        raise ValueError(
            f"{op}: groups = {groups} must divide the input channels ({channels}) and the output "
            f"channels ({out_channels})"
        )
    if channels // groups != group_channels:
        raise ValueError(
            f"{op}: weight of shape {weight} has {group_channels} input channels a group, expected "
            f"{channels // groups} (x has {channels} channels in {groups} groups)"
        )
    if 0 in kernel:
        raise ValueError(f"{op}: weight of shape {weight} has an empty kernel")
    strides = per_axis(op, "stride", stride, axes)
    dilations = per_axis(op, "dilation", dilation, axes)
    pads = paddings(op, padding, axes)

    out, rows = [], []
    for m, k, s, p, d in zip(spatial, kernel, strides, pads, dilations, strict=True):
        pair = padding_pair(m, k, s, p, d)
        size = axis_size(m, k, s, pair, d)
        if size < 1:
            raise ValueError(
                f"{op}: a kernel of {k} (dilation {d}: {span(k, d)} cells) does not fit an input "
                f"of {m} with padding {pair}; x has shape {x}, weight {weight}"
            )
        if m == 0 and border != "zeros":
            raise ValueError(
                f"{op}: border {border!r} repeats input cells, but x of shape {x} has none"
            )
        if max(m + sum(pair), s, span(k, d)) > MOST_BYTES // 16:
            raise ValueError(
                f"{op}: sizes out of range: an input of {m} with kernel {k}, stride {s}, padding "
                f"{pair} and dilation {d}"
            )
        out.append(size)
        # one output takes no step: stride and dilation that are never used are 1 to the kernels
        rows.append((m, k, s if size > 1 else 1, d if k > 1 else 1, pair[0], size))
    shape = (n, *out, out_channels) if channels_last else (n, out_channels, *out)
    total = 8
    for size in shape:
        total *= size
    if total > MOST_BYTES:
        raise ValueError(
            f"{op}: the result of shape {shape} is too large for any memory: x has shape {x}, "
            f"weight {weight}, padding is {padding!r}, stride {stride!r}, dilation {dilation!r}"
        )
    core = None
    if total and group_channels:
        missing = [(1, 1, 1, 1, 0, 1)] * (3 - axes)
        core = _core.Conv(
            n, groups, group_channels, out_channels // groups, missing + rows, border, channels_last
        )
    if len(x) == axes + 1:
        shape = shape[1:]
    return Problem(core, shape, len(shape) - 1 if channels_last else len(shape) - axes - 1)


def thread_count(op: str, threads: int | None) -> int:
    """The threads a call may use."""
    if threads is None:
        return _runtime.get_num_threads()
    return _runtime.thread_count(op, "threads", threads)


def check_out(op: str, out: object, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """The caller's array for the result: an ndarray of this very shape and dtype, writeable."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"{op}: out must be a NumPy array, got {type(out).__name__}")
    if out.shape != shape:
        raise ValueError(f"{op}: out has shape {out.shape}, expected {shape}")
    if out.dtype != dtype:
        raise TypeError(f"{op}: out has dtype {out.dtype}, expected {dtype}")
    if not out.flags.writeable:
        raise ValueError(f"{op}: out is read-only, expected a writeable array")
    return out


def new_result(
    op: str,
    shape: tuple[int, ...],
    dtype: np.dtype,
    x: np.ndarray,
    weight: np.ndarray,
    padding: object,
) -> np.ndarray:
    """Room for the result of x, weight and padding, which errors name."""
    try:
        return np.empty(shape, dtype)
    except MemoryError:
        raise MemoryError(
            f"{op}: no memory for a {dtype} result of shape {shape}: x has shape {x.shape}, weight "
            f"{weight.shape}, padding is {padding!r}"
        ) from None


def computes_into(out: np.ndarray | None, work: np.dtype, operands: tuple) -> bool:
    """Whether kernels may write the result straight into ``out`` while they read the operands."""
    if out is None or out.dtype != work or not out.flags.c_contiguous or not out.flags.aligned:
        return False
    return not any(o is not None and np.may_share_memory(out, o) for o in operands)
