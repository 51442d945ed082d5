"""aiosqlite: a thread for each connection, which answers by the loop's `call_soon_threadsafe`."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import aiosqlite
import pytest

from tests.ecosystem.clean_run import run_cleanly, until

pytestmark = pytest.mark.library("aiosqlite", "several connections at work, iteration, cancellation, interruption")

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


def test_several_connections_at_work(tmp_path: Path) -> None:
    threads = threading.active_count()

    async def write(worker: int) -> None:
        async with aiosqlite.connect(tmp_path / "db", timeout=30) as database:
            for number in range(20):
                await database.execute("INSERT INTO work VALUES (?, ?, ?)", (worker, number, b"x" * number))
                await database.commit()

    async def main() -> None:
        async with aiosqlite.connect(tmp_path / "db") as database:
            await database.execute("PRAGMA journal_mode = WAL")
            await database.execute("CREATE TABLE work (worker, number, data, PRIMARY KEY (worker, number))")
            await database.commit()
            await asyncio.gather(*map(write, range(8)))
            async with database.execute("SELECT * FROM work ORDER BY worker, number") as cursor:
                rows = [row async for row in cursor]
            assert rows == [(worker, number, b"x" * number) for worker in range(8) for number in range(20)]

            database.row_factory = aiosqlite.Row
            await database.create_function("twice", 1, lambda value: value * 2)
            counts = await asyncio.gather(*(
                database.execute_fetchall("SELECT twice(count(*)) AS sum FROM work WHERE number < ?", (limit,))
                for limit in range(20)))
            assert [list(rows)[0]["sum"] for rows in counts] == [16 * limit for limit in range(20)]
            with pytest.raises(sqlite3.IntegrityError, match="UNIQUE constraint failed"):
                await database.execute("INSERT INTO work VALUES (0, 0, NULL)")
            await database.rollback()
            async with aiosqlite.connect(":memory:") as copy:
                await database.backup(copy)
                assert await (await copy.execute("SELECT count(*) FROM work")).fetchone() == (160,)

    run_cleanly(main(), keeps=True)
    assert threading.active_count() == threads


def test_cancellation_and_interruption(tmp_path: Path) -> None:
    """A thread cannot be cancelled: who waits for it can, and the query by `interrupt`."""
    async def main() -> None:
        async with aiosqlite.connect(tmp_path / "db") as database:
            began = asyncio.Event()
            loop = asyncio.get_running_loop()
            await database.set_progress_handler(lambda: loop.call_soon_threadsafe(began.set) and None, 1000)
            for cancelled in True, False:
                began.clear()
                task = asyncio.create_task(database.execute_fetchall(ENDLESS))
                await began.wait()
                if cancelled:
                    task.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await task
                await database.interrupt()
                if not cancelled:
                    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
                        await task
                assert list(await database.execute_fetchall("SELECT 42")) == [(42,)]
            with pytest.raises(sqlite3.OperationalError, match="no such table"):
                await database.execute("SELECT * FROM absent")
        with pytest.raises(ValueError, match="(?i)no active connection|closed"):
            await database.execute("SELECT 1")
        await until(lambda: not any("aiosqlite" in thread.name for thread in threading.enumerate()))

    run_cleanly(main(), keeps=True)
