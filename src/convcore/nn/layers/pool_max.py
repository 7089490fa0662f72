"""Max pooling, sliding and adaptive."""

from __future__ import annotations

from convcore.nn.layers.operator import Pooling
from convcore.spec.border import AnyBorder
from convcore.spec.missing import NAN, PROPAGATE
from convcore.spec.options import Paddings, Sizes
from convcore.spec.pooling import OutputSize


class MaxPooling(Pooling):
    """Max pooling, for any number of axes."""

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Paddings = "valid",
        dilation: Sizes = 1,
        *,
        ceil_mode: bool = False,
        border: AnyBorder = "zeros",
        layout: str | None = None,
        nan: str = PROPAGATE,
        fill: float = NAN,
    ) -> None:
        super().__init__()
        self._read(
            kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation,
            ceil_mode=ceil_mode, border=border, layout=layout,
            nan=nan, fill=fill,
        )  # fmt: skip


class MaxPool1d(MaxPooling):
    """The largest value of each window: :func:`convcore.max_pool1d`.

    Parameters and errors are those of :class:`MaxPool2d`, for one axis.

    Examples
    --------
    >>> MaxPool1d(2).forward([[1.0, 3.0, 2.0, 0.0]]).tolist()
    [[3.0, 2.0]]
    """

    operator = "max_pool1d"


class MaxPool2d(MaxPooling):
    """The largest value of each window: :func:`convcore.max_pool2d`.

    Parameters
    ----------
    kernel_size, stride, padding, dilation, ceil_mode, border, layout
        As :func:`convcore.max_pool2d` takes them; ``layout`` None is "NCHW".
    nan, fill
        As :func:`convcore.max_pool2d` takes them. A layer has no mask: mark missing cells by NaN.

    Examples
    --------
    >>> MaxPool2d(3, 2).output_shape((96, 55, 55))
    (96, 27, 27)
    """

    operator = "max_pool2d"


class MaxPool3d(MaxPooling):
    """The largest value of each window: :func:`convcore.max_pool3d`.

    Parameters and errors are those of :class:`MaxPool2d`, for three axes.

    Examples
    --------
    >>> MaxPool3d(2).output_shape((8, 4, 16, 16))
    (8, 2, 8, 8)
    """

    operator = "max_pool3d"


class AdaptiveMaxPooling(Pooling):
    """Adaptive max pooling, for any number of axes."""

    def __init__(self, output_size: OutputSize, *, layout: str | None = None) -> None:
        super().__init__()
        self._read(output_size=output_size, layout=layout)


class AdaptiveMaxPool1d(AdaptiveMaxPooling):
    """The largest values of a given number of windows: :func:`convcore.adaptive_max_pool1d`.

    Parameters and errors are those of :class:`AdaptiveMaxPool2d`, for one axis.

    Examples
    --------
    >>> AdaptiveMaxPool1d(2).forward([[1.0, 3.0, 2.0, 0.0]]).tolist()
    [[3.0, 2.0]]
    """

    operator = "adaptive_max_pool1d"


class AdaptiveMaxPool2d(AdaptiveMaxPooling):
    """The largest values of a given number of windows: :func:`convcore.adaptive_max_pool2d`.

    Parameters
    ----------
    output_size : int, None or a pair of these
        As :func:`convcore.adaptive_max_pool2d` takes it.
    layout : {"NCHW", "NHWC"}, optional
        Order of the axes of the input; default "NCHW".

    Examples
    --------
    >>> AdaptiveMaxPool2d(6).output_shape((256, 13, 17))
    (256, 6, 6)
    """

    operator = "adaptive_max_pool2d"


class AdaptiveMaxPool3d(AdaptiveMaxPooling):
    """The largest values of a given number of windows: :func:`convcore.adaptive_max_pool3d`.

    Parameters and errors are those of :class:`AdaptiveMaxPool2d`, for three axes.

    Examples
    --------
    >>> AdaptiveMaxPool3d(2).output_shape((8, 5, 16, 16))
    (8, 2, 2, 2)
    """

    operator = "adaptive_max_pool3d"
