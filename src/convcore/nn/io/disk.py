"""Regular files: read in one go, replaced at once."""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from convcore.spec.errors import short_repr

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows, where a file that is open cannot be removed
    fcntl = None

Name = str | os.PathLike[str]

# Name of a file while it is written; short enough for every file system.
PREFIX, SUFFIX = ".convcore-", ".part"
PLAIN = getattr(os, "O_BINARY", 0)
QUICK = PLAIN | getattr(os, "O_NONBLOCK", 0)  # never waits for a FIFO's writer

KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
    (stat.S_ISSOCK, "a socket"),
)


class File(NamedTuple):
    """A caller's path, and the words for errors about it."""

    op: str
    argument: str
    name: str

    @classmethod
    def of(cls, op: str, argument: str, path: object) -> "File":
        """Check a path; the file need not exist."""
        try:
            name = os.fspath(path)  # type: ignore[call-overload]
            if not isinstance(name, str):
                raise TypeError
        except TypeError:
            raise TypeError(
                f"{op}: {argument} must be a str or a path, got {short_repr(path)}"
            ) from None
        try:
            if not name or b"\0" in os.fsencode(name):
                raise ValueError
        except ValueError:  # no name, or a character that no name can have
            raise ValueError(
                f"{op}: {argument} must be a file's name, got {short_repr(path)}"
            ) from None
        return cls(op, argument, name)

    def status(self) -> os.stat_result | None:
        """The status of a regular file, None if there is no file."""
        with self._errors("read"):
            return self._status()

    @contextmanager
    def _errors(self, done: str) -> Iterator[None]:
        """Name the operation, the argument and the caller's file in every OSError.

        The error keeps its class and number, and what the system said.
        """
        try:
            yield
        except OSError as error:
            words = f"{self.op}: {self.argument} must be a file that can be {done}, got"
            reason = error.strerror or str(error)
            raise OSError(error.errno or errno.EIO, f"{words} {reason}", self.name) from None

    def _status(self) -> os.stat_result | None:
        try:
            found = Path(self.name).stat()
        except FileNotFoundError:
            return None
        self._check(found.st_mode)
        return found

    def _check(self, mode: int) -> None:
        if stat.S_ISREG(mode):
            return
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), self.name)
        kind = next((words for is_kind, words in KINDS if is_kind(mode)), "a special file")
        raise ValueError(
            f"{self.op}: {self.argument} must be a regular file, got {kind}, {self.name}"
        )

    def read(self) -> bytes:
        """Return all bytes of a regular file; never waits for a writer."""
        with self._errors("read"):
            return self._read()

    def _read(self) -> bytes:
        self._status()  # before a device is opened
        with open(os.open(self.name, os.O_RDONLY | QUICK), "rb") as file:  # noqa: PTH123
            found = os.fstat(file.fileno())
            self._check(found.st_mode)
            try:
                return file.read()
            except MemoryError:
                raise MemoryError(
                    f"{self.op}: no memory for the {found.st_size} bytes of {self.name}"
                ) from None

    def replace(self, data: bytes) -> None:
        """Write a file under another name, then rename it: the old one stays until the end."""
        with self._errors("written"):
            before = self._status()
            target = Path(os.path.realpath(self.name))  # a link stays one
            # the kernel applies the umask to a new file's mode
            handle, part = begin(target.parent, 0o666 if before is None else 0o600)
            try:
                with open(handle, "wb") as file:  # noqa: PTH123
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                    if before is not None:
                        part.chmod(stat.S_IMODE(before.st_mode))
                    if fcntl:  # still locked
                        part.replace(target)
                if not fcntl:
                    part.replace(target)
            except BaseException:
                with suppress(OSError):
                    part.unlink()
                raise

    def try_folder(self) -> None:
        """Raise the error that writing into the folder would raise."""
        with self._errors("written"):
            self._status()
            handle, part = begin(Path(os.path.realpath(self.name)).parent, 0o600)
            os.close(handle)
            part.unlink(missing_ok=True)  # another process may have swept it: it is not locked


def begin(folder: Path, mode: int) -> tuple[int, Path]:
    """Open and lock a new file in a folder, after removing parts that are left there."""
    with suppress(OSError):  # a folder may be writeable but not readable
        sweep(folder)
    while True:
        part = folder / f"{PREFIX}{os.urandom(8).hex()}{SUFFIX}"
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | PLAIN, mode)
        if _lock(handle) is not False:
            with suppress(OSError):
                if os.path.samestat(os.fstat(handle), part.stat()):
                    return handle, part
        os.close(handle)  # another process took it for a part that is left, and removed it


def sweep(folder: Path) -> None:
    """Remove the parts of writers that ended: their locks ended with them."""
    with os.scandir(folder) as entries:
        left = [entry.path for entry in entries
                if entry.name.startswith(PREFIX) and entry.name.endswith(SUFFIX)]  # fmt: skip
    for path in left:
        with suppress(OSError):  # another user's file, or already removed
            if not fcntl:
                Path(path).unlink()
                continue
            handle = os.open(path, os.O_WRONLY | QUICK)
            try:
                if _lock(handle):
                    Path(path).unlink()
            finally:
                os.close(handle)


def _lock(handle: int) -> bool | None:
    """Lock a file: True; False if another process has the lock, None without locks."""
    if not fcntl:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks, where sweep removes nothing
        return None
    return True
