"""The table of the layers without shared weights: local, tiled, connected by a table, transposed.

`LAYERS` is to these what `cases.CASES` is to convolution, and is extended the same way: append a
case to the list of its family, or write a new family and name it in `LAYERS`. A case holds shapes
and options only; `integer_arrays` and `random_arrays` make its data, the same data each time, from
its name, and its table of connections is one of `TABLES`, by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from math import prod

import numpy as np

from tests.tables.cases import SIDE_PAIRS, rng_of, side_borders, word

LAYOUTS = {1: ("NCW", "NWC"), 2: ("NCHW", "NHWC"), 3: ("NCDHW", "NDHWC")}


@dataclass(frozen=True)
class Layer:
    """One call: `op(x, weight, bias, **options)`, by shapes; `connections` by a name."""

    name: str
    op: str
    x: tuple[int, ...]
    weight: tuple[int, ...]
    bias: bool = True
    options: Mapping[str, object] = field(default_factory=dict, hash=False)

    def __str__(self):
        return self.name

    @property
    def kind(self):
        """The operator without its number of axes."""
        return self.op[:-2]

    @property
    def axes(self):
        """How many spatial axes there are."""
        return int(self.op[-2])

    @property
    def last(self):
        """Whether the channels come last."""
        return self.options.get("layout") == LAYOUTS[self.axes][1]

    @property
    def batched(self):
        """Whether x has a batch."""
        return len(self.x) == self.axes + 2

    @property
    def bias_shape(self):
        """One number for each kernel of each output channel."""
        if self.kind == "conv_transpose":
            return (self.weight[1] * self.options.get("groups", 1),)
        return self.weight[:len(self.weight) - self.axes - 1] if self.unshared else self.weight[:1]

    @property
    def unshared(self):
        """Whether the weight has an axis for each axis of the output."""
        return self.kind in ("local_conv", "tiled_conv")

    @property
    def terms(self):
        """How many products an output has, or more."""
        if self.kind == "conv_transpose":
            return self.weight[0] // self.options.get("groups", 1) * prod(self.weight[2:])
        return prod(self.weight[-1 - self.axes:])

    @property
    def channel_axis(self):
        """Where x and the result have their channels."""
        return -1 if self.last else -1 - self.axes

    def arguments(self):
        """The options, with the table of connections as an array of bools."""
        options = dict(self.options)
        if "connections" in options:
            options["connections"] = table(options["connections"], *self.weight[:2])
        return options

    def call(self, namespace, arrays, **more):
        """The case's operator, looked up in `namespace`, on these arrays."""
        return getattr(namespace, self.op)(*arrays, **{**self.arguments(), **more})


def integer_arrays(case, dtype=np.float32):
    """x, weight and bias of small integers: every sum of products is exact, in any order."""
    rng = rng_of(case)
    x = rng.integers(-4, 5, case.x).astype(dtype)
    weight = rng.integers(-4, 5, case.weight).astype(dtype)
    bias = rng.integers(-9, 10, case.bias_shape).astype(dtype) if case.bias else None
    return x, weight, bias


def random_arrays(case, dtype=np.float32):
    """x, weight and bias of normal random numbers, whose sums do depend on their order."""
    rng = rng_of(case)
    x = rng.standard_normal(case.x).astype(dtype)
    weight = rng.standard_normal(case.weight).astype(dtype)
    bias = rng.standard_normal(case.bias_shape).astype(dtype) if case.bias else None
    return x, weight, bias


# Tables of connected channels, (out, in).

TABLES = {
    "full": lambda k, c: np.ones((k, c), bool),
    "none": lambda k, c: np.zeros((k, c), bool),
    "diagonal": lambda k, c: np.eye(k, c, dtype=bool),
    "random": lambda k, c: np.random.default_rng(k * c).random((k, c)) < 0.4,
    "dense": lambda k, c: np.random.default_rng(k * c).random((k, c)) < 0.9,
    "one_missing": lambda k, c: np.arange(k * c).reshape(k, c) != k * c // 2,
    "one_alone": lambda k, c: np.arange(k * c).reshape(k, c) == k * c // 2,
    # maps without inputs, inputs that no map sees
    "bare": lambda k, c: np.outer(np.arange(k) % 3 != 1, np.arange(c) % 4 != 2),
    "adjacent": lambda k, c: (np.arange(c) - np.arange(k)[:, None]) % c < 3,
}


def table(name, out_channels, in_channels):
    """The table of this name."""
    return TABLES[name](out_channels, in_channels)


SHORT = {"stride": "s", "padding": "pad", "dilation": "d", "groups": "g", "layout": "l",
         "output_padding": "more", "connections": "table", "flip": "flip", "border": "b"}


def _named(prefix, op, x, weight, bias=True, **options):
    """A case whose name is the prefix, the operator, the shapes and the options."""
    words = [f"{SHORT[key]}={word(value)}" for key, value in options.items()]
    return Layer("-".join([prefix, op, word(x), word(weight), *words]), op, x, weight, bias,
                 options)


# What the unshared layers are tried with: x without channels, and the kernel. Cycled, not crossed.

_STEPS = {
    1: [{}, {"stride": 2}, {"stride": 3, "dilation": 2}, {"padding": "same"},
        {"padding": "same_lower", "stride": 2}, {"padding": "full", "dilation": 3},
        {"padding": 2, "stride": 4}, {"padding": ((0, 3),)}, {"padding": ((5, 1),), "stride": 2}],
    2: [{}, {"stride": 2}, {"stride": (2, 3), "dilation": (3, 1)}, {"padding": "same"},
        {"padding": "same_lower", "dilation": 2}, {"padding": "full", "stride": (1, 2)},
        {"padding": 1}, {"padding": (2, 0), "stride": 3}, {"padding": ((0, 3), (4, 1))},
        {"padding": ((2, 0), (0, 1)), "stride": (3, 1), "dilation": (1, 2)},
        {"padding": ("same", (2, 0)), "stride": 2}],
    3: [{}, {"stride": 2}, {"padding": "same"}, {"padding": "full", "stride": (1, 2, 3)},
        {"padding": ((0, 1), (2, 0), (1, 3)), "dilation": (1, 2, 1)},
        {"padding": "same_lower", "stride": (2, 1, 1), "dilation": 2}],
}
_SPACE = {1: (13,), 2: (8, 11), 3: (4, 5, 7)}
_KERNEL = {1: (3,), 2: (3, 2), 3: (2, 2, 3)}


def _pair(entry, size, reach, s):
    """The zeros before and after one axis that a word, a number or a pair asks for."""
    total = max((-(-size // s) - 1) * s + reach + 1 - size, 0)
    words = {"valid": (0, 0), "full": (reach, reach), "same": (total // 2, total - total // 2),
             "same_lower": (total - total // 2, total // 2)}
    if isinstance(entry, str):
        return words[entry]
    return (entry, entry) if isinstance(entry, int) else entry


def output_space(space, kernel, options):
    """The sizes of a convolution's output: the part of a local weight's shape that depends on x."""
    nd = len(space)
    stride, dilation, padding = (
        value if isinstance(value, tuple) else (value,) * nd
        for value in (options.get("stride", 1), options.get("dilation", 1),
                      options.get("padding", "valid")))
    sizes = []
    for n, r, s, d, entry in zip(space, kernel, stride, dilation, padding, strict=True):
        reach = (r - 1) * d
        sizes.append((n + sum(_pair(entry, n, reach, s)) - reach - 1) // s + 1)
    return tuple(sizes)


def _local(prefix, space, kernel, n=2, c=3, k=4, bias=True, **options):
    """A local layer: n is None for an input without a batch."""
    return _unshared(prefix, "local_conv", output_space(space, kernel, options), space, kernel, n,
                     c, k, bias, options)


def _tiled(prefix, period, space, kernel, n=2, c=3, k=4, bias=True, **options):
    """A tiled convolution of this period."""
    return _unshared(prefix, "tiled_conv", period, space, kernel, n, c, k, bias, options)


def _unshared(prefix, kind, period, space, kernel, n, c, k, bias, options):
    nd = len(space)
    last = options.get("layout") == LAYOUTS[nd][1]
    x = (*space, c) if last else (c, *space)
    x = x if n is None else (n, *x)
    return _named(prefix, f"{kind}{nd}d", x, (k, *period, c, *kernel), bias, **options)


LOCAL = [
    *(_local("geometry", _SPACE[nd], _KERNEL[nd], **steps)
      for nd in (1, 2, 3) for steps in _STEPS[nd]),
    *(_local("last", _SPACE[nd], _KERNEL[nd], layout=LAYOUTS[nd][1], **steps)
      for nd in (1, 2, 3) for steps in _STEPS[nd][::2]),
    *(_local("unbatched", _SPACE[nd], _KERNEL[nd], n=None, padding="same") for nd in (1, 2, 3)),
    *(_local("unbatched_last", _SPACE[nd], _KERNEL[nd], n=None, layout=LAYOUTS[nd][1])
      for nd in (1, 2, 3)),
    *(_local("plain", _SPACE[nd], _KERNEL[nd], bias=False) for nd in (1, 2, 3)),
    *(_local(f"batch_of_{n}", (5, 6), (2, 3), n=n, padding=1) for n in (0, 1, 5, 17)),
    *(_local(f"channels_{c}to{k}", (4, 5), (3, 3), c=c, k=k, padding=1)
      for c, k in [(1, 1), (1, 17), (17, 1), (5, 16), (16, 33), (33, 5)]),
    *(_local(f"width_{w}", (3, w), (2, 2), n=1, c=2, k=3) for w in (2, 3, 5, 9, 17, 18, 34, 50)),
    _local("no_input_channel", (5, 6), (2, 3), c=0),
    _local("no_output_channel", (5, 6), (2, 3), k=0),
    _local("only_padding", (0, 5), (2, 3), padding=2),
    _local("wide_padding", (2, 3), (2, 2), padding=((5, 0), (0, 6))),
    _local("one_cell", (1, 1), (1, 1), n=1, c=1, k=1),
    _local("one_output", (6, 7), (6, 7)),
    # many taps an output, whole vectors of them and not; few images and channels, in all numbers
    *(_local(f"taps_{2 * r}", (r + 1,), (r,), n=n, c=2, k=k)
      for r, (n, k) in product((23, 24, 25, 31, 32, 39), [(1, 4), (2, 3), (3, 2), (4, 1), (5, 5)])),
    *(_local(f"taps_in_{nd}d", _SPACE[nd], _KERNEL[nd], n=n, c=17, k=5, layout=layout, **steps)
      for nd, n, steps in [(1, 3, {"stride": 2}), (2, 2, {"padding": 1}), (3, 1, {"dilation": 2}),
                           (2, 4, {"stride": 2, "padding": ((0, 3), (4, 1))})]
      for layout in LAYOUTS[nd]),
    *(_local(f"many_images_{n}", (4, 5), (3, 3), n=n, c=7, k=6, padding=1) for n in (16, 33)),
    _local("many_taps", (12, 13), (5, 5), n=3, c=64, k=2),
    _local("face", (24, 24), (9, 9), n=1, c=2, k=3, stride=2),
]

_PERIODS = {1: [(1,), (2,), (3,), (20,)],
            2: [(1, 1), (2, 2), (3, 3), (2, 3), (3, 1), (1, 4), (30, 2)],
            3: [(1, 1, 1), (2, 2, 2), (1, 2, 3), (3, 1, 9)]}

TILED = [
    *(_tiled("geometry", period, _SPACE[nd], _KERNEL[nd], **steps)
      for nd in (1, 2, 3) for steps, period in product(_STEPS[nd], _PERIODS[nd])),
    # a period of the size of the output: the local layer
    *(_tiled("whole", output_space(_SPACE[nd], _KERNEL[nd], steps), _SPACE[nd], _KERNEL[nd],
             **steps) for nd in (1, 2, 3) for steps in _STEPS[nd][1::3]),
    *(_tiled("last", period, _SPACE[nd], _KERNEL[nd], layout=LAYOUTS[nd][1], **steps)
      for nd in (1, 2, 3) for steps, period in zip(_STEPS[nd], _PERIODS[nd][1:] * 4, strict=False)),
    *(_tiled("unbatched", (2,) * nd, _SPACE[nd], _KERNEL[nd], n=None, padding="same")
      for nd in (1, 2, 3)),
    *(_tiled("unbatched_last", (2,) * nd, _SPACE[nd], _KERNEL[nd], n=None, layout=LAYOUTS[nd][1])
      for nd in (1, 2, 3)),
    *(_tiled("plain", (2,) * nd, _SPACE[nd], _KERNEL[nd], bias=False) for nd in (1, 2, 3)),
    *(_tiled(f"batch_of_{n}", (2, 3), (5, 6), (2, 3), n=n, padding=1) for n in (0, 1, 5, 17)),
    *(_tiled(f"channels_{c}to{k}", (2, 2), (6, 7), (3, 3), c=c, k=k, padding=1)
      for c, k in [(1, 1), (1, 17), (17, 1), (5, 16), (16, 33), (33, 5)]),
    *(_tiled(f"width_{w}", (1, t), (3, w), (2, 2), n=1, c=2, k=3)
      for w, t in product((2, 9, 17, 34, 50), (2, 3, 5))),
    _tiled("no_input_channel", (2, 2), (5, 6), (2, 3), c=0),
    _tiled("no_output_channel", (2, 2), (5, 6), (2, 3), k=0),
    _tiled("only_padding", (2, 2), (0, 5), (2, 3), padding=2),
    _tiled("wide_padding", (3, 2), (2, 3), (2, 2), padding=((5, 0), (0, 6))),
    # a kernel for two outputs, one more, and for each
    *(_tiled(f"taps_for_{t}", (t,), (21,), (4,), n=n, c=13, k=3)
      for t, n in product((8, 9, 10, 17, 18, 40), (1, 2, 5))),
    _tiled("taps_of_rows", (3, 12), (8, 11), (3, 3), n=3, c=6, k=5, padding="same"),
    _tiled("taps_apart", (3,), (60,), (6,), n=2, c=9, k=17, stride=7, dilation=5),
    _tiled("large", (2, 2), (40, 41), (5, 5), n=1, c=3, k=8),
    _tiled("strips", (2, 3), (60, 70), (3, 3), n=1, c=16, k=16, padding=1),
]


# Transposed convolutions: the words, and every sum of strides, dilations and what is cut off.

def _transposed(prefix, space, kernel, n=2, c=4, k=3, bias=True, **options):
    """A transposed convolution to k channels: n is None for an input without a batch."""
    nd = len(space)
    last = options.get("layout") == LAYOUTS[nd][1]
    x = (*space, c) if last else (c, *space)
    x = x if n is None else (n, *x)
    weight = (c, k // options.get("groups", 1), *kernel)
    return _named(prefix, f"conv_transpose{nd}d", x, weight, bias, **options)


TRANSPOSED = [
    *(_transposed("geometry", (6,), (4,), padding=p, stride=s, dilation=d)
      for p, s, d in product(["valid", "same", "same_lower", "full", 1, ((0, 2),), ((3, 0),)],
                             (1, 2, 3), (1, 2)) if p != "full" or s > 1),
    *(_transposed("geometry", (4, 5), (3, 2), padding=p, stride=s, dilation=d)
      for p, (s, d) in product(["valid", "same", "same_lower", 1, (2, 0), ((0, 2), (1, 0)),
                                ("same", (1, 0))],
                               [(1, 1), (2, 1), ((2, 3), 1), ((3, 1), (1, 2)), (1, 2)])),
    *(_transposed("geometry", (3, 4, 3), (2, 2, 3), padding=p, stride=s, dilation=d)
      for p, s, d in [("valid", 1, 1), ("same", 2, 1), ("same_lower", (1, 2, 3), 1), (1, 2, 1),
                      (((0, 1), (2, 0), (1, 1)), (2, 2, 1), (1, 2, 1))]),
    *(_transposed("full", (6, 7), (3, 2), padding="full", stride=s) for s in (1, 2, (2, 3))),
    *(_transposed("more", (5,), (3,), stride=3, output_padding=m, padding=p)
      for m, p in product((0, 1, 2), ["valid", "same", "same_lower", 1, ((0, 3),), "full"])),
    *(_transposed("more", (4, 3), (3, 3), stride=s, output_padding=m, padding=p)
      for (s, m), p in product([(2, 1), ((2, 3), (1, 0)), ((2, 3), (0, 2)), ((1, 4), (0, 3))],
                               ["valid", "same", "same_lower", 1])),
    _transposed("more", (3, 2, 3), (2, 2, 2), stride=(2, 3, 1), output_padding=(1, 2, 0)),
    # as much more as the stride or beyond it, up to the dilation: the last outputs see less
    *(_transposed("beyond", (4,), (3,), stride=s, dilation=d, output_padding=m, padding=p)
      for (s, d, m), p in product([(1, 2, 1), (1, 4, 3), (2, 5, 2), (2, 5, 4), (3, 4, 3)],
                                  ["valid", 1, ((0, 2),)])),
    *(_transposed("beyond", (3, 4), (2, 3), stride=(1, 2), dilation=(3, 2), output_padding=(2, 1),
                  padding=p, layout=layout, c=4, k=6, groups=2)
      for p, layout in product(["valid", 1], ["NCHW", "NHWC"])),
    _transposed("beyond", (2, 1, 3), (2, 3, 1), stride=(1, 2, 1), dilation=(3, 4, 2),
                output_padding=(2, 3, 1)),
    # strides and dilations with common divisors
    *(_transposed("phases", (7,), (5,), stride=s, dilation=d, padding=p)
      for (s, d), p in product([(4, 2), (6, 4), (2, 4), (3, 3), (5, 10), (4, 6)],
                               ["valid", "same", ((3, 1),)])),
    _transposed("phases", (4, 5), (3, 4), stride=(4, 6), dilation=(6, 4), padding=2),
    # strides that leave outputs without an input, and more to come than the kernel reaches
    *(_transposed("sparse", (4, 3), (2, 1), stride=(4, 3), output_padding=m, padding=p)
      for m, p in product((0, 2, (3, 1)), ["valid", "same", "same_lower"])),
    *(_transposed("groups", (4, 5), (3, 3), c=c, k=k, groups=g, stride=2, padding=1)
      for c, k, g in [(4, 6, 2), (6, 4, 2), (6, 9, 3), (5, 5, 5), (3, 6, 3), (16, 32, 2)]),
    _transposed("groups", (7,), (3,), c=6, k=4, groups=2, stride=2, padding="same"),
    _transposed("groups", (3, 4, 3), (2, 2, 2), c=4, k=4, groups=4),
    _transposed("groups_last", (4, 5), (3, 3), c=6, k=4, groups=2, stride=2, layout="NHWC"),
    *(_transposed("last", _SPACE[nd], _KERNEL[nd], layout=LAYOUTS[nd][1], stride=2, padding=1)
      for nd in (1, 2, 3)),
    *(_transposed("unbatched", _SPACE[nd], _KERNEL[nd], n=None, stride=2) for nd in (1, 2, 3)),
    *(_transposed("unbatched_last", _SPACE[nd], _KERNEL[nd], n=None, layout=LAYOUTS[nd][1])
      for nd in (1, 2, 3)),
    *(_transposed("plain", _SPACE[nd], _KERNEL[nd], bias=False, padding="same")
      for nd in (1, 2, 3)),
    *(_transposed(f"batch_of_{n}", (4, 5), (3, 3), n=n, stride=2, padding=1)
      for n in (0, 1, 5, 17)),
    *(_transposed(f"channels_{c}to{k}", (4, 5), (3, 3), c=c, k=k, stride=2)
      for c, k in [(1, 1), (1, 17), (17, 1), (5, 16), (16, 33), (65, 6)]),
    *(_transposed(f"width_{w}", (2, w), (2, 3), n=1, stride=(1, s))
      for w, s in product((1, 2, 9, 17, 34), (1, 2, 3))),
    _transposed("no_input_channel", (4, 5), (3, 3), c=0),
    _transposed("no_output_channel", (4, 5), (3, 3), k=0),
    _transposed("one_cell", (1, 1), (1, 1), n=1, c=1, k=1),
    _transposed("one_cell", (1, 1), (4, 5), stride=3, output_padding=2),
    _transposed("upsample", (14, 15), (4, 4), c=16, k=8, stride=2, padding=1),
    _transposed("generator", (8, 8), (5, 5), n=1, c=32, k=16, stride=2, padding="same",
                output_padding=1),
]


# Convolutions with a table of connected channels.

def _connected(prefix, name, c=6, k=7, nd=2, n=2, bias=True, **options):
    """A convolution whose channels are connected by the table `name`."""
    last = options.get("layout") == LAYOUTS[nd][1]
    x = (*_SPACE[nd], c) if last else (c, *_SPACE[nd])
    x = x if n is None else (n, *x)
    return _named(prefix, f"conv{nd}d", x, (k, c, *_KERNEL[nd]), bias, connections=name, **options)


CONNECTED = [
    *(_connected("tables", name, nd=nd) for name, nd in product(TABLES, (1, 2, 3))),
    *(_connected("geometry", "random", nd=nd, **steps) for nd in (1, 2, 3) for steps in _STEPS[nd]),
    *(_connected("last", name, nd=nd, layout=LAYOUTS[nd][1], padding="same")
      for name, nd in product(("random", "bare", "adjacent"), (1, 2, 3))),
    *(_connected("border", "random", border=b, padding=((4, 1), (0, 3)))
      for b in ("edge", "reflect", "symmetric", "wrap")),
    _connected("flipped", "random", flip=True, padding=1),
    _connected("flipped", "bare", nd=3, flip=True, stride=2),
    *(_connected("unbatched", "random", nd=nd, n=None) for nd in (1, 2, 3)),
    *(_connected("plain", name, bias=False) for name in ("random", "bare", "none")),
    *(_connected(f"batch_of_{n}", "random", n=n) for n in (0, 1, 5)),
    *(_connected(f"channels_{c}to{k}", name, c=c, k=k, padding="same")
      for (c, k), name in product([(1, 1), (1, 17), (17, 1), (6, 16), (16, 33), (40, 20)],
                                  ("random", "adjacent", "bare"))),
    _named("lenet_c3", "conv2d", (1, 6, 14, 14), (16, 6, 5, 5), connections="adjacent"),
    _named("strips", "conv2d", (1, 32, 56, 57), (48, 32, 3, 3), connections="random", padding=1),
    *(_named(f"pieces_{r}x{s}", "conv2d", (1, 6, r + 5, s + 19), (5, 6, r, s), connections="random")
      for r, s in [(17, 32), (3, 520)]),
]

# Kernels of more taps than a block of them holds.

PIECES = [
    _local("pieces", (29, 30), (27, 26), c=2, k=3),
    _tiled("pieces", (2, 2), (34, 30), (27, 20), n=1, c=2, k=3),
    _tiled("pieces", (1, 1), (20, 600), (2, 520), n=1, c=2, k=17, padding=1),
    *(_transposed("pieces", (5, 6), (28, 27), stride=s) for s in (1, 2)),
]

# What the padding holds, for each side of each axis.

_PADS = {1: ((4, 7),), 2: ((3, 4), (2, 6)), 3: ((2, 4), (4, 1), (3, 3))}
_SMALL = {1: (6,), 2: (6, 5), 3: (3, 4, 5)}

BORDERS = [
    *(make(pair) for pair in SIDE_PAIRS for make in (
        lambda b: _local("sides", (5,), (3,), c=2, k=3, border=(b,), padding=((4, 7),)),
        lambda b: _tiled("sides", (2,), (5,), (3,), c=2, k=3, border=(b,), padding=((4, 7),)),
        lambda b: _transposed("sides", (9,), (3,), c=2, k=3, border=(b,), padding=((2, 3),)))),
    *(make(nd, b, i) for nd in (2, 3) for i, b in enumerate(side_borders(nd, 14)) for make in (
        lambda nd, b, i: _local("sides", _SMALL[nd], _KERNEL[nd], c=3, k=2, border=b,
                                padding=_PADS[nd], stride=1 + i % 2, layout=LAYOUTS[nd][i % 4 > 1]),
        lambda nd, b, i: _tiled("sides", (2, 3, 1)[:nd], _SMALL[nd], _KERNEL[nd], c=3, k=2,
                                border=b, padding=_PADS[nd], dilation=1 + i % 2,
                                layout=LAYOUTS[nd][i % 4 > 1]),
        lambda nd, b, i: _transposed("sides", _SPACE[nd], _KERNEL[nd], c=3, k=2, border=b,
                                     padding=((1, 0), (1, 1), (2, 1))[:nd], stride=1 + i % 2,
                                     layout=LAYOUTS[nd][i % 4 > 1]))),
    *(_connected("sides", "random", border=b, padding=((4, 1), (0, 3)))
      for b in side_borders(2, 7)),
]

LAYERS = [*LOCAL, *TILED, *TRANSPOSED, *CONNECTED, *PIECES, *BORDERS]

# A short list for tests that vary something else (memory, dtypes, values): each kind of layer, few
# and many channels, channels last.

SAMPLES = [
    _local("rows", (9, 12), (3, 3), c=3, k=5, padding=1),
    _local("signal", (40,), (4,), c=3, k=5, stride=2),
    _local("channels", (5, 6), (3, 2), c=9, k=17, layout="NHWC"),
    _tiled("rows", (2, 3), (9, 12), (3, 3), c=3, k=20, padding=1),
    _tiled("signal", (3,), (40,), (4,), c=3, k=5, stride=2),
    _tiled("channels", (2, 2), (5, 6), (3, 2), c=9, k=17, layout="NHWC"),
    _transposed("rows", (6, 9), (3, 3), c=5, k=4, stride=2, padding=1, output_padding=1),
    _transposed("signal", (20,), (4,), c=3, k=5, padding="same"),
    _transposed("channels", (5, 6), (3, 2), c=9, k=18, groups=3, layout="NHWC"),
    _connected("rows", "random", padding=1),
    _connected("channels", "bare", c=20, k=17, layout="NHWC"),
]
