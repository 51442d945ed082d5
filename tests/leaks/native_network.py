"""Connections, servers, TLS, Unix sockets, datagrams."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

from kernel import (Stream, checkpoint, open_connection, open_datagram, open_unix_connection, serve, serve_unix, sleep,
                    spawn)

from tests.support.tls import client_context, server_context

from .measuring import Within
from .programs import cancel_in, cancel_task_in, make, until_done
from .rows import native

LOCALHOST = "127.0.0.1"
SOME = 300  # times: a connection takes half a millisecond
FEW = 60  # a handshake takes several

SERVER, CLIENT, DISTRUSTFUL = server_context(), client_context(), ssl.create_default_context()


def closed_port() -> int:
    """A port that nobody listens at."""
    with socket.create_server((LOCALHOST, 0)) as sock:
        return int(sock.getsockname()[1])


async def echo(stream: Stream) -> None:
    while data := await stream.read():
        await stream.write_all(data)


async def talk(stream: Stream) -> None:
    async with stream:
        await stream.write_all(b"line\n")
        await stream.read_line()


async def echo_in_asyncio(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(1000):
            writer.write(data)
            await writer.drain()
    writer.close()


async def talk_in_asyncio(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"line\n")
    await reader.readline()
    writer.close()
    await writer.wait_closed()


def served(handler: Callable[[Stream], Coroutine[Any, Any, None]], **options: Any) -> Within:
    """Within a server, whose port is given."""
    @asynccontextmanager
    async def within() -> AsyncIterator[int]:
        async with await serve(handler, LOCALHOST, 0, **options) as server:
            yield server.port
    return within


def served_in_asyncio(handler: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]],
                      **options: Any) -> Within:
    @asynccontextmanager
    async def within() -> AsyncIterator[int]:
        async with await asyncio.start_server(handler, LOCALHOST, 0, **options) as server:
            yield server.sockets[0].getsockname()[1]
    return within


echo_server, tls_server = served(echo), served(echo, ssl=SERVER)
asyncio_echo_server = served_in_asyncio(echo_in_asyncio)
asyncio_tls_server = served_in_asyncio(echo_in_asyncio, ssl=SERVER)


@native("open_connection, echo, close", SOME, within=echo_server)
async def connection(port: int) -> None:
    await talk(await open_connection(LOCALHOST, port))


@connection.asyncio(within=asyncio_echo_server, on_compat="streams: connect, echo, close")
async def _(port: int) -> None:
    await talk_in_asyncio(*await asyncio.open_connection(LOCALHOST, port))


@native("open_connection by name", SOME, within=echo_server)
async def connection_by_name(port: int) -> None:
    await talk(await open_connection("localhost", port))


@connection_by_name.asyncio(within=asyncio_echo_server)
async def _(port: int) -> None:
    await talk_in_asyncio(*await asyncio.open_connection("localhost", port))


@native("connection refused", SOME)
async def refused() -> None:
    with suppress(ConnectionRefusedError):
        await open_connection(LOCALHOST, PORT)


@refused.asyncio(on_compat="streams: refused")
async def _() -> None:
    with suppress(ConnectionRefusedError):
        await asyncio.open_connection(LOCALHOST, PORT)


PORT = closed_port()


@native("open_connection cancelled", SOME, within=echo_server)
async def connection_cancelled(port: int) -> None:
    task = await spawn(make(lambda: open_connection(LOCALHOST, port)))
    await checkpoint()
    task.cancel()
    await until_done(task)


@connection_cancelled.asyncio(within=asyncio_echo_server)
async def _(port: int) -> None:
    await cancel_task_in(lambda: asyncio.open_connection(LOCALHOST, port))


def reset(sock: socket.socket) -> None:
    """Close a connection so that the peer gets a reset instead of an end."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@asynccontextmanager
async def listening() -> AsyncIterator[socket.socket]:
    with socket.create_server((LOCALHOST, 0)) as sock:
        yield sock


@native("connection reset under a reader", SOME, within=listening)
async def connection_reset(server: socket.socket) -> None:
    async with await open_connection(*server.getsockname()) as stream:
        task = await spawn(make(stream.read))
        await checkpoint()
        reset(server.accept()[0])
        while not task.done():
            await sleep(1e-6)
        assert isinstance(task.exception(), ConnectionResetError)


@connection_reset.asyncio(within=listening)
async def _(server: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(*server.getsockname())
    task = asyncio.create_task(reader.read())
    await asyncio.sleep(0)
    reset(server.accept()[0])
    while not task.done():
        await asyncio.sleep(1e-6)
    assert isinstance(task.exception(), ConnectionResetError)
    writer.close()
    with suppress(ConnectionResetError):
        await writer.wait_closed()


@native("serve, shutdown", SOME)
async def serving() -> None:
    async with await serve(echo, LOCALHOST, 0):
        await checkpoint()


@serving.asyncio(on_compat="streams: server made, closed")
async def _() -> None:
    async with await asyncio.start_server(echo_in_asyncio, LOCALHOST, 0):
        await asyncio.sleep(0)


@native("serve where it cannot", SOME, within=listening)
async def serving_in_vain(taken: socket.socket) -> None:
    with suppress(OSError):
        await serve(echo, *taken.getsockname())


@serving_in_vain.asyncio(within=listening)
async def _(taken: socket.socket) -> None:
    with suppress(OSError):
        await asyncio.start_server(echo_in_asyncio, *taken.getsockname())


async def fail_at_once(stream: Stream) -> None:
    raise ValueError("on purpose")


async def fail_at_once_in_asyncio(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()
    raise ValueError("on purpose")


@native("a handler fails", SOME, within=served(fail_at_once))
async def failing_handler(port: int) -> None:
    async with await open_connection(LOCALHOST, port) as stream:
        await stream.read()


@failing_handler.asyncio(within=served_in_asyncio(fail_at_once_in_asyncio), on_compat="streams: a handler fails")
async def _(port: int) -> None:
    reader, writer = await asyncio.open_connection(LOCALHOST, port)
    await reader.read()
    writer.close()
    await writer.wait_closed()


@native("Server.wait cancelled", SOME)
async def server_wait_cancelled() -> None:
    async with await serve(echo, LOCALHOST, 0) as server:
        await cancel_in(server.wait)


@native("shutdown cancels a handler", SOME)
async def shutting_down() -> None:
    async with await serve(echo, LOCALHOST, 0) as server:
        async with await open_connection(LOCALHOST, server.port) as stream:
            await stream.write_all(b"x")
            await stream.read()
            await server.shutdown(grace=0)


@native("TLS connection, echo, close", FEW, within=tls_server)
async def tls_connection(port: int) -> None:
    await talk(await open_connection("localhost", port, ssl=CLIENT))


@tls_connection.asyncio(within=asyncio_tls_server, on_compat="streams: TLS")
async def _(port: int) -> None:
    await talk_in_asyncio(*await asyncio.open_connection("localhost", port, ssl=CLIENT))


@asynccontextmanager
async def upgrading_server() -> AsyncIterator[int]:
    async def upgrade(stream: Stream) -> None:
        await stream.read_line()
        await stream.start_tls(SERVER, server_side=True)
        await echo(stream)

    async with await serve(upgrade, LOCALHOST, 0) as server:
        yield server.port


@native("start_tls in a connection", FEW, within=upgrading_server)
async def upgrading(port: int) -> None:
    async with await open_connection("localhost", port) as stream:
        await stream.write_all(b"TLS, please\n")
        await stream.start_tls(CLIENT, server_hostname="localhost")
        await stream.write_all(b"line\n")
        await stream.read_line()


@native("TLS handshake fails", FEW, within=tls_server)
async def tls_failure(port: int) -> None:
    with suppress(ssl.SSLError):
        await open_connection("localhost", port, ssl=DISTRUSTFUL)


@tls_failure.asyncio(within=asyncio_tls_server, on_compat="streams: TLS handshake fails")
async def _(port: int) -> None:
    with suppress(ssl.SSLError):
        await asyncio.open_connection("localhost", port, ssl=DISTRUSTFUL)


@native("TLS handshake cancelled", FEW, within=listening)
async def tls_cancelled(server: socket.socket) -> None:
    port = server.getsockname()[1]
    task = await spawn(make(lambda: open_connection(LOCALHOST, port, ssl=CLIENT)))
    await sleep(1e-6)
    sock, _ = server.accept()
    with sock:
        task.cancel()
        await until_done(task)


@asynccontextmanager
async def unix_server() -> AsyncIterator[str]:
    with tempfile.TemporaryDirectory() as directory:
        async with await serve_unix(echo, f"{directory}/socket"):
            yield f"{directory}/socket"


@asynccontextmanager
async def asyncio_unix_server() -> AsyncIterator[str]:
    with tempfile.TemporaryDirectory() as directory:
        async with await asyncio.start_unix_server(echo_in_asyncio, f"{directory}/socket"):
            yield f"{directory}/socket"


@native("Unix connection, echo, close", SOME, within=unix_server)
async def unix_connection(path: str) -> None:
    await talk(await open_unix_connection(path))


@unix_connection.asyncio(within=asyncio_unix_server, on_compat="streams: Unix")
async def _(path: str) -> None:
    await talk_in_asyncio(*await asyncio.open_unix_connection(path))


@native("Unix connection refused")
async def unix_refused() -> None:
    with suppress(FileNotFoundError):
        await open_unix_connection("/nowhere")


@unix_refused.asyncio()
async def _() -> None:
    with suppress(FileNotFoundError):
        await asyncio.open_unix_connection("/nowhere")


@native("serve_unix, shutdown", SOME)
async def unix_serving() -> None:
    with tempfile.TemporaryDirectory() as directory:
        async with await serve_unix(echo, f"{directory}/socket"):
            await checkpoint()


@native("datagrams sent and received", SOME)
async def datagrams() -> None:
    async with await open_datagram(local_address=(LOCALHOST, 0)) as receiver:
        async with await open_datagram(*receiver.address) as sender:
            task = await spawn(make(receiver.receive))
            await checkpoint()
            await sender.send(b"x")
            await task
            await cancel_in(receiver.receive)


@datagrams.asyncio(on_compat="datagrams")
async def _() -> None:
    loop = asyncio.get_running_loop()
    receiver, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=(LOCALHOST, 0))
    address = receiver.get_extra_info("sockname")
    sender, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=address)
    sender.sendto(b"x")
    await asyncio.sleep(1e-6)
    receiver.close()
    sender.close()
    await asyncio.sleep(0)


@native("datagram to nobody", SOME)
async def datagram_to_nobody() -> None:
    async with await open_datagram(LOCALHOST, PORT) as sender:
        await sender.send(b"x")
        with suppress(ConnectionRefusedError):
            await sender.receive()
