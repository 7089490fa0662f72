"""Max pooling, sliding and adaptive, and its gradient."""

import numpy as np
from numpy.typing import ArrayLike

from convcore import _args, _ranks
from convcore._args import Array
from convcore.pool import _call
from convcore.pool._call import Backward, Paddings, Sizes


def send_back(call: Backward, index: Array) -> Array:
    """Every output's gradient, added where its maximum stands."""
    call.target[...] = 0
    if call.problem.core is not None:
        with _call.memory(call.op, call.x):
            call.problem.core.max_backward(call.grad, index, call.target, call.threads)
    return call.result()


def find(call: Backward, x: Array) -> Array:
    """Where the maxima of x are, for each output; x is contiguous and of one type of kernels."""
    call.problem.check_places(call.op)
    index = np.empty(call.problem.shape, np.int64)
    if call.problem.core is not None:
        values = np.empty(call.problem.shape, x.dtype)
        with _call.memory(call.op, call.x):
            call.problem.core.forward(x, values, index, call.threads)
    return index


def _given(call: Backward, indices: ArrayLike) -> Array:
    """The caller's indices, each of which has to be a cell of its window."""
    index = _args.array(call.op, "indices", indices)
    if index.dtype.kind not in "iu":
        raise TypeError(f"{call.op}: indices have dtype {index.dtype}, expected integers")
    if index.shape != call.problem.shape:
        raise ValueError(
            f"{call.op}: indices have shape {index.shape}, expected {call.problem.shape}"
        )
    if not index.size:
        return index.astype(np.int64)
    inside = (index >= 0) & (index <= _args.MOST)
    rest = np.ascontiguousarray(index, np.int64)
    plane = [row[0] for row in call.problem.axes]
    for axis in reversed(range(len(plane))):
        cell = rest % plane[axis] if axis else rest
        rest = rest // plane[axis]
        first, cells, step = (
            call.problem.along(column, axis) for column in call.problem.table(axis).T[:3]
        )
        offset = cell - first
        inside &= (offset >= 0) & (offset % step == 0) & (offset // step < cells)
    if not inside.all():
        place = tuple(int(i) for i in np.argwhere(~inside)[0])
        raise ValueError(
            f"{call.op}: indices{list(place)} is {index[place]}, which is no cell of its window in "
            f"a plane of {plane}; expected what the forward function returned"
        )
    return np.ascontiguousarray(index, np.int64)


def _gradient(call: Backward, indices: ArrayLike | None) -> Array:
    if indices is not None:
        return send_back(call, _given(call, indices))
    _, work = _args.kept_type(call.op, call.x.dtype)
    return send_back(call, find(call, _args.ready(call.op, "x", call.x, work)))


def _max_pool(rank: _ranks.Rank) -> _ranks.Operator:
    def max_pool(
        x: ArrayLike,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Paddings = "valid",
        dilation: Sizes = 1,
        *,
        ceil_mode: bool = False,
        return_indices: bool = False,
        layout: str = rank.layout,
        threads: int | None = None,
        out: Array | None = None,
    ) -> Array | tuple[Array, Array]:
        r"""Replace each window by its largest cell.

        .. math:: Y_o = \max_{i \in R(o)} V_i

        with :math:`R(o)` the input cells that window o holds: padding takes no part.

        Parameters
        ----------
        x : array_like, shape (N, C, $space) or (C, $space)
            Input V, any strides; ``layout="$last"``: channels last.
        kernel_size : $each
            Cells of a window along each axis, at least 1.
        stride : $each, optional
            Cells from one window to the next; default ``kernel_size``.
        padding, dilation
            As in :func:`convcore.conv$d`.
        ceil_mode : bool
            Keep a last window that the padded input fills only in part, unless it would start in
            the padding after the input.
        return_indices : bool
            Return where each maximum stands, too.
        layout : {"$layout", "$last"}
            Order of the axes of ``x`` and of the result.
        threads : int, optional
            Use at most so many; results do not depend on it.
        out : ndarray, optional
            Where to put the values: the result's very shape and dtype, writeable.

        Returns
        -------
        ndarray, shape (N, C, $out) or (C, $out), as ``layout`` says
            In the dtype of ``x``, integers and bool too. If a window holds a NaN, NaN.
        indices : ndarray of int64, with ``return_indices``
            Positions in the flat, unpadded plane ($space) of the first maximum in reading order
            (of the first NaN where there is one).

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
        ${name}_backward, adaptive_max_pool$d

        Notes
        -----
        PyTorch: the same name and indices, but the last NaN; ONNX: ``MaxPool``; SciPy:
        ``ndimage.maximum_filter`` for stride 1; image processing calls it dilation. The time does
        not depend on the window from nine cells a stride on. Items f11 and f20 of the study notes.

        Examples
        --------
        >>> import numpy as np
        >>> from convcore import $name
        >>> x = np.array([0.1, 1.0, 0.2, 0.1, 0.0, 0.1]).reshape(1, ${lead}6)
        >>> $name(x, [${lead}3], stride=2, ceil_mode=True).ravel().tolist()
        [1.0, 0.2, 0.1]
        >>> values, indices = $name(x, [${lead}3], return_indices=True)
        >>> indices.ravel().tolist()
        [1, 3]
        """
        op = max_pool.__name__
        windows = _call.sliding(op, rank.axes, kernel_size, stride, padding, dilation, ceil_mode)
        return _call.forward(op, rank, "max", x, windows, layout, threads, out,
                             return_indices=return_indices)  # fmt: skip

    return max_pool


def _max_pool_backward(rank: _ranks.Rank) -> _ranks.Operator:
    def max_pool_backward(
        grad: ArrayLike,
        x: ArrayLike,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Paddings = "valid",
        dilation: Sizes = 1,
        *,
        ceil_mode: bool = False,
        return_indices: bool = False,
        indices: ArrayLike | None = None,
        layout: str = rank.layout,
        threads: int | None = None,
        out: Array | None = None,
    ) -> Array:
        r"""Gradient of x of :func:`$forward`: all of it goes to the first maximum.

        .. math:: \bar V_i = \sum_{o:\, i = \operatorname{argmax} R(o)} \bar Y_o

        Parameters
        ----------
        grad : array_like
            Gradient of the values, of their shape.
        x, kernel_size, stride, padding, dilation, ceil_mode, layout, threads
            As the forward function got them.
        return_indices : bool
            Accepted as the forward function's argument; means nothing here.
        indices : array_like of int, optional
            What the forward function returned; without it they are found again. Each has to be a
            cell of its window.
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
        The maximum has this derivative wherever it has one; among equals the first is chosen, so
        that no gradient is lost or counted twice. Item f11 of the study notes.

        Examples
        --------
        >>> import numpy as np
        >>> from convcore import $name
        >>> x = np.array([1.0, 3.0, 2.0, 3.0, 3.0]).reshape(1, ${lead}5)
        >>> grad = np.array([1.0, 10.0, 100.0]).reshape(1, ${lead}3)
        >>> $name(grad, x, [${lead}3], stride=1).ravel().tolist()
        [0.0, 11.0, 0.0, 100.0, 0.0]
        """
        op = max_pool_backward.__name__
        _args.flag(op, "return_indices", return_indices)
        windows = _call.sliding(op, rank.axes, kernel_size, stride, padding, dilation, ceil_mode)
        call = _call.backward(op, rank, "max", grad, x, windows, layout, threads, out)
        return _gradient(call, indices)

    return max_pool_backward


def _adaptive_max_pool(rank: _ranks.Rank) -> _ranks.Operator:
    def adaptive_max_pool(
        x: ArrayLike,
        output_size: int | tuple[int | None, ...] | None,
        *,
        return_indices: bool = False,
        layout: str = rank.layout,
        threads: int | None = None,
        out: Array | None = None,
    ) -> Array | tuple[Array, Array]:
        r"""Take the largest cell of windows of nearly equal size, as many as are wanted.

        .. math::

            Y_o = \max V_i, \quad \lfloor o n / m \rfloor \le i < \lceil (o + 1) n / m \rceil

        on each axis, for n input cells and m outputs.

        Parameters
        ----------
        x : array_like, shape (N, C, $space) or (C, $space)
            Input V; ``layout="$last"``: channels last.
        output_size : $each, or None
            Outputs m along each axis, at least 1; None keeps an axis as it is.
        return_indices, layout, threads, out
            As in :func:`max_pool$d`.

        Returns
        -------
        ndarray, shape (N, C, $out) or (C, $out), as ``layout`` says
            In the dtype of ``x``. If a window holds a NaN, NaN.
        indices : ndarray of int64, with ``return_indices``
            As in :func:`max_pool$d`.

        Raises
        ------
        ValueError, TypeError, MemoryError
            As :func:`max_pool$d`, and for an input without cells.

        See Also
        --------
        ${name}_backward, max_pool$d, adaptive_avg_pool$d

        Notes
        -----
        PyTorch: the same name; ONNX: ``GlobalMaxPool`` for one output. Item f18 of the study
        notes.

        Examples
        --------
        >>> import numpy as np
        >>> from convcore import $name
        >>> x = np.array([4.0, 1.0, 2.0, 0.0, 3.0]).reshape(1, ${lead}5)
        >>> $name(x, [${lead}2]).ravel().tolist()
        [4.0, 3.0]
        """
        op = adaptive_max_pool.__name__
        windows = _call.adaptive(op, rank.axes, output_size)
        return _call.forward(op, rank, "max", x, windows, layout, threads, out,
                             return_indices=return_indices)  # fmt: skip

    return adaptive_max_pool


def _adaptive_max_pool_backward(rank: _ranks.Rank) -> _ranks.Operator:
    def adaptive_max_pool_backward(
        grad: ArrayLike,
        x: ArrayLike,
        output_size: int | tuple[int | None, ...] | None,
        *,
        return_indices: bool = False,
        indices: ArrayLike | None = None,
        layout: str = rank.layout,
        threads: int | None = None,
        out: Array | None = None,
    ) -> Array:
        r"""Gradient of x of :func:`$forward`: all of it goes to the first maximum.

        .. math:: \bar V_i = \sum_{o:\, i = \operatorname{argmax} R(o)} \bar Y_o

        Parameters
        ----------
        grad : array_like
            Gradient of the values, of their shape.
        x, output_size, layout, threads
            As the forward function got them.
        return_indices, indices, out
            As in :func:`max_pool${d}_backward`.

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
        Item f18 of the study notes.

        Examples
        --------
        >>> import numpy as np
        >>> from convcore import $name
        >>> x = np.array([4.0, 1.0, 2.0, 0.0, 3.0]).reshape(1, ${lead}5)
        >>> $name(np.ones((1, ${lead}2)), x, [${lead}2]).ravel().tolist()
        [1.0, 0.0, 0.0, 0.0, 1.0]
        """
        op = adaptive_max_pool_backward.__name__
        _args.flag(op, "return_indices", return_indices)
        windows = _call.adaptive(op, rank.axes, output_size)
        call = _call.backward(op, rank, "max", grad, x, windows, layout, threads, out)
        return _gradient(call, indices)

    return adaptive_max_pool_backward


max_pool1d, max_pool2d, max_pool3d = _ranks.for_each_rank(_max_pool)
max_pool1d_backward, max_pool2d_backward, max_pool3d_backward = _ranks.for_each_rank(
    _max_pool_backward
)
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = _ranks.for_each_rank(
    _adaptive_max_pool
)
adaptive_max_pool1d_backward, adaptive_max_pool2d_backward, adaptive_max_pool3d_backward = (
    _ranks.for_each_rank(_adaptive_max_pool_backward)
)
