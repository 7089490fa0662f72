"""What a network does, step by step: for people to read."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from convcore.graph.table import by, name_text, table


class Row(NamedTuple):
    """A step of a network.

    Attributes
    ----------
    name : str
        Of the node, as its file has it.
    operator : str
    algorithm : str
        Of a layer; "" for others.
    shape : tuple of int
        Of its first result.
    multiply_adds : int or None
        None: not counted for this operator.
    milliseconds : float
        Median of some runs.
    share : float
        Of the time of all steps.
    """

    name: str
    operator: str
    algorithm: str
    shape: tuple[int, ...]
    multiply_adds: int | None
    milliseconds: float
    share: float


class Report(tuple[Row, ...]):
    """Rows, one a step; it prints as a table."""

    __slots__ = ()

    @property
    def milliseconds(self) -> float:
        """The time of all steps."""
        return float(np.sum([row.milliseconds for row in self]))

    def __str__(self) -> str:
        """A table, with the sum in its last line."""
        lines = [("step", "operator", "algorithm", "result", "MMAC", "ms", "%", "GFLOP/s")]
        for row in self:
            macs = row.multiply_adds
            lines.append((
                name_text(row.name), row.operator, row.algorithm, by(row.shape),
                "" if macs is None else f"{macs / 1e6:.2f}", f"{row.milliseconds:.3f}",
                f"{100 * row.share:.1f}",
                "" if not macs or not row.milliseconds
                else f"{2 * macs / row.milliseconds / 1e6:.0f}",
            ))  # fmt: skip
        known = sum(row.multiply_adds or 0 for row in self)
        lines.append(("all", "", "", "", f"{known / 1e6:.2f}", f"{self.milliseconds:.3f}", "", ""))
        return table(lines, left=4)
