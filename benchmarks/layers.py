"""The benchmark's layers: read from `layers.txt`, selected by pattern, filled with data."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

LAYERS_FILE = Path(__file__).parent / "layers.txt"


@dataclass(frozen=True)
class Layer:
    """One line of `layers.txt`: n, c, h, w in, k out, kernel (r, s)."""

    name: str
    group: str
    n: int
    c: int
    h: int
    w: int
    k: int
    kernel: tuple[int, int]
    stride: int
    padding: int
    groups: int

    @property
    def output_shape(self):
        """(n, k, oh, ow), from floor((size + 2 padding - kernel) / stride) + 1."""
        oh, ow = (
            (size + 2 * self.padding - kernel) // self.stride + 1
            for size, kernel in zip((self.h, self.w), self.kernel, strict=True)
        )
        return self.n, self.k, oh, ow

    @property
    def flops(self):
        """Two per multiply-add of the direct sum, taps that fall on padding counted too."""
        r, s = self.kernel
        return 2 * int(np.prod(self.output_shape)) * (self.c // self.groups) * r * s

    @property
    def is_image(self):
        """Whether it is one plane to one plane of the same size: what an image filter does."""
        same = all(2 * self.padding + 1 == size for size in self.kernel)
        return self.n == self.c == self.k == self.stride == 1 and same

    @property
    def shape_text(self):
        """For example `64x56x56->128 3x3 s2 p1`, the defaults left out."""
        batch = f"{self.n}x" if self.n > 1 else ""
        depthwise = self.groups == self.c == self.k > 1
        output = " dw" if depthwise else f"->{self.k}"
        text = f"{batch}{self.c}x{self.h}x{self.w}{output} {self.kernel[0]}x{self.kernel[1]}"
        text += f" s{self.stride}" if self.stride > 1 else ""
        text += f" p{self.padding}" if self.padding > 0 else ""
        return text + (f" g{self.groups}" if self.groups > 1 and not depthwise else "")

    def data(self):
        """Return float32 (x, weight), the same on every run: normal x, He-scaled normal weight."""
        rng = np.random.default_rng(0)
        fan_in = self.c // self.groups * self.kernel[0] * self.kernel[1]
        x = rng.standard_normal((self.n, self.c, self.h, self.w), dtype=np.float32)
        weight = rng.standard_normal((self.k, self.c // self.groups, *self.kernel), np.float32)
        return x, weight * np.float32(np.sqrt(2 / fan_in))


def read_layers(path=LAYERS_FILE):
    """Return every layer of the table at `path`; a bad line is a ValueError that names it."""
    layers = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        fields = line.partition("#")[0].split()
        if not fields:
            continue
        try:
            name, group, n, c, h, w, k, kernel, stride, padding, groups = fields
            r, s = kernel.split("x")
            sizes = [int(value) for value in (n, c, h, w, k)]
            rest = [int(value) for value in (stride, padding, groups)]
            layers.append(Layer(name, group, *sizes, (int(r), int(s)), *rest))
        except ValueError as error:
            raise ValueError(f"{path.name}, line {number}: {error}: {line!r}") from None
    return layers


def select(layers, patterns):
    """Return the layers whose name or group matches one of the shell patterns, in table order.

    A pattern that matches nothing is a ValueError: a typing error must not shorten a run silently.
    """
    if not patterns:
        return list(layers)
    chosen = set()
    for pattern in patterns:
        found = [
            layer.name
            for layer in layers
            if fnmatchcase(layer.name, pattern) or fnmatchcase(layer.group, pattern)
        ]
        if not found:
            groups = ", ".join(dict.fromkeys(layer.group for layer in layers))
            raise ValueError(
                f"no layer's name or group matches {pattern!r}; groups: {groups}; "
                "--list shows every layer"
            )
        chosen.update(found)
    return [layer for layer in layers if layer.name in chosen]
