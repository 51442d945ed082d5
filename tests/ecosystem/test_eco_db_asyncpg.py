"""asyncpg against a PostgreSQL server: what comes back, what is cancelled, and what a killed server does to it."""

from __future__ import annotations

import asyncio
import datetime
import decimal
import itertools
import random
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from tests.ecosystem.clean_run import run_cleanly, until
from tests.ecosystem.databases import Postgres, assert_kept, cancel_at_any_moment, killed_under_load, sleeping
from tests.support.tls import client_context

SLEEP = "SELECT pg_sleep(600)"
# Ways to say that the server is gone, or is not back yet.
LOST = (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.CannotConnectNowError)


@asynccontextmanager
async def connected(postgres: Postgres) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(**postgres.arguments)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.mark.library("asyncpg", "prepared statements, types, transactions, cursors")
def test_values_and_prepared_statements(postgres: Postgres) -> None:
    values: list[tuple[str, Any]] = [
        ("int8", -2**63), ("float8", 0.1), ("numeric", decimal.Decimal("12345678901234567890.000001")),
        ("text", "naïve 漢字 \n"), ("bytea", random.Random(1).randbytes(1_000_000)), ("int4[]", [[1, 2], [3, None]]),
        ("timestamptz", datetime.datetime(2000, 2, 29, 23, 59, 59, 999999, datetime.timezone.utc)),
        ("interval", datetime.timedelta(days=-1, microseconds=1)), ("int4range", asyncpg.Range(1, 10)),
        ("bool", None)]

    async def main() -> None:
        async with connected(postgres) as connection:
            for kind, value in values:
                statement = await connection.prepare(f"SELECT $1::{kind}")
                assert await statement.fetchval(value) == value, kind
                assert statement.get_parameters()[0].name == kind
            squares = await connection.prepare("SELECT i, i * i AS square FROM generate_series(1, $1::int) AS i")
            rows = await squares.fetch(46_000)
            assert len(rows) == 46_000 and all(row["square"] == row["i"] ** 2 for row in rows)
            with pytest.raises(asyncpg.DivisionByZeroError, match="division by zero"):
                await connection.fetchval("SELECT 1 / $1::int", 0)
            first = asyncio.create_task(connection.fetchval("SELECT 1"))
            await asyncio.sleep(0)
            with pytest.raises(asyncpg.InterfaceError, match="another operation is in progress"):
                await connection.fetchval("SELECT 2")
            assert await first == 1

    run_cleanly(main(), keeps=True)


@pytest.mark.library("asyncpg", "prepared statements, types, transactions, cursors")
def test_transactions(postgres: Postgres) -> None:
    async def main() -> None:
        async with connected(postgres) as one, connected(postgres) as other:
            await one.execute("DROP TABLE IF EXISTS account; CREATE TABLE account (name text PRIMARY KEY, sum int);"
                              "INSERT INTO account VALUES ('a', 100), ('b', 0)")
            with pytest.raises(ZeroDivisionError):
                async with one.transaction():
                    await one.execute("UPDATE account SET sum = 1000")
                    assert await other.fetchval("SELECT sum(sum) FROM account") == 100  # not to be seen yet
                    raise ZeroDivisionError
            async with one.transaction():
                await one.execute("UPDATE account SET sum = sum - 40 WHERE name = 'a'")
                with pytest.raises(asyncpg.UniqueViolationError):
                    async with one.transaction():  # a savepoint
                        await one.execute("UPDATE account SET sum = 7")
                        await one.execute("INSERT INTO account VALUES ('a', 0)")
                await one.execute("UPDATE account SET sum = sum + 40 WHERE name = 'b'")
                cursor = [row["sum"] async for row in one.cursor("SELECT sum FROM account ORDER BY name", prefetch=1)]
                assert cursor == [60, 40]
            assert await other.fetch("SELECT * FROM account ORDER BY name") == [("a", 60), ("b", 40)]
            with pytest.raises(asyncpg.SerializationError):  # of two that cannot both have been first, one fails
                async with one.transaction(isolation="serializable"):
                    await one.fetch("SELECT sum(sum) FROM account")
                    async with other.transaction(isolation="serializable"):
                        await other.fetch("SELECT sum(sum) FROM account")
                        await other.execute("UPDATE account SET sum = sum + 1 WHERE name = 'a'")
                    await one.execute("UPDATE account SET sum = sum + 1 WHERE name = 'b'")
            assert await one.fetchval("SELECT sum(sum) FROM account") == 101

    run_cleanly(main(), keeps=True)


@pytest.mark.library("asyncpg", "COPY in and out, LISTEN/NOTIFY")
def test_copy(postgres: Postgres) -> None:
    records = [(number, f"name {number}\t\\", number % 3 == 0) for number in range(30_000)]

    async def lines(count: int) -> AsyncIterator[bytes]:
        for number in range(count):
            await asyncio.sleep(0)
            yield b"%d,from a source,t\n" % number
        if count == 7:
            raise LookupError("the source has failed")

    async def main() -> None:
        async with connected(postgres) as connection:
            await connection.execute("CREATE TEMP TABLE thing (id int, name text, good bool)")
            assert await connection.copy_records_to_table("thing", records=records) == "COPY 30000"
            assert [tuple(row) for row in await connection.fetch("SELECT * FROM thing ORDER BY id")] == records

            received = bytearray()

            async def receive(data: bytes) -> None:
                await asyncio.sleep(0)
                received.extend(data)

            query = "SELECT id, good FROM thing WHERE id < $1 ORDER BY id"
            assert await connection.copy_from_query(query, 20_000, output=receive, format="csv") == "COPY 20000"
            assert received.decode().splitlines() == [f"{i},{'t' if good else 'f'}" for i, _, good in records[:20_000]]

            await connection.execute("TRUNCATE thing")
            assert await connection.copy_to_table("thing", source=lines(1000), format="csv") == "COPY 1000"
            with pytest.raises(LookupError):
                await connection.copy_to_table("thing", source=lines(7), format="csv")
            assert await connection.fetchval("SELECT sum(id) FROM thing") == sum(range(1000))

    run_cleanly(main(), keeps=True)


@pytest.mark.library("asyncpg", "COPY in and out, LISTEN/NOTIFY")
def test_notifications_come_in_order_between_queries(postgres: Postgres) -> None:
    async def main() -> None:
        heard: asyncio.Queue[tuple[int, str, str]] = asyncio.Queue()
        async with connected(postgres) as listening, connected(postgres) as telling:
            def hear(connection: Any, pid: int, channel: str, payload: str) -> None:
                assert connection is listening
                heard.put_nowait((pid, channel, payload))

            await listening.add_listener("news", hear)

            async def tell() -> None:
                for number in range(300):
                    await telling.execute("SELECT pg_notify('news', $1)", str(number))

            async def work() -> list[int]:
                return [await listening.fetchval("SELECT $1::int", number) for number in range(300)]

            _, answers = await asyncio.gather(tell(), work())
            assert answers == list(range(300))
            pid = telling.get_server_pid()
            assert [await heard.get() for _ in range(300)] == [(pid, "news", str(number)) for number in range(300)]
            await listening.remove_listener("news", hear)
            await telling.execute("NOTIFY news, 'unheard'")
            assert await listening.fetchval("SELECT 1") == 1 and heard.empty()

    run_cleanly(main(), keeps=True)


@pytest.mark.library("asyncpg", "cancellation and time limits of running queries")
def test_a_cancelled_query_is_cancelled_in_the_server(postgres: Postgres) -> None:
    async def main() -> None:
        async with connected(postgres) as observer, connected(postgres) as connection:
            pid = connection.get_server_pid()
            for _ in range(3):
                task = asyncio.create_task(connection.fetch(SLEEP))
                await until(lambda: sleeping(observer, 1))
                task.cancel("enough")
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert await connection.fetchval("SELECT pg_backend_pid()") == pid
                assert await sleeping(observer, 0)
            with pytest.raises(TimeoutError):
                await connection.fetch(SLEEP, timeout=0.3)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    async with connection.transaction():
                        await connection.fetch(SLEEP)
            assert not connection.is_in_transaction()
            assert await connection.fetchval("SELECT 5") == 5

    run_cleanly(main(), keeps=True)


@pytest.mark.library("asyncpg", "cancellation and time limits of running queries")
def test_a_pool_recovers_from_cancellations_at_any_moment(postgres: Postgres) -> None:
    async def main() -> None:
        async with asyncpg.create_pool(**postgres.arguments, min_size=2, max_size=4) as pool:
            async def work(number: int) -> int:
                async with pool.acquire() as connection, connection.transaction():
                    await connection.execute(f"SELECT pg_sleep({number % 3 / 1000})")
                    return await connection.fetchval("SELECT $1::int", number)

            await cancel_at_any_moment(work, rounds=6)
            assert pool.get_idle_size() == pool.get_size() <= 4

    # asyncpg makes a connection to cancel a query.
    run_cleanly(main(), keeps=True, leaves="unexpected connection_lost() call")


@pytest.mark.library("asyncpg", "pool: concurrent work, every row verified")
def test_many_tasks_over_a_pool(postgres: Postgres) -> None:
    async def main() -> None:
        async with asyncpg.create_pool(**postgres.arguments, min_size=8, max_size=8) as pool:
            await pool.execute("DROP TABLE IF EXISTS work;"
                               "CREATE TABLE work (id int PRIMARY KEY, worker int, data text)")

            async def work(worker: int) -> set[int]:
                pids = set()
                for number in range(5):
                    async with pool.acquire() as connection:
                        data = f"{worker}/{number}"
                        key = await connection.fetchval("INSERT INTO work VALUES ($1, $2, $3) RETURNING id",
                                                        worker * 5 + number, worker, data * 100)
                        row = await connection.fetchrow("SELECT * FROM work WHERE id = $1", key)
                        assert tuple(row) == (worker * 5 + number, worker, data * 100)
                        pids.add(connection.get_server_pid())
                return pids

            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(work(worker)) for worker in range(300)]
            assert len(set(itertools.chain.from_iterable(task.result() for task in tasks))) == 8
            rows = await pool.fetch("SELECT id, worker, length(data) FROM work ORDER BY id")
            assert rows == [(w * 5 + n, w, 100 * len(f"{w}/{n}")) for w in range(300) for n in range(5)]

    run_cleanly(main(), keeps=True)


@pytest.mark.library("asyncpg", "TLS with a verified certificate")
def test_tls(postgres: Postgres) -> None:
    async def main() -> None:
        query = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl"
        secure = postgres.arguments | {"ssl": client_context()}
        async with asyncpg.create_pool(**secure, min_size=1, max_size=3) as pool:
            assert await pool.fetchval(query) == "TLSv1.3"
            blobs = await asyncio.gather(*(pool.fetchval("SELECT repeat($1, 300000)", letter) for letter in "abcdef"))
            assert blobs == [letter * 300_000 for letter in "abcdef"]
        with pytest.raises(ssl.SSLCertVerificationError, match="certificate verify failed"):
            await asyncpg.connect(**postgres.arguments | {"ssl": ssl.create_default_context()})

    run_cleanly(main(), keeps=True)


@pytest.mark.library("asyncpg", "server killed and started again under load")
def test_a_killed_server(postgres: Postgres) -> None:
    """The same pool goes on with the new server."""

    async def main() -> None:
        async with asyncpg.create_pool(**postgres.arguments, min_size=4, max_size=6) as pool:
            await pool.execute("DROP TABLE IF EXISTS survivor; CREATE TABLE survivor (id int PRIMARY KEY)")
            waiting = asyncio.create_task(pool.fetch(SLEEP))

            async def write(number: int) -> None:
                await pool.execute("INSERT INTO survivor VALUES ($1)", number)

            async with killed_under_load(postgres, write, *LOST) as confirmed:
                with pytest.raises(LOST) as lost:
                    await waiting
                assert "connection was closed" in str(lost.value)
            assert_kept(confirmed, {row["id"] for row in await pool.fetch("SELECT id FROM survivor")})

    run_cleanly(main(), keeps=True)
