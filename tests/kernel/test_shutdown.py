"""The end of a run: whatever is left is ended in good order, nothing is lost silently, the process is as before."""

from __future__ import annotations

import gc
import logging
import os
import re
import signal
import sys
import threading
from collections.abc import AsyncGenerator, Generator, Iterator
from typing import Any

import pytest

from kernel import (Cancelled, Kernel, Task, VirtualClock, Waitable, checkpoint, current_task, run, run_in_thread,
                    sleep, spawn, wait_readable)

Gen = Generator[Any, Any, Any]
Reports = list[tuple[str, BaseException]]


def refuse(message: str, error: BaseException) -> None:
    """An exception hook for tests in which there is nothing to report."""
    raise AssertionError(f"reported: {message}: {error!r}")


@pytest.fixture(autouse=True)
def nothing_in_the_log(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    if "may_log" not in request.fixturenames:
        assert [record.getMessage() for record in caplog.get_records("call")] == []


may_log = pytest.mark.usefixtures("may_log")


@pytest.fixture(name="may_log")
def fixture_may_log() -> None:
    """The test looks at the log itself."""


# What is left when main ends.


def test_tasks_that_are_left_are_cancelled_and_awaited() -> None:
    trace: list[str] = []

    async def coroutine() -> None:
        try:
            await sleep(1000)
        except Cancelled:
            await sleep(5)
            trace.append("coroutine")
            raise

    def generator() -> Gen:
        try:
            yield Waitable()
        finally:
            yield sleep(10)
            trace.append("generator")

    async def main() -> list[Task[Any]]:
        tasks: list[Task[Any]] = [await spawn(coroutine()), await spawn(generator())]
        await checkpoint()
        return tasks

    tasks = run(main(), clock=VirtualClock(), exception_hook=refuse)
    assert trace == ["coroutine", "generator"]
    assert all(task.cancelled() for task in tasks)


def test_tasks_that_are_left_are_ended_also_when_main_fails() -> None:
    trace: list[str] = []

    async def child() -> None:
        try:
            await sleep(1000)
        finally:
            await checkpoint()
            trace.append("child")

    async def main() -> None:
        await spawn(child())
        await checkpoint()
        raise LookupError("main failed")

    with pytest.raises(LookupError, match="main failed"):
        run(main(), clock=VirtualClock(), exception_hook=refuse)
    assert trace == ["child"]


def test_a_task_that_has_not_started_never_does() -> None:
    started: list[bool] = []

    async def child() -> None:
        started.append(True)

    async def main() -> Task[None]:
        return await spawn(child())

    assert run(main(), exception_hook=refuse).cancelled()
    assert started == []


def test_daemons_end_after_every_ordinary_task() -> None:
    trace: list[str] = []

    async def body(name: str, cleanup: float) -> None:
        try:
            await sleep(1000)
        finally:
            await sleep(cleanup)
            trace.append(name)

    async def main() -> None:
        await spawn(body("daemon", 1), daemon=True)
        await spawn(body("ordinary", 5))
        await spawn(body("second daemon", 2), daemon=True)
        await spawn(body("second ordinary", 6))
        await checkpoint()

    run(main(), clock=VirtualClock(), exception_hook=refuse)
    assert trace == ["ordinary", "second ordinary", "daemon", "second daemon"]


def test_ordinary_tasks_can_use_a_daemon_while_they_end() -> None:
    questions: list[Waitable[str]] = []

    async def server() -> None:
        while True:
            while questions:
                questions.pop().complete("answer")
            await sleep(1)

    async def client() -> str:
        try:
            await sleep(1000)
        finally:
            questions.append(Waitable())
            assert await questions[-1] == "answer"
        return "not reached"

    async def main() -> Task[str]:
        await spawn(server(), daemon=True)
        client_task = await spawn(client())
        await checkpoint()
        return client_task

    assert run(main(), clock=VirtualClock(), exception_hook=refuse).cancelled()


def test_tasks_spawned_while_others_die_are_ended_as_well() -> None:
    trace: list[int] = []

    async def body(number: int) -> None:
        try:
            await sleep(1000)
        finally:
            if number < 10:
                await spawn(body(number + 1))
                await checkpoint()
            trace.append(number)

    async def main() -> None:
        await spawn(body(0))
        await checkpoint()

    run(main(), clock=VirtualClock(), exception_hook=refuse)
    assert sorted(trace) == list(range(11))


@pytest.mark.filterwarnings("ignore:coroutine '.*phoenix' was never awaited")  # the one that came too late
def test_a_task_that_replaces_itself_for_ever_does_not_keep_the_kernel() -> None:
    lives: list[int] = []

    async def phoenix() -> None:
        lives.append(1)
        try:
            await sleep(1000)
        finally:
            await spawn(phoenix())
            await checkpoint()  # so that the next one gets as far as this

    async def main() -> None:
        await spawn(phoenix())
        await checkpoint()

    run(main(), clock=VirtualClock(), exception_hook=lambda message, error: None)
    assert len(lives) > 10


def test_who_waits_for_a_task_that_is_ended_is_ended_too() -> None:
    async def child() -> None:
        await sleep(1000)

    async def waiter(task: Task[None]) -> None:
        await task

    async def main() -> list[Task[None]]:
        task = await spawn(child())
        waiters = [await spawn(waiter(task)) for _ in range(5)]
        await checkpoint()
        return [task, *waiters]

    assert all(task.cancelled() for task in run(main(), clock=VirtualClock(), exception_hook=refuse))


@pytest.mark.parametrize("leaving", [SystemExit, KeyboardInterrupt])
@pytest.mark.parametrize("awaited", [True, False])
def test_leaving_the_process_from_any_task_still_ends_all_others_in_good_order(
        leaving: type[BaseException], awaited: bool) -> None:
    trace: list[str] = []

    async def child() -> None:
        raise leaving(3)

    async def neighbour() -> None:
        try:
            await sleep(1000)
        finally:
            await sleep(1)
            trace.append("neighbour")

    async def main() -> None:
        await spawn(neighbour())
        task = await spawn(child())
        try:
            if awaited:
                await task
            await sleep(1000)
        finally:
            trace.append("main")

    with pytest.raises(leaving, match="3"):
        run(main(), clock=VirtualClock(), exception_hook=refuse)
    assert sorted(trace) == ["main", "neighbour"]


# Async generators.


def test_an_async_generator_left_half_way_is_closed_in_a_task() -> None:
    trace: list[str] = []

    async def numbers() -> AsyncGenerator[int, None]:
        try:
            yield 1
            yield 2
        finally:
            await sleep(1)
            trace.append("closed")

    async def main() -> None:
        async for _ in numbers():
            break
        gc.collect()
        await sleep(5)
        trace.append("main")

    run(main(), clock=VirtualClock(), exception_hook=refuse)
    assert trace == ["closed", "main"]


def test_an_async_generator_thrown_away_at_the_very_end_is_closed() -> None:
    trace: list[str] = []

    async def numbers() -> AsyncGenerator[int, None]:
        try:
            yield 1
        finally:
            await sleep(1)
            trace.append("closed")

    async def main() -> None:
        async for _ in numbers():
            break

    run(main(), clock=VirtualClock(), exception_hook=refuse)
    assert trace == ["closed"]


def test_an_async_generator_thrown_away_behind_many_calls_is_closed() -> None:
    trace: list[str] = []

    async def numbers() -> AsyncGenerator[int, None]:
        try:
            yield 1
        finally:
            await sleep(1)
            trace.append("closed")

    async def main() -> None:
        kernel = (await current_task()).kernel
        for _ in range(100):
            kernel.call_from_thread(int)
        async for _ in numbers():
            break

    run(main(), clock=VirtualClock(), exception_hook=refuse)
    assert trace == ["closed"]


def test_an_async_generator_that_somebody_still_holds_is_closed() -> None:
    trace: list[str] = []

    async def numbers() -> AsyncGenerator[int, None]:
        try:
            yield 1
        finally:
            await sleep(1)
            trace.append("closed")

    held = numbers()

    async def main() -> None:
        assert await anext(held) == 1

    run(main(), clock=VirtualClock(), exception_hook=refuse)
    assert trace == ["closed"]


def test_a_failure_while_an_async_generator_is_closed_is_reported() -> None:
    reports: Reports = []

    async def numbers() -> AsyncGenerator[int, None]:
        try:
            yield 1
        finally:
            raise LookupError("in the generator")

    held = numbers()

    async def main() -> None:
        assert await anext(held) == 1

    run(main(), exception_hook=lambda message, error: reports.append((message, error)))
    assert [str(error) for message, error in reports] == ["in the generator"]


# Tasks that refuse to die.


def test_a_task_that_swallows_every_cancellation_is_named_and_given_up() -> None:
    reports: Reports = []

    async def stubborn() -> None:
        while True:
            try:
                await sleep(1000)  # here it stays
            except Cancelled:
                pass

    async def main() -> Task[None]:
        task = await spawn(stubborn(), name="the stubborn one")
        await checkpoint()
        return task

    task = run(main(), clock=VirtualClock(), exception_hook=lambda message, error: reports.append((message, error)))
    assert task.done() and task.cancelled()
    assert len(reports) >= 2
    for message, _ in reports:
        assert "the stubborn one" in message
    assert "sleep(1000)" in reports[0][0] and __file__ in reports[0][0]
    assert "was cancelled once at" in reports[0][0] and "was cancelled 2 times at" in reports[1][0]


def test_a_task_that_swallows_a_few_cancellations_is_cancelled_again() -> None:
    trace: list[str] = []

    async def reluctant() -> None:
        for _ in range(2):
            try:
                await Waitable()
            except Cancelled:
                trace.append("swallowed")
        try:
            await Waitable()
        finally:
            trace.append("ended")

    async def main() -> Task[None]:
        task = await spawn(reluctant())
        await checkpoint()
        return task

    assert run(main(), exception_hook=lambda message, error: None).cancelled()
    assert trace == ["swallowed", "swallowed", "ended"]


def test_a_task_that_spins_through_checkpoints_is_named_and_given_up() -> None:
    reports: Reports = []

    async def spinner() -> None:
        while True:
            try:
                await checkpoint()
            except Cancelled:
                pass

    async def main() -> list[Task[None]]:
        tasks = [await spawn(spinner(), name=f"spinner {number}") for number in range(3)]
        await checkpoint()
        return tasks

    tasks = run(main(), grace=0.02, exception_hook=lambda message, error: reports.append((message, error)))
    assert all(task.done() for task in tasks)
    for number in range(3):
        assert any(f"spinner {number}" in message for message, error in reports)
    assert not any("None" in message for message, error in reports)  # "blocked on None" would mislead


def test_given_up_tasks_that_wait_for_each_other_are_given_up_once_each() -> None:
    async def elder() -> None:
        while True:
            try:
                await sleep(1000)
            except Cancelled:
                pass

    async def younger(task: Task[None]) -> None:
        while not task.done():
            try:
                await task
            except Cancelled:
                pass

    async def main() -> list[Task[None]]:
        first = await spawn(elder())
        second = await spawn(younger(first))
        await checkpoint()
        return [first, second]

    tasks = run(main(), clock=VirtualClock(), exception_hook=lambda message, error: None)
    assert all(task.done() for task in tasks)


def test_cleaning_up_may_take_as_long_as_the_grace() -> None:
    trace: list[str] = []

    async def slow() -> None:
        try:
            await sleep(1000)
        finally:
            await sleep(9)
            trace.append("cleaned")

    async def main() -> None:
        await spawn(slow())
        await checkpoint()

    run(main(), clock=VirtualClock(), grace=10, exception_hook=refuse)
    assert trace == ["cleaned"]


@may_log
def test_the_watchdog_names_a_task_that_never_yields() -> None:
    named = threading.Event()
    messages: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())
            named.set()

    async def spinner() -> None:
        try:
            await sleep(1000)
        finally:
            while not named.is_set():
                pass

    async def main() -> None:
        await spawn(spinner(), name="the endless one")
        await checkpoint()

    listener = Listener()
    logging.getLogger("kernel").addHandler(listener)
    try:
        run(main(), grace=0.01)
    finally:
        logging.getLogger("kernel").removeHandler(listener)
    assert "the endless one" in messages[0] and "without yielding" in messages[0]
    assert re.search(rf'File "{__file__}", line \d+, in spinner', messages[0])


# Failures that reach nobody.


async def fails(what: str = "nobody waits") -> None:
    raise LookupError(what)


def test_a_failure_nobody_waited_for_is_reported_when_its_task_is_collected() -> None:
    reports: Reports = []

    async def main() -> None:
        await spawn(fails(), name="the failed one")
        await checkpoint()
        gc.collect()
        assert len(reports) == 1

    run(main(), exception_hook=lambda message, error: reports.append((message, error)))
    (message, error), = reports
    assert "the failed one" in message and isinstance(error, LookupError) and error.__traceback__ is not None


def test_a_failure_nobody_waited_for_is_reported_at_the_latest_when_the_kernel_closes() -> None:
    reports: Reports = []

    async def main() -> Task[None]:
        task = await spawn(fails(), name="the failed one")
        await checkpoint()
        gc.collect()
        assert reports == []  # somebody may wait yet
        return task

    task = run(main(), exception_hook=lambda message, error: reports.append((message, error)))
    assert len(reports) == 1 and "the failed one" in reports[0][0]
    del task
    gc.collect()
    assert len(reports) == 1


def test_a_failure_of_cleaning_up_at_shutdown_is_reported() -> None:
    reports: Reports = []

    async def child() -> None:
        try:
            await sleep(1000)
        finally:
            raise LookupError("in cleanup")

    async def main() -> None:
        await spawn(child())
        await checkpoint()

    run(main(), clock=VirtualClock(), exception_hook=lambda message, error: reports.append((message, error)))
    assert [str(error) for message, error in reports] == ["in cleanup"]


def test_a_failure_that_somebody_saw_is_not_reported() -> None:
    async def main() -> None:
        waited, asked, raised, early = [await spawn(fails()) for _ in range(4)]
        with pytest.raises(LookupError):
            await early
        await checkpoint()
        with pytest.raises(LookupError):
            await waited
        assert asked.exception() is not None
        with pytest.raises(LookupError):
            raised.result()

    run(main(), exception_hook=refuse)
    gc.collect()


def test_a_failure_whose_only_waiter_was_cancelled_before_is_reported() -> None:
    reports: Reports = []

    async def late() -> None:
        await sleep(5)
        raise LookupError("late")

    async def waiter(task: Task[None]) -> None:
        await task

    async def main() -> None:
        task = await spawn(late())
        waiting = await spawn(waiter(task))
        await checkpoint()
        waiting.cancel()
        await sleep(10)

    run(main(), clock=VirtualClock(), exception_hook=lambda message, error: reports.append((message, error)))
    assert [str(error) for message, error in reports] == ["late"]


def test_a_cancelled_task_is_no_failure() -> None:
    async def main() -> None:
        (await spawn(sleep_long())).cancel()
        await checkpoint()
        gc.collect()

    run(main(), exception_hook=refuse)


async def sleep_long() -> None:
    await sleep(1000)


def test_the_failure_of_main_is_raised_and_not_reported() -> None:
    with pytest.raises(LookupError):
        run(fails(), exception_hook=refuse)
    gc.collect()


def test_the_failure_of_a_daemon_is_reported_at_once() -> None:
    reports: Reports = []

    async def main() -> Task[None]:
        task = await spawn(fails(), daemon=True)
        await checkpoint()
        assert len(reports) == 1
        return task

    run(main(), exception_hook=lambda message, error: reports.append((message, error)))
    assert len(reports) == 1


@may_log
def test_by_default_failures_are_logged_with_their_traceback(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        await spawn(fails(), name="the failed one")
        await checkpoint()

    run(main())
    gc.collect()
    record, = caplog.records
    assert record.name == "kernel" and record.levelno == logging.ERROR and "the failed one" in record.getMessage()
    assert "in fails" in caplog.text and "nobody waits" in caplog.text


@may_log
def test_an_exception_hook_that_fails_is_reported_and_so_is_what_it_was_told(caplog: pytest.LogCaptureFixture) -> None:
    def hook(message: str, error: BaseException) -> None:
        raise ZeroDivisionError("in the hook")

    async def main() -> str:
        await spawn(fails(), daemon=True)
        await sleep(1)
        return "lives"

    assert run(main(), clock=VirtualClock(), exception_hook=hook) == "lives"
    assert "in the hook" in caplog.text and "nobody waits" in caplog.text


# The process is as before.


def process_state() -> dict[str, object]:
    """What a run must leave as it was."""
    wakeup_fd = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(wakeup_fd)
    return {
        "descriptors": sorted(os.listdir("/dev/fd")),
        "threads": threading.enumerate(),
        "signal handlers": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)],
        "wakeup descriptor": wakeup_fd,
        "async generator hooks": sys.get_asyncgen_hooks(),
    }


async def numbers_until_closed() -> AsyncGenerator[int, None]:
    try:
        yield 1
    finally:
        await sleep(0.001)


async def use_everything(end: str) -> None:
    """Have a thread, a descriptor, a timer, an async generator and a few tasks in use when the run ends."""
    read_end, write_end = os.pipe()

    async def reader() -> None:
        try:
            await wait_readable(read_end)
        finally:
            os.close(read_end)
            os.close(write_end)

    await spawn(reader())
    await spawn(sleep_long(), daemon=True)
    await run_in_thread(int)
    async for _ in numbers_until_closed():
        break
    inside = process_state()
    assert inside["signal handlers"] != [signal.default_int_handler] * 3
    if end == "failure":
        raise LookupError
    if end == "cancellation":
        (await current_task()).cancel()
        await checkpoint()
    if end == "deadlock":
        await (await current_task())
    if end == "exit":
        sys.exit(3)


@pytest.mark.parametrize("end", ["value", "failure", "cancellation", "deadlock", "exit"])
def test_after_a_run_the_process_is_as_before(end: str) -> None:
    gc.collect()
    before = process_state()
    for _ in range(3):
        try:
            run(use_everything(end), exception_hook=refuse)
        except (LookupError, Cancelled, RuntimeError, SystemExit):
            assert end != "value"
        else:
            assert end == "value"
        assert process_state() == before


def test_while_it_runs_the_kernel_does_have_something_to_give_back() -> None:
    before = process_state()

    async def main() -> None:
        await run_in_thread(int)
        inside = process_state()
        for key in "descriptors", "threads", "signal handlers", "wakeup descriptor", "async generator hooks":
            assert inside[key] != before[key], key

    run(main())


def test_a_signal_handler_of_the_program_stays_in_place() -> None:
    def handler(number: int, frame: object) -> None:
        pass

    async def main() -> None:
        assert signal.getsignal(signal.SIGINT) is handler

    previous = signal.signal(signal.SIGINT, handler)
    try:
        run(main())
        assert signal.getsignal(signal.SIGINT) is handler
    finally:
        signal.signal(signal.SIGINT, previous)


def test_a_kernel_runs_in_a_thread_and_two_kernels_side_by_side() -> None:
    results: list[int] = []
    barrier = threading.Barrier(2, timeout=30)

    async def main(number: int) -> int:
        await run_in_thread(barrier.wait)
        await sleep(0.001)
        return number

    workers = [threading.Thread(target=lambda number=number: results.append(run(main(number)))) for number in (1, 2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(results) == [1, 2]


def test_a_kernel_can_run_again_and_again_until_it_is_closed() -> None:
    async def main(number: int) -> int:
        await spawn(sleep_long())
        await sleep(1)
        return number

    gc.collect()
    before = process_state()
    clock = VirtualClock()
    with Kernel(clock=clock, exception_hook=refuse) as kernel:
        assert [kernel.run(main(number)) for number in range(5)] == [0, 1, 2, 3, 4]
        assert not kernel.tasks
    assert clock.now() == 5.0
    assert process_state() == before


@pytest.mark.timeout(3)
def test_a_kernel_that_never_ran_closes_cleanly(recwarn: pytest.WarningsRecorder) -> None:
    trace: list[str] = []

    async def loop() -> None:
        trace.append("started")
        while True:
            await checkpoint()

    gc.collect()
    before = process_state()
    kernel = Kernel(exception_hook=refuse)
    task = kernel.spawn(loop())
    kernel.close()
    assert task.cancelled() and trace == []
    del task
    gc.collect()
    assert process_state() == before
    assert [str(warning.message) for warning in recwarn] == []


@pytest.mark.timeout(3)
def test_what_a_last_call_spawns_is_ended() -> None:
    trace: list[str] = []

    async def loop() -> None:
        while True:
            await checkpoint()

    async def sleeper() -> None:
        try:
            await sleep(1000)
        finally:
            trace.append("ended")

    for body in sleeper, loop:
        reports: Reports = []
        kernel = Kernel(exception_hook=lambda *report: reports.append(report))
        kernel.call_from_thread(kernel.spawn, body())
        kernel.close()
        assert not kernel.tasks
        assert "the kernel is closed" in str(reports[0][1]) and len(reports) == 1  # it was refused, and is reported
    assert trace == []
