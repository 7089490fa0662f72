"""The compiled core's objects, made from the spec of a layer."""

from collections.abc import Sequence

from convcore import _core
from convcore.spec.axis import Axis
from convcore.spec.border import ZEROS, Pair
from convcore.spec.pooling import PoolSpec
from convcore.spec.problem import SHARED, ConvSpec

Row = tuple[int, int, int, int, int, int]  # cells, kernel, stride, dilation, before, outputs
CORE_AXES = 3  # depth, row, column
ABSENT: Row = (1, 1, 1, 1, 0, 1)


def core_row(axis: Axis) -> Row:
    """Return an axis as the core's row; a stride or dilation that is never used is 1."""
    return (
        axis.cells,
        axis.kernel,
        axis.stride if axis.outputs > 1 else 1,
        axis.dilation if axis.kernel > 1 else 1,
        axis.pair[0],
        axis.outputs,
    )


def core_rows(rows: Sequence[Row]) -> list[Row]:
    """Return the rows of depth, row and column; axes that the layer lacks come first."""
    return [ABSENT] * (CORE_AXES - len(rows)) + list(rows)


def core_border(border: Sequence[Pair]) -> list[Pair] | None:
    """Return what the sides of depth, row and column hold; None: zeros."""
    return [ZEROS] * (CORE_AXES - len(border)) + list(border) if border else None


def conv_core(spec: ConvSpec) -> _core.Conv:
    """Return the core of a convolution, tiled or local layer, or of a transposed one's adjoint."""
    period = None
    if spec.sharing != SHARED and (spec.sharing == "local" or max(spec.period) > 1):
        period = (1,) * (CORE_AXES - len(spec.period)) + spec.period
    return _core.Conv(
        core_rows([core_row(axis) for axis in spec.axes]),
        n=spec.batch,
        groups=spec.groups,
        c=spec.group_channels,
        k=spec.out_channels // spec.groups,
        border=core_border(spec.border),
        channels_last=spec.layout.channels_last,
        period=period,
        table=None if spec.connections is None else spec.connections.lists,
        algorithm=spec.core_algorithm,
        transform=spec.transform or None,
    )


def pool_core(spec: PoolSpec, *, adjoint: bool = False) -> _core.Pool:
    """Return the core of a pooling; with ``adjoint``, that of the adjoint of a sum.

    The adjoint gives copies of cells a sum of their own.
    """
    absent = CORE_AXES - len(spec.axes)
    shown = zip(spec.held, spec.axes, strict=True)
    return _core.Pool(
        core_rows([core_row(axis) for axis in spec.window_axes]),
        kind="sum" if adjoint else spec.kind,
        p=spec.p,
        n=spec.batch,
        channels=spec.channels,
        after=[0] * absent + [axis.pair[1] for axis in spec.window_axes],
        sources=[(0, 1)] * absent + [(before, axis.cells) for (before, _), axis in shown],
        border=core_border(spec.border),
        adaptive=[False] * absent + [spec.adaptive] * len(spec.axes),
        adjoint=adjoint,
        count_padding=spec.count_padding and not adjoint,
        channels_last=spec.layout.channels_last,
    )
