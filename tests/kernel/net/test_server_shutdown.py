"""How a server ends: called for by a handler, with idle clients, in the middle of handshakes, in the middle of accepting."""

from __future__ import annotations

import logging
import os
import socket
import ssl
from contextlib import suppress
from typing import Any

import pytest
from tests.support.tls import client_context, server_context

from kernel import (Cancelled, Server, Stream, Task, TaskGroup, VirtualClock, checkpoint, current_task, now,
                    open_connection, run, serve, sleep, spawn, timeout)

LOCALHOST = "127.0.0.1"


async def connected(server: Server, number: int) -> list[Stream]:
    """Connections that the server is handling."""
    streams = [await open_connection(LOCALHOST, server.port) for _ in range(number)]
    while server.connections < number:
        await sleep(0.001)
    return streams


async def everything(stream: Stream) -> bytes:
    async with stream:
        return await stream.read_all()


@pytest.mark.parametrize("callers", [1, 3])
def test_handlers_that_shut_the_server_down(callers: int) -> None:
    """Each waits for the others that have not called for it, and `wait` for all of them."""
    order: list[str] = []

    async def main() -> None:
        async def handler(stream: Stream) -> None:
            command = await stream.read_line()
            if command == b"stop\n":
                await server.shutdown(grace=50)
                order.append("returned")
                await sleep(1)
            else:
                await sleep(5)
            await stream.write_all(command)
            order.append(command.decode().strip())

        server = await serve(handler, LOCALHOST, 0)
        streams = await connected(server, callers + 1)
        start = await now()
        await streams[0].write_all(b"work\n")
        for stream in streams[1:]:
            await stream.write_all(b"stop\n")
        await server.wait()
        assert await now() - start == 6 and server.connections == 0
        assert [await everything(stream) for stream in streams] == [b"work\n"] + [b"stop\n"] * callers
        assert order == ["work"] + ["returned"] * callers + ["stop"] * callers

    run(main(), clock=VirtualClock())


def test_a_handler_waits_for_another_until_that_calls_for_the_shutdown_too() -> None:
    async def main() -> None:
        async def handler(stream: Stream) -> None:
            if await stream.read(1) == b"1":
                await server.shutdown(grace=50)
                returned.append(await now())
            else:
                await sleep(2)
                await server.shutdown(grace=50)
                await sleep(5)

        server = await serve(handler, LOCALHOST, 0)
        start, returned = await now(), list[float]()
        for number, stream in enumerate(await connected(server, 2), 1):
            await stream.write_all(b"%d" % number)
        await server.wait()
        assert returned == [start + 2] and await now() == start + 7

    run(main(), clock=VirtualClock())


def test_a_handler_whose_child_shuts_the_server_down() -> None:
    """The child waits for the handler that waits for the child: the grace ends it."""
    async def main() -> None:
        async def handler(stream: Stream) -> None:
            async with TaskGroup() as group:
                await group.spawn(server.shutdown(grace=3))

        server = await serve(handler, LOCALHOST, 0)
        start = await now()
        stream, = await connected(server, 1)
        await server.wait()
        assert 3 <= await now() - start < 4
        assert await everything(stream) == b""

    run(main(), clock=VirtualClock())


def test_a_handler_and_the_block_shut_the_server_down_at_a_time() -> None:
    async def main() -> None:
        async def handler(stream: Stream) -> None:
            await stream.read(1)
            await server.shutdown(grace=20)
            await sleep(100)

        start = await now()
        async with await serve(handler, LOCALHOST, 0, grace=7) as server:
            first, second = await connected(server, 2)
            await first.write_all(b"x")
            await sleep(1)
        assert await now() - start == 8 and server.connections == 0
        await server.wait()
        assert await everything(first) == await everything(second) == b""

    run(main(), clock=VirtualClock())


def test_a_handler_that_shuts_the_server_down_and_is_cancelled() -> None:
    async def main() -> None:
        async def handler(stream: Stream) -> None:
            if await stream.read(1) == b"s":
                async with timeout(2):
                    await server.shutdown(grace=20)

        server = await serve(handler, LOCALHOST, 0)
        start = await now()
        first, second = await connected(server, 2)
        await first.write_all(b"s")
        await server.wait()
        assert 2 <= await now() - start < 3
        assert await everything(first) == await everything(second) == b""

    reports: list[str] = []
    run(main(), clock=VirtualClock(), exception_hook=lambda message, error: reports.append(repr(error)))
    assert len(reports) == 1 and "TimeoutError" in reports[0]


async def lines(stream: Stream) -> None:
    while await stream.more():
        line = await stream.read_line()
        await sleep(1)
        await stream.write_all(line)
    await stream.write_all(b"bye\n")


@pytest.mark.parametrize("tls", [False, True])
def test_an_idle_client_does_not_hold_the_server_up_and_a_busy_one_is_served(tls: bool) -> None:
    context = client_context() if tls else None

    async def main() -> None:
        server = await serve(lines, LOCALHOST, 0, ssl=server_context() if tls else None)
        idle, busy, half = [await open_connection(LOCALHOST, server.port, ssl=context) for _ in range(3)]
        await busy.write_all(b"one\ntwo\n")
        await half.write_all(b"begun")
        for stream in idle, busy:
            await stream.write_all(b"first\n")
        assert await idle.read_line() == b"first\n"
        assert await busy.read_line() == b"one\n"
        start = await now()
        task = await spawn(server.shutdown())
        await sleep(0.5)
        assert await everything(idle) == b"bye\n"
        await half.write_all(b" and ended\n")
        assert await everything(half) == b"begun and ended\nbye\n"
        assert (await everything(busy)).startswith(b"two\n")
        await task
        assert await now() - start < 9 and not server.connections

    run(main(), clock=VirtualClock())


def test_more_leaves_what_there_is() -> None:
    async def main() -> None:
        ours, theirs = socket.socketpair()
        stream = Stream.of_socket(ours)
        with theirs:
            waiting = await spawn(once_more(stream))
            await checkpoint()
            theirs.sendall(b"one")
            assert await waiting and await stream.more() and await stream.read() == b"one"
            waiting = await spawn(once_more(stream))
            await checkpoint()
            stream.wind_down()
            stream.wind_down()
            assert not await waiting and not await stream.more()
            theirs.sendall(b"two")
            assert not await stream.more()
            assert await stream.read(1) == b"t" and not await stream.more()
            assert await stream.read_exactly(2) == b"wo"
        assert await stream.read() == b""
        stream.close()
        with pytest.raises(OSError, match="is closed"):
            await stream.more()
        stream.wind_down()

    async def once_more(stream: Stream) -> bool:
        return await stream.more()

    run(main())


def test_a_handler_can_ask_whether_it_is_to_end() -> None:
    async def main() -> None:
        async def poll(stream: Stream) -> None:
            while not stream.winding_down:
                await sleep(1)

        async with await serve(poll, LOCALHOST, 0) as server:
            stream, = await connected(server, 1)
            start = await now()
            await server.shutdown(grace=100)
            assert await now() - start <= 1
            assert await everything(stream) == b""

    run(main(), clock=VirtualClock())


def test_a_client_that_never_shakes_hands_does_not_hold_the_server_up() -> None:
    async def main() -> None:
        server = await serve(lines, LOCALHOST, 0, ssl=server_context())
        with socket.create_connection((LOCALHOST, server.port)) as sock:
            while not server.connections:
                await sleep(0.001)
            start = await now()
            await server.shutdown(grace=30)
            assert await now() == start
            assert sock.recv(1) == b""

    run(main(), clock=VirtualClock())


def test_a_failed_handshake_is_one_line_at_level_info(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with await serve(lines, LOCALHOST, 0, ssl=server_context()) as server:
            with socket.create_connection((LOCALHOST, server.port)) as sock:
                sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
                while not (caplog.records and not server.connections):
                    await sleep(0.001)
            with pytest.raises(ssl.SSLCertVerificationError):
                await open_connection("localhost", server.port, ssl=True)
            while len(caplog.records) < 2 or server.connections:
                await sleep(0.001)

    reports: list[Any] = []
    with caplog.at_level(logging.INFO, "kernel"):
        run(main(), exception_hook=lambda message, error: reports.append(error))
    assert reports == []
    for record in caplog.records:
        text = record.getMessage()
        assert record.levelno == logging.INFO and record.exc_info is None
        assert text.startswith("the TLS handshake of the connection to 127.0.0.1:") and "\n" not in text


async def task_called(beginning: str) -> Task[Any]:
    """The one whose name begins so."""
    task, = (task for task in (await current_task()).kernel.by_age() if task.name.startswith(beginning))
    return task


def test_a_connection_accepted_while_the_server_stops_is_closed() -> None:
    """The acceptor has its answer, and has not run yet, when the shutdown begins."""
    handled: list[Stream] = []
    reports: list[str] = []

    async def handler(stream: Stream) -> None:
        handled.append(stream)
        await sleep(1)

    async def main() -> None:
        server = await serve(handler, LOCALHOST, 0)
        with socket.create_connection((LOCALHOST, server.port)) as sock:
            acceptor = await task_called("accept at")
            while acceptor.state != "ready":
                await checkpoint()
            await server.shutdown()
            await server.wait()
            await checkpoint()
            sock.settimeout(5)
            assert sock.recv(1) == b"" and not handled

    run(main(), exception_hook=lambda message, error: reports.append(message))
    assert reports == []


def listening_at(port: int) -> socket.socket:
    """Another name of this process for the socket that listens there."""
    for name in os.listdir("/dev/fd"):
        with suppress(OSError):
            sock = socket.socket(fileno=os.dup(int(name)))
            if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) and sock.getsockname()[1] == port:
                return sock
            sock.close()
    raise AssertionError("nobody listens there")


def test_a_server_that_can_accept_no_more_says_so_at_once() -> None:
    async def main() -> None:
        async with await serve(lines, LOCALHOST, 0) as server:
            await sleep(0)
            with listening_at(server.port) as sock:
                sock.shutdown(socket.SHUT_RDWR)
            with pytest.raises(OSError, match="the server at 127.0.0.1"):
                await server.wait()

    reports: list[str] = []
    run(main(), exception_hook=lambda message, error: reports.append(message))
    assert len(reports) == 1 and "accepts no connections any more" in reports[0]


def test_a_handler_that_is_cancelled_before_it_begins_leaves_no_connection() -> None:
    async def main() -> None:
        async with await serve(lines, LOCALHOST, 0) as server:
            with socket.create_connection((LOCALHOST, server.port)) as sock:
                while not server.connections:
                    await checkpoint()
                handler = await task_called("handle")
                handler.cancel()
                with pytest.raises(Cancelled):
                    await handler
                sock.settimeout(5)
                assert sock.recv(1) == b"" and not server.connections

    run(main())


def test_what_is_no_ordinary_exception_is_reported_as_well() -> None:
    class Unusual(BaseException):
        pass

    async def handler(stream: Stream) -> None:
        raise Unusual

    async def main() -> None:
        async with await serve(handler, LOCALHOST, 0) as server:
            assert await everything(await open_connection(LOCALHOST, server.port)) == b""

    reports: list[tuple[str, type[BaseException]]] = []
    run(main(), exception_hook=lambda message, error: reports.append((message.partition(" 127")[0], type(error))))
    assert reports == [("the handler of the connection to", Unusual)]
