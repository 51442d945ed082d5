"""`Waitable.add_waiter`: whoever has wake() and throw() is told how a task, or a mailbox, has ended."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

from kernel import Cancelled, Task, VirtualClock, Waitable, checkpoint, run, sleep, spawn
from tests.support.waiters import Note, failing, returning


class Broken(Note):
    def wake(self, value: Any) -> None:
        raise ValueError("broken waiter")

    def throw(self, error: BaseException) -> None:
        raise ValueError("broken waiter")


async def sleeping() -> None:
    await sleep(1000)


def test_a_waiter_is_told_the_value_in_its_place_in_the_line() -> None:
    log: list[tuple[str, Any]] = []

    async def waits(task: Task[int]) -> None:
        log.append(("task", await task))

    async def main() -> None:
        task = await spawn(returning())
        task.add_waiter(Note(log))
        task.add_waiter(Note(log))
        await waits(task)
        assert log == [("value", 42), ("value", 42), ("task", 42)]

    run(main())


def test_a_failure_that_a_waiter_is_told_counts_as_seen() -> None:
    log: list[tuple[str, Any]] = []
    reports: list[str] = []

    async def main() -> None:
        task = await spawn(failing())
        task.add_waiter(Note(log))
        await sleep(0.01)

    run(main(), exception_hook=lambda message, error: reports.append(message))
    assert [(kind, str(error)) for kind, error in log] == [("error", "failed")] and reports == []


def test_a_cancelled_task_tells_the_waiter_so() -> None:
    log: list[tuple[str, Any]] = []

    async def main() -> None:
        task = await spawn(sleeping())
        task.add_waiter(Note(log))
        task.cancel("enough")
        await sleep(0.01)
        assert [(kind, type(error), error.args) for kind, error in log] == [("error", task.cancelled_type, ("enough",))]

    run(main())


def test_what_is_done_already_is_told_at_once() -> None:
    log: list[tuple[str, Any]] = []
    reports: list[str] = []

    async def main() -> None:
        good, bad = await spawn(returning()), await spawn(failing())
        await sleep(0)
        good.add_waiter(Note(log))
        bad.add_waiter(Note(log))
        assert log[0] == ("value", 42) and str(log[1][1]) == "failed" and len(log) == 2

    run(main(), exception_hook=lambda message, error: reports.append(message))
    assert reports == []


def test_a_waiter_that_fails_keeps_nobody_else_from_being_told_of_a_task() -> None:
    log: list[tuple[str, Any]] = []
    reports: list[tuple[str, str]] = []

    async def main() -> None:
        for code in returning(), failing():
            task: Task[Any] = await spawn(code)
            task.add_waiter(Broken(log))
            task.add_waiter(Note(log))
        await sleep(0.01)

    run(main(), exception_hook=lambda message, error: reports.append((message, str(error))))
    assert log[0] == ("value", 42) and str(log[1][1]) == "failed"
    assert [error for _, error in reports] == ["broken waiter"] * 2
    assert all("one who waited for task" in message for message, _ in reports)


def test_a_waiter_that_fails_is_told_to_who_completes_a_mailbox_when_all_others_know() -> None:
    log: list[tuple[str, Any]] = []
    mailbox = Waitable[str]()
    mailbox.add_waiter(Broken(log))
    mailbox.add_waiter(Note(log))
    with pytest.raises(ExceptionGroup, match="Waitable is done") as caught:
        mailbox.complete("post")
    assert log == [("value", "post")] and mailbox.result() == "post"
    assert [str(error) for error in caught.value.exceptions] == ["broken waiter"]


class Raising(Note):
    """Raises what ends a task, or the run."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def wake(self, value: Any) -> None:
        raise self._error


@pytest.mark.parametrize("error", [GeneratorExit("out"), Cancelled("out")])
def test_whatever_a_waiter_raises_the_others_are_told(error: BaseException) -> None:
    reports: list[str] = []

    async def waits(task: Task[int]) -> int:
        return await task

    async def main() -> None:
        task = await spawn(returning())
        task.add_waiter(Raising(error))
        assert await (await spawn(waits(task))) == 42

    run(main(), exception_hook=lambda message, error: reports.append(str(error)))
    assert reports == ["out"]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_run_ends_it_when_all_are_told(kind: type[BaseException]) -> None:
    log: list[tuple[str, Any]] = []

    async def main() -> None:
        task = await spawn(returning())
        task.add_waiter(Raising(kind("enough")))
        task.add_waiter(Note(log))
        await sleep(1000)

    with pytest.raises(kind, match="enough"):
        run(main())
    assert log == [("value", 42)]


def test_a_waiter_may_cancel_a_task_that_stands_behind_it() -> None:
    reports: list[str] = []

    class Cancelling(Note):
        def wake(self, value: Any) -> None:
            assert behind[0].cancel()

    behind: list[Task[Any]] = []

    async def late() -> None:
        await sleep(1)

    async def waits(task: Task[None]) -> None:
        await task

    async def main() -> None:
        task = await spawn(late())
        task.add_waiter(Cancelling([]))
        behind.append(await spawn(waits(task)))
        await checkpoint()
        assert behind[0].blocked_on is task
        with pytest.raises(Cancelled):
            await behind[0]

    run(main(), clock=VirtualClock(), exception_hook=lambda message, error: reports.append(message))
    assert reports == []


def test_a_waiter_that_fails_keeps_no_task_alive() -> None:
    tasks: list[weakref.ref[Task[Any]]] = []

    async def main() -> None:
        for _ in range(10):
            task = await spawn(returning())
            task.add_waiter(Broken([]))
            tasks.append(weakref.ref(task))
            del task
        await sleep(0.01)
        assert [reference() for reference in tasks] == [None] * 10

    gc.collect()
    gc.disable()
    try:
        run(main(), exception_hook=lambda message, error: None)
    finally:
        gc.enable()


def test_a_task_is_completed_by_its_code_alone() -> None:
    async def main() -> None:
        task = await spawn(sleeping())
        for complete in task.complete, task.fail:
            with pytest.raises(RuntimeError, match="task 2 'sleeping' completes with what its code returns or raises"):
                complete(OSError())
        task.cancel()

    run(main())


def test_a_waiter_needs_no_kernel() -> None:
    log: list[tuple[str, Any]] = []
    mailbox = Waitable[int]()
    mailbox.add_waiter(Note(log))
    mailbox.fail(OSError("lost"))
    assert str(log[0][1]) == "lost"
