"""Every operator and its options: the one list that geometry, matrix, nn, tests and docs read.

A public function's name is its operator's kind and a number of axes: ``conv`` gives ``conv2d``. The
signatures are in ``api``; a test compares them with this list.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from convcore.spec.border import as_border
from convcore.spec.connections import Connections
from convcore.spec.errors import short_repr
from convcore.spec.missing import NAN, NANS, PROPAGATE, as_fill
from convcore.spec.operands import Array, as_array
from convcore.spec.options import (
    ALGORITHMS,
    LAYOUTS,
    as_bool,
    as_int,
    check_choice,
    paddings,
    per_axis,
)
from convcore.spec.pooling import as_exponent, as_output_size
from convcore.spec.problem import LOCAL, SHARED, TILED

AXES = (1, 2, 3)
REQUIRED: Any = object()  # the default of an option that has none

# Options that results do not depend on; each public function has those that apply to it.
EXECUTION = ("algorithm", "threads", "out")


@dataclass(frozen=True, slots=True)
class Option:
    """One option of an operator."""

    name: str
    default: Any
    read: Callable[[str, object, int], Any]  # takes the operation, a value and the number of axes


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator, for any number of axes."""

    kind: str
    options: tuple[Option, ...]  # those that results depend on, in the signatures' order
    sharing: str | None = None  # how outputs share its weight's kernels; None: no weight
    transposed: bool = False
    pools: str = ""  # what it makes of a window: its "max", "mean" or "norm"
    has_algorithms: bool = False
    has_matrix: bool = False
    missing: tuple[Option, ...] = ()  # of cells that are missing; only functions and layers know

    @property
    def has_weight(self) -> bool:
        """Whether it has a weight and a bias."""
        return self.sharing is not None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its options."""
        return tuple(option.name for option in self.options)

    @property
    def layer_options(self) -> tuple[Option, ...]:
        """Those of its layers, which have the algorithm too and give a result alone."""
        own = tuple(option for option in self.options if option is not RETURN_INDICES)
        own = (*own, *self.layer_missing)
        return (*own, ALGORITHM) if self.has_algorithms else own

    @property
    def layer_missing(self) -> tuple[Option, ...]:
        """What a layer knows of missing cells: a mask belongs to a call."""
        return tuple(option for option in self.missing if option not in (MASK, RETURN_WEIGHT))

    def read(self, op: str, axes: int, given: Mapping[str, object]) -> dict[str, Any]:
        """Return all options in normal form; refuse unknown and missing ones."""
        for name in given:
            if name not in self.names and name not in EXECUTION:
                raise TypeError(
                    f"{op}: options of {self.kind}{axes}d must be among "
                    f"{(*self.names, *EXECUTION)}, got {short_repr(name)}"
                )
        found = {}
        for option in self.options:
            value = given.get(option.name, option.default)
            if value is REQUIRED:
                raise ValueError(
                    f"{op}: options must include {option.name}, got {short_repr(dict(given))}"
                )
            found[option.name] = option.read(op, value, axes)
        return found

    def read_call(
        self, op: str, axes: int, given: Mapping[str, object]
    ) -> tuple[dict[str, Any], str]:
        """Return the options of a call, and its algorithm; refuse all that results do not need."""
        known = (*self.names, *(["algorithm"] if self.has_algorithms else []))
        for name in given:
            if name not in known:
                raise TypeError(f"{op}: options must be among {known}, got {short_repr(name)}")
        asked = ALGORITHM.read(op, given.get("algorithm", ALGORITHM.default), axes)
        options = {name: value for name, value in given.items() if name != "algorithm"}
        return self.read(op, axes, options), asked

    def read_layer(self, op: str, axes: int, given: Mapping[str, object]) -> dict[str, Any]:
        """Return the options of a layer in the form that the code knows; it gives them all."""
        return {
            option.name: option.read(op, given[option.name], axes) for option in self.layer_options
        }


def _sizes(name: str, default: Any = 1, least: int = 1) -> Option:
    return Option(name, default, lambda op, value, axes: per_axis(op, name, value, axes, least))


def _flag(name: str, default: bool) -> Option:
    return Option(name, default, lambda op, value, _: as_bool(op, name, value))


def _read_stride(op: str, value: object, axes: int) -> tuple[int, ...] | None:
    return None if value is None else per_axis(op, "stride", value, axes)


def _read_layout(op: str, value: object, axes: int) -> str:
    return check_choice(op, "layout", LAYOUTS[axes][0] if value is None else value, LAYOUTS[axes])


def _read_connections(op: str, value: object, axes: int) -> Array | Connections | None:
    if value is None or isinstance(value, Connections):
        return value
    return as_array(op, "connections", value)


def _read_mask(op: str, value: object, axes: int) -> Array | None:
    return None if value is None else as_array(op, "mask", value)


STRIDE = _sizes("stride")
WINDOW_STRIDE = Option("stride", None, _read_stride)  # None: the window's size
PADDING = Option("padding", "valid", lambda op, value, axes: paddings(op, value, axes))
DILATION = _sizes("dilation")
GROUPS = Option("groups", 1, lambda op, value, _: as_int(op, "groups", value, 1))
CONNECTIONS = Option("connections", None, _read_connections)
FLIP = _flag("flip", False)
BORDER = Option("border", "zeros", as_border)
OUTPUT_PADDING = _sizes("output_padding", 0, 0)
LAYOUT = Option("layout", None, _read_layout)  # None: channels first
KERNEL_SIZE = _sizes("kernel_size", REQUIRED)
WINDOW = Option("window", REQUIRED, lambda op, value, _: value)  # an array, or only its shape
OUTPUT_SIZE = Option("output_size", REQUIRED, as_output_size)
CEIL_MODE = _flag("ceil_mode", False)
COUNT_INCLUDE_PAD = _flag("count_include_pad", False)
RETURN_INDICES = _flag("return_indices", False)
NORMALIZE = _flag("normalize", True)
EXPONENT = Option("p", 2.0, lambda op, value, _: as_exponent(op, value))
ALGORITHM = Option(
    "algorithm", "auto", lambda op, value, _: check_choice(op, "algorithm", value, ALGORITHMS)
)

MASK = Option("mask", None, _read_mask)
NAN_CELLS = Option("nan", PROPAGATE, lambda op, value, _: check_choice(op, "nan", value, NANS))
FILL = Option("fill", NAN, lambda op, value, _: as_fill(op, value))
RETURN_WEIGHT = _flag("return_weight", False)

_STEPS = (STRIDE, PADDING, DILATION)
_SLIDING = (KERNEL_SIZE, WINDOW_STRIDE, PADDING, DILATION)
_MISSING = (MASK, NAN_CELLS, FILL, RETURN_WEIGHT)
_SHARES = (MASK, NAN_CELLS, NORMALIZE, FILL, RETURN_WEIGHT)

OPERATORS: dict[str, Operator] = {
    operator.kind: operator
    for operator in (
        Operator("conv", (*_STEPS, GROUPS, CONNECTIONS, FLIP, BORDER, LAYOUT), SHARED,
                 has_algorithms=True, has_matrix=True, missing=_SHARES),
        Operator("conv_transpose", (*_STEPS, GROUPS, OUTPUT_PADDING, BORDER, LAYOUT), SHARED,
                 transposed=True, has_matrix=True),
        Operator("local_conv", (*_STEPS, BORDER, LAYOUT), LOCAL, has_matrix=True),
        Operator("tiled_conv", (*_STEPS, BORDER, LAYOUT), TILED, has_matrix=True),
        Operator("max_pool", (*_SLIDING, CEIL_MODE, RETURN_INDICES, BORDER, LAYOUT), pools="max",
                 missing=_MISSING),
        Operator("avg_pool", (*_SLIDING, CEIL_MODE, COUNT_INCLUDE_PAD, BORDER, LAYOUT),
                 pools="mean", has_matrix=True, missing=_SHARES),
        Operator("lp_pool", (*_SLIDING, EXPONENT, CEIL_MODE, BORDER, LAYOUT), pools="norm",
                 missing=_MISSING),
        Operator("l2_pool", (*_SLIDING, CEIL_MODE, BORDER, LAYOUT), pools="norm",
                 missing=_MISSING),
        Operator("weighted_pool",
                 (WINDOW, WINDOW_STRIDE, PADDING, DILATION, NORMALIZE, CEIL_MODE, BORDER, LAYOUT),
                 pools="mean", has_matrix=True, missing=_MISSING),
        Operator("adaptive_avg_pool", (OUTPUT_SIZE, LAYOUT), pools="mean"),
        Operator("adaptive_max_pool", (OUTPUT_SIZE, RETURN_INDICES, LAYOUT), pools="max"),
    )
}  # fmt: skip


def find(op: str, name: object) -> tuple[Operator, int]:
    """Return the operator of a public function or name, such as "conv2d", and its axes' number."""
    if getattr(name, "__module__", None) == "convcore":
        name = getattr(name, "__name__", name)
    names = [f"{kind}{axes}d" for kind in OPERATORS for axes in AXES]
    word = check_choice(op, "operator", name, names)
    return OPERATORS[word[:-2]], int(word[-2])


def layer_name(kind: str, axes: int) -> str:
    """The public name of an operator for a number of axes."""
    return f"{kind}{axes}d"


def class_name(kind: str, axes: int) -> str:
    """The name of its layer in ``nn``: "MaxPool2d" of "max_pool"."""
    return layer_name("".join(word.capitalize() for word in kind.split("_")), axes)
