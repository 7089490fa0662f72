"""One layer of a graph for each call: blocks of windows over the chunks of a dask array.

A block sees cells of its own chunk and of chunks around it. A task cuts out what a block needs of
another chunk, so that neither memory nor a network carries the chunk itself.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate, product
from operator import getitem
from typing import Any, NamedTuple

import dask.array as da
import numpy as np
from dask._task_spec import DataNode, List, Task, TaskRef
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph, MaterializedLayer

from convcore.dask.arrays import DaskArray
from convcore.spec.operands import Array, DType
from convcore.spec.parts import Reach

# A job computes the results of a block from one array of cells for each operand.
Job = Callable[[tuple[Array, ...], tuple[Reach, ...]], tuple[Array, ...]]


class Piece(NamedTuple):
    """Cells start to stop of a chunk along an axis, and the place of the first in a block."""

    chunk: int
    start: int
    stop: int
    place: int
    is_whole: bool  # all cells of the chunk


class Side(NamedTuple):
    """A block along one axis: the pieces that it reads, and where its cells are among them."""

    pieces: tuple[Piece, ...]
    cells: int  # in all pieces
    order: Any  # of cells that the border shows elsewhere; None: as they come


def along_windows(chunks: Sequence[int], reaches: Sequence[Reach]) -> list[Side]:
    """Return the blocks along an axis with windows."""
    starts = [0, *accumulate(chunks)]
    return [Side(*_pieces(starts, each.runs), each.order) for each in reaches]


def along_chunks(chunks: Sequence[int]) -> list[Side]:
    """Return the blocks along any other axis: its chunks."""
    return [Side((Piece(i, 0, size, 0, True),), size, None) for i, size in enumerate(chunks)]


def _pieces(
    starts: Sequence[int], runs: Sequence[tuple[int, int]]
) -> tuple[tuple[Piece, ...], int]:
    found, place = [], 0
    for first, end in runs:
        chunk = bisect_right(starts, first) - 1
        while first < end:
            begin, after = starts[chunk], starts[chunk + 1]
            stop = min(end, after)
            if stop > first:  # a chunk may be empty
                is_whole = first == begin and stop == after
                found.append(Piece(chunk, first - begin, stop - begin, place, is_whole))
                place += stop - first
                first = stop
            chunk += 1
    return tuple(found), place


def windowed(
    op: str,
    arrays: Sequence[DaskArray],
    along: Mapping[int, tuple[Reach, ...]],
    job: Job,
    dtypes: Sequence[DType],
    *,
    sizes: Mapping[int, tuple[int, ...]] | None = None,
) -> tuple[DaskArray, ...]:
    """Return the results of a job for blocks of arrays that have the same chunks.

    ``along`` has the parts along each axis with windows, ``sizes`` the chunks of results along
    axes where they are not those of the arrays.
    """
    x = arrays[0]
    sides, chunks = [], []
    for axis, own in enumerate(x.chunks):
        reaches = along.get(axis)
        if reaches is None:
            sides.append(along_chunks(own))
            chunks.append((sizes or {}).get(axis, own))
        else:
            sides.append(along_windows(own, reaches))
            chunks.append(tuple(each.stop - each.start for each in reaches))
    stem = op.replace(".", "-")
    token = tokenize(stem, [array.name for array in arrays], job, chunks)
    several = len(dtypes) > 1
    name = f"{stem}-blocks-{token}" if several else f"{stem}-{token}"
    tasks = _tasks(name, arrays, sides, along, job, several)
    graph = HighLevelGraph.from_collections(name, MaterializedLayer(tasks), list(arrays))
    blocks = da.Array(graph, name, tuple(chunks), dtype=dtypes[0])
    if not several:
        return (blocks,)
    return tuple(_one_of(blocks, i, f"{stem}-{i}-{token}", each) for i, each in enumerate(dtypes))


def _one_of(blocks: DaskArray, i: int, name: str, dtype: DType) -> DaskArray:
    tasks = {}
    for index in product(*map(range, blocks.numblocks)):
        key = (name, *index)
        tasks[key] = Task(key, getitem, TaskRef((blocks.name, *index)), i)
    graph = HighLevelGraph.from_collections(name, MaterializedLayer(tasks), [blocks])
    return da.Array(graph, name, blocks.chunks, dtype=dtype)


def _tasks(
    name: str,
    arrays: Sequence[DaskArray],
    sides: Sequence[Sequence[Side]],
    along: Mapping[int, tuple[Reach, ...]],
    job: Job,
    several: bool,
) -> dict[Any, Any]:
    held = f"{name}-job"  # once in the graph, with its weights
    tasks: dict[Any, Any] = {held: DataNode(held, job)}
    reference = TaskRef(held)
    windows = tuple(along)
    for index in product(*(range(len(each)) for each in sides)):
        block = [own[i] for own, i in zip(sides, index, strict=True)]
        shape = tuple(each.cells for each in block)
        orders = tuple(
            (axis, each.order) for axis, each in enumerate(block) if each.order is not None
        )
        pieces = list(product(*(each.pieces for each in block)))
        places = tuple(
            tuple((piece.place, piece.place + piece.stop - piece.start) for piece in each)
            for each in pieces
        )
        operands = []
        for i, array in enumerate(arrays):
            references = [_piece(tasks, name, i, array.name, each) for each in pieces]
            operands.append(List(*references))
        key = (name, *index)
        reaches = tuple(along[axis][index[axis]] for axis in windows)
        frame = Frame(shape, places, orders, tuple(array.dtype for array in arrays))
        tasks[key] = Task(key, compute_block, reference, frame, reaches, several, List(*operands))
    return tasks


def _piece(
    tasks: dict[Any, Any], name: str, i: int, source: str, piece: tuple[Piece, ...]
) -> TaskRef:
    """Return a reference to a chunk, or to a task that cuts a part out of it."""
    chunk = TaskRef((source, *(each.chunk for each in piece)))
    if all(each.is_whole for each in piece):
        return chunk
    place = [number for each in piece for number in each[:3]]
    key = (f"{name}-cells", i, *place)
    if key not in tasks:
        tasks[key] = Task(key, cut_out, chunk, tuple((each.start, each.stop) for each in piece))
    return TaskRef(key)


class Frame(NamedTuple):
    """How the cells of a block are put together."""

    shape: tuple[int, ...]
    places: tuple[tuple[tuple[int, int], ...], ...]  # of each piece along each axis
    orders: tuple[tuple[int, Any], ...]  # (axis, order)
    dtypes: tuple[DType, ...]  # of each operand

    def assemble(self, pieces: Sequence[Array], dtype: DType) -> Array:
        """Return the cells of a block; a chunk itself if it is all of them."""
        if len(pieces) == 1:
            block = pieces[0]
        else:
            block = np.empty(self.shape, dtype)
            for piece, place in zip(pieces, self.places, strict=True):
                block[tuple(slice(*each) for each in place)] = piece
        for axis, order in self.orders:
            block = np.take(block, order, axis)
        return block


def cut_out(chunk: Array, ranges: tuple[tuple[int, int], ...]) -> Array:
    """Return a part of a chunk; a copy of a small one, which would keep the whole in memory."""
    part = chunk[tuple(slice(*each) for each in ranges)]
    return part if 2 * part.nbytes >= chunk.nbytes else part.copy()


def compute_block(
    job: Job,
    frame: Frame,
    reaches: tuple[Reach, ...],
    several: bool,
    operands: Sequence[Sequence[Array]],
) -> Any:
    """Put the cells of a block together and run the job on them: what a task does."""
    blocks = tuple(map(frame.assemble, operands, frame.dtypes))
    results = job(blocks, reaches)
    return results if several else results[0]
