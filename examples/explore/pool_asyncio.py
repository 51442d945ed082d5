"""A connection pool with a leak, with asyncio's names: a user may give up while the pool checks a connection.

    PYTHONPATH=. python3 examples/explore/pool_asyncio.py

`asyncio.timeout` cancels whatever the user waits for. Here that is a line in the pool that the user does not know of.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import compat


class Pool:
    """Has one connection, which one user at a time may have."""

    def __init__(self) -> None:
        self.idle: asyncio.Queue[str] = asyncio.Queue()
        self.idle.put_nowait("the connection")

    async def check(self, connection: str) -> None:
        await asyncio.sleep(0.1)  # the server is asked whether it still knows the connection

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
        async with asyncio.timeout(1), pool.connection():
            await asyncio.sleep(0.2)  # a query
    except TimeoutError:
        pass  # the user has given up


async def two_users(pool: Pool) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(use(pool))
        group.create_task(use(pool))
    assert pool.idle.qsize() == 1, "nobody has the connection, and the pool does not have it either"


if __name__ == "__main__":
    print(compat.explore(lambda: two_users(Pool()), runs=500))
    print(compat.explore(lambda: two_users(MendedPool()), strategy="exhaustive"))
