"""Sockets by way of asyncio's loop: `sock_*` and `add_reader`."""

from __future__ import annotations

import asyncio
import errno
import socket
import tempfile

import pytest

import compat
from tests.support.socket_cases import (LOCALHOST, bound, closed_port, directory, fails, fill, listening, make, pair)

engine = compat


def loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


async def connected_by_loop(listener: socket.socket, client: socket.socket) -> socket.socket:
    _, (server, address) = await asyncio.gather(loop().sock_connect(client, listener.getsockname()),
                                                loop().sock_accept(listener))
    assert address == client.getsockname() and server.gettimeout() == 0
    return server


async def test_connect_accept_send_and_receive() -> None:
    with listening() as listener, make() as client, await connected_by_loop(listener, client) as server:
        await loop().sock_sendall(client, b"h")
        assert await loop().sock_recv(server, 100) == b"h"
        buffer = bytearray(10)
        await loop().sock_sendall(server, b"b")
        assert await loop().sock_recv_into(client, buffer) == 1
        assert buffer[:1] == b"b"
        client.close()
        assert await loop().sock_recv(server, 100) == b""


async def test_refused() -> None:
    with make() as client, fails(errno.ECONNREFUSED):
        await loop().sock_connect(client, (LOCALHOST, closed_port()))


async def test_much_data() -> None:
    data = bytes(range(256)) * 10_000
    with listening() as listener, make() as client, await connected_by_loop(listener, client) as server:
        sending = asyncio.create_task(loop().sock_sendall(client, data))
        received = bytearray()
        while len(received) < len(data):
            received += await loop().sock_recv(server, 65536)
        await sending
        assert received == data


async def test_cancelled_receiving_takes_nothing() -> None:
    with pair() as (left, right):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await loop().sock_recv(left, 10)
        right.send(b"x")
        assert await loop().sock_recv(left, 10) == b"x"


async def test_a_reset() -> None:
    with listening() as listener, make() as client, await connected_by_loop(listener, client) as server:
        await loop().sock_sendall(client, b"unread")
        await readable(server)
        server.close()
        with fails(errno.ECONNRESET):
            await loop().sock_recv(client, 10)


async def readable(sock: socket.socket) -> None:
    """Wait by the loop's callbacks."""
    ready = asyncio.Event()
    loop().add_reader(sock, ready.set)
    await ready.wait()
    loop().remove_reader(sock)


async def test_datagrams() -> None:
    with bound() as server, bound() as client:
        assert await loop().sock_sendto(client, b"hello", server.getsockname()) == 5
        assert await loop().sock_recvfrom(server, 100) == (b"hello", client.getsockname())
        buffer = bytearray(10)
        await loop().sock_sendto(server, b"back", client.getsockname())
        assert await loop().sock_recvfrom_into(client, buffer) == (4, server.getsockname())


async def test_unix_sockets() -> None:
    with directory() as folder, listening(str(folder / "s"), family=socket.AF_UNIX) as listener:
        with make(socket.AF_UNIX) as client:
            await loop().sock_connect(client, str(folder / "s"))
            server, _ = await loop().sock_accept(listener)
            with server:
                await loop().sock_sendall(server, b"hello")
                assert await loop().sock_recv(client, 10) == b"hello"


async def test_readers_and_writers() -> None:
    with pair() as (left, right):
        seen: list[bytes] = []
        ready = asyncio.Event()

        def read() -> None:
            seen.append(left.recv(100))
            ready.set()

        loop().add_reader(left, read)
        for data in b"one", b"two":
            right.send(data)
            await ready.wait()
            ready.clear()
        assert seen == [b"one", b"two"]
        assert loop().remove_reader(left) and not loop().remove_reader(left)
        right.send(b"three")
        await asyncio.sleep(0.05)
        assert seen == [b"one", b"two"]

        writable = asyncio.Event()
        sent = fill(left)
        loop().add_writer(left.fileno(), writable.set)
        await asyncio.sleep(0.05)
        assert not writable.is_set()
        while sent:
            sent -= len(await loop().sock_recv(right, 65536))
        await writable.wait()
        assert loop().remove_writer(left.fileno())


async def test_sendfile() -> None:
    with pair() as (left, right), tempfile.TemporaryFile() as file:
        file.write(b"0123456789")
        file.flush()
        assert await loop().sock_sendfile(left, file, 3, 4) == 4
        assert await loop().sock_recv(right, 100) == b"3456"


async def test_a_socket_that_blocks_is_refused_in_debug_mode() -> None:
    loop().set_debug(True)
    left, right = socket.socketpair()
    with left, right:
        with pytest.raises(ValueError):
            await loop().sock_recv(left, 1)
    loop().set_debug(False)


async def test_names() -> None:
    found = await loop().getaddrinfo(LOCALHOST, 80, type=socket.SOCK_STREAM)
    assert found == [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (LOCALHOST, 80))]
    numeric = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
    assert await loop().getnameinfo((LOCALHOST, 80), numeric) == (LOCALHOST, "80")
    with pytest.raises(socket.gaierror):
        await loop().getaddrinfo("no-such-host.invalid", 80)
