"""A chat by the websockets library: the server passes each message on to all clients, who are in the same process."""

from __future__ import annotations

import asyncio
import importlib
from typing import Any

from ..listening import HOST
from ..workload import Meter
from .family import Program


class Chat(Program):
    """In every round each client sends one message, and then receives one of each client. It checks all of them."""

    needs = ("websockets",)
    CLIENTS = 20

    def __init__(self) -> None:
        super().__init__("chat-websockets", f"websockets, a message to one of {self.CLIENTS} clients in a chat", 40_000,
                         2 * self.CLIENTS ** 2)

    async def on_asyncio(self, meter: Meter) -> None:
        servers = importlib.import_module("websockets.asyncio.server")
        connect = importlib.import_module("websockets.asyncio.client").connect

        async def pass_on(connection: Any) -> None:
            async for message in connection:
                servers.broadcast(server.connections, message)

        async with servers.serve(pass_on, HOST, 0, compression=None) as server:
            host, port = next(iter(server.sockets)).getsockname()
            clients = [await connect(f"ws://{host}:{port}", compression=None) for _ in range(self.CLIENTS)]
            with meter:
                await asyncio.gather(*[self.talk(client, own) for own, client in enumerate(clients)])
            await asyncio.gather(*[client.close() for client in clients])

    async def talk(self, client: Any, own: int) -> None:
        heard = [0] * self.CLIENTS  # how many messages of each client
        for number in range(self.count // self.CLIENTS ** 2):
            await client.send(message(own, number))
            for _ in range(self.CLIENTS):
                received = await client.recv()
                sender = int(received.partition(":")[0])
                if received != message(sender, heard[sender]):
                    raise AssertionError(f"client {own} received {received!r} after {heard[sender]} of client {sender}")
                heard[sender] += 1
        if heard != [self.count // self.CLIENTS ** 2] * self.CLIENTS:
            raise AssertionError(f"client {own} has not heard everybody: {heard}")


def message(sender: int, number: int) -> str:
    return f"{sender}: this is message {number} of client {sender}, and there may be more to come"
