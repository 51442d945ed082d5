"""Requests that carry state are made once: a second time is refused in the task that tries it, without harm."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import pytest

from kernel import Syscall, Task, VirtualClock, call, checkpoint, current_task, now, run, sleep, spawn
from tests.support.styles import by_await


def count() -> Generator[Any, Any, int]:
    yield sleep(1)
    return 1


@pytest.mark.parametrize("make", [lambda: spawn(count()), lambda: call(count()), lambda: sleep(1)],
                         ids=["spawn", "call", "sleep"])
@pytest.mark.parametrize("after_the_end", [False, True])
def test_made_twice_by_one_task(make: Callable[[], Syscall[Any]], after_the_end: bool) -> None:
    async def main() -> None:
        request = make()
        await request
        if after_the_end:
            await sleep(10)
        refused = "'.*main' made the request (spawn|call|sleep).*made before; make a new one"
        with pytest.raises(RuntimeError, match=refused):
            await request
        assert not await children()  # nothing was begun a second time

    async def children() -> list[object]:
        me = await current_task()
        return [task for task in me.kernel.by_age() if task is not me and after_the_end]

    run(main(), clock=VirtualClock())


def test_stateless_requests_can_be_made_again_and_again() -> None:
    async def main() -> None:
        for request in checkpoint(), now(), current_task():
            for _ in range(3):
                await request

    run(main())


@pytest.mark.parametrize("started", [False, True])
def test_one_coroutine_is_not_given_to_two_tasks(started: bool) -> None:
    async def work(log: list[str]) -> int:
        log.append("begin")
        await sleep(1)
        log.append("end")
        return 5

    async def main() -> None:
        log: list[str] = []
        code = work(log)
        task = await spawn(code, name="first")
        second = spawn(code) if not started else None  # made, and refused when it is asked for
        await checkpoint()
        with pytest.raises(ValueError, match="make a new one"):
            await (second or spawn(code))
        assert await task == 5 and log == ["begin", "end"]

    run(main(), clock=VirtualClock())


def test_one_generator_is_not_given_to_two_tasks_which_names_the_first() -> None:
    async def main() -> None:
        code = count()
        task = await spawn(code, name="first")
        with pytest.raises(ValueError, match="which task 2 'first' runs already"):
            await spawn(code)
        assert await task == 1

    run(main(), clock=VirtualClock())


def test_code_that_is_refused_is_not_closed() -> None:
    async def main() -> int:
        code = count()
        task = await spawn(code)
        with pytest.raises(ValueError, match="runs already"):
            (await current_task()).kernel.spawn(code)
        return await task

    assert run(main(), clock=VirtualClock()) == 1


def test_a_request_cannot_be_made_by_two_at_a_time() -> None:
    async def main() -> None:
        request = sleep(5)
        first: Task[Any] = await spawn(by_await(lambda: request))
        second: Task[Any] = await spawn(by_await(lambda: request))
        with pytest.raises(RuntimeError, match="make a new one"):
            await second
        await first
        assert await now() == 5.0

    run(main(), clock=VirtualClock())
