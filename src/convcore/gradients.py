"""Gradients of convolutions, of tiled and local layers and of transposed convolutions."""

from numpy.typing import ArrayLike

from convcore import _ranks
from convcore._gradients import Gradients, Needs, Out, backward, transposed_backward
from convcore._linear import Paddings, Sizes

__all__ = [
    "conv1d_backward",
    "conv2d_backward",
    "conv3d_backward",
    "conv_transpose1d_backward",
    "conv_transpose2d_backward",
    "conv_transpose3d_backward",
    "local_conv1d_backward",
    "local_conv2d_backward",
    "local_conv3d_backward",
    "tiled_conv1d_backward",
    "tiled_conv2d_backward",
    "tiled_conv3d_backward",
]


def _conv_backward(rank: _ranks.Rank) -> _ranks.Operator:
    def conv_backward(
        grad: ArrayLike,
        x: ArrayLike,
        weight: ArrayLike,
        bias: ArrayLike | None = None,
        stride: Sizes = 1,
        padding: Paddings = "valid",
        dilation: Sizes = 1,
        groups: int = 1,
        *,
        connections: ArrayLike | None = None,
        flip: bool = False,
        border: str = "zeros",
        layout: str = rank.layout,
        algorithm: str = "auto",
        threads: int | None = None,
        needs: Needs = (True, True, True),
        out: Out | None = None,
    ) -> Gradients:
        r"""Gradients of x, weight and bias of :func:`convcore.$forward`.

        .. math::

            \bar V_{l,u} = \sum_i \; \sum_{o,\,m:\; o s + m d - p = u} G_{i,o} \, K_{i,l,m}, \quad
            \bar K_{i,l,m} = \sum_o G_{i,o} \, V_{l,\; o s + m d - p}, \quad
            \bar b_i = \sum_o G_{i,o}

        with G the gradient of the result, i its channels and o its places, l the input channel, u
        the place of an input cell, m the tap of the kernel along each axis, s the stride, d the
        dilation and p the padding before; the sums of the weight and the bias run over the images
        of the batch, too (eq. 9.11 and 9.13 of *Deep Learning*).

        Parameters
        ----------
        grad : array_like
            Gradient G of a number with respect to the result, of the result's shape.
        x, weight, bias, stride, padding, dilation, groups, connections, flip, border, layout
            As :func:`convcore.$forward` got them. The values of ``x`` are read for the gradient
            of the weight alone, those of ``weight`` for that of x alone, those of ``bias`` never.
        algorithm, threads
            As in :func:`convcore.$forward`; results do not depend on them.
        needs : (bool, bool, bool)
            Which of the gradients of x, weight and bias to compute.
        out : (ndarray, ndarray, ndarray), optional
            Where to put the gradients, None where they are not wanted there: of their very shapes
            and dtype, writeable; they may overlap the operands, but not each other.

        Returns
        -------
        dx, dweight, dbias : ndarray or None
            Of the shapes of ``x``, ``weight`` and ``bias``; None where ``needs`` says False, and
            for a bias of None. In the dtype that :func:`convcore.$forward` has for ``grad``, ``x``
            and ``weight`` together.

        Raises
        ------
        ValueError, TypeError, MemoryError
            As :func:`convcore.$forward`, and for a gradient that has not the result's shape.

        See Also
        --------
        $forward, convcore.conv_transpose$d, convcore.matrix.conv_matrix

        Notes
        -----
        PyTorch: ``aten::convolution_backward``, by autograd. The gradient of x is one convolution
        for each rest of a cell's place modulo the stride: no zeros are inserted, no sums
        scattered. What padding cells have goes to the cells that they show, with ``"zeros"``
        nowhere. Weights of pairs that are not connected have gradient zero. Every number is one
        fixed sum, whatever the number of threads. Item f04 of the study notes.

        Examples
        --------
        >>> import numpy as np
        >>> from convcore import $name
        >>> x = np.array([1.0, 2.0, 4.0]).reshape(1, ${lead}3)
        >>> weight = np.array([-1.0, 1.0]).reshape(1, 1, ${lead}2)
        >>> grad = np.array([1.0, 10.0]).reshape(1, ${lead}2)
        >>> dx, dweight, dbias = $name(grad, x, weight, bias=[0.0])
        >>> dx.ravel().tolist(), dweight.ravel().tolist(), dbias.tolist()
        ([-1.0, -9.0, 10.0], [21.0, 42.0], [11.0])
        """
        return backward(
            f"conv{rank.axes}d_backward", rank.axes, grad, x, weight, bias, stride, padding,
            dilation, groups, connections, flip, border, layout, algorithm, threads, needs, out,
        )  # fmt: skip

    return conv_backward


def _conv_transpose_backward(rank: _ranks.Rank) -> _ranks.Operator:
    def conv_transpose_backward(
        grad: ArrayLike,
        x: ArrayLike,
        weight: ArrayLike,
        bias: ArrayLike | None = None,
        stride: Sizes = 1,
        padding: Paddings = "valid",
        dilation: Sizes = 1,
        groups: int = 1,
        *,
        output_padding: Sizes = 0,
        layout: str = rank.layout,
        threads: int | None = None,
        needs: Needs = (True, True, True),
        out: Out | None = None,
    ) -> Gradients:
        r"""Gradients of x, weight and bias of :func:`convcore.$forward`.

        .. math::

            \bar V_{i,o} = \sum_{j,m} G_{j,\; o s + m d - p} \, K_{i,j,m}, \quad
            \bar K_{i,j,m} = \sum_o V_{i,o} \, G_{j,\; o s + m d - p}, \quad
            \bar b_j = \sum_u G_{j,u}

        with G the gradient of the result, j its channels and u its places, o the place of an input
        cell, i its channel and m the tap of the kernel along each axis, s, d and p the stride,
        dilation and padding before of the convolution whose adjoint the forward function is.

        Parameters
        ----------
        grad : array_like
            Gradient G of a number with respect to the result, of the result's shape.
        x, weight, bias, stride, padding, dilation, groups, output_padding, layout, threads
            As :func:`convcore.$forward` got them.
        needs, out
            As in :func:`convcore.conv${d}_backward`.

        Returns
        -------
        dx, dweight, dbias : ndarray or None
            As of :func:`convcore.conv${d}_backward`.

        Raises
        ------
        ValueError, TypeError, MemoryError
            As :func:`convcore.$forward`, and for a gradient that has not the result's shape.

        See Also
        --------
        $forward, conv${d}_backward

        Notes
        -----
        The adjoint of an adjoint: the gradient of x is the convolution of ``grad``, and that of the
        weight is the convolution's with ``x`` and ``grad`` in each other's place. Item f04 of the
        study notes.

        Examples
        --------
        >>> import numpy as np
        >>> from convcore import $name
        >>> x = np.array([1.0, 10.0]).reshape(1, ${lead}2)
        >>> grad = np.arange(4.0).reshape(1, ${lead}4)
        >>> dx, dweight, _ = $name(grad, x, np.ones((1, 1, ${lead}3)))
        >>> dx.ravel().tolist(), dweight.ravel().tolist()
        ([3.0, 6.0], [10.0, 21.0, 32.0])
        """
        return transposed_backward(
            f"conv_transpose{rank.axes}d_backward", rank.axes, grad, x, weight, bias, stride,
            padding, dilation, groups, output_padding, layout, threads, needs, out,
        )  # fmt: skip

    return conv_transpose_backward


def _local_conv_backward(rank: _ranks.Rank) -> _ranks.Operator:
    def local_conv_backward(
        grad: ArrayLike,
        x: ArrayLike,
        weight: ArrayLike,
        bias: ArrayLike | None = None,
        stride: Sizes = 1,
        padding: Paddings = "valid",
        dilation: Sizes = 1,
        *,
        layout: str = rank.layout,
        threads: int | None = None,
        needs: Needs = (True, True, True),
        out: Out | None = None,
    ) -> Gradients:
        r"""Gradients of x, weight and bias of :func:`convcore.$forward`.

        .. math::

            \bar V_{l,u} = \sum_i \; \sum_{o,\,m:\; o s + m d - p = u} G_{i,o} \, w_{i,o,l,m},
            \quad \bar w_{i,o,l,m} = G_{i,o} \, V_{l,\; o s + m d - p}, \quad
            \bar b_{i,o} = G_{i,o}

        summed over the images of the batch, with the letters of
        :func:`convcore.conv${d}_backward`.

        Parameters
        ----------
        grad : array_like
            Gradient G of a number with respect to the result, of the result's shape.
        x, weight, bias, stride, padding, dilation, layout, threads
            As :func:`convcore.$forward` got them.
        needs, out
            As in :func:`convcore.conv${d}_backward`.

        Returns
        -------
        dx, dweight, dbias : ndarray or None
            As of :func:`convcore.conv${d}_backward`.

        Raises
        ------
        ValueError, TypeError, MemoryError
            As :func:`convcore.$forward`, and for a gradient that has not the result's shape.

        See Also
        --------
        $forward, tiled_conv${d}_backward, conv${d}_backward

        Notes
        -----
        Each weight takes part in one output of an image, so its gradient is one product. Items f04
        and f27 of the study notes.

        Examples
        --------
        >>> import numpy as np
        >>> from convcore import $name
        >>> x = np.array([1.0, 10.0]).reshape(1, ${lead}2)
        >>> weight = np.array([2.0, 3.0]).reshape(1, ${lead}2, 1, ${lead}1)
        >>> dx, dweight, _ = $name(np.full((1, ${lead}2), 5.0), x, weight)
        >>> dx.ravel().tolist(), dweight.ravel().tolist()
        ([10.0, 15.0], [5.0, 50.0])
        """
        return backward(
            f"local_conv{rank.axes}d_backward", rank.axes, grad, x, weight, bias, stride, padding,
            dilation, layout=layout, threads=threads, needs=needs, out=out, sharing="local",
        )  # fmt: skip

    return local_conv_backward


def _tiled_conv_backward(rank: _ranks.Rank) -> _ranks.Operator:
    def tiled_conv_backward(
        grad: ArrayLike,
        x: ArrayLike,
        weight: ArrayLike,
        bias: ArrayLike | None = None,
        stride: Sizes = 1,
        padding: Paddings = "valid",
        dilation: Sizes = 1,
        *,
        layout: str = rank.layout,
        threads: int | None = None,
        needs: Needs = (True, True, True),
        out: Out | None = None,
    ) -> Gradients:
        r"""Gradients of x, weight and bias of :func:`convcore.$forward`.

        .. math::

            \bar V_{l,u} = \sum_i \; \sum_{o,\,m:\; o s + m d - p = u}
                G_{i,o} \, K_{i,\,o \bmod t,\,l,m}, \quad
            \bar K_{i,a,l,m} = \sum_{o:\; o \bmod t = a} G_{i,o} \, V_{l,\; o s + m d - p}, \quad
            \bar b_{i,a} = \sum_{o:\; o \bmod t = a} G_{i,o}

        summed over the images of the batch, with the letters of
        :func:`convcore.conv${d}_backward`, the period t and the turn a of a kernel.

        Parameters
        ----------
        grad : array_like
            Gradient G of a number with respect to the result, of the result's shape.
        x, weight, bias, stride, padding, dilation, layout, threads
            As :func:`convcore.$forward` got them.
        needs, out
            As in :func:`convcore.conv${d}_backward`.

        Returns
        -------
        dx, dweight, dbias : ndarray or None
            As of :func:`convcore.conv${d}_backward`; zero for kernels that no output comes to.

        Raises
        ------
        ValueError, TypeError, MemoryError
            As :func:`convcore.$forward`, and for a gradient that has not the result's shape.

        See Also
        --------
        $forward, local_conv${d}_backward, conv${d}_backward

        Notes
        -----
        The gradient of x is a tiled layer again, its kernels in another order. Items f04 and f28
        of the study notes.

        Examples
        --------
        >>> import numpy as np
        >>> from convcore import $name
        >>> x = np.arange(4.0).reshape(1, ${lead}4)
        >>> weight = np.array([1.0, -1.0]).reshape(1, ${lead}2, 1, ${lead}1)
        >>> dx, dweight, _ = $name(np.ones((1, ${lead}4)), x, weight)
        >>> dx.ravel().tolist(), dweight.ravel().tolist()
        ([1.0, -1.0, 1.0, -1.0], [2.0, 4.0])
        """
        return backward(
            f"tiled_conv{rank.axes}d_backward", rank.axes, grad, x, weight, bias, stride, padding,
            dilation, layout=layout, threads=threads, needs=needs, out=out, sharing="tiled",
        )  # fmt: skip

    return tiled_conv_backward


conv1d_backward, conv2d_backward, conv3d_backward = _ranks.for_each_rank(_conv_backward)
conv_transpose1d_backward, conv_transpose2d_backward, conv_transpose3d_backward = (
    _ranks.for_each_rank(_conv_transpose_backward)
)
local_conv1d_backward, local_conv2d_backward, local_conv3d_backward = _ranks.for_each_rank(
    _local_conv_backward
)
tiled_conv1d_backward, tiled_conv2d_backward, tiled_conv3d_backward = _ranks.for_each_rank(
    _tiled_conv_backward
)
