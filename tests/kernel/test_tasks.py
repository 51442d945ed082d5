"""Tasks: their states, names and results, and how long they live."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Generator
from typing import Any

import pytest

from kernel import Task, VirtualClock, checkpoint, current_task, run, sleep, spawn
from tests.support.collector import collector_off
from tests.support.coroutines import sleeper

Gen = Generator[Any, Any, Any]


def test_a_task_is_ready_then_running_then_blocked_then_done() -> None:
    states: list[str] = []

    async def body() -> None:
        states.append((await current_task()).state)
        await sleep(1)

    async def main() -> None:
        task = await spawn(body())
        states.append(task.state)
        await checkpoint()
        states.append(task.state)
        assert not task.done() and str(task.blocked_on) == "sleep(1)"
        await task
        states.append(task.state)
        assert task.done() and task.blocked_on is None

    run(main(), clock=VirtualClock())
    assert states == ["ready", "running", "blocked", "done"]


def test_a_task_that_checkpoints_is_ready() -> None:
    async def body() -> None:
        await checkpoint()

    async def main() -> None:
        task = await spawn(body())
        await checkpoint()
        assert task.state == "ready" and task.blocked_on is None
        await task

    run(main())


def test_a_task_is_called_by_its_name_or_that_of_its_function() -> None:
    def calls() -> Gen:
        yield sleeper()

    async def waits() -> None:
        await sleep(1000)

    async def main() -> None:
        named = await spawn(waits(), name="waiter 7")
        unnamed = await spawn(sleeper())
        calling: Task[Any] = await spawn(calls())
        await checkpoint()
        assert named.name == "waiter 7" and unnamed.name == "sleeper" and calling.name.endswith("calls")
        assert str(named) == f"task {named.id} 'waiter 7'"
        assert "blocked on sleep(1000) at " + __file__ in repr(named)
        assert named.id < unnamed.id < calling.id

    run(main(), clock=VirtualClock())


def test_result_and_exception_of_a_task() -> None:
    async def fails() -> None:
        raise LookupError("lost")

    async def main() -> None:
        good = await spawn(sleeper(1))
        bad = await spawn(fails())
        for unfinished in good.result, good.exception, bad.result, bad.exception:
            with pytest.raises(RuntimeError, match="has no result yet"):
                unfinished()
        assert await good == good.result() == "slept"
        assert good.exception() is None and not good.cancelled()
        with pytest.raises(LookupError, match="lost"):
            bad.result()
        assert isinstance(bad.exception(), LookupError) and not bad.cancelled()

    run(main(), clock=VirtualClock())


def test_a_task_is_gone_from_memory_when_nobody_holds_it() -> None:
    async def main() -> None:
        task = await spawn(sleeper(1))
        reference = weakref.ref(task)
        await task
        del task
        assert reference() is None  # by reference counting alone

    with collector_off():
        run(main(), clock=VirtualClock())


def test_a_task_nobody_holds_runs_to_its_end() -> None:
    ends: list[int] = []

    async def body(number: int) -> None:
        await sleep(number)
        ends.append(number)

    async def main() -> None:
        for number in range(1, 100):
            await spawn(body(number))
        gc.collect()
        await sleep(1000)

    run(main(), clock=VirtualClock())
    assert ends == list(range(1, 100))
