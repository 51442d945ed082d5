"""Redis's protocol: commands are read, and answers written, in its second version or its third."""

from __future__ import annotations

import asyncio
from typing import Any


class Error(Exception):
    """An answer that is an error; its text begins with a code."""


class Simple(str):
    """An answer of one word."""


class Push(list[Any]):
    """What is sent without having been asked for. An empty one is sent as nothing at all."""


async def read_command(reader: asyncio.StreamReader) -> list[bytes]:
    """The next command and its arguments; an empty list at the end, also if that comes in the middle of a command."""
    try:
        words = []
        for _ in range(await _read_number(reader, b"*")):
            length = await _read_number(reader, b"$")
            words.append((await reader.readexactly(length + 2))[:-2])
        return words
    except (ConnectionError, asyncio.IncompleteReadError):
        return []


async def _read_number(reader: asyncio.StreamReader, mark: bytes) -> int:
    line = await reader.readuntil(b"\r\n")
    if not line.startswith(mark):
        raise ConnectionError(f"a line that begins with {mark!r} was expected, and {line!r} has come")
    return int(line[1:])


def encode(value: Any, protocol: int) -> bytes:
    """An answer as it is sent."""
    match value:
        case None:
            return b"_\r\n" if protocol == 3 else b"$-1\r\n"
        case Error():
            return b"-%s\r\n" % str(value).encode()
        case Simple():
            return b"+%s\r\n" % value.encode()
        case int():
            return b":%d\r\n" % value
        case bytes():
            return b"$%d\r\n%s\r\n" % (len(value), value)
        case dict() if protocol == 3:
            return b"%%%d\r\n" % len(value) + _encode_all([part for pair in value.items() for part in pair], protocol)
        case dict():
            return encode([part for pair in value.items() for part in pair], protocol)
        case Push():
            mark = b">" if protocol == 3 else b"*"
            return mark + b"%d\r\n" % len(value) + _encode_all(value, protocol) if value else b""
        case list():
            return b"*%d\r\n" % len(value) + _encode_all(value, protocol)
    raise TypeError(f"{value!r} has no form in this protocol")


def _encode_all(values: list[Any], protocol: int) -> bytes:
    return b"".join(encode(value, protocol) for value in values)
