"""Local and tiled layers: convolutions whose weights are not, or not all, shared by the outputs."""

from numpy.typing import ArrayLike

from convcore import _ranks
from convcore._args import Array
from convcore._linear import Paddings, Sizes
from convcore.conv import convolution

__all__ = [
    "local_conv1d",
    "local_conv2d",
    "local_conv3d",
    "tiled_conv1d",
    "tiled_conv2d",
    "tiled_conv3d",
]


def _local_conv(rank: _ranks.Rank) -> _ranks.Operator:
    def local_conv(
        x: ArrayLike,
        weight: ArrayLike,
        bias: ArrayLike | None = None,
        stride: Sizes = 1,
        padding: Paddings = "valid",
        dilation: Sizes = 1,
        *,
        layout: str = rank.layout,
        threads: int | None = None,
        out: Array | None = None,
    ) -> Array:
        r"""Give every output a kernel of its own: a convolution that shares no weights.

        .. math:: Z_{i,o} = b_{i,o} + \sum_{l,m} V_{l,\; o s + m d} \, w_{i,o,l,m}

        with V the padded input, i the output channel, l the input channel, o the place of the
        output and m the tap of the kernel along each axis, s the stride and d the dilation, all
        counted from 0 (eq. 9.9 of *Deep Learning*, which counts from 1).

        Parameters
        ----------
        x : array_like, shape (N, C, $space) or (C, $space)
            Input, any strides; ``layout="$last"``: channels last.
        weight : array_like, shape (out, $out, C, $kernel)
            Kernels w, in every layout; the size of the output is in it.
        bias : array_like, shape (out, $out), optional
            One number for each output unit.
        stride, padding, dilation
            As in :func:`convcore.conv$d`. The padding holds zeros.
        layout : {"$layout", "$last"}
            Order of the axes of ``x`` and of the result.
        threads : int, optional
            Use at most so many; results do not depend on it.
        out : ndarray, optional
            Where to put the result: its very shape and dtype, writeable.

        Returns
        -------
        ndarray, shape (N, out, $out) or (out, $out), as ``layout`` says
            In the dtype that :func:`convcore.conv$d` has for these operands.

        Raises
        ------
        ValueError
            For shapes that do not go together, among them a weight for another output size, and
            options out of range.
        TypeError
            For operands that are not real numbers, and options of the wrong type.
        MemoryError
            If there is no memory for the result or the scratch.

        See Also
        --------
        tiled_conv$d, conv$d, convcore.matrix.local_conv_matrix

        Notes
        -----
        Keras 2: ``LocallyConnected$d``; JAX: ``lax.conv_general_dilated_local``; Lua Torch:
        ``SpatialConvolutionLocal``; also called unshared convolution. Weights are read once for
        the whole batch. Items f27 and f29 of the study notes.

        Examples
        --------
        Two outputs, each with a kernel of one cell, and a bias:

        >>> import numpy as np
        >>> from convcore import $name
        >>> x = np.array([1.0, 10.0]).reshape(1, ${lead}2)
        >>> weight = np.array([2.0, 3.0]).reshape(1, ${lead}2, 1, ${lead}1)
        >>> $name(x, weight, bias=np.array([0.5, 0.25]).reshape(1, ${lead}2)).ravel().tolist()
        [2.5, 30.25]
        """
        return convolution(
            f"local_conv{rank.axes}d", rank.axes, x, weight, bias, stride, padding, dilation,
            layout=layout, threads=threads, out=out, sharing="local",
        )  # fmt: skip

    return local_conv


def _tiled_conv(rank: _ranks.Rank) -> _ranks.Operator:
    def tiled_conv(
        x: ArrayLike,
        weight: ArrayLike,
        bias: ArrayLike | None = None,
        stride: Sizes = 1,
        padding: Paddings = "valid",
        dilation: Sizes = 1,
        *,
        layout: str = rank.layout,
        threads: int | None = None,
        out: Array | None = None,
    ) -> Array:
        r"""Use a set of kernels in turn: outputs a period t apart share their weights.

        .. math::

            Z_{i,o} = b_{i,\,o \bmod t} + \sum_{l,m} V_{l,\; o s + m d} \, K_{i,\,o \bmod t,\,l,m}

        with V the padded input, i the output channel, l the input channel, o the place of the
        output and m the tap of the kernel along each axis, s the stride and d the dilation, all
        counted from 0 (eq. 9.10 of *Deep Learning*, which counts from 1). Period 1 is convolution,
        a period of the output's size is a local layer.

        Parameters
        ----------
        x : array_like, shape (N, C, $space) or (C, $space)
            Input, any strides; ``layout="$last"``: channels last.
        weight : array_like, shape (out, \*period, C, $kernel)
            Kernels K, in every layout; a period along each axis. Kernels that no output comes to
            are not used.
        bias : array_like, shape (out, \*period), optional
            One number for each kernel of each output channel.
        stride, padding, dilation
            As in :func:`convcore.conv$d`. The padding holds zeros.
        layout : {"$layout", "$last"}
            Order of the axes of ``x`` and of the result.
        threads : int, optional
            Use at most so many; results do not depend on it.
        out : ndarray, optional
            Where to put the result: its very shape and dtype, writeable.

        Returns
        -------
        ndarray, shape (N, out, $out) or (out, $out), as ``layout`` says
            In the dtype that :func:`convcore.conv$d` has for these operands.

        Raises
        ------
        ValueError, TypeError, MemoryError
            As :func:`convcore.local_conv$d`.

        See Also
        --------
        local_conv$d, conv$d, convcore.matrix.tiled_conv_matrix

        Notes
        -----
        Tiled convolution (Gregor and LeCun 2010, Le et al. 2010). Items f28 and f29 of the study
        notes.

        Examples
        --------
        Two kernels in turn, which repeat or negate their cell:

        >>> import numpy as np
        >>> from convcore import $name
        >>> x = np.arange(1.0, 6.0).reshape(1, ${lead}5)
        >>> weight = np.array([1.0, -1.0]).reshape(1, ${lead}2, 1, ${lead}1)
        >>> $name(x, weight).ravel().tolist()
        [1.0, -2.0, 3.0, -4.0, 5.0]
        """
        return convolution(
            f"tiled_conv{rank.axes}d", rank.axes, x, weight, bias, stride, padding, dilation,
            layout=layout, threads=threads, out=out, sharing="tiled",
        )  # fmt: skip

    return tiled_conv


local_conv1d, local_conv2d, local_conv3d = _ranks.for_each_rank(_local_conv)
tiled_conv1d, tiled_conv2d, tiled_conv3d = _ranks.for_each_rank(_tiled_conv)
