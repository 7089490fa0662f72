"""Batch normalisation: by the batch's own statistics in training, by running ones in use."""

from __future__ import annotations

from math import prod
from typing import Any, ClassVar

import numpy as np

from convcore.graph.tracer import Tracer
from convcore.nn.layers.base import Shape, call_of, check_channels, quiet
from convcore.nn.layers.normalization import Normalization
from convcore.nn.layers.parameters import constant
from convcore.nn.layers.statistics import Statistics, slope, standardize
from convcore.spec.operands import FLOAT16, FLOAT32, Array, DType
from convcore.spec.options import as_float, as_int

OVER = (0, 2)  # of (N, C, cells): all but the channels


class BatchNorm(Normalization):
    """Batch normalisation, for any number of axes."""

    untrained = ("running_mean", "running_var")
    pointwise = True  # in use
    spatial: ClassVar[tuple[int, ...]]  # the numbers of axes beside the channels

    def __init__(
        self,
        channels: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
        *,
        dtype: object = np.float32,
    ) -> None:
        super().__init__()
        op = self.op
        self.channels = as_int(op, "channels", channels, 1)
        self.momentum = as_float(op, "momentum", momentum, 0)
        if self.momentum > 1:
            raise ValueError(f"{op}: momentum must be at most 1, got {self.momentum}")
        real = self._begin((self.channels,), eps=eps, affine=affine, dtype=dtype)
        kept = FLOAT32 if real == FLOAT16 else real  # float16 would lose small steps of a mean
        self.running_mean: Array = constant(op, "running_mean", (self.channels,), 0, kept)
        self.running_var: Array = constant(op, "running_var", (self.channels,), 1, kept)

    def _trace(self, to: Tracer, x: str) -> str:
        one, zero = np.ones(self.channels, to.dtype), np.zeros(self.channels, to.dtype)
        weight = one if self.weight is None else self.weight
        bias = zero if self.bias is None else self.bias
        given = (weight, bias, self.running_mean, self.running_var)
        names = ("weight", "bias", "running_mean", "running_var")
        arrays = map(to.constant, given, names)
        return to.node("BatchNormalization", x, *arrays, epsilon=self.eps)

    def _shape(self, shape: Shape) -> Shape:
        if len(shape) - 1 not in self.spatial:
            axes = " or ".join(str(number + 1) for number in self.spatial)
            raise ValueError(f"{self.op}: x must have {axes} axes without the batch, got {shape}")
        return check_channels(self.op, shape, self.channels)

    @quiet
    def _forward(self, x: Array) -> tuple[Array, Any]:
        dtype, work = self._dtypes(x.dtype)
        values = x.astype(work, copy=False).reshape(len(x), self.channels, prod(x.shape[2:]))
        learning = self.training and not self._frozen
        if learning:
            hat, used = self._learned(values)
        else:
            used = self._running(work)
            hat = used.standardized(values)
        y = self._scaled(hat, (-1, 1))
        return y.reshape(x.shape).astype(dtype, copy=False), (values, used, learning)

    def _learned(self, values: Array) -> tuple[Array, Statistics]:
        """Standardise by the batch's own statistics, and move the running ones towards them."""
        n = values.shape[0] * values.shape[2]
        if n < 2:
            raise ValueError(
                f"{self.op}: x must have at least 2 values a channel in training, got {n}"
            )
        hat, own, var = standardize(values, OVER, self.eps)
        found = (own.mean, var * (n / (n - 1)))  # the variance without bias
        for running, new in zip((self.running_mean, self.running_var), found, strict=True):
            running *= 1 - self.momentum
            running += (self.momentum * new.reshape(-1)).astype(running.dtype)
        return hat, own

    def _running(self, dtype: DType) -> Statistics:
        mean, var = (
            array.astype(np.float64)[:, np.newaxis]  # a copy: training may change them
            for array in (self.running_mean, self.running_var)
        )
        return Statistics(mean, (1 / np.sqrt(var + self.eps)).astype(dtype))

    @quiet
    def _backward(self, grad: Array, kept: Any, need_dx: bool) -> Array | None:
        x, used, learned = kept
        dtype, work = self._dtypes(grad.dtype, "grad")
        hat = used.standardized(x)
        inner = self._unscaled(grad.astype(work, copy=False).reshape(x.shape), hat, (-1, 1), OVER)
        if not need_dx:
            return None
        dx = slope(inner, hat, used.inverse, OVER) if learned else inner * used.inverse
        return dx.reshape(grad.shape).astype(dtype, copy=False)

    def __repr__(self) -> str:
        """Return the call that makes it."""
        return call_of(
            self.op, self.channels, eps=(self.eps, 1e-5), momentum=(self.momentum, 0.1),
            affine=(self.affine, True),
        )  # fmt: skip


class BatchNorm1d(BatchNorm):
    """Standardise each feature, or each channel of signals, over the batch.

    Takes (N, channels) or (N, channels, W) and keeps the shape; the batch axis must be there.
    Parameters, attributes and errors are those of :class:`BatchNorm2d`. After a :class:`Linear` a
    feature has one value an example: train with batches of two examples or more, the last one too.

    Examples
    --------
    >>> layer = BatchNorm1d(2)
    >>> layer.train()
    >>> layer.forward(np.array([[1.0, 10.0], [3.0, 10.0]])).round(3).tolist()
    [[-1.0, 0.0], [1.0, 0.0]]
    >>> layer.running_mean
    array([0.2, 1. ], dtype=float32)
    """

    spatial = (0, 1)


class BatchNorm2d(BatchNorm):
    r"""Standardise each channel over the batch and its maps.

    .. math:: y_c = w_c \, \frac{x_c - \mu_c}{\sqrt{\sigma_c^2 + \varepsilon}} + b_c

    Takes (N, channels, H, W) and keeps the shape. In training, mean and variance are those of the
    batch, and the running ones move towards them. In use they are the running ones, and so they are
    in a frozen layer.

    Parameters
    ----------
    channels : int
        Channels of the input.
    eps : float
        :math:`\varepsilon`, more than 0.
    momentum : float
        From 0 to 1, the share of a batch in the running statistics:
        ``running = (1 - momentum) * running + momentum * batch``.
    affine : bool
        Whether there are a weight and a bias.
    dtype : float16, float32 or float64
        Of weight and bias. Running statistics are float32 at least.

    Attributes
    ----------
    weight : ndarray, shape (channels,), or None
        Begins at one.
    bias : ndarray, shape (channels,), or None
        Begins at zero.
    running_mean, running_var : ndarray, shape (channels,)
        Buffers: saved and copied, and changed by training without a gradient. Begin at zero and
        one.

    Raises
    ------
    ValueError, TypeError
        For options out of range and inputs of other channels. In training, for fewer than two
        values a channel.

    See Also
    --------
    GroupNorm, LayerNorm

    Notes
    -----
    Ioffe and Szegedy, *Batch normalization* (2015). A batch is divided by its standard deviation
    over n values; the running variance is the estimate without bias, over n - 1. Both are summed
    in float64, of x - mean. PyTorch: ``torch.nn.BatchNorm2d``, which counts batches, too.

    Examples
    --------
    >>> layer = BatchNorm2d(1)
    >>> x = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> layer.train()
    >>> layer.forward(x).round(3).tolist()
    [[[[-1.342, -0.447], [0.447, 1.342]]]]
    >>> layer.running_mean, layer.running_var
    (array([0.25], dtype=float32), array([1.06666...], dtype=float32))
    >>> layer.train(False)
    >>> layer.forward(x).round(3).tolist()
    [[[[0.726, 1.694], [2.663, 3.631]]]]
    >>> sorted(layer.parameters()), sorted(layer.buffers())
    (['bias', 'weight'], ['running_mean', 'running_var'])
    """

    axes = 3
    spatial = (2,)


class BatchNorm3d(BatchNorm):
    """Standardise each channel over the batch and its volumes.

    Takes (N, channels, D, H, W) and keeps the shape. Parameters, attributes and errors are those
    of :class:`BatchNorm2d`.

    Examples
    --------
    >>> BatchNorm3d(4).output_shape((4, 2, 8, 8))
    (4, 2, 8, 8)
    """

    axes = 4
    spatial = (3,)
