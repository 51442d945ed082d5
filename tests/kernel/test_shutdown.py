"""The end of a run: whatever is left is ended in good order."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from kernel import Cancelled, Task, VirtualClock, Waitable, checkpoint, run, sleep, spawn
from tests.support.coroutines import leave
from tests.support.reports import ignore, refuse

pytestmark = pytest.mark.usefixtures("nothing_in_the_log")

Gen = Generator[Any, Any, Any]


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

    run(leave(body(0)), clock=VirtualClock(), exception_hook=refuse)
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

    run(leave(phoenix()), clock=VirtualClock(), exception_hook=ignore)
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


def test_cleaning_up_may_take_as_long_as_the_grace() -> None:
    trace: list[str] = []

    async def slow() -> None:
        try:
            await sleep(1000)
        finally:
            await sleep(9)
            trace.append("cleaned")

    run(leave(slow()), clock=VirtualClock(), grace=10, exception_hook=refuse)
    assert trace == ["cleaned"]
