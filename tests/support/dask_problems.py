"""Random layers and poolings for the tests of convcore.dask: operands, options and chunks."""

from typing import Any, NamedTuple

import numpy as np

from convcore.geometry import output_size
from convcore.spec.options import LAYOUTS

WORDS = ("zeros", "edge", "reflect", "symmetric", "wrap")
DTYPES = (np.float32, np.float64, np.uint8, np.int16, np.float16)
MOST_CELLS, MOST_KERNEL = {1: 60, 2: 26, 3: 10}, {1: 20, 2: 7, 3: 4}


class Problem(NamedTuple):
    """A call: of convcore with x, of convcore.dask with x in these chunks."""

    name: str
    x: Any
    arrays: tuple[Any, ...]
    options: dict[str, Any]
    chunks: tuple[tuple[int, ...], ...]


def chunks_of(rng, size, sizes=(1, 1, 2, 3, 5, 8, 13, 40)):
    found = []
    while size > 0:
        found.append(int(min(size, rng.choice(sizes))))
        size -= found[-1]
    return tuple(found) or (0,)


def border_of(rng, axes, words_only):
    sides = WORDS if words_only else (*WORDS, 0.5, -2)

    def side():
        return sides[rng.integers(len(sides))]

    return side() if rng.random() < 0.6 else tuple((side(), side()) for _ in range(axes))


def outputs_of(cells, kernel, stride, padding, dilation):
    """Return the outputs along each axis; 1 if there are none."""
    paddings = (padding,) * len(cells) if isinstance(padding, str) else padding
    along = zip(cells, kernel, stride, paddings, dilation, strict=True)
    try:
        return tuple(output_size(*axis) for axis in along)
    except ValueError:
        return (1,) * len(cells)


def problem(kind, seed):
    """Return a random problem of a kind of operator; what it asks for may be impossible."""
    rng = np.random.default_rng([seed, *kind.encode()])
    axes = int(rng.integers(1, 4))

    def each(low, high):
        return tuple(int(n) for n in rng.integers(low, high, axes))

    cells, kernel = each(1, MOST_CELLS[axes]), each(1, MOST_KERNEL[axes])
    stride, dilation = each(1, 4), each(1, 3)
    pairs = tuple(zip(each(0, MOST_KERNEL[axes]), each(0, MOST_KERNEL[axes]), strict=True))
    padding = (pairs, pairs, "same", "same_lower", "valid", "full")[rng.integers(6)]
    layout = LAYOUTS[axes][int(rng.random() < 0.4)]
    groups = int(rng.integers(1, 4)) if kind == "conv" else 1
    channels, out = groups * int(rng.integers(1, 4)), groups * int(rng.integers(1, 3))
    dtype = DTYPES[rng.choice(5, p=[0.4, 0.3, 0.1, 0.1, 0.1])]
    shape = (*cells, channels) if layout[-1] == "C" else (channels, *cells)
    if rng.random() < 0.6:
        shape = (int(rng.integers(1, 4)), *shape)
    x = np.abs(rng.standard_normal(shape) * 40).astype(dtype)
    options = {
        "stride": stride, "padding": padding, "dilation": dilation, "layout": layout,
        "border": border_of(rng, axes, kind == "max_pool" and np.dtype(dtype).kind != "f"),
    }  # fmt: skip

    def bias(*period):
        return (rng.standard_normal((out, *period)),) if rng.random() < 0.5 else ()

    if kind == "conv":
        weight = rng.standard_normal((out, channels // groups, *kernel)).astype(np.float32)
        arrays = (weight, *bias())
        options |= {"groups": groups, "flip": bool(rng.random() < 0.3)}
    elif kind in ("tiled_conv", "local_conv"):
        period = each(1, 4)
        if kind == "local_conv":
            period = outputs_of(cells, kernel, stride, padding, dilation)
        weight = rng.standard_normal((out, *period, channels, *kernel)).astype(np.float32)
        arrays = (weight, *bias(*period))
    else:
        arrays = (rng.random(kernel) + 0.1,) if kind == "weighted_pool" else (kernel,)
        options["ceil_mode"] = bool(rng.random() < 0.5)
        more = {
            "weighted_pool": {"normalize": bool(rng.random() < 0.7)},
            "avg_pool": {"count_include_pad": bool(rng.random() < 0.5)},
            "lp_pool": {"p": float(rng.choice([1, 2, 3, 2.5, np.inf]))},
            "max_pool": {"return_indices": bool(rng.random() < 0.5)},
        }
        options |= more.get(kind, {})
    chunks = tuple(chunks_of(rng, size) for size in shape)
    return Problem(f"{kind}{axes}d", x, arrays, options, chunks)
