"""A call as data: what it takes to make its arguments, to make it smaller and to print it."""

from dataclasses import dataclass, field, replace
from math import prod

import numpy as np
from numpy import inf, nan
from numpy.lib.stride_tricks import as_strided

from tools import numbers
from tools.fuzz import memory, sizes

LAYOUTS = {1: ("NCW", "NWC"), 2: ("NCHW", "NHWC"), 3: ("NCDHW", "NDHWC")}
LINEAR = ("conv", "conv_transpose", "local_conv", "tiled_conv")
SIGNAL = ("convolve", "correlate")
FLOATS = ("float16", "float32", "float64")
NAMES = {"np": np, "inf": inf, "nan": nan, "as_strided": as_strided}


@dataclass(frozen=True)
class Operand:
    """An array by dtype, values and memory."""

    dtype: str = "float32"
    values: str = "integers"
    seed: int = 0
    memory: str = "plain"


@dataclass(frozen=True)
class Out:
    """An array to write to: laid as `memory` says, or over the operand `over`.

    Over an operand it begins `shift` bytes after it, and runs `backwards` through memory or not. A
    shift of None is the operand itself, if it suits.
    """

    memory: str = "plain"
    over: str = ""
    shift: int | None = 0
    backwards: bool = False
    seed: int = 0


@dataclass(frozen=True)
class Call:
    """One call of `kind` with `nd` axes: the sizes, the options, the operands, and what is wrong.

    `wrong` is (the argument's name, an expression that replaces it, in which the names of operands
    and `want`, arrays like the result, are known).
    """

    kind: str
    nd: int
    backward: bool = False
    n: int | None = None
    c: int = 1
    k: int = 1
    space: tuple = ()
    kernel: tuple = ()
    period: tuple = ()
    options: dict = field(default_factory=dict)
    operands: dict = field(default_factory=dict)
    out: Out | tuple | None = None
    wrong: tuple | None = None

    @property
    def op(self):
        """The operator's name."""
        if self.kind in SIGNAL:
            return self.kind
        return f"{self.kind}{self.nd}d" + "_backward" * self.backward

    @property
    def last(self):
        """Whether channels come last."""
        return self.options.get("layout") == LAYOUTS[self.nd][1]

    @property
    def groups(self):
        """How many groups."""
        return self.options.get("groups", 1)

    def image(self, channels, space):
        """The shape of an input or a result."""
        shape = (*space, channels) if self.last else (channels, *space)
        return shape if self.n is None else (self.n, *shape)

    def axes(self, name, default):
        """An option as one value for each axis."""
        value = self.options.get(name, default)
        value = default if value is None else value
        return tuple(value) if isinstance(value, (tuple, list)) else (value,) * self.nd

    @property
    def output(self):
        """The sizes of the result, 1 where it would have none: such a call is refused anyway."""
        return tuple(max(size, 1) for size in sizes.output(self))

    def shapes(self):
        """The shape of every operand that this kind of call has."""
        x = self.image(self.c, self.space)
        if self.kind in SIGNAL:
            return {"x": self.space, "w": self.kernel}
        if self.kind not in LINEAR:
            shapes = {"grad": self.image(self.c, self.output), "x": x}
            shapes["window"], shapes["indices"] = self.kernel, shapes["grad"]
            return shapes
        if self.kind == "conv":
            weight, bias = (self.k, self.c // self.groups, *self.kernel), (self.k,)
        elif self.kind == "conv_transpose":
            weight, bias = (self.c, self.k // self.groups, *self.kernel), (self.k,)
        else:
            bias = (self.k, *(self.output if self.kind == "local_conv" else self.period))
            weight = (*bias, self.c, *self.kernel)
        return {
            "grad": self.image(self.k, self.output),
            "x": x,
            "weight": weight,
            "bias": bias,
            "connections": (self.k, self.c),
        }

    def results(self):
        """(shape, dtype) of each array that comes back, or None in the place of one that does not.

        The indices of a maximum are not among them: `out` does not hold them.
        """
        shapes = self.shapes()
        dtypes = {name: np.dtype(operand.dtype) for name, operand in self.operands.items()}
        if self.kind in SIGNAL:
            return [(sizes.signal(self), result_type(dtypes["x"], dtypes["w"]))]
        if self.kind not in LINEAR:
            if self.backward:
                return [(shapes["x"], result_type(dtypes["grad"], dtypes["x"]))]
            dtype = dtypes["x"] if "max" in self.kind else result_type(dtypes["x"])
            return [(shapes["grad"], dtype)]
        if not self.backward:
            return [(shapes["grad"], result_type(dtypes["x"], dtypes["weight"]))]
        dtype = result_type(*(dtypes[name] for name in ("grad", "x", "weight")))
        needs = self.options.get("needs", (True, True, True))
        return [
            (shapes[name], dtype) if need and name in self.operands else None
            for name, need in zip(("x", "weight", "bias"), needs, strict=True)
        ]

    def like(self, **changes):
        """The same call with some fields changed."""
        return replace(self, **changes)


def result_type(*dtypes):
    """The documented dtype of a result: floats stay, with an integer it is at least float32."""
    floats = all(dtype.kind == "f" for dtype in dtypes)
    return np.result_type(*dtypes, *[] if floats else [np.float32])


def values(operand, shape):
    """The numbers of an operand, native and contiguous."""
    dtype, seed = np.dtype(operand.dtype), operand.seed
    if dtype.kind != "f":
        if operand.values == "extreme" and dtype.kind != "b":
            size = prod(shape) * dtype.itemsize
            drawn = numbers.hashed(seed, -(-size // 8)).view(np.uint8)[:size]
            return drawn.view(dtype).reshape(shape)
        least = {"b": 0, "u": 0, "i": -4}[dtype.kind]
        return numbers.integers(seed, shape, least, 2 if dtype.kind == "b" else 5).astype(dtype)
    if operand.values in ("integers", "positive", "zeros"):
        low, high = {"integers": (-4, 5), "positive": (1, 5), "zeros": (0, 1)}[operand.values]
        drawn = numbers.integers(seed, shape, low, high).astype(dtype)
        minus = numbers.integers(seed + 1, shape, 0, 2).astype(bool) & (drawn == 0)
        return np.where(minus, dtype.type(-0.0), drawn)
    drawn, info = numbers.fractions(seed, shape), np.finfo(dtype)
    if operand.values == "mixed":
        drawn *= 2.0 ** numbers.integers(seed + 1, shape, -8, 9)
    elif operand.values == "huge":
        drawn *= float(info.max) / 2
    elif operand.values == "tiny":
        drawn *= float(info.smallest_normal) * 4
    elif operand.values == "special" and drawn.size:
        special = [
            nan,
            inf,
            -inf,
            -0.0,
            0.0,
            info.smallest_subnormal,
            -info.smallest_subnormal * 5,
            info.max,
            -info.max,
            info.smallest_normal,
        ]
        kind = numbers.integers(seed + 1, (2,), 0, len(special))
        places = numbers.integers(seed + 2, (3,), 0, drawn.size)
        drawn = drawn.astype(dtype)
        drawn.flat[places[:2]] = special[kind[0]]
        drawn.flat[places[2]] = special[kind[1]]
    return drawn.astype(dtype)


@dataclass
class Arguments:
    """What `build` makes: the arguments, plain copies for the oracle, what must not change."""

    given: dict
    plain: dict
    kept: list  # (operand, its bytes before the call)
    outs: list  # the arrays of `out`, None included
    around: list  # (memory of an out, its bytes before)


def build(call):
    """Make the arguments of a call."""
    shapes, results = call.shapes(), call.results()
    given, outs, around = {}, [None] * len(results), []
    for name, operand in call.operands.items():
        laid = values(operand, shapes[name])
        if name == "indices":
            laid = _indices(call, operand, shapes, given)
        given[name] = memory.lay(laid, operand.memory, operand.seed)
    if call.out is not None:
        wanted = call.out if isinstance(call.out, tuple) else (call.out,)
        for i, (out, result) in enumerate(zip(wanted, results, strict=True)):
            if out is not None and result is not None:
                outs[i], root = _place(out, *result, given)
                around.append((root, root.tobytes()))
    plain = {name: plainly(value) for name, value in given.items()}
    arguments = {**given, **call.options}
    if call.out is not None:
        arguments["out"] = tuple(outs) if isinstance(call.out, tuple) else outs[0]
    if call.wrong is not None:
        name, expression = call.wrong
        arguments[name] = evaluate(expression, given, results)
        if name in given:  # what is wrong may be right after all
            given[name], plain[name] = arguments[name], plainly(arguments[name])
    kept = [
        (value, value.tobytes())
        for value in given.values()
        if isinstance(value, np.ndarray) and value.dtype != object and value.size < 10**6
    ]
    return Arguments(arguments, plain, kept, outs, around)


def evaluate(expression, given, results):
    """What a wrong argument is."""
    want = [None if result is None else np.zeros(*result) for result in results]
    names = {**NAMES, **given, "want": want[0] if len(want) == 1 else want}
    return eval(expression, names)


def plainly(value):
    """A copy that lies in memory as arrays do; anything but an array stays what it is."""
    if not isinstance(value, np.ndarray) or value.dtype.hasobject or value.size > 10**6:
        return value
    try:
        return np.array(value, value.dtype.newbyteorder("="), order="C")
    except (TypeError, ValueError):
        return value


def _indices(call, operand, shapes, given):
    """What the oracle's forward function returns for these operands."""
    from convcore import reference

    options = {
        name: value
        for name, value in call.options.items()
        if name not in ("threads", "return_indices")
    }
    forward = getattr(reference, call.like(backward=False).op)
    try:
        _, found = forward(plainly(given["x"]), **options, return_indices=True)
    except ValueError:  # so will the call be
        found = np.zeros(shapes["indices"])
    return found.astype(operand.dtype)


def _place(out, shape, dtype, given):
    """An array to write to, and the memory that it lies in, as bytes."""
    if not out.over:
        laid = memory.lay(np.zeros(shape, dtype), out.memory, out.seed)
        return laid, memory_of(laid)
    operand = given[out.over]
    if (
        out.shift is None
        and isinstance(operand, np.ndarray)
        and operand.flags.writeable
        and (operand.shape, operand.dtype) == (shape, dtype)
        and operand.dtype.isnative
    ):
        return operand, memory_of(operand)
    operand, shift = np.asarray(operand), out.shift or 0
    size = prod(shape) * dtype.itemsize
    root = np.full(operand.nbytes + size + 2 * abs(shift) + 64, memory.FILL, np.uint8)
    start = -shift if shift < 0 else 0
    start += -start % 8  # the operand is aligned
    moved = np.ndarray(operand.shape, operand.dtype, root, start)
    moved[...] = operand
    given[out.over] = moved
    steps = np.zeros(shape, dtype).strides
    offset = start + shift
    if out.backwards and prod(shape):
        offset, steps = offset + size - dtype.itemsize, [-step for step in steps]
    return np.ndarray(shape, dtype, root, offset, steps), root


def memory_of(array):
    """The bytes that an array is a view of."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    if not array.size:
        return np.zeros(0, np.uint8)
    while array.ndim > 1:  # the axis of the longest stride first
        array = array.reshape(-1, order="C" if array.flags.c_contiguous else "F")
    return as_strided(array, (array.size,), (array.itemsize,)).view(np.uint8)


def written(array, memory, root):
    """The bytes of `root` once `array`, which is a view of it, has been written and nothing else.

    `memory` is what they were before.
    """
    after = np.frombuffer(memory, np.uint8).copy()
    if array.size:
        start = array.ctypes.data - root.ctypes.data
        cell = after[start : start + array.itemsize].view(array.dtype)
        as_strided(cell, array.shape, array.strides)[...] = array
    return after
