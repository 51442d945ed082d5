"""asyncpg's connections and pool with the simulated PostgreSQL: transactions, cursors, cancelled queries."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Any

import asyncpg

from ..servers.postgres import Postgres
from ..servers.serving import serving as serving_streams

ADD = "UPDATE items SET value = value + $2 WHERE key = $1 RETURNING value"
VALUE = "SELECT value FROM items WHERE key = $1"


def serving(host: str, port: int) -> AbstractAsyncContextManager[int]:
    return serving_streams(Postgres().talk, host, port)


async def transact(connection: Any) -> None:
    assert await connection.execute("INSERT INTO items VALUES ($1, $2)", "a", 5) == "INSERT 0 1"
    try:
        await connection.execute("INSERT INTO items VALUES ($1, $2)", "a", 5)
        raise AssertionError("a key was inserted twice")
    except asyncpg.UniqueViolationError:
        pass
    transaction = connection.transaction()
    await transaction.start()
    assert await connection.fetchval(ADD, "a", 1) == 6
    try:
        async with connection.transaction():  # a savepoint
            await connection.execute("DELETE FROM items WHERE key = $1", "a")
            raise KeyError
    except KeyError:
        pass
    assert await connection.fetchval(VALUE, "a") == 6
    numbers = [row["n"] async for row in
               connection.cursor("SELECT n FROM generate_series(1, $1) AS n", 120, prefetch=50)]
    assert numbers == list(range(1, 121))
    await transaction.rollback()
    assert await connection.fetch("SELECT key, value FROM items ORDER BY key") == [("a", 5)]


async def give_up(connection: Any) -> None:
    for _ in range(2):
        try:
            await connection.fetchval("SELECT pg_sleep($1)", 1000, timeout=1)
            raise AssertionError("a query that takes long has ended within its time limit")
        except TimeoutError:
            pass
        assert await connection.fetchval("SELECT $1::text", "still there") == "still there"


async def add_one(pool: Any) -> None:
    async with pool.acquire() as connection, connection.transaction():
        value = await connection.fetchval(f"{VALUE} FOR UPDATE", "a")
        await asyncio.sleep(0.01)
        assert await connection.fetchval(ADD, "a", 1) == value + 1


async def use(host: str, port: int) -> None:
    url = f"postgresql://user@{host}:{port}/database"
    connection = await asyncpg.connect(url)
    await transact(connection)
    await give_up(connection)
    await connection.close()
    async with asyncpg.create_pool(url, min_size=1, max_size=3) as pool:
        await asyncio.gather(*(add_one(pool) for _ in range(8)))
        assert await pool.fetchval(VALUE, "a") == 13
