"""A counter that loses an update: it reads a number, waits, and writes that number plus one.

    PYTHONPATH=. python3 examples/explore/counter.py

A visitor comes each second, and it takes 0.3 seconds to count one. So every test of this counter passes. When the
machine is held up for a second, two visitors read the same number, and one of them is not counted. The mend is a lock.
"""

import kernel
from kernel import Lock, TaskGroup, sleep


class Counter:
    """Counts visitors in a database."""

    visitors = 0  # in the database

    async def read(self) -> int:
        await sleep(0.1)  # the way to the database and back
        return self.visitors

    async def write(self, visitors: int) -> None:
        await sleep(0.2)
        self.visitors = visitors

    async def count(self) -> None:
        visitors = await self.read()
        await self.write(visitors + 1)


class MendedCounter(Counter):
    """Counts one visitor at a time."""

    def __init__(self) -> None:
        self.lock = Lock()

    async def count(self) -> None:
        async with self.lock:
            await super().count()


async def three_visitors(counter: Counter) -> None:
    async with TaskGroup() as group:
        for _ in range(3):
            await group.spawn(counter.count())
            await sleep(1)
    assert counter.visitors == 3, f"3 visitors came, and {counter.visitors} were counted"


if __name__ == "__main__":
    print(kernel.explore(lambda: three_visitors(Counter()), runs=500))
    print(kernel.explore(lambda: three_visitors(MendedCounter()), strategy="exhaustive"))
