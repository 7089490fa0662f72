"""Protocol Buffers' wire format, as far as ONNX files need it: messages to fields, and back.

Source: the encoding that protobuf's documentation describes. A field is a key (number and kind) and
a varint, 4 or 8 bytes, or bytes with their length before them. Nothing is allocated by a length
that a file only claims: every length is checked against the bytes that there are.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import NamedTuple

VARINT, EIGHT, BYTES, FOUR = 0, 1, 2, 5
WORD = 1 << 64
MOST_NUMBER = (1 << 29) - 1


class WireError(ValueError):
    """The bytes are no message."""


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise WireError("a number is cut off")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value % WORD, at
        shift += 7


def _signed(value: int) -> int:
    return value - WORD if value >= WORD >> 1 else value


class Message:
    """The fields of a message by their numbers; a number may come several times."""

    def __init__(self, data: memoryview) -> None:
        self._fields: dict[int, list[int | memoryview]] = {}
        at = 0
        while at < len(data):
            key, at = _varint(data, at)
            number, kind = key >> 3, key & 7
            if not 0 < number <= MOST_NUMBER:
                raise WireError(f"a field has the number {number}")
            value: int | memoryview
            if kind == VARINT:
                value, at = _varint(data, at)
            else:
                if kind == BYTES:
                    size, at = _varint(data, at)
                elif kind in (EIGHT, FOUR):
                    size = 8 if kind == EIGHT else 4
                else:
                    raise WireError(f"a field is of the kind {kind}")
                if size > len(data) - at:
                    raise WireError(f"a field of {size} bytes is cut off")
                value, at = data[at : at + size], at + size
            self._fields.setdefault(number, []).append(value)

    def __contains__(self, number: int) -> bool:
        """Whether a field is there."""
        return number in self._fields

    def all_bytes(self, number: int) -> list[memoryview]:
        """Fields of bytes."""
        values = self._fields.get(number, [])
        found = [value for value in values if isinstance(value, memoryview)]
        if len(found) < len(values):
            raise WireError(f"field {number} must be bytes")
        return found

    def last_bytes(self, number: int) -> memoryview:
        """The last field of bytes, which counts; empty if there is none."""
        found = self.all_bytes(number)
        return found[-1] if found else memoryview(b"")

    def messages(self, number: int) -> list[Message]:
        """Fields that are messages."""
        return [Message(data) for data in self.all_bytes(number)]

    def message(self, number: int) -> Message | None:
        """The one field that is a message, None if it is not there."""
        return Message(self.last_bytes(number)) if number in self else None

    def texts(self, number: int) -> list[str]:
        """Fields of text."""
        try:
            return [str(data, "utf-8") for data in self.all_bytes(number)]
        except UnicodeDecodeError:
            raise WireError(f"field {number} is no text") from None

    def text(self, number: int) -> str:
        """The last field of text; "" if there is none."""
        return self.texts(number)[-1] if number in self else ""

    def integers(self, number: int) -> list[int]:
        """Fields of integers, packed or not."""
        found = []
        for value in self._fields.get(number, []):
            if isinstance(value, int):
                found.append(_signed(value))
                continue
            at = 0
            while at < len(value):
                one, at = _varint(value, at)
                found.append(_signed(one))
        return found

    def integer(self, number: int, default: int = 0) -> int:
        """The last integer."""
        found = self.integers(number)
        return found[-1] if found else default

    def packed(self, number: int) -> bytes:
        """The bytes of numbers of a fixed size, packed or not."""
        return b"".join(self.all_bytes(number))

    def floats(self, number: int) -> list[float]:
        """Fields of float32, packed or not."""
        data = self.packed(number)
        if len(data) % 4:
            raise WireError(f"field {number} must be numbers of 4 bytes")
        return list(struct.unpack(f"<{len(data) // 4}f", data))


def varint(value: int) -> bytes:
    """An integer as a varint; a negative one as its 64-bit complement."""
    value %= WORD
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


class Field(NamedTuple):
    """A field to write: its number, and an int, a float, text or bytes."""

    number: int
    value: int | float | str | bytes


def write(fields: Iterable[Field]) -> bytes:
    """The bytes of a message."""
    out = bytearray()
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3 | VARINT) + varint(value)
        elif isinstance(value, float):
            out += varint(number << 3 | FOUR) + struct.pack("<f", value)
        else:
            data = value.encode() if isinstance(value, str) else value
            out += varint(number << 3 | BYTES) + varint(len(data)) + data
    return bytes(out)
