"""However fast the peer is, the other tasks have a turn after a bounded number of system calls."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from kernel import Cancelled, Stream, checkpoint, run, spawn, timeout, wait_readable
from kernel.net.channels import Data
from tests.support.coroutines import until_blocked
from tests.support.tls import client_context, server_context

MOST = 40  # calls of the channel without another task's turn
PLENTY = 20_000_000  # bytes: hundreds of calls


class Endless:
    """A channel whose peer is always faster; counts the calls since `calls` was last set to 0."""

    def __init__(self) -> None:
        self.calls = 0

    def receive(self, limit: int, /) -> bytes:
        self.calls += 1
        return bytes(limit)

    def send(self, data: Data, /) -> int:
        self.calls += 1
        return len(data)

    def flush(self) -> None:
        pass

    def end_writing(self) -> None:
        pass

    def close(self) -> None:
        pass


class EndlessTLS(Endless):
    """As `Endless`, with a TLS server as the peer."""

    def __init__(self) -> None:
        super().__init__()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = server_context().wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._shaken = False

    def receive(self, limit: int, /) -> bytes:
        self.calls += 1
        if not self._shaken:
            try:
                self._tls.do_handshake()
                self._shaken = True
            except ssl.SSLWantReadError:
                if not self._outgoing.pending:
                    raise BlockingIOError from None
        while self._shaken and self._outgoing.pending < limit:
            self._tls.write(bytes(16384))
        return self._outgoing.read(limit)

    def send(self, data: Data, /) -> int:
        self.calls += 1
        if not self._shaken:
            self._incoming.write(data)
        return len(data)


READS: dict[str, Callable[[Stream], Awaitable[Any]]] = {
    "read_exactly": lambda stream: stream.read_exactly(PLENTY),
    "read_until": lambda stream: until_limit(stream.read_until(b"separator", limit=PLENTY)),
    "read_all": lambda stream: until_limit(stream.read_all(limit=PLENTY)),
    "read": lambda stream: again_and_again(stream.read),
    "read_exactly often": lambda stream: again_and_again(lambda: stream.read_exactly(70_000)),
}
WRITES: dict[str, Callable[[Stream], Awaitable[Any]]] = {
    "write_all": lambda stream: stream.write_all(bytes(PLENTY)),
    "write": lambda stream: again_and_again(lambda: stream.write(bytes(PLENTY))),
    "write_all often": lambda stream: again_and_again(lambda: stream.write_all(bytes(1000))),
}


async def until_limit(request: Awaitable[bytes]) -> None:
    with pytest.raises(ValueError):
        await request


async def again_and_again(operation: Callable[[], Awaitable[object]]) -> None:
    for _ in range(100):
        await operation()


async def largest_burst(channel: Endless, operation: Callable[[Stream], Awaitable[Any]], tls: bool) -> int:
    """How many calls in a row `operation` makes on a stream, between two turns of another task."""
    ready, keep = socket.socketpair()
    with ready, keep:
        keep.sendall(b"always readable")
        stream = Stream(channel, ready.fileno(), "the endless stream")
        if tls:
            await stream.start_tls(client_context(), server_hostname="localhost")
        most = 0

        async def watch() -> None:
            nonlocal most
            while True:
                channel.calls = 0
                await checkpoint()
                most = max(most, channel.calls)

        async def operate() -> None:
            await operation(stream)

        watcher = await spawn(watch())
        await checkpoint()
        await (await spawn(operate()))
        watcher.cancel()
        stream.close()
    return most


@pytest.mark.parametrize("kind", [*READS, *WRITES])
def test_a_stream(kind: str) -> None:
    assert 1 <= run(largest_burst(Endless(), {**READS, **WRITES}[kind], False)) <= MOST


@pytest.mark.parametrize("kind", [*READS, *WRITES])
def test_tls(kind: str) -> None:
    assert 1 <= run(largest_burst(EndlessTLS(), {**READS, **WRITES}[kind], True)) <= MOST


class Trickle(EndlessTLS):
    """Comes in single bytes; it takes thousands of them to make a record."""

    def receive(self, limit: int, /) -> bytes:
        return super().receive(1)


def test_a_handshake_in_single_bytes() -> None:
    async def shake(stream: Stream) -> None:
        await stream.start_tls(client_context(), server_hostname="localhost")

    assert 1 <= run(largest_burst(Trickle(), shake, False)) <= MOST


def test_a_record_in_single_bytes() -> None:
    async def read(stream: Stream) -> None:
        assert await stream.read_exactly(20_000) == bytes(20_000)

    assert 1 <= run(largest_burst(Trickle(), read, True)) <= MOST


def test_a_read_that_goes_on_without_its_descriptor_can_be_cancelled() -> None:
    """With TLS what is left may have been received already: the read then goes on by way of the ready queue."""

    async def read(stream: Stream) -> None:
        await stream.read_exactly(1 << 40)

    async def main() -> None:
        channel = EndlessTLS()
        ready, keep = socket.socketpair()
        with ready, keep:
            stream = Stream(channel, ready.fileno(), "the endless stream")
            await stream.start_tls(client_context(), server_hostname="localhost")
            for stop in stop_by_cancel, stop_by_close:
                task = await spawn(read(stream))
                for _ in range(10):
                    await checkpoint()
                stop(stream, task.cancel)
                with pytest.raises((Cancelled, OSError)):
                    await task
                calls = channel.calls
                for _ in range(10):
                    await checkpoint()
                assert channel.calls == calls

    def stop_by_cancel(stream: Stream, cancel: Callable[[], object]) -> None:
        cancel()

    def stop_by_close(stream: Stream, cancel: Callable[[], object]) -> None:
        stream.close()

    run(main())


def test_a_read_whose_descriptor_another_task_has_taken_meanwhile_fails_alone() -> None:
    async def read(stream: Stream) -> None:
        await stream.read_exactly(1 << 40)

    async def listen(ready: socket.socket) -> None:
        await wait_readable(ready)

    def dry(limit: int) -> bytes:
        raise BlockingIOError

    async def main() -> None:
        ready, keep = socket.socketpair()
        with ready, keep:
            stream = Stream(EndlessTLS(), ready.fileno(), "the endless stream")
            await stream.start_tls(client_context(), server_hostname="localhost")
            reader = await spawn(read(stream))
            await checkpoint()
            other = await spawn(listen(ready))
            await until_blocked(other)
            receive, stream.receive = stream.receive, dry
            with pytest.raises(RuntimeError, match="waited for already, by wait_readable"):
                await reader
            other.cancel()
            await checkpoint()
            stream.receive = receive
            assert await stream.read(1) == b"\0"
            stream.close()

    run(main())


def test_an_operation_that_fails_again_and_again_lets_others_run() -> None:
    class Failing(Endless):
        def receive(self, limit: int, /) -> bytes:
            self.calls += 1
            raise OSError(errno.EIO, "on purpose")

    async def stubborn(stream: Stream) -> None:
        stream.plenty = True
        for _ in range(1000):
            with pytest.raises(OSError, match=r"on purpose \(the endless stream\)"):
                await stream.read()

    assert 1 <= run(largest_burst(Failing(), stubborn, False)) <= MOST


def test_a_time_limit_reaches_a_read_from_a_peer_that_is_always_faster() -> None:
    async def main() -> None:
        ready, keep = socket.socketpair()
        with ready, keep:
            keep.sendall(b"always readable")
            stream = Stream(Endless(), ready.fileno(), "the endless stream")
            with pytest.raises(TimeoutError):
                async with timeout(0.01):
                    await stream.read_exactly(1 << 40)
            stream.close()

    run(main())
