"""A connection ends: one way, both ways, in order, or with a reset."""

from __future__ import annotations

import errno
import socket

from kernel import sleep, spawn, wait_readable, wait_writable
from tests.support.socket_cases import (RESET, arrived, connected, fails, fill, pair, pending_error, receive,
                                        receive_exactly, receive_until_end, send_all)


async def sends_until_error(sock: socket.socket) -> OSError:
    """Send until the other side has said that it is gone."""
    for _ in range(1000):
        try:
            sock.send(b"x")
        except OSError as error:
            return error
        await sleep(0.01)
    raise AssertionError("no error")


async def test_half_closed_by_the_client() -> None:
    async with connected() as (client, server):
        client.send(b"request")
        client.shutdown(socket.SHUT_WR)
        with fails(errno.EPIPE):
            client.send(b"more")
        assert await receive_until_end(server) == b"request"
        reading = await spawn(receive_until_end(client))
        await send_all(server, b"answer" * 50_000)
        server.close()
        assert await reading == b"answer" * 50_000


async def test_half_closed_by_the_server() -> None:
    async with connected() as (client, server):
        server.send(b"bye")
        server.shutdown(socket.SHUT_WR)
        assert await receive_until_end(client) == b"bye"
        client.send(b"but")
        client.close()
        assert await receive_until_end(server) == b"but"


async def test_the_end_is_read_again_and_again() -> None:
    async with connected() as (client, server):
        client.close()
        for _ in range(3):
            assert await receive(server) == b""


async def test_both_half_close() -> None:
    async with connected() as (client, server):
        client.shutdown(socket.SHUT_WR)
        assert await receive(server) == b""
        server.shutdown(socket.SHUT_WR)
        assert await receive(client) == b""
        with fails(errno.EPIPE):
            server.send(b"x")
        with fails(errno.EPIPE):
            client.send(b"x")


async def test_shutdown_twice_in_the_same_direction() -> None:
    async with connected() as (client, server):
        client.shutdown(socket.SHUT_WR)
        client.shutdown(socket.SHUT_WR)
        client.shutdown(socket.SHUT_RD)
        client.shutdown(socket.SHUT_RDWR)
        assert await receive(server) == b""


async def test_shutdown_of_reading_alone() -> None:
    async with connected() as (client, server):
        client.shutdown(socket.SHUT_RD)
        assert await receive(client) == b""
        client.send(b"still written")
        assert await receive_exactly(server, 13) == b"still written"


async def test_what_comes_after_a_shutdown_of_reading_is_read() -> None:
    async with connected() as (client, server):
        client.shutdown(socket.SHUT_RD)
        server.send(b"late")
        await sleep(0.3)
        assert client.recv(10) == b"late"  # Linux keeps it; it only says that the end may be read as well
        assert client.recv(10) == b""


async def test_what_came_before_a_shutdown_of_reading_is_read() -> None:
    async with connected() as (client, server):
        server.send(b"early")
        await arrived(client, 5)
        client.shutdown(socket.SHUT_RD)
        assert client.recv(10) == b"early"
        assert client.recv(10) == b""


async def test_shutdown_of_both_ends_the_others_reading() -> None:
    async with connected() as (client, server):
        server.send(b"last")
        server.shutdown(socket.SHUT_RDWR)
        assert await receive_until_end(client) == b"last"
        assert server.recv(10) == b""
        with fails(errno.EPIPE):
            server.send(b"x")


async def test_shutdown_of_both_answers_data_with_a_reset() -> None:
    async with connected() as (client, server):
        server.shutdown(socket.SHUT_RDWR)
        assert await receive(client) == b""
        client.send(b"x")
        await reset_arrived(client)
        assert pending_error(client) == errno.EPIPE  # since the end had come before
        with fails(errno.ECONNRESET):
            server.recv(1)
        with fails(errno.EPIPE):
            server.send(b"x")


async def test_shutdown_with_a_wrong_number() -> None:
    async with connected() as (client, _):
        with fails(errno.EINVAL):
            client.shutdown(7)
        with fails(errno.EINVAL):
            client.shutdown(-1)


async def test_sending_to_a_closed_peer_is_answered_with_a_reset() -> None:
    async with connected() as (client, server):
        server.close()
        assert await receive(client) == b""
        assert client.send(b"first") == 5
        error = await sends_until_error(client)
        assert isinstance(error, BrokenPipeError) and error.errno == errno.EPIPE
        assert client.recv(1) == b""


async def test_sending_to_a_closed_peer_without_reading() -> None:
    async with connected() as (client, server):
        server.close()
        await wait_readable(client)
        client.send(b"first")
        error = await sends_until_error(client)
        assert type(error) is BrokenPipeError
        assert client.recv(1) == b""


async def test_a_shutdown_after_the_reset() -> None:
    async with connected() as (client, server):
        server.close()
        await wait_readable(client)
        client.send(b"first")
        await sends_until_error(client)
        with fails(errno.ENOTCONN):
            client.shutdown(socket.SHUT_WR)
        with fails(errno.ENOTCONN):
            client.getpeername()


async def test_unread_data_at_close_is_a_reset() -> None:
    async with connected() as (client, server):
        client.send(b"never read")
        await wait_readable(server)
        server.close()
        await wait_readable(client)
        with fails(errno.ECONNRESET):
            client.recv(1)
        assert client.recv(1) == b""
        with fails(errno.EPIPE):
            client.send(b"x")


async def test_what_came_before_a_reset_is_read() -> None:
    async with connected() as (client, server):
        client.send(b"never read")
        await wait_readable(server)
        server.send(b"but this")
        await arrived(client, 8)
        server.close()
        await reset_arrived(client)
        assert client.recv(4) == b"but "  # Linux keeps it
        assert client.recv(9) == b"this"
        with fails(errno.ECONNRESET):
            client.recv(1)
        assert client.recv(1) == b""


async def reset_arrived(sock: socket.socket) -> None:
    """Wait until the connection is no more, without taking its error."""
    for _ in range(1000):
        try:
            sock.getpeername()
        except OSError:
            return
        await sleep(0.01)
    raise AssertionError("no reset")


async def test_a_reset_is_an_error_while_writing() -> None:
    async with connected() as (client, server):
        fill(client)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        server.close()
        await wait_writable(client)
        with fails(errno.ECONNRESET):
            client.send(b"x")
        with fails(errno.EPIPE):
            client.send(b"x")
        assert client.recv(1) == b""


async def test_a_reset_is_told_once_by_so_error() -> None:
    async with connected() as (client, server):
        server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        server.close()
        await wait_readable(client)
        assert pending_error(client) == errno.ECONNRESET
        assert pending_error(client) == 0
        assert client.recv(1) == b""
        with fails(errno.EPIPE):
            client.send(b"x")


async def test_lingering_for_no_seconds_resets() -> None:
    async with connected() as (client, server):
        server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        assert server.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8) == RESET
        server.close()
        await wait_readable(client)
        with fails(errno.ECONNRESET):
            client.recv(100)


async def test_lingering_after_a_half_close_resets_as_well() -> None:
    async with connected() as (client, server):
        server.shutdown(socket.SHUT_WR)
        assert await receive(client) == b""
        server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        server.close()
        await reset_arrived(client)
        assert pending_error(client) == errno.EPIPE  # since the end had come before
        assert client.recv(1) == b""
        with fails(errno.EPIPE):
            client.send(b"x")


async def test_a_writer_is_told_when_its_reader_goes() -> None:
    async with connected() as (client, server):
        fill(client)
        await wait_readable(server)
        server.close()  # with unread data
        await wait_writable(client)
        with fails(errno.ECONNRESET):
            client.send(b"x")


async def test_a_reset_socket_is_readable_and_writable() -> None:
    async with connected() as (client, server):
        server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        server.close()
        await reset_arrived(client)
        await wait_readable(client)
        await wait_writable(client)


async def test_closing_delivers_what_was_sent() -> None:
    async with connected() as (client, server):
        sent = fill(client)
        client.close()
        assert len(await receive_until_end(server)) == sent


async def test_closing_in_each_order() -> None:
    for first in 0, 1:
        async with connected() as ends:
            ends[first].send(b"a")
            ends[1 - first].send(b"b")
            assert await receive(ends[first]) == b"b"
            assert await receive(ends[1 - first]) == b"a"
            ends[first].close()
            assert await receive(ends[1 - first]) == b""
            ends[1 - first].close()


async def test_shut_down_by_one_duplicate_is_shut_down_for_all() -> None:
    async with connected() as (client, server):
        with client.dup() as other:
            client.shutdown(socket.SHUT_WR)
            with fails(errno.EPIPE):
                other.send(b"x")
            assert await receive(server) == b""


async def test_closed_when_the_last_duplicate_is_closed() -> None:
    async with connected() as (client, server):
        with client.dup() as other:
            client.close()
            server.send(b"still here")
            assert await receive_exactly(other, 10) == b"still here"
            other.send(b"and here")
            assert await receive_exactly(server, 8) == b"and here"
        assert await receive(server) == b""


async def test_a_pair_ends() -> None:
    with pair() as (left, right):
        left.send(b"rest")
        left.close()
        assert await receive_exactly(right, 4) == b"rest"
        assert await receive(right) == b""
        with fails(errno.EPIPE):
            right.send(b"x")
