"""A counter that loses an update, with asyncio's names: it reads a number, waits, and writes that number plus one.

    PYTHONPATH=. python3 examples/explore/counter_asyncio.py

No library is at fault here, and no task runs out of its turn. The machine was held up for a second, and that is enough.
"""

import asyncio

import compat


class Counter:
    """Counts visitors in a database."""

    visitors = 0  # in the database

    async def read(self) -> int:
        await asyncio.sleep(0.1)  # the way to the database and back
        return self.visitors

    async def write(self, visitors: int) -> None:
        await asyncio.sleep(0.2)
        self.visitors = visitors

    async def count(self) -> None:
        visitors = await self.read()
        await self.write(visitors + 1)


class MendedCounter(Counter):
    """Counts one visitor at a time."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()

    async def count(self) -> None:
        async with self.lock:
            await super().count()


async def three_visitors(counter: Counter) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(counter.count())
            await asyncio.sleep(1)
    assert counter.visitors == 3, f"3 visitors came, and {counter.visitors} were counted"


if __name__ == "__main__":
    print(compat.explore(lambda: three_visitors(Counter()), runs=500))
    print(compat.explore(lambda: three_visitors(MendedCounter()), strategy="exhaustive"))
