"""aiohttp's server and client, by TLS: a pool of two connections, bodies both ways, a stream, a websocket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientSession, TCPConnector, web

from tests.support.tls import client_context, server_context


async def hello(request: Any) -> Any:
    await asyncio.sleep(0.05)
    return web.json_response({"hello": request.match_info["name"]})


async def back(request: Any) -> Any:
    return web.Response(body=(await request.read())[::-1])


async def numbers(request: Any) -> Any:
    response = web.StreamResponse()
    await response.prepare(request)
    for number in range(5):
        await response.write(b"%d\n" % number)
        await asyncio.sleep(0.01)
    return response


async def upper(request: Any) -> Any:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(message.data.upper())
    return socket


@asynccontextmanager
async def serving(host: str, port: int) -> AsyncIterator[int]:
    application = web.Application(client_max_size=2**21)
    application.add_routes([web.get("/hello/{name}", hello), web.post("/back", back), web.get("/numbers", numbers),
                            web.get("/upper", upper)])
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, ssl_context=server_context()).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
        await asyncio.sleep(1)  # it does not wait for the end of TLS: aiohttp's documentation says to do this


async def get(session: Any, name: str) -> None:
    async with session.get(f"/hello/{name}", server_hostname="localhost") as response:
        assert (response.status, await response.json()) == (200, {"hello": name})


async def use(host: str, port: int) -> None:
    connector = TCPConnector(limit=2, ssl=client_context())
    async with ClientSession(f"https://{host}:{port}", connector=connector) as session:
        await asyncio.gather(*(get(session, name) for name in ("ann", "bob", "cid", "dan")))
        body = bytes(range(256)) * 1000
        async with session.post("/back", data=body, server_hostname="localhost") as response:
            assert await response.read() == body[::-1]
        async with session.get("/numbers", server_hostname="localhost") as response:
            assert [line async for line in response.content] == [b"0\n", b"1\n", b"2\n", b"3\n", b"4\n"]
        async with session.get("/nothing", server_hostname="localhost") as response:
            assert response.status == 404
        async with session.ws_connect("/upper", server_hostname="localhost") as socket:
            for word in "one", "two":
                await socket.send_str(word)
            assert [(await socket.receive_str()) for _ in range(2)] == ["ONE", "TWO"]
