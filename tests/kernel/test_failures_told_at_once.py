"""A failure that nobody waited for is told as soon as nobody can wait for it any more, not when the collector comes."""

from __future__ import annotations

import gc
import threading
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from kernel import Cancelled, Task, Waitable, call, checkpoint, run, sleep, spawn, timeout
from tests.support.collector import collector_off
from tests.support.coroutines import sleeper

Reports = list[tuple[str, BaseException, threading.Thread]]


@pytest.fixture(autouse=True)
def no_collector() -> Iterator[None]:
    with collector_off():
        yield


def ended(main: Any) -> Reports:
    reports: Reports = []
    run(main(reports),
        exception_hook=lambda message, error: reports.append((message, error, threading.current_thread())))
    return reports


async def failing() -> None:
    await sleep(0)
    raise LookupError("no luck")


async def failing_deep() -> None:
    try:
        await failing()
    except LookupError as error:
        raise ValueError("worse") from error


def failing_generator() -> Generator[Any, Any, None]:
    yield failing_deep()


async def failing_late() -> None:
    async with timeout(0):
        await sleep(1000)


@pytest.mark.parametrize("function", [failing, failing_deep, failing_generator, failing_late])
def test_told_in_the_kernel_s_thread_at_once(function: Any) -> None:
    async def main(reports: Reports) -> None:
        await spawn(function())
        await sleep(0.001)  # deadlines are looked at between turns
        for _ in range(4):
            await checkpoint()
        assert len(reports) == 1

    (message, error, thread), = ended(main)
    assert function.__name__ in message and isinstance(error, (LookupError, ValueError, TimeoutError))
    assert thread is threading.current_thread()


def test_told_when_the_last_who_has_the_task_lets_it_go() -> None:
    async def main(reports: Reports) -> None:
        task: Task[None] | None = await spawn(failing())
        await sleep(0.001)
        assert task is not None and task.done() and not reports
        task = None
        assert len(reports) == 1

    assert len(ended(main)) == 1


def left_behind(main: Any) -> int:
    """How many objects are only found by the collector after `main` has been run."""
    run(main())
    return gc.collect()


def test_nothing_is_left_of_tasks_that_fail_or_are_cancelled() -> None:
    async def kept() -> BaseException | None:
        try:
            await failing()
        except LookupError as error:
            return error
        return None

    async def main() -> None:
        for _ in range(10):
            try:
                await (await spawn(failing_deep()))
            except ValueError:
                pass
            try:
                await call(failing_generator())
            except ValueError:
                pass
            assert await (await spawn(kept()))
            task = await spawn(sleeper())  # and awaited by name, while it ends and when it is done
            await checkpoint()
            task.cancel()
            for _ in range(2):
                try:
                    await task
                except Cancelled:
                    pass

    left_behind(main)  # what pytest and the interpreter make the first time
    assert left_behind(main) == 0


def test_nothing_is_left_of_runs_that_fail() -> None:
    async def stuck() -> None:
        await Waitable[None]()

    def runs() -> int:
        for code in failing_deep(), failing_generator(), stuck():
            try:
                run(code)
            except (ValueError, RuntimeError):
                pass
        return gc.collect()

    runs()
    assert runs() == 0
