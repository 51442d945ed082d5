"""Mistakes in native syscalls of a program's own: each hurts only the task of the loop that made the request."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import compat
from kernel import Kernel, Syscall, Task
from tests.compat.loops import Reports, note_reports


class Park(Syscall[str]):
    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        return False

    def abort(self, kernel: Kernel, task: Task[Any]) -> None:
        pass


class Endless(Syscall[None]):
    """Without an `abort`."""

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        return False


class Timed(Park):
    dead: bool | None = None

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        kernel.timers.add(kernel.clock.now(), self)
        return False

    def fire(self, kernel: Kernel) -> None:
        raise LookupError("no such event")


class Twice(Park):
    def __init__(self, then: str) -> None:
        self.then = then

    def execute(self, kernel: Kernel, task: Task[Any]) -> bool:
        task.wake("an answer")
        if self.then == "raises":
            raise LookupError("after all")
        return True


def reports_of(main: Any) -> Reports:
    """Run `main()` beside a task that must not notice; what the loop's exception handler was told."""
    async def bystander() -> str:
        for _ in range(20):
            await asyncio.sleep(0.001)
        return "unharmed"

    async def run() -> Reports:
        reports = note_reports()
        other = asyncio.create_task(bystander())
        await main()
        assert await other == "unharmed"
        return reports

    reports: Reports = compat.run(run())
    return reports


def test_a_request_that_cannot_be_aborted() -> None:
    async def main() -> None:
        async def stuck() -> None:
            await Endless()

        task = asyncio.create_task(stuck())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    report, = reports_of(main)
    assert "Endless.abort()" in report["message"] and isinstance(report["exception"], NotImplementedError)


@pytest.mark.parametrize("then", ["raises", "returns True"])
def test_an_execute_that_has_woken_its_task_and_then_fails(then: str) -> None:
    async def main() -> None:
        with pytest.raises(LookupError if then == "raises" else RuntimeError):
            await Twice(then)
        for _ in range(3):
            assert await asyncio.sleep(0, "slept") == "slept"

    assert reports_of(main) == []


def test_a_timer_that_fails() -> None:
    async def main() -> None:
        with pytest.raises(RuntimeError, match=r"Timed\.fire\(\) failed") as caught:
            await Timed()
        assert isinstance(caught.value.__cause__, LookupError)

    assert reports_of(main) == []


def test_waking_a_task_that_is_not_blocked_is_an_error_there() -> None:
    async def main() -> None:
        task: Any = asyncio.current_task()
        with pytest.raises(RuntimeError, match="cannot be woken"):
            task.wake()

    assert reports_of(main) == []
