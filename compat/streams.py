"""asyncio's streams, quicker: to read or to drain takes one coroutine here, where asyncio has two or three.

`compat.install` puts these methods into asyncio's own classes. So every stream gets them, whoever made it and whenever,
and `isinstance` and subclasses know the class that they knew before. Classes of our own would not do. A `StreamWriter`
refuses a reader of another class, and a library that imported `StreamReader` before `install` makes such readers.

A method does what asyncio's does, in the same order. asyncio's own does the work for subclasses, which may override what
it calls, for connections that have failed, and for unusual arguments. The rows `echo-streams` and `echo-tls` of the
benchmarks show what is saved: 4% to 10% of the instructions of an echo with one connection, and as much again by the
future that `wait_in` makes. (A `feed_data` and a `data_received` of our own saved one percent, and are not here.)
"""

from __future__ import annotations

from asyncio import streams
from asyncio.exceptions import IncompleteReadError, LimitOverrunError
from collections.abc import Callable
from functools import wraps
from typing import Any, NoReturn

from .arrivals import wait_in

StreamReader: Any = streams.StreamReader  # with what is private to it, and used here
StreamReaderProtocol: Any = streams.StreamReaderProtocol
StreamWriter: Any = streams.StreamWriter

# asyncio's own, also after `install` has put those below in their places.
asyncio_drain: Any = StreamWriter.drain
asyncio_read: Any = StreamReader.read
asyncio_readexactly: Any = StreamReader.readexactly
asyncio_readline: Any = StreamReader.readline
asyncio_readuntil: Any = StreamReader.readuntil

# The wait is written out in each method. A coroutine of its own, as asyncio has, would cost what is saved here.


@wraps(asyncio_read)
async def read(self: Any, n: int = -1) -> bytes:
    if type(self) is not StreamReader or type(n) is not int or n < 1 or self._exception is not None:
        return await asyncio_read(self, n)  # type: ignore[no-any-return]
    if not self._buffer and not self._eof:
        if self._paused or self._waiter is not None:
            await self._wait_for_data("read")
        else:
            self._waiter = wait_in(self._loop)
            try:
                await self._waiter
            finally:
                self._waiter = None
    return take(self, n)


@wraps(asyncio_readexactly)
async def readexactly(self: Any, n: int) -> bytes:
    if type(self) is not StreamReader or type(n) is not int or n < 1 or self._exception is not None:
        return await asyncio_readexactly(self, n)  # type: ignore[no-any-return]
    while len(self._buffer) < n:
        if self._eof:
            raise IncompleteReadError(take_rest(self), n)
        if self._paused or self._waiter is not None:
            await self._wait_for_data("readexactly")
        else:
            self._waiter = wait_in(self._loop)
            try:
                await self._waiter
            finally:
                self._waiter = None
    return take(self, n)


@wraps(asyncio_readline)
async def readline(self: Any) -> bytes:
    if type(self) is not StreamReader or self._exception is not None:
        return await asyncio_readline(self)  # type: ignore[no-any-return]
    searched = 0  # bytes of the buffer in which there is no newline
    while not (end := self._buffer.find(b"\n", searched) + 1):
        searched = max(searched, len(self._buffer))
        if searched > self._limit:
            refuse_line(self, "Separator is not found, and chunk exceed the limit", searched)
        if self._eof:
            return take_rest(self)
        if self._paused or self._waiter is not None:
            await self._wait_for_data("readuntil")
        else:
            self._waiter = wait_in(self._loop)
            try:
                await self._waiter
            finally:
                self._waiter = None
    if end > self._limit + 1:
        refuse_line(self, "Separator is found, but chunk is longer than limit", end - 1)
    return take(self, end)


def refuse_line(reader: Any, reason: str, consumed: int) -> NoReturn:
    """Drop a line that is too long, of which the buffer has `consumed` bytes, and raise asyncio's errors."""
    try:
        raise LimitOverrunError(reason, consumed)
    except LimitOverrunError:
        if reader._buffer.startswith(b"\n", consumed):
            del reader._buffer[:consumed + 1]
        else:
            reader._buffer.clear()
        reader._maybe_resume_transport()
        raise ValueError(reason)


@wraps(asyncio_readuntil)
async def readuntil(self: Any, separator: bytes = b"\n") -> bytes:
    if type(self) is not StreamReader or type(separator) is not bytes or not separator or self._exception is not None:
        return await asyncio_readuntil(self, separator)  # type: ignore[no-any-return]
    searched = 0  # in these bytes of the buffer no separator begins
    while True:
        length = len(self._buffer)
        if length - searched >= len(separator):
            begin = self._buffer.find(separator, searched)
            if begin >= 0:
                break
            searched = length + 1 - len(separator)
            if searched > self._limit:
                raise LimitOverrunError("Separator is not found, and chunk exceed the limit", searched)
        if self._eof:
            raise IncompleteReadError(take_rest(self), None)
        if self._paused or self._waiter is not None:
            await self._wait_for_data("readuntil")
        else:
            self._waiter = wait_in(self._loop)
            try:
                await self._waiter
            finally:
                self._waiter = None
    if begin > self._limit:
        raise LimitOverrunError("Separator is found, but chunk is longer than limit", begin)
    return take(self, begin + len(separator))


def take(reader: Any, size: int) -> bytes:
    """Take `size` bytes from the buffer, or all, and let the transport go on, if it paused."""
    buffer = reader._buffer
    data = bytes(buffer if len(buffer) <= size else memoryview(buffer)[:size])  # a view costs 4% of an echo
    # `clear` would cut the block of memory to a byte, and leave a hole that nothing else fits into: `idle-connection`.
    del buffer[:size]
    if reader._paused:
        reader._maybe_resume_transport()
    return data


def take_rest(reader: Any) -> bytes:
    """What came before the end of the stream."""
    data = bytes(reader._buffer)
    reader._buffer.clear()
    return data


@wraps(asyncio_drain)
async def drain(self: Any) -> None:
    reader, protocol = self._reader, self._protocol
    if (type(self) is not StreamWriter or type(reader) is not StreamReader or type(protocol) is not StreamReaderProtocol
            or reader._exception is not None):
        await asyncio_drain(self)
        return
    if self._transport.is_closing():
        await streams.sleep(0)  # type: ignore[attr-defined]
    if protocol._paused or protocol._connection_lost:
        await protocol._drain_helper()


def quicken(replace: Callable[[Any, str, Any], object]) -> None:
    """Put the methods into asyncio's classes."""
    for owner, methods in ((StreamWriter, (drain,)), (StreamReader, (read, readexactly, readline, readuntil))):
        for method in methods:
            replace(owner, method.__name__, method)


def __getattr__(name: str) -> Any:
    """Take any other name from asyncio's module of the same name."""
    return getattr(streams, name)
