"""Reads of megabytes, and of all there is: complete, ended early, over the limit, cancelled, failed."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from kernel import (Cancelled, IncompleteRead, LimitOverrun, Stream, checkpoint, open_connection, run, serve, sleep,
                    spawn, timeout, wait_readable)
from tests.support.streams import LOCALHOST, stream_and_peer
from tests.support.tls import client_context, server_context

DATA = bytes(range(256)) * 20_000  # five megabytes, any cut of which shows

READS: dict[str, Callable[[Stream], Awaitable[bytes]]] = {
    "read_exactly": lambda stream: stream.read_exactly(len(DATA) - 10),
    "read_all": lambda stream: stream.read_all(),
    "read_all within": lambda stream: stream.read_all(limit=len(DATA) - 10),
}


@contextmanager
def fed(data: bytes, end: bool = True) -> Iterator[tuple[Stream, socket.socket]]:
    """A stream, and the socket from which a thread sends `data`."""
    stream, theirs = stream_and_peer()

    def feed() -> None:
        theirs.sendall(data)
        if end:
            theirs.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=feed)
    thread.start()
    with theirs:
        yield stream, theirs
        thread.join()


async def everything(stream: Stream) -> bytes:
    pieces = []
    while piece := await stream.read():
        pieces.append(piece)
    stream.close()
    return b"".join(pieces)


@pytest.mark.parametrize("before", [0, 3])
@pytest.mark.parametrize("kind", READS)
def test_complete(kind: str, before: int) -> None:
    async def main() -> None:
        with fed(DATA[:before + len(DATA) - 10]) as (stream, _):
            if before:
                assert await stream.read_exactly(1) == DATA[:1]
                assert await stream.read_until(DATA[1:3]) == DATA[1:3]
            expected = DATA[before:][:len(DATA) - 10]
            assert await READS[kind](stream) == expected[:len(DATA) - 10]
            assert await everything(stream) == b""

    run(main())


def test_what_comes_after_is_left() -> None:
    async def main() -> None:
        with fed(DATA) as (stream, _):
            assert await stream.read_exactly(2_000_000) == DATA[:2_000_000]
            assert await stream.read_line() == DATA[2_000_000:].partition(b"\n")[0] + b"\n"
            await stream.read_exactly(2_000_000)
            stream.buffer += await stream.read_all()  # all that is left in the buffer
            size = len(stream.buffer)
            assert size > 1_000_000
            assert await stream.read_all(limit=size) == DATA[-size:]
            stream.close()

    run(main())


def test_ended_early() -> None:
    async def main() -> None:
        with fed(DATA) as (stream, _):
            with pytest.raises(IncompleteRead, match=f"after {len(DATA)} of {1 << 40} bytes") as caught:
                await stream.read_exactly(1 << 40)
            assert caught.value.partial == DATA
            assert await everything(stream) == b""

    run(main())


def test_over_the_limit() -> None:
    async def main() -> None:
        with fed(DATA) as (stream, _):
            with pytest.raises(LimitOverrun) as caught:
                await stream.read_all(limit=3_000_000)
            assert (caught.value.arrived, caught.value.limit) == (3_000_001, 3_000_000)
            with pytest.raises(LimitOverrun):
                await stream.read_all(limit=1_000_000)
            assert await everything(stream) == DATA

    run(main())


@pytest.mark.parametrize("kind", READS)
def test_cancelled_it_has_taken_nothing(kind: str) -> None:
    async def read(stream: Stream) -> Any:
        return await READS[kind](stream)

    async def main() -> None:
        with fed(DATA[:-20], end=False) as (stream, theirs):
            for pause in 0, 0.01, 0.1:
                task = await spawn(read(stream))
                await checkpoint()
                await sleep(pause)
                task.cancel()
                with pytest.raises(Cancelled):
                    await task
            while len(stream.buffer) < len(DATA) - 20:
                with pytest.raises(Cancelled):
                    task = await spawn(read(stream))
                    await sleep(0.01)
                    task.cancel()
                    await task
            theirs.sendall(DATA[-20:])
            theirs.shutdown(socket.SHUT_WR)
            assert await everything(stream) == DATA

    run(main())


def test_refused_since_another_task_listens_it_has_taken_nothing() -> None:
    async def listen(stream: Stream) -> None:
        await wait_readable(stream)

    async def main() -> None:
        stream, theirs = stream_and_peer()
        with theirs:
            theirs.sendall(b"one two three")
            assert await stream.read(4) == b"one "
            assert await stream.read_until(b" ") == b"two "
            stream.plenty = True
            other = await spawn(listen(stream))
            await checkpoint()
            with pytest.raises(RuntimeError, match="waited for already"):
                await stream.read_exactly(len(DATA))
            other.cancel()
            await checkpoint()
            assert stream.buffer == b"three"
            stream.close()

    run(main())


def test_failed_it_has_taken_nothing() -> None:
    class Failing:
        """A channel that fails after five chunks."""

        def __init__(self) -> None:
            self.left = 5

        def receive(self, limit: int, /) -> bytes:
            self.left -= 1
            if self.left < 0:
                raise OSError(errno.EIO, "on purpose")
            return b"x" * limit

        def send(self, data: object, /) -> int:
            raise NotImplementedError

        flush = end_writing = close = lambda self: None

    async def main() -> None:
        ready, keep = socket.socketpair()
        with ready, keep:
            keep.sendall(b"always readable")
            for kind in READS:
                stream = Stream(Failing(), ready.fileno(), "the failing stream")
                with pytest.raises(OSError, match=r"on purpose \(the failing stream\)"):
                    await READS[kind](stream)
                assert stream.buffer == b"x" * (5 * 65536)
                stream.close()

    run(main())


@pytest.mark.parametrize("kind", READS)
def test_tls(kind: str) -> None:
    async def send(stream: Stream) -> None:
        await stream.write_all(DATA[:-10])

    async def main() -> None:
        async with await serve(send, LOCALHOST, 0, ssl=server_context()) as server:
            async with await open_connection("localhost", server.port, ssl=client_context()) as stream:
                assert await READS[kind](stream) == DATA[:-10]
                assert await stream.read() == b""

    run(main())


def test_what_the_system_has_no_room_for_is_encrypted_and_sent_once() -> None:
    async def send(stream: Stream) -> None:
        await stream.start_tls(server_context(), server_side=True)
        await stream.write_all(DATA)
        await stream.end_writing()

    async def main() -> None:
        here, there = map(Stream.of_socket, socket.socketpair())
        sender = await spawn(send(there))
        await here.start_tls(client_context(), server_hostname="localhost")
        while there.writing is None:  # until its buffers are full
            await sleep(0.001)
        async with timeout(30):
            assert await here.read_all(len(DATA)) == DATA
            await sender
        here.close()
        there.close()

    run(main())
