"""Average pooling, sliding and adaptive, and its gradient."""

from math import prod

import numpy as np
from numpy.typing import ArrayLike

from convcore import _ranks
from convcore._args import Array
from convcore.pool import _call
from convcore.pool._call import Backward, Paddings, Sizes


def _spread(call: Backward) -> Array:
    """The adjoint of a mean: each output's share of its gradient, summed where windows meet."""
    if call.problem.core is not None and call.problem.adjoint is not None:
        counted = [call.problem.table(axis)[:, 3] for axis in range(len(call.problem.axes))]
        if all((each == each[0]).all() for each in counted):
            divisor = np.array(prod(int(each[0]) for each in counted), call.grad.dtype)
        else:
            divisor = np.ones((), call.grad.dtype)
            for axis, each in enumerate(counted):
                divisor = divisor * call.problem.along(each.astype(call.grad.dtype), axis)
        with _call.memory(call.op, call.x):
            share = call.grad / divisor
            call.problem.adjoint.forward(share, call.target, None, call.threads)
    return call.result()


def _avg_pool(rank: _ranks.Rank) -> _ranks.Operator:
    def avg_pool(
        x: ArrayLike,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Paddings = "valid",
        dilation: Sizes = 1,
        *,
        ceil_mode: bool = False,
        count_include_pad: bool = False,
        layout: str = rank.layout,
        threads: int | None = None,
        out: Array | None = None,
    ) -> Array:
        r"""Replace each window by the average of its cells.

        .. math:: Y_o = \frac{1}{n_o} \sum_{i \in R(o)} V_i

        with :math:`R(o)` the input cells that window o holds and :math:`n_o` how many they are.

        Parameters
        ----------
        x : array_like, shape (N, C, $space) or (C, $space)
            Input V, any strides; ``layout="$last"``: channels last.
        kernel_size : $each
            Cells of a window along each axis, at least 1.
        stride : $each, optional
            Cells from one window to the next; default ``kernel_size``.
        padding, dilation
            As in :func:`convcore.conv$d`. What the padding holds is never averaged.
        ceil_mode : bool
            Keep a last window that the padded input fills only in part, unless it would start in
            the padding after the input.
        count_include_pad : bool
            Divide by the cells in the padding too, though not by those beyond it: borders are
            darkened.
        layout : {"$layout", "$last"}
            Order of the axes of ``x`` and of the result.
        threads : int, optional
            Use at most so many; results do not depend on it.
        out : ndarray, optional
            Where to put the result: its very shape and dtype, writeable.

        Returns
        -------
        ndarray, shape (N, C, $out) or (C, $out), as ``layout`` says
            float32 and float64 are computed as they are, float16 in float32; integers and bool
            give ``np.result_type(x, np.float32)``.

        Raises
        ------
        ValueError
            For sizes out of range, a window larger than the padded input, and a window that holds
            no input cell.
        TypeError
            For arrays that are not of real numbers, and options of the wrong type.
        MemoryError
            If there is no memory for the result or the scratch.

        See Also
        --------
        ${name}_backward, adaptive_avg_pool$d, weighted_pool$d

        Notes
        -----
        PyTorch's ``avg_pool$d`` counts the padding unless told otherwise; ONNX's ``AveragePool``
        and TensorFlow do not. Sums of long windows are added pairwise, so that their error does
        not grow with the row. Item f12 of the study notes.

        Examples
        --------
        >>> import numpy as np
        >>> from convcore import $name
        >>> x = np.array([1.0, 3.0, 5.0, 7.0, 9.0]).reshape(1, ${lead}5)
        >>> $name(x, [${lead}2]).ravel().tolist()
        [2.0, 6.0]
        >>> $name(x, [${lead}2], ceil_mode=True).ravel().tolist()
        [2.0, 6.0, 9.0]
        """
        op = avg_pool.__name__
        windows = _call.sliding(op, rank.axes, kernel_size, stride, padding, dilation, ceil_mode)
        y = _call.forward(op, rank, "mean", x, windows, layout, threads, out,
                          count_padding=count_include_pad)  # fmt: skip
        assert not isinstance(y, tuple)
        return y

    return avg_pool


def _avg_pool_backward(rank: _ranks.Rank) -> _ranks.Operator:
    def avg_pool_backward(
        grad: ArrayLike,
        x: ArrayLike,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Paddings = "valid",
        dilation: Sizes = 1,
        *,
        ceil_mode: bool = False,
        count_include_pad: bool = False,
        layout: str = rank.layout,
        threads: int | None = None,
        out: Array | None = None,
    ) -> Array:
        r"""Gradient of x of :func:`$forward`: every cell gets its share from each window.

        .. math:: \bar V_i = \sum_{o:\, i \in R(o)} \frac{\bar Y_o}{n_o}

        Parameters
        ----------
        grad : array_like
            Gradient of the result, of its shape.
        x, kernel_size, stride, padding, dilation, ceil_mode, count_include_pad, layout, threads
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
        The adjoint of a linear map: the windows of the outputs that see a cell are summed as the
        cells of a window are. Item f12 of the study notes.

        Examples
        --------
        >>> import numpy as np
        >>> from convcore import $name
        >>> x = np.zeros((1, ${lead}5))
        >>> $name(np.full((1, ${lead}2), 2.0), x, [${lead}2]).ravel().tolist()
        [1.0, 1.0, 1.0, 1.0, 0.0]
        """
        op = avg_pool_backward.__name__
        windows = _call.sliding(op, rank.axes, kernel_size, stride, padding, dilation, ceil_mode)
        return _spread(_call.backward(op, rank, "mean", grad, x, windows, layout, threads, out,
                                      count_padding=count_include_pad))  # fmt: skip

    return avg_pool_backward


def _adaptive_avg_pool(rank: _ranks.Rank) -> _ranks.Operator:
    def adaptive_avg_pool(
        x: ArrayLike,
        output_size: int | tuple[int | None, ...] | None,
        *,
        layout: str = rank.layout,
        threads: int | None = None,
        out: Array | None = None,
    ) -> Array:
        r"""Average windows of nearly equal size, as many as are wanted, whatever the input's size.

        .. math::

            Y_o = \operatorname{mean} V_i, \quad
            \lfloor o n / m \rfloor \le i < \lceil (o + 1) n / m \rceil

        on each axis, for n input cells and m outputs.

        Parameters
        ----------
        x : array_like, shape (N, C, $space) or (C, $space)
            Input V; ``layout="$last"``: channels last.
        output_size : $each, or None
            Outputs m along each axis, at least 1; None keeps an axis as it is.
        layout, threads, out
            As in :func:`avg_pool$d`.

        Returns
        -------
        ndarray, shape (N, C, $out) or (C, $out), as ``layout`` says
            As of :func:`avg_pool$d`.

        Raises
        ------
        ValueError, TypeError, MemoryError
            As :func:`avg_pool$d`, and for an input without cells.

        See Also
        --------
        ${name}_backward, avg_pool$d, adaptive_max_pool$d

        Notes
        -----
        PyTorch: the same name; ONNX: ``GlobalAveragePool`` for one output. Neighbouring windows
        share the cell that their common end cuts. Item f18 of the study notes.

        Examples
        --------
        >>> import numpy as np
        >>> from convcore import $name
        >>> x = np.arange(5.0).reshape(1, ${lead}5)
        >>> $name(x, [${lead}2]).ravel().tolist()
        [1.0, 3.0]
        >>> $name(x, 1).ravel().tolist()
        [2.0]
        """
        op = adaptive_avg_pool.__name__
        windows = _call.adaptive(op, rank.axes, output_size)
        y = _call.forward(op, rank, "mean", x, windows, layout, threads, out)
        assert not isinstance(y, tuple)
        return y

    return adaptive_avg_pool


def _adaptive_avg_pool_backward(rank: _ranks.Rank) -> _ranks.Operator:
    def adaptive_avg_pool_backward(
        grad: ArrayLike,
        x: ArrayLike,
        output_size: int | tuple[int | None, ...] | None,
        *,
        layout: str = rank.layout,
        threads: int | None = None,
        out: Array | None = None,
    ) -> Array:
        r"""Gradient of x of :func:`$forward`: every cell gets its share from each window.

        .. math:: \bar V_i = \sum_{o:\, i \in R(o)} \frac{\bar Y_o}{n_o}

        Parameters
        ----------
        grad : array_like
            Gradient of the result, of its shape.
        x, output_size, layout, threads
            As the forward function got them.
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
        Cell i of n is in the windows from floor(i m / n) to ceil((i + 1) m / n) - 1 of m: the
        adjoint is an adaptive pooling again, from m to n cells. Item f18 of the study notes.

        Examples
        --------
        >>> import numpy as np
        >>> from convcore import $name
        >>> $name(np.full((1, ${lead}2), 6.0), np.zeros((1, ${lead}5)), [${lead}2]).ravel().tolist()
        [2.0, 2.0, 4.0, 2.0, 2.0]
        """
        op = adaptive_avg_pool_backward.__name__
        windows = _call.adaptive(op, rank.axes, output_size)
        return _spread(_call.backward(op, rank, "mean", grad, x, windows, layout, threads, out))

    return adaptive_avg_pool_backward


avg_pool1d, avg_pool2d, avg_pool3d = _ranks.for_each_rank(_avg_pool)
avg_pool1d_backward, avg_pool2d_backward, avg_pool3d_backward = _ranks.for_each_rank(
    _avg_pool_backward
)
adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = _ranks.for_each_rank(
    _adaptive_avg_pool
)
adaptive_avg_pool1d_backward, adaptive_avg_pool2d_backward, adaptive_avg_pool3d_backward = (
    _ranks.for_each_rank(_adaptive_avg_pool_backward)
)
