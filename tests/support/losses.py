"""Programs of asyncio's kind whose cancellations are watched."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import kernel
from compat.events import EventLoop
from compat.tasks import Task
from kernel.sim.lost import Cancellations, LostCancellation

Program = Callable[[], Awaitable[object]]


def losses(program: Program) -> list[LostCancellation]:
    """The cancellations that are lost in a program."""
    lost: list[LostCancellation] = []
    originals = vars(Task)["cancel"], vars(Task)["uncancel"]
    with Cancellations(lost.append, Task) as watch:
        async def main() -> None:
            try:
                await program()
            finally:
                watch.stop()

        with asyncio.Runner(loop_factory=lambda: EventLoop(clock=kernel.VirtualClock())) as runner:
            runner.run(main())
    assert (vars(Task)["cancel"], vars(Task)["uncancel"]) == originals
    return lost


async def forever() -> None:
    await asyncio.get_running_loop().create_future()


async def cancelled_after(seconds: float, coroutine: Any) -> asyncio.Task[Any]:
    """Cancel a task that runs `coroutine`, then wait for its end."""
    task = asyncio.create_task(coroutine, name="victim")
    await asyncio.sleep(seconds)
    assert task.cancel()
    await asyncio.wait([task])
    return task
