"""Streams, and what tests of them have at the other end."""

from __future__ import annotations

import socket

from kernel import Server, Stream, open_connection, sleep

LOCALHOST = "127.0.0.1"


def stream_pair() -> tuple[Stream, Stream]:
    """Both ends of a connection."""
    a, b = socket.socketpair()
    return Stream.of_socket(a, "A"), Stream.of_socket(b, "B")


def stream_and_peer() -> tuple[Stream, socket.socket]:
    """One end of a connection, and the socket at the other one."""
    ours, theirs = socket.socketpair()
    return Stream.of_socket(ours), theirs


async def echo(stream: Stream) -> None:
    """A handler that sends back what it receives."""
    while data := await stream.read():
        await stream.write_all(data)


async def connected(server: Server, number: int = 1) -> list[Stream]:
    """Connections that the server is handling."""
    streams = [await open_connection(LOCALHOST, server.port) for _ in range(number)]
    while server.connections < number:
        await sleep(0.001)
    return streams


async def lines(stream: Stream) -> None:
    """A handler that sends back each line after a second, and takes its leave when the server winds down."""
    while await stream.more():
        line = await stream.read_line()
        await sleep(1)
        await stream.write_all(line)
    await stream.write_all(b"bye\n")


async def everything(stream: Stream) -> bytes:
    """What comes until the end; then the stream is closed."""
    async with stream:
        return await stream.read_all()
