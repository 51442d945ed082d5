"""Timers of the kernel where it is a guest of asyncio's own event loop."""

from __future__ import annotations

import asyncio
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


def test_a_timer_whose_fire_fails_is_reported_by_its_name(caplog: pytest.LogCaptureFixture) -> None:
    class Failing:
        dead: bool | None = None

        def fire(self, kernel: object) -> None:
            raise OSError("no fire")

    async def main() -> None:
        task = await kernel.current_task()
        task.kernel.timers.add(task.kernel.clock.now(), Failing())
        await asyncio.sleep(0.01)

    assert complaints_of(main()) == []
    assert "Failing.fire() failed" in caplog.text and "no fire" in caplog.text
