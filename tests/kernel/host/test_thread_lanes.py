"""Name look-ups, files and the program's own functions use threads, and do not wait for one another."""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from kernel import (Stream, TaskGroup, limit_threads, open_connection, open_file, run, run_in_thread, serve, sleep,
                    timeout)
from kernel.workers.threads import DEFAULT_LIMIT

TOO_MANY = DEFAULT_LIMIT + 3  # operations of one kind, more than there are threads for


@asynccontextmanager
async def functions(directory: Path) -> AsyncIterator[None]:
    """Have the program's own functions use all the threads that they may, and more wait for one."""
    go_on, inside = threading.Event(), threading.Semaphore(0)

    def block() -> None:
        inside.release()
        assert go_on.wait(50)

    async with TaskGroup() as group:
        for _ in range(TOO_MANY):
            await group.spawn(run_in_thread(block).__await__())
        for _ in range(DEFAULT_LIMIT):
            while not inside.acquire(blocking=False):
                await sleep(0.001)
        try:
            yield
        finally:
            go_on.set()


@asynccontextmanager
async def files(directory: Path) -> AsyncIterator[None]:
    """The same with the opening of a fifo, which blocks until somebody opens its other end."""
    path = directory / "fifo"
    os.mkfifo(path)

    async def read() -> bytes:
        async with open_file(path, "rb") as file:
            return await file.read()

    async with TaskGroup() as group:
        readers = [await group.spawn(read()) for _ in range(TOO_MANY)]
        await sleep(0.05)  # a thread that has not come as far as to block is waited for as well
        try:
            yield
        finally:
            while not all(reader.done() for reader in readers):
                try:
                    os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
                except OSError:
                    pass  # nobody has it open for reading at the moment
                await sleep(0.001)


async def function_is_called(directory: Path) -> None:
    assert await run_in_thread(int, "7") == 7


async def file_is_read(directory: Path) -> None:
    (directory / "file").write_text("text")
    async with open_file(directory / "file") as file:
        assert await file.read() == "text"


async def name_is_looked_up(directory: Path) -> None:
    async def answer(stream: Stream) -> None:
        await stream.write_all(b"hello")

    async with await serve(answer, "localhost", 0) as server:
        async with await open_connection("localhost", server.port) as stream:
            assert await stream.read_all() == b"hello"


@pytest.mark.parametrize("busy, operation", [
    (functions, file_is_read), (functions, name_is_looked_up),
    (files, function_is_called), (files, name_is_looked_up),
])
def test_one_kind_does_not_wait_for_another(busy: Callable[..., Any], operation: Callable[..., Any],
                                            tmp_path: Path) -> None:
    async def main() -> None:
        async with busy(tmp_path):
            async with timeout(20):
                await operation(tmp_path)

    run(main())


def test_the_limit_is_that_of_the_programs_own_functions(tmp_path: Path) -> None:
    go_on = threading.Event()

    async def main() -> None:
        await limit_threads(1)
        async with TaskGroup() as group:
            await group.spawn(run_in_thread(go_on.wait, 50).__await__())
            async with timeout(20):
                await file_is_read(tmp_path)
                await name_is_looked_up(tmp_path)
            with pytest.raises(TimeoutError):
                async with timeout(0.05):
                    await function_is_called(tmp_path)
            go_on.set()

    run(main())
