"""The one table of cases: what is convolved with what, for every run that needs such a list.

`CASES` serves the forward tests, the thread and instruction-set runs, and whatever comes later
(gradients, benchmarks). To add a case, append it to the list of its family below, or write a new
family and name it in `CASES`. A case holds shapes and options only; `integer_arrays` and
`random_arrays` make its data, the same data each time, from its name.

Letters: n batch, c input channels, k output channels; spatial sizes are written out. Shapes of
`x` are as they are passed, so with the channels last where the layout says so.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product

import numpy as np


@dataclass(frozen=True)
class Case:
    """One call: `op(x, weight, bias, **options)`, by shapes."""

    name: str
    op: str
    x: tuple[int, ...]
    weight: tuple[int, ...]
    bias: bool = True
    options: Mapping[str, object] = field(default_factory=dict, hash=False)

    def __str__(self):
        return self.name

    def call(self, namespace, arrays, **more):
        """The case's operator, looked up in `namespace`, on these arrays."""
        return getattr(namespace, self.op)(*arrays, **self.options, **more)


def rng_of(case):
    """Random numbers that are the same each time."""
    return np.random.default_rng(zlib.crc32(case.name.encode()))


def integer_arrays(case, dtype=np.float32):
    """x, weight and bias of small integers: every sum of products is exact, in any order.

    The products are at most 16, so float32 stays exact up to a million terms; the longest sum in
    the table has 5,400.
    """
    rng = rng_of(case)
    x = rng.integers(-4, 5, case.x).astype(dtype)
    weight = rng.integers(-4, 5, case.weight).astype(dtype)
    bias = rng.integers(-9, 10, case.weight[0]).astype(dtype) if case.bias else None
    return x, weight, bias


def random_arrays(case, dtype=np.float32):
    """x, weight and bias of normal random numbers, whose sums do depend on their order."""
    rng = rng_of(case)
    x = rng.standard_normal(case.x).astype(dtype)
    weight = rng.standard_normal(case.weight).astype(dtype)
    bias = rng.standard_normal(case.weight[0]).astype(dtype) if case.bias else None
    return x, weight, bias


def word(value):
    """A padding, stride or border as a piece of a name: ((1, 0), (0, 2)) is 1.0_0.2."""
    if isinstance(value, tuple):
        separator = "_" if value and isinstance(value[0], tuple) else "."
        return separator.join(word(v) for v in value)
    return str(value)


def _named(prefix, op, x, weight, bias=True, **options):
    """A case whose name is the prefix and the options."""
    words = [prefix] + [f"{key[0]}={word(value)}" for key, value in options.items()]
    return Case("-".join(words), op, x, weight, bias, options)


# Every form of padding with strides 1 to 4 and dilations 1 to 3.

_PADDINGS_1D = ["valid", "same", "same_lower", "full", 2, (3,), ((1, 4),), ((5, 0),)]
_PADDINGS_2D = ["valid", "same", "same_lower", "full", 1, (2, 1), ((0, 3), (4, 1)),
                ("same", (2, 0))]
_PADDINGS_3D = ["valid", "same", "same_lower", "full", 1, (1, 0, 2), ((0, 1), (2, 0), (1, 3))]

GEOMETRY = [
    *(_named("geometry1d", "conv1d", (2, 3, 19), (5, 3, 4), padding=p, stride=s, dilation=d)
      for p, s, d in product(_PADDINGS_1D, (1, 2, 3, 4), (1, 2, 3))),
    *(_named("geometry2d", "conv2d", (2, 3, 11, 14), (5, 3, 3, 4), padding=p, stride=s, dilation=d)
      for p, s, d in product(_PADDINGS_2D, (1, 2, 3, 4), (1, 2, 3))),
    *(_named("geometry3d", "conv3d", (1, 2, 7, 8, 9), (3, 2, 2, 3, 2), padding=p, stride=s,
             dilation=d)
      for p, (s, d) in product(_PADDINGS_3D, [(1, 1), (2, 1), (3, 2), (1, 3), (4, 1)])),
    # one value per axis, each axis different
    *(_named("axes2d", "conv2d", (2, 3, 13, 17), (4, 3, 3, 2), padding=p, stride=s, dilation=d)
      for p, (s, d) in product(
          _PADDINGS_2D, [((1, 2), (2, 1)), ((3, 1), (1, 3)), ((2, 4), (1, 2)), ((4, 3), (3, 2))])),
    *(_named("axes3d", "conv3d", (2, 2, 6, 9, 10), (3, 2, 2, 1, 3), padding=p, stride=(1, 2, 3),
             dilation=(3, 2, 1)) for p in _PADDINGS_3D),
    # strides that leave cells out, and a kernel that just fits
    _named("sparse", "conv2d", (1, 2, 20, 23), (3, 2, 1, 1), stride=(5, 7)),
    _named("sparse", "conv1d", (1, 2, 50), (3, 2, 2), stride=11, padding=1),
    _named("just_fits", "conv2d", (2, 3, 5, 7), (4, 3, 5, 7)),
    _named("just_fits", "conv2d", (2, 3, 7, 9), (4, 3, 3, 3), dilation=(3, 4)),
    _named("just_fits1d", "conv1d", (2, 3, 7), (4, 3, 7), dilation=1),
    _named("just_fits3d", "conv3d", (2, 3, 2, 3, 4), (4, 3, 2, 3, 4)),
    # more padding than input: outputs that see nothing but padding
    _named("wide_padding", "conv2d", (1, 2, 3, 2), (3, 2, 2, 2), padding=9),
    _named("wide_padding", "conv2d", (1, 2, 3, 2), (3, 2, 2, 2), stride=2,
           padding=((8, 0), (0, 7))),
    _named("wide_padding", "conv1d", (1, 1, 1), (1, 1, 2), padding=40),
    _named("wide_padding", "conv2d", (1, 1, 4, 4), (1, 1, 2, 2), padding=20),
]

# What the padding holds, up to several times the size of the input.

_BORDERS = ["zeros", "edge", "reflect", "symmetric", "wrap"]

BORDER = [
    *(_named("border1d", "conv1d", (2, 2, 5), (3, 2, 3), border=b, padding=p, stride=s)
      for b, p, s in product(_BORDERS, ["same", "full", ((1, 3),), ((4, 13),), 11], (1, 2))),
    *(_named("border2d", "conv2d", (2, 3, 6, 5), (4, 3, 3, 3), border=b, padding=p, dilation=d)
      for b, p, d in product(_BORDERS, ["same", "full", ((2, 0), (1, 4)), ((13, 7), (0, 16))],
                             (1, 2))),
    *(_named("border3d", "conv3d", (1, 2, 3, 4, 5), (2, 2, 2, 2, 3), border=b, padding=p)
      for b, p in product(_BORDERS, ["same", "full", ((7, 0), (2, 5), (0, 11))])),
    *(_named("border_of_one_cell", "conv2d", (1, 2, 1, 4), (2, 2, 3, 2), border=b,
             padding=((3, 4), (1, 6)))
      for b in _BORDERS),
    *(_named("border_wide", "conv2d", (1, 1, 40, 50), (2, 1, 5, 5), border=b, padding="same")
      for b in _BORDERS),
    *(_named("border_last", "conv2d", (2, 6, 5, 3), (4, 3, 3, 3), border=b, padding="full",
             layout="NHWC") for b in _BORDERS),
]

# A border for each side: every pair of words and constants along one axis; several axes in turn.

SIDES = [*_BORDERS, -3.5, 2.0]
SIDE_PAIRS = [*product(SIDES, SIDES)]


def side_borders(axes, count):
    """Borders whose axes and sides differ, `count` of them: pairs far apart in the list."""
    return [tuple(SIDE_PAIRS[(i * 17 + a * 23 + 3) % len(SIDE_PAIRS)] for a in range(axes))
            for i in range(count)]


BORDER_SIDES = [
    *(_named("sides1d", "conv1d", (2, 2, 5), (3, 2, 3), border=(pair,), padding=((4, 7),))
      for pair in SIDE_PAIRS),
    *(_named("sides2d", "conv2d", (2, 3, 6, 5), (4, 3, 3, 2), border=b, stride=1 + i % 2,
             padding=((3, 4), (2, 9)), dilation=(1, 1 + i % 3)) for i, b in
      enumerate(side_borders(2, 28))),
    *(_named("sides2d_last", "conv2d", (2, 6, 5, 3), (4, 3, 3, 2), border=b, layout="NHWC",
             padding=((3, 0), (2, 9))) for b in side_borders(2, 14)),
    *(_named("sides3d", "conv3d", (1, 2, 3, 4, 5), (2, 2, 2, 2, 3), border=b,
             padding=((2, 4), (5, 1), (3, 3))) for b in side_borders(3, 21)),
    # one value; a word or a value for each axis
    *(_named("sides_one", "conv2d", (1, 2, 6, 5), (3, 2, 3, 3), border=b, padding=2)
      for b in (-1024.0, 0.0, 7, ("reflect", "wrap"), ("edge", 0.5), (("edge", 0.0), "wrap"))),
    # layers for every algorithm
    *(_named("sides_wide", "conv2d", (1, 32, 20, 21), (32, 32, 3, 3), border=b, padding=1)
      for b in side_borders(2, 4)),
    *(_named("sides_depthwise", "conv2d", (1, 9, 40, 50), (9, 1, 5, 5), groups=9, border=b,
             padding="same") for b in side_borders(2, 4)),
    *(_named("sides_large", "conv2d", (1, 2, 40, 45), (2, 2, 25, 19), border=b, padding="same")
      for b in side_borders(2, 4)),
    *(_named("sides_dot", "conv2d", (1, 3, 4, 4), (2, 3, 2, 2), border=b, padding=((1, 2), (3, 0)),
             stride=2) for b in side_borders(2, 4)),
]

# Groups, from two to one per channel.

GROUPS = [
    *(_named(f"groups_{c}to{k}", "conv2d", (2, c, 9, 11), (k, c // g, 3, 3), groups=g, padding=1)
      for c, k, g in [(4, 6, 2), (6, 4, 2), (6, 9, 3), (8, 8, 4), (32, 64, 2), (34, 66, 2),
                      (10, 5, 5), (48, 16, 4)]),
    *(_named(f"depthwise_{c}", "conv2d", (2, c, 10, 13), (c, 1, 3, 3), groups=c, padding="same")
      for c in (1, 2, 3, 5, 6, 16, 17, 33, 64, 65, 130)),
    *(_named(f"depthwise_{c}_twice", "conv2d", (1, c, 10, 13), (2 * c, 1, 3, 3), groups=c)
      for c in (1, 3, 8, 17)),
    *(_named(f"depthwise_{r}x{r}", "conv2d", (1, 16, 15, 18), (16, 1, r, r), groups=16, stride=s,
             padding="same") for r, s in product((2, 3, 5), (2, 3))),
    _named("depthwise_dilated", "conv2d", (1, 9, 15, 18), (9, 1, 3, 3), groups=9, dilation=(2, 3)),
    _named("depthwise_rows", "conv1d", (2, 7, 60), (7, 1, 5), groups=7, padding="same"),
    _named("depthwise_rows_twice", "conv1d", (2, 7, 60), (14, 1, 5), groups=7, stride=2),
    _named("depthwise_volume", "conv3d", (1, 5, 4, 6, 7), (5, 1, 2, 3, 3), groups=5, padding=1),
    _named("groups_volume", "conv3d", (2, 4, 4, 6, 7), (6, 2, 3, 3, 3), groups=2, padding=1),
    _named("groups_flipped", "conv2d", (1, 4, 8, 9), (6, 2, 2, 3), groups=2, flip=True),
]

# The kernel turned round.

FLIP = [
    _named("flip1d", "conv1d", (2, 3, 20), (4, 3, 4), flip=True, padding="same", stride=2),
    _named("flip2d", "conv2d", (2, 3, 9, 10), (4, 3, 3, 2), flip=True),
    _named("flip2d", "conv2d", (2, 3, 9, 10), (20, 3, 4, 2), flip=True, padding=((3, 0), (1, 1)),
           dilation=(1, 2), border="reflect"),
    _named("flip3d", "conv3d", (1, 2, 5, 6, 7), (3, 2, 2, 3, 2), flip=True, padding="full"),
    _named("flip_last", "conv2d", (2, 9, 10, 3), (4, 3, 3, 2), flip=True, layout="NHWC"),
]

# Channels last, where the inner loops run over channels and not along rows.

LAST = [
    _named("last1d", "conv1d", (2, 30, 3), (5, 3, 4), layout="NWC", padding="same"),
    _named("last1d", "conv1d", (2, 30, 8), (16, 8, 3), layout="NWC", stride=2, dilation=2),
    _named("last3d", "conv3d", (1, 5, 6, 7, 3), (4, 3, 2, 2, 2), layout="NDHWC", padding="same"),
    _named("last3d", "conv3d", (2, 5, 6, 7, 6), (9, 2, 3, 3, 3), layout="NDHWC", stride=2,
           padding=1, groups=3),
    *(_named(f"last_{c}to{k}", "conv2d", (2, 7, 9, c), (k, c, 3, 3), layout="NHWC", padding=1)
      for c, k in [(1, 1), (1, 17), (3, 64), (17, 33), (64, 16), (65, 130), (5, 8), (16, 2)]),
    *(_named(f"last_depthwise_{c}", "conv2d", (1, 9, 12, c), (c, 1, 3, 3), layout="NHWC", groups=c,
             padding="same", stride=s) for c, s in product((1, 5, 16, 33, 65), (1, 2))),
    _named("last_depthwise_twice", "conv2d", (1, 9, 12, 6), (12, 1, 3, 3), layout="NHWC", groups=6),
    _named("last_groups", "conv2d", (1, 9, 12, 12), (18, 4, 3, 3), layout="NHWC", groups=3,
           dilation=2, padding="full"),
    _named("last_wide", "conv2d", (1, 40, 130, 16), (24, 16, 3, 3), layout="NHWC", padding=1),
    # a row of pixels with all their channels as lanes: whole and broken periods, taps apart
    *(_named(f"last_few_{c}_{w}", "conv2d", (2, 6, w, c), (c, 1, 3, 3), layout="NHWC", groups=c,
             padding="same", stride=s)
      for c, w, s in product((2, 3, 4, 7, 24), (16, 37), (1, 2))),
    _named("last_few_pieces", "conv2d", (1, 26, 50, 3), (3, 1, 25, 25), layout="NHWC", groups=3),
    _named("last_few_dilated", "conv2d", (1, 9, 60, 3), (3, 1, 3, 3), layout="NHWC", groups=3,
           dilation=(2, 9), border="reflect", padding=((1, 2), (4, 6))),
    _named("last_few1d", "conv1d", (2, 70, 5), (5, 1, 4), layout="NWC", groups=5, stride=3),
    _named("last_few3d", "conv3d", (1, 4, 5, 21, 3), (3, 1, 2, 3, 3), layout="NDHWC", groups=3,
           padding="full", border="wrap"),
    # groups of as many inputs as outputs: several fill a vector, or a part of one
    *(_named(f"last_groups_of_{c}", "conv2d", (2, 6, 11, c * g), (c * g, c, 3, 3), layout="NHWC",
             groups=g, padding=1, stride=s)
      for c, g, s in [(2, 8, 1), (2, 9, 2), (4, 4, 1), (4, 3, 2), (4, 16, 1), (8, 5, 1),
                      (16, 3, 2)]),
    _named("last_groups_of_8_pieces", "conv2d", (1, 12, 13, 16), (16, 8, 7, 7), layout="NHWC",
           groups=2, padding="same", border="edge"),
]

# Without a batch, without a bias, several images, nothing at all.

SHAPES = [
    _named("unbatched1d", "conv1d", (3, 20), (4, 3, 5)),
    _named("unbatched2d", "conv2d", (3, 8, 9), (4, 3, 3, 3), padding="same"),
    _named("unbatched3d", "conv3d", (2, 4, 5, 6), (3, 2, 2, 2, 2), stride=2),
    _named("unbatched_last", "conv2d", (8, 9, 3), (4, 3, 3, 3), layout="NHWC"),
    _named("unbatched_plain", "conv2d", (1, 30, 40), (1, 1, 3, 3), False),
    _named("plain1d", "conv1d", (2, 3, 30), (4, 3, 5), False),
    _named("plain2d", "conv2d", (2, 3, 8, 9), (4, 3, 3, 3), False),
    _named("plain2d_wide", "conv2d", (2, 16, 18, 29), (32, 16, 3, 3), False, padding=1),
    _named("plain3d", "conv3d", (2, 3, 4, 5, 6), (4, 3, 2, 3, 3), False),
    *(_named(f"batch_of_{n}", "conv2d", (n, 3, 6, 7), (4, 3, 3, 3), padding=1)
      for n in (1, 5, 16, 33)),
    _named("one_cell", "conv2d", (1, 1, 1, 1), (1, 1, 1, 1)),
    _named("one_cell1d", "conv1d", (1, 1, 1), (1, 1, 1)),
    _named("one_cell3d", "conv3d", (1, 1, 1, 1, 1), (1, 1, 1, 1, 1)),
    _named("no_batch", "conv2d", (0, 3, 8, 9), (4, 3, 3, 3)),
    _named("no_input_channel", "conv2d", (2, 0, 8, 9), (4, 0, 3, 3)),
    _named("no_output_channel", "conv2d", (2, 3, 8, 9), (0, 3, 3, 3)),
    _named("only_padding", "conv2d", (2, 3, 0, 9), (4, 3, 3, 3), padding=2),
]

# Channel counts around the widths of vectors and register blocks, each way round.

_COUNTS = (1, 2, 3, 5, 6, 16, 17, 33, 64, 65, 130)

CHANNELS = [
    *(_named(f"channels_{c}to{k}", "conv2d", (1, c, 6, 9), (k, c, 3, 3), padding=1)
      for c, k in product(_COUNTS, _COUNTS)),
    *(_named(f"pointwise_{c}to{k}", "conv2d", (2, c, 5, 7), (k, c, 1, 1))
      for c, k in [(1, 1), (3, 64), (64, 3), (17, 33), (130, 65), (256, 64), (64, 256)]),
    *(_named(f"into_{k}", "conv2d", (1, 4, 5, 6), (k, 4, 2, 2)) for k in range(1, 50)),
    *(_named(f"rows_{c}to{k}", "conv1d", (2, c, 33), (k, c, 3), padding=1)
      for c, k in [(1, 1), (1, 16), (16, 1), (5, 17), (33, 64), (65, 2)]),
    _named("channels_600", "conv2d", (1, 600, 5, 6), (600, 600, 3, 3), padding=1),
    _named("channels_600to3", "conv2d", (1, 600, 9, 9), (3, 600, 3, 3)),
    _named("channels_3to600", "conv2d", (1, 3, 9, 9), (600, 3, 3, 3), stride=2),
    _named("fully_connected", "conv2d", (3, 16, 5, 5), (120, 16, 5, 5)),
    _named("many_rows", "conv1d", (1, 2000, 20), (7, 2000, 2)),
]

# Every output width from 1 to 50, with few and with many output channels, dense and strided.

WIDTHS = [
    *(_named(f"width_{w}_to_{k}", "conv2d", (1, 2, 4, w + 2), (k, 2, 3, 3))
      for w, k in product(range(1, 51), (1, 16))),
    *(_named(f"width_{w}", "conv2d", (1, 3, 4, 2 * w + 1), (5, 3, 2, 3), stride=(1, 2))
      for w in range(1, 51, 3)),
    *(_named(f"width_{w}", "conv1d", (1, 2, w), (3, 2, 3), padding="same") for w in range(1, 51)),
    *(_named(f"width_{w}_last", "conv2d", (1, 3, w, 4), (8, 4, 3, 3), layout="NHWC",
             padding=(0, 1)) for w in range(1, 51, 3)),
    *(_named(f"height_{h}", "conv2d", (1, 2, h, 20), (17, 2, 3, 3), padding="same")
      for h in range(1, 20)),
]

# Kernels from one cell to 31 x 31.

KERNELS = [
    *(_named(f"kernel_{r}x{r}_to_{k}", "conv2d", (1, 2, r + 6, r + 19), (k, 2, r, r))
      for r, k in product(range(1, 12), (1, 4, 24))),
    *(_named(f"kernel_{r}x{s}", "conv2d", (2, 3, 12, 15), (4, 3, r, s), padding="same")
      for r, s in [(1, 2), (2, 1), (1, 7), (7, 1), (1, 11), (11, 1), (2, 5), (4, 3), (3, 8)]),
    _named("kernel_31x31", "conv2d", (1, 1, 50, 60), (1, 1, 31, 31), padding="same"),
    _named("kernel_31x31", "conv2d", (1, 1, 40, 64), (3, 1, 31, 31), stride=2),
    _named("kernel_31x31_depthwise", "conv2d", (1, 3, 33, 40), (3, 1, 31, 31), groups=3),
    *(_named(f"kernel_{s}", "conv1d", (1, 3, 200), (4, 3, s)) for s in (1, 2, 5, 16, 63, 200)),
    _named("kernel_1x1_strided", "conv2d", (2, 16, 9, 11), (32, 16, 1, 1), stride=2),
    _named("kernel_1x1_padded", "conv2d", (2, 5, 4, 6), (7, 5, 1, 1), padding=((2, 1), (0, 3))),
    _named("first_layer", "conv2d", (1, 3, 67, 67), (32, 3, 11, 11), stride=4),
    _named("first_layer", "conv2d", (1, 3, 64, 64), (64, 3, 7, 7), stride=2, padding=3),
]

# Kernels of more taps than a block of them holds: each channel's is cut into pieces.

PIECES = [
    *(_named(f"pieces_{s}_to_{k}", "conv1d", (2, 2, s + 40), (k, 2, s), stride=stride)
      for s, k, stride in [(256, 3, 1), (257, 1, 1), (512, 3, 1), (513, 1, 1), (515, 20, 2),
                           (1100, 4, 1), (1100, 1, 3)]),
    *(_named(f"pieces_{r}x{s}_to_{k}", "conv2d", (1, 3, r + 6, s + 21), (k, 3, r, s),
             stride=stride, padding="same")
      for r, s, k, stride in [(17, 16, 1, 1), (23, 23, 2, 1), (33, 16, 1, 1), (33, 16, 20, 2),
                              (5, 260, 3, 1), (3, 600, 1, 2), (2, 1030, 18, 1),
                              (57, 9, 5, (3, 1))]),
    *(_named(f"pieces_{q}x{r}x{s}_to_{k}", "conv3d", (1, 2, q + 2, r + 3, s + 18), (k, 2, q, r, s))
      for q, r, s, k in [(9, 8, 8, 3), (18, 6, 5, 1), (3, 40, 14, 17), (2, 2, 520, 4)]),
    _named("pieces_dilated", "conv2d", (1, 2, 100, 80), (3, 2, 40, 15), dilation=(2, 3)),
    _named("pieces_dilated_rows", "conv2d", (1, 2, 130, 40), (1, 2, 40, 15), dilation=(3, 1),
           stride=(2, 1)),
    _named("pieces_depthwise", "conv2d", (1, 5, 28, 40), (5, 1, 25, 21), groups=5, padding=3),
    _named("pieces_depthwise_last", "conv2d", (1, 29, 25, 18), (18, 1, 25, 21), groups=18,
           layout="NHWC"),
    _named("pieces_groups", "conv2d", (2, 6, 34, 40), (4, 3, 32, 17), groups=2, flip=True),
    _named("pieces_border", "conv2d", (1, 2, 26, 30), (3, 2, 25, 21), padding="same",
           border="reflect"),
]

# Work enough for several threads and several cache-sized strips, in shares that do not come out.

LARGE = [
    _named("long_row", "conv1d", (1, 1, 5000), (1, 1, 9)),
    _named("long_rows", "conv1d", (2, 3, 5000), (6, 3, 9), padding="same", stride=3),
    _named("long_rows_dilated", "conv1d", (1, 4, 5000), (20, 4, 3), dilation=129),
    _named("strips_rows", "conv1d", (1, 64, 20000), (8, 64, 3)),
    _named("strips_8", "conv2d", (1, 8, 300, 300), (16, 8, 3, 3), padding=1),
    _named("strips_64to8", "conv2d", (1, 64, 120, 120), (8, 64, 3, 3)),
    _named("strips_64", "conv2d", (1, 64, 56, 56), (64, 64, 3, 3), padding=1),
    _named("strips_3to64", "conv2d", (1, 3, 224, 224), (64, 3, 3, 3), padding=1),
    _named("strips_128", "conv2d", (1, 128, 58, 59), (130, 128, 3, 3)),
    _named("strips_256", "conv2d", (1, 256, 28, 28), (256, 256, 3, 3), padding=1),
    _named("strips_strided", "conv2d", (1, 32, 151, 149), (33, 32, 3, 3), stride=2, padding=1),
    _named("strips_dilated", "conv2d", (1, 16, 130, 140), (17, 16, 3, 3), dilation=(7, 5)),
    _named("strips_groups", "conv2d", (1, 48, 90, 91), (36, 12, 3, 3), groups=4, padding="same"),
    _named("strips_tall_kernel", "conv2d", (1, 16, 200, 150), (4, 16, 11, 1), padding="same"),
    _named("strips_pointwise", "conv2d", (1, 128, 57, 55), (65, 128, 1, 1)),
    _named("strips_last", "conv2d", (1, 110, 112, 32), (40, 32, 3, 3), layout="NHWC", padding=1),
    _named("strips_last_depthwise", "conv2d", (1, 110, 112, 33), (33, 1, 3, 3), layout="NHWC",
           padding=1, groups=33),
    _named("strips_border", "conv2d", (1, 8, 200, 210), (9, 8, 5, 5), padding="same",
           border="symmetric"),
    _named("strips_flip", "conv2d", (1, 8, 150, 210), (24, 8, 3, 5), padding="same", flip=True),
    _named("strips_volume", "conv3d", (1, 8, 20, 31, 30), (10, 8, 3, 3, 3), padding=1),
    _named("strips_volume_strided", "conv3d", (2, 3, 16, 40, 41), (16, 3, 3, 5, 5),
           stride=(1, 2, 2), padding=(1, 2, 2)),
    _named("image", "conv2d", (1, 1, 513, 641), (1, 1, 7, 7)),
    _named("image_bank", "conv2d", (1, 1, 257, 259), (7, 1, 9, 9), padding="same",
           border="reflect"),
    _named("image_colour", "conv2d", (3, 240, 319), (3, 1, 5, 5), groups=3, padding="same"),
    _named("depthwise_large", "conv2d", (1, 33, 112, 113), (33, 1, 3, 3), groups=33, padding=1),
    _named("depthwise_large", "conv2d", (1, 33, 112, 113), (66, 1, 5, 5), groups=33, stride=2),
    _named("batch_large", "conv2d", (7, 16, 30, 31), (17, 16, 3, 3), padding=1),
    _named("wide_map", "conv2d", (1, 4, 5, 20000), (6, 4, 3, 3)),
    _named("tall_map", "conv2d", (1, 4, 20000, 5), (6, 4, 3, 3)),
]

CASES = [
    *GEOMETRY, *BORDER, *BORDER_SIDES, *GROUPS, *FLIP, *LAST, *SHAPES, *CHANNELS, *WIDTHS,
    *KERNELS, *PIECES, *LARGE,
]

# A short list for tests that vary something else (memory, dtypes, values): one case for each way
# a convolution may be computed, with few and many output channels, per channel, channels last.

SAMPLES = [
    Case("many", "conv2d", (2, 3, 9, 12), (20, 3, 3, 3), options={"padding": 1}),
    Case("few", "conv2d", (1, 2, 9, 30), (2, 2, 3, 3), options={"stride": (1, 2)}),
    Case("depthwise", "conv2d", (2, 9, 8, 11), (9, 1, 3, 3), options={"groups": 9, "padding": 1}),
    Case("pointwise", "conv2d", (2, 9, 5, 7), (17, 9, 1, 1)),
    Case("last", "conv2d", (2, 9, 12, 3), (20, 3, 3, 3), options={"layout": "NHWC"}),
    Case("rows", "conv1d", (2, 3, 40), (5, 3, 4), options={"padding": "same"}),
    Case("volume", "conv3d", (1, 2, 5, 6, 9), (3, 2, 2, 3, 3), options={"padding": "full"}),
]
