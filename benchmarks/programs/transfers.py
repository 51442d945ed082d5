"""A bulk transfer: a server sends many chunks by a stream, and a client in the same process receives them."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import kernel

from ..listening import HOST
from ..serving import client_context, server_context
from ..traffic import NOISE
from ..workload import Meter
from .family import Program

CHUNK = 65536  # bytes
BLOCK = NOISE[:CHUNK]
TWICE = BLOCK * 2


class Arrivals:
    """Checks that what arrives is one chunk after the other, however it is cut."""

    def __init__(self) -> None:
        self.size = 0  # bytes that have arrived

    def take(self, data: bytes) -> None:
        if not TWICE.startswith(data, self.size % CHUNK):
            raise AssertionError(f"what arrived after {self.size:,} bytes is not what was sent")
        self.size += len(data)

    def check(self, chunks: int) -> None:
        if self.size != chunks * CHUNK:
            raise AssertionError(f"{self.size:,} bytes arrived, not {chunks * CHUNK:,}")


class Transfer(Program):
    """The client connects, receives until the server has closed the connection, and closes it as well."""

    def __init__(self, tls: bool) -> None:
        protocol = "TLS" if tls else "TCP"
        super().__init__(f"bulk-{protocol.lower()}", f"64 KiB of a bulk transfer by {protocol} streams",
                         5_000 if tls else 15_000, 20)
        self.tls = tls

    def contexts(self) -> tuple[ssl.SSLContext | None, ssl.SSLContext | None]:
        """The server's and the client's."""
        return (server_context(), client_context()) if self.tls else (None, None)

    async def on_kernel(self, meter: Meter) -> None:
        arrivals, (serving, connecting) = Arrivals(), self.contexts()

        async def send(stream: kernel.Stream) -> None:
            for _ in range(self.count):
                await stream.write_all(BLOCK)

        async with await kernel.serve(send, HOST, 0, ssl=serving) as server:
            with meter:
                async with await kernel.open_connection(HOST, server.port, ssl=connecting) as stream:
                    while data := await stream.read(CHUNK):
                        arrivals.take(data)
        arrivals.check(self.count)

    async def on_asyncio(self, meter: Meter) -> None:
        arrivals, (serving, connecting) = Arrivals(), self.contexts()

        async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for _ in range(self.count):
                writer.write(BLOCK)
                await writer.drain()
            writer.close()

        server = await asyncio.start_server(send, HOST, 0, ssl=serving)
        port = server.sockets[0].getsockname()[1]
        with meter:
            reader, writer = await asyncio.open_connection(HOST, port, ssl=connecting)
            while data := await reader.read(CHUNK):
                arrivals.take(data)
            writer.close()
            await writer.wait_closed()
        server.close()
        arrivals.check(self.count)

    async def on_trio(self, meter: Meter, trio: Any) -> None:
        arrivals, (serving, connecting) = Arrivals(), self.contexts()

        async def send(stream: Any) -> None:
            async with stream:
                for _ in range(self.count):
                    await stream.send_all(BLOCK)

        async with trio.open_nursery() as nursery:
            listeners = await trio.open_tcp_listeners(0, host=HOST)
            port = listeners[0].socket.getsockname()[1]
            if serving is not None:
                listeners = [trio.SSLListener(listener, serving) for listener in listeners]
            nursery.start_soon(trio.serve_listeners, send, listeners)
            with meter:
                stream = await trio.open_tcp_stream(HOST, port)
                if connecting is not None:
                    stream = trio.SSLStream(stream, connecting, server_hostname=HOST)
                async with stream:
                    while data := await stream.receive_some(CHUNK):
                        arrivals.take(data)
            nursery.cancel_scope.cancel()
        arrivals.check(self.count)
