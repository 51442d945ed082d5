"""The observer: told of every spawn, resume, syscall, block, wake and exit, and never in the way."""

from __future__ import annotations

import contextvars
import sys
import weakref
from collections import deque
from collections.abc import Generator
from contextvars import Context
from typing import Any

import pytest

from kernel import (Cancelled, Kernel, Observer, Syscall, Task, VirtualClock, Waitable, checkpoint, current_task, run,
                    run_in_thread, sleep, spawn)
from tests.support.collector import collector_off
from tests.support.reports import Reports, ignore

Gen = Generator[Any, Any, Any]

colour: contextvars.ContextVar[str] = contextvars.ContextVar("colour", default="none")


class Recorder(Observer):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.log: list[str] = []

    def spawn(self, task: Task[Any]) -> None:
        self.log.append(f"spawn {task.name}")

    def resume(self, task: Task[Any]) -> None:
        self.log.append(f"resume {task.name}")

    def syscall(self, task: Task[Any], request: Syscall[Any]) -> None:
        self.log.append(f"syscall {task.name} {type(request).__name__}")

    def block(self, task: Task[Any], request: Syscall[Any]) -> None:
        assert task.blocked_on is request
        self.log.append(f"block {task.name} {type(request).__name__}")

    def wake(self, task: Task[Any]) -> None:
        self.log.append(f"wake {task.name}")

    def exit(self, task: Task[Any], value: Any, error: BaseException | None) -> None:
        assert task.done()
        self.log.append(f"exit {task.name}")


def named(code: Any, name: str) -> Gen:
    """Have a main task that has a short name in the log."""
    task = yield spawn(code, name=name)
    return (yield task)


def told_about(recorder: Recorder, name: str) -> list[str]:
    return [line.replace(f" {name}", "", 1) for line in recorder.log if line.split()[1] == name]


def test_a_sleep_is_a_syscall_that_blocks_and_then_a_wake() -> None:
    recorder = Recorder()

    async def body() -> None:
        await sleep(1)

    run(named(body(), "body"), observer=recorder, clock=VirtualClock())
    assert told_about(recorder, "body") == ["spawn", "resume", "syscall Sleep", "block Sleep", "wake", "resume", "exit"]


def test_a_request_answered_at_once_does_not_block() -> None:
    recorder = Recorder()

    async def body() -> None:
        await current_task()

    run(named(body(), "body"), observer=recorder)
    told = told_about(recorder, "body")
    assert told == ["spawn", "resume", "syscall CurrentTask", "resume", "exit"]


def test_a_checkpoint_neither_blocks_nor_wakes() -> None:
    recorder = Recorder()

    def body() -> Gen:
        yield
        yield checkpoint()

    run(named(body(), "body"), observer=recorder)
    told = [line for line in told_about(recorder, "body") if not line.startswith("syscall")]
    assert told == ["spawn", "resume", "resume", "resume", "exit"]


def test_waiting_spawning_and_exiting_are_told_in_their_order() -> None:
    recorder = Recorder()

    async def child() -> str:
        await sleep(1)
        return "value"

    async def parent() -> str:
        task = await spawn(child(), name="child")
        return await task

    assert run(named(parent(), "parent"), observer=recorder, clock=VirtualClock()) == "value"
    told = [line for line in recorder.log if line.split()[1] in ("parent", "child")]
    assert told.index("syscall parent Spawn") < told.index("spawn child") < told.index("resume child")
    assert told.index("block parent Task") < told.index("resume child")
    assert told.index("wake child") < told.index("exit child") < told.index("exit parent")
    assert told.index("wake parent") < told.index("exit parent")


def test_a_cancelled_wait_is_told_as_a_wake() -> None:
    recorder = Recorder()

    async def body() -> None:
        await Waitable()

    async def main() -> None:
        task = await spawn(body(), name="body")
        await checkpoint()
        task.cancel()
        with pytest.raises(Cancelled):
            await task

    run(main(), observer=recorder)
    assert told_about(recorder, "body") == ["spawn", "resume", "syscall Waitable", "block Waitable", "wake", "resume",
                                            "exit"]


def test_every_block_of_a_task_that_ends_is_followed_by_a_wake() -> None:
    recorder = Recorder()

    async def body() -> None:
        (await current_task()).cancel()
        await sleep(10)

    async def main() -> None:
        task = await spawn(body(), name="body")
        with pytest.raises(Cancelled):
            await task

    run(main(), observer=recorder, clock=VirtualClock())
    told = told_about(recorder, "body")
    assert told[told.index("block Sleep"):] == ["block Sleep", "wake", "resume", "exit"]


@pytest.mark.parametrize("event", ["spawn", "resume", "syscall", "block", "wake", "exit"])
def test_an_observer_that_fails_is_reported_and_the_kernel_lives(event: str) -> None:
    reports = Reports()

    class Broken(Observer):
        pass

    def fail(self: Observer, *details: Any) -> None:
        raise ZeroDivisionError(event)

    setattr(Broken, event, fail)

    async def child() -> str:
        await sleep(1)
        return "value"

    async def main() -> str:
        return await (await spawn(child()))

    assert run(main(), observer=Broken(), clock=VirtualClock(),
               exception_hook=reports) == "value"
    assert reports
    for message, error in reports:
        assert "observer" in message and event in message and isinstance(error, ZeroDivisionError)


def test_an_observed_task_runs_in_a_copy_of_its_spawners_context() -> None:
    async def body() -> str:
        seen = colour.get()
        colour.set("the child's")
        return seen + " " + await run_in_thread(colour.get)

    async def main() -> None:
        colour.set("red")
        assert await (await spawn(body())) == "red the child's"
        assert colour.get() == "red"

    run(main(), observer=Observer())


def test_an_observed_program_runs_as_an_unobserved_one() -> None:
    def program(log: list[Any]) -> Gen:
        def sub() -> Gen:
            yield sleep(1)
            return "sub"

        def body(number: int) -> Gen:
            log.append((number, (yield sub())))
            with pytest.raises(TypeError):
                yield 42
            try:
                yield sleep(100)
            except Cancelled:
                log.append((number, "cancelled"))
                raise

        tasks = []
        for number in range(5):
            tasks.append((yield spawn(body(number))))
        yield sleep(2)
        for task in tasks:
            task.cancel()
            try:
                yield from task
            except Cancelled:
                pass

    observed: list[Any] = []
    unobserved: list[Any] = []
    run(program(observed), observer=Observer(), clock=VirtualClock())
    run(program(unobserved), clock=VirtualClock())
    assert observed == unobserved and len(observed) == 10


@pytest.mark.skipif(sys.flags.dev_mode, reason="in development mode a queue that looks out for slow steps does")
def test_without_an_observer_nothing_stands_between() -> None:
    async def main() -> None:
        me = await current_task()
        assert type(me.kernel.ready) is deque and type(me.context) is Context

    with Kernel() as kernel:
        kernel.run(main())


def test_what_is_no_observer_is_refused_where_it_is_given() -> None:
    with pytest.raises(TypeError, match="derived from kernel.Observer, not <object"):
        Kernel(observer=object())  # type: ignore[arg-type]  # that is the point
    with pytest.raises(TypeError, match="derived from kernel.Observer, not <class"):
        Kernel(observer=Observer)  # type: ignore[arg-type]  # and not an instance


def test_a_task_that_was_given_up_is_let_go() -> None:
    async def stubborn() -> None:
        while True:
            try:
                await sleep(1000)
            except Cancelled:
                pass

    async def main() -> None:
        await spawn(stubborn())
        await checkpoint()

    with collector_off():
        kernel = Kernel(observer=Observer(), clock=VirtualClock(), exception_hook=ignore)
        kernel.run(main())
        kernel.close()
        reference = weakref.ref(kernel)
        del kernel
        assert reference() is None
