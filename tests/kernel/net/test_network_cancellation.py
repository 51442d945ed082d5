"""Cancellation at every suspension of what waits for sockets and processes: nothing is lost, and nothing left open."""

from __future__ import annotations

import os
import socket
import ssl

from kernel import (Stream, VirtualClock, Waitable, checkpoint, current_task, open_connection, open_datagram, serve,
                    sleep, spawn, timeout)
from tests.support.injection import Injection, ended, leaves_nothing
from tests.support.streams import LOCALHOST, stream_pair
from tests.support.tls import client_context, server_context


def test_readers_lose_nothing() -> None:
    message = b"line\n" + b"0123456789" + b"some|" + b"rest"

    async def scenario(injection: Injection) -> None:
        a, b = stream_pair()
        received: list[bytes] = []

        async def read() -> None:
            received.append(await b.read_line())
            received.append(await b.read_exactly(10))
            received.append(await b.read_until(b"|"))
            received.append(await b.read(2))
            received.append(await b.read_all())

        async with a, b:
            task = await spawn(read())
            injection.watch(task)
            for byte in message:
                await a.write_all(bytes([byte]))
                await sleep(0.0005)  # until the reader has it
            a.close()
            await ended(task)
            rest = await b.read_all()
        assert b"".join(received) + rest == message, (received, rest)

    leaves_nothing(scenario, 10)


def test_writers_send_a_beginning_and_let_the_stream_go() -> None:
    data = os.urandom(2_000_000)

    async def scenario(injection: Injection) -> None:
        a, b = stream_pair()

        async def write() -> None:
            await a.write(data[:10])
            await a.write_all(data[10:])
            await a.end_writing()

        async with a, b:
            task = await spawn(write())
            injection.watch(task)
            received = bytearray()
            while not task.done():
                try:
                    async with timeout(0.01):
                        received += await b.read()
                except TimeoutError:
                    pass
            cancelled = await ended(task)
            a.close()
            received += await b.read_all()
        assert data.startswith(received) and (cancelled or received == data)

    leaves_nothing(scenario, 5)


def test_connecting_and_serving() -> None:
    async def scenario(injection: Injection) -> None:
        async def answer(stream: Stream) -> None:
            await stream.write_all((await stream.read_line()).upper())

        async def client(port: int) -> None:
            async with await open_connection("localhost", port, local_address=(LOCALHOST, 0)) as stream:
                await stream.write_all(b"question\n")
                assert await stream.read_all() == b"QUESTION\n"

        async with await serve(answer, LOCALHOST, 0) as server:
            task = await spawn(client(server.port))
            injection.watch(task)
            await ended(task)
            async with timeout(10):
                await client(server.port)  # the server is none the worse for it

    leaves_nothing(scenario, 6)


def test_a_server_itself() -> None:
    async def scenario(injection: Injection) -> None:
        ports: Waitable[int] = Waitable()

        async def answer(stream: Stream) -> None:
            injection.watch(await current_task())
            try:
                await stream.write_all((await stream.read_line()).upper())
                await sleep(0.001)
            except OSError:
                pass  # the client is cancelled before it has the answer

        async def serving() -> None:
            async with await serve(answer, LOCALHOST, 0, grace=1) as server:
                ports.complete(server.port)
                await server.wait()

        task = await spawn(serving())
        injection.watch(task)
        while not (ports.done() or task.done()):
            await sleep(0.001)
        if ports.done():
            try:
                async with await open_connection(LOCALHOST, ports.result()) as stream:
                    await stream.write_all(b"question\n")
                    await stream.read_all()
            except OSError:
                assert task.done() or task.cancelling()
        task.cancel()
        assert await ended(task)

    leaves_nothing(scenario, 3)


def test_tls() -> None:
    async def scenario(injection: Injection) -> None:
        async def answer(stream: Stream) -> None:
            injection.watch(await current_task())
            try:
                await stream.start_tls(server_context(), server_side=True)
                await stream.write_all(await stream.read_line())
            except OSError:
                pass  # the client is cancelled

        async def client(port: int) -> None:
            async with await open_connection("localhost", port, ssl=client_context()) as stream:
                await stream.write_all(b"question\n")
                await stream.end_writing()
                assert await stream.read_all() in (b"question\n", b"")  # when the server is cancelled

        async with await serve(answer, LOCALHOST, 0) as server:
            task = await spawn(client(server.port))
            injection.watch(task)
            try:
                await ended(task)
            except (ssl.SSLError, ConnectionError):
                pass  # the server's side was cancelled

    leaves_nothing(scenario, 8)


def test_datagrams() -> None:
    async def scenario(injection: Injection) -> None:
        received: list[bytes] = []

        async def receive(port: Waitable[int]) -> None:
            async with await open_datagram(local_address=(LOCALHOST, 0)) as datagrams:
                port.complete(datagrams.address[1])
                for _ in range(3):
                    received.append((await datagrams.receive())[0])

        port: Waitable[int] = Waitable()
        task = await spawn(receive(port))
        injection.watch(task)
        while not (port.done() or task.done()):
            await sleep(0)
        if port.done():
            async with await open_datagram(LOCALHOST, port.result()) as sender:
                for number in range(3):
                    try:
                        await sender.send(b"%d" % number)
                    except ConnectionRefusedError:
                        assert task.done()
                    await sleep(0.001)
        await ended(task)
        assert received == [b"0", b"1", b"2"][:len(received)]

    leaves_nothing(scenario, 3)


def test_a_race_of_connections_under_a_virtual_clock() -> None:
    async def scenario(injection: Injection) -> None:
        with socket.create_server((LOCALHOST, 0)) as listener:
            async def connect() -> None:
                async with await open_connection(LOCALHOST, listener.getsockname()[1]):
                    await checkpoint()

            task = await spawn(connect())
            injection.watch(task)
            await ended(task)

    leaves_nothing(scenario, 2, VirtualClock)
