"""The benchmark's layers: read from `layers.txt`, selected by pattern, filled with data."""

from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import ClassVar

import numpy as np

from convcore import connections

from .measured import Measured
from .networks import WHOLE
from .passes import PASSES

LAYERS_FILE = Path(__file__).parent / "layers.txt"


@dataclass(frozen=True)
class Layer(Measured):
    """A layer: c, h, w of its input, kernel (r, s), stride and padding.

    A kind of layer adds its own columns, `k` (output channels) and `call()`.
    """

    c: int
    h: int
    w: int
    kernel: tuple[int, int]
    stride: int
    padding: int

    @property
    def input_shape(self):
        return self.n, self.c, self.h, self.w

    @property
    def output_shape(self):
        """(n, k, oh, ow), from floor((size + 2 padding - kernel) / stride) + 1."""
        oh, ow = (
            (size + 2 * self.padding - kernel) // self.stride + 1
            for size, kernel in zip((self.h, self.w), self.kernel, strict=True)
        )
        return self.n, self.k, oh, ow

    @property
    def operand_shapes(self):
        """The shapes of what `data` returns."""
        return (self.input_shape,)

    @property
    def is_image(self):
        """Whether it is one plane to one plane of the same size: what an image filter does."""
        same = all(2 * self.padding + 1 == size for size in self.kernel)
        return self.n == self.c == self.k == self.stride == 1 and same

    @property
    def shape_text(self):
        """For example `64x56x56->128 3x3 s2 p1`, the defaults left out."""
        batch = f"{self.n}x" if self.n > 1 else ""
        text = f"{batch}{self.c}x{self.h}x{self.w}{self._operator_text}"
        text += f" s{self.stride}" if self.stride > 1 else ""
        return text + (f" p{self.padding}" if self.padding > 0 else "")

    @property
    def _kernel_text(self):
        return f"{self.kernel[0]}x{self.kernel[1]}"

    def data(self):
        """Return the float32 operands, the same on every run; the first is x, normal numbers."""
        rng = np.random.default_rng(0)
        return tuple(rng.standard_normal(shape, np.float32) for shape in self.operand_shapes)


@dataclass(frozen=True)
class Weighted(Layer):
    """A layer with k output channels whose second operand is the weight, of `weight_shape`."""

    rate = "GFLOP/s"
    roof = "peak"

    k: int

    @property
    def flops(self):
        """Two per multiply-add of the direct sum, taps that fall on padding counted too."""
        return round(2 * int(np.prod(self.output_shape)) * self._fan_in)

    @property
    def work(self):
        return self.flops

    @property
    def operand_shapes(self):
        return self.input_shape, self.weight_shape

    @property
    def bias_shape(self):
        """That of a bias, one for each kernel; no layer is measured with one."""
        return self.weight_shape[:-3]

    @property
    def _operator_text(self):
        return f"->{self.k} {self._kernel_text}"

    @property
    def _fan_in(self):
        """How many weights an output has, on average."""
        return self.c * self.kernel[0] * self.kernel[1]

    def data(self):
        """Return (x, weight), the weight scaled as He does."""
        x, weight = super().data()
        weight *= np.float32(np.sqrt(2 / self._fan_in))
        return x, weight


@dataclass(frozen=True)
class Conv(Weighted):
    """A convolution in groups."""

    kind = "conv"

    groups: int

    @property
    def weight_shape(self):
        return self.k, self.c // self.groups, *self.kernel

    @property
    def shape_text(self):
        grouped = self.groups > 1 and not self._depthwise
        return super().shape_text + (f" g{self.groups}" if grouped else "")

    @property
    def _operator_text(self):
        return f" dw {self._kernel_text}" if self._depthwise else super()._operator_text

    @property
    def _depthwise(self):
        return self.groups == self.c == self.k > 1

    @property
    def _fan_in(self):
        return super()._fan_in // self.groups

    @property
    def is_signal(self):
        """Whether it is one row to one row without padding: what a signal's filter does."""
        one = self.n * self.c * self.h * self.k * self.stride * self.kernel[0]
        return one == 1 and self.padding == 0

    def call(self):
        """Return convcore's function, its arguments after the operands, and its options."""
        return "conv2d", (None, self.stride, self.padding, 1, self.groups), {}


@dataclass(frozen=True)
class Gauss(Conv):
    """A convolution with a square Gaussian, which ends at four sigma."""

    @property
    def sigma(self):
        """17 taps: 2."""
        return self.kernel[0] // 8

    @property
    def taps(self):
        """The kernel along one axis, in float64; the kernel is its outer product with itself."""
        places = np.arange(self.kernel[0]) - self.kernel[0] // 2
        taps = np.exp(-0.5 * (places / self.sigma) ** 2)
        return taps / taps.sum()

    @property
    def shape_text(self):
        return f"{super().shape_text} sigma {self.sigma}"

    def data(self):
        """Return (x, weight)."""
        x, weight = super().data()
        weight[:] = np.outer(self.taps, self.taps)
        return x, weight


@dataclass(frozen=True)
class Variant(Weighted):
    """A relative of convolution: other weights for other outputs, or the other way round."""

    kind = "variant"
    groups: ClassVar[int] = 1

    @property
    def shape_text(self):
        return f"{super().shape_text} {self._variant_text}"

    def call(self):
        """Return convcore's function, its arguments after the operands, and its options."""
        return self.function, (None, self.stride, self.padding), {}


@dataclass(frozen=True)
class Local(Variant):
    """A local layer: every output has weights of its own."""

    function: ClassVar[str] = "local_conv2d"
    _variant_text: ClassVar[str] = "local"

    @property
    def weight_shape(self):
        return self.k, *self.output_shape[2:], self.c, *self.kernel

    @property
    def bytes_seen_once(self):
        return 4 * int(np.prod(self.weight_shape)) if self.n == 1 else 0


@dataclass(frozen=True)
class Tiled(Variant):
    """A tiled convolution: weights that repeat after `period` outputs, along both axes."""

    function: ClassVar[str] = "tiled_conv2d"

    period: int

    @property
    def weight_shape(self):
        return self.k, self.period, self.period, self.c, *self.kernel

    @property
    def _variant_text(self):
        return f"period {self.period}"


@dataclass(frozen=True)
class Table(Variant):
    """A convolution in which an output channel sees only some of the input channels.

    `table` says which: `lenet5-c3`, or how many for each output channel, drawn at random.
    The weights of the others are zeros, so a convolution without a table has the same result.
    """

    function: ClassVar[str] = "conv2d"

    table: str

    @property
    def weight_shape(self):
        return self.k, self.c, *self.kernel

    @property
    def connections(self):
        """The table: bools of shape (k, c)."""
        if self.table == "lenet5-c3":
            return connections.lenet5_c3()
        return connections.random(self.k, self.c, int(self.table), rng=0)

    @property
    def _variant_text(self):
        return f"{self.connections.sum()} of {self.k * self.c} pairs"

    @property
    def _fan_in(self):
        return float(super()._fan_in * self.connections.mean())

    def data(self):
        """Return (x, weight), zeros for the weights of channels that are not seen."""
        x, weight = super().data()
        weight[~self.connections] = 0
        return x, weight

    def call(self):
        """Return convcore's function, its arguments after the operands, and its options."""
        name, arguments, options = super().call()
        return name, arguments, {**options, "connections": self.connections}


@dataclass(frozen=True)
class Transposed(Variant):
    """A transposed convolution, with `more` (output padding) rows and columns than the fewest."""

    function: ClassVar[str] = "conv_transpose2d"

    more: int

    @property
    def output_shape(self):
        """(n, k, oh, ow), the size whose convolution has this layer's input size."""
        oh, ow = (
            (size - 1) * self.stride + kernel - 2 * self.padding + self.more
            for size, kernel in zip((self.h, self.w), self.kernel, strict=True)
        )
        return self.n, self.k, oh, ow

    @property
    def weight_shape(self):
        return self.c, self.k, *self.kernel

    @property
    def bias_shape(self):
        return (self.k,)

    @property
    def flops(self):
        """Two per multiply-add: each cell with each weight of its channel, what is cut off too."""
        return 2 * int(np.prod(self.input_shape)) * self.k * self.kernel[0] * self.kernel[1]

    @property
    def _variant_text(self):
        return "transposed" + (f" +{self.more}" if self.more else "")

    @property
    def _fan_in(self):
        return super()._fan_in / self.stride**2

    def call(self):
        """Return convcore's function, its arguments after the operands, and its options."""
        name, arguments, options = super().call()
        return name, arguments, {**options, "output_padding": self.more}


@dataclass(frozen=True)
class Pool(Layer):
    """Pooling with windows of the kernel's size: as many channels out as in."""

    kind = "pool"
    rate = "GB/s"
    roof = "copy"

    @property
    def k(self):
        return self.c

    @property
    def flops(self):
        """One for each cell of each window, padding included; two where it is squared first."""
        r, s = self.kernel
        return int(np.prod(self.output_shape)) * r * s * (2 if self.op == "l2" else 1)

    @property
    def work(self):
        return self.bytes_moved

    @property
    def function(self):
        """The word for it in a function's name: a box is an average."""
        return "avg" if self.op == "box" else self.op

    @property
    def is_global(self):
        """Whether its only window is the whole plane; no library has a name for that L2."""
        return self.op != "l2" and self.padding == 0 and self.kernel == (self.h, self.w)

    @property
    def _operator_text(self):
        return f" {self.op} " + ("global" if self.is_global else self._kernel_text)

    def call(self):
        """Return convcore's function, its arguments after the operands, and its options."""
        if self.is_global:
            return f"adaptive_{self.function}_pool2d", (1,), {}
        options = {"count_include_pad": True} if self.op == "box" else {}
        return f"{self.function}_pool2d", (self.kernel, self.stride, self.padding), options


POOLS = ("max", "avg", "box", "l2")
KINDS = {  # by operator
    "conv": Conv,
    "gauss": Gauss,
    **dict.fromkeys(POOLS, Pool),
    "local": Local,
    "tiled": Tiled,
    "table": Table,
    "transposed": Transposed,
    **WHOLE,
}
TRAINED = ("conv", "local", "tiled", "transposed")  # those with gradients that peers have too
OPS = (*KINDS, *PASSES)  # what a library can be asked for
WORDS = {  # of kinds, in tables' titles
    "conv": "convolution",
    "pool": "pooling",
    "variant": "variants",
    "gradients": "training",
    "network": "networks",
}


def _value(column, text):
    """Return the value of one cell of the table."""
    if column in ("name", "group", "op", "table", "net"):
        return text
    if column == "kernel":
        r, s = text.split("x")
        return int(r), int(s)
    return int(text)


def _layers(cells):
    """Return the layers of one line's cells: one, or it and its gradients."""
    op, *more = cells[2].split("+") if len(cells) > 2 else [None]
    if more not in ([], ["gradients"]) or (more and op not in TRAINED):
        raise ValueError(f"+gradients, nothing else, may follow {', '.join(TRAINED)}")
    layer = _layer(op, cells)
    return [one_pass(layer) for one_pass in PASSES.values()] if more else [layer]


def _layer(op, cells):
    """Return the layer of one line's cells; the columns are the fields of its kind, in order."""
    if op not in KINDS:
        raise ValueError(f"no operator {op!r}, only {', '.join(KINDS)}")
    columns = [field.name for field in fields(KINDS[op])]
    if len(cells) != len(columns):
        raise ValueError(f"{len(cells)} columns, not {len(columns)}")
    return KINDS[op](*map(_value, columns, (*cells[:2], op, *cells[3:])))


def read_layers(path=LAYERS_FILE):
    """Return every layer of the table at `path`; a bad line is a ValueError that names it."""
    layers = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        cells = line.partition("#")[0].split()
        if not cells:
            continue
        try:
            layers.extend(_layers(cells))
        except ValueError as error:
            raise ValueError(f"{path.name}, line {number}: {error}: {line!r}") from None
    return layers


def select(layers, patterns):
    """Return the layers whose name, group or kind matches a shell pattern, in table order.

    A pattern that matches nothing is a ValueError: a typing error must not shorten a run silently.
    """
    if not patterns:
        return list(layers)
    chosen = set()
    for pattern in patterns:
        found = [
            layer.name
            for layer in layers
            if any(fnmatchcase(text, pattern) for text in (layer.name, layer.group, layer.kind))
        ]
        if not found:
            groups = ", ".join(dict.fromkeys(layer.group for layer in layers))
            raise ValueError(
                f"no layer's name or group matches {pattern!r}; groups: {groups}; "
                "--list shows every layer"
            )
        chosen.update(found)
    return [layer for layer in layers if layer.name in chosen]
