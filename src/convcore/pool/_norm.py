"""Lp pooling, L2 among it, and its gradient."""

from math import inf
from numbers import Real

import numpy as np
from numpy.typing import ArrayLike

from convcore import _args, _ranks
from convcore._args import Array
from convcore.pool import _call, _maximum
from convcore.pool._call import Backward, Paddings, Sizes


def _exponent(op: str, p: object) -> float:
    """A real number of at least 1, infinity among them."""
    if isinstance(p, (bool, np.bool)) or not isinstance(p, (Real, np.number)):
        raise TypeError(f"{op}: p must be a real number, got {_args.shown(p)}")
    try:
        number = float(p)
    except (OverflowError, TypeError):
        raise ValueError(f"{op}: p must be a float or infinity, got {_args.shown(p)}") from None
    if not number >= 1:
        raise ValueError(f"{op}: p must be at least 1 or infinity, got {_args.shown(p)}")
    return number


def _kind(p: float) -> str:
    """The problem whose gradient it is: for infinite p, that of a maximum."""
    return "max" if p == inf else "norm"


def _gradient(call: Backward, p: float) -> Array:
    if call.problem.core is None:
        return call.result()
    x = call.ready_x()
    if p == inf:  # the largest |x| takes it all, with its sign
        _maximum.send_back(call, _maximum.find(call, np.abs(x)))
        sign = np.where(call.target == 0, 1, np.sign(x))  # what gets nothing stays 0, NaN or not
        np.multiply(call.target, sign, out=call.target)
        return call.result()
    y = np.empty(call.problem.shape, call.target.dtype)
    with _call.memory(call.op, call.x):
        call.problem.core.forward(x, y, None, call.threads)
        call.target[...] = 0
        call.problem.core.norm_backward(call.grad, x, y, call.target, call.threads)
    return call.result()


def _lp_pool(rank: _ranks.Rank) -> _ranks.Operator:
    def lp_pool(
        x: ArrayLike,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Paddings = "valid",
        dilation: Sizes = 1,
        *,
        p: float = 2.0,
        ceil_mode: bool = False,
        layout: str = rank.layout,
        threads: int | None = None,
        out: Array | None = None,
    ) -> Array:
        r"""Replace each window by the p-norm of its cells.

        .. math:: Y_o = \Bigl( \sum_{i \in R(o)} |V_i|^p \Bigr)^{1/p}

        with :math:`R(o)` the input cells that window o holds.

        Parameters
        ----------
        x : array_like, shape (N, C, $space) or (C, $space)
            Input V; ``layout="$last"``: channels last.
        kernel_size, stride, padding, dilation, ceil_mode, layout, threads, out
            As in :func:`avg_pool$d`.
        p : float
            At least 1; 1 is the sum of sizes, ``inf`` the largest size.

        Returns
        -------
        ndarray, shape (N, C, $out) or (C, $out), as ``layout`` says
            float32 and float64 are computed as they are, float16 in float32; integers and bool
            give ``np.result_type(x, np.float32)``. Powers neither overflow nor vanish, whatever
            the size of the cells: windows where they would are scaled by their largest cell.

        Raises
        ------
        ValueError, TypeError, MemoryError
            As :func:`avg_pool$d`, and for a p below 1.

        See Also
        --------
        ${name}_backward, l2_pool$d

        Notes
        -----
        PyTorch's ``lp_pool$d`` takes the power of the cells and not of their sizes: for odd p and
        negative cells it gives something else. ONNX: ``LpPool``. Item f13 of the study notes.

        Examples
        --------
        >>> import numpy as np
        >>> from convcore import $name
        >>> x = np.array([1.0, -1.0, 2.0, -2.0]).reshape(1, ${lead}4)
        >>> round(float($name(x, [${lead}4], p=3).ravel()[0]), 4)  # the cube root of 18
        2.6207
        >>> $name(x, [${lead}2], p=np.inf).ravel().tolist()
        [1.0, 2.0]
        """
        op = lp_pool.__name__
        windows = _call.sliding(op, rank.axes, kernel_size, stride, padding, dilation, ceil_mode)
        y = _call.forward(op, rank, "norm", x, windows, layout, threads, out, p=_exponent(op, p))
        assert not isinstance(y, tuple)
        return y

    return lp_pool


def _lp_pool_backward(rank: _ranks.Rank) -> _ranks.Operator:
    def lp_pool_backward(
        grad: ArrayLike,
        x: ArrayLike,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Paddings = "valid",
        dilation: Sizes = 1,
        *,
        p: float = 2.0,
        ceil_mode: bool = False,
        layout: str = rank.layout,
        threads: int | None = None,
        out: Array | None = None,
    ) -> Array:
        r"""Gradient of x of :func:`$forward`.

        .. math::

            \bar V_i = \sum_{o:\, i \in R(o)} \bar Y_o \, \operatorname{sign}(V_i)
                \Bigl( \frac{|V_i|}{Y_o} \Bigr)^{p-1}

        A window with :math:`Y_o = 0` sends back 0. For infinite p all goes to the first cell of the
        largest size.

        Parameters
        ----------
        grad : array_like
            Gradient of the result, of its shape.
        x, kernel_size, stride, padding, dilation, p, ceil_mode, layout, threads
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
        The norm has no derivative at a window of zeros; 0 is the smallest of its subgradients.
        Item f13 of the study notes.

        Examples
        --------
        >>> import numpy as np
        >>> from convcore import $name
        >>> x = np.array([3.0, -4.0, 0.0, 0.0]).reshape(1, ${lead}4)
        >>> $name(np.full((1, ${lead}2), 5.0), x, [${lead}2]).ravel().tolist()
        [3.0, -4.0, 0.0, 0.0]
        """
        op = lp_pool_backward.__name__
        windows = _call.sliding(op, rank.axes, kernel_size, stride, padding, dilation, ceil_mode)
        exponent = _exponent(op, p)
        call = _call.backward(
            op, rank, _kind(exponent), grad, x, windows, layout, threads, out, p=exponent
        )
        return _gradient(call, exponent)

    return lp_pool_backward


def _l2_pool(rank: _ranks.Rank) -> _ranks.Operator:
    def l2_pool(
        x: ArrayLike,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Paddings = "valid",
        dilation: Sizes = 1,
        *,
        ceil_mode: bool = False,
        layout: str = rank.layout,
        threads: int | None = None,
        out: Array | None = None,
    ) -> Array:
        r"""Replace each window by the square root of the sum of its squares.

        .. math:: Y_o = \sqrt{\sum_{i \in R(o)} V_i^2}

        Parameters
        ----------
        x : array_like, shape (N, C, $space) or (C, $space)
            Input V; ``layout="$last"``: channels last.
        kernel_size, stride, padding, dilation, ceil_mode, layout, threads, out
            As in :func:`avg_pool$d`.

        Returns
        -------
        ndarray, shape (N, C, $out) or (C, $out), as ``layout`` says
            As of :func:`lp_pool$d`, which this is for p = 2.

        Raises
        ------
        ValueError, TypeError, MemoryError
            As :func:`avg_pool$d`.

        See Also
        --------
        ${name}_backward, lp_pool$d

        Notes
        -----
        Item f13 of the study notes.

        Examples
        --------
        >>> import numpy as np
        >>> from convcore import $name
        >>> x = np.array([3.0, -4.0, 0.0, 1.0]).reshape(1, ${lead}4)
        >>> $name(x, [${lead}2]).ravel().tolist()
        [5.0, 1.0]
        """
        op = l2_pool.__name__
        windows = _call.sliding(op, rank.axes, kernel_size, stride, padding, dilation, ceil_mode)
        y = _call.forward(op, rank, "norm", x, windows, layout, threads, out, p=2.0)
        assert not isinstance(y, tuple)
        return y

    return l2_pool


def _l2_pool_backward(rank: _ranks.Rank) -> _ranks.Operator:
    def l2_pool_backward(
        grad: ArrayLike,
        x: ArrayLike,
        kernel_size: Sizes,
        stride: Sizes | None = None,
        padding: Paddings = "valid",
        dilation: Sizes = 1,
        *,
        ceil_mode: bool = False,
        layout: str = rank.layout,
        threads: int | None = None,
        out: Array | None = None,
    ) -> Array:
        r"""Gradient of x of :func:`$forward`.

        .. math:: \bar V_i = \sum_{o:\, i \in R(o)} \bar Y_o \frac{V_i}{Y_o}

        A window with :math:`Y_o = 0` sends back 0.

        Parameters
        ----------
        grad : array_like
            Gradient of the result, of its shape.
        x, kernel_size, stride, padding, dilation, ceil_mode, layout, threads, out
            As in :func:`lp_pool${d}_backward`.

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
        Item f13 of the study notes.

        Examples
        --------
        >>> import numpy as np
        >>> from convcore import $name
        >>> x = np.array([3.0, -4.0, 0.0, 1.0]).reshape(1, ${lead}4)
        >>> $name(np.full((1, ${lead}2), 5.0), x, [${lead}2]).ravel().tolist()
        [3.0, -4.0, 0.0, 5.0]
        """
        op = l2_pool_backward.__name__
        windows = _call.sliding(op, rank.axes, kernel_size, stride, padding, dilation, ceil_mode)
        call = _call.backward(op, rank, "norm", grad, x, windows, layout, threads, out, p=2.0)
        return _gradient(call, 2.0)

    return l2_pool_backward


lp_pool1d, lp_pool2d, lp_pool3d = _ranks.for_each_rank(_lp_pool)
lp_pool1d_backward, lp_pool2d_backward, lp_pool3d_backward = _ranks.for_each_rank(_lp_pool_backward)
l2_pool1d, l2_pool2d, l2_pool3d = _ranks.for_each_rank(_l2_pool)
l2_pool1d_backward, l2_pool2d_backward, l2_pool3d_backward = _ranks.for_each_rank(_l2_pool_backward)
