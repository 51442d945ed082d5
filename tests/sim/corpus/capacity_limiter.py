"""anyio 947: a task that `CapacityLimiter` has woken keeps the token when it is cancelled.

anyio 4.9.0 has the bug. The remedy came with 4.10.0.

Three customers use a service that serves one at a time. One of them gives up after half a second. When the limiter has
woken that customer, and it gives up before its next step, nobody wakes the one behind it. That one waits for ever.
"""

from __future__ import annotations

import asyncio
from typing import Any

import anyio


async def use(service: Any) -> None:
    async with service:
        await asyncio.sleep(0.3)


async def use_impatiently(service: Any) -> None:
    try:
        async with asyncio.timeout(0.5):
            await use(service)
    except TimeoutError:
        pass


async def main() -> None:
    service = anyio.CapacityLimiter(1)
    await asyncio.gather(use(service), use_impatiently(service), use(service))
    assert service.available_tokens == 1, "a token got lost"
