"""Cancellations at the end of a task group: none that nobody asked for, and none lost."""

from __future__ import annotations

import pytest

from kernel import (Cancelled, Task, TaskGroup, VirtualClock, checkpoint, current_task, run, shielded, sleep, spawn,
                    timeout)


async def fail_when_cancelled() -> None:
    try:
        await sleep(9)
    finally:
        raise KeyError("k")


async def group_ended_by_another(other: Task[None]) -> None:
    """A group whose body ends because `other` was cancelled, and of whose tasks one fails then."""
    async with TaskGroup() as group:
        await group.spawn(fail_when_cancelled())
        await checkpoint()
        await other


async def cancelled_task() -> Task[None]:
    task = await spawn(sleep_long())
    await checkpoint()
    task.cancel()
    return task


async def sleep_long() -> None:
    await sleep(9)


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
