"""Transposed convolution: the adjoint of a convolution."""

from functools import lru_cache
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from convcore import _adjoint, _args, _core, _ranks, _runtime, _shapes
from convcore._args import Array, Padding
from convcore._linear import Paddings, Sizes
from convcore.geometry import span, transposed_axis

__all__ = ["conv_transpose1d", "conv_transpose2d", "conv_transpose3d"]


class Problem(NamedTuple):
    """A transposed convolution's sizes, checked; outputs of no phase are their bias alone."""

    phases: list[_adjoint.Phase]
    shape: tuple[int, ...]  # of the result, with a batch
    channel_axis: int
    direct: bool  # products are formed one by one, not by phases, of which there are none
    adjoint: _core.Conv | None  # the convolution whose adjoint this is, unless it has no products


@lru_cache(maxsize=256)
def problem(
    op: str,
    axes: int,
    x: tuple[int, ...],
    weight: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[Padding, ...],
    dilation: tuple[int, ...],
    groups: int,
    output_padding: tuple[int, ...],
    layout: str,
) -> Problem:
    """Check shapes against options and prepare the phases; calls alike share the work."""
    n, channels, spatial, channels_last = _shapes.split(op, axes, x, layout)
    if len(weight) != axes + 2:
        raise ValueError(
            f"{op}: weight must have {axes + 2} axes (in, out / groups, *kernel), got shape "
            f"{weight}"
        )
    kernel, out_channels = weight[2:], weight[1] * groups
    if weight[0] != channels or channels % groups:
        raise ValueError(
            f"{op}: weight of shape {weight} is for {weight[0]} input channels in groups = "
            f"{groups}, but x of shape {x} has {channels}; expected weight (in, out / groups, "
            "*kernel), its first axis a multiple of groups"
        )
    if 0 in kernel:
        raise ValueError(f"{op}: weight of shape {weight} has an empty kernel")
    sizes, along, rows = [], [], []
    for size, k, s, pad, d, more in zip(
        spatial, kernel, stride, padding, dilation, output_padding, strict=True
    ):
        try:
            out, (before, after) = transposed_axis(op, size, k, s, pad, d, more)
        except ValueError as error:
            raise ValueError(f"{error}; x has shape {x}, weight {weight}") from None
        if max(out + before + after, s, span(k, d)) > _args.MOST // 16:
            raise ValueError(
                f"{op}: sizes out of range: an input of {size} with kernel {k}, stride {s}, "
                f"padding {pad} and dilation {d}"
            )
        sizes.append(out)
        along.append(_adjoint.axis_phases(size, k, s, d, before, out))
        rows.append((out, k, s if size > 1 else 1, d if k > 1 else 1, before, size))
    shape = _shapes.join(op, n, out_channels, sizes, channels_last, x=x, weight=weight,
                         padding=padding, stride=stride, dilation=dilation,
                         output_padding=output_padding)  # fmt: skip
    phases, adjoint, direct = [], None, False
    if prod(shape) and channels:
        direct = _adjoint.is_wasteful(along, spatial, kernel)
        if not direct:
            phases = _adjoint.phases(n, groups, weight, along, channels_last)
        adjoint = _core.Conv(n, groups, weight[1], channels // groups, _shapes.three_axes(rows),
                             "zeros", channels_last)  # fmt: skip
    return Problem(phases, shape, axes + 1 if channels_last else 1, direct, adjoint)


def read(
    op: str,
    axes: int,
    x: Array,
    weight: Array,
    stride: Sizes,
    padding: Paddings,
    dilation: Sizes,
    groups: int,
    output_padding: Sizes,
    layout: str,
) -> Problem:
    """Check the options of a call against its operands."""
    groups = _args.whole(op, "groups", groups, 1)
    _args.choice(op, "layout", layout, _args.LAYOUTS[axes])
    return problem(
        op, axes, x.shape, weight.shape,
        _args.per_axis(op, "stride", stride, axes),
        _args.paddings(op, padding, axes),
        _args.per_axis(op, "dilation", dilation, axes),
        groups,
        _args.per_axis(op, "output_padding", output_padding, axes, 0),
        layout,
    )  # fmt: skip


def transposed(
    op: str,
    axes: int,
    x: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None,
    stride: Sizes,
    padding: Paddings,
    dilation: Sizes,
    groups: int,
    output_padding: Sizes,
    layout: str,
    threads: int | None,
    out: Array | None,
) -> Array:
    """Apply the adjoint over ``axes`` spatial axes; ``op`` is the name that errors carry."""
    x = _args.array(op, "x", x)
    weight = _args.array(op, "weight", weight)
    dtype, work = _args.result_type(op, x.dtype, weight.dtype)
    count = _runtime.threads_for(op, threads)
    phases, shape, channel_axis, direct, adjoint = read(
        op, axes, x, weight, stride, padding, dilation, groups, output_padding, layout
    )
    offset = _args.ready_bias(op, bias, (shape[channel_axis],), dtype, work)
    whole = shape if x.ndim == axes + 2 else shape[1:]
    target, place = _args.target(
        op, out, whole, dtype, work, (x, weight, offset), x=x, weight=weight, stride=stride,
        padding=padding, dilation=dilation, output_padding=output_padding,
    )  # fmt: skip
    x, weight = _args.ready(op, "x", x, work), _args.ready(op, "weight", weight, work)
    try:
        y = target.reshape(shape)
        if adjoint is not None and (direct or not np.isfinite(weight).all()):
            adjoint.input_gradient(x, weight, y, count)
            if offset is not None:
                y += offset.reshape(-1, *(1,) * (y.ndim - 1 - channel_axis))
        else:
            _adjoint.run(phases, x, weight, offset, y, channel_axis, count)
    except MemoryError as error:
        raise MemoryError(f"{op}: {error}; x has shape {x.shape}, weight {weight.shape}") from None
    return _args.delivered(target, place, out, dtype)


def _conv_transpose(rank: _ranks.Rank) -> _ranks.Operator:
    def conv_transpose(
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
        out: Array | None = None,
    ) -> Array:
        r"""Apply the adjoint (the transposed matrix) of a convolution.

        .. math:: Y_{j,u} = b_j + \sum_i \;\sum_{o,\,m:\; o s + m d - p = u} V_{i,o} \, K_{i,j,m}

        with V the input, i its channels and o its places, j the output channel, u the place of the
        output and m the tap of the kernel along each axis, s the stride, d the dilation and p the
        padding before of the convolution whose adjoint this is: of :func:`convcore.conv$d` with the
        same weight and options, from ``out`` to ``in`` channels. There are :math:`(n - 1) s + (k -
        1) d + 1 - p - p' + e` outputs along an axis of n cells, with p' the padding after and e the
        output padding.

        Parameters
        ----------
        x : array_like, shape (N, in, $space) or (in, $space)
            Input V, any strides; ``layout="$last"``: channels last.
        weight : array_like, shape (in, out / groups, $kernel)
            Kernels K, in every layout: the very array of the convolution.
        bias : array_like, shape (out,), optional
            Added to each output channel.
        stride, dilation, groups
            Those of the convolution.
        padding
            That of the convolution, as in :func:`convcore.conv$d`: it cuts cells off the result.
            ``"same"`` gives ``(n - 1) * stride + 1 + output_padding`` outputs.
        output_padding : $each
            Which of the sizes that the convolution maps to n the result has: so many cells more
            than the least, fewer than the stride.
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
            For shapes that do not go together, options out of range, and a result that would be
            empty along an axis.
        TypeError
            For operands that are not real numbers, and options of the wrong type.
        MemoryError
            If there is no memory for the result or the scratch.

        See Also
        --------
        conv$d, convcore.matrix.conv_transpose_matrix

        Notes
        -----
        PyTorch: ``conv_transpose$d``, the same numbers; Keras: ``keras.ops.conv_transpose``, whose
        ``"same"`` gives ``n * stride`` outputs (here ``output_padding = stride - 1``); also called
        fractionally strided convolution or, wrongly, deconvolution. Each rest of the output's
        place modulo the stride is a convolution with a part of the kernel; no zeros are inserted.
        Items f04 and f19 of the study notes.

        Examples
        --------
        >>> import numpy as np
        >>> from convcore import $name
        >>> x = np.array([1.0, 10.0]).reshape(1, ${lead}2)
        >>> $name(x, np.ones((1, 1, ${lead}3)), stride=(${lead}2)).ravel().tolist()
        [1.0, 1.0, 11.0, 10.0, 10.0]
        """
        return transposed(
            f"conv_transpose{rank.axes}d", rank.axes, x, weight, bias, stride, padding, dilation,
            groups, output_padding, layout, threads, out,
        )  # fmt: skip

    return conv_transpose


conv_transpose1d, conv_transpose2d, conv_transpose3d = _ranks.for_each_rank(_conv_transpose)
