"""The table of calls with missing cells: layers of the other tables, each with a pattern of gaps.

`LAYERS` and `POOLS` take the small cases of `cases.CASES` and `pool_cases.POOLINGS`, so that every
padding, border, stride, dilation, group, table and layout meets gaps. The patterns take turns.
Missing cells hold NaN, whether a mask says so or `nan="ignore"`: none may reach a result.
"""

import zlib
from dataclasses import dataclass
from math import prod

import numpy as np

import convcore
from tests.tables import cases, pool_cases

PATTERNS = ("plane", "cell", "image", "channel", "nan", "nan pixel", "hole", "none", "all")
MOST = 1200  # outputs of a case: the reference computes them one by one
OF = 4  # one case of so many is taken


@dataclass(frozen=True)
class Gaps:
    """A case of another table, a pattern of missing cells, and whether to divide by what is left.

    `positive`: weights are from 0.25 to 1. Others have both signs.
    """

    base: object
    pattern: str
    normalize: bool
    positive: bool

    def __str__(self):
        words = [str(self.base), self.pattern, "shares" if self.normalize else "sums"]
        return "-".join([*words, "" if self.positive else "signs"])

    @property
    def op(self):
        """The operator."""
        return self.base.op

    @property
    def axes(self):
        """Spatial axes."""
        return int(self.op[-2])

    @property
    def last(self):
        """Whether the channels come last."""
        return self.base.options.get("layout", "NC").endswith("C") and len(
            self.base.options.get("layout", "NC")
        ) > 2

    @property
    def is_layer(self):
        """Whether it has a weight."""
        return hasattr(self.base, "weight")

    def rng(self):
        """Random numbers that are the same each time."""
        return np.random.default_rng(zlib.crc32(str(self).encode()))

    def arguments(self, dtype=np.float64):
        """x, what follows it, and the options, the mask among them."""
        rng = self.rng()
        x = rng.standard_normal(self.base.x).astype(dtype)
        options = dict(self.base.options)
        if self.is_layer:
            shape, bias = self.base.weight, None
            weight = rng.uniform(0.25, 1, shape) if self.positive else rng.standard_normal(shape)
            weight = weight.astype(dtype)
            if self.base.bias:
                bias = rng.standard_normal(shape[0]).astype(dtype)
            more = (weight, bias)
        else:
            options = {**options, **self.base.arguments()}
            more = (options.pop("window" if "window" in options else "kernel_size"),)
        if self.is_layer or self.base.kind in ("avg_pool", "weighted_pool"):
            options["normalize"] = options.get("normalize", True) and self.normalize
        present = self.present(rng)
        if self.pattern.startswith("nan"):
            options["nan"] = "ignore"
        else:
            options["mask"] = self.mask(present)
        x = np.where(np.broadcast_to(present, x.shape), x, np.nan).astype(dtype)
        return x, more, options

    def present(self, rng):
        """Which cells are present, with the axes of x."""
        shape = self.base.x
        channel = len(shape) - (1 if self.last else 1 + self.axes)
        batched = len(shape) == self.axes + 2
        one = {
            "plane": [channel, *[0] * batched],
            "image": [channel],
            "nan pixel": [channel],
            "hole": [channel, *[0] * batched],
            "none": [channel],
            "all": [channel],
        }.get(self.pattern, [])
        if self.pattern == "channel":
            one = [a for a in range(len(shape)) if a != channel]
        size = [1 if a in one else n for a, n in enumerate(shape)]
        if self.pattern in ("none", "all"):
            return np.full(size, self.pattern == "none")
        if self.pattern == "hole":
            present = np.ones(size, bool)
            present[tuple(slice(n // 4, n // 4 + max(n // 2, 1)) if n > 1 else slice(None)
                          for n in size)] = False  # fmt: skip
            return present
        return rng.random(size) < 0.6

    def mask(self, present):
        """The mask as an argument: of the plane alone where that says it."""
        if self.pattern in ("plane", "hole"):
            space = self.base.x[-1 - self.axes : -1] if self.last else self.base.x[-self.axes :]
            return present.reshape(space)
        return present

    def grad(self, shape, dtype=np.float64):
        """A gradient of the result."""
        return np.random.default_rng(7).standard_normal(shape).astype(dtype)


def _size(case):
    """The outputs of a case."""
    x = np.zeros(case.x, np.float32)
    if hasattr(case, "weight"):
        return case.call(convcore, (x, np.ones(case.weight, np.float32), None)).size
    return case.call(convcore, x).size


def _small(table, skip=0):
    for at, case in enumerate(table):
        if (at + skip) % OF or prod(case.x) > 8 * MOST:
            continue
        if 0 < _size(case) <= MOST:
            yield case


def _turns(bases):
    for i, base in enumerate(bases):
        pattern = PATTERNS[i % len(PATTERNS)]
        yield Gaps(base, pattern, bool(i // len(PATTERNS) % 2 == 0), bool(i % 2))


def _has_gaps(pooling):
    return not pooling.op.startswith("adaptive")


LAYERS = list(_turns(_small(cases.CASES)))
POOLS = list(_turns(_small([case for case in pool_cases.POOLINGS if _has_gaps(case)])))
CASES = LAYERS + POOLS
