"""Functions in threads beside the kernel."""

from __future__ import annotations

import contextvars
import gc
import threading
import time
import traceback
from collections.abc import Generator
from functools import partial
from typing import Any

import pytest

from kernel import Task, call, checkpoint, limit_threads, now, run, run_in_thread, sleep, spawn
from tests.support.coroutines import leave

pytestmark = pytest.mark.usefixtures("no_thread_is_left")

Gen = Generator[Any, Any, Any]

colour: contextvars.ContextVar[str] = contextvars.ContextVar("colour", default="none")
LONG = 30.0  # seconds that a thread waits at most: nothing comes near, unless it hangs


def test_a_function_runs_in_another_thread_and_its_value_comes_back() -> None:
    def work(left: int, right: int) -> tuple[int, int]:
        return left + right, threading.get_ident()

    async def coroutine() -> tuple[int, int]:
        return await run_in_thread(work, 1, 2)

    def generator() -> Gen:
        return (yield run_in_thread(work, 1, 2))

    def delegating() -> Gen:
        return (yield from run_in_thread(work, 1, 2))

    async def main() -> None:
        for code in coroutine, generator, delegating:
            total, ident = await call(code())
            assert total == 3 and ident != threading.get_ident()

    run(main())


def test_its_exception_is_raised_in_the_task() -> None:
    def work() -> None:
        raise LookupError("in the thread")

    async def main() -> None:
        with pytest.raises(LookupError, match="in the thread"):
            await run_in_thread(work)
        await sleep(0.001)

    run(main())


def test_the_kernel_goes_on_while_a_thread_works() -> None:
    release = threading.Event()

    async def work() -> bool:
        return await run_in_thread(release.wait, LONG)

    async def main() -> None:
        task = await spawn(work())
        for _ in range(100):
            await checkpoint()
        assert str(task.blocked_on) == "run_in_thread(Event.wait)"
        release.set()
        assert await task is True

    run(main())


def test_threads_work_side_by_side() -> None:
    barrier = threading.Barrier(4, timeout=LONG)

    async def work() -> int:
        return await run_in_thread(barrier.wait)

    async def main() -> None:
        tasks = [await spawn(work()) for _ in range(4)]
        assert sorted([await task for task in tasks]) == [0, 1, 2, 3]

    run(main())


def test_more_functions_than_threads_queue() -> None:
    async def work(number: int) -> int:
        return await run_in_thread(lambda: number)

    async def main() -> None:
        tasks = [await spawn(work(number)) for number in range(500)]
        assert [await task for task in tasks] == list(range(500))

    run(main())


def test_closing_says_which_function_it_waits_for() -> None:
    release = threading.Event()
    reports: list[str] = []

    def stuck_function() -> None:
        release.wait(LONG)

    def report(message: str, error: BaseException) -> None:
        reports.append(message)
        release.set()

    async def body() -> None:
        await run_in_thread(stuck_function)

    run(leave(body()), grace=0.05, exception_hook=report)
    assert len(reports) == 1 and "stuck_function" in reports[0]


def test_leaving_the_process_from_a_thread_function_ends_the_run() -> None:
    def work() -> None:
        raise SystemExit(3)

    async def main() -> None:
        await run_in_thread(work)

    with pytest.raises(SystemExit, match="3"):
        run(main())


def test_a_thread_does_not_keep_its_task_after_the_answer() -> None:
    async def body() -> int:
        return await run_in_thread(int, "7")

    async def main() -> None:
        task: Task[int] = await spawn(body())
        assert await task == 7
        await checkpoint()
        holders = [holder for holder in gc.get_referrers(task) if type(holder).__name__ == "RunInThread"]
        assert holders == []
        assert await now() >= 0

    run(main())


def test_a_thread_works_in_a_copy_of_the_tasks_context() -> None:
    def work() -> str:
        seen = colour.get()
        colour.set("the thread's")
        return seen

    async def main() -> None:
        colour.set("red")
        assert await run_in_thread(work) == "red"
        assert colour.get() == "red"

    run(main())


def test_generator_tasks_use_threads_by_yield() -> None:
    def main() -> Generator[Any, Any, int]:
        yield limit_threads(2)
        first = yield run_in_thread(int, "7")
        second = yield from run_in_thread(int, "8", abandon=False)
        assert first == 7
        return second

    assert run(main()) == 8


class Odd:
    """Callable, and no more than that."""

    def __call__(self) -> str:
        return "called"

    def __repr__(self) -> str:
        raise LookupError("no name")


def test_a_function_that_cannot_be_shown_is_called_all_the_same() -> None:
    async def main() -> None:
        assert await run_in_thread(Odd()) == await run_in_thread(partial(Odd())) == "called"
        assert repr(run_in_thread(Odd())) == "run_in_thread(Odd)"
        assert repr(run_in_thread(partial(partial(time.sleep, 1)))) == "run_in_thread(sleep)"

    run(main())


def test_an_exception_from_a_thread_has_no_frame_of_the_pool() -> None:
    """Else it would show what says nothing to the reader, and keep the function's arguments."""
    async def main() -> list[str]:
        try:
            await run_in_thread(int, "no number")
        except ValueError as error:
            return [entry.name for entry in traceback.extract_tb(error.__traceback__)]
        raise AssertionError("it is no number")

    assert run(main()) == ["main", "__await__"]  # the second is the request
