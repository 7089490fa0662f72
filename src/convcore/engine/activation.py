"""Activations: what follows a layer, each a function of every element, computed in place.

Definitions are PyTorch's and ONNX's, and so are the parameters' defaults. One that takes several
passes goes over a result in pieces that stay in the cache.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from convcore.spec.errors import short_repr
from convcore.spec.operands import Array, as_array
from convcore.spec.special import erf

PIECE = 1 << 14  # elements that several passes go over at a time


def _relu(y: Array) -> None:
    np.maximum(y, 0, out=y)


def _clip(y: Array, low: float, high: float) -> None:
    np.clip(y, y.dtype.type(low), y.dtype.type(high), out=y)


def _relu6(y: Array) -> None:
    _clip(y, 0, 6)


def _leaky_relu(y: Array, slope: float) -> None:
    _prelu(y, y.dtype.type(slope))


def _prelu(y: Array, slope: Any) -> None:
    below = y * slope
    np.copyto(y, below, where=y < 0)


def _elu(y: Array, alpha: float) -> None:
    below = np.expm1(np.minimum(y, 0))
    below *= y.dtype.type(alpha)
    np.copyto(y, below, where=y < 0)


def _tanh(y: Array) -> None:
    np.tanh(y, out=y)


def _scaled_tanh(y: Array, height: float, steepness: float) -> None:
    y *= y.dtype.type(steepness)
    np.tanh(y, out=y)
    y *= y.dtype.type(height)


def _sigmoid(y: Array) -> None:
    y *= 0.5  # by tanh: no exp that overflows
    np.tanh(y, out=y)
    y *= 0.5
    y += 0.5


def _silu(y: Array) -> None:
    gate = y.copy()
    _sigmoid(gate)
    y *= gate


def _hardsigmoid(y: Array) -> None:
    y /= 6
    y += 0.5
    _clip(y, 0, 1)


def _hardswish(y: Array) -> None:
    gate = y.copy()
    _hardsigmoid(gate)
    y *= gate


def _gelu(y: Array) -> None:
    gate = erf(y * y.dtype.type(0.5**0.5))
    gate += 1
    gate *= 0.5
    y *= gate


class _Row(NamedTuple):
    function: Callable[..., None]
    defaults: tuple[Any, ...] = ()  # REQUIRED where there is none


REQUIRED = object()

ROWS: dict[str, _Row] = {
    "relu": _Row(_relu),
    "relu6": _Row(_relu6),
    "clip": _Row(_clip, (REQUIRED, REQUIRED)),
    "leaky_relu": _Row(_leaky_relu, (0.01,)),
    "prelu": _Row(_prelu, (REQUIRED,)),
    "elu": _Row(_elu, (1.0,)),
    "tanh": _Row(_tanh),
    "scaled_tanh": _Row(_scaled_tanh, (1.7159, 2 / 3)),
    "sigmoid": _Row(_sigmoid),
    "silu": _Row(_silu),
    "hardsigmoid": _Row(_hardsigmoid),
    "hardswish": _Row(_hardswish),
    "gelu": _Row(_gelu),
}


# Those that are another with certain parameters.
SIMPLE = {
    "relu": ("clip", (0.0, np.inf)),
    "relu6": ("clip", (0.0, 6.0)),
    "tanh": ("scaled_tanh", (1.0, 1.0)),
}


class Activation:
    """An activation, read: a name, and its parameters.

    Parameters
    ----------
    op : str
        Whose argument it is, for errors.
    given : str or tuple
        A name, or a name and parameters.
    channels : int
        Channels of the result: a "prelu" has as many slopes, or one.
    """

    def __init__(self, op: str, given: object, channels: int) -> None:
        name, *parameters = given if isinstance(given, tuple) and given else (given,)
        if not isinstance(name, str) or name not in ROWS:
            known = ", ".join(repr(each) for each in ROWS)
            raise ValueError(f"{op}: activation must be one of {known}, got {short_repr(name)}")
        row = ROWS[name]
        if len(parameters) > len(row.defaults):
            raise ValueError(
                f"{op}: activation {name!r} must have at most {len(row.defaults)} parameters, got "
                f"{len(parameters)}"
            )
        values = [*parameters, *row.defaults[len(parameters) :]]
        if any(value is REQUIRED for value in values):
            raise ValueError(
                f"{op}: activation {name!r} must have {len(row.defaults)} parameters, got "
                f"{len(parameters)}"
            )
        self.name = name
        self._function = row.function
        self.parameters: tuple[Any, ...]
        if name == "prelu":
            self.parameters = (_slopes(op, values[0], channels),)
        else:
            self.parameters = tuple(_number(op, value) for value in values)
        self._by_channel = name == "prelu"

    def __call__(self, y: Array, after: int) -> None:
        """Apply it, in place; ``after``: axes of y after that of the channels."""
        parameters = self.parameters
        if self._by_channel:
            slopes = parameters[0].astype(y.dtype)
            self._function(y, slopes.reshape(-1, *(1,) * after))
            return
        if y.size <= PIECE or not y.flags.c_contiguous:
            self._function(y, *parameters)
            return
        flat = y.reshape(-1)
        for start in range(0, flat.size, PIECE):
            self._function(flat[start : start + PIECE], *parameters)

    def simple(self) -> tuple[str, float, float] | None:
        """A name and two numbers, for the core; None: it is something else."""
        if self._by_channel:
            return None
        name, parameters = SIMPLE.get(self.name, (self.name, ()))
        low, high, *_ = *(parameters or self.parameters), 0.0, 0.0
        return name, low, high

    def given(self) -> str | tuple[Any, ...]:
        """What makes it again."""
        return (self.name, *self.parameters) if self.parameters else self.name


def _number(op: str, value: object) -> float:
    """A parameter: any number but NaN; a bound may be infinite."""
    try:
        if isinstance(value, (bool, np.bool, str, bytes)):
            raise TypeError
        number = float(value)  # type: ignore[arg-type]
    except Exception:
        raise TypeError(
            f"{op}: activation must have numbers as parameters, got {short_repr(value)}"
        ) from None
    if number != number:
        raise ValueError(f"{op}: activation must have numbers as parameters, got nan")
    return number


def _slopes(op: str, value: object, channels: int) -> Array:
    slopes = as_array(op, "activation", value)
    if slopes.dtype.kind not in "fiu" or slopes.size not in (1, channels) or slopes.ndim > 1:
        raise ValueError(
            f"{op}: activation 'prelu' must have a slope or one for each of {channels} channels, "
            f"got shape {slopes.shape}"
        )
    slopes = np.array(slopes, np.float64).reshape(-1)
    slopes.flags.writeable = False
    return slopes
