"""Datagrams over real UDP sockets."""

from __future__ import annotations

import socket
from collections.abc import Generator
from typing import Any

import pytest

from kernel import Cancelled, EndpointClosed, checkpoint, open_datagram, run, spawn
from tests.support.streams import LOCALHOST


def test_there_and_back() -> None:
    async def main() -> None:
        # By name on both sides: which address that is, is the system's affair.
        async with await open_datagram(local_address=("localhost", 0)) as server:
            async with await open_datagram("localhost", server.address[1]) as client:
                for data in b"hello", b"", b"x" * 60000:
                    await client.send(data)
                    assert await server.receive() == (data, client.address)
                    await server.send(bytearray(data[::-1]), client.address)
                    received, sender = await client.receive()
                    assert received == data[::-1] and sender == server.address
                for number in range(3):
                    await client.send(b"%d" % number)
                numbers = []
                async for data, _ in server:
                    numbers.append(int(data))
                    if len(numbers) == 3:
                        break
                assert numbers == [0, 1, 2]

    run(main())


def test_in_a_generator_task() -> None:
    def main() -> Generator[Any, Any, Any]:
        server: Any = yield from open_datagram(local_address=(LOCALHOST, 0))
        client: Any = yield open_datagram(LOCALHOST, server.address[1])
        yield from client.send(b"a")
        yield client.send(b"b")
        first = yield server.receive()
        second = yield from server.receive()
        server.close()
        client.close()
        return first[0] + second[0]

    assert run(main()) == b"ab"


def test_errors() -> None:
    async def main() -> None:
        with pytest.raises(ValueError):
            open_datagram()
        with pytest.raises(socket.gaierror, match="no-such-host.invalid:9"):
            await open_datagram("no-such-host.invalid", 9)
        async with await open_datagram(local_address=(LOCALHOST, 0)) as server:
            port = server.address[1]
            with pytest.raises(ValueError, match="not connected"):
                server.send(b"x")
            with pytest.raises(OSError, match=f"{LOCALHOST}:{port}"):
                await open_datagram(local_address=(LOCALHOST, port))
            with pytest.raises(OSError, match=f"{LOCALHOST}:{port}"):
                await server.send(b"x" * 70000, (LOCALHOST, port))
            waiting = await spawn(server.receive().__await__())
            await checkpoint()
            with pytest.raises(RuntimeError, match="one task at a time"):
                await server.receive()
            server.close()
            with pytest.raises(EndpointClosed, match="while task"):
                await waiting
            with pytest.raises(EndpointClosed):
                await server.receive()
        async with await open_datagram(LOCALHOST, port) as client:
            await client.send(b"to nobody")
            with pytest.raises(ConnectionRefusedError, match=f"{LOCALHOST}:{port}"):
                await client.receive()

    run(main())


def test_a_task_that_only_sends_gives_others_their_turn_and_can_be_cancelled() -> None:
    async def main() -> None:
        async with await open_datagram(local_address=(LOCALHOST, 0)) as server:
            sent = 0

            async def send() -> None:
                nonlocal sent
                while True:
                    await server.send(b"x", server.address)
                    sent += 1

            task = await spawn(send())
            for turns in range(10):
                await checkpoint()
                assert sent <= 20 * (turns + 1)
            assert sent >= 100  # it does not go by way of the kernel each time
            task.cancel()
            with pytest.raises(Cancelled):
                await task

    run(main())


def test_what_cannot_be_sent_is_told_where_it_is_awaited() -> None:
    async def main() -> None:
        async with await open_datagram(local_address=(LOCALHOST, 0)) as server:
            address = server.address
            request = server.send(b"once", address)
            await request
            with pytest.raises(RuntimeError, match="made before"):
                await request
            assert (await server.receive())[0] == b"once"
            late = server.send(b"late", address)
        with pytest.raises(EndpointClosed, match="is closed"):
            await late

    run(main())
