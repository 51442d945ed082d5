"""Streams, connections and servers, over real sockets."""

from __future__ import annotations

import errno
import os
import resource
import socket
import struct
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from kernel import (Cancelled, EndpointClosed, IncompleteRead, Kernel, LimitOverrun, Server, Stream, TaskGroup,
                    VirtualClock, checkpoint, now, open_connection, open_unix_connection, run, run_in_thread, serve,
                    serve_unix, sleep, spawn, timeout)

Steps = Generator[Any, Any, Any]
LOCALHOST = "127.0.0.1"


def pair() -> tuple[Stream, Stream]:
    a, b = socket.socketpair()
    return Stream.of_socket(a, "A"), Stream.of_socket(b, "B")


async def echo(stream: Stream) -> None:
    while data := await stream.read():
        await stream.write_all(data)


async def until_blocked(*tasks: Any) -> None:
    while any(task.state != "blocked" for task in tasks):
        await checkpoint()


def test_reading_takes_what_was_asked_for_and_leaves_the_rest() -> None:
    async def main() -> None:
        a, b = pair()
        async with a, b:
            await a.write_all(b"one\ntwo\nthree|four")
            assert await b.read_line() == b"one\n"
            assert await b.read(2) == b"tw"
            assert await b.read_exactly(2) == b"o\n"
            assert await b.read_exactly(0) == b""
            assert await b.read_until(b"ee|") == b"three|"
            assert await b.read() == b"four"
            await a.write_all(bytearray(b"x" * 10))
            await a.write_all(memoryview(b"last\nline"))
            assert await a.write(b"") == 0
            await a.end_writing()
            assert await b.read_exactly(10) == b"x" * 10
            assert [line async for line in b] == [b"last\n", b"line"]
            assert await b.read() == b"" == await b.read_line() == await b.read_all()
            await b.write_all(b"still")  # half a close
            b.close()
            assert await a.read_all() == b"still"

    run(main())


def test_a_message_in_pieces_is_put_together() -> None:
    async def main() -> None:
        a, b = pair()
        async with a, b:
            for request, message in [(b.read_exactly(10), b"0123456789"), (b.read_until(b"--+"), b"01234--6789--+")]:
                reader = await spawn(request.__await__())
                for index in range(len(message)):
                    while len(b.buffer) < index:  # until it has been received, and looked at
                        await checkpoint()
                    await a.write_all(message[index:index + 1])
                assert await reader == message

    run(main())


def test_in_generator_tasks() -> None:
    def handler(stream: Stream) -> Steps:
        line = yield stream.read_line()
        yield stream.write_all(line.upper())
        rest = yield from stream.read_exactly(3)
        yield stream.write_all(rest)

    def main() -> Steps:
        server = yield from serve(handler, LOCALHOST, 0)
        stream = yield open_connection(LOCALHOST, server.port)
        other = yield from open_connection(LOCALHOST, server.port)
        other.close()
        yield stream.write_all(b"abc\ndef")
        answer = yield stream.read_all()
        stream.close()
        yield server.shutdown()
        return answer

    reports: list[str] = []
    assert run(main(), exception_hook=lambda message, error: reports.append(repr(error))) == b"ABC\ndef"
    assert len(reports) == 1 and "IncompleteRead" in reports[0]  # the other one


def test_a_stream_that_ends_too_early() -> None:
    async def main() -> None:
        for exactly in True, False:
            a, b = pair()
            await a.write_all(b"abc")
            a.close()
            with pytest.raises(IncompleteRead, match="3 .*bytes") as caught:
                await (b.read_exactly(10) if exactly else b.read_until(b"\n"))
            assert caught.value.partial == b"abc" and isinstance(caught.value, EOFError)
            assert await b.read() == b""
            b.close()

    run(main())


def test_a_line_over_the_limit_is_refused_and_the_stream_can_be_read_on() -> None:
    async def main() -> None:
        a, b = pair()
        async with a, b:
            await a.write_all(b"x" * 100 + b"\nnext\n")
            for _ in range(2):  # from the socket, then from the buffer
                with pytest.raises(LimitOverrun, match="within 50 bytes") as caught:
                    await b.read_line(limit=50)
                assert (caught.value.arrived, caught.value.limit) == (106, 50)
            assert await b.read_line(limit=101) == b"x" * 100 + b"\n"
            assert await b.read_line(limit=5) == b"next\n"
            await a.write_all(b"y" * 49)
            reader = await spawn(b.read_line(limit=50).__await__())
            await until_blocked(reader)
            await a.write_all(b"yy")
            with pytest.raises(LimitOverrun):
                await reader
            assert await b.read() == b"y" * 51
            with pytest.raises(LimitOverrun):
                await a.write_all(b"z" * 1000)
                await b.read_all(limit=999)

    run(main())


def test_a_hostile_peer_cannot_make_the_buffer_grow_beyond_the_limit() -> None:
    async def main() -> None:
        a, b = pair()

        async def flood() -> None:
            while True:
                await a.write_all(b"x" * 1_000_000)

        async with a, b, TaskGroup() as group:
            await group.spawn(flood(), daemon=True)
            with pytest.raises(LimitOverrun) as caught:
                await b.read_line(limit=100_000)
            assert caught.value.arrived == len(b.buffer) <= 100_000 + 65536

    run(main())


def test_writing_waits_for_a_slow_reader() -> None:
    data = os.urandom(5_000_000)

    async def main() -> None:
        a, b = pair()
        async with a, b:
            writer = await spawn(_write(a))
            await until_blocked(writer)
            assert "<the connection to A>.write_all(...)" in repr(writer)
            received = bytearray()
            while len(received) < len(data):
                received += await b.read(12345)
            assert received == data
            await writer

    async def _write(stream: Stream) -> None:
        sent = await stream.write(memoryview(data))
        assert 0 < sent < len(data)
        await stream.write_all(memoryview(data)[sent:])

    run(main())


def test_one_reader_and_one_writer_at_a_time() -> None:
    async def main() -> None:
        a, b = pair()
        async with a, b:
            reader = await spawn(echo(a), name="first")
            await until_blocked(reader)
            with pytest.raises(RuntimeError, match="task . 'first' waits in <the connection to A>.read.*one task at a time may read"):
                await a.read()
            await b.write_all(b"x")
            assert await b.read() == b"x"
            reader.cancel()

    run(main())


def test_closing_a_stream_wakes_who_waits_for_it() -> None:
    async def main() -> None:
        a, b = pair()
        reader, writer = await spawn(a.read_line().__await__()), await spawn(a.write_all(b"x" * 10_000_000))
        await until_blocked(reader, writer)
        a.close()
        a.close()
        for task in reader, writer:
            with pytest.raises(EndpointClosed, match="the connection to A was closed while task .* waited in"):
                await task
        for request in a.read(), a.write_all(b"x"), a.write(b"x"), a.read_exactly(1), a.end_writing():
            with pytest.raises(EndpointClosed, match="the connection to A is closed"):
                await request
        assert a.closed and a.fileno() == -1 and "closed" in repr(a)
        b.close()

    run(main())


def test_a_cancelled_reader_has_taken_nothing() -> None:
    async def main() -> None:
        a, b = pair()
        async with a, b:
            await a.write_all(b"ab")
            with pytest.raises(TimeoutError):
                async with timeout(1):
                    await b.read_exactly(3)
            await a.write_all(b"c")
            assert await b.read_exactly(3) == b"abc"
            with pytest.raises(Cancelled):
                me = await spawn(b.read().__await__())
                await until_blocked(me)
                me.cancel()
                await me
            await a.write_all(b"d")
            assert await b.read() == b"d"

    run(main(), clock=VirtualClock())


def test_a_task_that_never_has_to_wait_gives_others_their_turn() -> None:
    async def main() -> None:
        a, b = pair()

        async def write() -> None:
            for _ in range(160):
                await a.write_all(b"x")

        async def read() -> None:
            for _ in range(160):
                await b.read(1)

        async with a, b:
            for work, least in (write, 9), (read, 150):
                task, turns = await spawn(work()), 0
                while not task.done():
                    turns += 1
                    await checkpoint()
                assert turns >= least, work

    run(main())


def test_a_task_that_never_has_to_wait_can_be_cancelled() -> None:
    async def main() -> None:
        a, b = pair()
        taken = 0

        async def read() -> None:
            nonlocal taken
            while True:
                taken += len(await b.read(1))

        async with a, b:
            await a.write_all(b"x" * 100)
            task = await spawn(read())
            while taken < 10:
                await checkpoint()
            assert task.woken  # with an answer that a cancellation does not take away
            task.cancel()
            with pytest.raises(Cancelled):
                await task
            assert taken == 11
            assert len(await b.read()) == 89

    run(main())


def test_errors_name_the_peer(unused_port: int) -> None:
    async def reset(stream: Stream) -> None:
        sock = socket.socket(fileno=os.dup(stream.fileno()))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        stream.close()
        sock.close()

    async def main() -> None:
        with pytest.raises(ConnectionRefusedError, match=rf"refused \(connecting to {LOCALHOST}:{unused_port}\)"):
            await open_connection(LOCALHOST, unused_port)
        with pytest.raises(socket.gaierror, match="looking up no-such-host.invalid:80"):
            await open_connection("no-such-host.invalid", 80)
        with pytest.raises(socket.gaierror, match="looking up"):
            await open_connection("a" * 70 + ".example", 80)
        with pytest.raises(OSError, match="connecting to 127.0.0.1:80"):
            await open_connection(LOCALHOST, 80, local_address=("192.0.2.1", 0))
        with pytest.raises(FileNotFoundError, match="connecting to /no/such/socket"):
            await open_unix_connection("/no/such/socket")
        async with await serve(reset, LOCALHOST, 0) as server:
            async with await open_connection(LOCALHOST, server.port) as stream:
                with pytest.raises(ConnectionResetError, match=rf"the connection to {LOCALHOST}:{server.port}"):
                    await stream.read()
            with pytest.raises(OSError, match=rf"listening at {LOCALHOST}:{server.port}") as caught:
                await serve(echo, LOCALHOST, server.port)
            assert caught.value.errno == errno.EADDRINUSE

    run(main())


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as sock:
        sock.bind((LOCALHOST, 0))
        return int(sock.getsockname()[1])


class DeadAddress:
    """A listening socket whose backlog is full: who connects hears nothing."""

    def __init__(self, address: str, port: int = 0) -> None:
        self.listener = socket.create_server((address, port), backlog=0)
        self.address: tuple[str, int] = self.listener.getsockname()
        self.fillers = [socket.socket() for _ in range(2)]
        for filler in self.fillers:
            filler.setblocking(False)
            filler.connect_ex(self.address)

    def close(self) -> None:
        for sock in [self.listener, *self.fillers]:
            sock.close()


def resolving_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    def getaddrinfo(host: str, port: int, **kwargs: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_an_address_that_does_not_answer_costs_a_quarter_of_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        dead = DeadAddress("127.0.0.2")
        with socket.create_server(("127.0.0.3", dead.address[1])):
            resolving_to(monkeypatch, "127.0.0.2", "127.0.0.3")
            start = await now()
            async with await open_connection("some.host", dead.address[1]) as stream:
                assert await now() - start == 0.25
                assert stream.peer[0] == "127.0.0.3"
                assert stream.name == f"the connection to some.host:{dead.address[1]}, at 127.0.0.3:{dead.address[1]}"
        dead.close()

    run(main(), clock=VirtualClock())


def test_an_address_that_refuses_costs_nothing_and_all_failures_are_told(monkeypatch: pytest.MonkeyPatch,
                                                                         unused_port: int) -> None:
    async def main() -> None:
        resolving_to(monkeypatch, "127.0.0.2", "127.0.0.3", "127.0.0.4")
        start = await now()
        with pytest.raises(ConnectionRefusedError, match="some.host") as caught:
            await open_connection("some.host", unused_port)
        assert "127.0.0.2" in str(caught.value) and len(caught.value.__notes__) == 2
        with socket.create_server(("127.0.0.4", unused_port)):
            async with await open_connection("some.host", unused_port):
                assert await now() == start

    run(main(), clock=VirtualClock())


def test_an_attempt_to_connect_can_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        dead = DeadAddress("127.0.0.2")
        before = len(os.listdir("/dev/fd"))
        resolving_to(monkeypatch, "127.0.0.2", "127.0.0.2")
        with pytest.raises(TimeoutError):
            async with timeout(1):
                await open_connection("some.host", dead.address[1])
        assert len(os.listdir("/dev/fd")) == before
        dead.close()

    run(main(), clock=VirtualClock())


def test_names_are_looked_up_off_the_kernels_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = list[bool]()
    real = socket.getaddrinfo

    def getaddrinfo(*args: Any, **kwargs: Any) -> Any:
        threads.append(threading.current_thread() is threading.main_thread())
        return real(*args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    async def main() -> None:
        async with await serve(echo, LOCALHOST, 0) as server:
            async with await open_connection("localhost", server.port, local_address=(LOCALHOST, 0)):
                pass

    run(main())
    assert threads.count(False) == 1  # the name; numbers need no thread


def test_serving_on_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "socket"

    async def main() -> None:
        async with await serve_unix(echo, path) as server:
            assert server.addresses == [str(path)]
            with pytest.raises(RuntimeError, match="no TCP port"):
                server.port
            async with await open_unix_connection(path) as stream:
                await stream.write_all(b"hello")
                assert await stream.read() == b"hello"
            with pytest.raises(OSError, match="listening at"):
                await serve_unix(echo, path)
        assert not path.exists()
        stale = socket.socket(socket.AF_UNIX)
        stale.bind(str(path))
        stale.close()
        async with await serve_unix(echo, path):
            pass
        path.write_text("precious")
        with pytest.raises(OSError):
            await serve_unix(echo, path)
        assert path.read_text() == "precious"

    run(main())


def test_every_interface_gets_the_same_port() -> None:
    async def main() -> None:
        async with await serve(echo, None, 0, reuse_port=True) as server:
            assert len({address[1] for address in server.addresses}) == 1
            async with await open_connection(LOCALHOST, server.port) as stream:
                await stream.write_all(b"hello")
                assert await stream.read() == b"hello"

    run(main())


def test_a_handler_that_fails_is_reported_with_the_peer_and_the_server_lives() -> None:
    async def handler(stream: Stream) -> None:
        if await stream.read_line() == b"fail\n":
            raise ZeroDivisionError("on purpose")
        await stream.write_all(b"fine")

    async def main() -> None:
        async with await serve(handler, LOCALHOST, 0) as server:
            async with await open_connection(LOCALHOST, server.port) as stream:
                name = socket.socket(fileno=os.dup(stream.fileno()))
                host, port = name.getsockname()
                name.close()
                await stream.write_all(b"fail\n")
                assert await stream.read() == b""
            async with await open_connection(LOCALHOST, server.port) as stream:
                await stream.write_all(b"work\n")
                assert await stream.read_all() == b"fine"
            assert reports == [(f"the handler of the connection to {host}:{port} failed", "on purpose")]

    reports: list[tuple[str, str]] = []
    run(main(), exception_hook=lambda message, error: reports.append((message, str(error))))


async def connected(server: Server, number: int = 1) -> list[Stream]:
    """Connections that the server is handling."""
    streams = [await open_connection(LOCALHOST, server.port) for _ in range(number)]
    while server.connections < number:
        await sleep(0.001)
    return streams


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


def test_out_of_descriptors_a_server_pauses_reports_once_and_goes_on() -> None:
    reports: list[str] = []

    async def main() -> None:
        async with await serve(echo, LOCALHOST, 0) as server:
            clients = [socket.create_connection((LOCALHOST, server.port)) for _ in range(3)]
            while server.connections < 3:
                await sleep(0.001)
            late = [socket.socket() for _ in range(5)]
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            highest = max(map(int, os.listdir("/dev/fd")))
            resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1, hard))
            plugs = []
            try:
                with pytest.raises(OSError):
                    while True:
                        plugs.append(os.dup(0))
                for sock in late:
                    sock.connect((LOCALHOST, server.port))
                for _ in range(20):
                    await sleep(0.1)
                assert server.connections == 3
                assert len(reports) == 1 and "cannot accept connections for now" in reports[0], reports
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
                for plug in plugs:
                    os.close(plug)
            while server.connections < 8:
                await sleep(0.01)
            for sock in clients + late:
                sock.sendall(b"x")
                assert await run_in_thread(sock.recv, 1) == b"x"
                sock.close()

    run(main(), exception_hook=lambda message, error: reports.append(f"{message}: {error!r}"))


def test_bad_arguments() -> None:
    a, b = pair()
    for call in (lambda: a.read(0), lambda: a.read_exactly(-1), lambda: a.read_until(b""),
                 lambda: open_connection("localhost", 1, server_hostname="x"),
                 lambda: open_unix_connection("/x", ssl=True), lambda: a.start_tls(), lambda: a.start_tls(server_side=True)):
        with pytest.raises(ValueError):
            call()
    with pytest.raises(TypeError):
        open_connection("localhost", 1, ssl="yes")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        serve(echo, "localhost", 1, ssl=True)  # type: ignore[arg-type]
    with Kernel() as kernel:
        kernel.run(closing(a, b))


async def closing(*streams: Stream) -> None:
    for stream in streams:
        stream.close()
