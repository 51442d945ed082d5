"""The syscalls, made from coroutines and from generators."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from kernel import Cancelled, Task, VirtualClock, call, cancel, checkpoint, current_task, now, run, sleep, spawn, wait
from tests.support.coroutines import sleeper
from tests.support.styles import Ask, each_style

Gen = Generator[Any, Any, Any]


@each_style
def test_spawn_answers_with_the_task_and_the_spawner_goes_on(ask: Ask) -> None:
    trace: list[str] = []

    async def child() -> str:
        trace.append("child")
        return "value"

    def main() -> Gen:
        task = yield ask(lambda: spawn(child(), name="kid", daemon=False))
        trace.append("main")
        assert isinstance(task, Task) and task.name == "kid" and not task.daemon and task.state == "ready"
        return (yield task)

    assert run(main()) == "value"
    assert trace == ["main", "child"]


@each_style
def test_wait_answers_with_the_value_or_raises_the_exception(ask: Ask) -> None:
    async def value() -> str:
        await sleep(1)
        return "value"

    async def failure() -> None:
        await sleep(1)
        raise LookupError("failure")

    async def main() -> None:
        for early in True, False:
            task: Task[Any] = await spawn(value())
            failing: Task[Any] = await spawn(failure())
            if early:
                await sleep(2)
            assert await call(ask(lambda: wait(task))) == "value"
            assert await call(ask(lambda: task)) == "value"  # and again, now that it is done
            for _ in range(2):
                with pytest.raises(LookupError, match="failure"):
                    await call(ask(lambda: wait(failing)))

    run(main(), clock=VirtualClock())


@each_style
def test_waiting_for_a_cancelled_task_raises_cancelled(ask: Ask) -> None:
    async def main() -> None:
        task = await spawn(sleeper())
        waiter = await spawn(ask(lambda: wait(task)))
        await checkpoint()
        task.cancel()
        with pytest.raises(Cancelled):
            await waiter
        late = await spawn(ask(lambda: wait(task)))
        with pytest.raises(Cancelled):
            await late

    run(main(), clock=VirtualClock())


@each_style
def test_cancel_answers_whether_there_was_anything_to_cancel(ask: Ask) -> None:
    def main() -> Gen:
        task = yield spawn(sleeper())
        yield
        assert (yield ask(lambda: cancel(task, "enough"))) is True
        assert not task.done()  # it has not run yet
        with pytest.raises(Cancelled, match="enough"):
            yield from task
        assert (yield ask(lambda: cancel(task))) is False

    run(main(), clock=VirtualClock())


@each_style
def test_current_task_is_the_one_that_asks(ask: Ask) -> None:
    async def main() -> None:
        for _ in range(2):
            task: Task[Any] = await spawn(ask(current_task))
            assert await task is task

    run(main())


@each_style
def test_now_is_what_the_clock_shows(ask: Ask) -> None:
    assert run(ask(now), clock=VirtualClock(12.5)) == 12.5
