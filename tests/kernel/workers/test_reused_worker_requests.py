"""Requests for threads and processes that are made a second time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from kernel import Syscall, TaskGroup, checkpoint, limit_threads, run, run_in_process, run_in_thread, spawn, timeout


@pytest.mark.parametrize("call", [run_in_thread, run_in_process])
def test_a_request_is_made_once(call: Callable[..., Syscall[Any]]) -> None:
    async def main() -> None:
        request = call(int, "7")
        assert await request == 7
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
