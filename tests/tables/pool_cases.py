"""The one table of poolings: which windows on what, for every run that needs such a list.

`POOLINGS` is to pooling what `cases.CASES` is to convolution, and is extended the same way: append
a case to the list of its family, or write a new family and name it in `POOLINGS`. There are more
ways to lay windows than ways to pool them, and the windows are found by the same code for all of
them; so most families give each geometry one kind of pooling, all kinds taking turns.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import cycle, product
from math import inf, prod

import numpy as np

from tests.tables.cases import SIDE_PAIRS, rng_of, side_borders, word

LAYOUTS = {1: ("NCW", "NWC"), 2: ("NCHW", "NHWC"), 3: ("NCDHW", "NDHWC")}


@dataclass(frozen=True)
class Pooling:
    """One call: `op(x, **options)`, by shapes; the option `window` is a shape, too."""

    name: str
    op: str
    x: tuple[int, ...]
    options: Mapping[str, object] = field(hash=False)

    def __str__(self):
        return self.name

    @property
    def kind(self):
        """The operator without its number of axes."""
        return self.op[:-2]

    @property
    def axes(self):
        """How many axes the windows have."""
        return int(self.op[-2])

    @property
    def last(self):
        """Whether the channels come last."""
        return self.options.get("layout") == LAYOUTS[self.axes][1]

    @property
    def is_max(self):
        """Whether the numbers of the input come back as they are."""
        return self.kind in ("max_pool", "adaptive_max_pool")

    @property
    def cells(self):
        """How many cells a window has, or more."""
        size = self.options.get("kernel_size") or self.options.get("window") or self.x
        return prod((size,) * self.axes if isinstance(size, int) else size)

    def arguments(self):
        """The options, with the window of a weighted pooling as an array of small integers."""
        options = dict(self.options)
        if "window" in options:
            least = 1 if options.get("normalize", True) else -4      # no sum of weights is zero
            options["window"] = rng_of(self).integers(least, 5, options["window"]).astype(float)
        return options

    def call(self, namespace, x, **more):
        """The case's operator, looked up in `namespace`, on x."""
        return getattr(namespace, self.op)(x, **{**self.arguments(), **more})

    def back(self, namespace, grad, x, **more):
        """The gradient of x."""
        return getattr(namespace, self.op + "_backward")(grad, x, **{**self.arguments(), **more})


def integer_x(case, dtype=np.float32):
    """Small integers: every sum is exact, in any order; and most windows have several maxima."""
    least = 0 if np.dtype(dtype).kind in "bu" else -4
    return rng_of(case).integers(least, 5, case.x).astype(dtype)


def random_x(case, dtype=np.float32):
    """Normal random numbers, whose sums do depend on their order."""
    return rng_of(case).standard_normal(case.x).astype(dtype)


def positive_grad(case, shape, dtype=np.float32):
    """A gradient of small positive integers: what it is spread to does not cancel."""
    return rng_of(case).integers(1, 9, shape).astype(dtype)


SHORT = {"kernel_size": "k", "stride": "s", "padding": "pad", "dilation": "d", "ceil_mode": "ceil",
         "count_include_pad": "count", "window": "w", "output_size": "o", "layout": "l",
         "normalize": "n", "border": "b"}


def _named(prefix, op, x, **options):
    """A case whose name is the prefix, the operator and the options."""
    words = [f"{SHORT.get(key, key)}={word(v)}" for key, v in options.items()]
    return Pooling("-".join([prefix, op, word(x), *words]), op, x, options)


# All kinds but the adaptive ones. Eleven, so that turns fall otherwise for each round of a grid.

TURNS = [
    ("max", {}), ("avg", {}), ("lp", {"p": 3}), ("weighted", {}),
    ("avg", {"count_include_pad": True}), ("max", {}), ("l2", {}), ("lp", {"p": 1}),
    ("weighted", {"normalize": False}), ("lp", {"p": inf}), ("lp", {"p": 1.5}),
]


def _sliding(prefix, kind, x, kernel, **options):
    """A case of any kind but the adaptive ones; the number of axes is that of the kernel."""
    key = "window" if kind == "weighted" else "kernel_size"
    return _named(prefix, f"{kind}_pool{len(kernel)}d", x, **{key: kernel}, **options)


def _in_turn(prefix, calls, turns=TURNS):
    """A case for each (x, kernel, options), the kinds taking turns."""
    return [_sliding(prefix, kind, x, kernel, **options, **more)
            for (x, kernel, options), (kind, more) in zip(calls, cycle(turns), strict=False)]


def _each(prefix, x, kernel, options=None, **more):
    """One geometry with each way of adding cells up."""
    options = {**(options or {}), **more}
    few = [("max", {}), ("avg", {}), ("weighted", {}), ("lp", {"p": 3}), ("lp", {"p": inf})]
    return _in_turn(prefix, [(x, kernel, options)] * len(few), few)


# Every form of padding with strides 1 to 5, dilations 1 to 3, with and without a partial window.

_PADDINGS_1D = ["valid", "same", "same_lower", "full", 2, (3,), ((1, 3),), ((3, 0),)]
_PADDINGS_2D = ["valid", "same", "same_lower", "full", 1, (2, 1), ((0, 2), (3, 1)),
                ("same", (2, 0))]
_PADDINGS_3D = ["valid", "same", "same_lower", "full", 1, (1, 0, 1), ((0, 1), (2, 0), (1, 1))]


def _options(padding, stride, dilation, ceil_mode):
    return {"padding": padding, "stride": stride, "dilation": dilation, "ceil_mode": ceil_mode}


GEOMETRY = [
    *_in_turn("geometry", [((2, 3, 19), (4,), _options(p, s, d, (i + s + d) % 2 == 1))
                           for (i, p), s, d in product(
                               enumerate(_PADDINGS_1D), (1, 2, 3, 4, 5), (1, 2, 3))]),
    *_in_turn("geometry", [((2, 3, 11, 13), (3, 4), _options(p, s, d, (i + j + m) % 2 == 1))
                           for (i, p), (j, s), (m, d) in product(
                               enumerate(_PADDINGS_2D), enumerate([1, 2, (1, 4), 5]),
                               enumerate([1, (2, 1), (1, 3)]))]),
    *_in_turn("geometry", [((1, 2, 7, 8, 9), (2, 3, 2), _options(p, s, d, c)) for p, (s, d, c)
                           in product(_PADDINGS_3D, [
                               (1, 1, False), (2, 1, True), ((3, 1, 2), 1, False), (1, 2, True),
                               ((1, 2, 3), (3, 2, 1), True), (None, 1, True)])]),
    *_in_turn("geometry_last", [((2, 11, 13, 3), (3, 4), {"layout": "NHWC", **_options(*o)})
                                for o in product(_PADDINGS_2D, [1, (2, 3)], [1], [True])]),
    *_in_turn("geometry_last", [((2, 19, 3), (4,), {"layout": "NWC", **_options(*o)})
                                for o in product(_PADDINGS_1D, [1, 3], [2], [True])]),
    *_in_turn("geometry_last", [((1, 7, 8, 9, 2), (2, 3, 2), {"layout": "NDHWC", **_options(*o)})
                                for o in product(_PADDINGS_3D, [(1, 2, 3)], [1], [True])]),
    # windows of one cell, windows apart from each other, windows as large as the input
    *_each("one_cell", (2, 3, 9, 10), (1, 1), stride=(2, 3)),
    *_each("apart", (2, 3, 20, 23), (2, 1), stride=(5, 7), ceil_mode=True),
    *_each("just_fits", (2, 3, 5, 7), (5, 7)),
    *_each("just_fits", (2, 3, 7, 9), (3, 3), stride=1, dilation=(3, 4)),
    *_each("more_window_than_input", (2, 2, 3, 2), (5, 9), stride=1, padding=((2, 4), (7, 7))),
    *_each("mostly_padding", (2, 9, 20), (3,), stride=1, dilation=600, padding="same"),
    *_each("mostly_padding", (1, 3, 10), (1200,), stride=200, padding=((1100, 900),)),
]

# What the padding holds, for each side of each axis: in short rows and long ones, with windows that
# are as long as the input and longer, in every way of reducing them.


def _bordered(x, kernel, border, padding, **options):
    """A call; where the padding holds nothing, there is so little of it that no window is empty."""
    if not isinstance(padding, str):
        axes = zip(border, padding, kernel, strict=True)
        padding = tuple(
            tuple(min(p, k - 1) if b == "zeros" else p for b, p in zip(sides, pair, strict=True))
            for sides, pair, k in axes)
    return (x, kernel, {"border": border, "padding": padding, **options})


def _numbers_of(side, dtype):
    if isinstance(side, tuple):
        return tuple(_numbers_of(each, dtype) for each in side)
    if isinstance(side, str):
        return side
    return {"b": 1, "u": abs(int(side)) % 200, "i": int(side) % 100}[dtype.kind]


def of_integers(case, dtype):
    """The case with constants that an integer dtype has."""
    dtype = np.dtype(dtype)
    if dtype.kind == "f" or "border" not in case.options:
        return case
    return replace(case, options={**case.options,
                                  "border": _numbers_of(case.options["border"], dtype)})


BORDERS = [
    *(case for pair in SIDE_PAIRS
      for case in _each("sides", *_bordered((2, 2, 7), (3,), (pair,), ((3, 4),), stride=1))),
    *_in_turn("sides_strided", [_bordered((2, 3, 9), (4,), (pair,), ((5, 9),), stride=1 + i % 3,
                                          dilation=1 + i % 2, ceil_mode=i % 5 > 2)
                                for i, pair in enumerate(SIDE_PAIRS)]),
    *_in_turn("sides2d", [_bordered((2, 2, 6, 9), (3, 3), b, ((3, 2), (2, 4)),
                                    stride=(1 + i % 2, 1), dilation=(1, 1 + i % 3 // 2),
                                    ceil_mode=i % 2 == 1)
                          for i, b in enumerate(side_borders(2, 49))]),
    *_in_turn("sides2d_last", [_bordered((2, 6, 9, 3), (3, 2), b, ((3, 2), (2, 4)), stride=(2, 1),
                                         layout="NHWC") for b in side_borders(2, 22)]),
    *_in_turn("sides3d", [_bordered((1, 2, 3, 4, 5), (2, 3, 2), b, ((2, 1), (3, 4), (2, 2)),
                                    stride=(1, 2, 1)) for b in side_borders(3, 33)]),
    *_in_turn("sides3d_last", [_bordered((1, 3, 4, 5, 2), (2, 1, 3), b, ((1, 1), (3, 4), (2, 2)),
                                         stride=1, layout="NDHWC") for b in side_borders(3, 11)]),
    *_in_turn("sides_long", [_bordered((1, 2, 24, 27), (12, 9), b, ((7, 9), (5, 8)), stride=(s, 1))
                             for b, s in product(side_borders(2, 11), (1, 2))]),
    *_in_turn("sides_long_last", [_bordered((1, 24, 27, 2), (9, 11), b, ((7, 9), (5, 8)), stride=1,
                                            layout="NHWC") for b in side_borders(2, 11)]),
    *_in_turn("sides_wide", [_bordered((1, 1, 3, 4600), (2, 3), b, ((1, 1), (2, 5)), stride=(1, 2))
                             for b in side_borders(2, 11)]),
    *_in_turn("sides_many", [_bordered((4, 9, 5, 3), (2, 2), b, ((1, 2), (1, 1)), stride=1)
                             for b in side_borders(2, 11)]),
    *_in_turn("sides_pieces", [_bordered((1, 1, 2, 30), (1, 4300), b, ((0, 0), (2200, 2100)),
                                         stride=(1, 9)) for b in side_borders(2, 11)]),
    *_in_turn("sides_one", [_bordered((2, 3, 8, 9), (3, 3), b, "same", stride=1) for b in (
        -1024.0, 0.0, 7, ("reflect", "wrap"), ("edge", 0.5), (("edge", 0.0), "wrap"),
        ("zeros", "wrap"), (("zeros", "edge"), 2.0))]),
]

# Windows so long that neighbours share what they have in common: along rows, columns, both.

_ROWS = [((2, 3, 64), (k,), {"stride": s, "padding": p, "dilation": d, "ceil_mode": k % 2 == 0})
         for s, d, p, kernels in [
             (1, 1, "valid", range(9, 41, 2)), (1, 1, "same", range(10, 41, 3)),
             (2, 1, "valid", range(16, 41, 4)), (3, 1, ((7, 2),), range(24, 41, 4)),
             (1, 2, "same", range(9, 30, 4)), (2, 3, 5, range(17, 23, 2)),
             (5, 1, "valid", range(39, 44))]
         for k in kernels]
_PLANES = [(x, kernel, {"stride": s, "padding": p}) for x, kernel, s, p in [
    ((2, 2, 9, 50), (2, 9), (2, 1), "valid"), ((2, 2, 9, 50), (3, 17), (3, 1), "same"),
    ((2, 2, 9, 50), (3, 33), (2, 3), ((1, 0), (20, 8))), ((2, 2, 9, 70), (1, 40), (4, 2), "same"),
    ((2, 2, 50, 9), (9, 2), (1, 2), "valid"), ((2, 2, 50, 9), (17, 3), (1, 3), "same"),
    ((2, 2, 50, 9), (33, 1), (3, 2), ((20, 8), (0, 0))), ((2, 2, 70, 9), (40, 3), (2, 4), "same"),
    ((1, 2, 30, 34), (11, 13), 2, "valid"), ((1, 2, 24, 27), (9, 10), 1, "valid"),
    ((1, 2, 24, 27), (12, 9), (2, 1), "same"), ((1, 3, 26, 20), (23, 18), 2, "same"),
    ((1, 1, 40, 40), (39, 38), 1, "valid"), ((1, 1, 12, 140), (2, 130), 1, "valid"),
    ((1, 1, 140, 12), (130, 2), 1, "valid")]]

# Tall and wide enough for several lots of lines and several tiles of columns.
_TALL = [(x, kernel, {"stride": s, "padding": p}) for x, kernel, s, p in [
    ((1, 2, 300, 3), (9, 2), 1, "valid"), ((1, 1, 300, 2), (30, 1), 1, "same"),
    ((2, 2, 250, 5), (33, 3), (2, 2), "valid"), ((1, 1, 420, 3), (130, 2), (1, 2), "valid"),
    ((1, 2, 400, 3), (28, 3), (3, 1), "same_lower"), ((2, 33, 130, 2), (17, 2), (2, 1), "valid"),
    ((1, 1, 150, 600), (20, 170), (5, 21), "valid"), ((1, 2, 160, 500), (25, 3), (3, 40), "same"),
    ((1, 1, 2, 2500), (2, 28), (2, 3), "same"), ((1, 1, 1, 4500), (1, 65), (1, 8), "valid"),
    ((1, 2, 2, 130, 3), (1, 12, 2), 1, "valid")]]


def _channels_last(calls, layout):
    """The same calls with the channels last."""
    return [((x[0], *x[2:], x[1]), kernel, {**options, "layout": layout})
            for x, kernel, options in calls]


LONG = [
    *_in_turn("long_rows", _ROWS),
    *_in_turn("long_rows_last", _channels_last(_ROWS[::4], "NWC")),
    *_in_turn("long", _PLANES * 2),
    *_in_turn("long_last", _channels_last(_PLANES[1:], "NHWC"), TURNS[::-1]),
    *_in_turn("tall", _TALL * 2, [TURNS[1], TURNS[0], TURNS[2], TURNS[6]]),
    *_in_turn("tall_last", _channels_last(_TALL[:-1], "NHWC"), TURNS[1:]),
    *_in_turn("long_dilated", [((1, 2, 40, 9), (9, 2), {"stride": 1, "dilation": (2, 1)}),
                               ((1, 2, 40, 50), (9, 10), {"stride": (3, 2), "dilation": (3, 4)}),
                               ((1, 2, 9, 60), (2, 20), {"stride": 1, "dilation": (3, 2)}),
                               ((1, 2, 300, 3), (10, 2), {"stride": 1, "dilation": (7, 1)})] * 3),
    *_in_turn("long_volume", [((1, 2, 3, 20, 18), (1, 9, 2), {"stride": (1, 1, 2)}),
                              ((1, 2, 20, 3, 7), (9, 1, 2), {"stride": (1, 2, 2)}),
                              ((2, 1, 3, 20, 22), (2, 12, 9), {"stride": 1}),
                              ((2, 1, 3, 20, 22), (1, 17, 20), {"stride": (1, 2, 1)})] * 2),
    # as long, but too few of them for sharing
    *_in_turn("long_few", [((2, 3, 44), (40,), {"stride": 1}), ((2, 3, 44), (40,), {}),
                           ((2, 3, 44, 3), (41, 2), {"stride": 1}),
                           ((2, 3, 4, 50), (2, 48), {"stride": 1})] * 2),
]

# Every width from 1 to 50, few and many images and channels, dense and strided; and heights.

WIDTHS = [
    *_in_turn("width", [((1, 2, 4, w + 2), (3, 3), {"stride": (2, 1)}) for w in range(1, 51, 2)]),
    *_in_turn("width", [((2, 3, w), (3,), {"stride": 1 + w % 3, "padding": "same"})
                        for w in range(1, 51)]),
    *_in_turn("width_halved", [((1, 3, 4, 2 * w + w % 2), (2, 2), {}) for w in range(2, 51, 2)]),
    *_in_turn("width_3of2", [((2, 2, 5, 2 * w + 1), (3, 3), {"stride": 2})
                             for w in range(1, 51, 3)]),
    *_in_turn("width_last", [((1, 3, w, 4), (2, 3), {"stride": 1, "padding": "same",
                                                     "layout": "NHWC"}) for w in range(1, 51, 3)]),
    *_in_turn("height", [((1, 2, h, 20), (3, 3), {"stride": 2, "padding": 1})
                         for h in range(1, 20)]),
    *_in_turn("depth", [((1, 2, d, 5, 6), (2, 2, 3), {"stride": 2, "ceil_mode": True})
                        for d in range(2, 12)]),
]

# Channel counts around the widths of vectors, first and last; short rows, where planes are lanes.

_COUNTS = (1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 65)

CHANNELS = [
    *_in_turn("channels_last", [((2, 7, 8, c), (3, 3), {"stride": s, "padding": 1,
                                                        "layout": "NHWC"})
                                for c, s in product(_COUNTS, (1, 2))]),
    *_in_turn("channels_last", [((2, 30, c), (9,), {"stride": 1, "layout": "NWC"})
                                for c in _COUNTS]),
    *_in_turn("channels", [((1, c, 6, 5), (2, 3), {"stride": 2}) for c in _COUNTS]),
    *_in_turn("channels", [((2, c, 4, 3, 4), (2, 2, 2), {"ceil_mode": True}) for c in _COUNTS]),
    *_in_turn("small_planes", [((3, 70, 4, 4), (2, 2), {}), ((1, 300, 2, 2), (2, 2), {}),
                               ((2, 33, 5, 3), (3, 3), {"stride": 1, "padding": 1}),
                               ((1, 100, 7), (3,), {"stride": 2}), ((70, 1, 6), (2,), {}),
                               ((1, 64, 3, 3), (3, 3), {}),
                               ((5, 33, 3, 4, 2), (2, 3, 2), {"stride": 1})] * 2),
]

# The norms, each with every order.

NORMS = [
    _sliding("norm", "lp", x, kernel, p=p, **options)
    for p, (x, kernel, options) in product((1, 1.5, 2, 3, 4, inf), [
        ((2, 3, 40), (3,), {"stride": 2}), ((2, 3, 60), (25,), {"stride": 1, "padding": "same"}),
        ((2, 3, 12, 14), (3, 3), {"stride": 1, "padding": 1}),
        ((2, 9, 10, 17), (2, 3), {"layout": "NHWC", "ceil_mode": True}),
        ((1, 2, 5, 6, 7), (2, 3, 3), {"stride": 2, "dilation": (1, 2, 1)})])
]

# Adaptive sizes that divide and that do not, more outputs than cells, one output.

_ADAPTIVE_1D = [(12, 4), (12, 5), (7, 3), (5, 12), (1, 1), (1, 4), (13, 13), (100, 7), (40, 9),
                (60, 2), (64, 64), (17, 16), (16, 17), (97, 1), (10, None)]
_ADAPTIVE_2D = [((6, 8), (3, 2)), ((7, 9), (3, 4)), ((3, 4), (7, 9)), ((9, 10), (None, 3)),
                ((5, 6), (2, None)), ((7, 7), 7), ((8, 5), 1), ((13, 17), (1, 5)), ((13, 17), 6),
                ((24, 24), (5, 24))]
_ADAPTIVE_3D = [((4, 6, 8), 2), ((5, 6, 7), (2, 3, 4)), ((2, 3, 4), (3, 4, 5)),
                ((5, 6, 7), (None, 1, 3)), ((3, 4, 5), 1)]


def _adaptive(kind, x, size, **options):
    axes = len(options.get("layout", "N" * len(x))) - 2
    return _named("adaptive", f"adaptive_{kind}_pool{axes}d", x, output_size=size, **options)


ADAPTIVE = [
    *(_adaptive(kind, (2, 3, n), m) for kind, (n, m) in product(("avg", "max"), _ADAPTIVE_1D)),
    *(_adaptive(kind, (2, n, c), m, layout="NWC") for kind, (n, m), c in product(
        ("avg", "max"), _ADAPTIVE_1D[::4], (2, 17))),
    *(_adaptive(kind, (2, 5, *n), m) for kind, (n, m) in product(("avg", "max"), _ADAPTIVE_2D)),
    *(_adaptive(kind, (2, *n, c), m, layout="NHWC") for kind, (n, m), c in product(
        ("avg", "max"), _ADAPTIVE_2D[::2], (2, 33))),
    *(_adaptive(kind, (2, 3, *n), m) for kind, (n, m) in product(("avg", "max"), _ADAPTIVE_3D)),
    *(_adaptive(kind, (1, *n, 3), m, layout="NDHWC") for kind, (n, m) in product(
        ("avg", "max"), _ADAPTIVE_3D)),
    # many small planes, and a few of everything
    *(_adaptive(kind, x, m) for kind, (x, m) in product(("avg", "max"), [
        ((3, 70, 4, 4), 2), ((2, 40, 7, 7), 1), ((1, 100, 5), 3), ((3, 33, 3, 2), 4)])),
]

# Without a batch, with an empty one, without channels.

SHAPES = [
    *_each("unbatched", (3, 20), (3,), stride=2),
    *_each("unbatched", (3, 8, 9), (3, 3), padding="same"),
    *_each("unbatched", (2, 4, 5, 6), (2, 2, 2), ceil_mode=True),
    *_each("unbatched", (8, 9, 3), (3, 3), layout="NHWC"),
    *(_adaptive(kind, (3, 9, 4), (2, 3), layout="NCHW") for kind in ("avg", "max")),
    *(_adaptive(kind, (9, 4, 3), (2, 3), layout="NHWC") for kind in ("avg", "max")),
    *_each("no_batch", (0, 3, 8, 9), (3, 3)),
    *_each("no_channel", (2, 0, 8, 9), (3, 3)),
    *_each("no_channel", (2, 8, 9, 0), (3, 3), layout="NHWC"),
    *(_adaptive(kind, (0, 3, 7), 2) for kind in ("avg", "max")),
    *_each("one_number", (1, 1, 1), (1,)),
    *_each("one_number", (1, 1, 1, 1, 1), (1, 1, 1)),
]

# Long rows, tall and wide images, long windows of more than 4096 cells.

LARGE = [
    *_each("long_row", (1, 1, 5000), (9,), stride=20),
    *_in_turn("long_row", [((1, 2, 5000), (600,), {"stride": 50}),
                           ((1, 5000, 3), (600,), {"stride": 50, "layout": "NWC"}),
                           ((1, 1, 5000), (3,), {"stride": 30, "dilation": 129}),
                           ((1, 1, 5000), (40,), {"stride": 37, "padding": "same"})] * 2),
    *_each("wide_image", (1, 2, 3, 3000), (2, 3), stride=(1, 25)),
    *_each("tall_image", (1, 2, 3000, 3), (3, 2), stride=(25, 1)),
    *_each("long_window", (2, 2, 9000), (5000,), stride=1000),
    *_each("long_window", (2, 9000, 3), (4097,), stride=2000, layout="NWC"),
    *_each("long_window", (1, 1, 4500), (4400,), stride=10),
    *_each("long_window", (1, 1, 13000), (6500,), stride=300, dilation=2),
    *_each("long_window", (1, 1, 3, 10000), (2, 4500), stride=(1, 1500)),
    *_each("large_window", (1, 2, 70, 80), (65, 70), stride=3),
    *_each("large_window", (1, 2, 70, 80), (70, 80)),
    *_each("large_window", (1, 18, 17, 18), (17, 16, 17), stride=1),
    *(_adaptive(kind, x, m) for kind, (x, m) in product(("avg", "max"), [
        ((2, 3, 5000), 1), ((1, 2, 13001), 3), ((1, 2, 70, 80), 1), ((1, 1, 3, 9001), (2, 2))])),
    # work enough for several threads, in shares that do not come out
    *_each("shared", (3, 67, 21, 22), (3, 3), stride=2),
    *_each("shared", (3, 21, 22, 67), (3, 3), stride=2, layout="NHWC"),
    *_each("shared", (1, 3, 250, 260), (17, 19), stride=(13, 12)),
    *_each("shared", (1, 2, 50, 1900), (33, 60), stride=(3, 50)),
    *_each("shared", (1, 1, 90000), (30,), stride=300),
    *_each("shared", (1, 2, 30, 40, 41), (3, 9, 4), stride=(4, 5, 4)),
    *(_adaptive(kind, (5, 67, 24, 25), (7, 9)) for kind in ("avg", "max")),
    *(_adaptive(kind, (1, 3, 240, 250), (17, 19)) for kind in ("avg", "max")),
]

POOLINGS = [*GEOMETRY, *BORDERS, *LONG, *WIDTHS, *CHANNELS, *NORMS, *ADAPTIVE, *SHAPES, *LARGE]

# A short list for tests that vary something else (memory, dtypes, values): each kind, and each way
# a pooling may be computed: along rows, by planes, by channels, with sums shared, cut unevenly.

SAMPLES = [
    _sliding("rows", "max", (2, 3, 9, 12), (2, 3), stride=(2, 1)),
    _sliding("halved", "max", (2, 3, 8, 40), (2, 2)),
    _sliding("shared", "max", (2, 3, 26, 30), (11, 9), stride=1, padding="same"),
    _sliding("channels", "max", (2, 9, 12, 5), (3, 3), stride=2, layout="NHWC"),
    _sliding("planes", "max", (2, 40, 4), (2,)),
    _sliding("rows", "avg", (2, 3, 9, 12), (3, 3), stride=1, padding=1),
    _sliding("shared", "avg", (2, 3, 60), (17,), stride=2, count_include_pad=True, padding=8),
    _sliding("channels", "avg", (2, 5, 6, 7, 3), (2, 3, 2), ceil_mode=True, layout="NDHWC"),
    _sliding("rows", "lp", (1, 2, 5, 6, 9), (2, 3, 3), stride=2, padding="full", p=3),
    _sliding("shared", "l2", (2, 3, 26, 30), (10, 12), stride=1),
    _sliding("largest", "lp", (2, 9, 12, 5), (3, 3), stride=2, layout="NHWC", p=inf),
    _sliding("rows", "weighted", (2, 3, 9, 12), (3, 3), stride=(1, 2), padding="same"),
    _adaptive("avg", (2, 3, 9, 14), (4, 5)),
    _adaptive("max", (2, 9, 14, 3), (4, 15), layout="NHWC"),
    _adaptive("avg", (2, 3, 100), 1),
]
