"""Processes that train together without MPI: they leave arrays for each other in one place."""

from __future__ import annotations

from threading import Lock
from time import monotonic, sleep
from typing import Any

from convcore.spec.errors import short_repr
from convcore.spec.operands import Array
from convcore.spec.options import as_float, as_int

LONGEST_PAUSE = 0.01  # seconds between two looks


class Exchange:
    """A place where processes leave arrays for each other, for :class:`ExchangeComm`.

    An actor of dask is one that several machines reach:
    ``client.submit(nn.Exchange, 2, actor=True).result()``.

    Parameters
    ----------
    size : int
        Number of processes.

    Raises
    ------
    ValueError, TypeError
        For a size below 1.

    See Also
    --------
    ExchangeComm, fit

    Examples
    --------
    >>> exchange = Exchange(2)
    >>> exchange.put(0, 0, np.zeros(1)), exchange.take(0)
    (None, None)
    >>> exchange.put(1, 0, np.ones(1))
    >>> exchange.take(0)
    [array([0.]), array([1.])]
    """

    def __init__(self, size: int) -> None:
        self._size = as_int("Exchange", "size", size, 1)
        self._lock = Lock()
        self._left: dict[int, dict[int, Array]] = {}  # by the number of the meeting, and by rank
        self._taken: dict[int, int] = {}

    def processes(self) -> int:
        """Return the number of processes."""
        return self._size

    def put(self, rank: int, meeting: int, array: Array) -> None:
        """Leave a process's array for a meeting.

        Parameters
        ----------
        rank, meeting : int
            The process and the number of the meeting, from 0.
        array : ndarray
            What the others get.

        Raises
        ------
        ValueError
            If there is one already: two processes have one rank.
        """
        with self._lock:
            left = self._left.setdefault(meeting, {})
            if rank in left:
                raise ValueError(f"Exchange: rank must be of one process alone, got {rank} twice")
            left[rank] = array

    def take(self, meeting: int) -> list[Array] | None:
        """Return all arrays of a meeting; None, while one is missing.

        Parameters
        ----------
        meeting : int
            Its number. It is forgotten once each process has taken its arrays.

        Returns
        -------
        list of ndarray, or None
        """
        with self._lock:
            left = self._left.get(meeting, {})
            if len(left) < self._size:
                return None
            self._taken[meeting] = self._taken.get(meeting, 0) + 1
            if self._taken[meeting] == self._size:
                del self._left[meeting], self._taken[meeting]
            return [left[rank] for rank in range(self._size)]


class ExchangeComm:
    """One process of those that meet at an :class:`Exchange`, for ``fit(..., comm=...)``.

    Parameters
    ----------
    exchange : Exchange, or an actor of dask that is one
        The same for all processes, and new for each training.
    rank : int
        Number of this process, from 0.
    timeout : float
        Seconds to wait for the others.

    Raises
    ------
    ValueError, TypeError
        For arguments out of range.
    TimeoutError
        While training, if another process does not come.

    See Also
    --------
    Exchange, fit

    Examples
    --------
    >>> comm = ExchangeComm(Exchange(1), 0)
    >>> comm.size, comm.allgather(np.ones(1))
    (1, [array([1.])])
    """

    def __init__(self, exchange: Any, rank: int, timeout: float = 300.0) -> None:
        op = "ExchangeComm"
        if not (hasattr(exchange, "put") and hasattr(exchange, "take")):
            raise TypeError(f"{op}: exchange must be an Exchange, got {short_repr(exchange)}")
        self.exchange = exchange
        self.size: int = _result(exchange.processes())
        self.rank = as_int(op, "rank", rank, 0, self.size - 1)
        self.timeout = as_float(op, "timeout", timeout, 0, above=True)
        self._meetings = 0

    def allgather(self, array: Array) -> list[Array]:
        """Return the arrays of all processes, by rank.

        Parameters
        ----------
        array : ndarray
            That of this process.

        Returns
        -------
        list of ndarray
        """
        meeting, end, pause = self._meetings, monotonic() + self.timeout, 1e-4
        self._meetings += 1
        _result(self.exchange.put(self.rank, meeting, array))
        while (found := _result(self.exchange.take(meeting))) is None:
            if monotonic() > end:
                raise TimeoutError(
                    f"ExchangeComm: all {self.size} processes must meet within {self.timeout:g} "
                    "seconds, got fewer"
                )
            sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        arrays: list[Array] = found
        return arrays


def _result(value: Any) -> Any:
    """Return what a call gave: an actor of dask gives a future of it."""
    return value.result() if hasattr(value, "result") else value
