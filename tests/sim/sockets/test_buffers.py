"""Data goes through a connection: as much as fits, in the pieces in which it is read."""

from __future__ import annotations

import errno
import os
import socket
import tempfile

import pytest

from kernel import spawn, wait_readable, wait_writable
from tests.support.socket_cases import (arrived, connected, fails, fill, listening, make, pair, receive,
                                        receive_exactly, receive_until_end, send_all)


async def test_a_stream_has_no_limits_between_messages() -> None:
    async with connected() as (client, server):
        for part in b"ab", b"", b"cde", b"f":
            client.send(part)
        assert await receive_exactly(server, 4) == b"abcd"
        assert await receive_exactly(server, 2) == b"ef"


async def test_nothing_is_there() -> None:
    async with connected() as (client, server):
        with fails(errno.EAGAIN):
            server.recv(1)
        with fails(errno.EAGAIN):
            server.recv_into(bytearray(1))
        with fails(errno.EAGAIN):
            server.recvfrom(1)
        with fails(errno.EAGAIN):
            server.recvmsg(1)


async def test_reading_nothing() -> None:
    async with connected() as (client, server):
        assert server.recv(0) == b""  # and no error
        client.send(b"x")
        await wait_readable(server)
        assert server.recv(0) == b""
        assert server.recv_into(bytearray()) == 0
        assert server.recv(1) == b"x"


async def test_sending_nothing() -> None:
    async with connected() as (client, server):
        assert client.send(b"") == 0
        client.sendall(b"")
        with fails(errno.EAGAIN):
            server.recv(1)


async def test_a_negative_size() -> None:
    async with connected() as (client, _):
        for call in client.recv, client.recvfrom, client.recvmsg:
            with pytest.raises(ValueError):
                call(-1)


async def test_back_pressure() -> None:
    async with connected() as (client, server):
        sent = fill(client)
        assert sent > 10_000
        with fails(errno.EAGAIN):
            client.send(b"x")
        received = len(await receive_exactly(server, sent))
        await wait_writable(client)
        assert client.send(b"x") == 1
        assert received == sent
        assert await receive(server) == b"x"


async def test_a_large_send_is_sent_in_part() -> None:
    async with connected() as (client, server):
        data = os.urandom(1000) * 40_000
        sent = client.send(data)
        assert 0 < sent < len(data)
        client.close()
        assert await receive_until_end(server) == data[:sent]


async def test_more_than_fits_with_a_reader() -> None:
    async with connected() as (client, server):
        data = bytes(range(256)) * 32_000
        reader = await spawn(receive_until_end(server))
        await send_all(client, data)
        client.shutdown(socket.SHUT_WR)
        assert await reader == data


async def test_small_buffers_hold_less() -> None:
    taken = []
    for size in None, 4096:
        with listening() as listener, make() as client:
            if size is not None:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
                client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)
            assert client.connect_ex(listener.getsockname()) == errno.EINPROGRESS
            await wait_writable(client)
            await wait_readable(listener)
            server, _ = listener.accept()
            with server:
                taken.append(fill(client))
    assert 0 < taken[1] < taken[0] / 4


async def test_a_pair_with_small_buffers() -> None:
    with pair() as (left, right):
        left.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        sent = fill(left)
        assert 0 < sent < 50_000
        assert len(await receive_exactly(right, sent)) == sent


async def test_sendall_that_cannot_send_all() -> None:
    async with connected() as (client, _):
        with fails(errno.EAGAIN):  # when it has sent a part
            client.sendall(bytes(50_000_000))


async def test_peeking() -> None:
    async with connected() as (client, server):
        client.send(b"abc")
        await arrived(server, 3)
        assert server.recv(2, socket.MSG_PEEK) == b"ab"
        assert server.recv(2, socket.MSG_PEEK) == b"ab"
        assert server.recv(3) == b"abc"
        with fails(errno.EAGAIN):
            server.recv(1, socket.MSG_PEEK)


async def test_peeking_at_the_end() -> None:
    async with connected() as (client, server):
        client.close()
        await wait_readable(server)
        assert server.recv(1, socket.MSG_PEEK) == b""
        assert server.recv(1) == b""


async def test_peeking_at_a_datagram() -> None:
    with pair(kind=socket.SOCK_DGRAM) as (left, right):
        left.send(b"abc")
        left.send(b"def")
        await wait_readable(right)
        assert right.recv(2, socket.MSG_PEEK) == b"ab"
        assert right.recv(9) == b"abc"
        assert await receive(right) == b"def"


async def test_not_waiting_on_a_socket_that_blocks() -> None:
    async with connected() as (client, server):
        server.setblocking(True)
        with fails(errno.EAGAIN):
            server.recv(1, socket.MSG_DONTWAIT)
        client.send(b"x")
        await wait_readable(server)
        assert server.recv(5, socket.MSG_DONTWAIT) == b"x"


async def test_waiting_for_all() -> None:
    async with connected() as (client, server):
        server.setblocking(True)
        client.send(b"abc")
        client.send(b"def")
        assert server.recv(6, socket.MSG_WAITALL) == b"abcdef"
        client.send(b"end")
        client.close()
        assert server.recv(6, socket.MSG_WAITALL) == b"end"


async def test_waiting_for_all_without_blocking() -> None:
    async with connected() as (client, server):
        client.send(b"abc")
        await arrived(server, 3)
        assert server.recv(6, socket.MSG_WAITALL) == b"abc"


async def test_recv_into() -> None:
    async with connected() as (client, server):
        client.send(b"abcdef")
        await arrived(server, 6)
        buffer = bytearray(b"......")
        assert server.recv_into(buffer, 2) == 2
        assert buffer == b"ab...."
        assert server.recv_into(memoryview(buffer)[2:4]) == 2
        assert buffer == b"abcd.."
        assert server.recv_into(buffer, 0) == 2
        assert buffer == b"efcd.."


async def test_recvfrom_on_a_stream_has_no_address() -> None:
    async with connected() as (client, server):
        client.send(b"abcd")
        await arrived(server, 4)
        assert server.recvfrom(2) == (b"ab", None)
        buffer = bytearray(2)
        assert server.recvfrom_into(buffer) == (2, None)
        assert buffer == b"cd"


async def test_sendto_on_a_stream_ignores_the_address() -> None:
    async with connected() as (client, server):
        assert client.sendto(b"abc", ("127.0.0.1", 9)) == 3
        assert await receive_exactly(server, 3) == b"abc"


async def test_several_buffers_at_once() -> None:
    async with connected() as (client, server):
        assert client.sendmsg([b"ab", bytearray(b"cde"), b"", memoryview(b"fgh")]) == 8
        assert await receive_exactly(server, 8) == b"abcdefgh"
        client.sendmsg([b"abcdef"])
        await arrived(server, 6)
        first, second = bytearray(4), bytearray(4)
        assert server.recvmsg_into([first, second])[0] == 6
        assert first == b"abcd" and second == b"ef\0\0"


async def test_recvmsg() -> None:
    async with connected() as (client, server):
        client.send(b"abc")
        await arrived(server, 3)
        data, ancillary, flags, address = server.recvmsg(2)
        assert (data, ancillary, address) == (b"ab", [], None)
        assert not flags & socket.MSG_TRUNC
        assert server.recvmsg(2)[0] == b"c"


async def test_the_memory_of_a_sender_is_its_own_again() -> None:
    async with connected() as (client, server):
        buffer = bytearray(b"abc")
        client.send(buffer)
        buffer[:] = b"xyz"
        assert await receive_exactly(server, 3) == b"abc"


async def test_a_send_of_what_is_not_bytes() -> None:
    async with connected() as (client, _):
        for value in "text", 5, None, [b"x"]:
            with pytest.raises(TypeError):
                client.send(value)  # type: ignore[arg-type]


async def test_a_wide_memoryview_is_sent_as_bytes() -> None:
    async with connected() as (client, server):
        view = memoryview(b"abcdefgh").cast("I")
        assert client.send(view) == 8
        assert await receive_exactly(server, 8) == b"abcdefgh"


async def test_as_files() -> None:
    async with connected() as (client, server):
        client.setblocking(True)
        server.setblocking(True)
        with client.makefile("w", encoding="utf-8", newline="\n") as writer, server.makefile("rb") as reader:
            writer.write("eins\nzwei\n")
            writer.flush()
            assert reader.readline() == b"eins\n"
            assert reader.read(5) == b"zwei\n"
        with client.makefile("rwb", buffering=0) as raw:
            assert raw.write(b"raw") == 3
            await arrived(server, 3)
            assert server.recv(4) == b"raw"
            server.sendall(b"back")
            await arrived(client, 4)
            assert raw.read(9) == b"back"


async def test_a_file_outlives_its_socket() -> None:
    async with connected() as (client, server):
        server.setblocking(True)
        reader = server.makefile("rb")
        server.close()
        client.send(b"line\n")
        assert reader.readline() == b"line\n"
        reader.close()
        client.setblocking(True)
        assert client.recv(1) == b""


async def test_sendfile() -> None:
    async with connected() as (client, server):
        client.setblocking(True)
        with tempfile.TemporaryFile() as file:
            file.write(b"0123456789")
            file.seek(0)
            assert client.sendfile(file, 2, 5) == 5
            assert file.tell() == 7
            assert client.sendfile(file, 8) == 2
        client.close()
        assert await receive_until_end(server) == b"2345689"


async def test_sendfile_refuses_sockets_that_do_not_block_and_datagrams() -> None:
    with pair() as (left, _), make(kind=socket.SOCK_DGRAM) as datagrams, tempfile.TemporaryFile() as file:
        file.write(b"x")
        file.flush()
        datagrams.setblocking(True)
        for sock in left, datagrams:
            with pytest.raises(ValueError):
                sock.sendfile(file)


async def test_urgent_flags_that_change_nothing() -> None:
    async with connected() as (client, server):
        assert client.send(b"a", socket.MSG_NOSIGNAL) == 1
        assert client.send(b"b", socket.MSG_DONTWAIT | socket.MSG_MORE) == 1
        assert client.send(b"c") == 1
        assert await receive_exactly(server, 3) == b"abc"
