"""anyio's sockets: TCP, TLS, UDP, and Unix sockets, each with a server that sends back what it gets."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import SocketAttribute, SocketListener
from anyio.streams.tls import TLSStream

from tests.support.tls import client_context, server_context

SENT = bytes(range(256)) * 400


async def receive_exactly(stream: Any, length: int) -> bytes:
    data = b""
    while len(data) < length:
        data += await stream.receive(length - len(data))
    return data


async def echo(stream: Any) -> None:
    async with stream:
        if await receive_exactly(stream, 3) == b"TLS":
            await stream.send(b"yes")
            stream = await TLSStream.wrap(stream, server_side=True, ssl_context=server_context())
        async for data in stream:
            await stream.send(data)
        await stream.aclose()


async def echo_datagrams(socket: Any) -> None:
    async for data, sender in socket:
        await socket.sendto(data, *sender)


@asynccontextmanager
async def serving(host: str, port: int) -> AsyncIterator[int]:
    listener = await anyio.create_tcp_listener(local_host=host, local_port=port)
    port = listener.extra(SocketAttribute.local_port)
    async with (listener, await anyio.create_udp_socket(local_host=host, local_port=port) as socket,
                anyio.create_task_group() as group):
        group.start_soon(listener.serve, echo)
        group.start_soon(echo_datagrams, socket)
        yield port
        group.cancel_scope.cancel()


async def talk(stream: Any) -> None:
    """Send a lot both ways at the same time, which stops if nobody reads; then say that this is the end."""
    received = bytearray()
    async with stream, anyio.create_task_group() as group:
        group.start_soon(stream.send, SENT)
        while len(received) < len(SENT):
            received += await stream.receive()
    assert received == SENT


async def talk_over_tcp(host: str, port: int) -> None:
    stream = await anyio.connect_tcp(host, port)
    await stream.send(b"TCP")
    await talk(stream)


async def talk_over_tls(host: str, port: int) -> None:
    stream = await anyio.connect_tcp(host, port)
    await stream.send(b"TLS")
    assert await receive_exactly(stream, 3) == b"yes"
    await talk(await TLSStream.wrap(stream, hostname="localhost", ssl_context=client_context()))


async def ask_by_datagrams(host: str, port: int) -> None:
    """A datagram may be lost, so ask until there is an answer."""
    async with await anyio.create_connected_udp_socket(host, port) as socket:
        for number in range(5):
            answer = b""
            while answer != b"%d" % number:
                await socket.send(b"%d" % number)
                with anyio.move_on_after(2):
                    answer = await socket.receive()


async def talk_over_unix(directory: str) -> None:
    """The server's end is waited for: a cancellation that meets the client's end is told to the exception handler."""
    path, ended = Path(directory) / "socket", anyio.Event()

    async def serve(stream: Any) -> None:
        await echo(stream)
        ended.set()

    raw = socket.socket(socket.AF_UNIX)  # create_unix_listener would bind it in a thread of anyio's
    raw.bind(str(path))
    raw.listen()
    listener = await SocketListener.from_socket(raw)
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, serve)
        stream = await anyio.connect_unix(path)
        await stream.send(b"unx")
        await talk(stream)
        await ended.wait()
        group.cancel_scope.cancel()


async def use(host: str, port: int) -> None:
    async with anyio.create_task_group() as group:
        for _ in range(2):
            group.start_soon(talk_over_tcp, host, port)
            group.start_soon(talk_over_tls, host, port)
        group.start_soon(ask_by_datagrams, host, port)
    with tempfile.TemporaryDirectory() as directory:
        await talk_over_unix(directory)
