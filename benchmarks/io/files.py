"""A server that sends a file."""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
from typing import Any

import kernel

from ..listening import HOST, forever
from ..serving import Announce, Served
from ..traffic import NOISE, Conversation
from .sockets import serve_on_kernel

MIB = 1 << 20


class FileRequest(Conversation):
    """A byte is the request, a file the answer."""

    def __init__(self, mebibytes: int) -> None:
        self.mebibytes = mebibytes
        self._content = b""

    def request(self, connection: int, number: int) -> bytes:
        return b"?"

    def answer(self, connection: int, number: int) -> bytes:
        if not self._content:
            self._content = NOISE * self.mebibytes
        return self._content


class SendFile(Served):
    """The server answers every byte with a file, by the system call `sendfile`."""

    MEBIBYTES = 100

    def __init__(self) -> None:
        super().__init__("sendfile", "io", f"sendfile() of {self.MEBIBYTES} MiB", FileRequest(self.MEBIBYTES), 1, 3)

    def file(self) -> Any:
        file = tempfile.TemporaryFile()
        for _ in range(self.MEBIBYTES):
            file.write(NOISE)
        file.flush()
        return file

    async def on_kernel(self, announce: Announce) -> None:

        async def answer(client: socket.socket) -> None:
            with client:
                while True:
                    await kernel.wait_readable(client)
                    if not client.recv(1):
                        return
                    sent = 0
                    while sent < self.MEBIBYTES * MIB:
                        try:
                            sent += os.sendfile(client.fileno(), file.fileno(), sent, self.MEBIBYTES * MIB - sent)
                        except BlockingIOError:
                            await kernel.wait_writable(client)

        with self.file() as file:
            await serve_on_kernel(announce, answer)

    async def on_asyncio(self, announce: Announce) -> None:
        loop = asyncio.get_running_loop()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while await reader.read(1):
                await loop.sendfile(writer.transport, file, fallback=False)
            writer.close()

        with self.file() as file:
            server = await asyncio.start_server(answer, HOST, 0)
            announce(server.sockets[0].getsockname())
            await forever()
