"""How a server ends: called for by a handler, with idle clients, in the middle of handshakes and of accepting."""

from __future__ import annotations

import socket

import pytest

from kernel import (Cancelled, Stream, TaskGroup, VirtualClock, checkpoint, now, open_connection, run, serve, sleep,
                    spawn, timeout)
from tests.support.coroutines import task_called
from tests.support.reports import Reports
from tests.support.streams import LOCALHOST, connected, everything, lines
from tests.support.tls import client_context, server_context


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

    reports = Reports()
    run(main(), clock=VirtualClock(), exception_hook=reports)
    assert [type(error) for error in reports.errors] == [TimeoutError]


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


def test_a_connection_accepted_while_the_server_stops_is_closed() -> None:
    """The acceptor has its answer, and has not run yet, when the shutdown begins."""
    handled: list[Stream] = []
    reports = Reports()

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

    run(main(), exception_hook=reports)
    assert reports == []


def test_shutdown_lets_handlers_finish_and_cancels_the_slow_ones() -> None:
    ends: list[str] = []

    async def handler(stream: Stream) -> None:
        try:
            await sleep(float(await stream.read_line()))
            ends.append("finished")
        except BaseException as error:
            ends.append(type(error).__name__)
            raise

    async def main() -> None:
        server = await serve(handler, LOCALHOST, 0)
        quick, slow, silent = await connected(server, 3)
        port = server.port
        await quick.write_all(b"5\n")
        await slow.write_all(b"50\n")
        start = await now()
        await server.shutdown(grace=10)
        assert await now() - start == 10 and server.connections == 0 and server.addresses == []
        await server.wait()
        assert sorted(ends) == ["Cancelled", "Cancelled", "finished"]
        for stream in quick, slow, silent:
            assert await stream.read() == b""
            stream.close()
        with pytest.raises(ConnectionRefusedError):
            await open_connection(LOCALHOST, port)

    run(main(), clock=VirtualClock())


def test_leaving_the_servers_block_by_cancellation_is_a_shutdown_too() -> None:
    async def main() -> None:
        clock_times = []

        async def serving() -> None:
            async with await serve(lambda stream: sleep_then_close(3), LOCALHOST, 0, grace=5) as server:
                streams.extend(await connected(server))
                await server.wait()

        async def sleep_then_close(seconds: float) -> None:
            await sleep(seconds)
            clock_times.append(await now())

        streams: list[Stream] = []
        task = await spawn(serving())
        while not streams:
            await sleep(0.001)
        start = await now()
        task.cancel()
        with pytest.raises(Cancelled):
            await task
        assert clock_times and await now() - start <= 3
        streams[0].close()

    run(main(), clock=VirtualClock())
