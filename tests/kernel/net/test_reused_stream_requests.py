"""A request of a stream or a datagram socket is made once: made again it is refused, and does nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from kernel import Datagrams, Stream, checkpoint, open_connection, open_datagram, run, serve, spawn
from tests.support.streams import LOCALHOST, stream_and_peer

READS: dict[str, Callable[[Stream], Awaitable[Any]]] = {
    "read": lambda stream: stream.read(2),
    "read_exactly": lambda stream: stream.read_exactly(2),
    "read_exactly nothing": lambda stream: stream.read_exactly(0),
    "read_until": lambda stream: stream.read_until(b"\n"),
    "read_line": lambda stream: stream.read_line(),
    "more": lambda stream: stream.more(),
    "read_all": lambda stream: stream.read_all(limit=1),
}
WRITES: dict[str, Callable[[Stream], Awaitable[Any]]] = {
    "write": lambda stream: stream.write(b"x\n"),
    "write_all": lambda stream: stream.write_all(b"x\n"),
    "write_all waiting": lambda stream: stream.write_all(bytearray(b"x\n")),
    "end_writing": lambda stream: stream.end_writing(),
}


async def wait(request: Awaitable[bytes]) -> bytes:
    return await request


@pytest.mark.parametrize("buffered", [False, True], ids=["received", "buffered"])
@pytest.mark.parametrize("kind", READS)
def test_a_read_made_twice_takes_nothing_more(kind: str, buffered: bool) -> None:
    async def main() -> None:
        stream, peer = stream_and_peer()
        with peer:
            async with stream:
                peer.sendall(b"0\n1\n2\n3\n")
                if buffered:
                    assert await stream.read_line() == b"0\n"
                request = READS[kind](stream)
                try:
                    first = await request
                except ValueError:
                    first = b""  # over the limit, which read_all was given to have an end
                left = stream.read_exactly(8 - 2 * buffered - (len(first) if isinstance(first, bytes) else 0))
                with pytest.raises(RuntimeError, match="made before|already awaited"):
                    await request
                await left

    run(main())


@pytest.mark.parametrize("kind", WRITES)
def test_a_write_made_twice_sends_nothing_more(kind: str) -> None:
    async def main() -> None:
        stream, peer = stream_and_peer()
        with peer:
            async with stream:
                request = WRITES[kind](stream)
                await request
                with pytest.raises(RuntimeError, match="made before|already awaited"):
                    await request
            received = b"".join(iter(lambda: peer.recv(100), b""))
            assert received == (b"" if kind == "end_writing" else b"x\n")

    run(main())


def test_a_request_that_another_task_waits_in_is_left_alone() -> None:
    async def main() -> None:
        stream, peer = stream_and_peer()
        with peer:
            async with stream:
                request = stream.read_line()
                first = await spawn(wait(request), name="first")
                await checkpoint()
                second = await spawn(wait(request), name="second")
                refusal = r"task \d+ 'second' made the request <.*>.read_line.*made before"
                with pytest.raises(RuntimeError, match=refusal):
                    await second
                peer.sendall(b"line\n")
                assert await first == b"line\n"

    run(main())


def test_a_request_that_was_cancelled_or_failed_is_not_made_again() -> None:
    async def main() -> None:
        stream, peer = stream_and_peer()
        with peer:
            async with stream:
                request = stream.read_line()
                task = await spawn(wait(request))
                await checkpoint()
                task.cancel()
                await checkpoint()
                assert task.cancelled()
                peer.sendall(b"line\n")
                with pytest.raises(RuntimeError, match="made before"):
                    await request
                failing = stream.read_line(limit=2)
                with pytest.raises(ValueError):
                    await failing
                with pytest.raises(RuntimeError, match="made before"):
                    await failing
                assert await stream.read_line() == b"line\n"

    run(main())


def test_a_request_refused_because_of_another_task_can_be_made_later() -> None:
    async def main() -> None:
        stream, peer = stream_and_peer()
        with peer:
            async with stream:
                first = await spawn(wait(stream.read_line()))
                await checkpoint()
                request = stream.read(1)
                with pytest.raises(RuntimeError, match="is used already"):
                    await request
                peer.sendall(b"line\nx")
                assert await first == b"line\n"
                assert await request == b"x"

    run(main())


def test_datagrams() -> None:
    async def main() -> None:
        async with await open_datagram(local_address=(LOCALHOST, 0)) as receiver:
            async with await open_datagram(*receiver.address) as sender:
                await twice(sender.send(b"0"))
                await sender.send(b"1")
                await twice(receiver.receive())
                assert (await receiver.receive())[0] == b"1"
                await twice(Datagrams.send(receiver, b"2", sender.address))

    async def twice(request: Awaitable[Any]) -> None:
        await request
        with pytest.raises(RuntimeError, match="made before"):
            await request

    run(main())


def test_connecting_and_serving_twice() -> None:
    async def ignore(stream: Stream) -> None:
        pass

    async def main() -> None:
        serving = serve(ignore, LOCALHOST, 0)
        async with await serving as server:
            with pytest.raises(RuntimeError):
                await serving
            connecting = open_connection(LOCALHOST, server.port)
            async with await connecting:
                with pytest.raises(RuntimeError):
                    await connecting

    run(main())
