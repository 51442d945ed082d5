"""Datagrams over UDP, between sockets of one host."""

from __future__ import annotations

import errno
import socket

import pytest

from kernel import sleep, wait_readable, wait_writable
from tests.support.socket_cases import (ANY_PORT, LOCALHOST, bound, fails, listening, make, pending_error, receive)

LARGEST = 65507


async def received(sock: socket.socket, size: int = 65536) -> tuple[bytes, tuple[str, int]]:
    await wait_readable(sock)
    return sock.recvfrom(size)


async def test_there_and_back() -> None:
    with bound() as server, bound() as client:
        assert client.sendto(b"there", server.getsockname()) == 5
        data, address = await received(server)
        assert (data, address) == (b"there", client.getsockname())
        server.sendto(b"back", address)
        assert await received(client) == (b"back", server.getsockname())


async def test_a_socket_gets_its_port_when_it_sends() -> None:
    with bound() as server, make(kind=socket.SOCK_DGRAM) as client:
        assert client.getsockname() == ("0.0.0.0", 0)
        client.sendto(b"x", server.getsockname())
        host, port = client.getsockname()
        assert host == "0.0.0.0" and port > 0
        assert await received(server) == (b"x", (LOCALHOST, port))


async def test_limits_are_kept() -> None:
    with bound() as server, bound() as client:
        for data in b"one", b"", b"three":
            client.sendto(data, server.getsockname())
            assert (await received(server))[0] == data


async def test_nothing_is_there() -> None:
    with bound() as server:
        for call in (lambda: server.recv(1), lambda: server.recvfrom(1), lambda: server.recvmsg(1),
                     lambda: server.recvfrom_into(bytearray(1))):
            with fails(errno.EAGAIN):
                call()


async def test_the_largest_and_what_is_larger() -> None:
    with bound() as server, bound() as client:
        assert client.sendto(bytes(LARGEST), server.getsockname()) == LARGEST
        assert len((await received(server))[0]) == LARGEST
        with fails(errno.EMSGSIZE):
            client.sendto(bytes(LARGEST + 1), server.getsockname())


async def test_what_does_not_fit_is_cut_off() -> None:
    with bound() as server, bound() as client:
        for data in b"abcdef", b"ghijkl", b"mnopqr", b"next":
            client.sendto(data, server.getsockname())
            await wait_readable(server)
            if data == b"abcdef":
                assert server.recvfrom(3) == (b"abc", client.getsockname())
            elif data == b"ghijkl":
                got, _, flags, address = server.recvmsg(3)
                assert got == b"ghi" and flags & socket.MSG_TRUNC and address == client.getsockname()
            elif data == b"mnopqr":
                buffer = bytearray(3)
                assert server.recv_into(buffer) == 3
                assert buffer == b"mno"
            else:
                assert server.recv(10) == b"next"


async def test_reading_nothing() -> None:
    with bound() as server, bound() as client:
        client.sendto(b"first", server.getsockname())
        await wait_readable(server)
        assert server.recv(0) == b""  # Python does not even ask
        assert server.recvfrom(0) == (b"", client.getsockname())  # but this takes the datagram
        with fails(errno.EAGAIN):
            server.recv(1)


async def test_peeking() -> None:
    with bound() as server, bound() as client:
        client.sendto(b"abc", server.getsockname())
        await wait_readable(server)
        assert server.recvfrom(1, socket.MSG_PEEK) == (b"a", client.getsockname())
        assert server.recvfrom(10) == (b"abc", client.getsockname())


async def test_the_true_size_of_what_is_cut_off() -> None:
    with bound() as server, bound() as client:
        client.sendto(b"abcdef", server.getsockname())
        await wait_readable(server)
        buffer = bytearray(2)
        assert server.recv_into(buffer, 2, socket.MSG_TRUNC | socket.MSG_PEEK) == 6
        assert buffer == b"ab"
        assert server.recv(10) == b"abcdef"


async def test_nowhere_to_send() -> None:
    with bound() as client:
        with fails(errno.EDESTADDRREQ):
            client.send(b"x")
        with fails(errno.ENOTCONN):
            client.getpeername()
        with fails(errno.EDESTADDRREQ):
            client.sendmsg([b"x"])


async def test_port_zero_is_no_destination() -> None:
    with bound() as client, fails(errno.EINVAL):
        client.sendto(b"x", (LOCALHOST, 0))


async def test_connected() -> None:
    with bound() as server, make(kind=socket.SOCK_DGRAM) as client:
        client.connect(server.getsockname())
        assert client.getpeername() == server.getsockname()
        assert client.getsockname()[0] == LOCALHOST
        client.send(b"there")
        assert await received(server) == (b"there", client.getsockname())
        server.sendto(b"back", client.getsockname())
        assert await received(client) == (b"back", server.getsockname())


async def test_connected_hears_only_its_peer() -> None:
    with bound() as peer, bound() as stranger, bound() as client:
        client.connect(peer.getsockname())
        stranger.sendto(b"not for you", client.getsockname())
        await sleep(0.1)
        peer.sendto(b"for you", client.getsockname())
        assert await received(client) == (b"for you", peer.getsockname())
        with fails(errno.EAGAIN):
            client.recv(1)


async def test_connected_may_send_elsewhere() -> None:
    with bound() as peer, bound() as other, bound() as client:
        client.connect(peer.getsockname())
        client.sendto(b"elsewhere", other.getsockname())
        assert await received(other) == (b"elsewhere", client.getsockname())


async def test_connected_again_and_to_nobody() -> None:
    with bound() as first, bound() as second, bound() as client:
        client.connect(first.getsockname())
        client.connect(second.getsockname())
        client.send(b"x")
        assert await receive(second) == b"x"
        client.connect(("0.0.0.0", second.getsockname()[1]))
        assert client.getpeername() == second.getsockname()


async def test_a_closed_port_is_told_to_who_is_connected() -> None:
    with bound() as gone, bound() as client:
        client.connect(gone.getsockname())
        gone.close()
        client.send(b"x")
        await wait_readable(client)
        with fails(errno.ECONNREFUSED):
            client.recv(1)
        with fails(errno.EAGAIN):
            client.recv(1)


async def test_a_closed_port_is_told_by_send_and_by_so_error() -> None:
    with bound() as gone, bound() as client:
        client.connect(gone.getsockname())
        gone.close()
        client.send(b"x")
        await wait_readable(client)
        with fails(errno.ECONNREFUSED):
            client.send(b"y")
        client.send(b"z")
        await wait_readable(client)
        assert pending_error(client) == errno.ECONNREFUSED
        assert pending_error(client) == 0


async def test_a_closed_port_is_not_told_to_who_is_not_connected() -> None:
    with bound() as client, bound() as gone:
        address = gone.getsockname()
        gone.close()
        client.sendto(b"x", address)
        await sleep(0.1)
        assert pending_error(client) == 0
        client.sendto(b"y", address)
        with fails(errno.EAGAIN):
            client.recv(1)


async def test_a_sender_is_always_ready() -> None:
    with bound() as server, make(kind=socket.SOCK_DGRAM) as client:
        client.connect(server.getsockname())
        for _ in range(500):
            await wait_writable(client)
            client.send(bytes(1000))  # what the other side has no room for is lost


async def test_a_slow_reader_loses_datagrams() -> None:
    with bound() as server, bound() as client:
        for number in range(500):
            client.sendto(b"%4d" % number + bytes(1000), server.getsockname())
        await sleep(0.3)
        count = 0
        try:
            while True:
                server.recv(2000)
                count += 1
        except BlockingIOError:
            pass
        assert 0 < count < 500
        client.sendto(b"there is room again", server.getsockname())
        assert await receive(server) == b"there is room again"


async def test_a_port_in_use() -> None:
    with bound() as sock, make(kind=socket.SOCK_DGRAM) as other:
        with fails(errno.EADDRINUSE):
            other.bind(sock.getsockname())
        with fails(errno.EADDRINUSE):
            other.bind(("", sock.getsockname()[1]))


async def test_sharing_a_port() -> None:
    with make(kind=socket.SOCK_DGRAM) as first, make(kind=socket.SOCK_DGRAM) as second, bound() as client:
        for sock in first, second:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        first.bind(ANY_PORT)
        second.bind(first.getsockname())
        client.sendto(b"x", first.getsockname())
        assert await receive(second) == b"x"  # the last one has it
        with fails(errno.EAGAIN):
            first.recv(1)


async def test_a_more_exact_address_comes_first() -> None:
    with make(kind=socket.SOCK_DGRAM) as wide, make(kind=socket.SOCK_DGRAM) as exact, bound() as client:
        for sock in wide, exact:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        exact.bind(ANY_PORT)
        port = exact.getsockname()[1]
        wide.bind(("", port))
        client.sendto(b"exact", (LOCALHOST, port))
        client.sendto(b"wide", ("127.0.0.2", port))
        assert await receive(exact) == b"exact"
        assert await receive(wide) == b"wide"


async def test_shutting_down() -> None:
    with bound() as server, bound() as client:
        with fails(errno.ENOTCONN):
            client.shutdown(socket.SHUT_RDWR)
        client.connect(server.getsockname())
        client.shutdown(socket.SHUT_WR)
        with fails(errno.EPIPE):
            client.send(b"x")
        client.shutdown(socket.SHUT_RD)
        await wait_readable(client)
        with fails(errno.EAGAIN):
            client.recv(1)


async def test_several_buffers() -> None:
    with bound() as server, bound() as client:
        assert client.sendmsg([b"ab", b"cd"], [], 0, server.getsockname()) == 4
        await wait_readable(server)
        first, second = bytearray(3), bytearray(3)
        count, ancillary, flags, address = server.recvmsg_into([first, second])
        assert (count, ancillary, address) == (4, [], client.getsockname())
        assert first == b"abc" and second == b"d\0\0"
        assert not flags & socket.MSG_TRUNC


async def test_recvfrom_into() -> None:
    with bound() as server, bound() as client:
        client.sendto(b"abc", server.getsockname())
        await wait_readable(server)
        buffer = bytearray(5)
        assert server.recvfrom_into(buffer) == (3, client.getsockname())
        assert buffer == b"abc\0\0"


async def test_by_name_and_with_flags() -> None:
    with bound() as server, bound() as client:
        port = server.getsockname()[1]
        client.sendto(b"x", 0, ("localhost", port))
        assert await receive(server) == b"x"
        with pytest.raises(TypeError):
            client.sendto(b"x", LOCALHOST)
        with pytest.raises(TypeError):
            client.sendto(b"x")  # type: ignore[call-overload]


async def test_to_itself() -> None:
    with bound() as sock:
        sock.sendto(b"echo", sock.getsockname())
        assert await received(sock) == (b"echo", sock.getsockname())


async def test_over_ipv6() -> None:
    with bound(("::1", 0), family=socket.AF_INET6) as server, make(socket.AF_INET6, socket.SOCK_DGRAM) as client:
        client.sendto(b"six", server.getsockname()[:2])
        data, address = await received(server)
        assert (data, address[0]) == (b"six", "::1") and len(address) == 4
        server.sendto(b"back", address)
        assert await receive(client) == b"back"
        with fails(errno.EMSGSIZE):
            client.sendto(bytes(65528), server.getsockname())


async def test_a_listener_at_the_port_is_nobody() -> None:
    with bound() as client, listening() as listener:
        client.connect(listener.getsockname())
        client.send(b"x")
        await wait_readable(client)
        with fails(errno.ECONNREFUSED):
            client.recv(1)
