"""psycopg 3 against a PostgreSQL server. It watches libpq's descriptor itself, by the loop's readers and writers."""

from __future__ import annotations

import asyncio
import datetime
import decimal
import itertools
import random
from typing import Any

import asyncpg
import psycopg
import psycopg_pool
import pytest
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from tests.ecosystem.clean_run import run_cleanly, until
from tests.ecosystem.databases import Postgres, assert_kept, cancel_at_any_moment, killed_under_load, sleeping
from tests.support.paths import CERTIFICATES

SLEEP = "SELECT pg_sleep(600)"


async def connect(postgres: Postgres, **options: Any) -> Any:
    return await psycopg.AsyncConnection.connect(postgres.url, autocommit=True, **{"sslmode": "disable", **options})


def pooled(postgres: Postgres, **options: Any) -> Any:
    return psycopg_pool.AsyncConnectionPool(postgres.url, kwargs={"autocommit": True, "sslmode": "disable"}, open=False,
                                            **options)


async def value(connection: Any, query: str, *arguments: Any) -> Any:
    """The first column of the first row."""
    row = await (await connection.execute(query, arguments)).fetchone()
    return row[0]


@pytest.mark.library("psycopg", "values, prepared and binary statements, transactions, server-side cursors")
def test_values_and_cursors(postgres: Postgres) -> None:
    values = [-2**63, 0.1, decimal.Decimal("12345678901234567890.000001"), "naïve 漢字 \n", None, True, [[1, 2], [3, 4]],
              random.Random(1).randbytes(1_000_000), datetime.timedelta(days=-1, microseconds=1),
              datetime.datetime(2000, 2, 29, 23, 59, 59, 999999, datetime.timezone.utc)]

    async def main() -> None:
        async with await connect(postgres) as connection:
            for sent in values:
                for binary in False, True:
                    cursor = connection.cursor(binary=binary)
                    await cursor.execute("SELECT %s AS sent", [sent], prepare=True)
                    assert await cursor.fetchone() == (sent,)
            assert await value(connection, "SELECT %s -> 'a'", Jsonb({"a": [1, None, "x"]})) == [1, None, "x"]
            async with connection.transaction(), connection.cursor("streamed", row_factory=dict_row) as cursor:
                cursor.itersize = 700
                await cursor.execute("SELECT i, i * i AS square FROM generate_series(1, 5000) AS i")
                rows = [row async for row in cursor]
            assert rows == [{"i": i, "square": i * i} for i in range(1, 5001)]
            streamed = [row[0] async for row in connection.cursor().stream("SELECT generate_series(1, 1000)")]
            assert streamed == list(range(1, 1001))
            with pytest.raises(psycopg.errors.DivisionByZero, match="division by zero"):
                await connection.execute("SELECT 1 / %s", [0])
            # Of two at a time the second waits, as psycopg promises.
            first, second = await asyncio.gather(value(connection, "SELECT 1"), value(connection, "SELECT 2"))
            assert (first, second) == (1, 2)

    run_cleanly(main(), keeps=True)


@pytest.mark.library("psycopg", "values, prepared and binary statements, transactions, server-side cursors")
def test_transactions(postgres: Postgres) -> None:
    async def main() -> None:
        async with await connect(postgres) as one, await connect(postgres) as other:
            await one.execute("DROP TABLE IF EXISTS account")
            await one.execute("CREATE TABLE account (name text PRIMARY KEY, sum int)")
            await one.execute("INSERT INTO account VALUES ('a', 100), ('b', 0)")
            with pytest.raises(ZeroDivisionError):
                async with one.transaction():
                    await one.execute("UPDATE account SET sum = 1000")
                    assert await value(other, "SELECT sum(sum) FROM account") == 100  # not to be seen yet
                    raise ZeroDivisionError
            async with one.transaction():
                await one.execute("UPDATE account SET sum = sum - 40 WHERE name = 'a'")
                with pytest.raises(psycopg.errors.UniqueViolation):
                    async with one.transaction():  # a savepoint
                        await one.execute("UPDATE account SET sum = 7")
                        await one.execute("INSERT INTO account VALUES ('a', 0)")
                await one.execute("UPDATE account SET sum = sum + 40 WHERE name = 'b'")
            rows = await (await other.execute("SELECT * FROM account ORDER BY name")).fetchall()
            assert rows == [("a", 60), ("b", 40)]

    run_cleanly(main(), keeps=True)


@pytest.mark.library("psycopg", "pipeline mode")
def test_pipeline(postgres: Postgres) -> None:
    async def main() -> None:
        async with await connect(postgres) as connection:
            await connection.execute("CREATE TEMP TABLE thing (id int PRIMARY KEY, data text)")
            async with connection.pipeline():
                async with connection.transaction():
                    cursors = [await connection.execute("INSERT INTO thing VALUES (%s, %s) RETURNING id * 2",
                                                        [number, "x" * (number % 100 * 100)]) for number in range(2000)]
                    assert [(await cursor.fetchone())[0] for cursor in cursors] == list(range(0, 4000, 2))
            with pytest.raises(psycopg.errors.UniqueViolation):
                async with connection.pipeline() as pipeline:
                    await connection.execute("INSERT INTO thing VALUES (2000, 'a')")
                    await connection.execute("INSERT INTO thing VALUES (1999, 'b')")
                    late = await connection.execute("INSERT INTO thing VALUES (2001, 'c')")
                    await pipeline.sync()
                    with pytest.raises(psycopg.errors.PipelineAborted):
                        await late.fetchone()
            assert await value(connection, "SELECT count(*) FROM thing") == 2000
            assert await value(connection, "SELECT sum(length(data)) FROM thing") == 20 * sum(range(0, 10_000, 100))

            async def ask(number: int) -> int:
                return await value(connection, "SELECT %s::int", number)

            async with connection.pipeline():  # one connection for many tasks at a time
                assert await asyncio.gather(*map(ask, range(200))) == list(range(200))

    run_cleanly(main(), keeps=True)


@pytest.mark.library("psycopg", "COPY in and out, LISTEN/NOTIFY")
def test_copy(postgres: Postgres) -> None:
    records = [(number, f"name {number}\t\\", number % 3 == 0) for number in range(20_000)]

    async def main() -> None:
        async with await connect(postgres) as connection:
            await connection.execute("CREATE TEMP TABLE thing (id int, name text, good bool)")
            cursor = connection.cursor()
            async with cursor.copy("COPY thing FROM STDIN") as copy:
                for record in records:
                    await copy.write_row(record)
            assert cursor.rowcount == 20_000
            async with cursor.copy("COPY (SELECT * FROM thing ORDER BY id) TO STDOUT (FORMAT binary)") as copy:
                copy.set_types(["int4", "text", "bool"])
                assert [row async for row in copy.rows()] == records
            with pytest.raises(LookupError):
                async with cursor.copy("COPY thing FROM STDIN") as copy:
                    await copy.write_row((1, "not to be kept", True))
                    raise LookupError
            with pytest.raises(psycopg.errors.InvalidTextRepresentation, match="not a number"):
                async with cursor.copy("COPY thing FROM STDIN") as copy:
                    await copy.write(b"not a number\tx\tt\n")
            assert await value(connection, "SELECT sum(id) FROM thing") == sum(range(20_000))

    run_cleanly(main(), keeps=True)


@pytest.mark.library("psycopg", "COPY in and out, LISTEN/NOTIFY")
def test_notifications(postgres: Postgres) -> None:
    async def main() -> None:
        async with await connect(postgres) as listening, await connect(postgres) as telling:
            await listening.execute("LISTEN news")
            pid = telling.info.backend_pid

            async def hear() -> list[tuple[int, str]]:
                heard = []
                async for notification in listening.notifies(stop_after=300):
                    heard.append((notification.pid, notification.payload))
                return heard

            async def tell() -> None:
                for number in range(300):
                    await telling.execute("SELECT pg_notify('news', %s)", [str(number)])

            heard, _ = await asyncio.gather(hear(), tell())
            assert heard == [(pid, str(number)) for number in range(300)]
            assert [each async for each in listening.notifies(timeout=0.02)] == []
            waiting = asyncio.create_task(hear())
            await asyncio.sleep(0.01)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert await value(listening, "SELECT 1") == 1

    run_cleanly(main(), keeps=True)


@pytest.mark.library("psycopg", "cancellation of running queries")
def test_a_cancelled_query_is_cancelled_in_the_server(postgres: Postgres) -> None:
    async def main() -> None:
        observer = await asyncpg.connect(**postgres.arguments)
        async with await connect(postgres) as connection:
            pid = connection.info.backend_pid
            for _ in range(3):
                task = asyncio.create_task(connection.execute(SLEEP))
                await until(lambda: sleeping(observer, 1))
                task.cancel("enough")
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert await value(connection, "SELECT pg_backend_pid()") == pid
                assert await sleeping(observer, 0)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3), connection.transaction():
                    await connection.execute(SLEEP)
            assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
            task = asyncio.create_task(connection.execute(SLEEP))
            await until(lambda: sleeping(observer, 1))
            await connection.cancel_safe()
            with pytest.raises(psycopg.errors.QueryCanceled):
                await task
            assert await value(connection, "SELECT 5") == 5
        await observer.close()

    run_cleanly(main(), keeps=True)


@pytest.mark.library("psycopg-pool", "concurrent work, cancellation, exhaustion, server killed and started again")
def test_a_pool_recovers_from_cancellations_at_any_moment(postgres: Postgres) -> None:
    async def main() -> None:
        async with pooled(postgres, min_size=2, max_size=4) as pool:
            async def work(number: int) -> int:
                async with pool.connection() as connection, connection.transaction():
                    await connection.execute(f"SELECT pg_sleep({number % 3 / 1000})")
                    return await value(connection, "SELECT %s::int", number)

            await cancel_at_any_moment(work, rounds=5)
            held = [await pool.getconn() for _ in range(4)]
            with pytest.raises(psycopg_pool.PoolTimeout):
                await pool.getconn(timeout=0.02)
            for connection in held:
                await pool.putconn(connection)

    run_cleanly(main(), keeps=True)


@pytest.mark.library("psycopg-pool", "concurrent work, cancellation, exhaustion, server killed and started again")
def test_many_tasks_over_a_pool(postgres: Postgres) -> None:
    async def main() -> None:
        async with pooled(postgres, min_size=8, max_size=8) as pool:
            async with pool.connection() as connection:
                await connection.execute("DROP TABLE IF EXISTS work")
                await connection.execute("CREATE TABLE work (id int PRIMARY KEY, worker int, data text)")

            async def work(worker: int) -> set[int]:
                pids = set()
                for number in range(5):
                    async with pool.connection() as connection:
                        row = (worker * 5 + number, worker, f"{worker}/{number}" * 100)
                        await connection.execute("INSERT INTO work VALUES (%s, %s, %s)", row)
                        cursor = await connection.execute("SELECT * FROM work WHERE id = %s", row[:1])
                        assert await cursor.fetchall() == [row]
                        pids.add(connection.info.backend_pid)
                return pids

            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(work(worker)) for worker in range(200)]
            assert len(set(itertools.chain.from_iterable(task.result() for task in tasks))) == 8
            async with pool.connection() as connection:
                rows = await (await connection.execute("SELECT id, worker, data FROM work ORDER BY id")).fetchall()
            assert rows == [(w * 5 + n, w, f"{w}/{n}" * 100) for w in range(200) for n in range(5)]

    run_cleanly(main(), keeps=True)


@pytest.mark.library("psycopg", "TLS with a verified certificate")
def test_tls(postgres: Postgres) -> None:
    async def main() -> None:
        authority = str(CERTIFICATES / "authority.pem")
        async with await connect(postgres, sslmode="verify-full", sslrootcert=authority) as connection:
            query = "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl"
            assert await value(connection, query) == "TLSv1.3"
            # What OpenSSL has decrypted and libpq not yet read does not make the descriptor ready.
            blob = "x" * 1_000_000
            assert await value(connection, "SELECT %s || 'y'", blob) == blob + "y"
            async with connection.pipeline():
                cursors = [await connection.execute("SELECT repeat('z', 100000)") for _ in range(30)]
                for cursor in cursors:
                    assert await cursor.fetchone() == ("z" * 100_000,)
        with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
            await connect(postgres, sslmode="verify-full", sslrootcert="system")

    run_cleanly(main(), keeps=True)


@pytest.mark.library("psycopg-pool", "concurrent work, cancellation, exhaustion, server killed and started again")
def test_a_killed_server(postgres: Postgres) -> None:
    """The same pool goes on with the new server."""

    async def main() -> None:
        async with pooled(postgres, min_size=4, max_size=6, reconnect_timeout=60) as pool:
            async with pool.connection() as connection:
                await connection.execute("DROP TABLE IF EXISTS survivor")
                await connection.execute("CREATE TABLE survivor (id int PRIMARY KEY)")

            async def sleep() -> None:
                async with pool.connection() as connection:
                    await connection.execute(SLEEP)

            async def write(number: int) -> None:
                async with pool.connection(timeout=0.2) as connection:
                    await connection.execute("INSERT INTO survivor VALUES (%s)", [number])

            waiting = asyncio.create_task(sleep())
            lost = psycopg.OperationalError, psycopg_pool.PoolTimeout
            async with killed_under_load(postgres, write, *lost) as confirmed:
                with pytest.raises(psycopg.OperationalError, match="server closed the connection"):
                    await waiting
            async with pool.connection() as connection:
                stored = {row[0] async for row in await connection.execute("SELECT id FROM survivor")}
            assert_kept(confirmed, stored)

    run_cleanly(main(), keeps=True)
