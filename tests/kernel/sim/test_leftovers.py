"""Tasks that a program has left behind when it ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import kernel
from compat.events import EventLoop
from kernel import Kernel, VirtualClock
from kernel.sim.leftovers import leftovers


async def wait() -> None:
    await kernel.Waitable()


async def end() -> None:
    await kernel.sleep(1)


def test_what_is_left_of_a_native_program() -> None:
    left: list[Any] = []

    async def main() -> None:
        await kernel.spawn(wait(), name="b")
        await kernel.spawn(wait(), name="a")
        await kernel.spawn(wait(), name="a daemon", daemon=True)
        await kernel.spawn(end(), name="one that ends")
        cancelled = await kernel.spawn(wait(), name="one that is cancelled")
        await kernel.sleep(2)
        cancelled.cancel()
        left.extend(leftovers(machine, machine.current))

    with Kernel(clock=VirtualClock()) as machine:
        machine.run(main())
    assert [task.name for task in left] == ["a", "b"]


def test_a_native_program_that_waits_for_its_tasks_leaves_nothing() -> None:
    left: list[Any] = []

    async def main() -> None:
        async with kernel.TaskGroup() as group:
            await group.spawn(end())
        left.extend(leftovers(machine, machine.current))

    with Kernel(clock=VirtualClock()) as machine:
        machine.run(main())
    assert left == []


@pytest.mark.parametrize("waits", [True, False])
def test_what_is_left_of_a_program_of_asyncio(waits: bool) -> None:
    left: list[Any] = []

    async def main() -> None:
        tasks = [asyncio.create_task(asyncio.sleep(5), name=name) for name in ("b", "a")]
        daemon = await kernel.spawn(wait(), daemon=True)
        cancelled = asyncio.create_task(asyncio.sleep(5))
        await asyncio.sleep(1)
        cancelled.cancel()
        if waits:
            await asyncio.wait(tasks)
        left.extend(leftovers(loop.kernel, asyncio.current_task()))
        assert not daemon.done()

    loop = EventLoop(clock=VirtualClock())
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(main())
    assert [task.get_name() for task in left] == ([] if waits else ["a", "b"])
