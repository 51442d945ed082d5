"""Task groups and cancellation: the parent's and the group's own, none that nobody asked for, and none lost."""

from __future__ import annotations

from typing import Any

import pytest

from kernel import (Cancelled, Task, TaskGroup, VirtualClock, checkpoint, current_task, now, run, shielded, sleep,
                    spawn, timeout)
from tests.support.coroutines import after, cancel_after, fail_when_cancelled, sleeper
from tests.support.foreign_tasks import as_foreign


async def group_ended_by_another(other: Task[str]) -> None:
    """A group whose body ends because `other` was cancelled, and of whose tasks one fails then."""
    async with TaskGroup() as group:
        await group.spawn(fail_when_cancelled())
        await checkpoint()
        await other


async def cancelled_task() -> Task[str]:
    task = await spawn(sleeper())
    await checkpoint()
    task.cancel()
    return task


def test_a_body_ended_by_anothers_cancellation_leaves_no_request_behind() -> None:
    async def main() -> None:
        me = await current_task()
        with pytest.raises(ExceptionGroup):
            await group_ended_by_another(await cancelled_task())
        assert me.cancelling() == 0
        await sleep(1)

    run(main(), clock=VirtualClock())


@pytest.mark.parametrize("shield", [False, True])
def test_nor_does_one_in_a_task_that_was_told_of_its_own_cancellation_before(shield: bool) -> None:
    log = list[str]()

    async def clean_up() -> None:
        with pytest.raises(ExceptionGroup):
            await group_ended_by_another(await cancelled_task())
        await sleep(1)
        log.append("cleaned up")

    async def body() -> None:
        try:
            await sleep(9)
        finally:
            if shield:
                async with shielded():
                    await clean_up()
            else:
                await clean_up()

    async def main() -> None:
        task = await spawn(body())
        await checkpoint()
        task.cancel()
        with pytest.raises(Cancelled):
            await task
        assert log == ["cleaned up"] and task.cancelling() == 1

    run(main(), clock=VirtualClock())


def test_one_held_back_by_a_shield_keeps_its_message() -> None:
    async def body() -> None:
        async with shielded():
            other = await cancelled_task()
            await sleep(1)
            with pytest.raises(ExceptionGroup):
                await group_ended_by_another(other)
            await sleep(1)

    async def main() -> None:
        task = await spawn(body())
        await sleep(0.5)
        task.cancel("from outside")
        with pytest.raises(Cancelled, match="from outside"):
            await task
        assert task.cancelling() == 1

    run(main(), clock=VirtualClock())


@pytest.mark.parametrize("shield", [False, True])
def test_a_timeout_around_a_group_whose_tasks_fail_comes_where_the_task_suspends_next(shield: bool) -> None:
    async def limited() -> str:
        async with timeout(1):
            with pytest.raises(ExceptionGroup):
                async with TaskGroup() as group:
                    await group.spawn(fail_when_cancelled())
                    await sleep(9)
            await sleep(9)
        return "in time"

    async def main() -> None:
        with pytest.raises(TimeoutError):
            if shield:
                async with shielded():
                    await limited()
            else:
                await limited()
        assert (await current_task()).cancelling() == 0

    run(main(), clock=VirtualClock())


@pytest.mark.parametrize("waiting", ["in the block", "at its end"])
@pytest.mark.parametrize("foreign", [False, True])
def test_cancelling_the_parent_cancels_the_group(waiting: str, foreign: bool) -> None:
    children = list[Task[Any]]()

    async def body() -> None:
        async with TaskGroup() as group:
            children.append(await group.spawn(after(9)))
            if waiting == "in the block":
                await sleep(9)

    async def main() -> None:
        children.clear()
        task: Task[Any] = await as_foreign(body()) if foreign else await spawn(body())
        await spawn(cancel_after(1, task))
        with pytest.raises(task.cancelled_type, match="from outside"):
            await task
        assert children[0].cancelled() and await now() == 1 and task.cancelled()

    run(main(), clock=VirtualClock())


def test_a_cancellation_of_the_parent_is_not_lost_when_failures_go_first() -> None:
    async def body() -> str:
        try:
            async with TaskGroup() as group:
                await group.spawn(fail_when_cancelled())
        except* KeyError:
            pass
        await sleep(1)
        return "lost"

    async def main() -> None:
        task = await spawn(body())
        await sleep(1)
        task.cancel("mine")
        with pytest.raises(Cancelled, match="mine"):
            await task
        assert task.cancelling() == 1

    run(main(), clock=VirtualClock())


def test_a_parent_cancelled_while_a_failed_group_ends() -> None:
    async def slow_end() -> None:
        try:
            await sleep(9)
        finally:
            await sleep(2)

    async def body() -> str:
        try:
            async with TaskGroup() as group:
                await group.spawn(slow_end())
                await group.spawn(after(1, ValueError()))
        except* ValueError:
            pass
        await sleep(1)
        return "lost"

    async def main() -> None:
        task = await spawn(body())
        await sleep(2)
        task.cancel()
        with pytest.raises(Cancelled):
            await task
        assert await now() == 3

    run(main(), clock=VirtualClock())


def test_a_timeout_around_a_group_ends_it() -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with timeout(1), TaskGroup() as group:
                child = await group.spawn(after(9))
        assert child.cancelled() and await now() == 1

    run(main(), clock=VirtualClock())


@pytest.mark.parametrize("who", ["block", "child", "other"])
def test_cancelling_a_group_ends_it_quietly(who: str) -> None:
    async def cancel(group: TaskGroup) -> None:
        await sleep(1)
        group.cancel()
        group.cancel()
        await sleep(9)

    async def main() -> None:
        async with TaskGroup() as helpers:
            async with TaskGroup() as group:
                child = await group.spawn(after(9))
                if who == "child":
                    await group.spawn(cancel(group))
                if who == "other":
                    await helpers.spawn(cancel(group))
                if who == "block":
                    group.cancel()
                    late = await group.spawn(after(9))
                await sleep(9)
                raise AssertionError("cancelled before this")
            assert child.cancelled() and await now() == (0 if who == "block" else 1)
            assert who != "block" or late.cancelled()
            helpers.cancel()
        assert (await current_task()).cancelling() == 0
        group.cancel()  # over: nothing happens
        await sleep(1)

    run(main(), clock=VirtualClock())
