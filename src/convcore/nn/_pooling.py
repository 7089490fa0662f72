"""Layers that pool: sliding windows and adaptive ones, without parameters."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

import convcore
from convcore import _args
from convcore._args import Array
from convcore._linear import Paddings, Sizes
from convcore.geometry import _operators
from convcore.nn._base import Layer, Shape


class Pooling(Layer):
    """A layer that is a pooling of the package, by its options."""

    axes = 3

    def _build(self, operator: str, shown: str, **options: Any) -> None:
        self.operator, self.options = operator, options
        self._run: Callable[..., Array] = getattr(convcore, operator)
        self._run_back: Callable[..., Array] = getattr(convcore, f"{operator}_backward")
        self._shown = shown

    def _shape(self, shape: Shape) -> Shape:
        found: Shape = _operators.sizes(self.op, _operators.read(self.op, self), shape).shape
        try:  # the operator refuses windows of padding alone, which sizes do not show
            self._run(np.empty((0, *shape), np.float32), **self.options)
        except ValueError as error:
            raise ValueError(f"{self.op}: {str(error).partition(': ')[2]}") from None
        return found

    def _forward(self, x: Array) -> tuple[Array, Any]:
        return self._run(x, **self.options), x

    def _backward(self, grad: Array, kept: Any, need_dx: bool) -> Array | None:
        return self._run_back(grad, kept, **self.options) if need_dx else None

    def __repr__(self) -> str:
        return f"{self.op}({self._shown})"


def _windows(
    op: str, kernel_size: object, stride: object, padding: object, dilation: object,
    ceil_mode: object,
) -> tuple[str, dict[str, Any]]:  # fmt: skip
    """A repr's words and the options of sliding windows, read."""
    kernel = _args.per_axis(op, "kernel_size", kernel_size, 2)
    options: dict[str, Any] = {"kernel_size": kernel}
    options["stride"] = kernel if stride is None else _args.per_axis(op, "stride", stride, 2)
    options["padding"] = _args.paddings(op, padding, 2)
    options["dilation"] = _args.per_axis(op, "dilation", dilation, 2)
    options["ceil_mode"] = _args.flag(op, "ceil_mode", ceil_mode)
    given = {"stride": (stride, None), "padding": (padding, "valid"), "dilation": (dilation, 1),
             "ceil_mode": (ceil_mode, False)}  # fmt: skip
    words = [_args.shown(kernel_size)]
    words += [
        f"{k}={_args.shown(value)}" for k, (value, usual) in given.items()
        if _args.listed(value) != usual
    ]  # fmt: skip
    return ", ".join(words), options


class MaxPool2d(Pooling):
    """The largest value of each window: :func:`convcore.max_pool2d`.

    Parameters
    ----------
    kernel_size, stride, padding, dilation, ceil_mode
        As :func:`convcore.max_pool2d` takes them.

    Examples
    --------
    >>> MaxPool2d(3, 2).output_shape((96, 55, 55))
    (96, 27, 27)
    """

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Paddings = "valid",
        dilation: Sizes = 1,
        *,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        words, options = _windows(self.op, kernel_size, stride, padding, dilation, ceil_mode)
        self._build("max_pool2d", words, **options)


class AvgPool2d(Pooling):
    """The average of each window: :func:`convcore.avg_pool2d`.

    Parameters
    ----------
    kernel_size, stride, padding, dilation, ceil_mode, count_include_pad
        As :func:`convcore.avg_pool2d` takes them.

    Examples
    --------
    >>> AvgPool2d(2).forward(np.arange(4.0).reshape(1, 2, 2)).tolist()
    [[[1.5]]]
    """

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Paddings = "valid",
        dilation: Sizes = 1,
        *,
        ceil_mode: bool = False,
        count_include_pad: bool = False,
    ) -> None:
        super().__init__()
        words, options = _windows(self.op, kernel_size, stride, padding, dilation, ceil_mode)
        counted = _args.flag(self.op, "count_include_pad", count_include_pad)
        words += ", count_include_pad=True" if counted else ""
        self._build("avg_pool2d", words, **options, count_include_pad=counted)


class LpPool2d(Pooling):
    """The p-norm of each window: :func:`convcore.lp_pool2d`.

    Parameters
    ----------
    kernel_size, stride, padding, dilation, p, ceil_mode
        As :func:`convcore.lp_pool2d` takes them.

    Examples
    --------
    >>> LpPool2d(1, p=3).forward(np.full((1, 2, 2), -2.0)).tolist()
    [[[2.0, 2.0], [2.0, 2.0]]]
    """

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Paddings = "valid",
        dilation: Sizes = 1,
        *,
        p: float = 2.0,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        words, options = _windows(self.op, kernel_size, stride, padding, dilation, ceil_mode)
        # the operator knows which exponents there are
        convcore.lp_pool2d(np.zeros((0, 1, 1, 1)), 1, p=p)
        self._build("lp_pool2d", words + f", p={p}", **options, p=p)


class WeightedPool2d(Pooling):
    """A weighted average of each window: :func:`convcore.weighted_pool2d`.

    Parameters
    ----------
    window : array_like, shape (R, S)
        The weights, the same for every channel and not learned: see
        :func:`convcore.distance_window`.
    stride, padding, dilation, normalize, ceil_mode
        As :func:`convcore.weighted_pool2d` takes them.

    Examples
    --------
    >>> from convcore import distance_window
    >>> WeightedPool2d(distance_window((3, 3), "binomial"), 2, 1).output_shape((6, 28, 28))
    (6, 14, 14)
    """

    def __init__(
        self,
        window: ArrayLike,
        stride: Sizes | None = None,
        padding: Paddings = "valid",
        dilation: Sizes = 1,
        *,
        normalize: bool = True,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        weights = _args.array(self.op, "window", window).copy()
        _args.check_dtype(self.op, "window", weights.dtype)
        if weights.ndim != 2 or not weights.size:
            raise ValueError(
                f"{self.op}: window must have 2 axes and at least one weight, got shape "
                f"{weights.shape}"
            )
        shape = weights.shape
        words, options = _windows(self.op, shape, stride, padding, dilation, ceil_mode)
        del options["kernel_size"]
        shown = f"<window of shape {shape}>" + words.removeprefix(repr(shape))
        flag = _args.flag(self.op, "normalize", normalize)
        self._build("weighted_pool2d", shown, window=weights, **options, normalize=flag)


class AdaptiveMaxPool2d(Pooling):
    """The largest values of a wanted number of windows: :func:`convcore.adaptive_max_pool2d`.

    Parameters
    ----------
    output_size : int, None or a pair of these
        As :func:`convcore.adaptive_max_pool2d` takes it.

    Examples
    --------
    >>> AdaptiveMaxPool2d(6).output_shape((256, 13, 17))
    (256, 6, 6)
    """

    def __init__(self, output_size: int | tuple[int | None, ...] | None) -> None:
        super().__init__()
        _operators.adaptive_sizes(self.op, (1, 1), output_size)
        self._build("adaptive_max_pool2d", _args.shown(output_size), output_size=output_size)


class AdaptiveAvgPool2d(Pooling):
    """The averages of a wanted number of windows: :func:`convcore.adaptive_avg_pool2d`.

    Parameters
    ----------
    output_size : int, None or a pair of these
        As :func:`convcore.adaptive_avg_pool2d` takes it.

    Examples
    --------
    >>> AdaptiveAvgPool2d(1).output_shape((512, 7, 7))
    (512, 1, 1)
    """

    def __init__(self, output_size: int | tuple[int | None, ...] | None) -> None:
        super().__init__()
        _operators.adaptive_sizes(self.op, (1, 1), output_size)
        self._build("adaptive_avg_pool2d", _args.shown(output_size), output_size=output_size)
