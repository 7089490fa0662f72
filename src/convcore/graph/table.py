"""Rows of text as a table, for people to read."""

from __future__ import annotations

from collections.abc import Sequence

LONGEST_NAME = 40


def table(lines: Sequence[Sequence[str]], left: int) -> str:
    """The lines in columns: the first ones, ``left`` of them, begin together, others end so."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = []
    for line in lines:
        cells = [
            cell.ljust(width) if place < left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        text.append("  ".join(cells).rstrip())
    return "\n".join(text)


def name_text(name: str) -> str:
    """The end of a long name, where names of nodes differ."""
    return name[-LONGEST_NAME:]


def by(sizes: Sequence[int]) -> str:
    """Sizes as in 3x224x224."""
    return "x".join(map(str, sizes))
