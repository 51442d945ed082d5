"""Datagrams through Unix sockets: longer than those of UDP, and between sockets that have no name."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import compat

LONG = 180_000  # bytes; Linux takes about 200 KiB at a time


class Inbox(asyncio.DatagramProtocol):
    """Keeps what arrives, and every error."""

    def __init__(self) -> None:
        self.received: asyncio.Queue[Any] = asyncio.Queue()
        self.writable = asyncio.Event()

    def datagram_received(self, data: bytes, address: Any) -> None:
        self.received.put_nowait((data, address))

    def error_received(self, error: Exception) -> None:
        self.received.put_nowait(error)

    def connection_lost(self, error: Exception | None) -> None:
        self.received.put_nowait(error)

    def resume_writing(self) -> None:
        self.writable.set()


Endpoint = tuple[Any, Inbox]  # the type of a transport of datagrams lacks the methods for its buffer


@asynccontextmanager
async def endpoints(*socks: socket.socket) -> AsyncIterator[list[Endpoint]]:
    loop = asyncio.get_running_loop()
    opened: list[Endpoint] = []
    for sock in socks:
        sock.setblocking(False)
        opened.append(await loop.create_datagram_endpoint(Inbox, sock=sock))
    try:
        yield opened
    finally:
        for transport, _ in opened:
            transport.abort()


def on_a_pair(test: Callable[[Endpoint, Endpoint], Awaitable[None]]) -> None:
    """Run `test` with the two ends of a socket pair."""

    async def main() -> None:
        async with endpoints(*socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)) as (one, other):
            await asyncio.wait_for(test(one, other), 20)

    compat.run(main())


@pytest.mark.parametrize("address", [(), (None,), ("",)], ids=["no address", "None", "empty"])
def test_a_pair_delivers_long_and_short_ones_both_ways(address: tuple[Any, ...]) -> None:
    async def exchange(one: Endpoint, other: Endpoint) -> None:
        for size in 1, 65_536, 65_537, 100_000, LONG:
            for (sender, _), (_, inbox) in (one, other), (other, one):
                sender.sendto(bytes(size), *address)
                data, _ = await inbox.received.get()
                assert len(data) == size

    on_a_pair(exchange)


def test_an_answer_goes_to_the_address_that_it_came_from() -> None:
    """Which is none."""

    async def exchange(one: Endpoint, other: Endpoint) -> None:
        one[0].sendto(b"question")
        data, address = await other[1].received.get()
        other[0].sendto(b"answer to " + data, address)
        assert (await one[1].received.get())[0] == b"answer to question"

    on_a_pair(exchange)


def test_a_pair_keeps_what_the_peer_has_no_room_for() -> None:
    async def exchange(one: Endpoint, other: Endpoint) -> None:
        (sender, sending), (_, inbox) = one, other
        sender.set_write_buffer_limits(high=LONG)
        for number in range(100):
            sender.sendto(number.to_bytes(1, "big") * 10_000)
        assert sender.get_write_buffer_size() > 0
        for number in range(100):
            assert (await inbox.received.get())[0] == number.to_bytes(1, "big") * 10_000
        await sending.writable.wait()

    on_a_pair(exchange)


def test_a_pair_closes_its_sockets_and_an_error_is_told() -> None:
    async def exchange(one: Endpoint, other: Endpoint) -> None:
        other[0].abort()
        assert await other[1].received.get() is None
        one[0].sendto(b"nobody")
        assert isinstance(await one[1].received.get(), ConnectionRefusedError)
        descriptor = one[0].get_extra_info("socket")
        one[0].close()
        assert await one[1].received.get() is None
        assert descriptor.fileno() == -1

    on_a_pair(exchange)


def test_sockets_with_names_deliver_long_ones(tmp_path: Path) -> None:
    async def main() -> None:
        socks = [socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(2)]
        for name, sock in zip("ab", socks):
            sock.bind(str(tmp_path / name))
        async with endpoints(*socks) as ((sender, _), (_, inbox)):
            sender.sendto(bytes(LONG), str(tmp_path / "b"))
            data, address = await asyncio.wait_for(inbox.received.get(), 20)
            assert (len(data), address) == (LONG, str(tmp_path / "a"))

    compat.run(main())


def test_an_end_of_a_pair_can_name_another(tmp_path: Path) -> None:
    async def main() -> None:
        third = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        third.bind(str(tmp_path / "third"))
        one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        async with endpoints(one, other, third) as ((sender, _), (_, peer), (_, inbox)):
            sender.sendto(b"to the third", str(tmp_path / "third"))
            assert (await asyncio.wait_for(inbox.received.get(), 20))[0] == b"to the third"
            assert peer.received.empty()

    compat.run(main())
