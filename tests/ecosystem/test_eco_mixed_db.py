"""Native tasks that drive aiohttp and asyncpg: the kernel's groups, queues and timeouts around asyncio's libraries."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from aiohttp import ClientSession, web

import kernel
from tests.ecosystem.clean_run import run_cleanly, until
from tests.ecosystem.databases import Postgres, sleeping

pytestmark = [pytest.mark.library(name, "driven by native kernel tasks: TaskGroup, Queue, timeout")
              for name in ("aiohttp", "asyncpg")]

ITEMS, PRODUCERS, WORKERS = 300, 4, 3


class Shop:
    """An HTTP server of items, a client of it and a database for them."""

    def __init__(self, url: str, client: Any, pool: Any) -> None:
        self.url = url
        self.client = client
        self.pool = pool
        self.hanging = 0  # requests that are not answered

    async def item(self, request: Any) -> Any:
        number = int(request.match_info["number"])
        return web.json_response({"number": number, "name": f"item {number}" * (number % 7)})

    async def hang(self, request: Any) -> None:
        # aiohttp runs a handler in a task of asyncio's own make, which knows no syscalls; the loop's tasks do.
        await asyncio.create_task(self.sleep())

    async def sleep(self) -> None:
        self.hanging += 1
        try:
            await kernel.sleep(600)
        finally:
            self.hanging -= 1


@asynccontextmanager
async def opened(postgres: Postgres) -> AsyncIterator[Shop]:
    application = web.Application()
    runner = web.AppRunner(application, handler_cancellation=True)
    shop = Shop("", None, None)
    application.router.add_get("/item/{number}", shop.item)
    application.router.add_get("/hang", shop.hang)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    shop.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with ClientSession() as shop.client, asyncpg.create_pool(**postgres.arguments, min_size=2,
                                                                       max_size=WORKERS + 1) as shop.pool:
            await shop.pool.execute("DROP TABLE IF EXISTS item; CREATE TABLE item (number int PRIMARY KEY, name text)")
            yield shop
    finally:
        await runner.cleanup()


async def produce(shop: Shop, queue: kernel.Queue[dict[str, Any]], first: int) -> None:
    """Fetch every so manieth item and put it into the queue."""
    for number in range(first, ITEMS, PRODUCERS):
        async with shop.client.get(f"{shop.url}/item/{number}") as response:
            await queue.put(await response.json())


async def store(shop: Shop, queue: kernel.Queue[dict[str, Any]]) -> int:
    """Write rows until the queue is closed; how many they were."""
    count = 0
    async for item in queue:
        await shop.pool.execute("INSERT INTO item VALUES ($1, $2)", item["number"], item["name"])
        count += 1
    return count


def store_in_generator(shop: Shop, queue: kernel.Queue[dict[str, Any]]) -> Generator[Any, Any, int]:
    """The same as a generator task, which calls the library's coroutines by yielding them."""
    count = 0
    while True:
        try:
            item = yield queue.get()
        except kernel.QueueClosed:
            return count
        yield shop.pool.execute("INSERT INTO item VALUES ($1, $2)", item["number"], item["name"])
        count += 1


def test_rows_from_the_web_into_the_database(postgres: Postgres) -> None:
    async def main() -> None:
        async with opened(postgres) as shop:
            queue: kernel.Queue[dict[str, Any]] = kernel.Queue(5)
            async with kernel.TaskGroup() as group:
                workers = [await group.spawn(store(shop, queue)) for _ in range(WORKERS - 1)]
                workers.append(await group.spawn(store_in_generator(shop, queue)))
                async with kernel.TaskGroup() as producers:
                    for first in range(PRODUCERS):
                        await producers.spawn(produce(shop, queue, first))
                queue.close()
            assert sum(worker.result() for worker in workers) == ITEMS
            assert all(worker.result() > 0 for worker in workers)
            rows = await shop.pool.fetch("SELECT number, name FROM item ORDER BY number")
            assert rows == [(number, f"item {number}" * (number % 7)) for number in range(ITEMS)]

    run_cleanly(main(), keeps=True)


def test_a_timeout_of_the_kernel_cuts_off_the_libraries(postgres: Postgres) -> None:
    """A slow query is cancelled in the server, a slow request is hung up on, and both can be used again."""
    async def query(shop: Shop) -> None:
        await shop.pool.execute("SELECT pg_sleep(600)")

    async def request(shop: Shop) -> None:
        await shop.client.get(f"{shop.url}/hang")

    async def limited(shop: Shop, action: Any, limits: list[kernel.Timeout]) -> str:
        try:
            async with kernel.timeout(600) as limit:
                limits.append(limit)
                await action(shop)
        except TimeoutError:
            assert limit.expired
            return "cut off"
        return "answered"

    async def main() -> None:
        async with opened(postgres) as shop:
            limits: list[kernel.Timeout] = []
            async with kernel.TaskGroup() as group:
                for action in (query, request) * 3:
                    await group.spawn(limited(shop, action, limits))
                await until(lambda: sleeping(shop.pool, 3))
                await until(lambda: shop.hanging == 3)
                for limit in limits:
                    limit.reschedule(await kernel.now())  # sooner than said, so that all are known to be on their way
            assert group.results() == ["cut off"] * 6
            assert await sleeping(shop.pool, 0)
            await until(lambda: shop.hanging == 0)
            async with shop.client.get(f"{shop.url}/item/3") as response:
                assert (await response.json())["number"] == 3
            assert await asyncio.gather(*(shop.pool.fetchval("SELECT $1::int", i) for i in range(9))) == list(range(9))

    run_cleanly(main(), keeps=True)


def test_a_failure_in_a_group_cancels_what_its_siblings_do_in_the_libraries(postgres: Postgres) -> None:
    async def write_twice(shop: Shop, ready: kernel.Event) -> None:
        await ready.wait()
        async with shop.pool.acquire() as connection, connection.transaction():
            await connection.execute("INSERT INTO item VALUES (1, 'one')")
            await connection.execute("INSERT INTO item VALUES (1, 'another')")

    async def ask(shop: Shop) -> None:
        await shop.client.get(f"{shop.url}/hang")

    async def sleep(shop: Shop) -> None:
        async with shop.pool.acquire() as connection, connection.transaction():
            await connection.execute("INSERT INTO item VALUES (2, 'two')")
            await connection.execute("SELECT pg_sleep(600)")

    async def main() -> None:
        async with opened(postgres) as shop:
            ready, queue = kernel.Event(), kernel.Queue[dict[str, Any]]()
            with pytest.raises(ExceptionGroup) as caught:
                async with kernel.TaskGroup() as group:
                    await group.spawn(write_twice(shop, ready))
                    siblings = [await group.spawn(code) for code in (ask(shop), sleep(shop), store(shop, queue))]
                    await until(lambda: shop.hanging == 1)
                    await until(lambda: sleeping(shop.pool, 1))
                    ready.set()
            (failure,) = caught.value.exceptions
            assert isinstance(failure, asyncpg.UniqueViolationError)
            assert all(sibling.cancelled() for sibling in siblings)
            await until(lambda: shop.hanging == 0)
            assert await sleeping(shop.pool, 0)
            assert await shop.pool.fetch("SELECT * FROM item") == []  # neither transaction has been carried out
            assert shop.pool.get_idle_size() == shop.pool.get_size()

    run_cleanly(main(), keeps=True)
