"""The number of threads of a call: what the caller, the environment and the machine allow."""

import os
from contextvars import ContextVar

from convcore import _core
from convcore.spec.options import MAX_THREADS, as_threads

# The ``threads`` blocks around a call in its thread and context, outermost first.
_scoped: ContextVar[tuple[tuple["threads", int], ...]] = ContextVar("convcore_threads", default=())
_default: int | None = None  # set_num_threads or CONVCORE_NUM_THREADS; None: what is granted


def threads_for(op: str, threads: object) -> int:
    """Return the number of threads for a call with this argument ``threads``."""
    if threads is None:
        return get_num_threads()
    return as_threads(op, threads)


def _granted_cpus() -> int:
    """Return the processors of this process: affinity, and on Linux the cgroup's quota."""
    cpus = _core.processors()
    try:
        # Not pathlib, which takes as long to import as convcore. Nor an import in this function: a
        # signal handler that calls convcore during that import would find a partial module.
        with open("/sys/fs/cgroup/cpu.max") as limit:  # noqa: PTH123
            quota, period = limit.read().split()
        if quota != "max":
            cpus = min(cpus, max(1, -(-int(quota) // int(period))))
    except (OSError, ValueError):
        pass  # no cgroup, or one that sets no quota
    return cpus


_granted = None


def get_num_threads() -> int:
    """Return the maximum number of threads of a call without a ``threads`` argument.

    The first of these that is set counts: :class:`threads` around the call,
    :func:`set_num_threads`, the environment variable ``CONVCORE_NUM_THREADS``, the number of
    OpenMP (``OMP_NUM_THREADS``, threadpoolctl). Unless ``OMP_NUM_THREADS`` is set, OpenMP's number
    is limited to the processors that affinity and cgroup grant.

    Returns
    -------
    int
        At least 1. Always 1 if convcore was built without OpenMP, and in a forked child, which
        lacks the parent's OpenMP threads (start children by ``spawn`` or ``forkserver`` instead).

    Notes
    -----
    If other programs keep all processors busy, a call waits for its slowest thread: milliseconds
    even for a small problem. Use one thread there, or start Python with
    ``OMP_WAIT_POLICY=passive``.

    Examples
    --------
    >>> import convcore
    >>> with convcore.threads(1):
    ...     convcore.get_num_threads()
    1
    """
    global _granted
    usable = _core.usable_threads()
    if not usable:
        return 1
    scoped = _scoped.get()
    if scoped:
        return scoped[-1][1]
    if _default is not None:
        return _default
    if _granted is None:
        asked = os.environ.get("OMP_NUM_THREADS")
        _granted = MAX_THREADS if asked else max(1, _granted_cpus())
    return usable if usable < _granted else _granted


def set_num_threads(n: int) -> None:
    """Set the maximum number of threads of all later calls in this process.

    Parameters
    ----------
    n : int
        From 1 to 1024. No call uses more threads than processors, small problems use fewer, and a
        build without OpenMP uses one. Results do not depend on it.

    Raises
    ------
    ValueError, TypeError
        If ``n`` is out of range, or not an integer.

    Examples
    --------
    >>> import convcore
    >>> before = convcore.get_num_threads()
    >>> convcore.set_num_threads(1)
    >>> convcore.get_num_threads()
    1
    >>> convcore.set_num_threads(before)
    """
    global _default
    _default = as_threads("set_num_threads", n, "n")


class threads:
    """Use at most ``n`` threads inside a ``with`` block, in this thread and context only.

    An object may be entered more than once: inside its own block, by several threads and by
    several tasks at once.

    Parameters
    ----------
    n : int
        From 1 to 1024.

    Raises
    ------
    ValueError, TypeError
        If ``n`` is out of range, or not an integer.

    Examples
    --------
    >>> import convcore
    >>> with convcore.threads(1):
    ...     print(convcore.get_num_threads())
    1
    """

    def __init__(self, n: int) -> None:
        self._n = as_threads("threads", n, "n")

    def __enter__(self) -> None:
        """Begin the block."""
        _scoped.set((*_scoped.get(), (self, self._n)))

    def __exit__(self, *exception: object) -> None:
        """End the block."""
        blocks = list(_scoped.get())
        for i in reversed(range(len(blocks))):
            if blocks[i][0] is self:  # the last one, unless generators leave in another order
                del blocks[i]
                break
        _scoped.set(tuple(blocks))
