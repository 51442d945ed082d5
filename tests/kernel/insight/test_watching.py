"""Observers that come and go while a kernel runs, and that are several."""

from __future__ import annotations

import weakref
from collections import deque
from contextvars import Context
from typing import Any

import pytest

from kernel import Deadlock, Kernel, Observer, Syscall, Task, VirtualClock, Waitable, current_task, run, sleep, spawn
from kernel.insight import watch, watch_all
from tests.support.collector import collector_off
from tests.support.reports import Reports


class Heard(Observer):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.log: list[str] = []

    def spawn(self, task: Task[Any]) -> None:
        self.log.append(f"spawn {task.name}")

    def answer(self, task: Task[Any], request: Syscall[Any], value: Any, error: BaseException | None) -> None:
        self.log.append(f"answer {task.name} {request} {value if error is None else repr(error)}")

    def syscall(self, task: Task[Any], request: Syscall[Any]) -> None:
        self.log.append(f"syscall {task.name} {request}")

    def wake(self, task: Task[Any]) -> None:
        self.log.append(f"wake {task.name}")

    def exit(self, task: Task[Any], value: Any, error: BaseException | None) -> None:
        self.log.append(f"exit {task.name} {value if error is None else repr(error)}")

    def deadlock(self, error: Deadlock) -> None:
        self.log.append("deadlock")


async def nap(seconds: float) -> str:
    await sleep(seconds)
    return "rested"


def test_one_that_comes_late_sees_the_waits_that_have_begun() -> None:
    heard = Heard()

    async def main() -> None:
        task = await spawn(nap(2), name="early")
        await sleep(1)
        with watch(heard):
            await (await spawn(nap(1), name="late"))
            await task

    run(main(), clock=VirtualClock())
    told = [line for line in heard.log if "main" not in line]
    assert told == ["spawn late", "syscall late sleep(1)", "wake early", "wake late", "answer early sleep(2) None",
                    "exit early rested", "answer late sleep(1) None", "exit late rested"]


def test_the_last_one_leaves_no_trace() -> None:
    async def main() -> None:
        me = await current_task()
        other = await spawn(nap(5))
        first, second = watch(Heard()), watch(Heard())
        await sleep(1)
        first.stop()
        first.stop()
        assert type(me.context) is not Context
        second.stop()
        for task in me, other:
            assert type(task.context) is Context
        assert me.kernel.tap is None and type(me.kernel.ready) is deque and me.kernel.woken is me.kernel.ready
        await other

    run(main(), clock=VirtualClock())


def test_one_that_is_stopped_while_its_method_runs() -> None:
    class Once(Observer):
        calls = 0

        def syscall(self, task: Task[Any], request: Syscall[Any]) -> None:
            self.calls += 1
            watching.pop().stop()

    once = Once()

    async def main() -> None:
        watching.append(watch(once))
        for _ in range(3):
            await sleep(1)
        assert type((await current_task()).context) is Context

    watching: list[Any] = []
    run(main(), clock=VirtualClock())
    assert once.calls == 1


def test_each_of_several_is_told_and_one_that_fails_is_in_nobodys_way() -> None:
    class Broken(Heard):
        def syscall(self, task: Task[Any], request: Syscall[Any]) -> None:
            raise ZeroDivisionError

    heard, reports = Heard(), Reports()

    async def main() -> str:
        with watch(Broken()), watch(heard):
            return await (await spawn(nap(1), name="nap"))

    assert run(main(), clock=VirtualClock(), exception_hook=reports) == "rested"
    assert [line for line in heard.log if " nap" in line] == [
        "spawn nap", "syscall nap sleep(1)", "wake nap", "answer nap sleep(1) None", "exit nap rested"]
    assert reports and all(isinstance(error, ZeroDivisionError) for _, error in reports)


def test_an_answer_to_code_that_is_called_comes_when_the_code_has_ended() -> None:
    heard = Heard()

    def inner() -> Any:
        yield sleep(1)
        raise ValueError("inner")

    def main() -> Any:
        try:
            yield inner()
        except ValueError:
            yield
        yield sleep(2)

    run(main(), clock=VirtualClock(), observer=heard)
    assert [line.replace(inner.__qualname__, "inner").replace(main.__qualname__, "main") for line in heard.log] == [
        "spawn main", "syscall main call(inner(...))", "syscall main sleep(1)", "wake main", "answer main sleep(1) None",
        "answer main call(inner(...)) ValueError('inner')", "syscall main checkpoint()", "answer main checkpoint() None",
        "syscall main sleep(2)", "wake main", "answer main sleep(2) None", "exit main None"]


def test_a_deadlock_is_told() -> None:
    heard = Heard()
    with pytest.raises(Deadlock):
        run(forever(), observer=heard)
    assert "deadlock" in heard.log


async def forever() -> None:
    await Waitable()


def test_a_kernel_that_is_made_later_can_be_watched_as_well() -> None:
    heard, own = Heard(), Heard()
    watch_all(heard)
    try:
        run(nap(1), clock=VirtualClock(), observer=own)
    finally:
        watch_all(None)
    run(nap(1), clock=VirtualClock())
    assert heard.log == own.log and heard.log.count("spawn nap") == 1


def test_what_cannot_watch_or_be_watched_is_refused() -> None:
    with pytest.raises(RuntimeError, match="where no kernel runs"):
        watch(Observer())

    async def main() -> None:
        with pytest.raises(TypeError, match="derived from kernel.Observer, not <class"):
            watch(Observer)  # type: ignore[arg-type]  # that is the point
        observer = Observer()
        with watch(observer), pytest.raises(RuntimeError, match="watches this kernel already"):
            watch(observer)

    run(main())


def test_a_kernel_that_was_watched_is_freed_at_once() -> None:
    with collector_off():
        kernel = Kernel(clock=VirtualClock())
        watching = watch(Heard(), kernel)
        kernel.run(nap(1))
        kernel.close()
        reference = weakref.ref(kernel)
        del kernel
        assert reference() is None
        watching.stop()  # harmless
