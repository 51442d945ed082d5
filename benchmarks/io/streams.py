"""Echo servers by streams: over TCP, TLS and Unix sockets."""

from __future__ import annotations

import asyncio
from typing import Any

import kernel

from ..listening import BACKLOG, HOST, forever, new_path
from ..serving import Announce, Served, server_context
from ..traffic import Echo
from .echo import CHUNK, EchoServer


async def echo_on_kernel(stream: kernel.Stream) -> None:
    while data := await stream.read(CHUNK):
        await stream.write_all(data)


async def echo_on_asyncio(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
    writer.close()


async def echo_on_trio(stream: Any) -> None:
    while data := await stream.receive_some(CHUNK):
        await stream.send_all(data)


class ByStreams(EchoServer):
    """Streams, with TLS or without. All libraries have them."""

    def __init__(self, size: int, connections: int, tls: bool = False) -> None:
        super().__init__("tls" if tls else "streams", f"{'TLS' if tls else 'TCP'} echo by streams", size, connections,
                         tls=tls)

    async def on_kernel(self, announce: Announce) -> None:
        context = server_context() if self.tls else None
        async with await kernel.serve(echo_on_kernel, HOST, 0, ssl=context, backlog=BACKLOG) as server:
            announce(server.addresses[0])
            await server.wait()

    async def on_asyncio(self, announce: Announce) -> None:
        context = server_context() if self.tls else None
        server = await asyncio.start_server(echo_on_asyncio, HOST, 0, ssl=context, backlog=BACKLOG)
        announce(server.sockets[0].getsockname())
        await forever()

    async def on_trio(self, announce: Announce, trio: Any) -> None:
        if self.tls:
            listeners = await trio.open_ssl_over_tcp_listeners(0, server_context(), host=HOST, backlog=BACKLOG)
            announce(listeners[0].transport_listener.socket.getsockname())
        else:
            listeners = await trio.open_tcp_listeners(0, host=HOST, backlog=BACKLOG)
            announce(listeners[0].socket.getsockname())
        await trio.serve_listeners(echo_on_trio, listeners)

    async def on_curio(self, announce: Announce, curio: Any) -> None:

        async def echo(client: Any, address: Any) -> None:
            stream = client.as_stream()
            while data := await stream.read(CHUNK):
                await stream.write(data)

        listener = curio.tcp_server_socket(HOST, 0, backlog=BACKLOG)
        announce(listener.getsockname())
        await curio.network.run_server(listener, echo, server_context() if self.tls else None)


class ByUnixSocket(Served):
    """Streams on a Unix socket."""

    def __init__(self, connections: int) -> None:
        super().__init__(f"echo-unix-1KiB-{connections}", "io", f"Unix socket echo by streams, 1 KiB, {connections} "
                         "connections", Echo(1024), connections, 10_000)

    async def on_kernel(self, announce: Announce) -> None:
        path = new_path()
        async with await kernel.serve_unix(echo_on_kernel, path, backlog=BACKLOG) as server:
            announce(path)
            await server.wait()

    async def on_asyncio(self, announce: Announce) -> None:
        path = new_path()
        server = await asyncio.start_unix_server(echo_on_asyncio, path, backlog=BACKLOG)
        announce(path)
        await forever()
