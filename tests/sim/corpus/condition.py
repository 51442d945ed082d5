"""CPython 112202: a task that `asyncio.Condition` has notified keeps the notification when it is cancelled.

Python 3.11 and 3.12.1 have the bug. The remedy came with Python 3.13.

Three customers share a pool that has one connection. One of them gives up after half a second. When the connection has
come back, the pool notifies that customer. If the customer gives up before its next step, nobody tells the one behind
it that the connection is free. That one waits for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Pool:
    """Connections, of which each has one user at a time."""

    def __init__(self, size: int, returned: asyncio.Condition) -> None:
        self.free = size
        self._returned = returned

    async def take(self) -> None:
        async with self._returned:
            while not self.free:
                await self._returned.wait()
            self.free -= 1

    async def give(self) -> None:
        async with self._returned:
            self.free += 1
            self._returned.notify()


async def query(pool: Pool) -> None:
    await pool.take()
    try:
        await asyncio.sleep(0.3)
    finally:
        await pool.give()


async def impatient_query(pool: Pool) -> None:
    try:
        async with asyncio.timeout(0.5):
            await query(pool)
    except TimeoutError:
        pass


async def main(condition: Callable[[], asyncio.Condition] = asyncio.Condition) -> None:
    pool = Pool(1, condition())
    await asyncio.gather(query(pool), impatient_query(pool), query(pool))
    assert pool.free == 1, "a connection got lost"
