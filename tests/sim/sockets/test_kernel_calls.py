"""The native library's streams, servers and datagrams."""

from __future__ import annotations

import errno
import socket

import pytest

from kernel import (Cancelled, EndpointClosed, Event, IncompleteRead, Stream, cancel, open_connection, open_datagram,
                    open_unix_connection, run_in_thread, serve, serve_unix, sleep, spawn, timeout)
from tests.support.socket_cases import LOCALHOST, closed_port, directory, fails, pair, receive
from tests.support.tls import client_context, server_context


async def echo(stream: Stream) -> None:
    while data := await stream.read():
        await stream.write_all(data)


async def test_an_echo() -> None:
    async with await serve(echo, LOCALHOST, 0) as server:
        async with await open_connection(LOCALHOST, server.port) as stream:
            for size in 1, 1000, 1_000_000:
                writing = await spawn(stream.write_all(bytes(size)))
                assert await stream.read_exactly(size) == bytes(size)
                await writing


async def test_by_name() -> None:
    async with await serve(echo, "localhost", 0) as server:
        async with await open_connection("localhost", server.port) as stream:
            await stream.write_all(b"hello")
            assert await stream.read_exactly(5) == b"hello"


async def test_lines_and_a_half_close() -> None:
    async def number(stream: Stream) -> None:
        count = 0
        while await stream.more():
            assert (await stream.read_line()).endswith(b"\n")
            count += 1
        await stream.write_all(b"%d lines" % count)

    async with await serve(number, LOCALHOST, 0) as server:
        async with await open_connection(LOCALHOST, server.port) as stream:
            await stream.write_all(b"one\ntwo\nthree\n")
            await stream.end_writing()
            assert await stream.read_all() == b"3 lines"


async def test_refused() -> None:
    with fails(errno.ECONNREFUSED):
        await open_connection(LOCALHOST, closed_port())


async def test_an_unknown_name() -> None:
    with pytest.raises(socket.gaierror):
        await open_connection("no-such-host.invalid", 80)


async def test_a_port_in_use() -> None:
    async with await serve(echo, LOCALHOST, 0) as server:
        with fails(errno.EADDRINUSE):
            await serve(echo, LOCALHOST, server.port)


async def test_many_at_once() -> None:
    async def talk(number: int) -> None:
        async with await open_connection(LOCALHOST, server.port) as stream:
            await stream.write_all(b"%d\n" % number)
            assert await stream.read_line() == b"%d\n" % number

    async with await serve(echo, LOCALHOST, 0) as server:
        for task in [await spawn(talk(number)) for number in range(30)]:
            await task


async def test_a_reset_while_reading() -> None:
    async def slam(stream: Stream) -> None:
        await stream.read(1)  # and leaves the rest

    async with await serve(slam, LOCALHOST, 0) as server:
        async with await open_connection(LOCALHOST, server.port) as stream:
            await stream.write_all(bytes(100_000))
            with fails(errno.ECONNRESET):
                await stream.read_all()


async def test_the_end_within_what_is_expected() -> None:
    async def short(stream: Stream) -> None:
        await stream.write_all(b"four")

    async with await serve(short, LOCALHOST, 0) as server:
        async with await open_connection(LOCALHOST, server.port) as stream:
            with pytest.raises(IncompleteRead) as caught:
                await stream.read_exactly(5)
            assert caught.value.partial == b"four"


async def test_a_time_limit_on_reading() -> None:
    async with await serve(echo, LOCALHOST, 0) as server:
        async with await open_connection(LOCALHOST, server.port) as stream:
            with pytest.raises(TimeoutError):
                async with timeout(0.05):
                    await stream.read()
            await stream.write_all(b"still there")
            assert await stream.read_exactly(11) == b"still there"


async def test_a_cancelled_connection_attempt() -> None:
    async with await serve(echo, LOCALHOST, 0) as server:
        task = await spawn(open_connection(LOCALHOST, server.port).__await__())
        await sleep(0)
        cancel(task)
        try:
            stream = await task
        except Cancelled:
            return
        stream.close()


async def test_back_pressure_stops_a_writer() -> None:
    going_on = Event()

    async def slow(stream: Stream) -> None:
        await going_on.wait()
        assert len(await stream.read_all()) == 8_000_000

    async with await serve(slow, LOCALHOST, 0) as server:
        async with await open_connection(LOCALHOST, server.port) as stream:
            writing = await spawn(stream.write_all(bytes(8_000_000)))
            await sleep(0.2)
            assert not writing.done()
            going_on.set()
            await writing


async def test_a_closed_stream() -> None:
    async with await serve(echo, LOCALHOST, 0) as server:
        stream = await open_connection(LOCALHOST, server.port)
        stream.close()
        with pytest.raises(EndpointClosed):
            await stream.read()


async def test_over_a_unix_socket() -> None:
    with directory() as folder:
        path = folder / "s"
        async with await serve_unix(echo, path):
            async with await open_unix_connection(path) as stream:
                await stream.write_all(b"hello")
                assert await stream.read_exactly(5) == b"hello"
        with pytest.raises((FileNotFoundError, ConnectionRefusedError)):
            await open_unix_connection(path)


async def test_over_tls() -> None:
    async with await serve(echo, LOCALHOST, 0, ssl=server_context()) as server:
        async with await open_connection("localhost", server.port, ssl=client_context()) as stream:
            writing = await spawn(stream.write_all(b"x" * 200_000))
            assert await stream.read_exactly(200_000) == b"x" * 200_000
            await writing


async def test_datagrams() -> None:
    async with await open_datagram(local_address=(LOCALHOST, 0)) as server:
        async with await open_datagram(LOCALHOST, server.address[1]) as client:
            await client.send(b"hello")
            data, sender = await server.receive()
            assert (data, sender) == (b"hello", client.address)
            await server.send(b"", sender)
            assert await client.receive() == (b"", server.address)


async def test_datagrams_to_a_closed_port() -> None:
    async with await open_datagram(local_address=(LOCALHOST, 0)) as server:
        port = server.address[1]
    async with await open_datagram(LOCALHOST, port) as client:
        await client.send(b"x")
        with fails(errno.ECONNREFUSED):
            await client.receive()


async def test_a_socket_that_blocks_in_a_thread() -> None:
    with pair() as (left, right):
        left.setblocking(True)
        waiting = await spawn(run_in_thread(left.recv, 10).__await__())
        await sleep(0.05)
        right.send(b"x")
        assert await waiting == b"x"
        right.send(b"y")
        assert await run_in_thread(left.recv, 10) == b"y"
        left.send(b"z")
        assert await receive(right) == b"z"
