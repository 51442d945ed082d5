"""Mistakes in syscalls of the user's own: each is told once, by name, and hurts only the task that made the request."""

from __future__ import annotations

import gc
import socket
from typing import Any

import pytest

from kernel import (Cancelled, Deadlock, Kernel, Observer, Syscall, Task, VirtualClock, checkpoint, current_task, run,
                    sleep, spawn, timeout)
from tests.support.collector import collector_off
from tests.support.reports import Reports


class Park(Syscall[str]):
    """Blocks; whoever has the task may wake it."""

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        return False

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        pass


class Timed(Park):
    """Its own timer, which fails."""

    dead: bool | None = None

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        kernel.timers.add(kernel.clock.now() + 1, self)
        return False

    def fire(self, kernel: Kernel) -> None:
        raise LookupError("no such event")


async def bystander() -> str:
    for _ in range(5):
        await sleep(1)
    return "unharmed"


def outcome(program: Any, observer: Observer | None = None) -> tuple[list[str], Reports]:
    """Run `program(log)` beside a task that must not notice."""
    log: list[str] = []
    reports = Reports()

    async def main() -> None:
        other = await spawn(bystander())
        await program(log)
        assert await other == "unharmed"

    run(main(), clock=VirtualClock(), observer=observer,
        exception_hook=reports)
    return log, reports


async def raising(request: Syscall[Any], log: list[str]) -> None:
    try:
        await request
    except BaseException as error:
        log.append(f"{type(error).__name__}: {error}")
        raise


@pytest.mark.parametrize("how", ["cancel", "timeout"])
def test_a_request_that_cannot_be_aborted_is_told_once_and_its_task_cancelled(how: str) -> None:
    class Endless(Syscall[None]):
        def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
            return False

    async def program(log: list[str]) -> None:
        if how == "timeout":
            with pytest.raises(TimeoutError):
                async with timeout(1):
                    await raising(Endless(), log)
            return
        task = await spawn(raising(Endless(), log), name="stuck")
        await checkpoint()
        task.cancel()
        with pytest.raises(Cancelled):
            await task

    log, reports = outcome(program)
    assert log == ["Cancelled: "]
    (message, error), = reports
    assert "Endless.abort()" in message and ("'stuck'" if how == "cancel" else ".main'") in message
    assert isinstance(error, NotImplementedError) and "write abort()" in str(error)


def test_at_shutdown_a_request_that_cannot_be_aborted_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    class Endless(Syscall[None]):
        def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
            return False

    ended: list[str] = []

    async def stuck() -> None:
        try:
            await Endless()
        finally:
            ended.append("stuck")

    async def main() -> str:
        await spawn(stuck())
        await checkpoint()
        return "done"

    assert run(main()) == "done" and ended == ["stuck"]
    assert len(caplog.records) == 1 and "Endless.abort()" in caplog.text


def test_an_abort_that_wakes_its_task_is_told_and_the_task_is_cancelled_once() -> None:
    class Waking(Park):
        def abort(self, kernel: Kernel, task: Task[Any]) -> None:
            task.wake("too late")

    async def program(log: list[str]) -> None:
        task = await spawn(raising(Waking(), log))
        await checkpoint()
        task.cancel()
        with pytest.raises(Cancelled):
            await task

    log, ((message, error),) = outcome(program)
    assert log == ["Cancelled: "]
    assert "Waking.abort()" in message and "cannot be woken" in str(error)


def test_a_request_without_execute_says_what_to_write() -> None:
    async def program(log: list[str]) -> None:
        with pytest.raises(NotImplementedError, match=r"write execute\(\)"):
            await Syscall[None]()

    assert outcome(program) == ([], [])


@pytest.mark.parametrize("answer", ["wake", "throw"])
@pytest.mark.parametrize("then", ["raises", "returns True"])
@pytest.mark.parametrize("observer", [None, Observer()], ids=["unobserved", "observed"])
def test_an_execute_that_has_woken_its_task_and_then_fails(answer: str, then: str, observer: Observer | None) -> None:
    class Twice(Park):
        def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
            if answer == "wake":
                task.wake("an answer")
            else:
                task.throw(ValueError("an error"))
            if then == "raises":
                raise LookupError("after all")
            return True

    async def victim(log: list[str]) -> None:
        with pytest.raises((LookupError, RuntimeError)) as caught:
            await Twice()
        log.append(str(caught.value))
        for number in range(3):  # and nothing of it is left
            assert await sleep(0.1) is None  # type: ignore[func-returns-value]  # that it has none is the test
            log.append(str(number))

    async def program(log: list[str]) -> None:
        await (await spawn(victim(log)))

    log, reports = outcome(program, observer)
    assert log[1:] == ["0", "1", "2"] and not reports
    if then == "raises":
        assert log[0] == "after all"
    else:
        assert "Twice.execute()" in log[0] and "return False" in log[0]


@pytest.mark.parametrize("answer", ["wake", "throw"])
def test_waking_a_task_that_is_not_blocked_is_an_error_there(answer: str) -> None:
    async def program(log: list[str]) -> None:
        async def parked() -> None:
            log.append(await Park())
            await sleep(1)

        def wake() -> None:
            if answer == "wake":
                task.wake("answer")
            else:
                task.throw(LookupError())

        task = await spawn(parked(), name="parked")
        with pytest.raises(RuntimeError, match="'parked' cannot be woken, since it is ready and not blocked"):
            wake()  # it has not started
        await checkpoint()
        task.wake("first")
        with pytest.raises(RuntimeError, match="cannot be woken"):
            wake()
        await task
        with pytest.raises(RuntimeError, match="since it is done"):
            wake()

    assert outcome(program) == (["first"], [])


def test_a_timer_that_fails_is_raised_in_the_task_that_waits_for_it() -> None:
    async def program(log: list[str]) -> None:
        with pytest.raises(RuntimeError, match=r"Timed\.fire\(\) failed") as caught:
            await Timed()
        assert isinstance(caught.value.__cause__, LookupError)
        log.append("told")

    assert outcome(program) == (["told"], [])


def test_a_timer_that_fails_and_that_nobody_waits_for_is_reported() -> None:
    async def program(log: list[str]) -> None:
        task = await spawn(raising(Timed(), log))
        await checkpoint()
        task.cancel()
        await sleep(2)

    log, ((message, error),) = outcome(program)
    assert log == ["Cancelled: "] and "Timed.fire()" in message and isinstance(error, LookupError)


@pytest.mark.parametrize("method", ["fire", "abort"])
def test_an_exit_in_a_method_of_a_request_ends_the_run(method: str) -> None:
    class Leaving(Timed):
        def fire(self, kernel: Kernel) -> None:
            raise SystemExit(3)

        def abort(self, kernel: Kernel, task: Task[Any]) -> None:
            raise SystemExit(3)

    async def program(log: list[str]) -> None:
        async with timeout(0.5 if method == "abort" else None):
            await Leaving()

    with pytest.raises(SystemExit):
        outcome(program)


def test_an_event_of_the_poller_that_fails_is_raised_in_the_task_that_waits_for_it() -> None:
    class Watch(Park):
        once, writing, endpoint = True, True, None

        def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
            kernel.poller.watch(ours.fileno(), True, self)
            return False

        def fire(self, kernel: Kernel) -> None:
            raise LookupError("no such event")

        def fail(self, kernel: Kernel, error: OSError) -> None:
            raise error

    async def program(log: list[str]) -> None:
        with pytest.raises(RuntimeError, match=r"Watch\.fire\(\) failed"):
            await Watch()
        log.append("told")

    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert outcome(program) == (["told"], [])


def test_a_lasting_listener_that_fails_is_told_once_and_not_fired_again() -> None:
    class Lasting(Park):
        """Not a request that anybody has made, but a listener for each time."""

        once, endpoint = False, None

        def fire(self, kernel: Kernel) -> None:
            raise LookupError("no such event")

        def fail(self, kernel: Kernel, error: OSError) -> None:
            raise error

    async def program(log: list[str]) -> None:
        kernel = (await current_task()).kernel
        kernel.poller.watch(ours.fileno(), True, Lasting())  # which it is all the time
        for _ in range(100):
            await checkpoint()
        assert kernel.poller.listener(ours.fileno(), True) is None

    ours, theirs = socket.socketpair()
    with ours, theirs:
        log, ((message, error),) = outcome(program)
    assert "Lasting.fire()" in message and isinstance(error, LookupError)


def test_a_deadlock_of_a_request_whose_repr_fails_still_says_who_is_blocked() -> None:
    class Unspeakable(Park):
        def __repr__(self) -> str:
            raise LookupError("no words")

    async def main() -> None:
        await Unspeakable()

    with pytest.raises(Deadlock, match="main' is blocked on <.*Unspeakable"):
        run(main())


def test_a_failing_execute_leaves_nothing_to_the_collector() -> None:
    class Failing(Park):
        def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
            raise LookupError(f"{task} cannot have this")

    told: list[str] = []

    async def ends_by_it() -> None:
        await Failing()

    async def main() -> None:
        for _ in range(10):
            await spawn(ends_by_it())
            await checkpoint()
        assert len(told) == 10  # at once

    with collector_off():
        run(main(), exception_hook=lambda message, error: told.append(message))
        assert gc.collect() == 0
