"""Cancelling a task that waits for a function in a thread: the function is abandoned, or waited for."""

from __future__ import annotations

import threading
import time

import pytest

from kernel import (Cancelled, Kernel, Task, checkpoint, limit_threads, run, run_in_thread, shielded, sleep, spawn,
                    timeout)
from tests.support.coroutines import leave, until
from tests.support.gates import Gate, in_thread
from tests.support.injection import Injection, cancel_at_every_suspension
from tests.support.reports import Reports, ignore

pytestmark = pytest.mark.usefixtures("no_thread_is_left")

LONG = 30.0  # seconds that a thread waits at most: nothing comes near, unless it hangs


def test_a_task_that_is_given_up_while_it_waits_for_a_thread_is_shielded_no_more() -> None:
    tasks, blocker = list[Task[None]](), threading.Event()

    async def wait() -> None:
        await run_in_thread(blocker.wait, abandon=False)

    async def main() -> None:
        tasks.append(await spawn(wait()))
        await checkpoint()

    emergency = threading.Timer(10, blocker.set)  # should the shutdown wait for the thread after all
    emergency.start()
    with Kernel(grace=0.05, exception_hook=ignore) as kernel:
        kernel.run(main())
        blocker.set()
    emergency.cancel()
    emergency.join()
    task, = tasks
    assert task.cancelled() and task.shields == 0


def test_a_function_may_end_after_a_close_that_ctrl_c_has_cut_short(caplog: pytest.LogCaptureFixture) -> None:
    threads, blocker = list[threading.Thread](), threading.Event()

    def block() -> None:
        threads.append(threading.current_thread())
        blocker.wait(10)

    def hook(message: str, error: BaseException) -> None:
        assert "threads are at work on" in message
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        with Kernel(grace=0.05, exception_hook=hook) as kernel:
            kernel.run(leave(in_thread(block)))
    blocker.set()
    for thread in threads:
        thread.join()
    assert len(threads) == 1 and caplog.text == ""


def test_abandoning_ends_the_wait_at_once_and_reports_a_failure() -> None:
    gate, reports = Gate(), Reports()

    def fail() -> None:
        gate()
        raise LookupError("late")

    async def main() -> None:
        task = await spawn(in_thread(fail))
        await until(lambda: gate.inside == 1)
        task.cancel()
        with pytest.raises(Cancelled):
            await task
        assert gate.inside == 1
        gate.let_go.set()

    run(main(), exception_hook=reports)
    (message, error), = reports
    assert "after the task that waited for it was cancelled" in message and repr(error) == "LookupError('late')"


def test_waiting_gets_the_value_first_and_is_cancelled_at_the_next_suspension() -> None:
    gate, got = Gate(), list[str]()

    async def body() -> None:
        got.append(await run_in_thread(gate, "value", abandon=False))
        await sleep(30)

    async def main() -> None:
        task = await spawn(body())
        await until(lambda: gate.inside == 1)
        task.cancel()
        task.cancel()
        await sleep(0.01)
        assert not task.done()
        gate.let_go.set()
        with pytest.raises(Cancelled):
            await task
        assert got == ["value"] and task.shields == 0

    run(main())


def test_waiting_gets_the_exception_first() -> None:
    gate = Gate()

    def fail() -> None:
        gate()
        raise LookupError("first")

    async def main() -> None:
        task = await spawn(in_thread(fail, abandon=False))
        await until(lambda: gate.inside == 1)
        task.cancel()
        gate.let_go.set()
        with pytest.raises(LookupError):
            await task

    run(main())


@pytest.mark.parametrize("abandon", [True, False])
def test_cancellation_at_every_suspension_of_a_thread(abandon: bool) -> None:
    before = threading.active_count()

    async def scenario(injection: Injection) -> None:
        started, ended = list[int](), list[int]()

        def work(number: int) -> int:
            started.append(number)
            time.sleep(0.001)
            ended.append(number)
            return number

        async def body(number: int) -> None:
            await checkpoint()
            try:
                assert await run_in_thread(work, number, abandon=abandon) == number
            finally:
                assert abandon or started.count(number) == ended.count(number)

        await limit_threads(1)
        tasks = [await spawn(body(number)) for number in range(3)]
        injection.watch(*tasks)
        for task in tasks:
            try:
                await task
            except Cancelled:
                assert injection.fired
        assert await run_in_thread(work, 9) == 9  # the limit's place is free
        assert len(started) == len(ended) >= 3

    assert cancel_at_every_suspension(scenario, deterministic=False) > 6
    assert threading.active_count() == before


def test_a_cancelled_task_ends_at_once_and_the_kernel_waits_for_the_thread_when_it_closes() -> None:
    release, finished = threading.Event(), threading.Event()

    def work() -> str:
        release.wait(LONG)
        finished.set()
        return "dropped"

    async def main() -> None:
        task = await spawn(in_thread(work))
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

    async def main() -> None:
        # More than there can be threads by default.
        blockers = [await spawn(in_thread(release.wait, LONG)) for _ in range(100)]
        task = await spawn(in_thread(began.append, "late"))
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
    reports = Reports()

    def work() -> None:
        release.wait(LONG)
        raise LookupError("too late")

    async def main() -> None:
        task = await spawn(in_thread(work))
        await checkpoint()
        task.cancel()
        with pytest.raises(Cancelled):
            await task
        release.set()

    run(main(), exception_hook=reports)
    (message, error), = reports
    assert isinstance(error, LookupError) and "work" in message and "cancelled" in message


def test_a_thread_that_is_waited_for_delays_a_timeout_in_a_shielded_section() -> None:
    async def main() -> str:
        async with shielded():
            try:
                async with timeout(0.01):
                    await run_in_thread(blocker.acquire, abandon=False)
                    await sleep(60)
            except TimeoutError:
                return "timed out"
        return "not"

    blocker = threading.Lock()
    blocker.acquire()
    threading.Timer(0.1, blocker.release).start()
    assert run(main()) == "timed out"
