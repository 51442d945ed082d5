"""Two sockets that are connected from the beginning, and the Unix sockets' ways of ending a connection."""

from __future__ import annotations

import errno
import socket

from kernel import wait_readable, wait_writable
from tests.support.socket_cases import fails, fill, pair, pending_error, receive, receive_until_end


async def test_there_and_back() -> None:
    with pair() as (left, right):
        left.send(b"there")
        assert await receive(right) == b"there"
        right.send(b"back")
        assert await receive(left) == b"back"


async def test_the_default_is_a_stream_of_unix_sockets_that_block() -> None:
    left, right = socket.socketpair()
    with left, right:
        assert left.family == right.family == socket.AF_UNIX
        assert left.type == socket.SOCK_STREAM
        assert left.getblocking() and left.gettimeout() is None
        assert not left.get_inheritable()
        left.sendall(b"x")
        assert right.recv(1) == b"x"


async def test_nothing_is_there() -> None:
    with pair() as (left, _), fails(errno.EAGAIN):
        left.recv(1)


async def test_no_names() -> None:
    with pair() as (left, right):
        assert left.getsockname() == left.getpeername() == right.getsockname() == ""


async def test_datagrams_keep_their_limits() -> None:
    with pair(kind=socket.SOCK_DGRAM) as (left, right):
        for data in b"one", b"", b"three":
            left.send(data)
        assert await receive(right, 2) == b"on"
        assert await receive(right) == b""
        assert await receive(right) == b"three"
        with fails(errno.EAGAIN):
            right.recv(1)


async def test_sequenced_packets_keep_their_limits_and_end() -> None:
    with pair(kind=socket.SOCK_SEQPACKET) as (left, right):
        left.send(b"one")
        left.send(b"two")
        left.close()
        assert await receive(right) == b"one"
        assert await receive(right) == b"two"
        assert await receive(right) == b""


async def test_a_half_close() -> None:
    with pair() as (left, right):
        left.send(b"all")
        left.shutdown(socket.SHUT_WR)
        with fails(errno.EPIPE):
            left.send(b"more")
        assert await receive_until_end(right) == b"all"
        right.send(b"answer")
        assert await receive(left) == b"answer"


async def test_shutdown_of_reading_breaks_the_others_writing() -> None:
    with pair() as (left, right):
        left.shutdown(socket.SHUT_RD)
        assert await receive(left) == b""
        await wait_writable(right)
        with fails(errno.EPIPE):
            right.send(b"x")
        left.send(b"other way")
        assert await receive(right) == b"other way"


async def test_closed_with_unread_data() -> None:
    with pair() as (left, right):
        right.send(b"unread")
        await wait_readable(left)
        left.close()
        await wait_readable(right)
        with fails(errno.ECONNRESET):
            right.recv(1)
        assert right.recv(1) == b""
        with fails(errno.EPIPE):
            right.send(b"x")


async def test_the_reset_of_a_pair_is_told_by_so_error() -> None:
    with pair() as (left, right):
        right.send(b"unread")
        await wait_readable(left)
        left.close()
        await wait_readable(right)
        assert pending_error(right) == errno.ECONNRESET
        assert pending_error(right) == 0


async def test_back_pressure() -> None:
    with pair() as (left, right):
        sent = fill(left)
        assert sent > 0
        with fails(errno.EAGAIN):
            left.send(b"x")
        received = 0
        while received < sent:
            received += len(await receive(right))
        await wait_writable(left)
        assert left.send(b"x") == 1
        assert received == sent
        assert await receive(right) == b"x"


async def test_datagrams_fill_a_pair() -> None:
    with pair(kind=socket.SOCK_DGRAM) as (left, right):
        count = 0
        try:
            while True:
                left.send(b"x" * 100)
                count += 1
        except BlockingIOError:
            pass
        assert count > 1
        for _ in range(count):
            assert len(await receive(right)) == 100
        await wait_writable(left)
        left.send(b"again")
        assert await receive(right) == b"again"


async def test_a_datagram_that_is_too_large() -> None:
    with pair(kind=socket.SOCK_DGRAM) as (left, _), fails(errno.EMSGSIZE):
        left.send(bytes(10_000_000))


async def test_a_closed_datagram_peer() -> None:
    with pair(kind=socket.SOCK_DGRAM) as (left, right):
        left.send(b"last")
        left.close()
        assert await receive(right) == b"last"
        with fails(errno.EAGAIN):
            right.recv(1)
        with fails(errno.ECONNREFUSED):
            right.send(b"x")
        with fails(errno.ENOTCONN):
            right.send(b"x")


async def test_no_pairs_of_internet_sockets() -> None:
    with fails(errno.EOPNOTSUPP):
        socket.socketpair(socket.AF_INET, socket.SOCK_STREAM)


async def test_connecting_what_is_connected() -> None:
    with pair() as (left, right):
        with fails(errno.EINVAL):
            left.listen()
        with fails(errno.EISCONN):
            left.sendto(b"x", "\0nobody")
