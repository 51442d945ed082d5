"""Transports, servers and streams of asyncio's names."""

from __future__ import annotations

import asyncio
import errno
import socket
import tempfile
from typing import cast

import compat
from tests.support.socket_cases import LOCALHOST, RESET, bound, closed_port, directory, fails, make, pair
from tests.support.tls import client_context, server_context

engine = compat


class Noting(asyncio.Protocol):
    """Notes what happens to it."""

    def __init__(self, answer: bytes = b"") -> None:
        self.answer = answer
        self.events: list[object] = []
        self.data = bytearray()
        self.transport: asyncio.Transport
        self.lost = asyncio.get_running_loop().create_future()
        self.ended = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.events.append("made")

    def data_received(self, data: bytes) -> None:
        self.data += data

    def eof_received(self) -> bool:
        self.events.append("eof")
        self.ended.set()
        if self.answer:
            self.transport.write(self.answer)
            self.transport.close()
        return bool(self.answer)

    def connection_lost(self, exc: Exception | None) -> None:
        self.events.append("lost")
        self.lost.set_result(exc)


async def served(answer: bytes = b"") -> tuple[asyncio.Server, asyncio.Queue[Noting], tuple[str, int]]:
    """A server, the protocols of its connections, and its address."""
    made: asyncio.Queue[Noting] = asyncio.Queue()

    def protocol() -> Noting:
        made.put_nowait(noting := Noting(answer))
        return noting

    server = await asyncio.get_running_loop().create_server(protocol, LOCALHOST, 0)
    return server, made, server.sockets[0].getsockname()


async def connect(address: tuple[str, int]) -> Noting:
    _, protocol = await asyncio.get_running_loop().create_connection(Noting, *address)
    return protocol


async def test_a_connection_from_its_beginning_to_its_end() -> None:
    server, made, address = await served(b"answer")
    async with server:
        client = await connect(address)
        there = await made.get()
        client.transport.write(b"request")
        client.transport.write_eof()
        assert await there.lost is None and await client.lost is None
        assert there.events == client.events == ["made", "eof", "lost"]
        assert there.data == b"request" and client.data == b"answer"


async def test_names_and_the_socket_of_a_transport() -> None:
    server, made, address = await served()
    async with server:
        client = await connect(address)
        there = await made.get()
        sock = client.transport.get_extra_info("socket")
        assert client.transport.get_extra_info("peername") == address == sock.getpeername()
        assert there.transport.get_extra_info("peername") == client.transport.get_extra_info("sockname")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        client.transport.close()
        await there.lost


async def test_refused() -> None:
    with fails(errno.ECONNREFUSED):
        await asyncio.open_connection(LOCALHOST, closed_port())


async def test_aborted() -> None:
    server, made, address = await served()
    async with server:
        client = await connect(address)
        there = await made.get()
        client.transport.abort()
        assert await client.lost is None
        assert await there.lost is None  # nothing was left to send, so the end came in order


async def test_reset() -> None:
    server, made, address = await served()
    async with server:
        client = await connect(address)
        there = await made.get()
        there.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        there.transport.abort()
        assert isinstance(await client.lost, ConnectionResetError)
        assert client.events == ["made", "lost"]


async def test_writing_to_who_has_gone() -> None:
    server, made, address = await served()
    async with server:
        client = await connect(address)
        there = await made.get()
        there.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        client.transport.pause_reading()
        there.transport.abort()
        while not client.lost.done():
            client.transport.write(b"x")
            await asyncio.sleep(0.01)
        assert isinstance(client.lost.result(), (BrokenPipeError, ConnectionResetError))


async def test_back_pressure() -> None:
    server, made, address = await served()
    async with server:
        client = await connect(address)
        there = await made.get()
        there.transport.pause_reading()
        client.transport.write(bytes(8_000_000))
        await asyncio.sleep(0.1)
        assert client.transport.get_write_buffer_size() > 0
        there.transport.resume_reading()
        client.transport.close()
        assert await there.lost is None
        assert len(there.data) == 8_000_000


async def test_streams() -> None:
    async def upper(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line.upper())
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(upper, LOCALHOST, 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"one\ntwo\n")
        assert await reader.readexactly(8) == b"ONE\nTWO\n"
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


async def test_streams_over_tls_from_the_beginning_and_begun_later() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.readline() == b"STARTTLS\n":
            writer.write(b"go\n")
            await writer.start_tls(server_context())
        writer.write(await reader.readline())
        await writer.drain()
        writer.close()

    for secured in False, True:
        server = await asyncio.start_server(echo, LOCALHOST, 0, ssl=server_context() if secured else None)
        async with server:
            port = server.sockets[0].getsockname()[1]
            reader, writer = await asyncio.open_connection("localhost", port,
                                                           ssl=client_context() if secured else None)
            if secured:
                writer.write(b"hello\n")
            else:
                writer.write(b"STARTTLS\n")
                assert await reader.readline() == b"go\n"
                await writer.start_tls(client_context(), server_hostname="localhost")
            writer.write(b"secret\n")
            assert await reader.readline() == b"secret\n"
            assert writer.get_extra_info("cipher")
            writer.close()
            await writer.wait_closed()


async def test_unix_streams() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read())
        writer.close()

    with directory() as folder:
        path = str(folder / "s")
        server = await asyncio.start_unix_server(echo, path)
        async with server:
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(b"hello")
            writer.write_eof()
            assert await reader.read() == b"hello"
            writer.close()
            await writer.wait_closed()


async def test_a_server_on_a_socket_of_the_program() -> None:
    async def hello(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    with socket.create_server((LOCALHOST, 0)) as listener:
        address = listener.getsockname()
        async with await asyncio.start_server(hello, sock=listener):
            with make() as client:
                await asyncio.get_running_loop().sock_connect(client, address)
                reader, writer = await asyncio.open_connection(sock=client)
                assert await reader.read() == b"hello"
                writer.close()
                await writer.wait_closed()


async def test_a_port_in_use_and_a_closed_server() -> None:
    server, _, address = await served()
    with fails(errno.EADDRINUSE):
        await asyncio.start_server(lambda reader, writer: None, *address)
    server.close()
    await server.wait_closed()
    with fails(errno.ECONNREFUSED):
        await asyncio.open_connection(*address)


class Datagrams(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.received: asyncio.Queue[object] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        self.received.put_nowait((data, addr))

    def error_received(self, exc: Exception) -> None:
        self.received.put_nowait(type(exc))


async def test_datagrams() -> None:
    loop = asyncio.get_running_loop()
    there, server = await loop.create_datagram_endpoint(Datagrams, local_addr=(LOCALHOST, 0))
    here, client = await loop.create_datagram_endpoint(Datagrams, remote_addr=there.get_extra_info("sockname"))
    here.sendto(b"hello")
    assert await server.received.get() == (b"hello", here.get_extra_info("sockname"))
    there.sendto(b"back", here.get_extra_info("sockname"))
    assert await client.received.get() == (b"back", there.get_extra_info("sockname"))
    there.close()
    await asyncio.sleep(0)
    here.sendto(b"to nobody")
    assert await client.received.get() is ConnectionRefusedError
    here.close()
    await asyncio.sleep(0)


async def test_datagrams_that_are_too_large() -> None:
    loop = asyncio.get_running_loop()
    with bound() as target:
        transport, protocol = await loop.create_datagram_endpoint(Datagrams, remote_addr=target.getsockname())
        transport.sendto(bytes(70_000))
        assert await protocol.received.get() is OSError
        transport.close()
        await asyncio.sleep(0)


async def test_a_pair_as_two_transports() -> None:
    loop = asyncio.get_running_loop()
    with pair() as (left, right):
        _, here = await loop.create_connection(Noting, sock=left)
        _, there = await loop.create_connection(Noting, sock=right)
        here.transport.write(b"hello")
        here.transport.close()
        await there.lost
        assert there.data == b"hello" and there.events == ["made", "eof", "lost"]


async def test_connecting_from_an_address() -> None:
    server, made, address = await served()
    async with server:
        _, client = await asyncio.get_running_loop().create_connection(Noting, *address, local_addr=("127.0.0.4", 0))
        there = await made.get()
        assert there.transport.get_extra_info("peername")[0] == "127.0.0.4"
        client.transport.close()
        await there.lost


async def test_a_file_is_sent() -> None:
    server, made, address = await served()
    async with server:
        client = await connect(address)
        there = await made.get()
        with tempfile.TemporaryFile() as file:
            file.write(b"0123456789" * 10_000)
            file.seek(0)
            assert await asyncio.get_running_loop().sendfile(client.transport, file) == 100_000
        client.transport.close()
        await there.lost
        assert there.data == b"0123456789" * 10_000
