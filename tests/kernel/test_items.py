"""Items of a program's own in the ready queue: `kernel.ready.append(item)` has the kernel call `item.run(kernel)`."""

from __future__ import annotations

from typing import Any

import pytest

from kernel import Cancelled, Kernel, Task, current_task, run, sleep, spawn


class Item:
    """Cancels a task, and notes which one is running then."""

    def __init__(self, victim: Task[Any], running: list[Task[Any] | None]) -> None:
        self._victim = victim
        self._running = running

    def run(self, kernel: Kernel) -> None:
        self._running.append(kernel.current)
        self._victim.cancel()


def test_no_task_runs_while_an_item_does_and_it_may_cancel_the_one_that_ran_last() -> None:
    running: list[Task[Any] | None] = []

    async def victim() -> None:
        task = await current_task()
        task.kernel.ready.append(Item(task, running))
        await sleep(1000)

    async def main() -> None:
        with pytest.raises(Cancelled):
            await (await spawn(victim()))

    run(main())
    assert running == [None]
