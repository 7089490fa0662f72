"""What an object says that describes a layer: the operator, its shapes, its options, and its sizes.

Counts, output shapes and receptive fields all begin here.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from convcore import _args
from convcore.geometry import _layers
from convcore.geometry._layers import Axis

RESULTS_DO_NOT_DEPEND = ("algorithm", "threads", "out")
_STEPS = ("stride", "padding", "dilation", "layout", *RESULTS_DO_NOT_DEPEND)
_SLIDING = ("kernel_size", *_STEPS, "ceil_mode")

# Every operator, by its name without the number of axes, and its options.
KINDS: dict[str, tuple[str, ...]] = {
    "conv": (*_STEPS, "groups", "connections", "flip", "border"),
    "conv_transpose": (*_STEPS, "groups", "output_padding"),
    "local_conv": _STEPS,
    "tiled_conv": _STEPS,
    "max_pool": (*_SLIDING, "return_indices"),
    "avg_pool": (*_SLIDING, "count_include_pad"),
    "lp_pool": (*_SLIDING, "p"),
    "l2_pool": _SLIDING,
    "weighted_pool": ("window", *_STEPS, "normalize", "ceil_mode"),
    "adaptive_avg_pool": ("output_size", "layout", *RESULTS_DO_NOT_DEPEND),
    "adaptive_max_pool": ("output_size", "layout", "return_indices", *RESULTS_DO_NOT_DEPEND),
}
LAYERS = ("conv", "conv_transpose", "local_conv", "tiled_conv")  # those with weights


class Operator(NamedTuple):
    """A layer's description, read."""

    name: str
    kind: str  # the name without the number of axes
    axes: int
    weight: tuple[int, ...] | None
    bias: tuple[int, ...] | None
    options: dict[str, Any]  # those that results depend on


class Sizes(NamedTuple):
    """A layer's windows along each axis, None where they differ, and its output's shape."""

    rows: tuple[Axis, ...] | None
    shape: tuple[int, ...]
    transposed: bool = False  # the rows are those of the convolution whose adjoint it is


def read(op: str, layer: Any) -> Operator:
    """Read a :class:`convcore.geometry.Layer`, or an object with its attributes."""
    operator = _attribute(op, layer, "operator")
    options = dict(_attribute(op, layer, "options"))
    kind, axes = _kind(op, operator)
    weight = _shape(op, "weight", _attribute(op, layer, "weight"))
    bias = _shape(op, "bias", _attribute(op, layer, "bias"))
    for name in options:
        if name not in KINDS[kind]:
            raise TypeError(
                f"{op}: {operator} has no option {_args.shown(name)}, expected some of "
                f"{KINDS[kind]}"
            )
    for name in RESULTS_DO_NOT_DEPEND:
        options.pop(name, None)
    if kind in LAYERS:
        if weight is None:
            raise ValueError(f"{op}: weight of a {operator} must be an array or a shape, got None")
    else:
        for name, shape in (("weight", weight), ("bias", bias)):
            if shape is not None:
                raise ValueError(f"{op}: {name} of a {operator} must be None, got shape {shape}")
    return Operator(operator, kind, axes, weight, bias, options)


def sizes(op: str, layer: Operator, input_shape: object) -> Sizes:
    """Lay a layer's windows over an input of this shape."""
    _, kind, axes, weight, _, options = layer
    options = dict(options)
    x = _layers.read_input(op, axes, input_shape, options.get("layout"))
    channels, rows = x.channels, None
    if weight is None:
        if kind.startswith("adaptive"):
            wanted = given(op, options, "output_size")
            outputs = adaptive_sizes(op, x.space, wanted)
            if not any(n % m for n, m in zip(x.space, outputs, strict=True)):
                rows = tuple(
                    Axis(n, n // m, n // m, 1, (0, 0), m)
                    for n, m in zip(x.space, outputs, strict=True)
                )
        else:
            kernel = pooling_kernel(op, kind, axes, options)
            rows = pooling_rows(op, x.space, kernel, options)
            outputs = tuple(row.outputs for row in rows)
    elif kind == "conv_transpose":
        found = _layers.transposed(op, axes, weight, input_shape, **options)
        channels, rows = found.channels, found.axes
        outputs = tuple(row.cells for row in rows)
    else:
        options.pop("flip", None)
        found = (
            _layers.convolution(op, axes, weight, input_shape, **options)
            if kind == "conv"
            else _layers.unshared(
                op, axes, weight, input_shape, local=kind == "local_conv", **options
            )
        )
        channels, rows = found.out_channels, found.axes
        outputs = tuple(row.outputs for row in rows)
    shape = (*outputs, channels) if x.channels_last else (channels, *outputs)
    return Sizes(rows, (x.batch, *shape) if x.batched else shape, kind == "conv_transpose")


def pooling_kernel(op: str, kind: str, axes: int, options: Mapping[str, Any]) -> tuple[int, ...]:
    """Cells of a sliding pooling's window along each axis."""
    if kind != "weighted_pool":
        size = given(op, options, "kernel_size")
        return _args.per_axis(op, "kernel_size", size, axes)
    window = given(op, options, "window")
    kernel = _layers.read_shape(op, "window", getattr(window, "shape", window))
    if len(kernel) != axes or 0 in kernel:
        raise ValueError(f"{op}: window must have {axes} axes and a weight, got shape {kernel}")
    return kernel


def pooling_rows(
    op: str, space: tuple[int, ...], kernel: tuple[int, ...], options: Mapping[str, Any]
) -> tuple[Axis, ...]:
    """A sliding pooling's windows along each axis."""
    stride = options.get("stride")
    return _layers.read_windows(
        op, space, kernel, kernel if stride is None else stride,
        options.get("padding", "valid"), options.get("dilation", 1),
        _args.flag(op, "ceil_mode", options.get("ceil_mode", False)),
    )  # fmt: skip


def kernel(op: str, layer: Operator) -> tuple[int, ...]:
    """Cells of a layer's kernels or windows along each axis."""
    if layer.weight is None:
        return pooling_kernel(op, layer.kind, layer.axes, layer.options)
    # whatever the sharing, a kernel's axes are the last ones
    expected = 2 + layer.axes * (1 + (layer.kind in ("local_conv", "tiled_conv")))
    if len(layer.weight) != expected:
        raise ValueError(f"{op}: weight must have {expected} axes, got shape {layer.weight}")
    return layer.weight[-layer.axes :]


def adaptive_sizes(op: str, space: tuple[int, ...], output_size: object) -> tuple[int, ...]:
    """Outputs of an adaptive pooling along each axis."""
    wanted = _args.listed(output_size)
    if not isinstance(wanted, (list, tuple)):
        wanted = (wanted,) * len(space)
    if len(wanted) != len(space):
        raise ValueError(
            f"{op}: output_size must be an integer, None or {len(space)} of these, one an axis, "
            f"got {_args.shown(output_size)}"
        )
    cells = _args.per_axis(op, "input_shape", space, len(space))  # none of them 0
    return tuple(
        n if size is None else _args.whole(op, "output_size", size, 1)
        for n, size in zip(cells, wanted, strict=True)
    )


def given(op: str, options: Mapping[str, object], name: str) -> object:
    """An option that must be there."""
    if name not in options:
        raise ValueError(f"{op}: options must have {name}, got {_args.shown(dict(options))}")
    return options[name]


def _attribute(op: str, layer: Any, name: str) -> Any:
    try:
        return getattr(layer, name)
    except AttributeError:
        raise TypeError(
            f"{op}: layer must have the attributes operator, weight, bias and options, got "
            f"{_args.shown(layer)} without {name}"
        ) from None


def _kind(op: str, operator: object) -> tuple[str, int]:
    """An operator's name without its number of axes, and that number."""
    names = [f"{kind}{axes}d" for kind in KINDS for axes in (1, 2, 3)]
    _args.choice(op, "operator", operator, names)
    name = str(operator)
    return name[:-2], int(name[-2])


def _shape(op: str, name: str, value: object) -> tuple[int, ...] | None:
    """Shape of an array; a tuple or list is a shape itself."""
    if value is None:
        return None
    return _layers.read_shape(op, name, getattr(value, "shape", value))
