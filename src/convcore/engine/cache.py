"""The cache of plans, bounded in bytes.

``functools.lru_cache`` bounds the number of entries, which suits small ones. Here an entry may hold
a table of connections or the offsets of a large kernel's taps, so bytes are counted.
"""

from collections.abc import Hashable
from threading import Lock
from typing import Any

MAX_BYTES = 32 * 2**20
MAX_ENTRIES = 4096
ENTRY_BYTES = 4096  # added to the bytes that the caller states for an entry


class _Entry:
    __slots__ = ("bytes", "used", "value")

    def __init__(self, value: object, nbytes: int) -> None:
        self.value = value
        self.bytes = nbytes
        self.used = False


class PlanCache:
    """Entries in order of arrival; the oldest unused one is dropped first ("second chance").

    ``get`` takes no lock and moves nothing: it only marks the entry as used. When a used entry is
    the oldest, it loses the mark and moves to the end instead of being dropped.
    """

    def __init__(self, max_bytes: int, max_entries: int) -> None:
        self.max_bytes = max_bytes
        self.max_entries = max_entries
        self.bytes = 0
        self._entries: dict[Hashable, _Entry] = {}
        self._lock = Lock()

    def get(self, key: Hashable) -> Any:
        """Return the value of a key, or None."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        entry.used = True
        return entry.value

    def put(self, key: Hashable, value: object, nbytes: int) -> None:
        """Keep a value and drop old ones; a value above half the bound is not kept."""
        size = nbytes + ENTRY_BYTES
        if size > self.max_bytes // 2:
            return
        with self._lock:
            if key in self._entries:  # another thread was faster
                return
            self._entries[key] = _Entry(value, size)
            self.bytes += size
            while self.bytes > self.max_bytes or len(self._entries) > self.max_entries:
                oldest = next(iter(self._entries))
                entry = self._entries.pop(oldest)
                if entry.used and oldest != key:
                    entry.used = False
                    self._entries[oldest] = entry
                else:
                    self.bytes -= entry.bytes

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self.bytes = 0


plans = PlanCache(MAX_BYTES, MAX_ENTRIES)
