"""aiomqtt's client, on paho's with its raw sockets, with the simulated broker: qualities, wildcards, retained."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

from aiomqtt import Client, Will

from ..servers.mqtt import Mqtt
from ..servers.serving import serving as serving_streams


def serving(host: str, port: int) -> AbstractAsyncContextManager[int]:
    return serving_streams(Mqtt().talk, host, port)


async def next_messages(client: Client, count: int) -> list[tuple[str, bytes, bool]]:
    messages = []
    async for message in client.messages:
        messages.append((str(message.topic), message.payload, message.retain))
        if len(messages) == count:
            break
    return messages


async def use(host: str, port: int) -> None:
    async with Client(host, port, timeout=60, will=Will("rooms/bob", b"gone", 1)) as ann:
        await ann.publish("rooms/ann", b"here", qos=1, retain=True)
        async with Client(host, port, timeout=60) as bob:
            await bob.subscribe("rooms/#", qos=2)
            assert await next_messages(bob, 1) == [("rooms/ann", b"here", True)]
            for quality in 0, 1, 2:
                await ann.publish(f"rooms/{quality}", b"%d" % quality * 1000, qos=quality)
            assert await next_messages(bob, 3) == [(f"rooms/{n}", b"%d" % n * 1000, False) for n in range(3)]
            await asyncio.gather(*(ann.publish("rooms/all", b"%d" % number, qos=1) for number in range(5)))
            assert sorted(await next_messages(bob, 5)) == [("rooms/all", b"%d" % n, False) for n in range(5)]
            await bob.unsubscribe("rooms/#")
