"""tornado's HTTP server and client, and a websocket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from logging import getLogger
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketHandler, websocket_connect


class Hello(RequestHandler):
    async def get(self, name: str) -> None:
        await asyncio.sleep(0.05)
        self.write({"hello": name})


class Back(RequestHandler):
    def post(self) -> None:
        self.write(self.request.body[::-1])


class Upper(WebSocketHandler):
    def on_message(self, message: Any) -> None:
        self.write_message(message.upper())


@asynccontextmanager
async def serving(host: str, port: int) -> AsyncIterator[int]:
    server = HTTPServer(Application([("/hello/(.*)", Hello), ("/back", Back), ("/upper", Upper)]))
    sockets = bind_sockets(port, host)
    server.add_sockets(sockets)
    try:
        yield sockets[0].getsockname()[1]
    finally:
        server.stop()
        await server.close_all_connections()


async def use(host: str, port: int) -> None:
    getLogger("tornado.access").setLevel("ERROR")
    # Resolving a name may take longer than its usual time limits. 0 is none.
    client: Any = AsyncHTTPClient(force_instance=True, max_clients=2,
                                  defaults={"connect_timeout": 0.0, "request_timeout": 0.0})
    try:
        answers = await asyncio.gather(*(client.fetch(f"http://{host}:{port}/hello/{name}")
                                         for name in ("ann", "bob", "cid", "dan")))
        assert [answer.body for answer in answers] == [b'{"hello": "%s"}' % name
                                                       for name in (b"ann", b"bob", b"cid", b"dan")]
        body = bytes(range(256)) * 1000
        answer = await client.fetch(f"http://{host}:{port}/back", method="POST", body=body,
                                    headers={"Content-Type": "application/octet-stream"})
        assert answer.body == body[::-1]
        try:
            await client.fetch(f"http://{host}:{port}/nothing")  # tornado warns of it
            raise AssertionError("nothing was found")
        except HTTPClientError as error:
            assert error.code == 404
    finally:
        client.close()
    socket = await websocket_connect(HTTPRequest(f"ws://{host}:{port}/upper", connect_timeout=0.0, request_timeout=0.0))
    for word in "one", "two":
        await socket.write_message(word)
    assert [await socket.read_message() for _ in range(2)] == ["ONE", "TWO"]
    socket.close()
    assert await socket.read_message() is None
