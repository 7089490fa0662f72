"""Operators as layers call them: with the name that errors carry, and every option by its name."""

from collections.abc import Callable
from typing import Any, NamedTuple

from convcore.engine.pooling import Adaptive, Sliding

Function = Callable[..., Any]


class Calls(NamedTuple):
    """An operator and its gradient, of any number of axes.

    ``forward(op, *arrays, axes=..., **options)``, and ``backward`` likewise.
    """

    forward: Function
    backward: Function


def sliding(function: Function) -> Function:
    """Return the function with the options of its windows, which slide, by name."""

    def call(
        op: str,
        *arrays: object,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        ceil_mode: Any,
        border: Any = "zeros",
        **options: object,
    ) -> Any:
        windows = Sliding(kernel_size, stride, padding, dilation, ceil_mode, border)
        return function(op, *arrays, windows, **options)

    return call


def adaptive(function: Function) -> Function:
    """Return the function with the option of its windows, which adapt to the input, by name."""

    def call(op: str, *arrays: object, output_size: Any, **options: object) -> Any:
        return function(op, *arrays, Adaptive(output_size), **options)

    return call
