"""Weighted pooling and its gradient: a convolution of each channel, divided by the weights used."""

import numpy as np
from numpy.typing import ArrayLike

from convcore import _args, _ranks, _runtime
from convcore._args import Array
from convcore.conv import convolution
from convcore.geometry import span
from convcore.pool import _call
from convcore.pool._call import Paddings, Problem, Sizes, Windows


def _read(
    op: str, axes: int, window: object, stride: object, padding: object, dilation: object,
    ceil_mode: bool,
) -> tuple[Array, Windows]:  # fmt: skip
    """The weights as an array, and where the windows lie."""
    weights = _args.array(op, "window", window)
    _args.check_dtype(op, "window", weights.dtype)
    if weights.ndim != axes or weights.size == 0:
        raise ValueError(
            f"{op}: window must have {axes} axes and at least one weight, got shape {weights.shape}"
        )
    sizes = weights.shape
    return weights, _call.sliding(op, axes, sizes, stride, padding, dilation, ceil_mode)


def _normaliser(op: str, problem: Problem, weights: Array) -> Array:
    """Sum of the weights that fall on input cells, for each output of a plane."""
    sums = weights.astype(np.float64)
    for axis, (_, kernel, stride, dilation, before, out) in enumerate(problem.axes):
        first, cells = problem.table(axis).T[:2]
        skipped = (first + before - np.arange(out) * stride) // dilation
        # outputs inside the borders use the same weights: only a few rows of `used` differ
        (begin, count), which = np.unique(
            np.stack([skipped, cells]), axis=1, return_inverse=True
        )  # fmt: skip
        tap = np.arange(kernel)
        used = (tap >= begin[:, None]) & (tap < (begin + count)[:, None])
        each = np.tensordot(used.astype(np.float64), sums, (1, axis))
        sums = np.moveaxis(each[which.ravel()], 0, axis)
    if not sums.all():
        place = [int(i) for i in np.argwhere(sums == 0)[0]]
        raise ValueError(
            f"{op}: the weights of window that fall on input cells sum to 0 at output {place}; "
            "expected another sum, or normalize=False"
        )
    return sums


def _divisor(op: str, problem: Problem, weights: Array, normalize: bool) -> Array:
    """What sums of weighted cells are divided by, shaped to be combined with them."""
    if not normalize:
        return np.ones((), weights.dtype)
    sums = _normaliser(op, problem, weights).astype(weights.dtype)
    if (sums == sums.flat[0]).all():
        return sums.ravel()[0]  # type: ignore[no-any-return]
    return sums[..., np.newaxis] if problem.channels_last else sums


def _per_channel(weights: Array, channels: int) -> Array:
    """The window as the weight of a convolution of each channel by itself."""
    return np.ascontiguousarray(np.broadcast_to(weights, (channels, 1, *weights.shape)))


def _paddings(problem: Problem) -> tuple[tuple[int, int], ...]:
    """Before and after, such that a convolution has as many outputs, a partial last one too."""
    return tuple(
        (before, max((out - 1) * stride + span(kernel, dilation) - n - before, 0))
        for n, kernel, stride, dilation, before, out in problem.axes
    )


def _spread(grad: Array, problem: Problem) -> Array:
    """Gradients at the first tap of their windows, zeros between them."""
    first = -len(problem.axes) - problem.channels_last
    shape = list(grad.shape)
    where = [slice(None)] * grad.ndim
    for axis, (_, _, stride, _, _, out) in enumerate(problem.axes):
        shape[first + axis] = (out - 1) * stride + 1
        where[first + axis] = slice(None, None, stride)
    spread = np.zeros(shape, grad.dtype)
    spread[tuple(where)] = grad
    return spread


def _weighted_pool(rank: _ranks.Rank) -> _ranks.Operator:
    def weighted_pool(
        x: ArrayLike,
        window: ArrayLike,
        stride: Sizes | None = None,
        padding: Paddings = "valid",
        dilation: Sizes = 1,
        *,
        normalize: bool = True,
        ceil_mode: bool = False,
        layout: str = rank.layout,
        threads: int | None = None,
        out: Array | None = None,
    ) -> Array:
        r"""Replace each window by a weighted average of its cells.

        .. math::

            Y_o = \frac{\sum_{t:\, o s + t d \in R(o)} w_t \, V_{o s + t d}}
                       {\sum_{t:\, o s + t d \in R(o)} w_t}

        with :math:`R(o)` the input cells that window o holds, s the stride and d the dilation.
        Weights that fall into the padding count neither above nor below, so that borders are not
        darkened.

        Parameters
        ----------
        x : array_like, shape (N, C, $space) or (C, $space)
            Input V; ``layout="$last"``: channels last.
        window : array_like, shape ($kernel)
            Weights w, any real numbers, the same for every channel; not flipped. Taken in the
            dtype that is computed in.
        stride : $each, optional
            Cells from one window to the next; default: the window's size.
        padding, dilation, ceil_mode, layout, threads, out
            As in :func:`avg_pool$d`.
        normalize : bool
            Divide by the weights used; without it the sum alone.

        Returns
        -------
        ndarray, shape (N, C, $out) or (C, $out), as ``layout`` says
            float32 and float64 are computed as they are, float16 in float32; integers and bool
            give ``np.result_type(x, np.float32)``. The window's dtype has no say.

        Raises
        ------
        ValueError, TypeError, MemoryError
            As :func:`avg_pool$d`, and where the weights used sum to 0 but shall be divided by.

        See Also
        --------
        ${name}_backward, distance_window, avg_pool$d

        Notes
        -----
        No other library has it; with ``stride=1`` it is a normalised convolution, with a binomial
        window and stride 2 the blur of anti-aliased networks. Item f14 of the study notes.

        Examples
        --------
        >>> import numpy as np
        >>> from convcore import $name
        >>> x = np.array([4.0, 0.0, 8.0]).reshape(1, ${lead}3)
        >>> window = np.array([1.0, 2.0, 1.0]).reshape(${lead}3)
        >>> $name(x, window, stride=1, padding="same").ravel().tolist()[1]
        3.0
        """
        op = weighted_pool.__name__
        weights, windows = _read(op, rank.axes, window, stride, padding, dilation, ceil_mode)
        normalize = _args.flag(op, "normalize", normalize)
        _args.choice(op, "layout", layout, _args.LAYOUTS[rank.axes])
        count = _runtime.threads_for(op, threads)
        x = _args.array(op, "x", x)
        dtype, work = _args.result_type(op, x.dtype, x.dtype)
        problem = _call.problem(op, rank.axes, "mean", 0.0, False, x.shape, windows, layout)
        place = None if out is None else _args.check_out(op, out, problem.shape, dtype)
        if problem.core is None:
            return _args.delivered(np.empty(problem.shape, work), place, out, dtype)
        weights = weights.astype(work)
        divisor = _divisor(op, problem, weights, normalize)
        y = convolution(
            op, rank.axes, _args.ready(op, "x", x, work), _per_channel(weights, problem.channels),
            None, windows.stride, _paddings(problem), windows.dilation, problem.channels,
            layout=layout, threads=count, out=place if dtype == work else None,
        )  # fmt: skip
        if normalize:
            np.divide(y, divisor, out=y)
        return _args.delivered(y, place, out, dtype)

    return weighted_pool


def _weighted_pool_backward(rank: _ranks.Rank) -> _ranks.Operator:
    def weighted_pool_backward(
        grad: ArrayLike,
        x: ArrayLike,
        window: ArrayLike,
        stride: Sizes | None = None,
        padding: Paddings = "valid",
        dilation: Sizes = 1,
        *,
        normalize: bool = True,
        ceil_mode: bool = False,
        layout: str = rank.layout,
        threads: int | None = None,
        out: Array | None = None,
    ) -> Array:
        r"""Gradient of x of :func:`$forward`: every cell gets its weight from each window.

        .. math:: \bar V_i = \sum_{o, t:\, o s + t d = i} w_t \frac{\bar Y_o}{W_o}

        with :math:`W_o` the sum of the weights that window o uses (1 without ``normalize``).

        Parameters
        ----------
        grad : array_like
            Gradient of the result, of its shape.
        x, window, stride, padding, dilation, normalize, ceil_mode, layout, threads
            As the forward function got them; of ``x`` only the shape and dtype matter.
        out : ndarray, optional
            Where to put the gradient.

        Returns
        -------
        ndarray, shape of ``x``
            In the dtype that ``grad`` and ``x`` have together, at least float32 with integers.

        Raises
        ------
        ValueError, TypeError, MemoryError
            As :func:`$forward`, and for a gradient that has not the result's shape.

        See Also
        --------
        $forward

        Notes
        -----
        Item f14 of the study notes.

        Examples
        --------
        >>> import numpy as np
        >>> from convcore import $name
        >>> window = np.array([1.0, 2.0, 1.0]).reshape(${lead}3)
        >>> x = np.zeros((1, ${lead}3))
        >>> $name(np.full((1, ${lead}1), 8.0), x, window).ravel().tolist()
        [2.0, 4.0, 2.0]
        """
        op = weighted_pool_backward.__name__
        weights, windows = _read(op, rank.axes, window, stride, padding, dilation, ceil_mode)
        normalize = _args.flag(op, "normalize", normalize)
        call = _call.backward(op, rank, "mean", grad, x, windows, layout, threads, out)
        problem = call.problem
        if problem.core is None:
            return call.result()
        weights = weights.astype(call.grad.dtype)
        share = call.grad / _divisor(op, problem, weights, normalize)
        # The adjoint: the flipped window slides over the gradients, a stride apart.
        pairs = []
        for n, kernel, stride_, dilation_, before, size in problem.axes:
            reach = span(kernel, dilation_) - 1
            pairs.append((reach - before, n + before - (size - 1) * stride_ - 1))
        convolution(
            op, rank.axes, _spread(share, problem), _per_channel(weights, problem.channels), None,
            1, tuple(pairs), tuple(row[3] for row in problem.axes), problem.channels, flip=True,
            layout=layout, threads=call.threads, out=call.target,
        )  # fmt: skip
        return call.result()

    return weighted_pool_backward


weighted_pool1d, weighted_pool2d, weighted_pool3d = _ranks.for_each_rank(_weighted_pool)
weighted_pool1d_backward, weighted_pool2d_backward, weighted_pool3d_backward = (
    _ranks.for_each_rank(_weighted_pool_backward)
)
