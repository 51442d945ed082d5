"""Timers of the kernel where it is a guest of asyncio's own event loop."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

import kernel
from compat import Task


def complaints_of(code: Any) -> list[str]:
    """What the loop had to complain of while `code` ran on it."""
    loop = asyncio.SelectorEventLoop()
    complaints: list[str] = []
    loop.set_exception_handler(lambda loop, told: complaints.append(str(told.get("exception", told["message"]))))
    try:
        loop.run_until_complete(Task(code, loop=loop))
    finally:
        loop.close()
    return complaints


def test_a_timeout_that_was_left_in_time_does_nothing_later() -> None:
    async def main() -> None:
        async with kernel.timeout(0.01):
            pass
        async with kernel.timeout(5):
            await asyncio.sleep(0.05)

    assert complaints_of(main()) == []


def test_a_sleep_that_was_cancelled_does_nothing_later() -> None:
    async def main() -> None:
        task = asyncio.ensure_future(Task(sleeping()))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0.05)
        assert task.cancelled()

    async def sleeping() -> None:
        await kernel.sleep(0.01)

    assert complaints_of(main()) == []


def test_a_timer_whose_fire_fails_is_told_to_the_loop() -> None:
    class Failing:
        dead: bool | None = None

        def fire(self, kernel: object) -> None:
            raise OSError("no fire")

    async def main() -> None:
        task = await kernel.current_task()
        task.kernel.timers.add(task.kernel.clock.now(), Failing())
        await asyncio.sleep(0.01)

    assert complaints_of(main()) == ["no fire"]


def test_a_task_that_waits_for_a_timer_whose_fire_fails_gets_the_error() -> None:
    class Tick(kernel.Syscall[None]):
        dead: bool | None = None

        def execute(self, kernel: kernel.Kernel, task: kernel.Task[Any]) -> bool:
            kernel.timers.add(kernel.clock.now(), self)
            return False

        def fire(self, kernel: kernel.Kernel) -> None:
            raise OSError("no fire")

    async def main() -> None:
        with pytest.raises(RuntimeError, match="Tick.fire.. failed"):
            await asyncio.wait_for(Task(waiting()), 5)

    async def waiting() -> None:
        await Tick()

    assert complaints_of(main()) == []


@pytest.mark.parametrize("deadline", [math.nan, 0.0])
def test_a_timer_that_cannot_be_one_is_refused(deadline: float) -> None:
    class Alarm:
        dead: bool | None = None

        def fire(self, kernel: object) -> None:
            pass

    async def main() -> None:
        timers = (await kernel.current_task()).kernel.timers
        alarm = Alarm()
        with pytest.raises(ValueError, match="NaN" if math.isnan(deadline) else "added before"):
            timers.add(deadline, alarm)
            timers.add(deadline, alarm)
        await asyncio.sleep(0.01)

    assert complaints_of(main()) == []


def test_timers_that_are_cancelled_do_not_stay_with_the_loop() -> None:
    async def main() -> None:
        for _ in range(100):
            async with kernel.timeout(3600):
                pass
        scheduled: list[Any] = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]
        assert all(handle.cancelled() for handle in scheduled)

    assert complaints_of(main()) == []
