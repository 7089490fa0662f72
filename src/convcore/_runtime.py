"""Threads, instruction set and build facts: what the process runs on, not what is computed."""

import os
import sys
from contextvars import ContextVar, Token

from convcore import _args, _core

VERSION = "0.1.0"

_scoped: ContextVar[int | None] = ContextVar("convcore_threads", default=None)
_default: int | None = None  # set_num_threads or CONVCORE_NUM_THREADS; None: what is granted

MOST_THREADS = 1024


def threads_for(op: str, threads: object) -> int:
    """The threads a call may use that was given ``threads``."""
    if threads is None:
        return get_num_threads()
    return _args.whole(op, "threads", threads, 1, MOST_THREADS)


def _granted_cpus() -> int:
    """Processors this process may use: affinity, and on Linux the cgroup's quota."""
    from pathlib import Path  # here, for it would be half of what importing convcore takes

    cpus = _core.processors()
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        if quota != "max":
            cpus = min(cpus, max(1, -(-int(quota) // int(period))))
    except (OSError, ValueError):
        pass  # no cgroup, or one that sets no quota
    return cpus


_granted = None


def get_num_threads() -> int:
    """Threads that a call uses at most when it does not say itself.

    In this order: :class:`threads` around the call, :func:`set_num_threads`, the environment's
    ``CONVCORE_NUM_THREADS``, then what OpenMP would use (``OMP_NUM_THREADS``, threadpoolctl), but
    not more than the processors that affinity and cgroup grant unless ``OMP_NUM_THREADS`` asks.

    Returns
    -------
    int
        At least 1; always 1 where convcore was built without OpenMP, and in a forked child, in
        which the parent's OpenMP threads are missing (start children by ``spawn`` or
        ``forkserver`` to give them threads).

    Notes
    -----
    Where other programs keep all processors busy, a call on several threads waits for the slowest
    of them, milliseconds even for a small problem: use one thread there, or start Python with
    ``OMP_WAIT_POLICY=passive``.

    Examples
    --------
    >>> import convcore
    >>> with convcore.threads(1):
    ...     convcore.get_num_threads()
    1
    """
    global _granted
    if not _core.has_openmp() or _core.is_forked():
        return 1
    scoped = _scoped.get()
    if scoped is not None:
        return scoped
    if _default is not None:
        return _default
    if _granted is None:
        asked = os.environ.get("OMP_NUM_THREADS")
        _granted = MOST_THREADS if asked else _granted_cpus()
    return max(1, min(_core.openmp_threads(), _granted))


def set_num_threads(n: int) -> None:
    """Set how many threads calls use from now on, in the whole process.

    Parameters
    ----------
    n : int
        From 1 to 1024. No call uses more than there are processors, small problems use fewer,
        and a build without OpenMP uses one; results never depend on it.

    Raises
    ------
    ValueError, TypeError
        For a number out of range or no integer.

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
    _default = _args.whole("set_num_threads", "n", n, 1, MOST_THREADS)


class threads:
    """Use at most ``n`` threads inside a ``with`` block, in this thread and context only.

    Parameters
    ----------
    n : int
        From 1 to 1024.

    Raises
    ------
    ValueError, TypeError
        For a number out of range or no integer.

    Examples
    --------
    >>> import convcore
    >>> with convcore.threads(1):
    ...     print(convcore.get_num_threads())
    1
    """

    def __init__(self, n: int) -> None:
        self._n = _args.whole("threads", "n", n, 1, MOST_THREADS)
        self._tokens: list[Token[int | None]] = []

    def __enter__(self) -> None:
        self._tokens.append(_scoped.set(self._n))

    def __exit__(self, *exception: object) -> None:
        _scoped.reset(self._tokens.pop())


def build_info() -> dict[str, object]:
    """Facts about this build and this machine, for reports.

    Returns
    -------
    dict
        ``version``, ``python``, ``compiler``, ``flags``, ``isa`` (the instruction set whose kernels
        run), ``isa_compiled``, ``isa_available`` (lists of names, least first), ``openmp`` (bool),
        ``threads`` (as :func:`get_num_threads`).

    Examples
    --------
    >>> import convcore
    >>> info = convcore.build_info()
    >>> info["isa"] in info["isa_available"]
    True
    """
    compiler, flags = _core.compiler()
    levels = _core.isa_levels()
    return {
        "version": VERSION,
        "python": sys.version.split()[0],
        "compiler": compiler,
        "flags": flags,
        "isa": _core.isa(),
        "isa_compiled": [name for name, _ in levels],
        "isa_available": [name for name, available in levels if available],
        "openmp": _core.has_openmp(),
        "threads": get_num_threads(),
    }


def _read_environment() -> None:
    """Obey CONVCORE_ISA and CONVCORE_NUM_THREADS, once, when the package is imported."""
    global _default
    available = [name for name, runs in _core.isa_levels() if runs]
    wanted = os.environ.get("CONVCORE_ISA") or available[-1]
    if wanted not in available:
        raise ValueError(
            f"CONVCORE_ISA={_args.shown(wanted)} is not available here; available: "
            f"{', '.join(available)}"
        )
    _core.choose_isa(wanted)
    count = os.environ.get("CONVCORE_NUM_THREADS")
    if count:
        if not count.strip().isdecimal():
            raise ValueError(
                f"CONVCORE_NUM_THREADS={_args.shown(count)} is not a number of threads"
            )
        _default = _args.whole("convcore", "CONVCORE_NUM_THREADS", int(count), 1, MOST_THREADS)


_read_environment()
