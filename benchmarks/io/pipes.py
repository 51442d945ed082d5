"""An echo server by pipes."""

from __future__ import annotations

import asyncio
import os
import tempfile
from typing import Any

import kernel

from ..listening import forever
from ..serving import Announce, Served
from ..traffic import Echo, Socket
from .echo import CHUNK


class Pipes:
    """The client's ends of two pipes, used like a socket."""

    def __init__(self, outgoing: str, incoming: str) -> None:
        self._out = os.open(outgoing, os.O_WRONLY)
        self._in = os.open(incoming, os.O_RDONLY | os.O_NONBLOCK)

    def fileno(self) -> int:
        return self._in

    def send(self, data: memoryview, /) -> int:
        return os.write(self._out, data)  # a message fits into the pipe

    def recv_into(self, buffer: memoryview, /) -> int:
        return os.readv(self._in, [buffer])

    def close(self) -> None:
        os.close(self._out)
        os.close(self._in)


class ByPipes(Served):
    """Two named pipes: the server writes into one what comes out of the other."""

    def __init__(self) -> None:
        super().__init__("echo-pipe-1KiB", "io", "pipe echo, 1 KiB", Echo(1024), 1, 10_000)

    def connect(self, address: Any) -> Socket:
        return Pipes(*address)

    def make(self) -> tuple[Any, Any]:
        """The server's ends of two named pipes, the first to read from and the second to write to."""
        directory = tempfile.mkdtemp(prefix="benchmarks-")
        self.paths = os.path.join(directory, "to-server"), os.path.join(directory, "from-server")
        there, back = self.paths
        os.mkfifo(there)
        os.mkfifo(back)
        reading = os.open(there, os.O_RDONLY | os.O_NONBLOCK)
        os.open(there, os.O_WRONLY)  # this and the next stay open, so that clients can come and go
        os.open(back, os.O_RDONLY | os.O_NONBLOCK)
        return open(reading, "rb", 0), open(os.open(back, os.O_WRONLY), "wb", 0)

    async def on_kernel(self, announce: Announce) -> None:
        reading, writing = self.make()
        incoming, outgoing = kernel.Stream.of_pipe(reading, "requests"), kernel.Stream.of_pipe(writing, "answers")
        announce(self.paths)
        while data := await incoming.read(CHUNK):
            await outgoing.write_all(data)

    async def on_asyncio(self, announce: Announce) -> None:
        loop = asyncio.get_running_loop()
        reading, writing = self.make()
        outgoing, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, writing)

        class Forward(asyncio.Protocol):
            def data_received(self, data: bytes) -> None:
                outgoing.write(data)

        await loop.connect_read_pipe(Forward, reading)
        announce(self.paths)
        await forever()

    async def on_trio(self, announce: Announce, trio: Any) -> None:
        reading, writing = self.make()
        incoming = trio.lowlevel.FdStream(os.dup(reading.fileno()))
        outgoing = trio.lowlevel.FdStream(os.dup(writing.fileno()))
        announce(self.paths)
        while data := await incoming.receive_some(CHUNK):
            await outgoing.send_all(data)
