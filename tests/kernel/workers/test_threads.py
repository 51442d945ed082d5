"""Threads: blocking functions beside the kernel, and calls into it from outside."""

from __future__ import annotations

import gc
import threading
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from kernel import (Cancelled, Kernel, Task, VirtualClock, Waitable, call, checkpoint, current_task, now, run,
                    run_in_thread, sleep, spawn)

Gen = Generator[Any, Any, Any]

LONG = 30.0  # seconds that a thread waits at most: nothing comes near, unless it hangs


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = threading.enumerate()
    yield
    assert threading.enumerate() == before


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


def test_a_cancelled_task_ends_at_once_and_the_kernel_waits_for_the_thread_when_it_closes() -> None:
    release, finished = threading.Event(), threading.Event()

    def work() -> str:
        release.wait(LONG)
        finished.set()
        return "dropped"

    async def body() -> None:
        await run_in_thread(work)

    async def main() -> None:
        task = await spawn(body())
        await checkpoint()
        task.cancel()
        with pytest.raises(Cancelled):
            await task
        assert not finished.is_set()
        threading.Timer(0.05, release.set).start()

    run(main())
    assert finished.is_set()


def test_a_function_that_has_not_begun_never_does_when_its_task_is_cancelled() -> None:
    release = threading.Event()
    began: list[str] = []

    async def block() -> None:
        await run_in_thread(release.wait, LONG)

    async def late() -> None:
        await run_in_thread(began.append, "late")

    async def main() -> None:
        blockers = [await spawn(block()) for _ in range(100)]  # more than there can be threads by default
        task = await spawn(late())
        await checkpoint()
        task.cancel()
        with pytest.raises(Cancelled):
            await task
        release.set()
        for blocker in blockers:
            await blocker

    run(main())
    assert began == []


def test_a_failure_after_the_task_was_cancelled_is_reported() -> None:
    release = threading.Event()
    reports: list[tuple[str, BaseException]] = []

    def work() -> None:
        release.wait(LONG)
        raise LookupError("too late")

    async def body() -> None:
        await run_in_thread(work)

    async def main() -> None:
        task = await spawn(body())
        await checkpoint()
        task.cancel()
        with pytest.raises(Cancelled):
            await task
        release.set()

    run(main(), exception_hook=lambda message, error: reports.append((message, error)))
    assert len(reports) == 1
    message, error = reports[0]
    assert isinstance(error, LookupError) and "work" in message and "cancelled" in message


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

    async def main() -> None:
        await spawn(body())
        await checkpoint()

    run(main(), grace=0.05, exception_hook=report)
    assert len(reports) == 1 and "stuck_function" in reports[0]


def test_leaving_the_process_from_a_thread_function_ends_the_run() -> None:
    def work() -> None:
        raise SystemExit(3)

    async def main() -> None:
        await run_in_thread(work)

    with pytest.raises(SystemExit, match="3"):
        run(main())


def test_a_storm_of_calls_from_threads_loses_none_and_keeps_the_order_of_each() -> None:
    threads, each = 8, 12_500
    log: list[tuple[int, int]] = []

    async def main() -> None:
        kernel = (await current_task()).kernel
        done: Waitable[None] = Waitable()
        ident = threading.get_ident()

        def note(thread: int, number: int) -> None:
            assert threading.get_ident() == ident
            log.append((thread, number))
            if len(log) == threads * each:
                done.complete(None)

        def storm(thread: int) -> None:
            start.wait()
            for number in range(each):
                kernel.call_from_thread(note, thread, number)

        start = threading.Barrier(threads, timeout=LONG)
        workers = [threading.Thread(target=storm, args=(thread,)) for thread in range(threads)]
        with kernel.expect_calls():
            for worker in workers:
                worker.start()
            await done
        for worker in workers:
            worker.join()

    run(main(), exception_hook=fail)
    assert len(log) == threads * each
    for thread in range(threads):
        assert [number for who, number in log if who == thread] == list(range(each))


def fail(message: str, error: BaseException) -> None:
    raise AssertionError(message) from error


def test_every_single_call_wakes_a_kernel_that_is_asleep() -> None:
    rounds = 2000

    async def main() -> None:
        kernel = (await current_task()).kernel
        inbox: list[Waitable[int]] = [Waitable() for _ in range(rounds)]
        turn = threading.Semaphore(0)

        def caller() -> None:
            for number in range(rounds):
                assert turn.acquire(timeout=LONG)
                kernel.call_from_thread(inbox[number].complete, number)

        worker = threading.Thread(target=caller)
        with kernel.expect_calls():
            worker.start()
            for number in range(rounds):
                turn.release()
                assert await inbox[number] == number  # hangs if a wake-up is lost on the way to sleep
        worker.join()

    run(main())


def test_a_call_comes_through_while_tasks_are_busy() -> None:
    async def main() -> None:
        kernel = (await current_task()).kernel
        arrived = threading.Event()
        worker = threading.Thread(target=kernel.call_from_thread, args=(arrived.set,))
        worker.start()
        while not arrived.is_set():
            await checkpoint()
        worker.join()

    run(main())


def test_calls_made_by_the_kernels_own_thread_keep_their_order() -> None:
    log: list[int] = []

    async def main() -> None:
        kernel = (await current_task()).kernel
        for number in range(100):
            kernel.call_from_thread(log.append, number)
        await sleep(1)

    run(main(), clock=VirtualClock())
    assert log == list(range(100))


def test_an_exception_in_a_call_is_reported_and_the_kernel_lives() -> None:
    reports: list[tuple[str, BaseException]] = []

    def broken() -> None:
        raise LookupError("in the callback")

    async def main() -> str:
        kernel = (await current_task()).kernel
        kernel.call_from_thread(broken)
        await sleep(1)
        return "lives"

    hook = lambda message, error: reports.append((message, error))  # noqa: E731
    assert run(main(), clock=VirtualClock(), exception_hook=hook) == "lives"
    assert len(reports) == 1 and "broken" in reports[0][0] and isinstance(reports[0][1], LookupError)


def test_calls_brought_at_the_last_moment_are_made_when_the_kernel_closes() -> None:
    log: list[str] = []

    async def main() -> None:
        kernel = (await current_task()).kernel
        kernel.call_from_thread(log.append, "last")

    run(main())
    assert log == ["last"]


def test_a_call_made_by_the_last_call_is_made_or_refused() -> None:
    log: list[str] = []
    kernel = Kernel()

    def again() -> None:
        log.append("first")
        try:
            kernel.call_from_thread(log.append, "second")
        except RuntimeError:
            log.append("second")

    kernel.call_from_thread(again)
    kernel.close()
    assert log == ["first", "second"]


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
