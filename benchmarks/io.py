"""What connections cost: echo servers of every kind, processes and files.

Every class is one server, done in the words of each dialect, or has no method where a library has no such thing. All of
them send back what they get, as it comes. The load generator is in `traffic.py`.
"""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
from collections.abc import Callable
from typing import Any

import kernel

from .measuring import Meter, Timed
from .serving import Announce, Served, server_context
from .traffic import NOISE, Conversation, Echo, Socket

HOST = "127.0.0.1"
BACKLOG = 1024
CHUNK = 65536  # bytes that a server takes at a time
SIZES = {1: "1 B", 1024: "1 KiB", 65536: "64 KiB"}
COUNTS = (1, 100, 1000)


class EchoServer(Served):
    """A TCP server; the work of a round is about the same for every size of message."""

    def __init__(self, name: str, words: str, size: int, connections: int, *, tls: bool = False) -> None:
        shown = SIZES[size]
        super().__init__(f"echo-{name}-{shown.replace(' ', '')}-{connections}", "io",
                         f"{words}, {shown}, {connections:,} connection{'s' if connections > 1 else ''}", Echo(size),
                         connections, 10_000 if size < CHUNK else 2000, tls)


async def forever() -> None:
    """Wait without end: instead of `Server.serve_forever`, with which rloop stops listening."""
    await asyncio.get_running_loop().create_future()


class EchoProtocol(asyncio.Protocol):
    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


class ByProtocol(EchoServer):
    """Transports and protocols, which are asyncio's."""

    def __init__(self, size: int, connections: int) -> None:
        super().__init__("protocol", "TCP echo by protocol", size, connections)

    async def on_asyncio(self, announce: Announce) -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(EchoProtocol, HOST, 0, backlog=BACKLOG)
        announce(server.sockets[0].getsockname())
        await forever()


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
    """Streams, which all libraries have, with or without TLS."""

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


def listen() -> socket.socket:
    """A listening socket that does not block."""
    listener = socket.create_server((HOST, 0), backlog=BACKLOG)
    listener.setblocking(False)
    return listener


def prepare(client: Any) -> None:
    """Do for an accepted socket what transports and streams do for theirs."""
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class BySockets(EchoServer):
    """Plain sockets, and the loop's `sock_*` methods or their like."""

    def __init__(self, size: int, connections: int) -> None:
        super().__init__("sock", "TCP echo by sock_recv()", size, connections)

    async def on_kernel(self, announce: Announce) -> None:

        async def echo(client: socket.socket) -> None:
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

        with listen() as listener:
            announce(listener.getsockname())
            while True:
                await kernel.wait_readable(listener)
                client, _ = listener.accept()
                client.setblocking(False)
                prepare(client)
                await kernel.spawn(echo(client))

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


def new_path() -> str:
    """Where nothing is yet."""
    return os.path.join(tempfile.mkdtemp(prefix="benchmarks-"), "socket")


class EchoDatagrams(asyncio.DatagramProtocol):
    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: Any) -> None:
        self.transport.sendto(data, address)


class ByDatagrams(Served):
    """UDP: one socket that all clients send to."""

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
            while True:
                data, address = await sock.recvfrom(CHUNK)
                await sock.sendto(data, address)

    async def on_curio(self, announce: Announce, curio: Any) -> None:
        async with curio.socket.socket(type=socket.SOCK_DGRAM) as sock:
            sock.bind((HOST, 0))
            announce(sock.getsockname())
            while True:
                data, address = await sock.recvfrom(CHUNK)
                await sock.sendto(data, address)


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
    """Two named pipes; what comes out of one is written into the other."""

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
        os.open(there, os.O_WRONLY)  # kept open, as is the next, so that clients can come and go
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
    """Every byte from a client is answered with a file, by the system's `sendfile`."""

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

        with self.file() as file, listen() as listener:
            announce(listener.getsockname())
            while True:
                await kernel.wait_readable(listener)
                client, _ = listener.accept()
                client.setblocking(False)
                await kernel.spawn(answer(client))

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


class Processes(Timed):
    """Start `cat`, feed it 1 KiB, collect what it writes, and wait for its end. The children's time does not count."""

    COMMAND = "/bin/cat"

    def __init__(self) -> None:
        super().__init__("subprocess", "io", "spawn a process and communicate()", 50, 2)

    async def again(self, meter: Meter, communicate: Callable[[], Any]) -> None:
        with meter:
            for _ in range(self.count):
                if await communicate() != NOISE[:1024]:
                    raise AssertionError("the process wrote something else than it was given")

    async def on_kernel(self, meter: Meter) -> None:

        async def communicate() -> bytes:
            done = await kernel.run_process([self.COMMAND], input=NOISE[:1024], stderr=None)
            return done.stdout

        await self.again(meter, communicate)

    async def on_asyncio(self, meter: Meter) -> None:

        async def communicate() -> bytes:
            process = await asyncio.create_subprocess_exec(self.COMMAND, stdin=asyncio.subprocess.PIPE,
                                                           stdout=asyncio.subprocess.PIPE)
            output, _ = await process.communicate(NOISE[:1024])
            return output

        await self.again(meter, communicate)

    async def on_trio(self, meter: Meter, trio: Any) -> None:

        async def communicate() -> bytes:
            done = await trio.run_process([self.COMMAND], stdin=NOISE[:1024], capture_stdout=True)
            return bytes(done.stdout)

        await self.again(meter, communicate)


WORKLOADS = [*(make(size, connections) for make in (ByProtocol, ByStreams, BySockets) for size in SIZES
               for connections in COUNTS),
             ByStreams(1024, 100, tls=True), ByStreams(65536, 100, tls=True), ByUnixSocket(100), ByDatagrams(50),
             ByPipes(), SendFile(), Processes()]
