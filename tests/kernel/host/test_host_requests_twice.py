"""Requests for threads, processes and files that are made a second time, and other wrong use."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kernel import (TaskGroup, checkpoint, limit_threads, open_file, run, run_in_process, run_in_thread, sleep, spawn,
                    timeout)
from kernel import Path as KernelPath
from kernel.syscalls import Syscall


@pytest.mark.parametrize("make, answer", [
    (lambda directory: run_in_thread(int, "7"), 7),
    (lambda directory: run_in_process(int, "7"), 7),
    (lambda directory: KernelPath(directory).exists(), True),
], ids=["run_in_thread", "run_in_process", "Path"])
def test_a_request_is_made_once(make: Callable[[Path], Syscall[Any]], answer: object, tmp_path: Path) -> None:
    async def main() -> None:
        request = make(tmp_path)
        assert await request == answer
        with pytest.raises(RuntimeError, match=r"task 1 'test_a_request.*' made the request .*, which was made before"):
            await request

    run(main())


def test_a_request_of_two_tasks_is_answered_to_the_first() -> None:
    go_on, called = threading.Event(), list[int]()

    def work() -> str:
        called.append(1)
        assert go_on.wait(30)
        return "answer"

    async def main() -> None:
        request = run_in_thread(work)

        async def make() -> str:
            return await request

        async with timeout(30):
            first, second = await spawn(make()), await spawn(make())
            with pytest.raises(RuntimeError, match="which was made before; make a new one"):
                await second
            go_on.set()
            assert await first == "answer"

    run(main())
    assert called == [1]


def test_a_cancelled_request_is_not_made_again() -> None:
    async def main() -> None:
        release = threading.Event()
        await limit_threads(1)
        async with TaskGroup() as group:
            await group.spawn(run_in_thread(release.wait, 30).__await__())
            await checkpoint()
            request = run_in_thread(int, "7")
            with pytest.raises(TimeoutError):
                async with timeout(0.01):
                    await request
            release.set()
        with pytest.raises(RuntimeError, match="made before"):
            await request

    run(main())


def test_an_opened_file_is_entered_once(tmp_path: Path) -> None:
    """Else the second entry would take the first one's file away, which nobody would close."""
    (tmp_path / "file").write_text("text")

    async def main() -> None:
        opened = open_file(tmp_path / "file")

        async def second() -> None:
            async with opened:
                pass

        async with opened as file:
            with pytest.raises(RuntimeError, match="cannot be entered twice; call open_file.. again"):
                await second()
            assert await file.read() == "text"
        assert file.closed
        with pytest.raises(RuntimeError, match="cannot be entered twice"):
            await second()
        first, other = await opened, await opened  # to open it twice is no state of the request
        assert first is not other
        await first.close()
        await other.close()

    run(main())


@pytest.mark.parametrize("number, error", [
    (1.5, TypeError), (float("nan"), TypeError), ("3", TypeError), (0, ValueError),
])
def test_a_limit_that_is_no_number_of_threads_is_refused(number: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="limit_threads.. takes a number of threads"):
        limit_threads(number)


@pytest.mark.parametrize("call", [run_in_thread, run_in_process])
def test_a_coroutine_function_is_refused_at_the_call(call: Callable[..., Syscall[Any]]) -> None:
    """A thread would make the coroutine, and nobody would run it."""
    with pytest.raises(TypeError, match=r"takes an ordinary function.* sleeper is an async function; .*await"):
        call(sleeper, 1)


async def sleeper(seconds: float) -> None:
    await sleep(seconds)
