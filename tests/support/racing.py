"""Programs with races that a legal schedule shows, native ones and asyncio's, for the tests of exploring."""

from __future__ import annotations

import asyncio

import kernel


async def native_race() -> str:
    """Work of 0.3 s in two parts, and a user who gives up after 0.5 s: must not find it half done."""
    done: list[int] = []

    async def work() -> None:
        await kernel.sleep(0.3)
        done.append(1)
        await kernel.checkpoint()
        done.append(2)

    async with kernel.TaskGroup() as group:
        task = await group.spawn(work(), name="worker")
        await kernel.sleep(0.5)
        task.cancel()
    assert len(done) != 1, "half done"
    return "well"


async def asyncio_race() -> str:
    """The same with asyncio's names."""
    done: list[int] = []

    async def work() -> None:
        await asyncio.sleep(0.3)
        done.append(1)
        await asyncio.sleep(0)
        done.append(2)

    task = asyncio.create_task(work(), name="worker")
    await asyncio.sleep(0.5)
    task.cancel()
    await asyncio.wait([task])
    assert len(done) != 1, "half done"
    return "well"
