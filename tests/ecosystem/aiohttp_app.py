"""An application that aiohttp's server serves in the tests."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from aiohttp import web

PIECE = 64 * 1024
PIECES = 80  # five MiB in all


def piece(number: int) -> bytes:
    return bytes([number % 251]) * PIECE


BODY_HASH = hashlib.sha256(b"".join(piece(number) for number in range(PIECES))).hexdigest()


async def body() -> AsyncIterator[bytes]:
    for number in range(PIECES):
        yield piece(number)


async def hash_of(request: Any) -> Any:
    digest = hashlib.sha256()
    async for data in request.content.iter_chunked(PIECE):
        digest.update(data)
    return web.json_response({"hash": digest.hexdigest(), "chunked": request.headers.get("Transfer-Encoding"),
                              "loop": type(asyncio.get_running_loop()).__module__})


async def stream(request: Any) -> Any:
    response = web.StreamResponse()
    response.enable_chunked_encoding()
    await response.prepare(request)
    async for data in body():
        await response.write(data)
    await response.write_eof()
    return response


async def echo(request: Any) -> Any:
    websocket = web.WebSocketResponse(max_msg_size=0)
    await websocket.prepare(request)
    async for message in websocket:
        if message.type is aiohttp.WSMsgType.BINARY:
            await websocket.send_bytes(message.data)
        elif message.data == "end":
            await websocket.close(code=4001, message=b"as you wish")
        else:
            await websocket.send_str(message.data)
    return websocket


async def peer(request: Any) -> Any:
    return web.json_response(request.transport.get_extra_info("peername"))


async def hello(request: Any) -> Any:
    return web.Response(text="Hello, world!")


def application() -> Any:
    app = web.Application()
    ending = asyncio.Event()

    async def until_the_end(request: Any) -> Any:
        """Works until the server has been told to end, and for a little while longer."""
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"working\n")
        await ending.wait()
        await asyncio.sleep(0.2)
        await response.write(b"done")
        return response

    async def end(app: Any) -> None:
        ending.set()

    app.on_shutdown.append(end)
    app.add_routes([web.post("/hash", hash_of), web.get("/stream", stream), web.get("/echo", echo),
                    web.get("/peer", peer), web.get("/hello", hello), web.get("/until-the-end", until_the_end)])
    return app
