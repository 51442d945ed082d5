"""Groups in a group, and a circle of waits: two tasks have taken two locks in different orders, another awaits one."""

from __future__ import annotations

from typing import Any

from kernel import Lock, Task, TaskGroup, sleep, spawn
from kernel.insight import snapshot


async def take_both(first: Lock, second: Lock) -> None:
    async with first:
        await sleep(1)
        async with second:
            raise AssertionError("nobody comes here")


async def await_it(task: Task[None]) -> None:
    await task


async def observe(seen: list[dict[str, Any]]) -> None:
    await sleep(2)
    seen.append(snapshot())


async def main(seen: list[dict[str, Any]]) -> None:
    left, right = Lock(), Lock()
    await spawn(observe(seen), daemon=True)
    async with TaskGroup() as outer:
        async with TaskGroup() as inner:
            one = await inner.spawn(take_both(left, right), name="one")
            await inner.spawn(take_both(right, left), name="other")
            await outer.spawn(await_it(one))
