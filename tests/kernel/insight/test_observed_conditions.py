"""What an observer is told of a condition: the wait to be notified, and the wait for the lock after it."""

from __future__ import annotations

from typing import Any

import pytest

from kernel import Cancelled, Condition, Observer, Syscall, Task, VirtualClock, checkpoint, run, sleep, spawn


class Recorder(Observer):
    """Writes down the waits of the task that is called "waiter"."""

    def __init__(self) -> None:
        self.log: list[str] = []

    def block(self, task: Task[Any], request: Syscall[Any]) -> None:
        assert task.blocked_on is request
        self._note(task, f"block {type(request).__name__}")

    def wake(self, task: Task[Any]) -> None:
        self._note(task, "wake")

    def _note(self, task: Task[Any], line: str) -> None:
        if task.name == "waiter":
            self.log.append(line)


async def wait(condition: Condition) -> None:
    async with condition:
        await condition.wait()


def test_the_wait_for_the_lock_after_a_notification() -> None:
    recorder = Recorder()

    async def main() -> None:
        condition = Condition()
        waiter = await spawn(wait(condition), name="waiter")
        await checkpoint()
        async with condition:
            condition.notify()
            recorder.log.append("notified")
            await sleep(1)
            recorder.log.append("released")
        await waiter

    run(main(), observer=recorder, clock=VirtualClock())
    assert recorder.log == ["block Notification", "wake", "block Acquire", "notified", "released", "wake"]


@pytest.mark.parametrize("held", [True, False])
def test_the_wait_for_the_lock_after_a_cancellation(held: bool) -> None:
    recorder = Recorder()

    async def main() -> None:
        condition = Condition()
        waiter = await spawn(wait(condition), name="waiter")
        await checkpoint()
        if held:
            await condition.acquire()
        waiter.cancel()
        recorder.log.append("cancelled")
        await checkpoint()
        if held:
            recorder.log.append("released")
            condition.release()
        with pytest.raises(Cancelled):
            await waiter

    run(main(), observer=recorder)
    again = ["block Acquire", "released", "wake"] if held else []
    assert recorder.log == ["block Notification", "wake", "cancelled", *again]
