"""Batches cut into fixed parts, which any number of processes may divide among them.

What is computed for a part depends on the part alone. The parts are added along one tree, whoever
computed them. So bits depend on the number of parts, and never on the number of processes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import prod
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np

from convcore.nn.layers.activations import Dropout
from convcore.nn.layers.base import Layer
from convcore.nn.training.losses import Losses, check_loss, has_classes
from convcore.spec.errors import short_repr
from convcore.spec.operands import FLOAT32, FLOAT64, Array
from convcore.spec.options import as_int

OP = "fit"
BUFFER, GRADIENT = "buffer", "gradient"
FIRST = 3  # numbers before the buffers: the loss, how many are right, whether there are classes

Key = tuple[str, str]  # what it is, and the name of its parameter or buffer


class Pass(NamedTuple):
    """What a step knows of one batch."""

    value: float
    right: int | None  # examples whose class had the highest score
    gradients: dict[str, Array] | None  # None: those that the model keeps


class Team:
    """The processes that divide the parts of each batch."""

    def __init__(self, parts: int, comm: Any) -> None:
        self.parts = as_int(OP, "parts", parts, 1)
        self.comm, self.rank, self.size = comm, 0, 1
        if comm is not None:
            self.rank, self.size = _place(comm)
        if self.parts % self.size:
            raise ValueError(
                f"{OP}: parts must be divisible by the number of processes ({self.size}), got "
                f"{self.parts}"
            )
        self._failed = False

    @property
    def mine(self) -> range:
        """The parts of this process: neighbours, so that they are branches of the tree."""
        each = self.parts // self.size
        return range(self.rank * each, (self.rank + 1) * each)

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(
        self, kind: object, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Tell the others how this process ended: none waits for one that has failed."""
        if not self._failed:
            self._check(failed=error is not None)

    def _check(self, failed: bool = False) -> None:
        """Say whether this process failed; raise an error if another one did."""
        if self.size == 1:
            return
        found = self._gather(np.array([failed], np.uint8))
        self._failed = bool(found.any())
        if self._failed and not failed:
            which = int(np.argmax(found[:, 0]))
            raise RuntimeError(
                f"{OP}: process {which} of {self.size} failed; its own error says why"
            )

    def exchange(self, own: Array) -> Array:
        """Return the bytes that each process has given, equally many, in the order of processes."""
        if self.size == 1:
            return own[np.newaxis]
        self._check()
        return self._gather(own)

    def _gather(self, own: Array) -> Array:
        found = np.empty((self.size, *own.shape), own.dtype)
        if hasattr(self.comm, "Allgather"):  # mpi4py's, of buffers
            self.comm.Allgather(own, found)
            return found
        given = self.comm.allgather(own)
        if len(given) != self.size or any(np.shape(one) != own.shape for one in given):
            raise ValueError(
                f"{OP}: comm must gather {self.size} arrays of shape {own.shape}, got shapes "
                f"{[np.shape(one) for one in given]}"
            )
        found[...] = given
        return found

    def agree(self, facts: Mapping[str, str]) -> None:
        """Refuse processes that were called with something else; facts are fingerprints."""
        words = np.array([list(fact.encode()) for fact in facts.values()], np.uint8)
        found = self.exchange(words)
        for name, each in zip(facts, np.moveaxis(found, 1, 0), strict=True):
            other = (each != each[0]).any(axis=1)
            if other.any():
                raise ValueError(
                    f"{OP}: {name} must be equal in all processes, got another in process "
                    f"{int(np.argmax(other))} than in process 0"
                )


class WholeStep:
    """A batch as one part: the model keeps its gradients."""

    def __init__(self, model: Layer, loss: Losses) -> None:
        self.model, self.loss = model, loss

    def __call__(self, batch: Array, wanted: Array, generator: np.random.Generator) -> Pass:
        """Compute the loss and, if it is finite, the gradients."""
        result = self.model.forward(batch)
        value, gradient = check_loss(OP, self.loss(result, wanted), result)
        if np.isfinite(value):
            self.model.backward(gradient, need_dx=False)
        return Pass(value, count_right(result, wanted), None)


class PartsStep:
    """A batch in the parts of a team."""

    def __init__(self, team: Team, model: Layer, loss: Losses) -> None:
        self.team, self.model, self.loss = team, model, loss
        self.lent = [layer for layer in model.layers() if isinstance(layer, Dropout)]
        parameters, buffers = model.parameters(), model.buffers()
        wide = {(GRADIENT, k): p.shape for k, p in parameters.items() if p.dtype == FLOAT64}
        wide |= {(BUFFER, k): array.shape for k, array in buffers.items()}
        narrow = {(GRADIENT, k): p.shape for k, p in parameters.items() if p.dtype != FLOAT64}
        self.wide, self.narrow = Fields(FIRST, wide), Fields(0, narrow)
        self.narrow.size += self.narrow.size % 2  # whole float64s: what follows stays aligned

    def __call__(self, batch: Array, wanted: Array, generator: np.random.Generator) -> Pass:
        """Compute the parts of this process, and add up those of all."""
        count = self.team.parts
        seed = int(generator.integers(2**63)) if self.lent else 0  # nothing else draws
        before = {name: array.copy() for name, array in self.model.buffers().items()}
        cuts = [len(batch) * part // count for part in range(count + 1)]
        bounds = list(pairwise(cuts))
        rows = []
        for part in self.team.mine:
            chosen = slice(*bounds[part])
            for layer in self.lent:
                layer.rng = np.random.default_rng([seed, part])
            for name, array in self.model.buffers().items():
                array[...] = before[name]
            share = (chosen.stop - chosen.start) / len(batch)
            rows.append(self._part(batch[chosen], wanted[chosen], share))
        total = self._total(rows)
        for name, array in self.model.buffers().items():
            mean = self.wide.get(total.wide, (BUFFER, name))
            array[...] = np.rint(mean) if array.dtype.kind in "iu" else mean
        gradients = {name: self._gradient(total, name) for name in self.model.parameters()}
        value, right, classes = total.wide[:FIRST]
        return Pass(float(value), int(right) if classes else None, gradients)

    def _part(self, batch: Array, wanted: Array, share: float) -> Row:
        """Return what a part adds to the batch; nothing, if it is empty."""
        row = Row(np.zeros(self.wide.size), np.zeros(self.narrow.size, FLOAT32))
        if not len(batch):
            return row
        result = self.model.forward(batch)
        value, gradient = check_loss(OP, self.loss(result, wanted), result)
        self.model.backward(gradient * share, need_dx=False)
        right = count_right(result, wanted)
        row.wide[:FIRST] = value * share, right or 0, right is not None
        for name, array in self.model.buffers().items():
            self.wide.get(row.wide, (BUFFER, name))[...] = array.astype(FLOAT64) * share
        for name, array in self.model.gradients.items():
            self._gradient(row, name)[...] = array
        return row

    def _gradient(self, row: Row, name: str) -> Array:
        """Return a parameter's gradient in a row, a view."""
        key = GRADIENT, name
        if key in self.wide.places:
            return self.wide.get(row.wide, key)
        return self.narrow.get(row.narrow, key)

    def _total(self, rows: Sequence[Row]) -> Row:
        """Return the sum of all processes' rows, along the tree of all parts.

        Each process adds up the branches that are wholly its own before it sends them.
        """
        own = len(rows) & -len(rows)  # parts of such a branch: a power of two
        branches = [tree_sum(rows[begin : begin + own]) for begin in range(0, len(rows), own)]
        sent = np.concatenate([vector.view(np.uint8) for row in branches for vector in row])
        found = self.team.exchange(sent).reshape(-1, len(sent) // len(branches))
        middle = 8 * self.wide.size
        return tree_sum(
            [Row(one[:middle].view(FLOAT64), one[middle:].view(FLOAT32)) for one in found]
        )


class Row(NamedTuple):
    """What a part, or a branch of the tree, adds to a batch."""

    wide: Array  # float64: the first numbers, buffers, gradients
    narrow: Array  # float32: other gradients


class Fields:
    """Where named arrays lie in one vector."""

    def __init__(self, first: int, shapes: Mapping[Key, tuple[int, ...]]) -> None:
        self.places: dict[Key, tuple[int, tuple[int, ...]]] = {}
        self.size = first
        for key, shape in shapes.items():
            self.places[key] = self.size, shape
            self.size += prod(shape)

    def get(self, vector: Array, key: Key) -> Array:
        """Return a view of one of the arrays."""
        begin, shape = self.places[key]
        return vector[begin : begin + prod(shape)].reshape(shape)


def tree_sum(rows: Sequence[Row]) -> Row:
    """Return the sum of neighbours, of neighbouring sums, and so on: an order that is fixed."""
    level = list(rows)
    while len(level) > 1:
        sums = [
            Row(one.wide + other.wide, one.narrow + other.narrow)
            for one, other in zip(level[::2], level[1::2], strict=False)
        ]
        level = sums + level[len(level) - len(level) % 2 :]
    return level[0]


def count_right(result: Array, wanted: Array) -> int | None:
    """Return how many examples have their class's score highest; None: there are no classes."""
    if not has_classes(result, wanted):
        return None
    return int((result.argmax(axis=1) == wanted).sum())


def _place(comm: Any) -> tuple[int, int]:
    """Return a communicator's rank and size."""
    gathers = callable(getattr(comm, "allgather", None)) or hasattr(comm, "Allgather")
    if not (hasattr(comm, "rank") and hasattr(comm, "size") and gathers):
        raise TypeError(
            f"{OP}: comm must have rank, size and allgather, as mpi4py's have, got "
            f"{short_repr(comm)}"
        )
    size = as_int(OP, "comm.size", comm.size, 1)
    return as_int(OP, "comm.rank", comm.rank, 0, size - 1), size
