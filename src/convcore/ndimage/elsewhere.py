"""What this module does not answer: SciPy does, where it is installed."""

import warnings
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_told: set[str] | None = None  # functions whose calls went to SciPy; None: nobody asked


class NotServed(Exception):
    """A call that is right, and that convcore does not answer; says why."""


class FilterError(ValueError, RuntimeError):
    """An argument that makes no sense. SciPy raises one class or the other."""


def report_scipy(enabled: bool = True) -> None:
    """Warn once for each function whose call is handed on to SciPy, or stop doing so.

    Parameters
    ----------
    enabled : bool
        True: a ``RuntimeWarning`` names the function and the reason. False, as at first: nothing.

    Examples
    --------
    >>> from convcore import ndimage
    >>> ndimage.report_scipy(True)
    >>> ndimage.report_scipy(False)
    """
    global _told
    if not isinstance(enabled, bool):
        raise TypeError(f"report_scipy: enabled must be True or False, got {enabled!r}")
    _told = set() if enabled else None


def or_scipy(function: F) -> F:
    """Return the function, which hands on to SciPy what it does not serve."""
    name = function.__name__

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except NotServed as reason:
            why = str(reason)
        try:
            other = getattr(import_module("scipy.ndimage"), name)
        except ImportError:
            raise TypeError(
                f"{name}: {why}; SciPy would answer, and is not installed: pip install scipy"
            ) from None
        if _told is not None and name not in _told:
            _told.add(name)
            warnings.warn(f"{name}: {why}; SciPy answers", RuntimeWarning, stacklevel=2)
        return other(*args, **kwargs)

    return call  # type: ignore[return-value]


def of_scipy(name: str) -> Any:
    """Return SciPy's function or class of a name that this module lacks."""
    missing = AttributeError(f"module 'convcore.ndimage' has no attribute {name!r}")
    if name.startswith("_"):
        raise missing
    try:
        scipy = import_module("scipy.ndimage")
    except ImportError:
        raise missing from None
    if name not in scipy.__all__:
        raise missing
    return getattr(scipy, name)
