"""redis-py's client and pool with the simulated Redis: pipelines, transactions, blocking pops, subscriptions."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

from redis.asyncio import BlockingConnectionPool
from redis.asyncio import Redis as Client
from redis.exceptions import ResponseError, WatchError

from ..servers.redis import Redis
from ..servers.serving import serving as serving_streams


def serving(host: str, port: int) -> AbstractAsyncContextManager[int]:
    return serving_streams(Redis().talk, host, port)


async def pop_and_push(client: Client) -> None:
    popped = asyncio.create_task(client.blpop(["queue"], timeout=0))
    await asyncio.sleep(0.1)
    await client.rpush("queue", "first", "second")
    assert list(await popped) == ["queue", "first"]
    assert await client.lrange("queue", 0, -1) == ["second"]
    assert await client.blpop(["empty"], timeout=0.1) is None


async def publish(client: Client) -> None:
    async with client.pubsub() as subscriber:
        await subscriber.subscribe("news")
        await subscriber.psubscribe("n*")
        messages = []
        async for message in subscriber.listen():
            messages.append((message["type"], message["data"]))
            if len(messages) == 2:  # the server has subscribed it
                assert await client.publish("news", "hello") == 2
            if len(messages) == 4:
                break
        assert messages == [("subscribe", 1), ("psubscribe", 2), ("message", "hello"), ("pmessage", "hello")], messages


async def transact(client: Client) -> None:
    async with client.pipeline() as pipeline:
        await pipeline.watch("balance")
        await client.set("balance", 9)
        pipeline.multi()
        pipeline.get("balance")
        try:
            await pipeline.execute()
            raise AssertionError("a transaction went through though its key was changed")
        except WatchError:
            pass
        assert await pipeline.set("balance", 5).incr("balance").get("balance").execute() == [True, 6, "6"]
    try:
        await client.lpush("balance", 1)
        raise AssertionError("a string was used as a list")
    except ResponseError as error:
        assert "WRONGTYPE" in str(error), error


async def use(host: str, port: int) -> None:
    for protocol in 2, 3:
        pool = BlockingConnectionPool(host=host, port=port, protocol=protocol, max_connections=3, timeout=None,
                                      socket_timeout=None, socket_connect_timeout=None, decode_responses=True)
        async with Client.from_pool(pool) as client:
            await client.flushall()
            async with client.pipeline(transaction=False) as pipeline:
                for number in range(20):
                    pipeline.set(f"key:{number}", number).get(f"key:{number}")
                assert (await pipeline.execute())[1::2] == [str(number) for number in range(20)]
            assert await asyncio.gather(*(client.get(f"key:{number}") for number in range(10))) == list("0123456789")
            await asyncio.gather(*(client.incr("counter") for _ in range(10)))
            assert await client.get("counter") == "10"
            await asyncio.gather(pop_and_push(client), transact(client))
            await publish(client)
