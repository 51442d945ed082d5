"""A datagram transport that receives several datagrams at a time, which no program can tell from one at a time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

import compat

LOOPS: list[Callable[[], asyncio.AbstractEventLoop]] = [compat.new_event_loop, asyncio.new_event_loop]
LOCALHOST = "127.0.0.1"


class Told(asyncio.DatagramProtocol):
    """Writes down what it is told, and calls `then` after each datagram."""

    def __init__(self, log: list[object], then: Callable[[Any], object] | None = None) -> None:
        self.log = log
        self.then = then
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        self.log.append(int(data))
        if self.then is not None:
            self.then(self)

    def error_received(self, error: Exception) -> None:
        self.log.append(type(error))

    def connection_lost(self, error: Exception | None) -> None:
        self.lost.set_result(error)


def run(main: Callable[[], Coroutine[Any, Any, Any]], make: Callable[[], asyncio.AbstractEventLoop],
        debug: bool = False) -> Any:
    loop = make()
    loop.set_debug(debug)
    try:
        return loop.run_until_complete(main())
    finally:
        loop.close()


MANY = 100  # datagrams; a transport that has found so many one by one has begun to look for several at a time


async def receiver(log: list[object], then: Callable[[Any], object] | None = None) -> tuple[Any, Told, socket.socket]:
    """A transport, its protocol, and a socket that is connected to it and has sent it many datagrams."""
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(lambda: Told(log, then),
                                                                                    (LOCALHOST, 0))
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect(transport.get_extra_info("sockname"))
    for number in range(MANY):
        sock.send(b"%d" % number)
    return transport, protocol, sock


@pytest.mark.parametrize("make", LOOPS)
@pytest.mark.parametrize("debug", [False, True])
def test_what_a_datagram_makes_ready_comes_before_the_next(make: Callable[[], asyncio.AbstractEventLoop],
                                                           debug: bool) -> None:
    log: list[object] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        transport, _, sock = await receiver(log, lambda protocol: loop.call_soon(log.append, "called"))
        while len(log) < 2 * MANY:
            await asyncio.sleep(0.001)
        transport.close()
        sock.close()

    run(main, make, debug)
    assert log == [entry for number in range(MANY) for entry in (number, "called")]


@pytest.mark.parametrize("make", LOOPS)
def test_pausing_and_closing_end_a_burst(make: Callable[[], asyncio.AbstractEventLoop]) -> None:
    log: list[object] = []

    async def main() -> None:
        transport, protocol, sock = await receiver(log, lambda protocol: len(log) == 60 and transport.pause_reading())
        await asyncio.sleep(0.02)
        assert log == list(range(60))
        protocol.then = lambda protocol: len(log) == 90 and transport.close()
        transport.resume_reading()
        assert await protocol.lost is None
        assert log == list(range(90))
        sock.close()

    run(main, make)


@pytest.mark.parametrize("make", LOOPS)
def test_a_stop_ends_a_burst(make: Callable[[], asyncio.AbstractEventLoop]) -> None:
    log: list[object] = []
    loop = make()
    transport, _, sock = loop.run_until_complete(receiver(log, lambda protocol: loop.stop()))
    loop.run_forever()
    for seen in range(len(log) + 1, MANY + 1):
        loop.run_forever()
        assert log == list(range(seen))
    transport.close()
    sock.close()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


@pytest.mark.parametrize("make", LOOPS)
def test_an_exception_in_the_protocol_loses_no_datagram(make: Callable[[], asyncio.AbstractEventLoop]) -> None:
    log: list[object] = []
    told: list[dict[str, Any]] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(context))
        transport, _, sock = await receiver(log, lambda protocol: 1 / 0)
        while len(log) < MANY:
            await asyncio.sleep(0.001)
        transport.close()
        sock.close()

    run(main, make)
    assert log == list(range(MANY))
    assert [type(context["exception"]) for context in told] == [ZeroDivisionError] * MANY
    assert all("_read_ready" in context["message"] for context in told)


@pytest.mark.parametrize("make", LOOPS)
def test_a_peer_that_is_gone_is_told_in_order(make: Callable[[], asyncio.AbstractEventLoop]) -> None:
    log: list[object] = []

    async def main() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.bind((LOCALHOST, 0))
            transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: Told(log), remote_addr=peer.getsockname())
            for number in range(MANY):
                peer.sendto(b"%d" % number, transport.get_extra_info("sockname"))
            while len(log) < MANY:
                await asyncio.sleep(0.001)
        transport.sendto(b"to nobody")
        while len(log) <= MANY:
            await asyncio.sleep(0.001)
        transport.close()

    run(main, make)
    assert log == [*range(MANY), ConnectionRefusedError]


def test_a_flood_of_datagrams_leaves_other_sockets_their_turn() -> None:
    """The datagrams that a protocol sends to itself never end."""
    log: list[object] = []

    async def main() -> tuple[int, int]:
        left, right = socket.socketpair()
        told = asyncio.get_running_loop().create_future()

        class Other(asyncio.Protocol):
            def data_received(self, data: bytes) -> None:
                told.set_result(len(log))

        def again(protocol: Any) -> None:
            protocol.transport.sendto(b"1", protocol.transport.get_extra_info("sockname"))
            if len(log) == 5000:
                right.send(b"hello")

        other, _ = await asyncio.get_running_loop().create_connection(Other, sock=left)
        transport, _, sock = await receiver(log, again)
        received_before = int(await asyncio.wait_for(told, 60))
        await asyncio.wait_for(asyncio.sleep(0.01), 60)
        for each in other, right, transport, sock:
            each.close()
        return received_before, len(log)

    received_before, received = run(main, compat.new_event_loop)
    assert received_before - 5000 <= 64
    assert received > received_before


@pytest.mark.parametrize("make", LOOPS)
def test_what_is_sent_and_to_whom(make: Callable[[], asyncio.AbstractEventLoop]) -> None:
    log: list[object] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        transport, protocol, sock = await receiver(log)
        own = transport.get_extra_info("sockname")
        client, _ = await loop.create_datagram_endpoint(lambda: Told([]), remote_addr=own)
        pieces: list[Any] = [b"1", bytearray(b"2"), memoryview(b"3")]
        for number, data in enumerate(pieces):
            client.sendto(data, own if number % 2 else None)
        with pytest.raises(ValueError, match="address"):
            client.sendto(b"4", (LOCALHOST, 9))
        with pytest.raises(TypeError):
            client.sendto("4")  # type: ignore[arg-type]
        while len(log) < MANY + 3:
            await asyncio.sleep(0.001)
        client.close()
        transport.close()
        sock.close()

    run(main, make)
    assert log == [*range(MANY), 1, 2, 3]
