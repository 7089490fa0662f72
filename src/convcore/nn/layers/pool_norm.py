"""Lp and L2 pooling."""

from __future__ import annotations

from convcore.nn.layers.operator import Pooling
from convcore.spec.border import AnyBorder
from convcore.spec.missing import NAN, PROPAGATE
from convcore.spec.options import Paddings, Sizes


class LpPooling(Pooling):
    """Lp pooling, for any number of axes."""

    def __init__(
        self,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Paddings = "valid",
        dilation: Sizes = 1,
        *,
        p: float = 2.0,
        ceil_mode: bool = False,
        border: AnyBorder = "zeros",
        layout: str | None = None,
        nan: str = PROPAGATE,
        fill: float = NAN,
    ) -> None:
        super().__init__()
        self._read(
            kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation, p=p,
            ceil_mode=ceil_mode, border=border, layout=layout,
            nan=nan, fill=fill,
        )  # fmt: skip


class LpPool1d(LpPooling):
    """The p-norm of each window: :func:`convcore.lp_pool1d`.

    Parameters and errors are those of :class:`LpPool2d`, for one axis.

    Examples
    --------
    >>> LpPool1d(2, p=1).forward([[1.0, -3.0, 2.0, 0.0]]).tolist()
    [[4.0, 2.0]]
    """

    operator = "lp_pool1d"


class LpPool2d(LpPooling):
    """The p-norm of each window: :func:`convcore.lp_pool2d`.

    Parameters
    ----------
    kernel_size, stride, padding, dilation, p, ceil_mode, border, layout
        As :func:`convcore.lp_pool2d` takes them; ``layout`` None is "NCHW".
    nan, fill
        As :func:`convcore.lp_pool2d` takes them. A layer has no mask: mark missing cells by NaN.

    Examples
    --------
    >>> LpPool2d(1, p=3).forward(np.full((1, 2, 2), -2.0)).tolist()
    [[[2.0, 2.0], [2.0, 2.0]]]
    """

    operator = "lp_pool2d"


class LpPool3d(LpPooling):
    """The p-norm of each window: :func:`convcore.lp_pool3d`.

    Parameters and errors are those of :class:`LpPool2d`, for three axes.

    Examples
    --------
    >>> LpPool3d(2).output_shape((8, 4, 16, 16))
    (8, 2, 8, 8)
    """

    operator = "lp_pool3d"


class L2Pooling(Pooling):
    """L2 pooling, for any number of axes."""

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


class L2Pool1d(L2Pooling):
    """The Euclidean norm of each window: :func:`convcore.l2_pool1d`.

    Parameters and errors are those of :class:`L2Pool2d`, for one axis.

    Examples
    --------
    >>> L2Pool1d(2).forward([[3.0, -4.0]]).tolist()
    [[5.0]]
    """

    operator = "l2_pool1d"


class L2Pool2d(L2Pooling):
    """The Euclidean norm of each window: :func:`convcore.l2_pool2d`.

    Parameters
    ----------
    kernel_size, stride, padding, dilation, ceil_mode, border, layout
        As :func:`convcore.l2_pool2d` takes them; ``layout`` None is "NCHW".
    nan, fill
        As :func:`convcore.l2_pool2d` takes them. A layer has no mask: mark missing cells by NaN.

    Examples
    --------
    >>> L2Pool2d((1, 2)).forward([[[3.0, 4.0]]]).tolist()
    [[[5.0]]]
    """

    operator = "l2_pool2d"


class L2Pool3d(L2Pooling):
    """The Euclidean norm of each window: :func:`convcore.l2_pool3d`.

    Parameters and errors are those of :class:`L2Pool2d`, for three axes.

    Examples
    --------
    >>> L2Pool3d(2).output_shape((8, 4, 16, 16))
    (8, 2, 8, 8)
    """

    operator = "l2_pool3d"
