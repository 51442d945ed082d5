"""A shielded section holds while what is inside of it cleans up after a time limit or a task group of its own."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import pytest

from kernel import (Cancelled, Event, TaskGroup, VirtualClock, checkpoint, current_task, now, run, run_in_thread,
                    shielded, sleep, spawn, timeout)

EXPECTED = ["cleaned up", "ended", "whole"]


class Log(list[str]):
    """What a task that is to clean up undisturbed has done."""

    async def clean_up(self) -> None:
        try:
            await sleep(2)
        except BaseException as error:
            self.append(f"disturbed by {error!r}")
            raise
        self.append("cleaned up")

    async def expire(self) -> None:
        """Run into a time limit after 1 second, and clean up for 2 more."""
        try:
            async with timeout(1):
                try:
                    await sleep(9)
                finally:
                    await self.clean_up()
        except TimeoutError:
            self.append("ended")

    async def shield(self, work: Coroutine[Any, Any, None]) -> None:
        """Do `work` in a shielded section, stay there for 1 second more, and give a cancellation the chance to come."""
        async with shielded():
            await work
            await sleep(1)
            self.append("whole")
        await checkpoint()
        self.append("not cancelled")


@pytest.mark.parametrize("times", [1, 2])
def test_a_cancellation_from_outside_waits_for_the_end_of_the_section(times: int) -> None:
    log = Log()

    async def main() -> None:
        task = await spawn(log.shield(log.expire()))
        await sleep(2)
        for _ in range(times):
            task.cancel("from outside")
        with pytest.raises(Cancelled, match="from outside"):
            await task
        assert log == EXPECTED and task.cancelling() == times and task.shields == 0

    run(main(), clock=VirtualClock())


def test_so_does_the_expiry_of_a_timeout_outside_of_it() -> None:
    log = Log()

    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with timeout(2):
                await log.shield(log.expire())
        me = await current_task()
        assert log == EXPECTED and await now() == 4 and me.cancelling() == me.shields == 0

    run(main(), clock=VirtualClock())


@pytest.mark.parametrize("how", ["blocked", "ready", "answered", "running", "in a section", "in a thread"])
def test_so_it_does_whatever_the_task_did_when_a_group_in_the_section_was_cancelled(how: str) -> None:
    """Where the task cannot be told at once, the section lets the group's cancellation through later, and only that."""
    log, answer, groups = Log(), Event(), list[TaskGroup]()

    async def work() -> None:
        async with TaskGroup() as group:
            groups.append(group)
            try:
                await busy(group)
            finally:
                await log.clean_up()
        log.append("ended")

    async def busy(group: TaskGroup) -> None:
        match how:
            case "ready":
                while True:
                    await checkpoint()
            case "answered":
                await answer.wait()
            case "running":
                group.cancel()
            case "in a section":
                async with shielded():
                    await answer.wait()
                    await sleep(0.5)
                raise AssertionError("not told at the end of the inner section")
            case "in a thread":
                await run_in_thread(int, abandon=False)
        await sleep(9)

    async def main() -> None:
        task = await spawn(log.shield(work()))
        await checkpoint()
        answer.set()
        groups[0].cancel()
        await sleep(1)
        task.cancel("from outside")
        with pytest.raises(Cancelled, match="from outside"):
            await task
        assert log == EXPECTED and task.shields == 0

    run(main(), clock=VirtualClock())


def test_a_group_left_before_its_cancellation_was_told_leaves_the_section_whole() -> None:
    log, answer, groups = Log(), Event(), list[TaskGroup]()

    async def work() -> None:
        async with TaskGroup() as group:
            groups.append(group)
            await answer.wait()

    async def main() -> None:
        task = await spawn(log.shield(work()))
        await checkpoint()
        answer.set()
        groups[0].cancel()
        await checkpoint()
        task.cancel("from outside")
        with pytest.raises(Cancelled, match="from outside"):
            await task
        assert log == ["whole"] and task.shields == 0

    run(main(), clock=VirtualClock())


def test_one_that_came_together_with_the_groups_comes_again_at_the_end_of_the_section() -> None:
    log, answer, groups = Log(), Event(), list[TaskGroup]()

    async def work() -> None:
        async with TaskGroup() as group:
            groups.append(group)
            await answer.wait()
            await sleep(9)

    async def main() -> None:
        task = await spawn(log.shield(work()))
        await checkpoint()
        answer.set()
        groups[0].cancel()
        task.cancel("from outside")
        with pytest.raises(Cancelled):
            await task
        assert log == ["whole"] and task.cancelling() == 1 and task.shields == 0

    run(main(), clock=VirtualClock())


def test_one_that_is_held_back_keeps_its_message_while_two_timeouts_expire() -> None:
    log = Log()

    async def work() -> None:
        with pytest.raises(TimeoutError):
            async with timeout(2), timeout(1):
                try:
                    await sleep(9)
                finally:
                    await sleep(9)

    async def main() -> None:
        task = await spawn(log.shield(work()))
        await sleep(0.5)
        task.cancel("from outside")
        with pytest.raises(Cancelled, match="from outside"):
            await task
        assert log == ["whole"] and await now() == 3

    run(main(), clock=VirtualClock())
