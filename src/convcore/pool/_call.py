"""What a pooling's call means: options read, shapes compared, windows found, the result delivered.

Every operator describes its windows by a :class:`Windows` and hands the rest to the functions here.
"""

from functools import lru_cache
from math import gcd, prod
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from convcore import _args, _core, _runtime, _shapes
from convcore._args import Array, DType, Padding
from convcore._ranks import Rank
from convcore.geometry import span

MOST_PLACES = 2**31 - 1

Sizes = int | tuple[int, ...] | list[int]
Paddings = Padding | tuple[Padding, ...] | list[Padding]


class Windows(NamedTuple):
    """Where the windows of a pooling lie, by its options; read and hashable."""

    kernel: tuple[int, ...] = ()
    stride: tuple[int, ...] = ()
    padding: tuple[Padding, ...] = ()
    dilation: tuple[int, ...] = ()
    ceil_mode: bool = False
    output_size: tuple[int | None, ...] | None = None  # adaptive: this alone


class Problem(NamedTuple):
    """A pooling's sizes, checked."""

    core: _core.Pool | None  # None: nothing to pool
    adjoint: _core.Pool | None
    shape: tuple[int, ...]  # of the result, as the caller sees it
    axes: tuple[_shapes.Row, ...]
    channels: int
    channels_last: bool
    adaptive: bool

    def table(self, axis: int) -> Array:
        """The windows along a spatial axis, a row each: :meth:`convcore._core.Pool.windows`."""
        assert self.core is not None
        rows = np.empty((self.axes[axis][-1], 4), np.int64)
        self.core.windows(3 - len(self.axes) + axis, rows)
        return rows

    def check_places(self, op: str) -> None:
        """Refuse windows whose cells the kernel that finds places cannot count (32 bits)."""
        cells = prod(
            -(-n // out) + 1 if self.adaptive else min(n, kernel)
            for n, kernel, *_, out in self.axes
        )
        if cells > MOST_PLACES:
            raise ValueError(
                f"{op}: indices are found in windows of at most {MOST_PLACES} cells, got some of "
                f"up to {cells}"
            )

    def along(self, values: Array, axis: int) -> Array:
        """One value for each output of a spatial axis, shaped to be combined with a result."""
        after = len(self.axes) - 1 - axis + self.channels_last
        return values.reshape(-1, *(1,) * after)


def sliding(
    op: str,
    axes: int,
    kernel_size: object,
    stride: object,
    padding: object,
    dilation: object,
    ceil_mode: bool,
) -> Windows:
    """Windows of one size at equal distances."""
    options = (kernel_size, stride, padding, dilation, ceil_mode)
    if all(type(option) in PLAIN for option in options):
        return _plain_sliding(op, axes, *options)
    return _sliding(op, axes, *options)


def _sliding(
    op: str,
    axes: int,
    kernel_size: object,
    stride: object,
    padding: object,
    dilation: object,
    ceil_mode: object,
) -> Windows:
    kernel = _args.per_axis(op, "kernel_size", kernel_size, axes)
    return Windows(
        kernel,
        kernel if stride is None else _args.per_axis(op, "stride", stride, axes),
        _args.paddings(op, padding, axes),
        _args.per_axis(op, "dilation", dilation, axes),
        _args.flag(op, "ceil_mode", ceil_mode),
    )


# Options of these types are what they look like, and reading them again gives the same.
PLAIN = frozenset({int, str, bool, type(None)})
_plain_sliding = lru_cache(maxsize=1024, typed=True)(_sliding)


def adaptive(op: str, axes: int, output_size: object) -> Windows:
    """Windows that cut the input into a given number of nearly equal ones."""
    sizes = _args.listed(output_size)
    if not isinstance(sizes, (list, tuple)):
        sizes = (sizes,) * axes
    if len(sizes) != axes:
        raise ValueError(
            f"{op}: output_size must be an integer, None or {axes} of these, one an axis, "
            f"got {_args.shown(output_size)}"
        )
    return Windows(
        output_size=tuple(
            None if size is None else _args.whole(op, "output_size", size, 1) for size in sizes
        )
    )


def _holds_nothing(n: int, kernel: int, stride: int, dilation: int, before: int, out: int) -> bool:
    """Whether one of the windows along an axis lies in the padding with all its cells."""
    if (out - 1) * stride - before >= n:
        return True
    # A window that begins before the input meets it unless all its taps stay before it or one step
    # leads over it. Starts repeat modulo the dilation.
    early = min(-(-before // stride), out, dilation // gcd(stride, dilation))
    for o in range(early):
        start = o * stride - before
        taps = -(start // dilation)
        if taps >= kernel or start + taps * dilation >= n:
            return True
    return False


def _sliding_rows(
    op: str, x: tuple[int, ...], spatial: tuple[int, ...], windows: Windows
) -> tuple[list[_shapes.Row], list[int]]:
    """What the kernels need to know of each axis, and the padding after it."""
    try:
        rows = [
            _shapes.axis_row(op, *axis, windows.ceil_mode)
            for axis in zip(spatial, *windows[:4], strict=True)
        ]
    except ValueError as error:
        raise ValueError(f"{error}; x has shape {x}") from None
    pairs = _shapes.padding_pairs(spatial, *windows[:4])
    return rows, [after for _, after in pairs]


def _refuse_nothing(
    op: str, x: tuple[int, ...], rows: list[_shapes.Row], afters: list[int]
) -> None:
    for (n, kernel, stride, dilation, before, out), after in zip(rows, afters, strict=True):
        if _holds_nothing(n, kernel, stride, dilation, before, out):
            raise ValueError(
                f"{op}: with padding {(before, after)} a window of {kernel} (dilation {dilation}: "
                f"{span(kernel, dilation)} cells), stride {stride}, lies wholly outside an axis "
                f"of {n}; expected at least one input cell in each window; x has shape {x}"
            )


@lru_cache(maxsize=4096)
def problem(
    op: str,
    axes: int,
    kind: str,
    p: float,
    count_padding: bool,
    x: tuple[int, ...],
    windows: Windows,
    layout: str,
) -> Problem:
    """Check shapes against options and prepare the pooling; calls alike share the work."""
    n, channels, spatial, channels_last = _shapes.split(op, axes, x, layout)
    adaptive = windows.output_size is not None
    if windows.output_size is not None:
        if 0 in spatial:
            raise ValueError(f"{op}: x of shape {x} has no cells on an axis, expected at least one")
        rows: list[_shapes.Row] = [
            (size, 1, 1, 1, 0, out or size)
            for size, out in zip(spatial, windows.output_size, strict=True)
        ]
        afters = [0] * axes
    else:
        rows, afters = _sliding_rows(op, x, spatial, windows)
    out = [row[-1] for row in rows]
    shape = _shapes.join(op, n, channels, out, channels_last, x=x, windows=windows)
    if not adaptive:
        _refuse_nothing(op, x, rows, afters)
    core = adjoint = None
    if n * channels:
        sizes = (_shapes.three_axes(rows), [0] * (3 - axes) + afters)
        cut = [False] * (3 - axes) + [adaptive] * axes
        core = _core.Pool(kind, p, n, channels, *sizes, cut, False, count_padding, channels_last)
        adjoint = _core.Pool("sum", p, n, channels, *sizes, cut, True, False, channels_last)
    if len(x) == axes + 1:
        shape = shape[1:]
    return Problem(core, adjoint, shape, tuple(rows), channels, channels_last, adaptive)


def forward(
    op: str,
    rank: Rank,
    kind: str,
    x: ArrayLike,
    windows: Windows,
    layout: str,
    threads: int | None,
    out: Array | None,
    *,
    p: float = 0.0,
    count_padding: bool = False,
    return_indices: bool = False,
) -> Array | tuple[Array, Array]:
    """Pool x; with ``return_indices`` also say where the maxima are."""
    x = _args.array(op, "x", x)
    if kind == "max":
        dtype, work = _args.kept_type(op, x.dtype)
    else:
        dtype, work = _args.result_type(op, x.dtype, x.dtype)
    count_padding = _args.flag(op, "count_include_pad", count_padding)
    return_indices = _args.flag(op, "return_indices", return_indices)
    _args.choice(op, "layout", layout, _args.LAYOUTS[rank.axes])
    count = _runtime.threads_for(op, threads)
    sizes = problem(op, rank.axes, kind, p, count_padding, x.shape, windows, layout)
    target, place = _args.target(op, out, sizes.shape, dtype, work, (x,), x=x, windows=windows)
    index = None
    if return_indices:
        sizes.check_places(op)
        index = _args.new_result(op, sizes.shape, np.dtype(np.int64), x=x, windows=windows)
    if sizes.core is not None:
        x = _args.ready(op, "x", x, work)
        with memory(op, x):
            sizes.core.forward(x, target, index, count)
    result = _args.delivered(target, place, out, dtype)
    return result if index is None else (result, index)


class memory:
    """Give a MemoryError of the kernels the name of the operation and the shape of x."""

    def __init__(self, op: str, x: Array) -> None:
        self.op, self.x = op, x

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, MemoryError):
            raise MemoryError(f"{self.op}: {error}; x has shape {self.x.shape}") from None


class Backward(NamedTuple):
    """A gradient's call, read and checked: what it has, and where the gradient of x goes."""

    op: str
    problem: Problem
    grad: Array  # contiguous, in the dtype that is computed in
    x: Array
    target: Array  # not yet set
    place: Array | None
    out: Array | None
    dtype: DType
    threads: int

    def result(self) -> Array:
        """The gradient as the caller wants it."""
        return _args.delivered(self.target, self.place, self.out, self.dtype)

    def ready_x(self) -> Array:
        """The forward's x as the kernels read it, in the dtype that is computed in."""
        return _args.ready(self.op, "x", self.x, self.target.dtype)


def backward(
    op: str,
    rank: Rank,
    kind: str,
    grad: ArrayLike,
    x: ArrayLike,
    windows: Windows,
    layout: str,
    threads: int | None,
    out: Array | None,
    *,
    p: float = 0.0,
    count_padding: bool = False,
) -> Backward:
    """Read and check the call of a gradient; the caller computes it into ``target``."""
    x = _args.array(op, "x", x)
    grad = _args.array(op, "grad", grad)
    dtype, work = _args.result_type(op, x.dtype, grad.dtype, "grad")
    count_padding = _args.flag(op, "count_include_pad", count_padding)
    _args.choice(op, "layout", layout, _args.LAYOUTS[rank.axes])
    count = _runtime.threads_for(op, threads)
    sizes = problem(op, rank.axes, kind, p, count_padding, x.shape, windows, layout)
    _args.check_grad(op, grad, sizes.shape, x=x)
    target, place = _args.target(op, out, x.shape, dtype, work, (x, grad), x=x, grad=grad)
    grad = _args.ready(op, "grad", grad, work)
    return Backward(op, sizes, grad, x, target, place, out, dtype, count)
