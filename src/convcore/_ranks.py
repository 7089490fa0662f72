"""One definition for one, two and three dimensions.

An operator that is the same for every number of spatial axes is written once, inside a function of
that number; :func:`for_each_rank` calls it three times and gives each result its name and its
docstring. They are ordinary functions with a signature of their own.
"""

import inspect
import re
from collections.abc import Callable
from string import Template
from typing import Any, NamedTuple

from convcore import _args

Operator = Callable[..., Any]


class Rank(NamedTuple):
    """The words for one number of axes."""

    axes: int
    layout: str  # channels first, the default
    last: str
    space: str  # sizes of the axes, as shapes write them
    out: str  # of the result
    kernel: str
    each: str  # "an int or one for each axis", as a type
    lead: str  # all but the last axis of a small example


RANKS = (
    Rank(1, *_args.LAYOUTS[1], "W", "OW", "S", "int", ""),
    Rank(2, *_args.LAYOUTS[2], "H, W", "OH, OW", "R, S", "int or (int, int)", "1, "),
    Rank(3, *_args.LAYOUTS[3], "D, H, W", "OD, OH, OW", "Q, R, S", "int or (int, int, int)",
         "1, 1, "),
)  # fmt: skip


def for_each_rank(define: Callable[[Rank], Operator]) -> tuple[Operator, Operator, Operator]:
    """The operator that ``define`` makes for one, two and three axes.

    Its docstring may use the fields of :class:`Rank` and ``$name``, ``$forward`` (the name without
    ``_backward``) and ``$d`` (the number of axes with a "d"); its name gets that too.
    """
    one, two, three = (_named(define(rank), rank) for rank in RANKS)
    return one, two, three


def _named(operator: Operator, rank: Rank) -> Operator:
    words = rank._asdict() | {
        "name": re.sub("(_backward)?$", rf"{rank.axes}d\1", operator.__name__, count=1),
        "d": f"{rank.axes}d",
    }
    words["forward"] = words["name"].removesuffix("_backward")
    operator.__name__ = operator.__qualname__ = words["name"]
    operator.__module__ = "convcore"
    operator.__doc__ = Template(inspect.cleandoc(operator.__doc__ or "")).substitute(words)
    return operator
