"""redis-py against a Redis server: pipelines, pub/sub, blocking pops and their cancellation, a killed server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, ResponseError, WatchError

from tests.ecosystem.clean_run import run_cleanly, until
from tests.ecosystem.databases import assert_kept, killed_under_load
from tests.ecosystem.servers import Server


@asynccontextmanager
async def client_of(server: Server, **options: Any) -> AsyncIterator[Any]:
    """A client, of an empty database."""
    async with redis.Redis(port=server.port, decode_responses=True, **options) as client:
        await client.flushall()
        yield client


@pytest.mark.library("redis", "pipelines, transactions, binary values, scripts")
def test_pipelines(redis_server: Server) -> None:
    async def main() -> None:
        async with client_of(redis_server) as client:
            async with client.pipeline(transaction=False) as pipeline:
                for number in range(5000):
                    pipeline.set(f"key:{number}", "v" * (number % 50) + str(number))
                    pipeline.get(f"key:{number}")
                answers = await pipeline.execute()
            assert answers[1::2] == ["v" * (number % 50) + str(number) for number in range(5000)]
            assert {key async for key in client.scan_iter("key:*", count=500)} == {f"key:{n}" for n in range(5000)}
            async with client.pipeline() as pipeline:
                pipeline.set("text", "no number").incr("text").set("after", "1")
                with pytest.raises(ResponseError, match="not an integer"):
                    await pipeline.execute()
            assert await client.get("after") == "1"
            assert await client.eval("return {KEYS[1], ARGV[1] * 2}", 1, "k", 21) == ["k", 42]
            async with redis.Redis(port=redis_server.port) as binary:
                blob = bytes(range(256)) * 8000
                await binary.set("blob", blob)
                assert await binary.get("blob") == blob

    run_cleanly(main(), keeps=True)


@pytest.mark.library("redis", "pipelines, transactions, binary values, scripts")
def test_optimistic_transactions_of_many_tasks(redis_server: Server) -> None:
    conflicts = 0

    async def add(client: Any, amount: int) -> None:
        nonlocal conflicts
        async with client.pipeline() as pipeline:
            while True:
                try:
                    await pipeline.watch("sum")
                    before = int(await pipeline.get("sum") or 0)
                    pipeline.multi()
                    pipeline.set("sum", before + amount)
                    await pipeline.execute()
                    return
                except WatchError:
                    conflicts += 1

    async def main() -> None:
        async with client_of(redis_server) as client:
            await asyncio.gather(*(add(client, amount) for amount in range(30)))
            assert int(await client.get("sum")) == sum(range(30)) and conflicts > 0

    run_cleanly(main(), keeps=True)


@pytest.mark.library("redis", "publish and subscribe")
def test_pub_sub(redis_server: Server) -> None:
    count = 400

    async def main() -> None:
        async with client_of(redis_server) as client:
            subscribed = [asyncio.Event() for _ in range(3)]

            async def listen(number: int) -> list[tuple[str, str]]:
                heard: list[tuple[str, str]] = []
                async with client.pubsub() as channel:
                    await (channel.psubscribe("news.*") if number == 0 else channel.subscribe("news.a"))
                    async for message in channel.listen():
                        if message["type"] in ("subscribe", "psubscribe"):
                            subscribed[number].set()
                        elif message["data"] == "end":
                            return heard
                        else:
                            heard.append((message["channel"], message["data"]))
                return heard

            listeners = [asyncio.create_task(listen(number)) for number in range(3)]
            for event in subscribed:
                await event.wait()
            for number in range(count):
                expected = 3 if number % 2 == 0 else 1
                assert await client.publish("news.a" if number % 2 == 0 else "news.b", number) == expected
            assert await client.publish("news.a", "end") == 3
            everything, *others = await asyncio.gather(*listeners)
            assert everything == [(f"news.{'ab'[number % 2]}", str(number)) for number in range(count)]
            assert others == [[("news.a", str(number)) for number in range(0, count, 2)]] * 2

            async with client.pubsub() as channel:
                await channel.subscribe("quiet")
                assert (await channel.get_message(timeout=5))["type"] == "subscribe"
                assert await channel.get_message(ignore_subscribe_messages=True, timeout=0.02) is None
                waiting = asyncio.create_task(channel.get_message(timeout=None))
                await asyncio.sleep(0.01)
                waiting.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await waiting
            assert await client.pubsub_channels() == []

    run_cleanly(main(), keeps=True)


@pytest.mark.library("redis", "blocking pops, and their cancellation")
def test_blocking_pops(redis_server: Server) -> None:
    async def main() -> None:
        async with client_of(redis_server) as client:
            async def work() -> list[int]:
                done = []
                while (item := (await client.blpop(["urgent", "work"], timeout=0))[1]) != "end":
                    done.append(int(item))
                return done

            workers = [asyncio.create_task(work()) for _ in range(8)]
            await until(lambda: blocked(client, 8))
            for number in range(500):
                await client.rpush("work" if number % 5 else "urgent", number)
            await client.rpush("work", *["end"] * 8)
            done = await asyncio.gather(*workers)
            assert sorted(sum(done, [])) == list(range(500))
            assert await client.blpop("work", timeout=0.05) is None

    run_cleanly(main(), keeps=True)


@pytest.mark.library("redis", "blocking pops, and their cancellation")
def test_a_cancelled_pop_takes_nothing(redis_server: Server) -> None:
    async def main() -> None:
        async with client_of(redis_server) as client:
            for _ in range(5):
                waiting = [asyncio.create_task(client.blpop("work", timeout=0)) for _ in range(4)]
                await until(lambda: blocked(client, 4))
                for task in waiting[:3]:
                    task.cancel()
                ended = await asyncio.gather(*waiting[:3], return_exceptions=True)
                assert all(isinstance(error, asyncio.CancelledError) for error in ended)
                await until(lambda: blocked(client, 1))  # those cancelled have hung up
                await client.rpush("work", "item")
                assert await waiting[3] == ("work", "item")
            with pytest.raises(asyncio.TimeoutError):
                async with asyncio.timeout(0.05):
                    await client.blpop("work", timeout=0)
            assert await client.ping() is True

    run_cleanly(main(), keeps=True)


async def blocked(client: Any, count: int) -> bool:
    return (await client.info("clients"))["blocked_clients"] == count


@pytest.mark.library("redis", "connection pool: concurrent work, exhaustion")
def test_many_tasks_over_a_pool(redis_server: Server) -> None:
    async def main() -> None:
        pool = redis.BlockingConnectionPool(port=redis_server.port, max_connections=6, timeout=20)
        async with client_of(redis_server, connection_pool=pool) as client:
            async def work(worker: int) -> None:
                for number in range(5):
                    key, value = f"{worker}:{number}", f"{worker}/{number}" * 50
                    await client.set(key, value)
                    assert await client.get(key) == value.encode()
                    await client.incr("count")

            await asyncio.gather(*map(work, range(200)))
            assert int(await client.get("count")) == 1000
            assert len(await client.client_list()) <= 6
        small = redis.ConnectionPool(port=redis_server.port, max_connections=1)
        async with redis.Redis(connection_pool=small) as client:
            waiting = asyncio.create_task(client.blpop("none", timeout=0))
            await asyncio.sleep(0.02)
            with pytest.raises(ConnectionError, match="(?i)too many connections|max"):
                await client.ping()
            waiting.cancel()
            await asyncio.wait([waiting])
            assert await client.ping()
        await small.aclose()
        await pool.aclose()

    run_cleanly(main(), keeps=True)


@pytest.mark.library("redis", "server killed and started again under load")
def test_a_killed_server(redis_server: Server) -> None:
    """The same client goes on with the new server."""

    async def main() -> None:
        once = Retry(NoBackoff(), 0)  # a command that may have been done is not to be sent again
        async with client_of(redis_server, retry=once) as client, redis.Redis(port=redis_server.port) as patient:
            popping = asyncio.create_task(client.blpop("never", timeout=0))
            channel = patient.pubsub()
            await channel.subscribe("news")
            assert (await channel.get_message(timeout=5))["type"] == "subscribe"

            async def write(number: int) -> None:
                await client.sadd("survivor", number)

            # OSError is raised while the client connects.
            async with killed_under_load(redis_server, write, ConnectionError, OSError, enough=300) as confirmed:
                with pytest.raises(ConnectionError, match="(?i)closed|reset"):
                    await popping
            assert_kept(confirmed, {int(member) for member in await client.smembers("survivor")})
            await until(lambda: heard_again(client, channel))
            await channel.aclose()

    async def heard_again(client: Any, channel: Any) -> bool:
        """Whether a subscription has been made again, as the library does by itself."""
        await client.publish("news", "after")
        message = await channel.get_message(ignore_subscribe_messages=True, timeout=0.1)
        return message is not None and message["data"] == b"after"

    run_cleanly(main(), keeps=True)
