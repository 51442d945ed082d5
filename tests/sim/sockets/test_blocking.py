"""Sockets that block, or wait for a while: their own task waits, and with it the whole program."""

from __future__ import annotations

import errno
import socket
import time

import pytest

from tests.support.socket_cases import (ANY_PORT, LOCALHOST, arrived, closed_port, connected, fails, listening, pair)


async def test_a_request_and_its_answer() -> None:
    with socket.create_server(ANY_PORT) as listener, socket.socket() as client:
        client.connect(listener.getsockname())
        server, _ = listener.accept()
        with server:
            client.sendall(b"request")
            assert server.recv(7, socket.MSG_WAITALL) == b"request"
            server.sendall(b"answer")
            server.close()
            assert client.recv(6, socket.MSG_WAITALL) == b"answer"
            assert client.recv(100) == b""


async def test_refused() -> None:
    address = LOCALHOST, closed_port()
    with socket.socket() as client:
        with fails(errno.ECONNREFUSED):
            client.connect(address)
        assert client.connect_ex(address) == errno.ECONNREFUSED


async def test_nothing_comes_in_time() -> None:
    async with connected() as (client, _):
        client.settimeout(0.05)
        began = time.monotonic()
        with pytest.raises(TimeoutError) as caught:
            client.recv(1)
        assert caught.value.errno is None and not isinstance(caught.value, BlockingIOError)
        assert time.monotonic() - began >= 0.05


async def test_nobody_comes_in_time() -> None:
    with listening() as listener:
        listener.settimeout(0.05)
        with pytest.raises(TimeoutError):
            listener.accept()


async def test_no_room_in_time() -> None:
    async with connected() as (client, _):
        client.settimeout(0.05)
        with pytest.raises(TimeoutError):
            client.sendall(bytes(50_000_000))


async def test_no_answer_in_time() -> None:
    with listening(backlog=0) as listener, socket.socket() as first, socket.socket() as second:
        first.connect(listener.getsockname())
        second.settimeout(0.05)
        with pytest.raises(TimeoutError):
            second.connect(listener.getsockname())


async def test_a_datagram_in_time() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as server, socket.socket(type=socket.SOCK_DGRAM) as client:
        server.bind(ANY_PORT)
        server.settimeout(5)
        client.sendto(b"x", server.getsockname())
        assert server.recvfrom(5)[0] == b"x"
        server.settimeout(0.05)
        with pytest.raises(TimeoutError):
            server.recvfrom(5)


async def test_data_in_time() -> None:
    async with connected() as (client, server):
        client.send(b"x")
        server.settimeout(5)
        assert server.recv(5) == b"x"


async def test_waiting_for_all_with_a_time_limit_takes_what_is_there() -> None:
    async with connected() as (client, server):
        client.send(b"abc")
        await arrived(server, 3)
        server.settimeout(5)
        assert server.recv(6, socket.MSG_WAITALL) == b"abc"


async def test_a_pair_that_blocks() -> None:
    with pair() as (left, right):
        left.setblocking(True)
        right.setblocking(True)
        left.sendall(b"x" * 1000)
        assert right.recv(1000, socket.MSG_WAITALL) == b"x" * 1000
        left.settimeout(0.05)
        with pytest.raises(TimeoutError):
            left.recv_into(bytearray(1))


async def test_a_file_over_a_socket_with_a_timeout() -> None:
    async with connected() as (client, server):
        server.settimeout(0.05)
        with server.makefile("rb") as reader:
            client.send(b"half a line")
            with pytest.raises(TimeoutError):
                reader.readline()
            with pytest.raises(OSError):  # it cannot go on
                reader.readline()


async def test_a_call_with_a_time_limit_waits_also_where_it_cannot_succeed() -> None:
    with listening() as listener:
        listener.settimeout(0.05)
        with pytest.raises(TimeoutError):
            listener.recv(1)
        with pytest.raises(TimeoutError):
            listener.send(b"x")
    async with connected() as (client, _):
        client.settimeout(0.05)
        with pytest.raises(TimeoutError):
            client.accept()


async def test_an_attempt_to_connect_that_took_too_long_is_given_up() -> None:
    with listening(backlog=0) as listener, socket.socket() as first, socket.socket() as second:
        first.connect(listener.getsockname())
        second.settimeout(0.05)
        with pytest.raises(TimeoutError):
            second.connect(listener.getsockname())
        assert second.connect_ex(listener.getsockname()) == errno.EALREADY
        second.shutdown(socket.SHUT_RDWR)
        with fails(errno.ECONNRESET):
            second.recv(1)
