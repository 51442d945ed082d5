"""Sockets as Python's objects: what they say of themselves, how they are closed, duplicated and given away."""

from __future__ import annotations

import copy
import errno
import os
import pickle
import select
import selectors
import socket
import weakref
import _socket
from collections.abc import Callable

import pytest

from kernel import sleep, spawn, wait_readable, wait_writable
from tests.support.socket_cases import (accept, bound, connect, connected, fails, listening, make, pair, receive)


async def test_what_it_is() -> None:
    with socket.socket() as sock:
        assert isinstance(sock, socket.socket) and isinstance(sock, _socket.socket)
        assert (sock.family, sock.type, sock.proto) == (socket.AF_INET, socket.SOCK_STREAM, 0)
        assert isinstance(sock.family, socket.AddressFamily) and isinstance(sock.type, socket.SocketKind)
        assert sock.getblocking() and sock.timeout is None
        assert not sock.get_inheritable()
        assert sock.fileno() >= 0


async def test_types_with_flags() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC) as sock:
        assert sock.type == socket.SOCK_STREAM
        assert not sock.getblocking() and sock.gettimeout() == 0


async def test_types_that_do_not_exist() -> None:
    with fails(errno.EAFNOSUPPORT):
        socket.socket(12345)
    with fails(errno.EINVAL):
        socket.socket(socket.AF_INET, 12345)
    with fails(errno.EPROTONOSUPPORT):
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_UDP)
    with pytest.raises(TypeError):
        socket.socket("inet")  # type: ignore[arg-type]


async def test_a_protocol_is_kept() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as sock:
        assert sock.proto == socket.IPPROTO_TCP


async def test_repr() -> None:
    async with connected() as (client, _):
        text = repr(client)
        assert f"fd={client.fileno()}" in text
        assert f"laddr={client.getsockname()}" in text and f"raddr={client.getpeername()}" in text
        assert "family=2" in text and "type=1" in text
        client.close()
        assert "[closed]" in repr(client) and "laddr" not in repr(client)


async def test_closed() -> None:
    sock = make()
    sock.close()
    sock.close()
    assert sock.fileno() == -1
    for call in (sock.getsockname, sock.getpeername, sock.listen, sock.accept, sock.dup, lambda: sock.recv(1),
                 lambda: sock.send(b"x"), lambda: sock.bind(("127.0.0.1", 0)), lambda: sock.connect(("127.0.0.1", 1)),
                 lambda: sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), lambda: sock.shutdown(socket.SHUT_WR),
                 lambda: sock.setblocking(False), lambda: sock.settimeout(1), lambda: sock.recv_into(bytearray(1)),
                 lambda: sock.sendto(b"x", ("127.0.0.1", 1)), lambda: sock.recvfrom(1), lambda: sock.sendall(b"x"),
                 lambda: sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
                 lambda: sock.connect_ex(("127.0.0.1", 1)), lambda: sock.sendmsg([b"x"]), lambda: sock.recvmsg(1)):
        assert code_of(call) == errno.EBADF
    assert sock.family == socket.AF_INET and sock.type == socket.SOCK_STREAM


def code_of(call: Callable[[], object]) -> object:
    """The number of the error of `call`, or what it returns: `connect_ex` returns it."""
    try:
        return call()
    except OSError as error:
        return error.errno


async def test_as_a_context() -> None:
    with socket.socket() as sock:
        with sock as same:
            assert same is sock
        assert sock.fileno() == -1


async def test_detached() -> None:
    async with connected() as (client, server):
        number = client.fileno()
        assert client.detach() == number
        assert client.fileno() == -1 and client.detach() == -1
        with socket.socket(fileno=number) as again:
            again.send(b"x")
            assert await receive(server) == b"x"


async def test_made_from_a_number() -> None:
    with bound() as sock:
        with socket.socket(fileno=sock.detach()) as again:
            assert (again.family, again.type) == (socket.AF_INET, socket.SOCK_DGRAM)
            assert again.getsockname()[1] > 0
    with fails(errno.EBADF):
        socket.socket(fileno=1_999_999)
    with pytest.raises(ValueError):
        socket.socket(fileno=-1)
    with pytest.raises(TypeError):
        socket.socket(fileno="1")  # type: ignore[arg-type]


async def test_duplicated() -> None:
    async with connected() as (client, server):
        with client.dup() as second, socket.fromfd(client.fileno(), client.family, client.type) as third:
            assert len({client.fileno(), second.fileno(), third.fileno()}) == 3
            assert type(second) is type(client)
            assert second.getsockname() == third.getsockname() == client.getsockname()
            assert second.gettimeout() == 0
            for sock in client, second, third:
                sock.send(b"x")
                assert await receive(server) == b"x"
            second.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            assert third.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1


async def test_timeouts() -> None:
    with socket.socket() as sock:
        for value, blocking in (None, True), (0, False), (1.5, True), (0.0, False), (3, True):
            sock.settimeout(value)
            assert sock.gettimeout() == sock.timeout == value
            assert sock.getblocking() is blocking
        sock.setblocking(True)
        assert sock.gettimeout() is None
        sock.setblocking(False)
        assert sock.gettimeout() == 0.0
        with pytest.raises(ValueError):
            sock.settimeout(-1)
        with pytest.raises(TypeError):
            sock.settimeout("1")  # type: ignore[arg-type]


async def test_the_default_timeout() -> None:
    assert socket.getdefaulttimeout() is None
    socket.setdefaulttimeout(2.5)
    try:
        with socket.socket() as sock:
            assert sock.gettimeout() == 2.5
        left, right = socket.socketpair()
        with left, right:
            assert left.gettimeout() == 2.5
    finally:
        socket.setdefaulttimeout(None)


async def test_inheritance() -> None:
    with make() as sock:
        sock.set_inheritable(True)
        assert sock.get_inheritable()
        sock.set_inheritable(False)
        assert not sock.get_inheritable()


async def test_neither_pickled_nor_copied() -> None:
    with make() as sock:
        with pytest.raises(TypeError):
            pickle.dumps(sock)
        with pytest.raises(TypeError):
            copy.copy(sock)


async def test_equality_and_hashes() -> None:
    with make() as sock, make() as other:
        assert sock == sock and sock != other
        assert len({sock, other}) == 2


async def test_weak_references_and_attributes() -> None:
    with make() as sock:
        assert weakref.ref(sock)() is sock
        with pytest.raises(AttributeError):
            sock.unknown = 1  # type: ignore[attr-defined]


async def test_subclasses() -> None:
    class Named(socket.socket):
        label = "mine"

    with Named(socket.AF_INET, socket.SOCK_STREAM) as sock, listening() as listener:
        assert sock.label == "mine" and isinstance(sock, socket.socket)
        sock.setblocking(False)
        await connect(sock, listener.getsockname())
        (await accept(listener)).close()


async def test_not_closed_is_warned_of() -> None:
    sock = make()
    with pytest.warns(ResourceWarning, match="unclosed"):
        del sock


async def test_closed_while_it_is_waited_for() -> None:
    async with connected() as (client, server):
        async def wait() -> int | None:
            try:
                await wait_readable(client)
            except OSError as error:
                return error.errno
            return None
        waiting = await spawn(wait())
        await sleep(0.05)
        client.close()
        assert await waiting == errno.EBADF
        assert await receive(server) == b""


async def test_waiting_for_what_is_closed() -> None:
    sock = make()
    sock.close()
    with pytest.raises((ValueError, OSError)):
        await wait_readable(sock)


async def test_waited_for_by_number() -> None:
    async with connected() as (client, server):
        await wait_writable(client.fileno())
        client.send(b"x")
        await wait_readable(server.fileno())
        assert server.recv(1) == b"x"


async def test_numbers_are_used_again() -> None:
    with make() as sock:
        number = sock.fileno()
    with make() as sock:
        assert sock.fileno() == number


async def test_selectors() -> None:
    with pair() as (left, right), selectors.DefaultSelector() as selector:
        selector.register(left, selectors.EVENT_READ)
        assert selector.select(0) == []
        right.send(b"x")
        await wait_readable(left)
        assert [key.fileobj for key, _ in selector.select(0)] == [left]
        assert select.select([left], [right], [], 0) == ([left], [right], [])


async def test_read_and_written_as_files_of_the_system() -> None:
    with pair() as (left, right):
        os.write(left.fileno(), b"x")
        await wait_readable(right)
        assert os.read(right.fileno(), 5) == b"x"
