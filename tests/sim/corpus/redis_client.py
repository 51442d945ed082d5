"""redis-py, CVE-2023-28858: a command that is cancelled leaves its reply in the connection, and the next one reads it.

redis-py 4.5.1 has the bug. Its first remedies were changed again until 4.5.5, which closes such a connection.

A customer gives up after half a second. The pool has one connection, which the next customer gets. If the reply to the
first one comes when that one has given up, it is taken for the reply to the second.
"""

from __future__ import annotations

import asyncio

from redis.asyncio import BlockingConnectionPool
from redis.asyncio import Redis as Client

from tests.sim.servers.redis import Redis
from tests.sim.servers.serving import serving


async def get_impatiently(client: Client, key: str) -> None:
    try:
        async with asyncio.timeout(0.5):
            assert await client.get(key) == key
    except TimeoutError:
        pass


async def main() -> None:
    server = Redis(delays={"GET": 0.3})
    server.values = {b"one": b"one", b"two": b"two"}
    async with serving(server.talk) as port:
        pool = BlockingConnectionPool(host="127.0.0.1", port=port, max_connections=1, decode_responses=True)
        client = Client(connection_pool=pool)
        try:
            await get_impatiently(client, "one")
            two = await client.get("two")
            assert two == "two", f"the answer to GET two was {two!r}"
        finally:
            await pool.disconnect()
