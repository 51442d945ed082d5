"""An echo server by UDP."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import kernel

from ..listening import HOST, forever
from ..serving import Announce, Served
from ..traffic import Echo
from .echo import CHUNK


class EchoDatagrams(asyncio.DatagramProtocol):
    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        self.transport.sendto(data, address)


async def echo(sock: Any) -> None:
    """Send back what comes, by a socket of trio or of curio."""
    while True:
        data, address = await sock.recvfrom(CHUNK)
        await sock.sendto(data, address)


class ByDatagrams(Served):
    """UDP: all clients send to one socket."""

    kind = socket.SOCK_DGRAM

    def __init__(self, connections: int) -> None:
        super().__init__(f"echo-udp-1KiB-{connections}", "io", f"UDP echo, 1 KiB, {connections} clients", Echo(1024),
                         connections, 10_000)

    async def on_kernel(self, announce: Announce) -> None:
        async with await kernel.open_datagram(local_address=(HOST, 0)) as datagrams:
            announce(datagrams.address)
            async for data, address in datagrams:
                await datagrams.send(data, address)

    async def on_asyncio(self, announce: Announce) -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(EchoDatagrams, (HOST, 0))
        announce(transport.get_extra_info("sockname"))
        await forever()

    async def on_trio(self, announce: Announce, trio: Any) -> None:
        with trio.socket.socket(type=socket.SOCK_DGRAM) as sock:
            await sock.bind((HOST, 0))
            announce(sock.getsockname())
            await echo(sock)

    async def on_curio(self, announce: Announce, curio: Any) -> None:
        async with curio.socket.socket(type=socket.SOCK_DGRAM) as sock:
            sock.bind((HOST, 0))
            announce(sock.getsockname())
            await echo(sock)
