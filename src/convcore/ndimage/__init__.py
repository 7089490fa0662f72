"""Filters of arrays with SciPy's names, arguments and answers, on several threads.

``from convcore import ndimage`` in place of ``from scipy import ndimage``. What is not answered
here goes to SciPy, where it is installed: calls that :func:`report_scipy` can tell of, and every
name of ``scipy.ndimage`` that this module lacks.
"""

from typing import Any

from convcore.ndimage import correlation, derivatives, extrema, ranks, smoothing
from convcore.ndimage.correlation import *  # noqa: F403
from convcore.ndimage.derivatives import *  # noqa: F403
from convcore.ndimage.elsewhere import of_scipy, report_scipy
from convcore.ndimage.extrema import *  # noqa: F403
from convcore.ndimage.ranks import *  # noqa: F403
from convcore.ndimage.smoothing import *  # noqa: F403

__all__ = ["report_scipy"]
for _part in (correlation, derivatives, extrema, ranks, smoothing):
    __all__ += _part.__all__

# Users import from here; where a function is defined may change.
for _name in __all__:
    globals()[_name].__module__ = "convcore.ndimage"


def __getattr__(name: str) -> Any:
    return of_scipy(name)


def __dir__() -> list[str]:
    return sorted(__all__)
