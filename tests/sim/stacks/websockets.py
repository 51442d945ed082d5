"""websockets' server and clients: messages that all get, a large one, a ping, and the codes at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import connect
from websockets.asyncio.server import broadcast, serve
from websockets.exceptions import ConnectionClosed


@asynccontextmanager
async def serving(host: str, port: int) -> AsyncIterator[int]:
    guests: dict[Any, None] = {}

    async def talk(guest: Any) -> None:
        guests[guest] = None
        try:
            async for message in guest:
                if message == "leave":
                    await guest.close(4000, "as you wish")
                elif isinstance(message, bytes):
                    await guest.send(message[::-1])
                else:
                    broadcast(guests, message)
        except ConnectionClosed:
            pass  # with a code of our own
        finally:
            del guests[guest]

    async with serve(talk, host, port) as server:
        yield server.sockets[0].getsockname()[1]


async def use(host: str, port: int) -> None:
    url = f"ws://{host}:{port}"
    async with connect(url, open_timeout=None) as ann, connect(url, open_timeout=None) as bob:
        await (await bob.ping())  # both are guests now: the server takes them one after the other
        for number in range(5):
            await ann.send(f"message {number}")
        for guest in ann, bob:
            assert [await guest.recv() for _ in range(5)] == [f"message {number}" for number in range(5)]
        body = bytes(range(256)) * 1000
        await asyncio.gather(ann.send(body), bob.send(b"abc"))
        assert (await ann.recv(), await bob.recv()) == (body[::-1], b"cba")
        await bob.send("leave")
        try:
            await bob.recv()
            raise AssertionError("a message came after the end")
        except ConnectionClosed as error:
            assert error.rcvd is not None and (error.rcvd.code, error.rcvd.reason) == (4000, "as you wish"), error
