"""Averages: sliding, adaptive and weighted ones."""

from __future__ import annotations

from numpy.typing import ArrayLike

from convcore.nn.layers.operator import Pooling
from convcore.spec.border import AnyBorder
from convcore.spec.missing import NAN, PROPAGATE
from convcore.spec.options import Paddings, Sizes
from convcore.spec.pooling import OutputSize, as_window


class AvgPooling(Pooling):
    """Average pooling, for any number of axes."""

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Paddings = "valid",
        dilation: Sizes = 1,
        *,
        ceil_mode: bool = False,
        count_include_pad: bool = False,
        border: AnyBorder = "zeros",
        layout: str | None = None,
        nan: str = PROPAGATE,
        normalize: bool = True,
        fill: float = NAN,
    ) -> None:
        super().__init__()
        self._read(
            kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation,
            ceil_mode=ceil_mode, count_include_pad=count_include_pad, border=border, layout=layout,
            nan=nan, normalize=normalize, fill=fill,
        )  # fmt: skip


class AvgPool1d(AvgPooling):
    """The average of each window: :func:`convcore.avg_pool1d`.

    Parameters and errors are those of :class:`AvgPool2d`, for one axis.

    Examples
    --------
    >>> AvgPool1d(2).forward([[1.0, 3.0, 2.0, 0.0]]).tolist()
    [[2.0, 1.0]]
    """

    operator = "avg_pool1d"


class AvgPool2d(AvgPooling):
    """The average of each window: :func:`convcore.avg_pool2d`.

    Parameters
    ----------
    kernel_size, stride, padding, dilation, ceil_mode, count_include_pad, border, layout
        As :func:`convcore.avg_pool2d` takes them; ``layout`` None is "NCHW".
    nan, normalize, fill
        As :func:`convcore.avg_pool2d` takes them. A layer has no mask: mark missing cells by NaN.

    Examples
    --------
    >>> AvgPool2d(2).forward(np.arange(4.0).reshape(1, 2, 2)).tolist()
    [[[1.5]]]
    """

    operator = "avg_pool2d"


class AvgPool3d(AvgPooling):
    """The average of each window: :func:`convcore.avg_pool3d`.

    Parameters and errors are those of :class:`AvgPool2d`, for three axes.

    Examples
    --------
    >>> AvgPool3d(2).output_shape((8, 4, 16, 16))
    (8, 2, 8, 8)
    """

    operator = "avg_pool3d"


class AdaptiveAvgPooling(Pooling):
    """Adaptive average pooling, for any number of axes."""

    def __init__(self, output_size: OutputSize, *, layout: str | None = None) -> None:
        super().__init__()
        self._read(output_size=output_size, layout=layout)


class AdaptiveAvgPool1d(AdaptiveAvgPooling):
    """The averages of a given number of windows: :func:`convcore.adaptive_avg_pool1d`.

    Parameters and errors are those of :class:`AdaptiveAvgPool2d`, for one axis.

    Examples
    --------
    >>> AdaptiveAvgPool1d(2).forward([[1.0, 3.0, 2.0, 0.0]]).tolist()
    [[2.0, 1.0]]
    """

    operator = "adaptive_avg_pool1d"


class AdaptiveAvgPool2d(AdaptiveAvgPooling):
    """The averages of a given number of windows: :func:`convcore.adaptive_avg_pool2d`.

    Parameters
    ----------
    output_size : int, None or a pair of these
        As :func:`convcore.adaptive_avg_pool2d` takes it.
    layout : {"NCHW", "NHWC"}, optional
        Order of the axes of the input; default "NCHW".

    Examples
    --------
    >>> AdaptiveAvgPool2d(1).output_shape((512, 7, 7))
    (512, 1, 1)
    """

    operator = "adaptive_avg_pool2d"


class AdaptiveAvgPool3d(AdaptiveAvgPooling):
    """The averages of a given number of windows: :func:`convcore.adaptive_avg_pool3d`.

    Parameters and errors are those of :class:`AdaptiveAvgPool2d`, for three axes.

    Examples
    --------
    >>> AdaptiveAvgPool3d(1).output_shape((8, 5, 16, 16))
    (8, 1, 1, 1)
    """

    operator = "adaptive_avg_pool3d"


class WeightedPooling(Pooling):
    """Weighted pooling, for any number of axes."""

    def __init__(
        self,
        window: ArrayLike,
        stride: Sizes | None = None,
        padding: Paddings = "valid",
        dilation: Sizes = 1,
        *,
        normalize: bool = True,
        ceil_mode: bool = False,
        border: AnyBorder = "zeros",
        layout: str | None = None,
        nan: str = PROPAGATE,
        fill: float = NAN,
    ) -> None:
        super().__init__()
        weights = as_window(self.op, window, self.spatial).copy()
        self._read(
            window=weights, stride=stride, padding=padding, dilation=dilation,
            normalize=normalize, ceil_mode=ceil_mode, border=border, layout=layout,
            nan=nan, fill=fill,
        )  # fmt: skip


class WeightedPool1d(WeightedPooling):
    """A weighted average of each window: :func:`convcore.weighted_pool1d`.

    Parameters and errors are those of :class:`WeightedPool2d`, for one axis.

    Examples
    --------
    >>> WeightedPool1d([1.0, 2.0, 1.0], 1, 1).forward([[4.0, 0.0, 8.0]]).round(3).tolist()
    [[2.667, 3.0, 5.333]]
    """

    operator = "weighted_pool1d"


class WeightedPool2d(WeightedPooling):
    """A weighted average of each window: :func:`convcore.weighted_pool2d`.

    Parameters
    ----------
    window : array_like, shape (R, S)
        The weights, the same for every channel and not learned: see
        :func:`convcore.distance_window`.
    stride, padding, dilation, normalize, ceil_mode, border, layout
        As :func:`convcore.weighted_pool2d` takes them; ``layout`` None is "NCHW".
    nan, fill
        As :func:`convcore.weighted_pool2d` takes them. A layer has no mask: mark missing cells by
        NaN.

    Examples
    --------
    >>> from convcore import distance_window
    >>> WeightedPool2d(distance_window((3, 3), "binomial"), 2, 1).output_shape((6, 28, 28))
    (6, 14, 14)
    """

    operator = "weighted_pool2d"


class WeightedPool3d(WeightedPooling):
    """A weighted average of each window: :func:`convcore.weighted_pool3d`.

    Parameters and errors are those of :class:`WeightedPool2d`, for three axes.

    Examples
    --------
    >>> WeightedPool3d(np.ones((2, 2, 2))).output_shape((8, 4, 16, 16))
    (8, 2, 8, 8)
    """

    operator = "weighted_pool3d"
