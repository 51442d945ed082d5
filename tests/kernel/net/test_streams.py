"""Streams over real sockets: reading, writing, and closing."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

import pytest

from kernel import (Cancelled, EndpointClosed, IncompleteRead, LimitOverrun, Stream, TaskGroup, VirtualClock,
                    checkpoint, open_connection, run, serve, spawn, timeout)
from tests.support.coroutines import until_blocked
from tests.support.reports import Reports
from tests.support.streams import LOCALHOST, echo, stream_and_peer, stream_pair

Steps = Generator[Any, Any, Any]


def test_reading_takes_what_was_asked_for_and_leaves_the_rest() -> None:
    async def main() -> None:
        a, b = stream_pair()
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
        a, b = stream_pair()
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

    reports = Reports()
    assert run(main(), exception_hook=reports) == b"ABC\ndef"
    assert [type(error) for error in reports.errors] == [IncompleteRead]  # the other one


def test_a_stream_that_ends_too_early() -> None:
    async def main() -> None:
        for exactly in True, False:
            a, b = stream_pair()
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
        a, b = stream_pair()
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
        a, b = stream_pair()

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
        a, b = stream_pair()
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
        a, b = stream_pair()
        async with a, b:
            reader = await spawn(echo(a), name="first")
            await until_blocked(reader)
            refusal = "task . 'first' waits in <the connection to A>.read.*one task at a time may read"
            with pytest.raises(RuntimeError, match=refusal):
                await a.read()
            await b.write_all(b"x")
            assert await b.read() == b"x"
            reader.cancel()

    run(main())


def test_closing_a_stream_wakes_who_waits_for_it() -> None:
    async def main() -> None:
        a, b = stream_pair()
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
        a, b = stream_pair()
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
        a, b = stream_pair()

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
        a, b = stream_pair()
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


def test_more_leaves_what_there_is() -> None:
    async def main() -> None:
        stream, peer = stream_and_peer()
        with peer:
            waiting = await spawn(once_more(stream))
            await checkpoint()
            peer.sendall(b"one")
            assert await waiting and await stream.more() and await stream.read() == b"one"
            waiting = await spawn(once_more(stream))
            await checkpoint()
            stream.wind_down()
            stream.wind_down()
            assert not await waiting and not await stream.more()
            peer.sendall(b"two")
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
