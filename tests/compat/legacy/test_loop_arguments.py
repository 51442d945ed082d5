"""`loop=` arguments of classes and functions: they choose the loop, and warn."""

from __future__ import annotations

import asyncio
import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.compat.legacy.old_code import Gen, answer, compat, modern, quiet, warned

LOOP = "The loop argument is deprecated since Python 3.8, and scheduled for removal in Python 3.10."
LOOP_OF_PROCESS = "The loop argument is deprecated since Python 3.8 and scheduled for removal in Python 3.10."

CLASSES = ["Lock", "Event", "Condition", "Semaphore", "BoundedSemaphore", "Queue", "LifoQueue", "PriorityQueue",
           "JoinableQueue"]


@pytest.mark.parametrize("name", CLASSES)
def test_classes_take_a_loop(name: str, loop: asyncio.AbstractEventLoop) -> None:
    with warned(LOOP):
        thing = getattr(compat, name)(loop=loop)  # here
    assert thing._loop is loop  # under which name libraries of the time look for it


@pytest.mark.parametrize("name", CLASSES)
def test_classes_without_a_loop_do_not_warn(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        getattr(compat, name)()
        getattr(compat, name)(loop=None)


def test_a_thing_of_another_loop_is_refused(loop: asyncio.AbstractEventLoop) -> None:
    with warned(LOOP):
        queue = compat.Queue(loop=loop)  # here

    async def main() -> None:
        with pytest.raises(RuntimeError, match="is bound to a different event loop"):
            await queue.get()

    compat.run(main())


def test_classes_with_a_loop_do_their_work(loop: asyncio.AbstractEventLoop) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        queue = compat.Queue(1, loop=loop)
        semaphore = compat.Semaphore(2, loop=loop)
        event = compat.Event(loop=loop)
        condition = compat.Condition(loop=loop)

    async def producer() -> None:
        for i in range(3):
            await queue.put(i)
        await event.wait()
        async with condition:
            condition.notify_all()

    async def main() -> Any:
        task = compat.create_task(producer())
        items = [await queue.get() for _ in range(3)]
        async with semaphore, condition:
            event.set()
            await condition.wait()
        await task
        return items

    assert loop.run_until_complete(main()) == [0, 1, 2]


@pytest.mark.parametrize(("call", "expected"), [
    (lambda loop: compat.sleep(0, 42, loop=loop), 42),  # here
    (lambda loop: compat.gather(modern(), answer(), loop=loop), [42, 42]),  # here
    (lambda loop: compat.shield(modern(), loop=loop), 42),  # here
    (lambda loop: compat.shield(answer(), loop=loop), 42),  # here
    (lambda loop: compat.wait_for(modern(), 10, loop=loop), 42),  # here
    (lambda loop: compat.wait_for(answer(), 10, loop=loop), 42),  # here
], ids=["sleep", "gather", "shield", "shield-legacy", "wait_for", "wait_for-legacy"])
def test_functions_take_a_loop(loop: asyncio.AbstractEventLoop, call: Callable[[asyncio.AbstractEventLoop], Any],
                               expected: object) -> None:
    """Outside of any running loop, as it was the custom."""
    with warned(LOOP):
        awaitable = call(loop)
    assert loop.run_until_complete(awaitable) == expected


def test_gather_of_nothing_takes_a_loop(loop: asyncio.AbstractEventLoop) -> None:
    with warned(LOOP):
        future = compat.gather(loop=loop)  # here
    assert loop.run_until_complete(future) == []


def test_as_completed_takes_a_loop(loop: asyncio.AbstractEventLoop) -> None:
    with warned(LOOP):
        each = list(compat.as_completed([answer(), modern()], loop=loop))  # here
    assert [loop.run_until_complete(one) for one in each] == [42, 42]


def test_wait_takes_a_loop(loop: asyncio.AbstractEventLoop) -> None:
    async def main() -> Any:
        with warned(LOOP):
            done, _ = await compat.wait([loop.create_task(modern())], loop=loop)  # here
        return done.pop().result()

    assert loop.run_until_complete(main()) == 42


def test_ensure_future_takes_a_loop_as_ever(loop: asyncio.AbstractEventLoop) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        task = compat.ensure_future(modern(), loop=loop)
    assert loop.run_until_complete(task) == 42


def test_create_task_never_took_a_loop() -> None:
    async def main() -> None:
        unused = modern()
        with pytest.raises(TypeError, match="loop"):
            compat.create_task(unused, loop=compat.get_running_loop())
        unused.close()

    compat.run(main())


def test_streams_take_a_loop(loop: asyncio.AbstractEventLoop, tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readline())
        writer.close()

    async def main() -> list[bytes]:
        path = str(tmp_path / "socket")
        with warned(LOOP):
            tcp_server = await compat.start_server(serve, "127.0.0.1", 0, loop=loop)  # here
        with warned(LOOP):
            unix_server = await compat.start_unix_server(serve, path, loop=loop)  # here
        port = tcp_server.sockets[0].getsockname()[1]
        with warned(LOOP):
            tcp = await compat.open_connection("127.0.0.1", port, loop=loop)  # here
        with warned(LOOP):
            unix = await compat.open_unix_connection(path, loop=loop)  # here
        lines = []
        for reader, writer in tcp, unix:
            writer.write(b"hello\n")
            lines.append(await reader.readline())
            writer.close()
            await writer.wait_closed()
        for server in tcp_server, unix_server:
            server.close()
            await server.wait_closed()
        return lines

    assert loop.run_until_complete(main()) == [b"hello\n", b"hello\n"]


def test_a_client_of_a_stream_may_be_served_by_a_legacy_coroutine(loop: asyncio.AbstractEventLoop) -> None:
    @quiet
    def serve(reader: Any, writer: Any) -> Gen:
        line = yield from reader.readline()
        writer.write(line)
        yield from writer.drain()
        writer.close()

    async def main() -> Any:
        server = await compat.start_server(serve, "127.0.0.1", 0)
        reader, writer = await compat.open_connection(*server.sockets[0].getsockname())
        writer.write(b"hello\n")
        try:
            return await compat.wait_for(reader.readline(), 2)
        finally:
            writer.close()
            server.close()

    assert loop.run_until_complete(main()) == b"hello\n"


def test_processes_take_a_loop(loop: asyncio.AbstractEventLoop) -> None:
    async def main() -> list[bytes]:
        pipe = {"stdout": subprocess.PIPE, "loop": loop}
        with warned(LOOP_OF_PROCESS):
            one = compat.create_subprocess_exec("echo", "one", **pipe)  # here
        with warned(LOOP_OF_PROCESS):
            two = compat.create_subprocess_shell("echo two", **pipe)  # here
        return [(await (await process).communicate())[0] for process in (one, two)]

    assert loop.run_until_complete(main()) == [b"one\n", b"two\n"]
