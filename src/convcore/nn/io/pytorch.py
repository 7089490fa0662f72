"""Files of PyTorch's ``torch.save``, read without PyTorch. Nothing in a file is run.

Such a file is a ZIP archive: a pickle, and the bytes of each storage of tensors. The pickle is
walked step by step: it makes numbers, words, lists, mappings and tensors, and names nothing else.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from math import prod
from typing import Any, Literal, NamedTuple

import numpy as np

from convcore.nn.io.disk import File, Name
from convcore.spec.errors import short_repr
from convcore.spec.operands import Array
from convcore.spec.options import MAX_SIZE

ZIP = b"PK\x03\x04"  # how such a file begins
LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # before PyTorch 1.6

BFLOAT16 = "bfloat16"  # NumPy has it not: such tensors become float32
STORAGES = {
    "FloatStorage": "f4", "DoubleStorage": "f8", "HalfStorage": "f2", "BFloat16Storage": BFLOAT16,
    "LongStorage": "i8", "IntStorage": "i4", "ShortStorage": "i2", "CharStorage": "i1",
    "ByteStorage": "u1", "BoolStorage": "?",
}  # fmt: skip

MAPPING = "collections OrderedDict"
TENSOR, PARAMETER = "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_parameter"
SIZE = "torch Size"
DEEPEST = 64  # lists and mappings inside one another
MOST_AXES = 32
MOST_COPIES = 16  # of the file's bytes, in tensors that share a storage or are expanded


class FormatError(Exception):
    """What is wrong with a file."""


class Global(NamedTuple):
    """A name in a pickle; nothing is imported."""

    name: str


class Storage(NamedTuple):
    """The numbers of one or more tensors."""

    array: Array  # bfloat16 as 16-bit words
    dtype: str


def load_torch(path: Name) -> dict[str, Any]:
    """Read a file that PyTorch's ``torch.save`` wrote, without PyTorch.

    Parameters
    ----------
    path : str or path
        A ``.pth`` or ``.pt`` file with a ``state_dict``, or a mapping that holds some.

    Returns
    -------
    dict
        The mapping in the file. Tensors are arrays of their own; bfloat16 becomes float32.

    Raises
    ------
    ValueError, TypeError
        For a truncated file, one of another format or of PyTorch before 1.6, and one that holds
        anything but tensors, numbers, words, lists and mappings: a module, for example.
    OSError
        If there is no such file.

    See Also
    --------
    load

    Notes
    -----
    Nothing in a file is trusted and no code of it is run. Sizes are compared with the bytes that
    are there before anything is allocated. All arrays together have at most 16 times the bytes of
    the file, however far its tensors are expanded.

    Examples
    --------
    A file of ``torch.save(model.state_dict(), "model.pth")``:

    >>> from convcore import nn
    >>> nn.load_torch("model.pth")
    Traceback (most recent call last):
        ...
    FileNotFoundError: [Errno 2] load_torch: path must be a file that can be read, got No such file
    or directory: 'model.pth'
    """
    return read_torch(File.of("load_torch", "path", path))


def read_torch(file: File, data: bytes | None = None) -> dict[str, Any]:
    """Return the mapping of a file, whose bytes may have been read already."""
    data = file.read() if data is None else data
    try:
        if data.startswith(LEGACY):
            raise FormatError("the format of PyTorch before 1.6; torch.save writes it anew")
        if not data.startswith(ZIP):
            raise FormatError("another format, or a truncated file")
        found = _Archive(data).load()
        if not isinstance(found, dict):
            raise FormatError(f"{_kind(found)} instead of a mapping")
        return found
    except FormatError as error:
        raise ValueError(
            f"{file.op}: {file.argument} must be a file of torch.save with tensors alone, got "
            f"{error} in {file.name}"
        ) from None


class _Archive:
    """The ZIP archive: its pickle, and storages that are read when a tensor needs them."""

    def __init__(self, data: bytes) -> None:
        import zipfile  # here, and not with every import of convcore.nn

        self.stored = zipfile.ZIP_STORED
        try:
            self.zip = zipfile.ZipFile(io.BytesIO(data))
            names = [member.filename for member in self.zip.infolist()]
        except Exception as error:  # of any class: the module checks little
            raise FormatError(f"a damaged archive ({error})") from None
        pickles = [name for name in names if name.endswith("/data.pkl") and name.count("/") == 1]
        if len(pickles) != 1 or len(set(names)) != len(names):
            raise FormatError("an archive of another kind")
        self.folder = pickles[0].removesuffix("data.pkl")
        self.left = len(data)  # bytes that members may have together
        self.room = MOST_COPIES * len(data)  # bytes that tensors may have together
        self.order: Literal["<", ">"] = "<"
        if f"{self.folder}byteorder" in names and self.member("byteorder") == b"big":
            self.order = ">"
        self.storages: dict[str, Storage] = {}

    def member(self, name: str) -> bytes:
        """Return the bytes of a member; all together are no more than the file has."""
        try:
            found = self.zip.getinfo(f"{self.folder}{name}")
            self.left -= found.file_size
            if found.compress_type != self.stored or self.left < 0:
                raise FormatError("compressed or overlapping members")
            return self.zip.read(found)
        except FormatError:
            raise
        except Exception as error:
            raise FormatError(f"a damaged member {short_repr(name)} ({error})") from None

    def load(self) -> Any:
        """Return what the pickle says."""
        return _Machine(self).run(self.member("data.pkl"))

    def storage(self, words: Any) -> Storage:
        """Return the storage that a pickle names."""
        try:
            tag, kind, key, _, cells = words
            name = kind.name.removeprefix("torch ")
        except (TypeError, ValueError, AttributeError):
            raise FormatError(f"the name {short_repr(words)} of a storage") from None
        if (
            tag != "storage"
            or name not in STORAGES
            or type(key) is not str
            or type(cells) is not int
        ):
            raise FormatError(f"a storage of type {short_repr(name)}")
        found = self.storages.get(key)
        if found is None:
            dtype = STORAGES[name]
            data = self.member(f"data/{key}")
            real = np.dtype("u2" if dtype == BFLOAT16 else dtype).newbyteorder(self.order)
            if len(data) != cells * real.itemsize:
                raise FormatError(f"{len(data)} bytes for a storage of {cells} cells")
            found = self.storages[key] = Storage(np.frombuffer(data, real), dtype)
        if found.dtype != STORAGES[name]:
            raise FormatError("a storage of two types")
        return found

    def tensor(self, storage: Any, offset: Any, size: Any, stride: Any) -> Array:
        """Return a tensor's cells as an array of its own."""
        counts = (*size, *stride, offset) if _are_tuples(size, stride) else (None,)
        if not isinstance(storage, Storage) or any(type(n) is not int or n < 0 for n in counts):
            raise FormatError("a tensor of no sizes")
        array, wide = storage.array, 2 if storage.dtype == BFLOAT16 else 1
        last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
        none = 0 in size
        self.room -= 0 if none else prod(size) * array.itemsize * wide
        if (
            len(size) > MOST_AXES
            or 8 * prod(n or 1 for n in size) > MAX_SIZE
            or (not none and last >= array.size)
            or self.room < 0
        ):
            raise FormatError(f"a tensor of shape {short_repr(size)} in {array.size} cells")
        if none:
            return np.empty(size, np.float32 if wide == 2 else array.dtype.newbyteorder("="))
        steps = tuple(step * array.itemsize for step in stride)
        view: Array = np.ndarray(size, array.dtype, array.data, offset * array.itemsize, steps)
        found = view.astype(array.dtype.newbyteorder("="), order="C")
        if wide == 2:  # a bfloat16 is the first half of a float32
            return (found.astype(np.uint32) << 16).view(np.float32)
        return found


def _as_marked(array: Array, marks: Any = None) -> Array:
    """Return what a view of PyTorch stands for: its negative bit says to change all signs."""
    marks = _of(marks, dict) if marks else {}
    if not set(marks) <= {"neg", "conj"} or marks.get("conj"):  # complex cells are refused as well
        raise FormatError(f"a tensor with the marks {short_repr(marks)}")
    if not marks.get("neg"):
        return array
    negative: Array = np.negative(array)
    return negative


def _are_tuples(size: Any, stride: Any) -> bool:
    return isinstance(size, tuple) and isinstance(stride, tuple) and len(size) == len(stride)


class _Machine:
    """Walks a pickle: a stack of values, with marks; no value is called but by its known name."""

    def __init__(self, archive: _Archive) -> None:
        self.archive = archive
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def run(self, data: bytes) -> Any:
        """Return the value that a pickle leaves."""
        try:
            for name, argument in _steps(data):
                if name == "STOP":
                    (value,) = self.stack
                    _check(value, DEEPEST, set())
                    return value
                self.step(name, argument)
        except (IndexError, KeyError, ValueError, TypeError) as error:
            # what a stack, memo or mapping that the pickle misuses raises
            raise FormatError(f"a damaged pickle ({short_repr(error)})") from None
        raise FormatError("a pickle without an end")

    def step(self, name: str, argument: Any) -> None:
        """Do one step."""
        stack = self.stack
        if name in VALUES:
            stack.append(argument)
        elif name in MADE:
            stack.append(MADE[name]())
        elif name in CONSTANTS:
            stack.append(CONSTANTS[name])
        elif name in ("BINPUT", "LONG_BINPUT", "MEMOIZE"):
            self.memo[len(self.memo) if name == "MEMOIZE" else argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(self.memo[argument])
        elif name == "MARK":
            self.marks.append(len(stack))
        elif name == "TUPLE":
            stack.append(tuple(self.above_mark()))
        elif name in TUPLES:
            values = [stack.pop() for _ in range(TUPLES[name])]
            stack.append(tuple(reversed(values)))
        elif name in ("APPEND", "APPENDS"):
            values = [stack.pop()] if name == "APPEND" else self.above_mark()
            _of(stack[-1], list).extend(values)
        elif name in ("SETITEM", "SETITEMS"):
            values = [stack.pop(-2), stack.pop()] if name == "SETITEM" else self.above_mark()
            _of(stack[-1], dict).update(zip(values[::2], values[1::2], strict=True))
        elif name == "GLOBAL":
            stack.append(Global(argument))
        elif name == "STACK_GLOBAL":
            word = _of(stack.pop(), str)
            stack.append(Global(f"{_of(stack.pop(), str)} {word}"))
        elif name == "BINPERSID":
            stack.append(self.archive.storage(stack.pop()))
        elif name == "REDUCE":
            arguments = _of(stack.pop(), tuple)
            stack.append(self.made(_of(stack.pop(), Global).name, arguments))
        elif name == "BUILD":  # attributes of a state_dict: versions of its modules
            stack.pop()
            _of(stack[-1], dict)
        elif name not in ("PROTO", "FRAME"):
            raise FormatError(f"the pickle's step {name}")

    def above_mark(self) -> list[Any]:
        """Take the values above the last mark."""
        mark = self.marks.pop()
        values = self.stack[mark:]
        del self.stack[mark:]
        return values

    def made(self, name: str, arguments: tuple[Any, ...]) -> Any:
        """Return what a known name makes of its arguments."""
        if name == MAPPING and not arguments:
            return {}
        if name == TENSOR and len(arguments) >= 4:
            return _as_marked(self.archive.tensor(*arguments[:4]), *arguments[6:7])
        if name == PARAMETER and isinstance(arguments[0], np.ndarray):
            return arguments[0]
        if name == SIZE:
            return _of(arguments[0], tuple)
        raise FormatError(f"an object of {short_repr(name)}")


VALUES = ("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE",
          "SHORT_BINUNICODE", "BINUNICODE8")  # fmt: skip
MADE = {"EMPTY_DICT": dict, "EMPTY_LIST": list}
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def _steps(data: bytes) -> Iterator[tuple[str, Any]]:
    """The steps of a pickle with their arguments; nothing is done."""
    import pickletools

    for step, argument, _ in pickletools.genops(data):
        yield step.name, argument


def _of(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise FormatError(f"{_kind(value)} where a pickle needs {kind.__name__}")
    return value


def _kind(value: object) -> str:
    return (
        f"the name {short_repr(value.name)}" if isinstance(value, Global) else type(value).__name__
    )


def _check(value: Any, depth: int, seen: set[int]) -> None:
    """Refuse names and storages among the values, and values that lie too deep."""
    if isinstance(value, (Global, Storage)):
        raise FormatError(_kind(value))
    if isinstance(value, (dict, list, tuple)) and id(value) not in seen:
        if not depth:
            raise FormatError("values that lie too deep in one another")
        for part in value.values() if isinstance(value, dict) else value:
            _check(part, depth - 1, seen)
        seen.add(id(value))
