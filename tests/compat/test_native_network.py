"""Streams and servers of the native library in tasks of the event loop."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import compat
from kernel import Stream, open_connection, serve
from tests.compat.loops import note_reports
from tests.support.tls import client_context, server_context

LOCALHOST = "127.0.0.1"


def test_much_data_by_tls_leaves_callbacks_their_turn() -> None:
    data = bytes(8_000_000)
    turns = 0

    async def main() -> None:
        def turn() -> None:
            nonlocal turns
            turns += 1
            loop.call_soon(turn)

        async def send(stream: Stream) -> None:
            await stream.write_all(data)

        loop = asyncio.get_running_loop()
        async with await serve(send, LOCALHOST, 0, ssl=server_context()) as server:
            async with await open_connection("localhost", server.port, ssl=client_context()) as stream:
                turn()
                assert await stream.read_exactly(len(data)) == data

    compat.run(main())
    assert turns > 10


def test_a_handler_shuts_the_server_down_and_others_are_told() -> None:
    async def main() -> None:
        async def handler(stream: Stream) -> None:
            while await stream.more():
                line = await stream.read_line()
                if line == b"stop\n":
                    await server.shutdown()
                await stream.write_all(line)

        server = await serve(handler, LOCALHOST, 0, grace=50)
        idle, busy = [await open_connection(LOCALHOST, server.port) for _ in range(2)]
        await busy.write_all(b"stop\n")
        async with asyncio.timeout(20):
            await server.wait()
            async with idle, busy:
                assert (await idle.read_all(), await busy.read_all()) == (b"", b"stop\n")

    compat.run(main())


def test_a_cancelled_handler_is_no_failure() -> None:
    async def main() -> None:
        async def handler(stream: Stream) -> None:
            started.set()
            await asyncio.sleep(60)

        started = asyncio.Event()
        reports = note_reports()
        server = await serve(handler, LOCALHOST, 0, grace=0)
        async with await open_connection(LOCALHOST, server.port) as stream:
            await started.wait()
            request = stream.read()
            reading = asyncio.ensure_future(waiting(request))
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="made before"):
                await request
            await server.shutdown()
            assert server.connections == 0 and await reading == b""
        assert reports == []

    async def waiting(request: Any) -> Any:
        return await request

    compat.run(main())
