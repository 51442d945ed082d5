"""An echo server by transports and protocols."""

from __future__ import annotations

import asyncio
from typing import Any

from ..listening import BACKLOG, HOST, forever
from ..serving import Announce
from .echo import EchoServer


class EchoProtocol(asyncio.Protocol):
    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


class ByProtocol(EchoServer):
    """Transports and protocols, which only event loops have."""

    def __init__(self, size: int, connections: int) -> None:
        super().__init__("protocol", "TCP echo by protocol", size, connections)

    async def on_asyncio(self, announce: Announce) -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(EchoProtocol, HOST, 0, backlog=BACKLOG)
        announce(server.sockets[0].getsockname())
        await forever()
