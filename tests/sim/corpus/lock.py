"""anyio 1145: `Lock.release` leaves a cancelled task in the line of those who wait, and then the lock seems taken.

anyio 4.13.0 has the bug. The remedy came with 4.14.0.

A busy customer uses a service three times in a row, and another one gives up after half a second. When that one is
cancelled while it waits, and the busy one releases the lock before the other's next step, the lock is free, but the
line is not empty. The busy customer takes its place in the line, where nobody wakes it. It waits for ever.
"""

from __future__ import annotations

import asyncio
from typing import Any

import anyio


async def use(service: Any, times: int) -> None:
    for _ in range(times):
        async with service:
            await asyncio.sleep(0.3)


async def use_impatiently(service: Any) -> None:
    with anyio.move_on_after(0.5):
        await use(service, 1)


async def main() -> None:
    service = anyio.Lock()
    async with anyio.create_task_group() as group:
        group.start_soon(use, service, 3)
        group.start_soon(use_impatiently, service)
    assert not service.statistics().locked, "the lock was not released"
