"""A connection pool with a leak: it checks a connection before it hands it out, and a user may give up just then.

    PYTHONPATH=. python3 examples/explore/pool.py

There is one connection. Two users want it, and each gives up after a second. On an idle machine nobody has to. When the
machine is held up, the second user may give up while the pool checks the connection. Then no task gives the connection
back, and the pool stays empty. The mend is a `try` that begins before the check.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import kernel
from kernel import Queue, TaskGroup, sleep, timeout


class Pool:
    """Has one connection, which one user at a time may have."""

    def __init__(self) -> None:
        self.idle: Queue[str] = Queue()
        self.idle.put_nowait("the connection")

    async def check(self, connection: str) -> None:
        await sleep(0.1)  # the server is asked whether it still knows the connection

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[str]:
        connection = await self.idle.get()
        await self.check(connection)
        try:
            yield connection
        finally:
            self.idle.put_nowait(connection)


class MendedPool(Pool):
    """Puts the connection back also when the check does not end."""

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[str]:
        connection = await self.idle.get()
        try:
            await self.check(connection)
            yield connection
        finally:
            self.idle.put_nowait(connection)


async def use(pool: Pool) -> None:
    try:
        async with timeout(1), pool.connection():
            await sleep(0.2)  # a query
    except TimeoutError:
        pass  # the user has given up


async def two_users(pool: Pool) -> None:
    async with TaskGroup() as group:
        await group.spawn(use(pool))
        await group.spawn(use(pool))
    assert pool.idle.qsize() == 1, "nobody has the connection, and the pool does not have it either"


if __name__ == "__main__":
    print(kernel.explore(lambda: two_users(Pool()), runs=500))
    print(kernel.explore(lambda: two_users(MendedPool()), strategy="exhaustive"))
