"""An echo server by plain sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import kernel

from ..listening import listen
from ..serving import Announce
from .echo import CHUNK, EchoServer


def prepare(client: Any) -> None:
    """Send small messages at once, as transports and streams do."""
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


async def serve_on_kernel(announce: Announce, serve: Callable[[socket.socket], Coroutine[Any, Any, None]]) -> None:
    """Accept connections without end, and spawn `serve(client)` for each."""
    with listen() as listener:
        announce(listener.getsockname())
        while True:
            await kernel.wait_readable(listener)
            client, _ = listener.accept()
            client.setblocking(False)
            await kernel.spawn(serve(client))


class BySockets(EchoServer):
    """Plain sockets, with the loop's `sock_*` methods or what is like them."""

    def __init__(self, size: int, connections: int) -> None:
        super().__init__("sock", "TCP echo by sock_recv()", size, connections)

    async def on_kernel(self, announce: Announce) -> None:

        async def echo(client: socket.socket) -> None:
            prepare(client)
            with client:
                while True:
                    await kernel.wait_readable(client)
                    unsent = memoryview(client.recv(CHUNK))
                    if not unsent:
                        return
                    while unsent:
                        try:
                            unsent = unsent[client.send(unsent):]
                        except BlockingIOError:
                            await kernel.wait_writable(client)

        await serve_on_kernel(announce, echo)

    async def on_asyncio(self, announce: Announce) -> None:
        loop = asyncio.get_running_loop()
        tasks: set[asyncio.Task[None]] = set()

        async def echo(client: socket.socket) -> None:
            with client:
                while data := await loop.sock_recv(client, CHUNK):
                    await loop.sock_sendall(client, data)

        with listen() as listener:
            announce(listener.getsockname())
            while True:
                client, _ = await loop.sock_accept(listener)
                prepare(client)
                task = loop.create_task(echo(client))
                tasks.add(task)
                task.add_done_callback(tasks.discard)

    async def on_trio(self, announce: Announce, trio: Any) -> None:

        async def echo(client: Any) -> None:
            with client:
                while unsent := memoryview(await client.recv(CHUNK)):
                    while unsent:
                        unsent = unsent[await client.send(unsent):]

        async with trio.open_nursery() as nursery:
            listener = trio.socket.from_stdlib_socket(listen())
            announce(listener.getsockname())
            while True:
                client, _ = await listener.accept()
                prepare(client)
                nursery.start_soon(echo, client)

    async def on_curio(self, announce: Announce, curio: Any) -> None:

        async def echo(client: Any) -> None:
            async with client:
                while data := await client.recv(CHUNK):
                    await client.sendall(data)

        listener = curio.io.Socket(listen())
        announce(listener.getsockname())
        while True:
            client, _ = await listener.accept()
            prepare(client)
            await curio.spawn(echo, client, daemon=True)
