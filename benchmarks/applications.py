"""What applications cost: servers that people run, on each event loop.

Each workload is the library's own server, which serves one page or sends messages back. The connections stay open. A
connection sends its next request, in one piece, when it has the answer to the one before.
"""

from __future__ import annotations

import asyncio
import importlib
import re
import socket
from base64 import b64encode
from hashlib import sha1
from typing import Any

from .io.echo import SIZES
from .listening import HOST, forever, listen
from .serving import Announce, Served
from .traffic import NOISE, Conversation, Echo, WrongAnswer

CONNECTIONS = 50
HELLO = b"Hello, world"
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: benchmarks\r\nAccept: */*\r\n\r\n"
DATE = re.compile(rb"\r\ndate: ([^\r]{29})", re.IGNORECASE)  # only this part of an answer changes; its length does not


class Pages(Conversation):
    """One GET after the other. The answers have to end with `body`, and to differ in nothing but their date."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self._answer = b""

    def prepare(self, sock: socket.socket) -> None:
        """Ask once to see the head, and check the status and the body."""
        if self._answer:
            return
        sock.sendall(REQUEST)
        answer = read_until(sock, b"\r\n\r\n")
        head, end, begun = answer.partition(b"\r\n\r\n")
        while len(begun) < len(self.body):
            begun += sock.recv(len(self.body)) or b"?" * len(self.body)
        if not head.startswith(b"HTTP/1.1 200 ") or begun != self.body:
            raise WrongAnswer(f"not the page: {answer[:300]!r}")
        self._answer = bytes(self.comparable(head + end + begun))

    def request(self, connection: int, number: int) -> bytes:
        return REQUEST

    def answer(self, connection: int, number: int) -> bytes:
        return self._answer

    def comparable(self, answer: bytes | bytearray) -> bytes | bytearray:
        found = DATE.search(answer)
        return answer if found is None else answer[:found.start(1)] + b"0" * 29 + answer[found.end(1):]


def read_until(sock: socket.socket, end: bytes) -> bytes:
    """Receive until `end` has come, and return all that has come."""
    answer = b""
    while end not in answer:
        data = sock.recv(65536)
        if not data:
            raise WrongAnswer(f"the server ended after {answer[:300]!r}")
        answer += data
    return answer


class Frames(Echo):
    """Binary WebSocket messages, which come back. The client masks its frames, the server does not (RFC 6455)."""

    KEY = b64encode(b"the sample nonce")
    MASK = bytes([0x37, 0xfa, 0x21, 0x3d])

    def prepare(self, sock: socket.socket) -> None:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     b"Sec-WebSocket-Key: " + self.KEY + b"\r\nSec-WebSocket-Version: 13\r\n\r\n")
        answer = read_until(sock, b"\r\n\r\n")
        accepted = b64encode(sha1(self.KEY + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        if not answer.startswith(b"HTTP/1.1 101 ") or accepted not in answer:
            raise WrongAnswer(f"no WebSocket: {answer[:300]!r}")

    def request(self, connection: int, number: int) -> bytes:
        message = super().request(connection, number)
        mask = (self.MASK * (len(message) // 4 + 1))[:len(message)]
        masked = int.from_bytes(message) ^ int.from_bytes(mask)
        return self.head(0x80) + self.MASK + masked.to_bytes(len(message))

    def answer(self, connection: int, number: int) -> bytes:
        return self.head(0) + super().request(connection, number)

    def head(self, masked: int) -> bytes:
        """A final frame of binary data."""
        if self.size < 126:
            return bytes([0x82, masked | self.size])
        return bytes([0x82, masked | 126]) + self.size.to_bytes(2)


class Application(Served):
    def __init__(self, name: str, title: str, conversation: Conversation, messages: int) -> None:
        super().__init__(name, "applications", f"{title}, {CONNECTIONS} connections", conversation, CONNECTIONS,
                         messages)


class Aiohttp(Application):
    """aiohttp's server."""

    needs = ("aiohttp",)

    def __init__(self, words: str, body: bytes, messages: int) -> None:
        super().__init__(f"aiohttp-{words.replace(' ', '')}", f"aiohttp, {words}", Pages(body), messages)
        self.body = body

    async def on_asyncio(self, announce: Announce) -> None:
        web = importlib.import_module("aiohttp.web")

        async def page(request: Any) -> Any:
            return web.Response(body=self.body)

        application = web.Application()
        application.router.add_get("/", page)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, HOST, 0).start()
        announce(runner.addresses[0])
        await forever()


class Uvicorn(Application):
    """uvicorn with httptools, serving a Starlette application."""

    needs = ("httptools", "starlette", "uvicorn")

    def __init__(self) -> None:
        super().__init__("uvicorn-hello", "uvicorn and Starlette, hello", Pages(HELLO), 3000)

    async def on_asyncio(self, announce: Announce) -> None:
        uvicorn = importlib.import_module("uvicorn")
        starlette = importlib.import_module("starlette.applications")
        responses = importlib.import_module("starlette.responses")
        routing = importlib.import_module("starlette.routing")

        async def page(request: Any) -> Any:
            return responses.Response(HELLO, media_type="text/plain")

        application = starlette.Starlette(routes=[routing.Route("/", page)])
        server = uvicorn.Server(uvicorn.Config(application, http="httptools", lifespan="off", log_level="warning",
                                               access_log=False))
        listener = listen()
        address = listener.getsockname()
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        announce(address)
        await serving


class Websockets(Application):
    """The websockets library's server, which sends messages back."""

    needs = ("websockets",)

    def __init__(self, size: int) -> None:
        super().__init__(f"websockets-{SIZES[size].replace(' ', '')}", f"websockets echo, {SIZES[size]}", Frames(size),
                         5000)

    async def on_asyncio(self, announce: Announce) -> None:

        async def echo(connection: Any) -> None:
            async for message in connection:
                await connection.send(message)

        serve = importlib.import_module("websockets.asyncio.server").serve
        async with serve(echo, HOST, 0, compression=None) as server:
            announce(next(iter(server.sockets)).getsockname())
            await forever()


WORKLOADS = [Aiohttp("hello", HELLO, 3000), Aiohttp("1 MiB", NOISE, 300), Uvicorn(), Websockets(1024)]
