"""nats-py with the simulated NATS server: wildcards, queue groups, requests, limits of subscriptions, draining."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Any

import nats
from nats.errors import NoRespondersError

from ..servers.nats import Nats
from ..servers.serving import serving as serving_streams


def serving(host: str, port: int) -> AbstractAsyncContextManager[int]:
    return serving_streams(Nats().talk, host, port)


async def reverse(message: Any) -> None:
    await message.respond(message.data[::-1])


async def use(host: str, port: int) -> None:
    url = f"nats://{host}:{port}"
    workers = [await nats.connect(url) for _ in range(2)]
    for worker in workers:
        await worker.subscribe("reverse", queue="workers", cb=reverse)
        await worker.flush()
    client = await nats.connect(url)
    answers = await asyncio.gather(*(client.request("reverse", b"a%d" % number, timeout=60) for number in range(9)))
    assert [answer.data for answer in answers] == [b"%da" % number for number in range(9)]
    try:
        await client.request("nobody", b"", timeout=60)
        raise AssertionError("a request was answered by nobody")
    except NoRespondersError:
        pass
    subscription = await client.subscribe("news.*.today")
    await client.publish("news.of.today", b"0", headers={"kind": "good"})
    first = await subscription.next_msg(timeout=60)
    assert (first.subject, first.headers) == ("news.of.today", {"kind": "good"})
    await subscription.unsubscribe(limit=4)
    for number in range(6):
        await client.publish("news.of.today", b"%d" % number)
    await client.flush()
    assert [message.data async for message in subscription.messages] == [b"0", b"1", b"2"]
    await client.drain()
    for worker in workers:
        await worker.close()
