"""Operations of the network leave nothing that only the garbage collector could free, whether they succeed or fail."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from kernel import Server, Stream, checkpoint, open_connection, open_datagram, run, serve, sleep, spawn, timeout
from tests.support.collector import TIMES, left_by
from tests.support.descriptors import listening_at
from tests.support.reports import ignore
from tests.support.streams import LOCALHOST, stream_and_peer
from tests.support.tls import client_context, server_context

Operation = Callable[[], Awaitable[Any]]


async def refused_connect() -> None:
    with socket.socket() as sock:
        sock.bind((LOCALHOST, 0))
        port = sock.getsockname()[1]
        with suppress(ConnectionRefusedError):
            await open_connection(LOCALHOST, port)


async def connect_from_an_address_that_is_not_ours() -> None:
    with suppress(OSError):
        await open_connection(LOCALHOST, 9, local_address=("192.0.2.1", 0))


async def cancelled_connect() -> None:
    with socket.socket() as sock:
        sock.bind((LOCALHOST, 0))
        sock.listen(1)
        task = await spawn(connect(sock.getsockname()[1]))
        task.cancel()
        while not task.done():
            await checkpoint()


async def connect(port: int) -> None:
    (await open_connection(LOCALHOST, port)).close()


async def orderly_end() -> None:
    stream, peer = stream_and_peer()
    async with stream:
        await stream.write_all(b"there")
        peer.sendall(b"and back\n" + peer.recv(100))
        assert await stream.read_line() == b"and back\n"
        peer.close()
        assert await stream.more()
        assert await stream.read_all() == b"there"
        assert not await stream.more()


async def too_early_an_end() -> None:
    stream, peer = stream_and_peer()
    async with stream:
        peer.sendall(b"half")
        peer.close()
        with suppress(EOFError):
            await stream.read_exactly(10)


async def reset() -> None:
    stream, peer = stream_and_peer()
    async with stream:
        await stream.write_all(b"which the peer does not read")
        peer.close()
        with suppress(ConnectionResetError):
            await stream.read()
        with suppress(BrokenPipeError):
            await stream.write_all(b"x")


async def over_the_limit() -> None:
    stream, peer = stream_and_peer()
    with peer:
        async with stream:
            peer.sendall(b"a long line")
            with suppress(ValueError):
                await stream.read_line(limit=3)


async def closed_under_a_reader() -> None:
    stream, peer = stream_and_peer()
    with peer:
        task = await spawn(read(stream))
        await checkpoint()
        stream.close()
        while not task.done():
            await checkpoint()


async def read(stream: Stream) -> None:
    with suppress(OSError):
        await stream.read()


async def out_of_time() -> None:
    stream, peer = stream_and_peer()
    with peer:
        async with stream:
            with suppress(TimeoutError):
                async with timeout(0):
                    await stream.read()


async def made_twice() -> None:
    stream, peer = stream_and_peer()
    with peer:
        async with stream:
            request = stream.write(b"x")
            await request
            with suppress(RuntimeError):
                await request


async def datagrams() -> None:
    async with await open_datagram(local_address=(LOCALHOST, 0)) as receiver:
        async with await open_datagram(*receiver.address) as sender:
            await sender.send(b"hello")
            await receiver.receive()
            receiver.close()
            with suppress(ConnectionRefusedError):
                for _ in range(3):
                    await sender.send(b"anyone?")


async def address_in_use() -> None:
    with socket.socket() as sock:
        sock.bind((LOCALHOST, 0))
        sock.listen()
        with suppress(OSError):
            await serve(orderly, LOCALHOST, sock.getsockname()[1])


async def orderly(stream: Stream) -> None:
    await stream.write_all(await stream.read_line())


async def a_server() -> None:
    await through(await serve(orderly, LOCALHOST, 0), None)


async def a_server_with_tls() -> None:
    await through(await serve(orderly, LOCALHOST, 0, ssl=server_context()), client_context())


async def through(server: Server, context: ssl.SSLContext | None) -> None:
    async with server:
        async with await open_connection("127.0.0.1", server.port, ssl=context) as stream:
            await stream.write_all(b"hello\n")
            assert await stream.read_all() == b"hello\n"


async def a_server_with_an_idle_client() -> None:
    async with await serve(orderly, LOCALHOST, 0, grace=0) as server:
        async with await open_connection(LOCALHOST, server.port):
            while not server.connections:
                await sleep(0.0001)
            await server.shutdown()


async def a_failed_handshake() -> None:
    async with await serve(orderly, LOCALHOST, 0, ssl=server_context()) as server:
        with suppress(ssl.SSLError):
            await open_connection(LOCALHOST, server.port, ssl=ssl.create_default_context())


async def a_failing_handler() -> None:
    async def fail(stream: Stream) -> None:
        raise OSError(errno.EIO, "on purpose")

    async with await serve(fail, LOCALHOST, 0) as server:
        async with await open_connection(LOCALHOST, server.port) as stream:
            assert await stream.read() == b""


servers: list[Server] = []  # no local variable of a function whose frame an exception of the server's, or itself, holds


async def a_server_that_can_accept_no_more() -> None:
    servers.append(await serve(orderly, LOCALHOST, 0))
    with listening_at(servers[0].port) as sock:
        sock.shutdown(socket.SHUT_RDWR)
    with suppress(OSError):
        await servers[0].wait()
    servers.clear()


async def a_handler_that_shuts_the_server_down() -> None:
    servers.append(await serve(stop, LOCALHOST, 0))
    async with await open_connection(LOCALHOST, servers[0].port) as stream:
        await servers[0].wait()
        assert await stream.read() == b""
    servers.clear()


async def stop(stream: Stream) -> None:
    await servers[0].shutdown()


@pytest.mark.parametrize("operation", [
    refused_connect, connect_from_an_address_that_is_not_ours, cancelled_connect, orderly_end, too_early_an_end, reset,
    over_the_limit, closed_under_a_reader, out_of_time, made_twice, datagrams, address_in_use, a_server,
    a_server_with_tls, a_server_with_an_idle_client, a_failed_handshake, a_failing_handler,
    a_server_that_can_accept_no_more, a_handler_that_shuts_the_server_down], ids=lambda operation: operation.__name__)
def test_nothing_is_left_behind(operation: Operation) -> None:
    left = run(left_by(operation), exception_hook=ignore)
    assert left.total() < TIMES, left  # not one for each time
